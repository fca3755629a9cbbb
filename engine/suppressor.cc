#include "engine/suppressor.h"

#include <algorithm>
#include <limits>

#include "engine/correlator.h"
#include "engine/group_key.h"

namespace detectd {
namespace {

// Nodes of two maps, and the lineage that the event holds.
constexpr size_t kWindowBytes = 1024;

}  // namespace

// A field that is absent is a value like others.
void append_suppress_key(const Hit& hit, const CompiledSuppress& suppress, Sha256Hasher& hasher,
                         std::string& key) {
  for (const GroupSource& source : suppress.by) {
    key += '\x01';
    if (!append_source(source, hit, hasher, key)) key += '\x02';
  }
}

bool Suppressor::admit(const Hit& hit, const CompiledSuppress& suppress, std::vector<Hit>& folds) {
  if (suppress.for_ns == 0) return true;
  make_key(hit, suppress);
  const auto open_window = by_key_.find(key_);
  if (open_window != by_key_.end()) {
    OpenWindow& window = open_window->second->second;
    const int64_t order_ns = hit.event->order_ns();
    int64_t back_ns = 0;
    const bool overflow = __builtin_sub_overflow(window.opened_ns, order_ns, &back_ns);
    const bool before = overflow ? window.opened_ns > 0 : back_ns > suppress.for_ns;
    if (!before && order_ns <= open_window->second->first.first) {
      ++window.hit.count;
      window.hit.first_ns = std::min(window.hit.first_ns, hit.event->time_ns);
      window.hit.last_ns = std::max(window.hit.last_ns, hit.event->time_ns);
      ++counters_.folded;
      return false;
    }
    close(open_window->second, folds);
  }
  open(hit, suppress);
  while (windows_.size() > options_.max_windows || (bytes_ > options_.memory_bytes && !windows_.empty())) {
    close(windows_.begin(), folds);
    ++counters_.closed_early;
  }
  return true;
}

void Suppressor::make_key(const Hit& hit, const CompiledSuppress& suppress) {
  key_ = hit.rule->id;
  append_suppress_key(hit, suppress, hasher_, key_);
}

void Suppressor::open(const Hit& hit, const CompiledSuppress& suppress) {
  int64_t close_ns = 0;
  if (__builtin_add_overflow(hit.event->order_ns(), suppress.for_ns, &close_ns))
    close_ns = std::numeric_limits<int64_t>::max();
  OpenWindow window;
  window.hit = hit;
  window.hit.parts.clear();
  window.opened_ns = hit.event->order_ns();
  window.key = key_;
  window.bytes = kWindowBytes + 2 * key_.size() + hit.event->memory_bytes();
  bytes_ += window.bytes;
  const auto place = windows_.emplace(Order{close_ns, opened_++}, std::move(window)).first;
  by_key_.emplace(key_, place);
}

void Suppressor::close(Windows::iterator window, std::vector<Hit>& folds) {
  OpenWindow& closed = window->second;
  bytes_ -= closed.bytes;
  by_key_.erase(closed.key);
  if (closed.hit.count > 1) {
    closed.hit.fold = true;
    folds.push_back(std::move(closed.hit));
  }
  windows_.erase(window);
}

void Suppressor::close_until(int64_t order_ns, std::vector<Hit>& folds) {
  while (!windows_.empty() && windows_.begin()->first.first < order_ns) close(windows_.begin(), folds);
}

void Suppressor::flush(std::vector<Hit>& folds) {
  while (!windows_.empty()) close(windows_.begin(), folds);
}

Suppressor::Counters Suppressor::counters() const {
  Counters counters = counters_;
  counters.windows = windows_.size();
  return counters;
}

}  // namespace detectd
