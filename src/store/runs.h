// The runs whose hits a database has.
#pragma once

#include <string>
#include <vector>

#include "engine/result.h"
#include "src/store/database.h"

namespace detectd {

// Of the rule sets that ran, hexadecimal, the newest first; at most 100.
Result<std::vector<std::string>> rules_digests(const Database& database);

}  // namespace detectd
