// The process table's storage: entries by host and pid, in order of use, bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/process.h"
#include "engine/process_bytes.h"
#include "engine/seeded_hash.h"

namespace detectd {

struct ProcessEntry {
  std::shared_ptr<const Process> process;  // set by ProcessEntries::set_process
  // Before the first of the id changes that belong to the exec that comes next. Set by set_before_joined.
  std::shared_ptr<const Attributes> before_joined;
  int64_t ended_ns = 0;
  bool ended = false;
  bool executed = false;  // an exec of its own was seen
  bool had_root = false;  // one of its uids was 0 since its last exec

  uint64_t key = 0;
  ProcessEntry* older = nullptr;  // neighbours in order of use; of ended ones, in order of their ends
  ProcessEntry* newer = nullptr;
};

// Hosts by name and boot, as small numbers, so that an entry's key is one word. Forgets all when it is full:
// what was known of their processes is then out of reach, and is evicted in its turn.
class HostNumbers {
 public:
  struct Host {
    uint32_t number = 0;
    std::shared_ptr<const ProcessHost> names;  // longer ones than kMaxName as their digest
  };

  // Valid until the next call.
  const Host& find_or_add(std::string_view host, std::string_view boot_id);

 private:
  static constexpr size_t kMaxHosts = 4096;
  static constexpr size_t kMaxName = 128;

  std::unordered_map<std::string, Host> hosts_;
  std::string last_host_, last_boot_, key_;
  Host last_;
  uint32_t next_ = 0;
};

class ProcessEntries {
 public:
  ProcessEntries() = default;

  ProcessEntry* find(uint32_t host, uint32_t pid);
  const ProcessEntry* find(uint32_t host, uint32_t pid) const;
  // A new entry, live and the latest used. There is none of that pid.
  ProcessEntry& add(uint32_t host, uint32_t pid);
  void set_process(ProcessEntry& entry, std::shared_ptr<const Process> process);
  void set_before_joined(ProcessEntry& entry, std::shared_ptr<const Attributes> attributes);  // null: none
  // Empties an entry for a process that has its pid now.
  void reuse(ProcessEntry& entry);
  // References stay valid until the entry is evicted or dropped.
  void touch(ProcessEntry& entry);
  void end(ProcessEntry& entry, int64_t time_ns);
  void revive(ProcessEntry& entry);

  // Drops what ended more than `keep_ns` before `now_ns`, and of more than `max` the first ones.
  void drop_ended(int64_t now_ns, int64_t keep_ns, size_t max);
  enum class Evicted : uint8_t { kNothing, kLive, kEnded };
  // Drops what ended first, else what was not used for longest.
  Evicted evict();

  // Of the live entries.
  std::vector<std::shared_ptr<const Process>> running() const;
  size_t size() const { return size_; }
  // Of the entries and of all that they reach.
  size_t bytes() const { return size_ * (sizeof(ProcessEntry) + 64) + reached_.total(); }

 private:
  // An open hash table, at most half full, so that a look-up waits for one cache line before it has the entry. No result
  // depends on the order of its places.
  struct Place {
    uint64_t key = 0;
    ProcessEntry* entry = nullptr;  // null: free
  };
  static constexpr size_t kFirstPlaces = 1024;  // a power of two, as all later sizes
  struct List {
    void push_back(ProcessEntry& entry);
    void remove(ProcessEntry& entry);
    ProcessEntry* oldest = nullptr;
    ProcessEntry* newest = nullptr;
  };

  size_t home_of(uint64_t key) const;
  // Where it is, or belongs.
  size_t place_of(uint64_t key) const;
  void grow();
  void free_place(uint64_t key);
  void erase(ProcessEntry& entry);

  SeededHash hash_{this};
  std::vector<Place> places_ = std::vector<Place>(kFirstPlaces);
  size_t size_ = 0;
  std::deque<ProcessEntry> entries_;  // a deque: they stay where they are
  std::vector<ProcessEntry*> unused_;
  List live_, ended_;
  size_t ended_size_ = 0;
  ProcessBytes reached_;
};

}  // namespace detectd
