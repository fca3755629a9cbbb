// One value of a captured line, and what the table of fields demands of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/event.h"
#include "engine/fields.h"

namespace detectd {

enum class ValueCheck : uint8_t {
  kAny,
  kText,  // anything but an object or a list in a list: numbers keep their type
  kInteger,
  kCount,        // from 0
  kPid,          // what Linux allows
  kUserOrGroup,  // an integer, or text as Windows has it
  kBoolean,
  kTime,
};

struct CapturedValue {
  Type type = Type::kNull;
  std::string_view text;
  bool unescaped = false;  // `text` does not stand in the token
  int64_t number = 0;
  double real = 0;
  std::optional<int64_t> time_ns;  // set by read_as
};

// A token of JSON that is neither object nor list, blanks behind it allowed; false if it is none. Text without
// escapes points into the token, other text into `unescaped`. `replaced` is set by a lone surrogate.
bool scan_value(std::string_view token, std::string& unescaped, bool& replaced, CapturedValue& value);

// Numbers and booleans that a capture wrote as text, and times.
void read_as(FieldType type, CapturedValue& value);

// Whether a value, after read_as, is one the table allows. Null is.
bool passes(ValueCheck check, const CapturedValue& value);
// All integers from 0 up to this one pass; -1: none does.
int64_t most_allowed(ValueCheck check);

// For messages: "an integer from 0"; `"abc"`, cut where it is long.
std::string_view expectation(ValueCheck check);
std::string shown(const CapturedValue& value);

}  // namespace detectd
