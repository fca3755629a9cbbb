#include "src/store/spill_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/digest.h"
#include "engine/escape.h"
#include "src/own_file.h"

namespace detectd {
namespace {

constexpr std::string_view kMagic = "detectd spill 1\n";
constexpr uint64_t kEntryHeadBytes = 13;

template <class Number>
void append_number(Number number, std::string& out) {
  for (size_t i = 0; i < sizeof number; ++i) out += static_cast<char>(number >> (8 * i));
}

template <class Number>
Number read_number(const char* bytes) {
  uint64_t number = 0;
  for (size_t i = sizeof(Number); i-- > 0;) number = number << 8 | static_cast<uint8_t>(bytes[i]);
  return static_cast<Number>(number);
}

bool read_exactly(int descriptor, char* bytes, uint64_t size, uint64_t place) {
  while (size > 0) {
    const ssize_t got = pread(descriptor, bytes, size, static_cast<off_t>(place));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes += got;
    size -= static_cast<uint64_t>(got);
    place += static_cast<uint64_t>(got);
  }
  return true;
}

// 0, or errno.
int write_exactly(int descriptor, std::string_view bytes, uint64_t place) {
  while (!bytes.empty()) {
    const ssize_t put = pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(place));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return put == 0 ? ENOSPC : errno;
    bytes.remove_prefix(static_cast<size_t>(put));
    place += static_cast<uint64_t>(put);
  }
  return 0;
}

}  // namespace

std::string spill_path_of(const std::string& database_path) {
  constexpr std::string_view kSuffix = ".db";
  std::string stem = database_path;
  if (stem.size() > kSuffix.size() && stem.ends_with(kSuffix)) stem.resize(stem.size() - kSuffix.size());
  return stem + ".spill";
}

SpillFile::SpillFile(SpillFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      generation_(other.generation_),
      end_(other.end_),
      hits_(other.hits_),
      read_place_(other.read_place_),
      buffer_(std::move(other.buffer_)),
      buffered_hits_(other.buffered_hits_) {}

SpillFile::~SpillFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

Error SpillFile::failure(std::string_view what, int number) const {
  return {number == ENOSPC || number == EDQUOT ? Errc::kFull : Errc::kSystem,
          std::string(what) + " " + escape_text(path_) + ": " + own_file_error(number)};
}

Result<SpillFile> SpillFile::open(const std::string& path) {
  const int descriptor = open_own_file(path, O_RDWR | O_CREAT).release();
  SpillFile spill(path, descriptor);
  if (descriptor < 0) return spill.failure("open", errno);
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    return Error{Errc::kSystem, escape_text(path) + " is not a regular file"};
  }
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    return Error{Errc::kSystem, escape_text(path) + " is in use by another detectd"};
  }
  if (Status read = spill.read_header(); !read) return std::move(read).error();
  spill.find_end();
  spill.reserve();
  return spill;
}

Status SpillFile::read_header() {
  char header[kHeaderBytes];
  if (!read_exactly(descriptor_, header, kHeaderBytes, 0)) return write_header();
  const std::string_view text(header, kHeaderBytes);
  if (text == std::string(kHeaderBytes, '\0')) return write_header();
  if (!text.starts_with(kMagic)) {
    return Error{Errc::kSystem, escape_text(path_) + " is not a spill file of detectd; move it away"};
  }
  generation_ = read_number<uint64_t>(header + kMagic.size());
  return {};
}

Status SpillFile::write_header() {
  std::string header(kMagic);
  append_number(generation_, header);
  const int number = write_exactly(descriptor_, header, 0);
  if (number != 0) return failure("write", number);
  return {};
}

// Where there is no room for the reserve, the file takes what it gets when it is needed.
void SpillFile::reserve() {
  struct statvfs info {};
  struct stat status {};
  if (fstatvfs(descriptor_, &info) != 0 || fstat(descriptor_, &status) != 0) return;
  const uint64_t bytes = std::min(kReserveBytes, info.f_blocks * info.f_frsize / 8);
  if (static_cast<uint64_t>(status.st_size) < bytes) {
    static_cast<void>(posix_fallocate(descriptor_, 0, static_cast<off_t>(bytes)));
  }
}

