// What the kernel's process connector says, decoded: pure functions over bytes. The kernel's structs end in
// flexible arrays and their enum has moved between versions, so the layout stands here:
//
//   nlmsghdr    0 length u32   4 type u16    6 flags u16   8 sequence u32  12 port u32
//   cn_msg     16 index u32   20 value u32  24 sequence u32  28 ack u32    32 length u16  34 flags u16
//   proc_event 36 what u32    40 cpu u32    44 timestamp u64               52 data, by `what`
//
// All in the host's byte order (linux/connector.h, linux/cn_proc.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "engine/event_kind.h"

namespace detectd {

enum class ProcWhat : uint8_t {
  kAck,  // somebody (not we, as far as we can tell) subscribed
  kFork,
  kExec,
  kUid,
  kGid,
  kSession,
  kPtrace,
  kComm,
  kCoredump,
  kExit,
  kBeat,  // not the kernel's: execs would be told, as the end of a thread of this process was (proc_connector.h)
  kUnknown,
};

struct ProcEvent {
  ProcWhat what = ProcWhat::kUnknown;
  uint32_t cpu = 0;
  uint32_t sequence = 0;     // +1 for every message of that CPU, sent to us or not
  int64_t monotonic_ns = 0;  // CLOCK_MONOTONIC
  uint32_t thread = 0;       // that acted; of a fork the new one
  uint32_t pid = 0;          // its process
  // Of a fork the parent, of a trace the tracer (0: detached), of an exit and a coredump the parent.
  uint32_t other_thread = 0;
  uint32_t other_pid = 0;
  uint32_t real_id = 0;  // kUid, kGid
  uint32_t effective_id = 0;
  uint32_t exit_status = 0;  // as wait(2) gives it
  std::array<char, 16> comm{};

  std::string_view thread_name() const;
};

inline constexpr size_t kMaxProcMessage = 128;  // the longest the kernel sends has 92 bytes

// Nothing for a message that is not the connector's, or too short for what it says it is.
std::optional<ProcEvent> decode_proc_message(std::span<const std::byte> message);

// The bits of `proc_input.event_type` for kinds of events. The kinds that other parts live on (fork, exec, end)
// are always among them.
uint32_t proc_event_mask(KindSet kinds);
inline constexpr uint32_t kAllProcEvents = 0xFFFFFFFF;
// The bit of an event in such a mask; 0: of one that is not known.
uint32_t proc_event_bit(ProcWhat what);
// EXEC, and of the ends those with an exit status other than 0: a thread of ours can make one, to prove that such
// events arrive, and nobody makes many for less than a process each.
inline constexpr uint32_t kUrgentProcEvents = 0x20000002;

// Whether a kernel of that release (of uname) sends only what a mask asks for: from 6.6 on. Of a release that is none, no.
bool knows_event_mask(std::string_view release);

// The message that subscribes. With `mask` (Linux 6.6) only those events are sent; earlier kernels ignore a message
// of that length.
std::array<std::byte, 44> encode_subscription(std::optional<uint32_t> mask, uint32_t port, size_t& size);

}  // namespace detectd
