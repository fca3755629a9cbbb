#include "engine/process_entries.h"

#include <cassert>

#include "engine/digest.h"

namespace detectd {
namespace {

uint64_t key_of(uint32_t host, uint32_t pid) { return uint64_t{host} << 32 | pid; }

std::string shortened(std::string_view name, size_t max) {
  if (name.size() <= max) return std::string(name);
  Sha256Hasher hasher;
  hasher.add(name);
  return hex(hasher.finish());
}

}  // namespace

const HostNumbers::Host& HostNumbers::find_or_add(std::string_view host, std::string_view boot_id) {
  if (next_ > 0 && host == last_host_ && boot_id == last_boot_) return last_;
  const auto names = std::make_shared<ProcessHost>();
  names->host = shortened(host, kMaxName);
  names->boot_id = shortened(boot_id, kMaxName);
  key_ = names->host;
  key_ += '\0';
  key_ += names->boot_id;
  const auto found = hosts_.find(key_);
  if (found != hosts_.end()) {
    last_ = found->second;
  } else {
    if (hosts_.size() >= kMaxHosts) hosts_.clear();
    last_ = {.number = next_++, .names = names};
    hosts_.emplace(key_, last_);
  }
  last_host_ = host;
  last_boot_ = boot_id;
  return last_;
}

void ProcessEntries::List::push_back(ProcessEntry& entry) {
  entry.older = newest;
  entry.newer = nullptr;
  (newest != nullptr ? newest->newer : oldest) = &entry;
  newest = &entry;
}

void ProcessEntries::List::remove(ProcessEntry& entry) {
  (entry.older != nullptr ? entry.older->newer : oldest) = entry.newer;
  (entry.newer != nullptr ? entry.newer->older : newest) = entry.older;
}

size_t ProcessEntries::home_of(uint64_t key) const { return hash_(key) & (places_.size() - 1); }

size_t ProcessEntries::place_of(uint64_t key) const {
  size_t at = home_of(key);
  while (places_[at].entry != nullptr && places_[at].key != key) at = (at + 1) & (places_.size() - 1);
  return at;
}

void ProcessEntries::grow() {
  std::vector<Place> old(places_.size() * 2);
  old.swap(places_);
  for (const Place& place : old) {
    if (place.entry != nullptr) places_[place_of(place.key)] = place;
  }
}

// What stands behind it and belongs before it moves up, so that no look-up ends too soon.
void ProcessEntries::free_place(uint64_t key) {
  const size_t mask = places_.size() - 1;
  size_t hole = place_of(key);
  for (size_t next = (hole + 1) & mask; places_[next].entry != nullptr; next = (next + 1) & mask) {
    const size_t from_home = (next - home_of(places_[next].key)) & mask;
    if (from_home < ((next - hole) & mask)) continue;
    places_[hole] = places_[next];
    hole = next;
  }
  places_[hole] = {};
}

ProcessEntry* ProcessEntries::find(uint32_t host, uint32_t pid) {
  return places_[place_of(key_of(host, pid))].entry;
}

const ProcessEntry* ProcessEntries::find(uint32_t host, uint32_t pid) const {
  return const_cast<ProcessEntries*>(this)->find(host, pid);
}

ProcessEntry& ProcessEntries::add(uint32_t host, uint32_t pid) {
  if (++size_ * 2 > places_.size()) grow();
  if (unused_.empty()) unused_.push_back(&entries_.emplace_back());
  const uint64_t key = key_of(host, pid);
  Place& place = places_[place_of(key)];
  assert(place.entry == nullptr && "a pid has one entry");
  place = {key, unused_.back()};
  unused_.pop_back();
  *place.entry = {};
  place.entry->key = key;
  live_.push_back(*place.entry);
  return *place.entry;
}

void ProcessEntries::set_process(ProcessEntry& entry, std::shared_ptr<const Process> process) {
  // The new one first: what both reach stays held.
  if (process) reached_.hold(*process);
  if (entry.process) reached_.release(*entry.process);
  entry.process = std::move(process);
}

void ProcessEntries::set_before_joined(ProcessEntry& entry, std::shared_ptr<const Attributes> attributes) {
  if (attributes) reached_.hold(*attributes);
  if (entry.before_joined) reached_.release(*entry.before_joined);
  entry.before_joined = std::move(attributes);
}

void ProcessEntries::reuse(ProcessEntry& entry) {
  revive(entry);
  touch(entry);
  set_process(entry, nullptr);
  set_before_joined(entry, nullptr);
  entry.executed = false;
  entry.had_root = false;
}

void ProcessEntries::touch(ProcessEntry& entry) {
  if (entry.ended || live_.newest == &entry) return;
  live_.remove(entry);
  live_.push_back(entry);
}

void ProcessEntries::end(ProcessEntry& entry, int64_t time_ns) {
  if (entry.ended) return;
  live_.remove(entry);
  ended_.push_back(entry);
  ++ended_size_;
  entry.ended = true;
  entry.ended_ns = time_ns;
}

void ProcessEntries::revive(ProcessEntry& entry) {
  if (!entry.ended) return;
  ended_.remove(entry);
  --ended_size_;
  live_.push_back(entry);
  entry.ended = false;
}

void ProcessEntries::erase(ProcessEntry& entry) {
  (entry.ended ? ended_ : live_).remove(entry);
  if (entry.ended) --ended_size_;
  set_process(entry, nullptr);
  set_before_joined(entry, nullptr);
  free_place(entry.key);
  unused_.push_back(&entry);
  --size_;
  // The next to go has not been looked at for long.
  if (const ProcessEntry* const next = ended_.oldest; next != nullptr) {
    __builtin_prefetch(next->process.get());
    __builtin_prefetch(next->newer);
  }
}

void ProcessEntries::drop_ended(int64_t now_ns, int64_t keep_ns, size_t max) {
  while (ended_size_ > max) erase(*ended_.oldest);
  int64_t limit_ns = 0;
  if (__builtin_sub_overflow(now_ns, keep_ns, &limit_ns)) return;
  while (ended_.oldest != nullptr && ended_.oldest->ended_ns < limit_ns) erase(*ended_.oldest);
}

ProcessEntries::Evicted ProcessEntries::evict() {
  if (ended_.oldest != nullptr) {
    erase(*ended_.oldest);
    return Evicted::kEnded;
  }
  if (live_.oldest == nullptr) return Evicted::kNothing;
  erase(*live_.oldest);
  return Evicted::kLive;
}

std::vector<std::shared_ptr<const Process>> ProcessEntries::running() const {
  std::vector<std::shared_ptr<const Process>> processes;
  for (const ProcessEntry* entry = live_.oldest; entry != nullptr; entry = entry->newer)
    if (entry->process) processes.push_back(entry->process);
  return processes;
}

}  // namespace detectd
