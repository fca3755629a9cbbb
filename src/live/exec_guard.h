// A small process of its own that asks the kernel to wait with each exec, and answers the kernel in time whatever
// becomes of us. A thread of ours could not: when detectd is stopped (SIGSTOP, a debugger, a frozen control group)
// all its threads are, and every exec of the host would wait with it.
//
//   kernel ──fanotify──► guard ──question: pid, file, pidfd──► detectd
//            ◄──answer──       ◄──verdict─────────────────────
//
// The guard alone holds the fanotify descriptor. Its only work is to pass questions on and answers back, and to
// allow what has waited too long. When detectd ends, however it ends, the guard does; when the guard ends, the
// kernel lets all execs go on, those that wait too. Should the guard itself stop, detectd kills it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/result.h"
#include "src/enrich/exec_image.h"
#include "src/fd.h"
#include "src/sources/exec_permission.h"

namespace detectd {

// What the guard tells. It has the layout in which it is sent.
struct GuardMessage {
  enum Kind : uint32_t {
    kWatching,  // the marks are set; first of all
    kFailed,    // they could not be; `error`, and `path` as an index. Nothing follows
    kExec,      // an exec; with the file, and a pidfd where there is one
    kDenied,    // the exec of this number was refused, as it was told
    kTooLate,   // it was told to refuse it, and had allowed it: the time was up
    kOverflow,  // the kernel did not tell of some execs
  };
  Kind kind = kWatching;
  uint32_t pid = 0;
  uint64_t number = 0;
  int64_t monotonic_ns = 0;
  uint32_t permission = 0;  // whether the exec waits
  int32_t error = 0;
  uint32_t path = 0;
};

struct ExecQuestion {
  GuardMessage message;
  Fd file;
  Fd pidfd;
};

// Written by the guard, read by anybody.
struct GuardCounters {
  std::atomic<int64_t> alive_ns{0};    // CLOCK_MONOTONIC: when it last turned
  std::atomic<uint64_t> execs{0};      // that the kernel told of
  std::atomic<uint64_t> spared{0};     // of them: our own, pid 1's, and of what is protected
  std::atomic<uint64_t> expired{0};    // allowed because no verdict came in time
  std::atomic<uint64_t> not_asked{0};  // allowed because too many waited for a verdict
  std::atomic<uint64_t> overflows{0};
};

class ExecGuard {
 public:
  struct Options {
    std::vector<std::string> paths;  // the file systems that these are on
    bool permission = true;          // execs wait for an answer; else they are only told of
    int64_t deadline_ns = 250'000'000;
    std::vector<FileIdentity> spared;  // programs that never wait
  };

  // Whether it could be started, as far as that can be told without making any exec wait.
  static Status probe(const Options& options);
  // Returns when the guard watches. It lives as long as this object.
  static Result<std::unique_ptr<ExecGuard>> start(const Options& options);
  ~ExecGuard();
  ExecGuard(const ExecGuard&) = delete;
  ExecGuard& operator=(const ExecGuard&) = delete;

  // Waits for a message. False: none came. An error: the guard is gone, and all execs go on.
  Result<bool> receive(ExecQuestion& question, int64_t timeout_ns);
  // Of a question whose exec waits, once. For a refusal kDenied or kTooLate comes.
  void answer(uint64_t number, ExecAnswer answer);

  // Whether it no longer turns. Then kill() lets all execs go on.
  bool stalled(int64_t now_ns) const;
  void kill();

  const GuardCounters& counters() const { return *counters_; }

 private:
  ExecGuard() = default;

  struct Unmap {
    void operator()(GuardCounters* counters) const;
  };
  std::unique_ptr<GuardCounters, Unmap> counters_;
  Fd socket_;
  Fd process_;  // a pidfd
  int64_t deadline_ns_ = 0;
};

}  // namespace detectd
