#include "bench/scores.h"

#include <simdjson.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string_view>

#include "bench/goal_table.h"
#include "engine/json_writer.h"

namespace detectd::bench {
namespace {

constexpr std::string_view kMachine = "machine";

template <class... Values>
std::string format(const char* pattern, Values... values) {
  std::array<char, 256> text{};
  std::snprintf(text.data(), text.size(), pattern, values...);
  return text.data();
}

std::string number(double value, const char* unit) {
  const char* const pattern = value >= 1000 ? "%.0f%s" : value >= 100 ? "%.1f%s" : "%.2f%s";
  return format(pattern, value, unit);
}

// As a goal is said: no more digits than it has.
std::string goal_number(const std::optional<double>& value, const char* unit) {
  return value ? format("%.6g%s", *value, unit) : "-";
}

std::optional<double> find(const Values& values, const char* name) {
  const auto found = values.find(name);
  return found == values.end() ? std::nullopt : std::optional(found->second);
}

std::string value_or_dash(const Goal& goal, const std::optional<double>& value) {
  return value ? number(*value, goal.unit) : "-";
}

bool reaches(const Goal& goal, double value, double wanted) {
  return goal.more_is_better ? value >= wanted : value <= wanted;
}

std::string verdict(const Goal& goal, const std::optional<double>& value) {
  if (!value) return "not measured";
  if (goal.aim && reaches(goal, *value, *goal.aim)) return "ok, aim reached";
  if (goal.must) return reaches(goal, *value, *goal.must) ? "ok" : "MISSED";
  return {};
}

}  // namespace

std::string table_of(const Values& values, const Values* before) {
  std::string text = format("%-42s %14s %10s %10s  %-15s", "what", "reached", "must", "aim", "");
  if (before != nullptr) text += format(" %14s %7s", "before", "ratio");
  text += '\n';
  for (const Goal& goal : goals()) {
    const std::optional<double> value = find(values, goal.name);
    text += format("%-42s %14s %10s %10s  %-15s", goal.name, value_or_dash(goal, value).c_str(),
                   goal_number(goal.must, goal.unit).c_str(), goal_number(goal.aim, goal.unit).c_str(),
                   verdict(goal, value).c_str());
    const std::optional<double> old = before != nullptr ? find(*before, goal.name) : std::nullopt;
    if (old) text += format(" %14s", number(*old, goal.unit).c_str());
    if (old && value && *old != 0) text += format(" %7.2f", *value / *old);
    while (text.ends_with(' ')) text.pop_back();
    text += '\n';
  }
  return text;
}

std::string manual_of(const Scores& scores) {
  std::string text =
      "Measured on: " + scores.machine +
      ".\n.Bl -column \"dearest rule, on an event of its kinds,\" \"4719 ns/event\" \"50000/s\" "
      "\"90000/s\"\n.It Em what Ta Em reached Ta Em must Ta Em aim\n";
  for (const Goal& goal : goals()) {
    const std::optional<double> value = find(scores.values, goal.name);
    const bool missed = value && goal.must && !reaches(goal, *value, *goal.must);
    // A colon by itself would be punctuation.
    std::string name = goal.name;
    if (const size_t colon = name.find(" : "); colon != std::string::npos) name.insert(colon + 1, "\\&");
    text += ".It " + name + " Ta " + (missed ? "Em " : "") + value_or_dash(goal, value) + " Ta " +
            goal_number(goal.must, goal.unit) + " Ta " + goal_number(goal.aim, goal.unit) + "\n";
  }
  return text + ".El\n";
}

Status save(const Scores& scores, const std::string& path) {
  const auto quoted = [](std::string_view text) {
    JsonWriter json;
    json.string(text);
    return std::string(json.text());
  };
  std::string text = "{\n " + quoted(kMachine) + ": " + quoted(scores.machine);
  for (const auto& [name, value] : scores.values)
    text += ",\n " + quoted(name) + ": " + format("%.6g", value);
  text += "\n}\n";
  std::ofstream file(path, std::ios::binary);
  if (!(file << text).flush()) return Error{Errc::kSystem, "can not write " + path};
  return {};
}

Result<Scores> read_saved(const std::string& path) {
  Scores saved;
  simdjson::dom::parser parser;
  simdjson::dom::object values;
  if (parser.load(path).get(values)) return Error{Errc::kInput, path + " can not be read as a saved run"};
  for (const auto& [name, value] : values) {
    std::string_view machine;
    double number = 0;
    if (name == kMachine && !value.get(machine)) {
      saved.machine = machine;
    } else if (!value.get(number)) {
      saved.values.emplace(name, number);
    } else {
      return Error{Errc::kInput, path + " is no saved run: a value is no number"};
    }
  }
  return saved;
}

}  // namespace detectd::bench
