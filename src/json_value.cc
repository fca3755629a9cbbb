#include "src/json_value.h"

#include <algorithm>
#include <limits>

#include "engine/escape.h"
#include "engine/json_place.h"
#include "engine/json_text.h"

namespace detectd {
namespace {

constexpr size_t kMaxDepth = 16;

// Of a text that find_json_mistake() finds nothing in.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  JsonValue read() {
    JsonValue value;
    switch (peek()) {
      case '{': read_object(value); break;
      case '[': read_array(value); break;
      case '"':
        value.kind = JsonValue::Kind::kText;
        value.text = read_text();
        break;
      case 't':
      case 'f':
        value.kind = JsonValue::Kind::kBoolean;
        value.boolean = word() == "true";
        break;
      case 'n': word(); break;
      default: read_number(value);
    }
    return value;
  }

 private:
  char peek() {
    at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  std::string_view word() {
    const size_t end = std::min(text_.find_first_of(" \t\r\n,]}", at_), text_.size());
    const std::string_view word = text_.substr(at_, end - at_);
    at_ = end;
    return word;
  }

  std::string read_text() {
    const size_t begin = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    std::string text;
    bool replaced = false;
    unescape_json(text_.substr(begin, at_ - begin), text, replaced);
    ++at_;
    return text;
  }

  void read_number(JsonValue& value) {
    value.kind = JsonValue::Kind::kNumber;
    const JsonNumber number = parse_json_number(word());
    if (number.kind == JsonNumber::Kind::kInteger) {
      value.number = number.integer;
    } else if (number.real >= 9.2e18) {
      value.number = std::numeric_limits<int64_t>::max();
    } else if (number.real <= -9.2e18) {
      value.number = std::numeric_limits<int64_t>::min();
    } else {
      value.number = static_cast<int64_t>(number.real);
    }
  }

  void read_array(JsonValue& value) {
    value.kind = JsonValue::Kind::kArray;
    ++at_;
    while (peek() != ']') {
      value.elements.push_back(read());
      take(',');
    }
    ++at_;
  }

  void read_object(JsonValue& value) {
    value.kind = JsonValue::Kind::kObject;
    ++at_;
    while (peek() != '}') {
      std::string name = read_text();
      take(':');
      peek();
      value.members.push_back({std::move(name), read()});
      take(',');
    }
    ++at_;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

const JsonValue* JsonValue::find(std::string_view name) const {
  const auto found =
      std::find_if(members.begin(), members.end(), [&](const auto& member) { return member.name == name; });
  return found == members.end() ? nullptr : &found->value;
}

std::string JsonValue::text_of(std::string_view name, std::string_view otherwise) const {
  const JsonValue* value = find(name);
  return value != nullptr && value->kind == Kind::kText ? value->text : std::string(otherwise);
}

int64_t JsonValue::number_of(std::string_view name, int64_t otherwise) const {
  const JsonValue* value = find(name);
  return value != nullptr && value->kind == Kind::kNumber ? value->number : otherwise;
}

bool JsonValue::boolean_of(std::string_view name, bool otherwise) const {
  const JsonValue* value = find(name);
  return value != nullptr && value->kind == Kind::kBoolean ? value->boolean : otherwise;
}

const std::vector<JsonValue>& JsonValue::elements_of(std::string_view name) const {
  static const std::vector<JsonValue> kNone;
  const JsonValue* value = find(name);
  return value != nullptr ? value->elements : kNone;
}

Result<JsonValue> parse_json_object(std::string_view text) {
  std::string valid;
  replace_invalid_utf8(text, valid);
  if (const auto mistake = find_json_mistake(valid, kMaxDepth)) {
    return Error{Errc::kInput,
                 mistake->message + " in column " + std::to_string(column_of(valid, mistake->offset))};
  }
  return Reader(valid).read();
}

}  // namespace detectd
