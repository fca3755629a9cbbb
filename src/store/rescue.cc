#include "src/store/rescue.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "engine/escape.h"
#include "engine/timestamp.h"

namespace detectd {

std::string aside_path(const std::string& path, std::string_view word, int64_t now_ns) {
  std::string time;
  for (const char c : format_rfc3339(now_ns, 0)) {
    if (c != '-' && c != ':') time += c;
  }
  const std::string wanted = path + "." + std::string(word) + "-" + time;
  std::string free = wanted;
  for (int i = 2; access(free.c_str(), F_OK) == 0; ++i) free = wanted + "-" + std::to_string(i);
  return free;
}

Result<std::string> move_aside(const std::string& path, bool is_database, int64_t now_ns) {
  struct stat status {};
  const bool is_file = lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
  const bool is_ours = path.ends_with(".db") && status.st_uid == geteuid() && status.st_nlink == 1 &&
                       (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
  if (!is_file || (!is_database && !is_ours))
    return Error{Errc::kSystem, "it is left where it is: it may be somebody else's"};
  const std::string aside = aside_path(path, "corrupt", now_ns);
  if (std::rename(path.c_str(), aside.c_str()) != 0)
    return Error{Errc::kSystem, "it can not be moved aside: " + std::string(std::strerror(errno))};
  // SQLite looks for the log by the name of the file; its index is made anew.
  static_cast<void>(std::rename((path + "-wal").c_str(), (aside + "-wal").c_str()));
  unlink((path + "-shm").c_str());
  return aside;
}

std::string rescue(Database& database, int64_t now_ns) {
  const std::string what = access(database.path().c_str(), F_OK) == 0 ? " was replaced" : " was removed";
  const std::string copy = aside_path(database.path(), "removed", now_ns);
  std::string text = escape_text(database.path()) + what + " while it was open; ";
  // SQLite takes an empty file, but would make one of its own that others may read.
  const int descriptor = open(copy.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor >= 0) close(descriptor);
  auto vacuum = database.prepare("VACUUM INTO ?1");
  const Status status = vacuum ? vacuum->bind(1, std::string_view(copy)).run() : Status(vacuum.error());
  if (status) return text + "what it held is in " + escape_text(copy);
  unlink(copy.c_str());
  return text + "what it held could not be copied: " + status.error().message;
}

}  // namespace detectd
