// Words of messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace detectd {

// `text`, escaped, between backquotes.
std::string quoted(std::string_view text);
// `1 rule`, `1,200 rules`.
std::string plural(uint64_t number, std::string_view noun);

}  // namespace detectd
