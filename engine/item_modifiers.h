// The modifiers of an item's key, checked: `contains|all|windash`. detectd-rules(5) describes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/pattern.h"
#include "engine/regex.h"
#include "engine/value_test.h"

namespace detectd {

enum class Transform : uint8_t { kWindash, kBase64, kBase64Offset, kUtf16Le, kUtf16Be, kUtf16 };

struct Modifiers {
  enum class Subject : uint8_t { kText, kRegex, kCidr, kComparison, kTime, kField, kExists, kNull };

  Subject subject = Subject::kText;
  Position position = Position::kWhole;
  std::vector<Transform> transforms;  // in order
  std::optional<Comparison> comparison;
  TimePart time_part{};  // kTime only
  RegexFlags regex;      // kRegex only
  bool all = false;
  bool cased = false;
  bool neq = false;
  bool expand = false;

  // Whether numbers are compared as the text they are written with.
  bool changes_text() const { return position != Position::kWhole || !transforms.empty(); }
};

struct ModifierMistake {
  size_t index = 0;  // of the modifier
  std::string code;
  std::string message;
  std::string help;
};

// Nothing after a mistake, which is then in `mistake`. Keywords have no field.
std::optional<Modifiers> parse_modifiers(const std::vector<std::string>& names, bool keyword,
                                         ModifierMistake& mistake);

// All that there are.
std::vector<std::string_view> modifier_names();

}  // namespace detectd
