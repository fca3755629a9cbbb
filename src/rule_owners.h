// Who could change a rule file, or the configuration: for a daemon that may kill, both are code.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "engine/diagnostic.h"

namespace detectd {

// Complains (D070, of the configuration D209) of files, and of the directories and links on the way to them, that
// somebody else than root and one user can write or replace.
class RuleOwners {
 public:
  enum class Strictness : uint8_t {
    kRefuse,  // errors
    // Warnings, for files on somebody's desk: who owns one may write it, and the group that has his number alone.
    kWarn,
  };

  enum class Subject : uint8_t { kRules, kConfiguration };

  RuleOwners(uid_t owner, Diagnostics& diagnostics, Strictness strictness = Strictness::kRefuse,
             Subject subject = Subject::kRules)
      : owner_(owner), strictness_(strictness), subject_(subject), diagnostics_(diagnostics) {}

  // `info` is of the file that was opened as `path`.
  void check(const std::string& path, const struct stat& info);

 private:
  void check_way(const std::string& path, uid_t file_owner);
  void complain(const std::string& path, const std::string& what, const struct stat& info);
  bool safe(const struct stat& info, uid_t file_owner) const;

  uid_t owner_;
  Strictness strictness_;
  Subject subject_;
  Diagnostics& diagnostics_;
  std::set<std::string> seen_;  // directories and links that were looked at
};

}  // namespace detectd
