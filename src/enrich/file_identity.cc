#include "src/enrich/file_identity.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace detectd {

std::optional<FileIdentity> identify_file(int directory, const char* path, FollowLink follow) {
  const int flags = AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
                    (follow == FollowLink::kYes ? 0 : AT_SYMLINK_NOFOLLOW);
  // Not the times and sizes: asked for, they would be fetched where reading has made them stale.
  constexpr unsigned kWanted = STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_UID | STATX_INO;
  struct statx info {};
  if (statx(directory, path, flags, kWanted, &info) != 0) return std::nullopt;
  return FileIdentity{.device_major = info.stx_dev_major,
                      .device_minor = info.stx_dev_minor,
                      .inode = info.stx_ino,
                      .links = info.stx_nlink,
                      .owner = info.stx_uid,
                      .mode = info.stx_mode};
}

}  // namespace detectd
