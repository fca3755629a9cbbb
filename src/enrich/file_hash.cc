#include "src/enrich/file_hash.h"

#include <sys/sysmacros.h>

#include <algorithm>

#include "engine/timestamp.h"
#include "src/clock.h"

namespace detectd {

std::optional<Sha256> FileHash::of(const Fd& file, int64_t now_ns) {
  const std::optional<FileVersion> version = version_of(file.number());
  if (!version) {
    ++counters_.failed;
    return std::nullopt;
  }
  if (const auto known = entries_.find(*version); known != entries_.end()) {
    ++counters_.remembered;
    by_age_.splice(by_age_.begin(), by_age_, known->second.age);
    return known->second.digest;
  }
  if (!reader_.accepts(*version)) {
    ++counters_.unanswered;
    return std::nullopt;
  }
  if (!take_budget(std::get<2>(*version), now_ns)) {
    ++counters_.over_budget;
    return std::nullopt;
  }
  const FileReader::Answer answer = read(file, *version);
  if (!answer.digest) {
    ++(answer.in_time ? counters_.failed : counters_.unanswered);
    return std::nullopt;
  }
  ++counters_.hashed;
  by_age_.push_front(*version);
  entries_.emplace(*version, Entry{*answer.digest, by_age_.begin()});
  if (entries_.size() > kMaxRemembered) {
    entries_.erase(by_age_.back());
    by_age_.pop_back();
  }
  return answer.digest;
}

FileReader::Answer FileHash::read(const Fd& file, const FileVersion& version) {
  // A disk may be slow for long, and nobody made it so.
  const bool is_disk = major(std::get<0>(version)) != 0;
  return is_disk ? reader_.read(file, version, most_patience_ns_) : read_impatiently(file, version);
}

// Who arranges that files are slow costs no more than a part of the time.
FileReader::Answer FileHash::read_impatiently(const Fd& file, const FileVersion& version) {
  constexpr int64_t kShare = 4;
  const int64_t begin_ns = steady_clock_ns();
  if (waited_ns_)
    patience_ns_ += std::min(most_patience_ns_ - patience_ns_, (begin_ns - *waited_ns_) / kShare);
  const FileReader::Answer answer =
      reader_.read(file, version, std::max(patience_ns_, std::min(most_patience_ns_, kLeastPatienceNs)));
  waited_ns_ = steady_clock_ns();
  patience_ns_ = std::max<int64_t>(0, patience_ns_ - (*waited_ns_ - begin_ns));
  return answer;
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

}  // namespace detectd
