#include "src/respond/file_key.h"

#include <charconv>

namespace detectd {

std::optional<FileKey> file_key(const FieldView& device, const FieldView& inode) {
  if (device.type != Type::kText || inode.type != Type::kInteger || inode.number <= 0) return std::nullopt;
  FileKey key{.inode = static_cast<uint64_t>(inode.number)};
  const char* const end = device.text.data() + device.text.size();
  const auto major = std::from_chars(device.text.data(), end, key.device_major);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != ':') return std::nullopt;
  const auto minor = std::from_chars(major.ptr + 1, end, key.device_minor);
  if (minor.ec != std::errc() || minor.ptr != end) return std::nullopt;
  return key;
}

}  // namespace detectd
