#include "src/enrich/file_hash.h"

#include <unistd.h>

#include <algorithm>

#include "engine/timestamp.h"

namespace detectd {

FileHash::Key FileHash::key_of(const struct stat& info) {
  const auto ns = [](const timespec& time) { return time.tv_sec * kNanosPerSecond + time.tv_nsec; };
  return {info.st_dev, info.st_ino, info.st_size, ns(info.st_mtim), ns(info.st_ctim)};
}

std::optional<Sha256> FileHash::of(int file, int64_t now_ns) {
  struct stat info {};
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    ++counters_.failed;
    return std::nullopt;
  }
  const Key key = key_of(info);
  if (const auto known = entries_.find(key); known != entries_.end()) {
    ++counters_.remembered;
    by_age_.splice(by_age_.begin(), by_age_, known->second.age);
    return known->second.digest;
  }
  if (!take_budget(static_cast<uint64_t>(info.st_size), now_ns)) {
    ++counters_.over_budget;
    return std::nullopt;
  }
  const std::optional<Sha256> digest = read(file, key);
  if (!digest) {
    ++counters_.failed;
    return std::nullopt;
  }
  ++counters_.hashed;
  by_age_.push_front(key);
  entries_.emplace(key, Entry{*digest, by_age_.begin()});
  if (entries_.size() > kMaxRemembered) {
    entries_.erase(by_age_.back());
    by_age_.pop_back();
  }
  return digest;
}

// At most one second's bytes are saved up, and that much is enough for any file.
bool FileHash::take_budget(uint64_t bytes, int64_t now_ns) {
  const auto full = static_cast<int64_t>(std::min(bytes_per_second_, kMaxFileBytes));
  if (!filled_ns_) {
    budget_ = full;
  } else if (now_ns > *filled_ns_) {
    const double seconds = static_cast<double>(now_ns - *filled_ns_) / static_cast<double>(kNanosPerSecond);
    const double missing = static_cast<double>(full - budget_);
    budget_ += static_cast<int64_t>(std::min(missing, seconds * static_cast<double>(full)));
  }
  filled_ns_ = now_ns;
  if (bytes > kMaxFileBytes || std::min(static_cast<int64_t>(bytes), full) > budget_) return false;
  budget_ -= static_cast<int64_t>(bytes);
  return true;
}

std::optional<Sha256> FileHash::read(int file, const Key& key) {
  buffer_.resize(size_t{128} << 10);
  Sha256Hasher hasher;
  const off_t size = std::get<2>(key);
  off_t done = 0;
  while (done < size) {
    const ssize_t got = pread(file, buffer_.data(), buffer_.size(), done);
    if (got <= 0) return std::nullopt;
    hasher.add({buffer_.data(), static_cast<size_t>(got)});
    done += got;
  }
  struct stat info {};
  if (fstat(file, &info) != 0 || key_of(info) != key) return std::nullopt;
  return hasher.finish();
}

}  // namespace detectd
