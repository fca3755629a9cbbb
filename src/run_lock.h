// One daemon a host. The file of the lock also says how the last one fared: so that the next can tell for how long
// nobody watched.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/result.h"
#include "src/fd.h"

namespace detectd {

inline constexpr const char* kRunLockPath = "/run/detectd/lock";

class RunLock {
 public:
  // Of the last daemon of this boot that did not end in order: when it was last known to run (CLOCK_BOOTTIME).
  struct Killed {
    uint32_t pid = 0;
    int64_t alive_boot_ns = 0;
  };

  // Errc::kSystem, with pid and start of the other, where another daemon has it.
  static Result<RunLock> take(const std::string& path, const std::string& boot_id);
  ~RunLock();
  RunLock(RunLock&&) = default;
  RunLock& operator=(RunLock&&) = delete;

  const std::optional<Killed>& killed() const { return killed_; }
  // We are alive; costs one small write. To be said every few seconds.
  void beat(int64_t boot_ns);

 private:
  RunLock(Fd file, std::string head) : file_(std::move(file)), head_(std::move(head)) {}
  void write(int64_t boot_ns, const char* state);

  Fd file_;
  std::string head_;  // pid, start, boot
  bool has_beaten_ = false;
  std::optional<Killed> killed_;
};

}  // namespace detectd
