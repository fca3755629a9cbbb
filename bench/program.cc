#include "bench/program.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace detectd::bench {
namespace {

constexpr std::array<std::string_view, 40> kWords = {
    "orders",  "billing", "report",  "cache",  "search",  "metrics", "gateway", "catalog",
    "session", "worker",  "invoice", "static", "media",   "archive", "index",   "queue",
    "mailer",  "profile", "audit",   "ledger", "planner", "export",  "import",  "sync",
    "backend", "portal",  "client",  "config", "parser",  "buffer",  "socket",  "render",
    "layout",  "signal",  "thread",  "matrix", "vector",  "filter",  "router",  "policy"};

void append_number(uint64_t number, int base, std::string& out) {
  std::array<char, 24> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number, base);
  out.append(digits.data(), static_cast<size_t>(end - digits.data()));
}

std::string fill_placeholders(std::string_view line, Random& random) {
  std::string text;
  while (!line.empty()) {
    if (line.size() >= 3 && line[0] == '{' && line[2] == '}') {
      switch (line[1]) {
        case 'n': append_number(random.below(20'000), 10, text); break;
        case 'h': append_number(random.next(), 16, text); break;
        default: text += kWords[random.below(kWords.size())];
      }
      line.remove_prefix(3);
      continue;
    }
    text += line[0];
    line.remove_prefix(1);
  }
  return text;
}

void append_json(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
}

// The arguments as the elements of a JSON list, and joined by blanks. Returns how many.
size_t split_arguments(std::string_view line, std::string& list, std::string& joined) {
  size_t count = 0;
  bool quoted = false;
  bool between = true;
  for (const char c : line) {
    if (c == ' ' && !quoted) {
      between = true;
      continue;
    }
    if (between) {
      list += count == 0 ? "\"" : "\",\"";
      if (count > 0) joined += ' ';
      ++count;
      between = false;
    }
    if (c == '\'') {
      quoted = !quoted;
      continue;
    }
    append_json({&c, 1}, list);
    append_json({&c, 1}, joined);
  }
  list += '"';
  return count;
}

}  // namespace

void render_program(Setting setting, std::string_view line, Random& random, Program& program) {
  const std::string text = fill_placeholders(line, random);
  const std::string executable = text.substr(0, text.find(' '));
  const std::string name = executable.substr(executable.rfind('/') + 1);
  std::string list;
  std::string joined;
  // The first argument is the name, as a shell passes it.
  const size_t count = split_arguments(name + text.substr(executable.size()), list, joined);

  program.setting = setting;
  program.parent_image =
      "\"executable\":\"" + executable + "\",\"name\":\"" + name + "\",\"command_line\":\"" + joined + '"';
  program.image = program.parent_image + ",\"args\":[" + list + "],\"args_count\":";
  append_number(count, 10, program.image);
  program.image += ",\"thread\":{\"name\":\"" + name.substr(0, 15) + "\"}";
}

}  // namespace detectd::bench
