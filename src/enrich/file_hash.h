// SHA-256 of files, remembered, and no faster than so many bytes a second: a larger file takes what the seconds behind
// it would have had. Else to append a second's bytes would keep a file from being hashed at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>

#include "engine/digest.h"
#include "src/enrich/file_reader.h"
#include "src/fd.h"

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
    uint64_t unanswered = 0;   // not read in time, or not tried, since others of that device are not
  };
  // How long is waited for a file; for those on no block device, which users may mount, altogether: that much at once,
  // and a quarter of the time.
  static constexpr int64_t kPatienceNs = 2'000'000'000;
  // At least so long for each, of which there are as many as the budget of bytes allows.
  static constexpr int64_t kLeastPatienceNs = 10'000'000;

  explicit FileHash(uint64_t bytes_per_second, int64_t patience_ns = kPatienceNs,
                    FileReader::Copy copy = FileReader::copy_file)
      : bytes_per_second_(bytes_per_second),
        most_patience_ns_(patience_ns),
        patience_ns_(patience_ns),
        reader_(copy) {}

  // Of a regular file, open if only as a path (O_PATH). A file that was changed in place has other times or another size
  // and is read again. `now_ns`: any clock; one that goes back gives no budget.
  std::optional<Sha256> of(const Fd& file, int64_t now_ns);
  const Counters& counters() const { return counters_; }

 private:
  struct Entry {
    Sha256 digest;
    std::list<FileVersion>::iterator age;
  };

  bool take_budget(uint64_t bytes, int64_t now_ns);
  FileReader::Answer read(const Fd& file, const FileVersion& version);
  FileReader::Answer read_impatiently(const Fd& file, const FileVersion& version);

  uint64_t bytes_per_second_;
  int64_t budget_ = 0;  // below zero: of seconds to come
  std::optional<int64_t> filled_ns_;
  int64_t most_patience_ns_;
  int64_t patience_ns_;
  std::optional<int64_t> waited_ns_;  // when that was looked at last
  std::map<FileVersion, Entry> entries_;
  std::list<FileVersion> by_age_;  // used last first
  FileReader reader_;
  Counters counters_;
};

}  // namespace detectd
