// JSON for people.
#pragma once

#include <string>
#include <string_view>

namespace detectd {

// A document, a member a line, each line behind `indent`; ends with a newline. What must not reach a terminal is
// escaped. A document that is not valid comes out somehow, but as harmless.
std::string pretty_json(std::string_view document, std::string_view indent);

}  // namespace detectd
