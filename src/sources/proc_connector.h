// The kernel's process connector (linux/cn_proc.h), as something to read from.
//
// Every message wakes who waits on its socket, and being woken costs a reader above all others more than most
// messages are worth. So execs have a socket of their own which is waited on, and all else another
// one, which is looked into whenever an exec came, and some time after else.
#pragma once

#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "engine/result.h"
#include "src/fd.h"
#include "src/sources/proc_event.h"
#include "src/sources/proc_merge.h"

namespace detectd {

// Where process events are read, so that tests can put a silent or a lossy one in its place.
class ProcEventSocket {
 public:
  virtual ~ProcEventSocket() = default;

  // To be waited on; change with subscribe().
  virtual int descriptor() const = 0;
  // Where events come that can wait some milliseconds; negative where all come by descriptor(). If not, the fork of a
  // thread of ours proves that this one is alive, and its kBeat that descriptor() is.
  virtual int patient_descriptor() const { return -1; }
  // Where there is one: waits for an event by descriptor(), some milliseconds at most. It is among what receive() gives
  // next. Cheaper than poll(2) by a twentieth of what an exec costs.
  virtual void wait_urgent() = 0;
  // A new socket and a new subscription. What the old one still held is lost with it.
  virtual Status subscribe() = 0;
  // Appends what has arrived, at most some thousand events; never waits. False if there is no more to be had now, but
  // for what came behind an event that was waited for.
  virtual bool receive(std::vector<ProcEvent>& events) = 0;
  // How many events this socket was sent and could not take, over all subscriptions. Exact, and known at once.
  virtual uint64_t lost() = 0;
  // Messages that were not the kernel's; they are dropped.
  virtual uint64_t forged() const { return 0; }
};

// How many messages each CPU has numbered and nobody gave us. Filtered messages take numbers too.
class SequenceGaps {
 public:
  void add(uint32_t cpu, uint32_t sequence);
  void restart() { next_.clear(); }
  uint64_t missing() const { return missing_; }

 private:
  std::map<uint32_t, uint32_t> next_;
  uint64_t missing_ = 0;
};

struct ProcConnectorOptions {
  size_t receive_buffer_bytes = size_t{32} << 20;  // of each socket
  // Events that are not of it are not sent (Linux 6.6). Without a mask, all are, by one socket, and losses are counted
  // by the kernel's numbers as well.
  std::optional<uint32_t> mask;
  // Of those that were sent, what is not of this is dropped here.
  uint32_t wanted = kAllProcEvents;
  // So long a subscription's wait() lasts. A timer that ends before the next tick of the kernel would have to be set
  // for each wait, and that is a sixth of what receiving costs.
  int patience_ms = 5;
};

struct ProcConnectorCounters {
  uint64_t received = 0;
  uint64_t forged = 0;     // not the kernel's
  uint64_t malformed = 0;  // the kernel's, and not understood
  uint64_t overruns = 0;   // times that the kernel told of a full buffer
};

// One subscription.
class ProcSubscription {
 public:
  explicit ProcSubscription(ProcConnectorOptions options);
  ProcSubscription(const ProcSubscription&) = delete;
  ProcSubscription& operator=(const ProcSubscription&) = delete;

  int descriptor() const { return fd_.number(); }
  Status subscribe();
  // Appends a batch, in the order in which it came. False if there is no more to be had now.
  bool receive(std::vector<ProcEvent>& events) { return receive(events, MSG_DONTWAIT); }
  // The same, and waits for the first one, at most Options::patience_ms.
  bool wait(std::vector<ProcEvent>& events) { return receive(events, MSG_WAITFORONE); }
  uint64_t lost();

  const ProcConnectorCounters& counters() const { return counters_; }
  // What the kernel granted, which counts its own overhead: about twice what holds messages.
  size_t receive_buffer_bytes() const;

 private:
  bool receive(std::vector<ProcEvent>& events, int flags);
  uint32_t drops() const;

  static constexpr size_t kBatch = 64;

  ProcConnectorOptions options_;
  Fd fd_;
  uint64_t lost_before_ = 0;  // by sockets that were given up
  SequenceGaps gaps_;
  ProcConnectorCounters counters_;
  // Set up once: what recvmmsg(2) fills.
  std::array<std::array<std::byte, kMaxProcMessage>, kBatch> buffers_;
  std::array<sockaddr_nl, kBatch> senders_{};
  std::array<iovec, kBatch> parts_{};
  std::array<mmsghdr, kBatch> messages_{};
};

class ProcConnector final : public ProcEventSocket {
 public:
  // Subscribed. Whether events come is not known before one came. Only those of the mask are given, whether the kernel
  // knows masks or not.
  static Result<std::unique_ptr<ProcConnector>> open(const ProcConnectorOptions& options);

  int descriptor() const override { return execs_ ? execs_->descriptor() : others_.descriptor(); }
  int patient_descriptor() const override { return execs_ ? others_.descriptor() : -1; }
  void wait_urgent() override;
  Status subscribe() override;
  bool receive(std::vector<ProcEvent>& events) override;
  uint64_t lost() override;
  uint64_t forged() const override {
    return others_.counters().forged + (execs_ ? execs_->counters().forged : 0);
  }

 private:
  explicit ProcConnector(const ProcConnectorOptions& options);

  uint32_t self_;
  std::optional<ProcSubscription> execs_;
  ProcSubscription others_;  // without a mask, all
  ProcMerge merge_;
  bool has_waited_ = false;  // for execs, which are in merge_
};

}  // namespace detectd
