#include "src/text.h"

#include "engine/escape.h"
#include "src/report/hit_view.h"

namespace detectd {

std::string quoted(std::string_view text) { return "`" + escape_text(text) + "`"; }

std::string plural(uint64_t number, std::string_view noun) {
  return with_separators(number) + " " + std::string(noun) + (number == 1 ? "" : "s");
}

}  // namespace detectd