uint64_t SpillFile::check_of(SpillKind kind, std::string_view payload) const {
  Sha256Hasher hasher;
  hasher.add_number(static_cast<int64_t>(generation_));
  hasher.add_number(static_cast<int64_t>(kind));
  hasher.add(payload);
  const Sha256 digest = hasher.finish();
  return read_number<uint64_t>(reinterpret_cast<const char*>(digest.data()));
}

std::optional<SpillFile::Entry> SpillFile::read_at(uint64_t place, uint64_t& next) const {
  char head[kEntryHeadBytes];
  if (!read_exactly(descriptor_, head, kEntryHeadBytes, place)) return std::nullopt;
  const auto size = read_number<uint32_t>(head);
  Entry entry;
  entry.kind = static_cast<SpillKind>(head[4]);
  if (size == 0 || place + kEntryHeadBytes + size > kMaxBytes) return std::nullopt;
  entry.payload.resize(size);
  if (!read_exactly(descriptor_, entry.payload.data(), size, place + kEntryHeadBytes)) return std::nullopt;
  if (check_of(entry.kind, entry.payload) != read_number<uint64_t>(head + 5)) return std::nullopt;
  next = place + kEntryHeadBytes + size;
  return entry;
}

void SpillFile::find_end() {
  end_ = kHeaderBytes;
  hits_ = 0;
  while (const std::optional<Entry> entry = read_at(end_, end_)) hits_ += entry->kind == SpillKind::kHit;
}

uint64_t SpillFile::count_hits(const std::string& path) {
  const int descriptor = open_own_file(path, O_RDONLY).release();
  if (descriptor < 0) return 0;
  SpillFile spill(path, descriptor);
  char header[kHeaderBytes];
  if (!read_exactly(descriptor, header, kHeaderBytes, 0)) return 0;
  if (!std::string_view(header, kHeaderBytes).starts_with(kMagic)) return 0;
  spill.generation_ = read_number<uint64_t>(header + kMagic.size());
  spill.find_end();
  return spill.hits_;
}

bool SpillFile::empty() const { return end_ == kHeaderBytes; }

void SpillFile::add(SpillKind kind, std::string_view payload) {
  append_number(static_cast<uint32_t>(payload.size()), buffer_);
  buffer_ += static_cast<char>(kind);
  append_number(check_of(kind, payload), buffer_);
  buffer_ += payload;
  buffered_hits_ += kind == SpillKind::kHit;
}

Status SpillFile::flush(bool durable) {
  const std::string bytes = std::exchange(buffer_, {});
  const uint64_t hits = std::exchange(buffered_hits_, 0);
  if (end_ + bytes.size() > kMaxBytes) {
    return Error{Errc::kFull, escape_text(path_) + " is full: it holds at most 256 MiB"};
  }
  if (const int number = write_exactly(descriptor_, bytes, end_); number != 0) {
    // What did get written is no entry that anybody has been told of.
    const std::string nothing(kEntryHeadBytes, '\0');
    static_cast<void>(write_exactly(descriptor_, nothing, end_));
    return failure("write", number);
  }
  if (durable && fdatasync(descriptor_) != 0) return failure("write", errno);
  end_ += bytes.size();
  hits_ += hits;
  return {};
}

std::optional<SpillFile::Entry> SpillFile::read_next() {
  if (read_place_ >= end_) return std::nullopt;
  return read_at(read_place_, read_place_);
}

Status SpillFile::clear() {
  ++generation_;
  if (Status status = write_header(); !status) {
    --generation_;
    return status;
  }
  end_ = read_place_ = kHeaderBytes;
  hits_ = 0;
  struct stat status {};
  const bool grown =
      fstat(descriptor_, &status) == 0 && static_cast<uint64_t>(status.st_size) > kReserveBytes;
  // A file that stays large is as good.
  if (grown && ftruncate(descriptor_, static_cast<off_t>(kReserveBytes)) != 0) errno = 0;
  return {};
}

void SpillFile::remove() { unlink(path_.c_str()); }

}  // namespace detectd
