// How often something may be done, as a configuration writes it.
#pragma once

#include <optional>
#include <string_view>

#include "src/respond/budget.h"

namespace detectd {

// `5/s`, `20/min`, `100/h`; `0` is without limit. Nothing for what is none.
std::optional<ResponseRate> parse_rate(std::string_view text);

}  // namespace detectd
