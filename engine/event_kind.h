// The kinds of events (`event.action`), and sets of them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace detectd {

// EVENTS in detectd-events(5) says what each one means and where it comes from.
enum class EventKind : uint8_t {
  kExec,
  kFork,
  kEnd,
  kUidChange,
  kGidChange,
  kSessionIdChange,
  kPtrace,
  kPtraceDetach,
  kCommChange,
  kCoredump,
  kConnectionAttempted,
  kConnectionAccepted,
  kExecCheck,
  kAlreadyRunning,
  kLost,
  kHealth,
  kOther,  // a captured action that detectd does not know: kept and counted, no rule looks at it
};
inline constexpr size_t kEventKindCount = static_cast<size_t>(EventKind::kOther) + 1;

class KindSet {
 public:
  constexpr KindSet() = default;
  constexpr KindSet(std::initializer_list<EventKind> kinds) {
    for (const EventKind kind : kinds) add(kind);
  }
  // Every kind a rule can name, `lost` and `health` among them; not kOther.
  static constexpr KindSet all() {
    KindSet set;
    set.bits_ = (1u << static_cast<unsigned>(EventKind::kOther)) - 1;
    return set;
  }

  constexpr void add(EventKind kind) { bits_ |= 1u << static_cast<unsigned>(kind); }
  constexpr bool has(EventKind kind) const { return (bits_ >> static_cast<unsigned>(kind)) & 1u; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool contains(KindSet other) const { return (other.bits_ & ~bits_) == 0; }
  constexpr KindSet with(KindSet other) const {
    KindSet set;
    set.bits_ = bits_ | other.bits_;
    return set;
  }
  constexpr KindSet without(KindSet other) const {
    KindSet set;
    set.bits_ = bits_ & ~other.bits_;
    return set;
  }
  constexpr bool operator==(const KindSet&) const = default;

 private:
  uint32_t bits_ = 0;
};

// The value of `event.action`: "exec", "uid_change", ... "other" for kOther.
std::string_view to_string(EventKind kind);
// "exec, end": the members by name, in the order of the list above.
std::string to_string(KindSet kinds);
// Nothing for an action that is not of the list; never kOther.
std::optional<EventKind> find_event_kind(std::string_view action);

}  // namespace detectd
