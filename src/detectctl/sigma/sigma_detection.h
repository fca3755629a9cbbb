// Sigma's selections and their condition.
#pragma once

#include "engine/table_reader.h"
#include "src/detectctl/sigma/yaml_tree.h"

namespace detectd {

// The `detection` table; what has no like in detectd's language is reported (D605).
TomlValue convert_sigma_detection(Reporter& reporter, const YamlValue& detection);

}  // namespace detectd
