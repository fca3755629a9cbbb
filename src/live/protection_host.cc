#include "src/live/protection_host.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>

#include "src/enrich/file_identity.h"
#include "src/enrich/procfs_parse.h"
#include "src/fd.h"

namespace detectd {
namespace {

uint32_t parent_of(int procfs, uint32_t pid) {
  const Fd file(openat(procfs, (std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  std::array<char, 4096> text;
  const ssize_t got = file ? ::read(file.number(), text.data(), text.size()) : 0;
  const auto stat = got > 0 ? parse_stat({text.data(), static_cast<size_t>(got)}) : std::nullopt;
  return stat ? stat->parent_pid : 0;
}

std::optional<FileKey> file_of(const std::string& path) {
  const auto file = identify_file(AT_FDCWD, path.c_str(), FollowLink::kYes);
  if (!file) return std::nullopt;
  return FileKey{
      .device_major = file->device_major, .device_minor = file->device_minor, .inode = file->inode};
}

}  // namespace

bool is_in_other_user_namespace(int procfs, uint32_t pid) {
  const auto users_of = [procfs](const std::string& process) {
    return identify_file(procfs, (process + "/ns/user").c_str(), FollowLink::kYes);
  };
  const auto ours = users_of("self");
  const auto theirs = users_of(std::to_string(pid));
  return ours && theirs && !ours->same_file(*theirs);
}

Protection::Host protection_host(int procfs) {
  return {.file = file_of,
          .parent = [procfs](uint32_t pid) { return parent_of(procfs, pid); },
          .other_users = [procfs](uint32_t pid) { return is_in_other_user_namespace(procfs, pid); },
          .self = static_cast<uint32_t>(getpid())};
}

}  // namespace detectd
