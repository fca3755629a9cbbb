#include "src/path_way.h"

#include <algorithm>
#include <deque>
#include <system_error>
#include <utility>

namespace detectd {

namespace fs = std::filesystem;

void visit_way(const std::string& path,
               const std::function<void(const fs::path& place, const struct stat& info)>& visit) {
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
    visit(next, info);
    if (!S_ISLNK(info.st_mode)) {
      at = next;
      continue;
    }
    ++links;
    const fs::path target = fs::read_symlink(next, error);
    left.insert(left.begin(), target.begin(), target.end());
    if (target.is_absolute()) at.clear();
  }
}

bool only_writable_by(const struct stat& info, std::span<const uid_t> users, bool private_groups) {
  if (std::find(users.begin(), users.end(), info.st_uid) == users.end()) return false;
  // To a link nobody can write, and what is written to a device is not what is read from it (/dev/null).
  if (S_ISLNK(info.st_mode) || S_ISCHR(info.st_mode)) return true;
  // In a sticky directory others can not replace what is not theirs, and what they add is theirs.
  if (S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0) return true;
  if ((info.st_mode & S_IWOTH) != 0) return false;
  return (info.st_mode & S_IWGRP) == 0 || info.st_gid == 0 || (private_groups && info.st_gid == info.st_uid);
}

}  // namespace detectd
