#include "src/live/connection_watch.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/fields.h"
#include "src/clock.h"

namespace detectd {
namespace {

// How long room in the queue is waited for at a time.
constexpr int64_t kTurnNs = 100'000'000;

}  // namespace

void to_event(const Connection& connection, int64_t boot_ns, int64_t wall_ns,
              const std::shared_ptr<const CaptureHost>& host, Event& event) {
  event.clear();
  event.kind = connection.accepted ? EventKind::kConnectionAccepted : EventKind::kConnectionAttempted;
  event.has_time = true;
  event.time_ns = wall_ns;
  event.host = host;
  event.set_integer(field::kBootNs, boot_ns);
  event.set_text(field::kSource, "sock_diag");
  if (connection.pid) {
    event.set_integer(process_field(Leaf::kPid), *connection.pid);
  } else {
    event.begin_list(field::kMissing);
    event.append_text(field::kMissing, table_info(process_field(Leaf::kPid)).name);
  }
  const DiagSocket& socket = connection.socket;
  const SocketEnd& source = connection.accepted ? socket.remote : socket.local;
  const SocketEnd& destination = connection.accepted ? socket.local : socket.remote;
  event.set_text(field::kSourceIp, source.ip());
  event.set_integer(field::kSourcePort, source.port);
  event.set_text(field::kDestinationIp, destination.ip());
  event.set_integer(field::kDestinationPort, destination.port);
  event.set_text(field::kNetworkTransport, socket.udp ? "udp" : "tcp");
  event.set_text(field::kNetworkDirection, connection.accepted ? "ingress" : "egress");
}

ConnectionWatch::ConnectionWatch(const BootClock& clock, std::shared_ptr<const CaptureHost> host,
                                 Options options)
    : clock_(clock), host_(std::move(host)), options_(std::move(options)), poller_(options_.poller) {}

ConnectionWatch::~ConnectionWatch() {
  stop();
  give_up_ = true;
  if (thread_.joinable()) thread_.join();
}

void ConnectionWatch::want(bool wanted) {
  const std::lock_guard lock(mutex_);
  if (stopping_.load()) return;
  wanted_ = wanted;
  changed_.notify_all();
  if (!wanted || thread_.joinable()) return;
  ended_ = false;
  thread_ = std::thread([this] { run(); });
}

void ConnectionWatch::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

ConnectionPoller::Counters ConnectionWatch::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

void ConnectionWatch::run() {
  pthread_setname_np(pthread_self(), "connections");
  while (wait_for_look()) look();
  ended_ = true;
  if (options_.wake) options_.wake();
}

// False: it is time to end.
bool ConnectionWatch::wait_for_look() {
  std::unique_lock lock(mutex_);
  counters_ = poller_.counters();
  while (!stopping_.load()) {
    if (!wanted_) {
      if (looking_) poller_.forget();
      looking_ = false;
      changed_.wait(lock);
      continue;
    }
    const int64_t now_ns = steady_clock_ns();
    if (!looking_ || now_ns >= next_look_ns_) {
      looking_ = true;
      next_look_ns_ = now_ns + options_.period_ns;
      return true;
    }
    changed_.wait_for(lock, std::chrono::nanoseconds(next_look_ns_ - now_ns));
  }
  return false;
}

void ConnectionWatch::look() {
  found_.clear();
  // What can not be read is counted.
  if (Status status = poller_.poll(found_); !status) return;
  if (found_.empty()) return;
  if (options_.catch_up) options_.catch_up();
  telling_ = true;
  // Later than when it was asked whether anything from before is on its way, so that it stays in order.
  const int64_t now_ns = steady_clock_ns();
  const int64_t boot_ns = clock_.boot_ns(now_ns);
  const int64_t wall_ns = clock_.wall_ns(boot_ns);
  for (const Connection& connection : found_) {
    to_event(connection, boot_ns, wall_ns, host_, timed_.event);
    timed_.monotonic_ns = now_ns;
    while (!give_up_.load() && !queue_.push(timed_)) queue_.wait_room(kTurnNs);
    if (options_.wake) options_.wake();
  }
  telling_ = false;
}

}  // namespace detectd
