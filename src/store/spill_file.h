// A reserve beside the database, append-only, that takes what the database can not take: it is locked, the disk is
// full, the file is damaged. Space for it is taken when it is opened, so that a full disk leaves room for it.
//
//   detectd spill 1\n            16 bytes
//   generation                   u64; clear() makes a new one, and older entries are no more
//   entry: size u32, kind u8, check u64 (of generation, kind and payload), payload
//   ...                          up to the first entry whose check is wrong: zeros, or cut short by a crash
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/result.h"

namespace detectd {

enum class SpillKind : uint8_t { kHit = 'H', kGap = 'G', kRunStart = 'R', kRunEnd = 'E' };

// `hits.spill` of `hits.db`.
std::string spill_path_of(const std::string& database_path);

class SpillFile {
 public:
  static constexpr uint64_t kReserveBytes = uint64_t{16} << 20;  // at most, and an eighth of the file system
  static constexpr uint64_t kMaxBytes = uint64_t{256} << 20;

  struct Entry {
    SpillKind kind{};
    std::string payload;
  };

  // One program at a time: Errc::kSystem if another one has it.
  static Result<SpillFile> open(const std::string& path);
  // How many hits wait in the file of that path; 0 if there is none, or none that can be read.
  static uint64_t count_hits(const std::string& path);
  ~SpillFile();
  SpillFile(SpillFile&& other) noexcept;
  SpillFile& operator=(SpillFile&&) = delete;

  const std::string& path() const { return path_; }
  bool empty() const;
  uint64_t hits() const { return hits_; }

  // Entries are there from flush() on, all that were added since the last one or, after a failure, none.
  void add(SpillKind kind, std::string_view payload);
  // Errc::kFull where there is no room. `durable` waits until the disk has it.
  Status flush(bool durable);

  // The entries in order, from the first.
  void rewind() { read_place_ = kHeaderBytes; }
  std::optional<Entry> read_next();
  // All entries are forgotten.
  Status clear();
  // Removes the file, for a run that needs it no more.
  void remove();

 private:
  static constexpr uint64_t kHeaderBytes = 24;

  SpillFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  Status read_header();
  Status write_header();
  void reserve();
  void find_end();
  std::optional<Entry> read_at(uint64_t place, uint64_t& next) const;
  uint64_t check_of(SpillKind kind, std::string_view payload) const;
  Error failure(std::string_view what, int number) const;

  std::string path_;
  int descriptor_ = -1;
  uint64_t generation_ = 1;
  uint64_t end_ = kHeaderBytes;
  uint64_t hits_ = 0;
  uint64_t read_place_ = kHeaderBytes;
  std::string buffer_;
  uint64_t buffered_hits_ = 0;
};

}  // namespace detectd
