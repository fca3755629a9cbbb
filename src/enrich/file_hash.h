// SHA-256 of files, remembered, and no faster than so many bytes a second: a larger file takes what the seconds behind
// it would have had. Else to append a second's bytes would keep a file from being hashed at all.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "engine/digest.h"

namespace detectd {

class FileHash {
 public:
  static constexpr size_t kMaxRemembered = 4096;
  // Of no larger file: who reads it does nothing else for half a second.
  static constexpr uint64_t kMaxFileBytes = uint64_t{256} << 20;

  struct Counters {
    uint64_t hashed = 0;
    uint64_t remembered = 0;
    uint64_t over_budget = 0;  // not hashed: no budget left, or larger than kMaxFileBytes
    uint64_t failed = 0;       // changed meanwhile, or could not be read
  };

  explicit FileHash(uint64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {}

  // Of a regular file, open for reading. A file that was changed in place has other times or another size and
  // is read again. `now_ns`: any clock; one that goes back gives no budget.
  std::optional<Sha256> of(int file, int64_t now_ns);
  const Counters& counters() const { return counters_; }

 private:
  // device, inode, size, mtime, ctime
  using Key = std::tuple<dev_t, ino_t, off_t, int64_t, int64_t>;
  struct Entry {
    Sha256 digest;
    std::list<Key>::iterator age;
  };

  static Key key_of(const struct stat& info);
  bool take_budget(uint64_t bytes, int64_t now_ns);
  std::optional<Sha256> read(int file, const Key& key);

  uint64_t bytes_per_second_;
  int64_t budget_ = 0;  // below zero: of seconds to come
  std::optional<int64_t> filled_ns_;
  std::map<Key, Entry> entries_;
  std::list<Key> by_age_;  // used last first
  std::vector<char> buffer_;
  Counters counters_;
};

}  // namespace detectd
