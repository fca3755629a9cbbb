// Files that people give by mistake, told by their first bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace detectd {

struct ForeignFormat {
  std::string message;  // "looks like an audit log; auditd logs can not be read yet"
  std::string help;     // empty: none
};

// Nothing for what may be JSON Lines. `head` is the begin of a file, unpacked; 64 bytes are enough.
std::optional<ForeignFormat> find_foreign_format(std::string_view head);

}  // namespace detectd
