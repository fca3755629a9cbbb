// Detections given as JSON, as Sigma's YAML would parse: for conformance vectors.
#pragma once

#include <string>

#include "engine/rule.h"

namespace detectd::testing {

// A rule for exec events with this detection (`{"selection": {...}, "condition": "..."}`). Every
// field name gets `prefix` in front; a null becomes `|null`.
Rule rule_from_detection_json(const std::string& detection, const std::string& prefix);

}  // namespace detectd::testing
