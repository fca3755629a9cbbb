#include "bench/scores.h"

#include <simdjson.h>

#include <array>
#include <cstdio>
#include <fstream>

#include "engine/json_writer.h"

namespace detectd::bench {
namespace {

template <class... Values>
std::string format(const char* pattern, Values... values) {
  std::array<char, 256> text{};
  std::snprintf(text.data(), text.size(), pattern, values...);
  return text.data();
}

std::string number(double value, const std::string& unit) {
  const char* const pattern = value >= 1000 ? "%.0f%s" : value >= 100 ? "%.1f%s" : "%.2f%s";
  return format(pattern, value, unit.c_str());
}

std::string number_or_dash(const std::optional<double>& value, const std::string& unit) {
  return value ? number(*value, unit) : "-";
}

bool reaches(const Score& score, double goal) {
  return score.more_is_better ? score.value >= goal : score.value <= goal;
}

std::string verdict(const Score& score) {
  if (score.aim && reaches(score, *score.aim)) return "ok, aim reached";
  if (score.must) return reaches(score, *score.must) ? "ok" : "MISSED";
  return {};
}

}  // namespace

std::string table_of(const std::vector<Score>& scores, const SavedScores* before) {
  std::string text = format("%-42s %12s %10s %10s  %-15s", "what", "reached", "must", "aim", "");
  if (before != nullptr) text += format(" %12s %7s", "before", "ratio");
  text += '\n';
  for (const Score& score : scores) {
    text += format("%-42s %12s %10s %10s  %-15s", score.name.c_str(), number(score.value, score.unit).c_str(),
                   number_or_dash(score.must, score.unit).c_str(),
                   number_or_dash(score.aim, score.unit).c_str(), verdict(score).c_str());
    const auto old = before != nullptr ? before->find(score.name) : SavedScores::const_iterator();
    if (before != nullptr && old != before->end() && old->second != 0) {
      text += format(" %12s %7.2f", number(old->second, score.unit).c_str(), score.value / old->second);
    }
    while (text.ends_with(' ')) text.pop_back();
    text += '\n';
  }
  return text;
}

Status save(const std::vector<Score>& scores, const std::string& path) {
  std::string text = "{";
  for (const Score& score : scores) {
    JsonWriter name;
    name.string(score.name);
    text += (text.size() > 1 ? ",\n " : "\n ") + name.text() + ": " + format("%.9g", score.value);
  }
  text += "\n}\n";
  std::ofstream file(path, std::ios::binary);
  if (!(file << text).flush()) return Error{Errc::kSystem, "can not write " + path};
  return {};
}

Result<SavedScores> read_saved(const std::string& path) {
  SavedScores saved;
  simdjson::dom::parser parser;
  simdjson::dom::object values;
  if (parser.load(path).get(values)) return Error{Errc::kInput, path + " can not be read as a saved run"};
  for (const auto& [name, value] : values) {
    double number = 0;
    if (value.get(number)) return Error{Errc::kInput, path + " is no saved run: a value is no number"};
    saved.emplace(name, number);
  }
  return saved;
}

}  // namespace detectd::bench
