#include "src/enrich/id_names.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "engine/timestamp.h"
#include "src/fd.h"

namespace detectd {

std::unordered_map<uint32_t, std::string> parse_id_names(std::string_view text) {
  std::unordered_map<uint32_t, std::string> names;
  while (!text.empty() && names.size() < IdNames::kMaxNames) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t first = line.find(':');
    const size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos || first == 0 || line.front() == '#') continue;
    const size_t third = std::min(line.find(':', second + 1), line.size());
    uint32_t id = 0;
    const auto [stop, error] = std::from_chars(line.data() + second + 1, line.data() + third, id);
    if (error != std::errc{} || stop != line.data() + third) continue;
    names.try_emplace(id, line.substr(0, first));
  }
  return names;
}

void IdNames::refresh(int64_t now_ns) {
  // A clock that was set back looks at once.
  if (looked_ns_ && now_ns >= *looked_ns_ && now_ns - *looked_ns_ < kNanosPerSecond) return;
  looked_ns_ = now_ns;
  const Fd file(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  struct stat info {};
  readable_ = file && fstat(file.number(), &info) == 0 && S_ISREG(info.st_mode);
  if (!readable_) {
    version_.reset();
    names_.clear();
    return;
  }
  const Version version{.device = info.st_dev,
                        .inode = info.st_ino,
                        .size = info.st_size,
                        .changed_ns = info.st_ctim.tv_sec * kNanosPerSecond + info.st_ctim.tv_nsec};
  if (version_ == version) return;
  std::string text(std::min(static_cast<size_t>(info.st_size), kMaxBytes), '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(file.number(), text.data() + size, text.size() - size);
    if (got <= 0) break;
    size += static_cast<size_t>(got);
  }
  text.resize(size);
  names_ = parse_id_names(text);
  version_ = version;
}

const std::string* IdNames::find(uint32_t id) const {
  const auto found = names_.find(id);
  return found == names_.end() ? nullptr : &found->second;
}

}  // namespace detectd
