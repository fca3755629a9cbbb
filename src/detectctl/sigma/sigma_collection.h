// Several documents in a file that belong together: `action: global`, `reset` and `repeat`, as pySigma
// understands them.
#pragma once

#include <vector>

#include "engine/table_reader.h"
#include "src/detectctl/sigma/yaml_tree.h"

namespace detectd {

// The documents as if each had been written out. A global document's keys are those of every document after
// it, up to a `reset` or the next global one; where both have a key, the global one counts. `repeat` is the
// document before it with the keys of this one. An unknown action is reported (D605), its document left out.
// Documents that then have the same id as an earlier one get one of their own, and are related to it.
std::vector<YamlValue> merge_collection(Reporter& reporter, std::vector<YamlValue> documents);

}  // namespace detectd
