#include "engine/captured_value.h"

#include <cstring>
#include <limits>

#include "engine/json_text.h"
#include "engine/timestamp.h"

namespace detectd {
namespace {

constexpr int64_t kMaxPid = int64_t{1} << 22;  // PID_MAX_LIMIT of Linux on 64 bits

// Nearly all numbers in captures.
bool scan_short_integer(std::string_view text, int64_t& number) {
  constexpr size_t kDigits = 18;  // always fit
  if (text.size() > kDigits || (text[0] == '0' && text.size() > 1)) return false;
  int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  number = value;
  return true;
}

}  // namespace

bool scan_value(std::string_view token, std::string& unescaped, bool& replaced, CapturedValue& value) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!token.empty() && blank(token.back())) token.remove_suffix(1);
  if (token.empty()) return false;
  if (token[0] == '"') {
    if (token.size() < 2 || token.back() != '"') return false;
    value.type = Type::kText;
    value.text = token.substr(1, token.size() - 2);
    if (value.text.empty()) return true;
    if (std::memchr(value.text.data(), '\\', value.text.size()) == nullptr) return true;
    unescaped.clear();
    const size_t bad = unescape_json(value.text, unescaped, replaced);
    value.text = unescaped;
    value.unescaped = true;
    return bad == std::string_view::npos;
  }
  value.text = token;
  if (scan_short_integer(token, value.number)) {
    value.type = Type::kInteger;
    return true;
  }
  if (token == "null") {
    value.type = Type::kNull;
    return true;
  }
  if (token == "true" || token == "false") {
    value.type = Type::kBoolean;
    value.number = token == "true" ? 1 : 0;
    return true;
  }
  const JsonNumber number = parse_json_number(token);
  if (number.kind == JsonNumber::Kind::kInvalid || number.kind == JsonNumber::Kind::kInfinite) {
    return false;
  }
  value.type = number.kind == JsonNumber::Kind::kInteger ? Type::kInteger : Type::kReal;
  value.number = number.integer;
  value.real = number.real;
  return true;
}

std::string_view expectation(ValueCheck check) {
  switch (check) {
    case ValueCheck::kInteger: return "an integer";
    case ValueCheck::kCount: return "an integer from 0";
    case ValueCheck::kPid: return "a process id from 0 to 4194304";
    case ValueCheck::kUserOrGroup: return "an id";
    case ValueCheck::kBoolean: return "true or false";
    case ValueCheck::kTime: return "a time such as \"2026-11-20T14:03:07.112Z\"";
    case ValueCheck::kText: return "a text";
    case ValueCheck::kAny: return "a value";
  }
  return "a value";
}

void read_as(FieldType type, CapturedValue& value) {
  if (value.type != Type::kText) return;
  if (type == FieldType::kInteger && parse_decimal(value.text, value.number)) {
    value.type = Type::kInteger;
  } else if (type == FieldType::kReal) {
    const JsonNumber number = parse_json_number(value.text);
    if (number.kind == JsonNumber::Kind::kInvalid || number.kind == JsonNumber::Kind::kInfinite) return;
    const bool integer = number.kind == JsonNumber::Kind::kInteger;
    value.type = integer ? Type::kInteger : Type::kReal;
    value.number = number.integer;
    value.real = number.real;
  } else if (type == FieldType::kBoolean && (value.text == "true" || value.text == "false")) {
    value.type = Type::kBoolean;
    value.number = value.text == "true" ? 1 : 0;
  } else if (type == FieldType::kTime) {
    value.time_ns = parse_rfc3339(value.text);
  }
}

bool passes(ValueCheck check, const CapturedValue& value) {
  if (value.type == Type::kNull) return true;
  const bool integer = value.type == Type::kInteger;
  // A number of 64 bits without a sign, such as an inode, is kept as a real with its text.
  const bool large = value.type == Type::kReal && value.text.find_first_of(".eE") == std::string_view::npos;
  switch (check) {
    case ValueCheck::kAny:
    case ValueCheck::kText: return true;
    case ValueCheck::kInteger: return integer || large;
    case ValueCheck::kUserOrGroup: return integer || large || value.type == Type::kText;
    case ValueCheck::kCount: return integer && value.number >= 0;
    case ValueCheck::kPid: return integer && value.number >= 0 && value.number <= most_allowed(check);
    case ValueCheck::kBoolean: return value.type == Type::kBoolean;
    case ValueCheck::kTime: return value.time_ns.has_value();
  }
  return true;
}

int64_t most_allowed(ValueCheck check) {
  switch (check) {
    case ValueCheck::kAny:
    case ValueCheck::kText:
    case ValueCheck::kInteger:
    case ValueCheck::kCount:
    case ValueCheck::kUserOrGroup: return std::numeric_limits<int64_t>::max();
    case ValueCheck::kPid: return kMaxPid;
    case ValueCheck::kBoolean:
    case ValueCheck::kTime: return -1;
  }
  return -1;
}

std::string shown(const CapturedValue& value) {
  constexpr size_t kShown = 40;
  std::string text(value.text.substr(0, kShown));
  if (value.text.size() > kShown) text += "...";
  return value.type == Type::kText ? '"' + text + '"' : text;
}

}  // namespace detectd
