// What the kernel's fanotify says of an exec that is about to happen, decoded: pure functions over bytes. The
// layout (linux/fanotify.h), in the host's byte order:
//
//   metadata   0 length u32   4 version u8   6 metadata length u16   8 mask u64   16 file s32   20 pid s32
//   records    0 type u8      2 length u16   4 ...; of type 4 a pidfd s32          behind the metadata
//   answer     0 file s32     4 FAN_ALLOW or FAN_DENY u32
//
// Each message brings descriptors that whoever reads it has to close.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace detectd {

struct ExecRequest {
  bool overflow = false;    // events were lost before it; nothing else is set
  bool permission = false;  // the exec waits for an answer
  int file = -1;            // the program, open for reading
  int pidfd = -1;           // of who execs; -1: not told, or ended
  uint32_t pid = 0;         // 0: of another pid namespace
};

// What one read(2) gave, a message at a time.
class ExecRequests {
 public:
  explicit ExecRequests(std::span<const std::byte> bytes) : rest_(bytes) {}

  // Nothing at the end, or where what follows is no such message.
  std::optional<ExecRequest> next();
  // Bytes were left that are none.
  bool broken() const { return broken_; }

 private:
  std::span<const std::byte> rest_;
  bool broken_ = false;
};

enum class ExecAnswer : uint8_t { kAllow, kDeny };
std::array<std::byte, 8> encode_exec_answer(int file, ExecAnswer answer);

}  // namespace detectd
