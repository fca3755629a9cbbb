// Rule files from the disk.
#pragma once

#include <string>
#include <vector>

#include "engine/diagnostic.h"
#include "engine/result.h"
#include "src/rule_owners.h"

namespace detectd {

// Reads each path: a file, whatever its name, or a directory with all `*.toml` below it in byte order of
// their paths. Names that begin with a dot are left out (editors leave such behind), symbolic links are
// followed, no directory is entered twice and no file read twice. Of a file, one byte more than
// kMaxRuleFileBytes at most is read, so that parse_rules() can complain.
// Errors are the system's (kNotFound, kPermission, kSystem): one file that can not be read fails all, for a
// detector with half of its rules is worse than one that does not start.
// `owners`, if not null, is shown each file.
Result<std::vector<SourcePtr>> read_rule_files(const std::vector<std::string>& paths,
                                               RuleOwners* owners = nullptr);

}  // namespace detectd
