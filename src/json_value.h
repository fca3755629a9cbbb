// A JSON document as values, for the small ones that programs send to each other. Captures go another way
// (engine/event_codec).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/result.h"

namespace detectd {

struct JsonMember;

struct JsonValue {
  enum class Kind : uint8_t { kNull, kBoolean, kNumber, kText, kArray, kObject };

  Kind kind = Kind::kNull;
  bool boolean = false;
  int64_t number = 0;  // what is no integer of 64 bits is cut to one
  std::string text;
  std::vector<JsonValue> elements;
  std::vector<JsonMember> members;

  // Null where there is none, and for what is no object.
  const JsonValue* find(std::string_view name) const;
  // Of a member of that kind; else what is given.
  std::string text_of(std::string_view name, std::string_view otherwise = {}) const;
  int64_t number_of(std::string_view name, int64_t otherwise = 0) const;
  bool boolean_of(std::string_view name, bool otherwise = false) const;
  // Empty where there is no such array.
  const std::vector<JsonValue>& elements_of(std::string_view name) const;
};

struct JsonMember {
  std::string name;
  JsonValue value;
};

// One object. Strict: a name may be given once only. Brackets may be 16 deep. Bytes that are no UTF-8 become U+FFFD.
// Time and memory are proportional to the size. Errc::kInput, with the column.
Result<JsonValue> parse_json_object(std::string_view text);

}  // namespace detectd
