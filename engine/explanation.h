// The long text of a diagnostic code: why it is told, an example that gets it, and one that does not.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace detectd {

struct Explanation {
  // What the examples are, so that tests can try them.
  enum class Form : uint8_t {
    kFile,       // a rule file
    kKeys,       // keys of a [[rule]]
    kDetection,  // what stands below [rule.detection]; without a condition, `condition = "selection"`
    kShown,      // to be read only: a configuration, a line of a capture, a command
  };
  std::string_view code;
  Form form{};
  std::string_view text;  // lines of at most 80 columns; ends with a newline, as the examples do
  std::string_view bad;
  std::string_view good;
};

// Sorted by code.
std::span<const Explanation> explanations();
// Null for a code that does not exist.
const Explanation* find_explanation(std::string_view code);

}  // namespace detectd
