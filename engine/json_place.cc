#include "engine/json_place.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "engine/json_text.h"

namespace detectd {
namespace {

class Checker {
 public:
  Checker(std::string_view text, size_t max_depth) : text_(text), max_depth_(max_depth) {}

  std::optional<JsonMistake> check() {
    skip_blanks();
    if (peek() != '{') {
      fail("D300", at_, "expected '{': a line is one object");
    } else if (object(0, 1)) {
      skip_blanks();
      if (at_ < text_.size()) fail("D300", at_, "expected the end of the line after '}'");
    }
    return std::move(mistake_);
  }

 private:
  // A path is a number: paths_[{path of the parent, name}]. Objects inside lists begin a path of their own.
  using Path = uint32_t;

  bool fail(std::string_view code, size_t offset, std::string message) {
    if (!mistake_) {
      mistake_ = JsonMistake{std::string(code), std::min(offset, text_.size()), std::move(message)};
    }
    return false;
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
  }

  bool value(Path path, size_t depth) {
    if (peek() == '{') return object(path, depth);
    if (peek() == '[') return array(depth);
    if (peek() == '"') {
      size_t begin = 0;
      size_t end = 0;
      return string(begin, end);
    }
    return word();
  }

  bool object(Path path, size_t depth) {
    if (depth > max_depth_) return too_deep();
    ++at_;
    std::map<std::string, size_t> keys;
    skip_blanks();
    if (peek() == '}') {
      ++at_;
      return true;
    }
    while (true) {
      skip_blanks();
      if (peek() != '"') return fail("D300", at_, "expected a key in double quotes");
      if (!member(path, depth, keys)) return false;
      skip_blanks();
      const char c = peek();
      if (c != ',' && c != '}') return fail("D300", at_, "expected ',' or '}'");
      ++at_;
      if (c == '}') return true;
    }
  }

  bool member(Path path, size_t depth, std::map<std::string, size_t>& keys) {
    const size_t key_at = at_;
    size_t begin = 0;
    size_t end = 0;
    if (!string(begin, end)) return false;
    std::string key;
    bool replaced = false;
    unescape_json(text_.substr(begin, end - begin), key, replaced);
    const auto [first, is_new] = keys.emplace(key, key_at);
    if (!is_new) return duplicate(key, key_at, first->second);
    skip_blanks();
    if (peek() != ':') return fail("D300", at_, "expected ':' after a key");
    ++at_;
    skip_blanks();
    const Path inner = descend(path, key);
    if (peek() != '{') {
      const auto [given, is_first] = given_.emplace(inner, key_at);
      if (!is_first) return duplicate(key, key_at, given->second);
    }
    return value(inner, depth + 1);
  }

  bool array(size_t depth) {
    if (depth > max_depth_) return too_deep();
    ++at_;
    skip_blanks();
    if (peek() == ']') {
      ++at_;
      return true;
    }
    while (true) {
      skip_blanks();
      if (!value(next_path_++, depth + 1)) return false;
      skip_blanks();
      const char c = peek();
      if (c != ',' && c != ']') return fail("D300", at_, "expected ',' or ']'");
      ++at_;
      if (c == ']') return true;
    }
  }

  // From the opening quote to behind the closing one.
  bool string(size_t& begin, size_t& end) {
    begin = at_ + 1;
    for (size_t i = begin; i < text_.size(); ++i) {
      const auto c = static_cast<unsigned char>(text_[i]);
      if (c == '\\') {
        ++i;
        continue;
      }
      if (c < 0x20) return fail("D300", i, "a control character in a string must be escaped");
      if (c != '"') continue;
      end = i;
      std::string unescaped;
      bool replaced = false;
      const size_t bad = unescape_json(text_.substr(begin, end - begin), unescaped, replaced);
      if (bad != std::string_view::npos) {
        return fail("D300", begin + bad, "unknown escape in a string");
      }
      at_ = end + 1;
      return true;
    }
    return fail("D300", at_, "this string is not closed");
  }

  // true, false, null or a number.
  bool word() {
    const size_t begin = at_;
    const size_t end = std::min(text_.find_first_of(" \t\r\n,:[]{}\"", begin), text_.size());
    const std::string_view word = text_.substr(begin, end - begin);
    if (word.empty()) return fail("D300", begin, "expected a value");
    at_ = end;
    if (word == "true" || word == "false" || word == "null") return true;
    switch (parse_json_number(word).kind) {
      case JsonNumber::Kind::kInvalid: break;
      case JsonNumber::Kind::kInfinite: return fail("D309", begin, "this number is too large");
      default: return true;
    }
    const std::string_view unsigned_word = word.substr(word[0] == '-' || word[0] == '+' ? 1 : 0);
    for (const std::string_view name : {"NaN", "nan", "NAN", "Infinity", "inf", "Inf", "INF"}) {
      if (unsigned_word == name) {
        return fail("D309", begin, std::string(word) + " is not a number JSON has");
      }
    }
    return fail("D300", begin, "expected a value");
  }

  Path descend(Path path, std::string_view key) {
    while (true) {
      const size_t dot = key.find('.');
      const auto [found, is_new] =
          paths_.emplace(std::pair(path, std::string(key.substr(0, dot))), next_path_);
      if (is_new) ++next_path_;
      path = found->second;
      if (dot == std::string_view::npos) return path;
      key.remove_prefix(dot + 1);
    }
  }

  bool duplicate(std::string_view key, size_t at, size_t first_at) {
    constexpr size_t kShown = 60;
    const size_t shown = key.size() <= kShown ? key.size() : kShown;
    return fail("D308", at,
                "the key '" + std::string(key.substr(0, shown)) + "' is given twice, first in column " +
                    std::to_string(column_of(text_, first_at)));
  }

  bool too_deep() {
    return fail("D300", at_, "nested more than " + std::to_string(max_depth_) + " levels deep");
  }

  std::string_view text_;
  size_t max_depth_;
  size_t at_ = 0;
  Path next_path_ = 1;
  std::map<std::pair<Path, std::string>, Path> paths_;
  std::map<Path, size_t> given_;  // where each path got its value
  std::optional<JsonMistake> mistake_;
};

}  // namespace

std::optional<JsonMistake> find_json_mistake(std::string_view text, size_t max_depth) {
  return Checker(text, max_depth).check();
}

size_t column_of(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  return 1 + static_cast<size_t>(std::count_if(before.begin(), before.end(), [](char c) {
           return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
         }));
}

}  // namespace detectd
