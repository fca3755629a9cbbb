#include "src/own_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "src/path_way.h"

namespace detectd {

std::optional<std::string> foreign_link(const std::string& path) {
  const uid_t users[] = {0, geteuid()};
  std::optional<std::string> found;
  visit_way(path, [&](const std::filesystem::path& place, const struct stat& info) {
    if (found || !S_ISLNK(info.st_mode)) return;
    struct stat directory {};
    const bool safe = only_writable_by(info, users, true) &&
                      lstat(place.parent_path().c_str(), &directory) == 0 &&
                      only_writable_by(directory, users, true);
    if (!safe) found = place.string();
  });
  return found;
}

Fd open_own_file(const std::string& path, int flags, mode_t mode) {
  if (foreign_link(path)) {
    errno = ELOOP;
    return {};
  }
  return Fd(open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, mode));
}

std::string own_file_error(int number) {
  if (number != ELOOP) return std::strerror(number);
  return "is a link, or behind one that others can set; name the file itself";
}

}  // namespace detectd
