// The first line of an input holds names of selections, the rest is a condition. What can be parsed is
// printed in one canonical form that parses back to the same tree; where it can not, the place of the
// mistake lies in the text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/condition.h"
#include "tests/fuzz/property.h"

using detectd::Condition;
using detectd::ConditionError;

namespace {

std::vector<std::string> names_of(std::string_view line) {
  std::vector<std::string> names;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    const std::string name(line.substr(0, end));
    const bool fresh = std::find(names.begin(), names.end(), name) == names.end();
    if (fresh && Condition::is_identifier(name)) names.push_back(name);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return names;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(input.find('\n'), input.size());
  const std::vector<std::string> names = names_of(input.substr(0, end));
  const std::string_view text = input.substr(std::min(end + 1, input.size()));

  const auto parsed = Condition::parse(text, names);
  if (const auto* error = std::get_if<ConditionError>(&parsed)) {
    REQUIRE_PROPERTY(error->offset <= text.size());
    REQUIRE_PROPERTY(!error->message.empty());
    return 0;
  }
  const Condition& condition = std::get<Condition>(parsed);
  const std::string printed = condition.print(names);
  const auto again = Condition::parse(printed, names);
  // A quantifier is shorter than what it stands for, so the canonical text may be beyond the limits.
  if (const auto* error = std::get_if<ConditionError>(&again)) {
    REQUIRE_PROPERTY(error->message == "the condition is too large");
    return 0;
  }
  REQUIRE_PROPERTY(std::get<Condition>(again) == condition);
  REQUIRE_PROPERTY(std::get<Condition>(again).print(names) == printed);
  bool odd = false;
  const auto holds = [&](uint32_t selection) {
    REQUIRE_PROPERTY(selection < names.size());
    return (selection % 2 == 1) != odd;
  };
  condition.evaluate(holds);
  odd = true;
  condition.evaluate(holds);
  return 0;
}
