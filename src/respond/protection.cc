#include "src/respond/protection.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace detectd {
namespace {

constexpr uint32_t kInit = 1;
constexpr uint32_t kKernelThreads = 2;
constexpr size_t kMaxAncestors = 64;

bool has_component(std::string_view path, std::string_view wanted) {
  while (!path.empty()) {
    const size_t end = path.find('/');
    if (path.substr(0, end) == wanted) return true;
    path = end == std::string_view::npos ? std::string_view() : path.substr(end + 1);
  }
  return false;
}

}  // namespace

Protection::Protection(ProcessView& view, uint32_t self, Options options)
    : view_(view), self_(self), options_(std::move(options)) {
  look_around();
}

void Protection::look_around() {
  own_.assign(1, self_);
  while (own_.size() < kMaxAncestors) {
    const auto facts = view_.read(own_.back());
    if (!facts || facts->parent_pid <= kInit) break;
    own_.push_back(facts->parent_pid);
  }
}

bool Protection::covers(uint32_t pid, const ProcessFacts& facts) const {
  if (pid <= kKernelThreads || facts.kernel_thread || facts.parent_pid == kKernelThreads) return true;
  if (std::find(own_.begin(), own_.end(), pid) != own_.end()) return true;
  return is_listed_executable(facts) || is_in_listed_unit(facts);
}

// By the file that the path leads to here; by the path alone only where the file has no path any more, as after an
// upgrade. Else whoever mounts a file of his over such a path, for himself alone, would be safe from us.
bool Protection::is_listed_executable(const ProcessFacts& facts) const {
  return std::any_of(options_.executables.begin(), options_.executables.end(), [&](const std::string& path) {
    if (facts.file_deleted || !facts.file) return facts.executable == path;
    return view_.file(path) == facts.file;
  });
}

bool Protection::is_in_listed_unit(const ProcessFacts& facts) const {
  return std::any_of(options_.units.begin(), options_.units.end(), [&](const std::string& unit) {
    return facts.unit == unit || has_component(facts.cgroup, unit);
  });
}

}  // namespace detectd
