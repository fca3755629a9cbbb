// Which file an executable is: what stays when it is renamed, or something is mounted over its path.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/event.h"

namespace detectd {

struct FileKey {
  uint32_t device_major = 0;
  uint32_t device_minor = 0;
  uint64_t inode = 0;

  bool operator==(const FileKey&) const = default;
};

// `8:1` and a number, as events carry them; nothing for anything else.
std::optional<FileKey> file_key(const FieldView& device, const FieldView& inode);

}  // namespace detectd
