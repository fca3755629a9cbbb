#include "src/replace_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "engine/escape.h"
#include "src/fd.h"

namespace detectd {
namespace {

Error system_error(std::string_view verb, const std::string& path, int number) {
  return {number == EACCES || number == EPERM ? Errc::kPermission : Errc::kSystem,
          std::string(verb) + " " + escape_text(path) + ": " + std::generic_category().message(number)};
}

Error refusal(const std::string& path, std::string_view why) {
  return {Errc::kSystem, "write " + escape_text(path) + ": " + std::string(why)};
}

Status write_all(const Fd& file, const std::string& path, std::string_view content) {
  while (!content.empty()) {
    const ssize_t count = write(file.number(), content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("write", path, errno);
    content.remove_prefix(static_cast<size_t>(count));
  }
  if (fsync(file.number()) != 0) return system_error("write", path, errno);
  return {};
}

// Whether the file still holds what was read of it.
Result<bool> holds(const Fd& file, const std::string& path, std::string_view expected) {
  char buffer[65536];
  for (;;) {
    const ssize_t count = read(file.number(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("read", path, errno);
    if (count == 0) return expected.empty();
    const std::string_view part(buffer, static_cast<size_t>(count));
    if (!expected.starts_with(part)) return false;
    expected.remove_prefix(part.size());
  }
}

// A file beside the one it is to replace; removed unless it was renamed.
class Substitute {
 public:
  explicit Substitute(const std::string& path) {
    const size_t name = path.rfind('/') + 1;
    // A dot: nobody reads it as a rule file meanwhile.
    path_ = path.substr(0, name) + "." + path.substr(name) + ".XXXXXX";
    file_ = Fd(mkostemp(path_.data(), O_CLOEXEC));
    if (!file_) path_.clear();
  }
  ~Substitute() {
    if (!path_.empty()) unlink(path_.c_str());
  }
  Substitute(const Substitute&) = delete;
  Substitute& operator=(const Substitute&) = delete;

  const Fd& file() const { return file_; }
  int rename_to(const std::string& path) {
    if (rename(path_.c_str(), path.c_str()) != 0) return errno;
    path_.clear();
    return 0;
  }

 private:
  std::string path_;
  Fd file_;
};

}  // namespace

Status replace_file(const std::string& path, std::string_view expected, std::string_view content) {
  const Fd old(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!old && errno == ELOOP) return refusal(path, "it is a symbolic link; name the file that it leads to");
  if (!old) return system_error("open", path, errno);
  struct stat info {};
  if (fstat(old.number(), &info) != 0) return system_error("read", path, errno);
  if (!S_ISREG(info.st_mode)) return refusal(path, "it is not a regular file");
  if (info.st_nlink > 1)
    return refusal(path, "it has other names (hard links), which would keep the old text");
  // Without this, a file that its owner protected would be replaced all the same.
  if (access(path.c_str(), W_OK) != 0) return system_error("write", path, errno);
  const auto same = holds(old, path, expected);
  if (!same) return same.error();
  if (!*same) return refusal(path, "it was changed meanwhile");
  Substitute substitute(path);
  if (!substitute.file()) return system_error("write beside", path, errno);
  struct stat mine {};
  if (fstat(substitute.file().number(), &mine) != 0) return system_error("write beside", path, errno);
  const bool is_owner = mine.st_uid == info.st_uid && mine.st_gid == info.st_gid;
  if (!is_owner && fchown(substitute.file().number(), info.st_uid, info.st_gid) != 0)
    return refusal(path, "its owner could not be kept");
  if (fchmod(substitute.file().number(), info.st_mode & 07777) != 0)
    return system_error("write", path, errno);
  if (Status status = write_all(substitute.file(), path, content); !status) return status;
  if (const int error = substitute.rename_to(path); error != 0) return system_error("write", path, error);
  return {};
}

Status create_file(const std::string& path, std::string_view content) {
  const Fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file && errno == EEXIST)
    return Error{Errc::kUsage, escape_text(path) + " exists already, and nothing is overwritten"};
  if (!file) return system_error("create", path, errno);
  Status status = write_all(file, path, content);
  if (!status) unlink(path.c_str());
  return status;
}

}  // namespace detectd
