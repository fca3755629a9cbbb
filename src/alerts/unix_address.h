// The address of a socket in the file system.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <optional>
#include <string>

namespace detectd {

inline constexpr size_t kMaxUnixPath = sizeof(sockaddr_un::sun_path) - 1;

// Nothing for a path that is too long.
inline std::optional<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() > kMaxUnixPath) return std::nullopt;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

}  // namespace detectd
