#include "src/live/proc_mounts.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <map>
#include <utility>

namespace detectd {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_octal(char c) { return c >= '0' && c <= '7'; }

std::string_view next_word(std::string_view& line) {
  const size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

std::optional<uint64_t> number(std::string_view word) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

// The kernel writes blanks and backslashes as `\040`.
std::string unescape(std::string_view word) {
  std::string text;
  for (size_t i = 0; i < word.size(); ++i) {
    const bool escaped = word[i] == '\\' && i + 3 < word.size() && word[i + 1] <= '3' &&
                         is_octal(word[i + 1]) && is_octal(word[i + 2]) && is_octal(word[i + 3]);
    if (!escaped) {
      text += word[i];
      continue;
    }
    text += static_cast<char>((word[i + 1] - '0') * 64 + (word[i + 2] - '0') * 8 + (word[i + 3] - '0'));
    i += 3;
  }
  return text;
}

struct Mount {
  uint64_t id = 0;
  uint64_t parent = 0;
  std::string place;
  bool is_procfs = false;
};

// `36 35 98:0 /root /place options optional... - type source options`
std::optional<Mount> read_mount(std::string_view line) {
  const auto id = number(next_word(line));
  const auto parent = number(next_word(line));
  next_word(line);
  next_word(line);
  const std::string_view place = next_word(line);
  const size_t dash = line.find(" - ");
  if (!id || !parent || place.empty() || dash == std::string_view::npos) return std::nullopt;
  line.remove_prefix(dash + 3);
  return Mount{
      .id = *id, .parent = *parent, .place = unescape(place), .is_procfs = next_word(line) == "proc"};
}

// Whose directory `place` is or lies in, below the procfs at `root`.
std::optional<uint32_t> process_at(std::string_view place, std::string_view root) {
  if (root != "/") {
    if (!place.starts_with(root)) return std::nullopt;
    place.remove_prefix(root.size());
  }
  if (!place.starts_with('/')) return std::nullopt;
  place.remove_prefix(1);
  const std::string_view name = place.substr(0, place.find('/'));
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_digit)) return std::nullopt;
  const auto pid = number(name);
  if (!pid || *pid > UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(*pid);
}

}  // namespace

std::vector<ProcMount> find_proc_mounts(std::string_view mountinfo) {
  std::vector<Mount> mounts;
  std::map<uint64_t, std::string> procfs;  // by id: where
  while (!mountinfo.empty()) {
    const size_t end = std::min(mountinfo.find('\n'), mountinfo.size());
    if (auto mount = read_mount(mountinfo.substr(0, end))) {
      if (mount->is_procfs) procfs.emplace(mount->id, mount->place);
      mounts.push_back(std::move(*mount));
    }
    mountinfo.remove_prefix(std::min(end + 1, mountinfo.size()));
  }
  std::vector<ProcMount> found;
  for (Mount& mount : mounts) {
    const auto root = procfs.find(mount.parent);
    if (root == procfs.end()) continue;
    const auto pid = process_at(mount.place, root->second);
    if (pid) found.push_back({.id = mount.id, .place = std::move(mount.place), .pid = pid});
  }
  return found;
}

ProcMounts::ProcMounts(const char* mountinfo) : file_(open(mountinfo, O_RDONLY | O_CLOEXEC)) {}

std::vector<ProcMount> ProcMounts::look() {
  std::vector<ProcMount> fresh;
  if (!file_) return fresh;
  // Asked before reading, so that what changes meanwhile is read the next time.
  pollfd changed{.fd = file_.number(), .events = POLLPRI, .revents = 0};
  const bool has_changed = poll(&changed, 1, 0) > 0;
  if (std::exchange(looked_, true) && !has_changed) return fresh;
  if (lseek(file_.number(), 0, SEEK_SET) != 0) return fresh;
  std::string text;
  std::array<char, 16'384> part;
  while (text.size() < kMaxBytes) {
    const ssize_t got = read(file_.number(), part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(part.data(), static_cast<size_t>(got));
  }
  std::set<uint64_t> now;
  for (ProcMount& mount : find_proc_mounts(text)) {
    now.insert(mount.id);
    if (!known_.contains(mount.id)) fresh.push_back(std::move(mount));
  }
  known_ = std::move(now);
  return fresh;
}

}  // namespace detectd
