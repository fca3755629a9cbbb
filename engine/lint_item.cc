#include <algorithm>

#include "engine/escape.h"
#include "engine/linted_rule.h"
#include "engine/regex.h"
#include "engine/value_strings.h"

namespace detectd {
namespace {

// Of SigmaHQ's rules one regex has more: `.{1000,}`.
constexpr size_t kCostlyRegexSize = 3000;
// Of a longer list only the first are compared with each other.
constexpr size_t kMaxComparedValues = 1000;

constexpr size_t kNone = std::string_view::npos;

std::string in_quotes(std::string_view text) { return "`" + escape_text(text) + "`"; }

// Where a regex asks for a character that must not be a newline: the first `.` that has other parts of the
// pattern on both sides. A `.*` at either end excludes nothing, for a match may begin and end anywhere.
size_t find_dot(std::string_view pattern) {
  std::string_view inside = pattern;
  size_t at = 0;
  if (inside.starts_with("(?i)")) at = 4;
  for (const std::string_view any : {".*?", ".*", ".+?", ".+"}) {
    if (inside.ends_with(any) && !inside.substr(0, inside.size() - any.size()).ends_with('\\')) {
      inside.remove_suffix(any.size());
      break;
    }
  }
  for (const std::string_view any : {".*?", ".*", ".+?", ".+"}) {
    if (inside.substr(at).starts_with(any)) {
      at += any.size();
      break;
    }
  }
  bool in_class = false;
  for (; at < inside.size(); ++at) {
    const char c = inside[at];
    if (c == '\\') {
      ++at;
    } else if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
      // A bracket right behind the opening one is a member.
      if (inside.substr(at + 1).starts_with('^')) ++at;
      if (inside.substr(at + 1).starts_with(']')) ++at;
    } else if (c == '.') {
      return at;
    }
  }
  return kNone;
}

// `(?s)`, also among other flags.
bool sets_dot_all(std::string_view pattern) {
  for (size_t at = pattern.find("(?"); at != kNone; at = pattern.find("(?", at + 2)) {
    const std::string_view flags = pattern.substr(at + 2, pattern.find_first_not_of("imsU", at + 2) - at - 2);
    if (flags.find('s') != kNone) return true;
  }
  return false;
}

Span place_inside(const Scalar& value, size_t offset, size_t length, const Reporter& reporter) {
  return reporter.file() ? span_inside(*reporter.file(), value.span, offset, length) : value.span;
}

void lint_regexes(const LintedItem& item, const Probe& probe, Reporter& reporter) {
  const bool own_word = !item.field || probe.schema().info(*item.field).trust == Trust::kProcess;
  for (const Scalar& value : item.item.values) {
    const std::string* const pattern = value.text();
    if (pattern == nullptr) continue;
    const auto regex = Regex::compile(*pattern, item.modifiers.regex);
    const auto* const compiled = std::get_if<Regex>(&regex);
    if (compiled != nullptr && compiled->program_size() > kCostlyRegexSize) {
      reporter.warning("D138", value.span,
                       "this regex has " + std::to_string(compiled->program_size()) +
                           " steps, which makes every event dear that it is asked about",
                       "write `+` or `*` for a large repetition, or split it");
    }
    const size_t dot = find_dot(*pattern);
    if (dot == kNone || !own_word || item.modifiers.regex.dot_all || sets_dot_all(*pattern)) continue;
    reporter.warning("D131", place_inside(value, dot, 1, reporter),
                     "`.` does not match a newline, and the process can write one there",
                     "write `|re|s`, or say what may stand there: `[^;]*`, `\\s+`");
  }
}

// Whether `longer` matches nothing that `shorter` does not.
bool swallows(const Pattern& shorter, const Pattern& longer) {
  using Shape = Pattern::Shape;
  if (shorter.shape() == Shape::kAny) return false;  // D033 tells of it
  if (longer.shape() == Shape::kEqual) return shorter.matches(longer.literal());
  const std::string& literal = shorter.literal();
  switch (shorter.shape()) {
    case Shape::kContains: {
      const auto literals = longer.literals();
      return std::any_of(literals.begin(), literals.end(),
                         [&](const std::string& part) { return find_text(part, literal) != kNone; });
    }
    case Shape::kPrefix: return longer.shape() == Shape::kPrefix && longer.literal().starts_with(literal);
    case Shape::kSuffix: return longer.shape() == Shape::kSuffix && longer.literal().ends_with(literal);
    case Shape::kGeneral: return shorter.canonical() == longer.canonical();
    case Shape::kAny:
    case Shape::kEqual: break;
  }
  return false;
}

bool swallows(const std::vector<Pattern>& shorter, const std::vector<Pattern>& longer) {
  return !longer.empty() && std::all_of(longer.begin(), longer.end(), [&](const Pattern& each) {
    return std::any_of(shorter.begin(), shorter.end(),
                       [&](const Pattern& other) { return swallows(other, each); });
  });
}

void lint_list(const LintedItem& item, Reporter& reporter) {
  const size_t size = std::min(item.patterns.size(), kMaxComparedValues);
  // With `all` the longer one asks for the shorter one too; without, the shorter one finds it anyway.
  const auto adds_nothing_beside = [&](size_t value, size_t other) {
    return item.modifiers.all ? swallows(item.patterns[value], item.patterns[other])
                              : swallows(item.patterns[other], item.patterns[value]);
  };
  for (size_t value = 0; value < size; ++value) {
    for (size_t other = 0; other < size; ++other) {
      if (other == value || !adds_nothing_beside(value, other)) continue;
      // Of two that say the same, the second is too much.
      if (value < other && adds_nothing_beside(other, value)) continue;
      const std::string* const text = item.item.values[other].text();
      const std::string name = text != nullptr ? in_quotes(*text) : "another value";
      reporter.warning("D136", item.item.values[value].span,
                       "this adds nothing: " + name +
                           (item.modifiers.all ? " asks for it already" : " matches all that it does"),
                       "leave it out");
      break;
    }
  }
}

struct Link {
  std::string_view name;
  std::string_view targets;  // separated by blanks
};
#define LINK(name, targets) Link{name, targets},
constexpr Link kLinks[] = {
#include "engine/debian_links.def"
};

bool names_a_program(const LintedItem& item) {
  if (!item.field || item.modifiers.neq || item.modifiers.all) return false;
  const Leaf leaf = place_of(*item.field).leaf;
  return (leaf == Leaf::kName || leaf == Leaf::kExecutable) &&
         (item.compares_text() || item.modifiers.subject == Modifiers::Subject::kRegex);
}

// The value that is to blame: the first whose pattern matches; the key where that can not be said.
Span blamed(const LintedItem& item, const std::string& text) {
  for (size_t i = 0; i < item.patterns.size(); ++i) {
    for (const Pattern& pattern : item.patterns[i]) {
      if (pattern.matches(text)) return item.item.values[i].span;
    }
  }
  return item.item.values.size() == 1 ? item.item.values.front().span : item.item.span;
}

bool holds_for_any_target(const LintedItem& item, std::string_view folder, std::string_view targets,
                          Probe& probe) {
  while (!targets.empty()) {
    const std::string_view target = targets.substr(0, targets.find(' '));
    targets.remove_prefix(std::min(target.size() + 1, targets.size()));
    if (probe.holds(item, std::string(folder) + std::string(target))) return true;
  }
  return false;
}

void lint_linked_names(const LintedItem& item, Probe& probe, Reporter& reporter) {
  const bool whole_path = place_of(*item.field).leaf == Leaf::kExecutable;
  for (const auto& [name, targets] : kLinks) {
    for (const std::string_view folder : {"/usr/bin/", "/usr/sbin/"}) {
      const std::string_view before = whole_path ? folder : std::string_view();
      const std::string path = std::string(before) + std::string(name);
      if (!probe.holds(item, path) || holds_for_any_target(item, before, targets, probe)) continue;
      reporter.warning("D132", blamed(item, path),
                       "`" + std::string(name) + "` is a link on Debian: the program that runs is called " +
                           std::string(targets.substr(0, targets.find(' '))),
                       "`" + item.item.field + "` is that of the file that runs; add its name");
      break;
    }
  }
}

// /bin, /sbin and /lib are links into /usr.
void lint_linked_folders(const LintedItem& item, Probe& probe, Reporter& reporter) {
  for (size_t i = 0; i < item.patterns.size(); ++i) {
    for (const Pattern& pattern : item.patterns[i]) {
      const std::string& literal = pattern.literal();
      const bool in_linked =
          literal.starts_with("/bin/") || literal.starts_with("/sbin/") || literal.starts_with("/lib/");
      const bool begins =
          pattern.shape() == Pattern::Shape::kEqual || pattern.shape() == Pattern::Shape::kPrefix;
      // A name behind the prefix that nothing else in the list can mean.
      const std::string path = literal + (pattern.shape() == Pattern::Shape::kPrefix ? "x" : "");
      if (!in_linked || !begins || probe.holds(item, "/usr" + path)) continue;
      const std::string folder = literal.substr(0, literal.find('/', 1));
      std::string message = "`" + folder;
      message += "` is a link on Debian: what runs from there is told as below `/usr" + folder;
      reporter.warning("D132", item.item.values[i].span, message + "`",
                       "`" + item.item.field + "` is that of the file that runs; add the path below /usr");
    }
  }
}

}  // namespace

void lint_item(const LintedRule& rule, const LintedItem& item, Probe& probe, Reporter& reporter) {
  if (item.modifiers.subject == Modifiers::Subject::kRegex) lint_regexes(item, probe, reporter);
  if (item.compares_text()) lint_list(item, reporter);
  const bool other_system = rule.rule->logsource && !rule.rule->logsource->product.empty() &&
                            rule.rule->logsource->product != "linux";
  if (!names_a_program(item) || other_system) return;
  lint_linked_names(item, probe, reporter);
  if (place_of(*item.field).leaf == Leaf::kExecutable) lint_linked_folders(item, probe, reporter);
}

}  // namespace detectd
