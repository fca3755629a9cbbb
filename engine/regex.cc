#include "engine/regex.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <numeric>
#include <utility>
#include <vector>

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include "engine/text_fold.h"
#include "engine/text_key.h"
#include "engine/utf8.h"

namespace detectd {
namespace {

// RE2's flags that have no option of their own stand before the pattern.
constexpr std::string_view kMultiLine = "(?m)";

// A pattern of more alternatives than this keeps all of their literals.
constexpr size_t kMaxAtomsTried = 256;

std::unique_ptr<re2::RE2> make(std::string_view pattern, const RegexFlags& flags, size_t max_bytes) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(static_cast<int64_t>(max_bytes));
  options.set_case_sensitive(!flags.ignore_case);
  options.set_dot_nl(flags.dot_all);
  std::string text(flags.multi_line ? kMultiLine : "");
  text += pattern;
  return std::make_unique<re2::RE2>(text, options);
}

// Where the tokens of a pattern begin, so that a place in it can be found without being misled by
// escapes, classes and \Q...\E.
struct Token {
  size_t offset;
  bool in_class;
};

std::vector<Token> tokens_of(std::string_view pattern) {
  std::vector<Token> tokens;
  bool in_class = false;
  size_t class_begin = 0;
  for (size_t i = 0; i < pattern.size();) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      if (pattern[i + 1] == 'Q' && !in_class) {
        const size_t end = pattern.find("\\E", i + 2);
        i = end == std::string_view::npos ? pattern.size() : end + 2;
        continue;
      }
      tokens.push_back({i, in_class});
      i += 2;
      continue;
    }
    tokens.push_back({i, in_class});
    if (in_class && pattern.substr(i).starts_with("[:")) {
      const size_t end = pattern.find(":]", i + 2);
      if (end != std::string_view::npos) {
        i = end + 2;
        continue;
      }
    }
    // A `]` right behind `[` or `[^` is an ordinary character.
    if (!in_class && c == '[') {
      in_class = true;
      class_begin = i + (pattern.substr(i + 1).starts_with('^') ? 2 : 1);
    } else if (in_class && c == ']' && i != class_begin) {
      in_class = false;
    }
    ++i;
  }
  return tokens;
}

// The innermost `(` that nothing closes, or the first `)` that closes nothing.
size_t find_parenthesis(std::string_view pattern, char wanted) {
  std::vector<size_t> open;
  for (const Token& token : tokens_of(pattern)) {
    if (token.in_class) continue;
    if (pattern[token.offset] == '(') open.push_back(token.offset);
    if (pattern[token.offset] != ')') continue;
    if (open.empty()) return wanted == ')' ? token.offset : 0;
    open.pop_back();
  }
  return open.empty() ? 0 : open.back();
}

// Whether RE2 takes what stands at the start of `group`, which begins with `(?`.
bool is_known_group(std::string_view group) {
  if (group.starts_with("(?P<")) return true;
  const size_t end = group.find_first_not_of("imsU-", 2);
  return end != std::string_view::npos && (group[end] == ')' || group[end] == ':');
}

// The place of `part`, which RE2 named as the culprit.
size_t find_culprit(std::string_view pattern, std::string_view part, re2::RE2::ErrorCode code) {
  const bool outside_only = code == re2::RE2::ErrorRepeatArgument || code == re2::RE2::ErrorRepeatSize ||
                            code == re2::RE2::ErrorRepeatOp || code == re2::RE2::ErrorBadPerlOp ||
                            code == re2::RE2::ErrorBadNamedCapture;
  size_t found = 0;
  for (const Token& token : tokens_of(pattern)) {
    const std::string_view here = pattern.substr(token.offset);
    if (!here.starts_with(part) || (outside_only && token.in_class)) continue;
    if (code == re2::RE2::ErrorBadPerlOp && is_known_group(here)) continue;
    found = token.offset;
    // An inner repeat may be fine by itself: the last one made it too many.
    if (code != re2::RE2::ErrorRepeatSize) break;
  }
  return found;
}

