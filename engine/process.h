// A process as the stream told of it, at one moment: immutable and shared, so that events, hits and
// children can keep it while the table goes on. Each fork, exec or id change makes a new Process.
#pragma once

#include <array>
#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/attributes.h"
#include "engine/event.h"
#include "engine/fields.h"

namespace detectd {

// Ancestors that an event shows. Longer chains are cut (process_table.h).
inline constexpr size_t kMaxAncestors = 32;

// Identity that survives pid reuse: two processes with the same pid differ in their birth.
struct ProcessKey {
  uint32_t pid = 0;
  int64_t birth_ns = 0;  // of the fork event (Event::order_ns), else the first `process.start` or event seen

  auto operator<=>(const ProcessKey&) const = default;
};

// The host and the boot that processes live in, as their identities spell them.
struct ProcessHost {
  std::string host;
  std::string boot_id;
  HolderCount holders;

  size_t size_bytes() const;
};

class Process {
 public:
  Process() = default;
  // The next version of a process, to be changed before it is shared.
  explicit Process(const Process& other);
  ~Process();
  Process& operator=(const Process&) = delete;

  // Before it is shared.
  void set_pid(uint32_t pid);
  void set_entity_id(std::string_view id);  // longer ones than kMaxEntityId, of foreign captures, are cut
  void set_start(std::string_view text);    // texts longer than kMaxStart are no times: ignored

  static constexpr size_t kMaxEntityId = 64;
  static constexpr size_t kMaxStart = 40;

  ProcessKey key;
  std::shared_ptr<const Attributes> attributes;  // never null
  std::shared_ptr<const Attributes> previous;    // before the last exec or id change; may be null
  std::shared_ptr<const Process> parent;         // as it was at the fork; null if unknown
  std::shared_ptr<const ProcessHost> host;       // null: no entity_id but one that was set
  bool fork_seen = false;                        // the parent is the kernel's word, not a captured line's
  uint16_t depth = 0;                            // ancestors kept; bounded

  // pid, entity_id and start are the process's own; the rest comes from its attributes. A name that was
  // not told is the executable's last part, else the thread name.
  FieldView find(Leaf leaf, size_t index = 0) const;
  size_t count(Leaf leaf) const;
  // Where it was not set: 22 characters of the SHA-256 over host, boot, pid and birth, worked out when first
  // asked for. Most are never asked for, and a digest costs as much as the rest of a fork. Any thread may ask.
  std::string_view entity_id() const;
  std::string_view start() const { return {start_.data(), start_size_}; }
  // The leaves that find() finds.
  LeafMask leaves() const;

  // What it occupies, without what it points to.
  static size_t size_bytes();
  HolderCount holders;

 private:
  using DerivedId = std::array<char, 22>;
  std::unique_ptr<const DerivedId> derived_id() const;

  std::array<char, 12> pid_text_{};
  std::array<char, kMaxEntityId> set_id_{};
  std::array<char, kMaxStart> start_{};  // as the line had it; empty if never seen
  uint8_t pid_size_ = 0;
  uint8_t set_id_size_ = 0;
  uint8_t start_size_ = 0;
  bool has_set_id_ = false;
  mutable std::atomic<const DerivedId*> derived_id_{nullptr};  // owned
};

// The part after the last slash; of a Windows path, after the last backslash. The whole text where there
// is none.
std::string_view last_path_part(std::string_view path);

}  // namespace detectd
