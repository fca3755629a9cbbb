// A TOML table as one line of JSON, as a capture has it: for the events of inline tests.
#pragma once

#include <string>

#include "engine/table_reader.h"

namespace detectd {

// Keys in the order in which they are written; dates as RFC 3339 texts. D027 for what JSON does not have
// (infinity, not a number), and an empty text then.
std::string event_json(Reporter& reporter, const TomlValue& table);

}  // namespace detectd
