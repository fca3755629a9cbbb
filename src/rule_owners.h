// Who could change a rule file: for a daemon that may kill, its rules are code.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "engine/diagnostic.h"

namespace detectd {

// Complains (D070) of rule files, and of the directories above them, that somebody else than root and one
// user can write or replace.
class RuleOwners {
 public:
  enum class Strictness : uint8_t {
    kRefuse,  // errors
    // Warnings, for files on somebody's desk: who owns one may write it, and the group that has his number alone.
    kWarn,
  };

  RuleOwners(uid_t owner, Diagnostics& diagnostics, Strictness strictness = Strictness::kRefuse)
      : owner_(owner), strictness_(strictness), diagnostics_(diagnostics) {}

  // `info` is of the file that was opened as `path`.
  void check(const std::string& path, const struct stat& info);

 private:
  void complain(const std::string& path, const std::string& what, const struct stat& info);
  bool safe(const struct stat& info, uid_t file_owner) const;

  uid_t owner_;
  Strictness strictness_;
  Diagnostics& diagnostics_;
  std::set<std::string> directories_;  // that were looked at
};

}  // namespace detectd
