#include "src/live/socket_owners.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "src/fd.h"

namespace detectd {
namespace {

constexpr size_t kBufferBytes = size_t{32} << 10;

std::optional<uint64_t> parse_socket(std::string_view link) {
  constexpr std::string_view kPrefix = "socket:[";
  if (!link.starts_with(kPrefix)) return std::nullopt;
  link.remove_prefix(kPrefix.size());
  uint64_t inode = 0;
  const auto [end, error] = std::from_chars(link.data(), link.data() + link.size(), inode);
  if (error != std::errc{} || end == link.data() + link.size() || *end != ']') return std::nullopt;
  return inode;
}

// The entries of a directory whose names are numbers. False: there is none.
bool list_numbers(int root, const char* path, std::vector<char>& buffer, std::vector<uint32_t>& numbers) {
  numbers.clear();
  const Fd directory(openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return false;
  buffer.resize(kBufferBytes);
  while (true) {
    const ssize_t got = getdents64(directory.number(), buffer.data(), buffer.size());
    if (got <= 0) return true;
    for (size_t at = 0; at < static_cast<size_t>(got);) {
      uint16_t size = 0;
      std::memcpy(&size, buffer.data() + at + offsetof(dirent64, d_reclen), sizeof(size));
      const std::string_view name(buffer.data() + at + offsetof(dirent64, d_name));
      uint32_t number = 0;
      const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
      if (error == std::errc{} && end == name.data() + name.size()) numbers.push_back(number);
      at += size;
    }
  }
}

// "NUMBER/fd" and the like, without allocating.
std::array<char, 24> path_of(uint32_t number, std::string_view suffix) {
  std::array<char, 24> path{};
  char* const end = std::to_chars(path.data(), path.data() + path.size(), number).ptr;
  std::copy(suffix.begin(), suffix.end(), end);
  return path;
}

}  // namespace

void SocketOwners::find(std::span<const uint64_t> inodes,
                        const std::function<void(uint64_t inode, uint32_t pid)>& found) {
  if (inodes.empty()) return;
  ++counters_.searches;
  Search search{.inodes = inodes,
                .found = found,
                .done = std::vector<bool>(inodes.size()),
                .left = inodes.size(),
                .descriptors = options_.max_descriptors};
  list_processes();
  const size_t owners = owners_.size();
  for (size_t i = 0; i < pids_.size() && search.left != 0; ++i) {
    const bool is_owner = i < owners;
    search.kept = is_owner ? options_.max_descriptors / 2 : 0;
    if (search.descriptors > search.kept) {
      look_through(pids_[i], search);
    } else if (is_owner) {
      search.cut = true;
    } else {
      search.cut = true;
      if (i > owners) resume_below_ = pids_[i - 1];
      break;
    }
  }
  if (search.cut) ++counters_.cut;
  counters_.descriptors += options_.max_descriptors - search.descriptors;
}

// Owners first; then the others from the newest down, beginning where the last search broke off.
void SocketOwners::list_processes() {
  std::vector<uint32_t> all;
  list_numbers(options_.procfs, ".", buffer_, all);
  std::sort(all.begin(), all.end(), std::greater<>());
  std::erase_if(owners_, [&](uint32_t pid) {
    return !std::binary_search(all.begin(), all.end(), pid, std::greater<>());
  });
  pids_ = owners_;
  const auto middle =
      std::partition_point(all.begin(), all.end(), [this](uint32_t pid) { return pid >= resume_below_; });
  std::rotate(all.begin(), middle, all.end());
  resume_below_ = UINT32_MAX;
  for (const uint32_t pid : all) {
    if (std::find(owners_.begin(), owners_.end(), pid) == owners_.end()) pids_.push_back(pid);
  }
}

void SocketOwners::look_through(uint32_t pid, Search& search) {
  if (!list_numbers(options_.procfs, path_of(pid, "/fd").data(), buffer_, descriptors_)) return;
  const Fd directory(openat(options_.procfs, path_of(pid, "/fd").data(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return;
  // Of one that has too many, others each time.
  const size_t may_read = search.descriptors - search.kept;
  if (descriptors_.size() > may_read) {
    search.cut = true;
    const size_t first = counters_.searches * may_read % descriptors_.size();
    std::rotate(descriptors_.begin(), descriptors_.begin() + static_cast<ptrdiff_t>(first),
                descriptors_.end());
  }
  bool is_owner = false;
  for (const uint32_t number : descriptors_) {
    if (search.left == 0 || search.descriptors == search.kept) break;
    --search.descriptors;
    std::array<char, 64> link{};
    const ssize_t size = readlinkat(directory.number(), path_of(number, "").data(), link.data(), link.size());
    if (size <= 0) continue;
    const auto inode = parse_socket({link.data(), static_cast<size_t>(size)});
    if (!inode) continue;
    const auto place = std::lower_bound(search.inodes.begin(), search.inodes.end(), *inode);
    if (place == search.inodes.end() || *place != *inode) continue;
    const auto index = static_cast<size_t>(place - search.inodes.begin());
    if (search.done[index]) continue;
    search.done[index] = true;
    --search.left;
    search.found(*inode, pid);
    is_owner = true;
  }
  if (!is_owner || std::find(owners_.begin(), owners_.end(), pid) != owners_.end()) return;
  if (owners_.size() == kMaxOwners) owners_.erase(owners_.begin());
  owners_.push_back(pid);
}

}  // namespace detectd
