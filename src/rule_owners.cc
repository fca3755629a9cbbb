#include "src/rule_owners.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>

#include "engine/escape.h"

namespace detectd {

namespace fs = std::filesystem;

bool RuleOwners::safe(const struct stat& info, uid_t file_owner) const {
  const bool lenient = strictness_ == Strictness::kWarn;
  if (info.st_uid != 0 && info.st_uid != owner_ && !(lenient && info.st_uid == file_owner)) return false;
  // In a sticky directory others can not replace what is not theirs, and what they add is theirs.
  if (S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0) return true;
  if ((info.st_mode & S_IWOTH) != 0) return false;
  return (info.st_mode & S_IWGRP) == 0 || info.st_gid == 0 || (lenient && info.st_gid == info.st_uid);
}

void RuleOwners::complain(const std::string& path, const std::string& what, const struct stat& info) {
  std::array<char, 64> state{};
  std::snprintf(state.data(), state.size(), " (mode %04o, owner %u)", info.st_mode & 07777U, info.st_uid);
  Diagnostic diagnostic;
  diagnostic.code = "D070";
  if (strictness_ == Strictness::kWarn) diagnostic.severity = Severity::kWarning;
  diagnostic.file = std::make_shared<SourceFile>(SourceFile{path, ""});
  diagnostic.message = what + " is writable by others" + state.data();
  const bool is_directory = S_ISDIR(info.st_mode);
  diagnostic.help = strictness_ == Strictness::kRefuse ? "chown root and " : "";
  diagnostic.help += is_directory ? "chmod 0755 it: whoever can write it can replace rules"
                                  : "chmod 0644 it: whoever can write it decides what is done";
  diagnostics_.add(std::move(diagnostic));
}

void RuleOwners::check(const std::string& path, const struct stat& info) {
  if (!safe(info, info.st_uid)) complain(path, "the rule file", info);
  std::error_code error;
  // The directories of the file itself, wherever links led to it.
  const fs::path real = fs::canonical(path, error);
  if (error) return;
  for (fs::path directory = real.parent_path();; directory = directory.parent_path()) {
    if (!directories_.insert(directory.string()).second) return;
    struct stat above {};
    if (stat(directory.c_str(), &above) == 0 && !safe(above, info.st_uid)) {
      complain(path, "the directory " + escape_text(directory.string()), above);
    }
    if (directory == directory.root_path()) return;
  }
}

}  // namespace detectd
