// Runs as bytes, for the spill.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/store/run_record.h"

namespace detectd {

std::string pack(const RunStart& start);
std::string pack(const RunEnd& end);
// Nothing for bytes that are none.
std::optional<RunStart> unpack_run_start(std::string_view bytes);
std::optional<RunEnd> unpack_run_end(std::string_view bytes);

}  // namespace detectd
