// Everything an event carries, as text: so that a failed comparison shows all of it.
#pragma once

#include <string>

#include "engine/event.h"

namespace detectd {

// The kind, then a line for each carried field in the schema's order: `process.args = ["a", 1]`.
std::string dump(const Event& event, const Schema& schema);

}  // namespace detectd
