#include "src/store/upkeep.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <utility>

#include "engine/escape.h"
#include "src/store/retention.h"

namespace detectd {
namespace {

constexpr uint64_t kLowBytes = uint64_t{64} << 20;
constexpr uint64_t kLowShare = 10;

constexpr const char* kEmptyLog = "PRAGMA wal_checkpoint(TRUNCATE)";

struct Room {
  uint64_t free = 0;
  uint64_t low = 0;
};

std::optional<Room> measure(const std::string& path) {
  struct statvfs info {};
  if (statvfs(path.c_str(), &info) != 0) return std::nullopt;
  return Room{.free = uint64_t{info.f_bavail} * info.f_frsize,
              .low = std::min(kLowBytes, uint64_t{info.f_blocks} * info.f_frsize / kLowShare)};
}

std::string size_text(uint64_t bytes) {
  const bool small = bytes < (uint64_t{10} << 20);
  return std::to_string(small ? bytes >> 10 : bytes >> 20) + (small ? " KiB" : " MiB");
}

}  // namespace

// Told once when it becomes low, and once when there is half as much again.
void Upkeep::look_at_disk(Database& database) {
  auto room = measure(database.path());
  if (!room) return;
  spare_bytes_ = room->low;
  const bool was_low = low_;
  low_ = room->free < (was_low ? room->low + room->low / 2 : room->low);
  if (low_ && !was_low) {
    // The log may be most of it; what another reader still needs of it stays.
    static_cast<void>(database.execute(kEmptyLog));
    room = measure(database.path());
    low_ = room && room->free < room->low;
  }
  if (low_ == was_low || !room) return;
  if (low_) {
    tell_(Errc::kFull, "D405: " + escape_text(database.path()) + " will not be able to grow soon: " +
                           size_text(room->free) + " are free; its oldest hits make room for new ones");
  } else {
    tell_(Errc::kSystem,
          escape_text(database.path()) + " has room again: " + size_text(room->free) + " are free");
  }
}

void Upkeep::run(Database& database, int64_t now_ns, int steps) {
  if (options_.watch_disk) look_at_disk(database);
  RetentionLimits limits{.max_bytes = options_.max_bytes, .stored_before_ns = {}};
  if (options_.keep_ns) limits.stored_before_ns = now_ns - *options_.keep_ns;
  if (low_) limits.spare_bytes = spare_bytes_;
  if (!limits.max_bytes && !limits.stored_before_ns && !limits.spare_bytes) return;
  Retention retention(database, limits);
  Result<bool> more = true;
  for (int i = 0; i < steps && more && *more; ++i) {
    more = retention.step();
    if (!more && more.error().code == Errc::kFull && database.execute(kEmptyLog)) more = true;
  }
  pruned_ += retention.pruned();
}

}  // namespace detectd
