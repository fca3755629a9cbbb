// Names of user and group ids, from /etc/passwd and /etc/group themselves: never from the network, and never
// by a call that could wait for it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace detectd {

// id to name of lines `name:x:id:...`; of several names the first, as getpwuid(3) does. At most
// IdNames::kMaxNames.
std::unordered_map<uint32_t, std::string> parse_id_names(std::string_view text);

// One file.
class IdNames {
 public:
  static constexpr size_t kMaxNames = size_t{1} << 18;
  static constexpr size_t kMaxBytes = size_t{32} << 20;

  explicit IdNames(std::string path) : path_(std::move(path)) {}

  // Reads the file again if it has changed; looks at most once a second of the caller's clock.
  void refresh(int64_t now_ns);
  // False: the file could not be read, and a name that is not found may exist.
  bool readable() const { return readable_; }
  // Null: nobody has this id. Until the next refresh.
  const std::string* find(uint32_t id) const;

 private:
  struct Version {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    int64_t changed_ns = 0;

    bool operator==(const Version&) const = default;
  };

  std::string path_;
  std::optional<int64_t> looked_ns_;
  std::optional<Version> version_;
  std::unordered_map<uint32_t, std::string> names_;
  bool readable_ = false;
};

}  // namespace detectd
