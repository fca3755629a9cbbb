#include "src/store/redaction.h"

#include <algorithm>
#include <variant>

#include "engine/escape.h"
#include "engine/json_text.h"

namespace detectd {
namespace {

constexpr std::string_view kRedacted = "[redacted]";
constexpr std::string_view kExactBytes = "args_bytes";
constexpr size_t kMinNeedle = 3;
constexpr size_t kMaxNeedle = 64;

// The longest part of a literal that is written in JSON as it is, also where it is spread over the texts of a list.
std::string part_in_json(const std::string& literal) {
  const auto stays = [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\'; };
  std::string best;
  for (size_t begin = 0; begin < literal.size();) {
    size_t end = begin;
    while (end < literal.size() && stays(literal[end])) ++end;
    if (end - begin > best.size()) best = literal.substr(begin, end - begin);
    begin = end + 1;
  }
  return best;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// Letters beyond ASCII fold to others, and a backslash may stand for any.
bool says_what_it_holds(std::string_view text) {
  if (text.find('\\') != std::string_view::npos) return false;
  uint8_t bits = 0;
  for (const char c : text) bits |= static_cast<uint8_t>(c);
  return bits < 0x80;
}

}  // namespace

bool Redaction::Needle::is_at(const char* begin) const {
  return std::equal(text.begin(), text.end(), begin, [](char a, char b) { return a == lower(b); });
}

bool Redaction::Needle::is_in(std::string_view haystack) const {
  if (haystack.size() < text.size()) return false;
  const size_t last = text.size() - 1;
  if (mark) {
    const size_t end = haystack.size() - last + *mark;
    for (size_t at = haystack.find(text[*mark], *mark); at < end; at = haystack.find(text[*mark], at + 1)) {
      if (is_at(haystack.data() + at - *mark)) return true;
    }
    return false;
  }
  // Horspool's search.
  for (size_t end = last; end < haystack.size(); end += skip[static_cast<uint8_t>(haystack[end])]) {
    if (is_at(haystack.data() + end - last)) return true;
  }
  return false;
}

bool Redaction::may_need(std::string_view text) const {
  if (needles_.empty() || !says_what_it_holds(text)) return true;
  return std::any_of(needles_.begin(), needles_.end(),
                     [text](const Needle& needle) { return needle.is_in(text); });
}

std::vector<Redaction::Needle> Redaction::find_needles() const {
  std::vector<Needle> needles;
  for (const Regex& pattern : patterns_) {
    const std::vector<std::string> literals = pattern.necessary_literals();
    if (literals.empty()) return {};
    for (const std::string& literal : literals) {
      Needle needle{.text = part_in_json(literal)};
      if (needle.text.size() < kMinNeedle) return {};
      if (needle.text.size() > kMaxNeedle) needle.text.resize(kMaxNeedle);
      const size_t size = needle.text.size();
      // Rare in JSON and in command lines.
      if (const size_t mark = needle.text.find_first_of("=@#%+!?~^&*|<>"); mark != std::string::npos)
        needle.mark = mark;
      needle.skip.fill(static_cast<uint8_t>(size));
      for (size_t i = 0; i + 1 < size; ++i) {
        const char c = needle.text[i];
        const auto distance = static_cast<uint8_t>(size - 1 - i);
        needle.skip[static_cast<uint8_t>(c)] = distance;
        if (c >= 'a' && c <= 'z') needle.skip[static_cast<uint8_t>(c - ('a' - 'A'))] = distance;
      }
      needles.push_back(std::move(needle));
    }
  }
  return needles;
}

Result<Redaction> Redaction::compile(const std::vector<std::string>& patterns) {
  Redaction redaction;
  for (const std::string& pattern : patterns) {
    auto compiled = Regex::compile(pattern, {});
    if (const auto* error = std::get_if<RegexError>(&compiled)) {
      return Error{Errc::kRules, "`" + escape_text(pattern) + "` can not be used: " + error->message};
    }
    redaction.patterns_.push_back(std::get<Regex>(std::move(compiled)));
    auto of_lines = Regex::compile(pattern, {.multi_line = true});
    const bool tied = pattern.find("\\A") != std::string::npos || pattern.find("\\z") != std::string::npos ||
                      pattern.find("-m") != std::string::npos;
    if (!tied && std::holds_alternative<Regex>(of_lines)) {
      redaction.line_patterns_.push_back(std::get<Regex>(std::move(of_lines)));
    }
  }
  if (redaction.line_patterns_.size() != redaction.patterns_.size()) redaction.line_patterns_.clear();
  redaction.needles_ = redaction.find_needles();
  return redaction;
}

std::vector<Redaction::Stretch> Redaction::find_all(std::string_view text) const {
  std::vector<Stretch> found;
  for (const Regex& pattern : patterns_) {
    size_t from = 0;
    while (const auto match = pattern.find(text, from)) {
      from = match->offset + std::max<size_t>(match->length, 1);
      if (match->length != 0) found.push_back({match->offset, match->offset + match->length});
    }
  }
  if (found.size() < 2) return found;
  std::sort(found.begin(), found.end(), [](const Stretch& a, const Stretch& b) { return a.begin < b.begin; });
  std::vector<Stretch> merged;
  for (const Stretch& stretch : found) {
    if (!merged.empty() && stretch.begin <= merged.back().end) {
      merged.back().end = std::max(merged.back().end, stretch.end);
    } else {
      merged.push_back(stretch);
    }
  }
  return merged;
}

bool Redaction::may_match(std::string_view lines) const {
  if (line_patterns_.empty()) return true;
  return std::any_of(line_patterns_.begin(), line_patterns_.end(),
                     [lines](const Regex& pattern) { return pattern.matches(lines); });
}

bool Redaction::redact_text(std::string& text) const {
  if (!may_need(text)) return false;
  const std::vector<Stretch> found = find_all(text);
  for (auto stretch = found.rbegin(); stretch != found.rend(); ++stretch) {
    text.replace(stretch->begin, stretch->end - stretch->begin, kRedacted);
  }
  return !found.empty();
}

// One pass over a document that is known to be valid JSON.
class Redaction::JsonWalk {
 public:
  JsonWalk(const Redaction& redaction, std::string_view json) : redaction_(redaction), json_(json) {}

  bool run() {
    while (place_ < json_.size()) step();
    if (!redaction_.may_match(joined_)) return false;
    for (size_t i = 0; i < values_.size();) {
      size_t end = i + 1;
      while (end < values_.size() && !values_[end].first) ++end;
      search(i, end);
      i = end;
    }
    return !edits_.empty();
  }

  // The document with what was found replaced.
  std::string result() {
    for (const Stretch& bytes : exact_bytes_) edits_.push_back({bytes, std::string(kRedacted)});
    std::sort(edits_.begin(), edits_.end(),
              [](const Edit& a, const Edit& b) { return a.place.begin < b.place.begin; });
    std::string out;
    size_t done = 0;
    for (const Edit& edit : edits_) {
      if (edit.place.begin < done) continue;
      out += json_.substr(done, edit.place.begin - done);
      append_json_escaped(edit.text, out);
      done = edit.place.end;
    }
    out += json_.substr(done);
    return out;
  }

 private:
  struct Value {
    Stretch place;  // between the quotes
    size_t offset;  // in joined_
    size_t size;
    bool first;  // of the values that are searched together
  };
  struct Edit {
    Stretch place;
    std::string text;
  };

  void step() {
    switch (json_[place_]) {
      case '"': read_string(); return;
      case '{':
      case '[':
        joins_ = false;
        open_.push_back(json_[place_]);
        key_expected_ = json_[place_] == '{';
        break;
      case '}':
      case ']':
        joins_ = false;
        if (!open_.empty()) open_.pop_back();
        key_expected_ = false;
        break;
      case ',': key_expected_ = !open_.empty() && open_.back() == '{'; break;
      case ':': key_expected_ = false; break;
      default: break;
    }
    ++place_;
  }

  void read_string() {
    const size_t begin = ++place_;
    bool escaped = false;
    while (place_ < json_.size() && json_[place_] != '"') {
      if (json_[place_] == '\\') {
        escaped = true;
        ++place_;
      }
      ++place_;
    }
    const Stretch place{begin, std::min(place_, json_.size())};
    ++place_;
    const std::string_view inside = json_.substr(place.begin, place.end - place.begin);
    if (key_expected_) {
      key_is_exact_bytes_ = inside.ends_with(kExactBytes);
      return;
    }
    if (key_is_exact_bytes_) {
      exact_bytes_.push_back(place);
      return;
    }
    const bool in_list = !open_.empty() && open_.back() == '[';
    const bool first = !in_list || !joins_;
    joins_ = in_list;
    if (!values_.empty()) joined_ += first ? '\n' : ' ';
    const size_t offset = joined_.size();
    bool replaced = false;
    if (escaped) {
      unescape_json(inside, joined_, replaced);
    } else {
      joined_ += inside;
    }
    values_.push_back({place, offset, joined_.size() - offset, first});
  }

  // What is found in the values from `begin` to `end`, joined, in each of them.
  void search(size_t begin, size_t end) {
    const size_t base = values_[begin].offset;
    const size_t size = values_[end - 1].offset + values_[end - 1].size - base;
    const std::vector<Stretch> found = redaction_.find_all(std::string_view(joined_).substr(base, size));
    if (found.empty()) return;
    for (size_t i = begin; i < end; ++i) {
      const size_t from = values_[i].offset - base;
      const size_t to = from + values_[i].size;
      std::string text;
      size_t done = from;
      for (const Stretch& stretch : found) {
        if (stretch.end <= from || stretch.begin >= to) continue;
        if (stretch.begin > done) text += joined_.substr(base + done, stretch.begin - done);
        text += kRedacted;
        done = std::min(stretch.end, to);
      }
      if (text.empty()) continue;
      text += joined_.substr(base + done, to - done);
      edits_.push_back({values_[i].place, std::move(text)});
    }
  }

  const Redaction& redaction_;
  std::string_view json_;
  size_t place_ = 0;
  std::string open_;  // the brackets that are open
  bool key_expected_ = false;
  bool key_is_exact_bytes_ = false;
  bool joins_ = false;  // the next text of a list to those before it
  std::string joined_;  // values, lines of them or of lists
  std::vector<Value> values_;
  std::vector<Stretch> exact_bytes_;
  std::vector<Edit> edits_;
};

bool Redaction::redact_json(std::string& json) const {
  if (patterns_.empty() || !may_need(json)) return false;
  JsonWalk walk(*this, json);
  if (!walk.run()) return false;
  json = walk.result();
  return true;
}

}  // namespace detectd