RegexError mistake(const char* code, std::string message, std::string help = {}) {
  return {code, std::move(message), std::move(help), 0, 1};
}

RegexError explain_repeat_size(std::string_view part) {
  std::string_view numbers = part.substr(1, part.size() - 2);
  int first = 0;
  int last = 0;
  const auto* const end = numbers.data() + numbers.size();
  const auto read = std::from_chars(numbers.data(), end, first);
  if (read.ptr != end && *read.ptr == ',') {
    if (std::from_chars(read.ptr + 1, end, last).ptr == end && last < first && first <= 1000) {
      return mistake("D030", "the repeat " + std::string(part) + " ends before it begins");
    }
  }
  return mistake("D032", "repeat limit is 1000, nested repeats multiplied",
                 "use `*` or `+`, or repeat less often");
}

RegexError explain_group(std::string_view group) {
  const std::string linear = " (matching takes linear time)";
  if (group.starts_with("(?=") || group.starts_with("(?!")) {
    return mistake(
        "D031", "look-ahead is not supported" + linear,
        "put what must not be there into a selection of its own and say `and not` in the condition");
  }
  if (group.starts_with("(?<=") || group.starts_with("(?<!")) {
    return mistake(
        "D031", "look-behind is not supported" + linear,
        "put what must not be there into a selection of its own and say `and not` in the condition");
  }
  if (group.starts_with("(?P=")) {
    return mistake("D031", "back-references are not supported" + linear, "write out what may be repeated");
  }
  if (group.starts_with("(?>")) {
    return mistake("D031", "atomic groups are not supported",
                   "write `(?:`; matching takes linear time anyway");
  }
  if (group.starts_with("(?<") || group.starts_with("(?'")) {
    return mistake("D030", "a named group is written `(?P<name>`",
                   "names say nothing here: `(` alone serves");
  }
  if (group.starts_with("(?#")) return mistake("D030", "comments are not supported inside a pattern");
  const size_t flags = group.find_first_not_of("imsU-", 2);
  if (flags == std::string_view::npos)
    return mistake("D030", "the flags of a group are not closed", "`(?i)` or `(?i:`");
  return mistake("D030", "unknown kind of group `" + std::string(group.substr(0, flags + 1)) + "`",
                 "`(?:...)`, `(?P<name>...)` and the flags i, m, s and U are known");
}

RegexError explain_escape(std::string_view part) {
  const char c = part.size() > 1 ? part[1] : '\0';
  if ((c >= '1' && c <= '9') || c == 'k' || c == 'g') {
    return mistake("D031", "back-references are not supported (matching takes linear time)",
                   "write out what may be repeated");
  }
  RegexError error = mistake("D030", "unknown escape `" + std::string(part) + "`");
  if (c == 'Z') error.help = "the end of the text is `\\z`";
  if (c == 'h') error.help = "a blank or tab is `[ \\t]`";
  if (c == 'R') error.help = "any line end is `(?:\\r\\n|\\r|\\n)`";
  return error;
}

RegexError explain_repeat_operator(std::string_view part) {
  if (part.size() == 2 && part[1] == '+') {
    return mistake("D031", "the possessive repeat `" + std::string(part) + "` is not supported",
                   "write `" + std::string(part.substr(0, 1)) + "`; matching takes linear time anyway");
  }
  return mistake("D030", "two repeats in a row: `" + std::string(part) + "`");
}

RegexError explain_class(std::string_view part) {
  if (part.starts_with("[:")) {
    return mistake("D030", "unknown class `" + std::string(part) + "`",
                   "as `[:alpha:]`, `[:digit:]`, `[:space:]`");
  }
  if (part.starts_with("\\p") || part.starts_with("\\P")) {
    return mistake("D030", "unknown Unicode class `" + std::string(part) + "`", "as `\\pL` or `\\p{Greek}`");
  }
  return mistake("D030", "the range `" + std::string(part) + "` ends before it begins");
}

