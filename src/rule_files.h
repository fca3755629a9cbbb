// Rule files from the disk.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/diagnostic.h"
#include "engine/result.h"
#include "src/rule_owners.h"

namespace detectd {

// Which files of a directory are read, and how much of each.
struct FileChoice {
  std::vector<std::string_view> extensions;  // ".toml"
  size_t max_bytes = 0;
};

// Reads each path: a file, whatever its name, or a directory with all such files below it in byte order of
// their paths. Names that begin with a dot are left out (editors leave such behind), symbolic links are
// followed, no directory is entered twice and no file read twice. Of a file, one byte more than
// `max_bytes` at most is read, so that its parser can complain.
// Errors are the system's (kNotFound, kPermission, kSystem): one file that can not be read fails all, for a
// detector with half of its rules is worse than one that does not start.
// `owners`, if not null, is shown each file.
Result<std::vector<SourcePtr>> read_files(const std::vector<std::string>& paths, const FileChoice& choice,
                                          RuleOwners* owners = nullptr);
// The same for `*.toml`, up to kMaxRuleFileBytes.
Result<std::vector<SourcePtr>> read_rule_files(const std::vector<std::string>& paths,
                                               RuleOwners* owners = nullptr);

}  // namespace detectd
