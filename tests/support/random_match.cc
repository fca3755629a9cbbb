#include "tests/support/random_match.h"

#include "tests/support/events.h"

namespace detectd::test {
namespace {

template <size_t N>
const char* any_of(bench::Random& random, const char* const (&texts)[N]) {
  return texts[random.below(N)];
}

constexpr const char* kWords[] = {"sh",      "bash",       "BASH",   "curl",          "nc",
                                  "-e",      "/bin/sh",    "/tmp/",  "python3",       "\u017fudo",
                                  "sudo",    "Etc/Shadow", "x",      "\u00c9t\u00e9", "\u212Aill",
                                  "kill -9", "a\\\\b",     "base64", "-- --",         "dd",
                                  "7z a",    "nc.x",       "x.odt",  "zip \\\"x"};
constexpr const char* kFields[] = {"process.name",
                                   "process.command_line",
                                   "process.args",
                                   "process.executable",
                                   "process.parent.name",
                                   "process.ancestors.name",
                                   "process.working_directory",
                                   "process.ancestors.command_line"};
constexpr const char* kModifiers[] = {"",
                                      "|contains",
                                      "|contains",
                                      "|startswith",
                                      "|endswith",
                                      "|cased",
                                      "|contains|cased",
                                      "|contains|all",
                                      "|neq",
                                      "|contains|windash",
                                      "|re",
                                      "|re|i"};
constexpr const char* kPatterns[] = {"curl.*sh",
                                     "(bash|curl|python3?) ",
                                     "^/bin/(ba)?sh$",
                                     "sudo|kill",
                                     "[ck]url",
                                     "(?i)ETC/shadow",
                                     "a?b*",
                                     "k(i|y)ll -9",
                                     "\\x{17f}udo",
                                     "(nc|ncat) -e",
                                     "(x|/tmp/).*64",
                                     "\u00e9t",
                                     "(?:^|[\\s\"\\x27/])(?:zip|7z|nc)\\s",
                                     "(?i)\\.(?:odt|xlsx?|sk)$",
                                     "nc|dd",
                                     "(?i)SUDO|curl\\s|kill",
                                     "\\bd\\w|7z",
                                     "(?i)(?:ba|k)?sh\\b.*[+-]e",
                                     "(zip|curl).*(x|dd)|sudo",
                                     "\\x6eC|n\\x63",
                                     "^-",
                                     "(?i)x|s$"};
constexpr const char* kConditions[] = {"a",
                                       "not a",
                                       "a and b",
                                       "a or b",
                                       "a and not b",
                                       "1 of them",
                                       "all of them",
                                       "(a or b) and not c",
                                       "not (a or b)",
                                       "a or (b and c)",
                                       "not a and not b and c"};

std::string value_of(bench::Random& random, std::string_view modifiers) {
  if (modifiers.starts_with("|re")) return any_of(random, kPatterns);
  std::string text = any_of(random, kWords);
  if (random.chance(0.3)) text += std::string(" ") + any_of(random, kWords);
  if (modifiers.empty() && random.chance(0.4)) text = "*" + text;
  if (modifiers.empty() && random.chance(0.3)) text += "*";
  if (modifiers.empty() && random.chance(0.2)) text = "*/" + text;
  return text;
}

std::string selection_of(bench::Random& random, char name) {
  std::string text;
  const bool list = random.chance(0.2);
  if (list) text += std::string(1, name) + " = [";
  for (size_t n = 1 + random.below(2); n > 0; --n) {
    // Two equal keys in a table would be a mistake.
    const std::string field = kFields[n * 3 + random.below(2)];
    const std::string modifiers = any_of(random, kModifiers);
    std::string value = "'" + value_of(random, modifiers) + "'";
    if (random.chance(0.4)) value = "[" + value + ", '" + value_of(random, modifiers) + "']";
    if (list) text += "{ \"" + field + modifiers + "\" = " + value + " },";
    if (!list) text += std::string(1, name) + ".\"" + field + modifiers + "\" = " + value + "\n";
  }
  return list ? text + "]\n" : text;
}

std::string text_of(bench::Random& random) {
  std::string text = any_of(random, kWords);
  for (size_t n = random.below(4); n > 0; --n)
    text += (random.chance(0.6) ? " " : "/") + std::string(any_of(random, kWords));
  return text;
}

}  // namespace

std::string random_rule_text(bench::Random& random, int number) {
  std::string id = std::to_string(100000000000 + number);
  std::string text =
      "[[rule]]\nid = \"00000000-0000-4000-8000-" + id + "\"\ntitle = \"t\"\nlevel = \"low\"\non = ";
  text += random.chance(0.8) ? "\"exec\"" : "[\"exec\", \"end\"]";
  text += "\n[rule.detection]\n";
  for (const char name : {'a', 'b', 'c'}) text += selection_of(random, name);
  return text + "condition = \"" + any_of(random, kConditions) + "\"\n";
}

Event random_event(bench::Random& random, const Schema& schema) {
  Event event;
  event.clear(schema.size());
  event.kind = random.chance(0.8) ? EventKind::kExec : EventKind::kEnd;
  for (const char* const name : kFields) {
    if (random.chance(0.3)) continue;
    const FieldId id = Make::id(name);
    if (!schema.info(id).many) {
      event.set_text(id, text_of(random));
      continue;
    }
    event.begin_list(id);
    for (size_t n = random.below(4); n > 0; --n) event.append_text(id, text_of(random));
  }
  return event;
}

}  // namespace detectd::test