RegexError explain_size(std::string_view pattern, const RegexFlags& flags) {
  RegexError error = mistake("D034", {}, "repeat less, or split it into several values");
  error.length = pattern.size();
  for (const size_t mebibytes : {16u, 32u, 64u}) {
    if (!make(pattern, flags, mebibytes << 20)->ok()) continue;
    error.message = "pattern needs up to " + std::to_string(mebibytes) + " MiB, limit 8 MiB";
    return error;
  }
  error.message = "pattern needs more than 64 MiB, limit 8 MiB";
  return error;
}

size_t first_invalid_byte(std::string_view text) {
  size_t i = 0;
  while (i < text.size() && decode_utf8(text.substr(i)).size != 0) i += decode_utf8(text.substr(i)).size;
  return i;
}

RegexError explain(std::string_view pattern, const RegexFlags& flags, const re2::RE2& re) {
  using re2::RE2;
  const auto at = [](RegexError error, size_t offset, size_t length) {
    error.offset = offset;
    error.length = length;
    return error;
  };
  const std::string_view part = re.error_arg();
  const RE2::ErrorCode code = re.error_code();
  switch (code) {
    case RE2::ErrorMissingParen:
      return at(mistake("D030", "`(` is not closed", "write `\\(` for the character"),
                find_parenthesis(pattern, '('), 1);
    case RE2::ErrorUnexpectedParen:
      return at(mistake("D030", "`)` closes nothing", "write `\\)` for the character"),
                find_parenthesis(pattern, ')'), 1);
    case RE2::ErrorMissingBracket:
      return at(mistake("D030", "`[` is not closed", "write `\\[` for the character"),
                pattern.size() - std::min(part.size(), pattern.size()), 1);
    case RE2::ErrorTrailingBackslash:
      return at(mistake("D030", "a backslash at the end escapes nothing", "write `\\\\` for the character"),
                pattern.size() - 1, 1);
    case RE2::ErrorBadUTF8:
      return at(mistake("D030", "pattern is not valid UTF-8"), first_invalid_byte(pattern), 1);
    case RE2::ErrorPatternTooLarge: return explain_size(pattern, flags);
    default: break;
  }
  const size_t offset = find_culprit(pattern, part, code);
  const size_t length = std::max<size_t>(part.size(), 1);
  switch (code) {
    case RE2::ErrorBadPerlOp: return at(explain_group(pattern.substr(offset)), offset, length);
    case RE2::ErrorBadEscape: return at(explain_escape(part), offset, length);
    case RE2::ErrorRepeatSize: return at(explain_repeat_size(part), offset, length);
    case RE2::ErrorRepeatOp: return at(explain_repeat_operator(part), offset, length);
    case RE2::ErrorBadCharRange:
    case RE2::ErrorBadCharClass: return at(explain_class(part), offset, length);
    case RE2::ErrorRepeatArgument:
      return at(mistake("D030", "`" + std::string(part) + "` repeats nothing",
                        "write `\\" + std::string(part) + "` for the character"),
                offset, length);
    default: return at(mistake("D030", re.error()), offset, length);
  }
}

// Of what stands behind `\x`: two digits for an ASCII character, as in `\x27`.
bool is_ascii_hex(std::string_view digits) {
  return digits.size() >= 2 && digits[0] >= '0' && digits[0] <= '7' &&
         std::isxdigit(static_cast<unsigned char>(digits[1])) != 0;
}

// Whether a pattern names ASCII characters only; escapes by number or by Unicode class may mean others.
bool only_ascii(std::string_view pattern) {
  if (!is_ascii(pattern)) return false;
  for (size_t i = 0; i + 1 < pattern.size(); ++i) {
    if (pattern[i] != '\\') continue;
    const char c = pattern[++i];
    if (c == 'x' && !is_ascii_hex(pattern.substr(i + 1))) return false;
    if (c == 'p' || c == 'P' || (c >= '0' && c <= '9')) return false;
  }
  return true;
}

// Indices, the commonest first.
std::vector<size_t> by_frequency(const std::vector<std::string>& literals) {
  std::vector<double> frequencies;
  for (const std::string& literal : literals) {
    frequencies.push_back(frequency_of(TextKey{TextKey::Kind::kWithin, literal}));
  }
  std::vector<size_t> order(literals.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return frequencies[a] > frequencies[b]; });
  return order;
}

