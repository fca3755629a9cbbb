#include "src/time_option.h"

#include <utility>

#include "engine/diagnostic.h"
#include "src/clock.h"
#include "src/log.h"
#include "src/report/time_zone.h"
#include "src/text.h"

namespace detectd {

bool read_time(std::string_view option, const std::optional<std::string>& text,
               std::optional<int64_t>& time_ns) {
  if (!text) return true;
  time_ns = parse_time(*text, wall_clock_ns());
  if (time_ns) return true;
  Diagnostic diagnostic;
  diagnostic.code = "D500";
  diagnostic.message = std::string(option) + ": " + quoted(*text) + " is not a time";
  diagnostic.help = "write `-2h`, `yesterday`, `2026-11-21 10:00` or RFC 3339";
  Diagnostics diagnostics;
  diagnostics.add(std::move(diagnostic));
  log::show(diagnostics);
  return false;
}

}  // namespace detectd
