#include "src/rule_owners.h"

#include <array>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "engine/escape.h"

namespace detectd {

namespace fs = std::filesystem;

bool RuleOwners::safe(const struct stat& info, uid_t file_owner) const {
  const bool lenient = strictness_ == Strictness::kWarn;
  if (info.st_uid != 0 && info.st_uid != owner_ && !(lenient && info.st_uid == file_owner)) return false;
  // To a link nobody can write, and what is written to a device is not what is read from it (/dev/null).
  if (S_ISLNK(info.st_mode) || S_ISCHR(info.st_mode)) return true;
  // In a sticky directory others can not replace what is not theirs, and what they add is theirs.
  if (S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0) return true;
  if ((info.st_mode & S_IWOTH) != 0) return false;
  return (info.st_mode & S_IWGRP) == 0 || info.st_gid == 0 || (lenient && info.st_gid == info.st_uid);
}

void RuleOwners::complain(const std::string& path, const std::string& what, const struct stat& info) {
  std::array<char, 64> state{};
  std::snprintf(state.data(), state.size(), " (mode %04o, owner %u)", info.st_mode & 07777U, info.st_uid);
  Diagnostic diagnostic;
  const bool is_rule = subject_ == Subject::kRules;
  diagnostic.code = is_rule ? "D070" : "D209";
  if (strictness_ == Strictness::kWarn) diagnostic.severity = Severity::kWarning;
  diagnostic.file = std::make_shared<SourceFile>(SourceFile{path, ""});
  diagnostic.message = what + " is writable by others" + state.data();
  const std::string_view decides = S_ISLNK(info.st_mode)    ? "owns it decides where it leads"
                                   : !S_ISDIR(info.st_mode) ? "can write it decides what is done"
                                   : is_rule                ? "can write it can replace rules"
                                                            : "can write it can replace the configuration";
  diagnostic.help = strictness_ == Strictness::kRefuse ? "chown -h root and " : "";
  diagnostic.help += S_ISLNK(info.st_mode) ? "look where it leads" : "chmod go-w it";
  diagnostic.help += ": whoever " + std::string(decides);
  diagnostics_.add(std::move(diagnostic));
}

void RuleOwners::check(const std::string& path, const struct stat& info) {
  const bool is_rule = subject_ == Subject::kRules;
  if (!safe(info, info.st_uid)) complain(path, is_rule ? "the rule file" : "the configuration file", info);
  check_way(path, info.st_uid);
}

// Every directory and every link on the way to the file: who can write where a link lies decides as much as who can
// write where it leads.
void RuleOwners::check_way(const std::string& path, uid_t file_owner) {
  constexpr int kMaxLinks = 40;  // as the kernel has it
  std::error_code error;
  const fs::path whole = fs::absolute(path, error);
  std::deque<fs::path> left(whole.begin(), whole.end());
  fs::path at;
  for (int links = 0; !error && !left.empty() && links < kMaxLinks;) {
    const fs::path part = std::move(left.front());
    left.pop_front();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      at = at.parent_path();
      continue;
    }
    const fs::path next = at / part;
    struct stat info {};
    if (lstat(next.c_str(), &info) != 0) return;
    const bool is_link = S_ISLNK(info.st_mode);
    const bool is_news = (is_link || S_ISDIR(info.st_mode)) && seen_.insert(next.string()).second;
    if (is_news && !safe(info, file_owner)) {
      complain(path, (is_link ? "the link " : "the directory ") + escape_text(next.string()), info);
    }
    if (!is_link) {
      at = next;
      continue;
    }
    ++links;
    const fs::path target = fs::read_symlink(next, error);
    left.insert(left.begin(), target.begin(), target.end());
    if (target.is_absolute()) at.clear();
  }
}

}  // namespace detectd