// What has another one of them within says nothing that the other does not.
std::vector<std::string> without_longer(std::vector<std::string> literals) {
  std::sort(literals.begin(), literals.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  std::vector<std::string> kept;
  for (std::string& literal : literals) {
    const bool said = std::any_of(kept.begin(), kept.end(), [&](const std::string& shorter) {
      return literal.find(shorter) != std::string::npos;
    });
    if (!said) kept.push_back(std::move(literal));
  }
  return kept;
}

// Short and long, of every kind of character, with and without lines.
std::vector<std::string> probe_texts() {
  std::vector<std::string> texts = {"",   "\n",     "a\nb",   "\n\n",   " a",
                                    "a ", "\u00e9", "\u6f22", "\uFFFD", "\U0010FFFF"};
  for (char c = 0; c < 0x7F; ++c) texts.push_back(std::string(1, c));
  std::string mixed = "7z - /_\u00e9\n.";
  while (mixed.size() < 3000) mixed += mixed;
  texts.push_back(std::move(mixed));
  return texts;
}

}  // namespace

Regex::Regex(std::unique_ptr<re2::RE2> re) : re_(std::move(re)) {}
Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

std::variant<Regex, RegexError> Regex::compile(std::string_view pattern, const RegexFlags& flags) {
  std::unique_ptr<re2::RE2> re = make(pattern, flags, kMaxBytes);
  if (!re->ok()) return explain(pattern, flags, *re);
  return Regex(std::move(re));
}

bool Regex::matches(std::string_view text) const {
  return re_->Match({text.data(), text.size()}, 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0);
}

std::vector<std::string> Regex::necessary_literals(size_t min_bytes) const {
  // RE2 puts its literals into lower case where we fold, which agrees for ASCII only.
  if (!only_ascii(re_->pattern())) return {};
  re2::FilteredRE2 filter(static_cast<int>(min_bytes));
  int id = 0;
  if (filter.Add(re_->pattern(), re_->options(), &id) != re2::RE2::NoError) return {};
  std::vector<std::string> atoms;
  filter.Compile(&atoms);
  if (atoms.empty()) return {};
  // With these atoms missing and all others there, can the pattern still match?
  std::vector<bool> missing(atoms.size(), true);
  const auto can_match = [&] {
    std::vector<int> there;
    for (size_t i = 0; i < atoms.size(); ++i) {
      if (!missing[i]) there.push_back(static_cast<int>(i));
    }
    std::vector<int> potentials;
    filter.AllPotentials(there, &potentials);
    return !potentials.empty();
  };
  if (can_match()) return {};
  // As few as do, the common ones given up first: of `curl.*\|.*bash` one is enough.
  const std::vector<size_t> common_first = by_frequency(atoms);
  for (size_t i = 0; i < common_first.size() && i < kMaxAtomsTried; ++i) {
    missing[common_first[i]] = false;
    if (can_match()) missing[common_first[i]] = true;
  }
  std::vector<std::string> literals;
  for (size_t i = 0; i < atoms.size(); ++i) {
    if (missing[i]) literals.push_back(folded(atoms[i]));
  }
  return without_longer(std::move(literals));
}

std::optional<RegexMatch> Regex::find(std::string_view text, size_t from) const {
  re2::StringPiece match;
  const re2::StringPiece whole(text.data(), text.size());
  if (from > text.size() || !re_->Match(whole, from, text.size(), re2::RE2::UNANCHORED, &match, 1)) {
    return std::nullopt;
  }
  return RegexMatch{.offset = static_cast<size_t>(match.data() - text.data()), .length = match.size()};
}

size_t Regex::program_size() const { return static_cast<size_t>(re_->ProgramSize()); }

bool Regex::matches_every_text() const {
  static const std::vector<std::string> kProbes = probe_texts();
  return std::all_of(kProbes.begin(), kProbes.end(), [&](const std::string& text) { return matches(text); });
}

}  // namespace detectd
