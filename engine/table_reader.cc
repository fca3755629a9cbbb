#include "engine/table_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/key_tables.h"
#include "engine/rule_parser.h"

namespace detectd {
namespace {

using Kind = TomlValue::Kind;

struct Synonym {
  std::string_view word;
  std::string_view key;
};
constexpr std::array<Synonym, 15> kSynonyms = {{{"severity", "level"},
                                                {"priority", "level"},
                                                {"action", "response"},
                                                {"event", "on"},
                                                {"events", "on"},
                                                {"kind", "on"},
                                                {"tests", "test"},
                                                {"uuid", "id"},
                                                {"desc", "description"},
                                                {"condition", "detection"},
                                                {"selection", "detection"},
                                                {"false_positives", "falsepositives"},
                                                {"info", "informational"},
                                                {"warning", "medium"},
                                                {"error", "high"}}};

bool contains(Names names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string hint(std::string_view word, Names known) {
  for (const Synonym& synonym : kSynonyms) {
    if (synonym.word == word && contains(known, synonym.key))
      return "did you mean `" + std::string(synonym.key) + "`?";
  }
  std::string near = did_you_mean(word, {known.begin(), known.end()});
  if (!near.empty()) return near;
  for (const Synonym& synonym : kSynonyms) {
    const bool near_synonym = contains(known, synonym.key) && !did_you_mean(word, {synonym.word}).empty();
    if (near_synonym) return "did you mean `" + std::string(synonym.key) + "`?";
  }
  return {};
}

std::string quoted(std::string_view name) { return "`" + std::string(name) + "`"; }

void wrong_type(Reporter& reporter, const TomlMember& member, std::string_view wanted) {
  std::string help;
  const Kind kind = member.value.kind;
  if (wanted.starts_with("a string") &&
      (kind == Kind::kInteger || kind == Kind::kReal || kind == Kind::kBoolean))
    help = "quote it";
  reporter.error(
      "D027", member.value.span,
      quoted(member.key) + " must be " + std::string(wanted) + ", not " + std::string(kind_name(kind)),
      std::move(help));
}

// `5 mins` was meant as `5m`.
std::string duration_hint(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const size_t word = text.find_first_not_of(' ', digits);
  if (digits > 0 && word != std::string_view::npos) {
    const char unit = static_cast<char>(text[word] | 0x20);
    const std::string guess = std::string(text.substr(0, digits)) +
                              (text.substr(word).starts_with("mil") ? "ms" : std::string(1, unit));
    if (parse_duration(guess)) return "write \"" + guess + "\"";
  }
  return "a number and a unit: \"250ms\", \"90s\", \"5m\", \"1h\", \"2d\"";
}

}  // namespace

void Reporter::add(Diagnostic diagnostic) {
  errors_ += diagnostic.severity == Severity::kError ? 1 : 0;
  diagnostics_.add(std::move(diagnostic));
}

void Reporter::error(std::string code, Span span, std::string message, std::string help,
                     std::vector<Note> notes) {
  add({.code = std::move(code),
       .severity = Severity::kError,
       .file = file_,
       .span = span,
       .message = std::move(message),
       .help = std::move(help),
       .notes = std::move(notes)});
}

void Reporter::warning(std::string code, Span span, std::string message, std::string help) {
  add({.code = std::move(code),
       .severity = Severity::kWarning,
       .file = file_,
       .span = span,
       .message = std::move(message),
       .help = std::move(help),
       .notes = {}});
}

Names rule_keys() { return key_tables::kRuleKeys; }

void check_keys(Reporter& reporter, const TomlValue& table, const KeyCheck& check) {
  for (const TomlMember& member : table.members) {
    if (contains(check.known, member.key)) continue;
    std::string help = hint(member.key, check.known);
    if (!check.after.empty() && contains(key_tables::kRuleKeys, member.key)) {
      help =
          "keys below " + std::string(check.after) + " belong to it: move " + quoted(member.key) + " above";
    }
    reporter.error("D020", member.span,
                   "unknown key " + quoted(member.key) + " in " + std::string(check.where), std::move(help));
  }
}

std::optional<std::string> read_text(Reporter& reporter, const TomlMember& member) {
  if (member.value.is(Kind::kString)) return member.value.text;
  wrong_type(reporter, member, "a string");
  return std::nullopt;
}

std::optional<bool> read_boolean(Reporter& reporter, const TomlMember& member) {
  if (member.value.is(Kind::kBoolean)) return member.value.boolean;
  const bool as_text = member.value.is(Kind::kString);
  if (!as_text) {
    wrong_type(reporter, member, "true or false");
  } else {
    reporter.error("D027", member.value.span, quoted(member.key) + " must be true or false, not a string",
                   "leave the quotes out");
  }
  return std::nullopt;
}

std::optional<std::vector<std::string>> read_texts(Reporter& reporter, const TomlMember& member) {
  if (member.value.is(Kind::kString)) return std::vector<std::string>{member.value.text};
  if (!member.value.is(Kind::kArray)) {
    wrong_type(reporter, member, "a string or a list of strings");
    return std::nullopt;
  }
  std::vector<std::string> texts;
  for (const TomlValue& element : member.value.elements) {
    if (!element.is(Kind::kString)) {
      reporter.error(
          "D027", element.span,
          quoted(member.key) + " is a list of strings, and this is " + std::string(kind_name(element.kind)));
      return std::nullopt;
    }
    texts.push_back(element.text);
  }
  return texts;
}

const TomlValue* read_table(Reporter& reporter, const TomlMember& member) {
  if (member.value.is(Kind::kTable)) return &member.value;
  wrong_type(reporter, member, "a table");
  return nullptr;
}

void report_choice(Reporter& reporter, std::string_view what, const std::string& value, Span span,
                   Names names) {
  std::string help = hint(value, names);
  std::string message = quoted(value) + " is not " + std::string(what);
  const bool list_helps = help.empty() || names.size() <= 6;
  for (size_t i = 0; list_helps && i < names.size(); ++i)
    message += (i == 0 ? ": " : ", ") + std::string(names[i]);
  reporter.error("D021", span, std::move(message), std::move(help));
}

std::optional<std::string> read_choice(Reporter& reporter, const TomlMember& member, Names names) {
  auto text = read_text(reporter, member);
  if (!text || contains(names, *text)) return text;
  report_choice(reporter, (member.key == "action" ? "an " : "a ") + member.key, *text, member.value.span,
                names);
  return std::nullopt;
}

std::optional<int64_t> read_duration(Reporter& reporter, const TomlMember& member) {
  const auto text = read_text(reporter, member);
  if (!text) return std::nullopt;
  const auto duration = parse_duration(*text);
  if (!duration)
    reporter.error("D040", member.value.span, quoted(*text) + " is not a duration", duration_hint(*text));
  return duration;
}

std::optional<Scalar> read_scalar(Reporter& reporter, const TomlValue& value, std::string_view what) {
  Scalar scalar;
  scalar.span = value.span;
  switch (value.kind) {
    case Kind::kString: scalar.value = value.text; return scalar;
    case Kind::kInteger: scalar.value = value.integer; return scalar;
    case Kind::kReal: scalar.value = value.real; return scalar;
    case Kind::kBoolean: scalar.value = value.boolean; return scalar;
    default: break;
  }
  reporter.error(
      "D027", value.span,
      std::string(what) + " is a string, number or boolean, not " + std::string(kind_name(value.kind)),
      value.is(Kind::kDate) ? "write times in quotes" : "");
  return std::nullopt;
}

}  // namespace detectd
