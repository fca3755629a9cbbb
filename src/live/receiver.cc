#include "src/live/receiver.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bit>
#include <iterator>
#include <utility>

#include "src/clock.h"

namespace detectd {
namespace {

// Losses are looked for when the socket is empty, and in a storm all the same.
constexpr int64_t kLossCheckNs = 10'000'000;
constexpr int64_t kLossCheckInStormNs = 500'000'000;
constexpr int kTickMs = 100;
// While a stream is blind, a new subscription is tried so often.
constexpr int64_t kResubscribeNs = 500'000'000;
// Beyond this the socket keeps the rest.
constexpr size_t kMaxBacklog = 65'536;

bool begins_program(const ProcEvent& event) {
  return event.what == ProcWhat::kExec || (event.what == ProcWhat::kFork && event.thread == event.pid);
}

}  // namespace

std::string_view to_string(Scheduling scheduling) {
  switch (scheduling) {
    case Scheduling::kRealtime: return "real time (SCHED_FIFO)";
    case Scheduling::kNice: return "nice -20";
    case Scheduling::kNormal: break;
  }
  return "normal";
}

Receiver::Receiver(std::unique_ptr<ProcEventSocket> socket, ReadImage read_image, Heartbeat& heartbeat,
                   Options options)
    : socket_(std::move(socket)),
      read_image_(std::move(read_image)),
      heartbeat_(heartbeat),
      options_(options),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      queue_(options.queue_events),
      free_images_(std::bit_ceil(options.max_images + 1)) {}

Receiver::~Receiver() { stop(); }

void Receiver::start() {
  losses_checked_ns_ = steady_clock_ns();
  thread_ = std::thread([this] { run(); });
}

void Receiver::stop() {
  int64_t running = 0;
  stop_ns_.compare_exchange_strong(running, steady_clock_ns());
  const uint64_t one = 1;
  if (wake_ && write(wake_.number(), &one, sizeof one) < 0) {
    // It is counted up already, or the tick ends the waiting.
  }
  if (thread_.joinable()) thread_.join();
}

void Receiver::give_back(std::unique_ptr<ExecImage> image) {
  if (!image) return;
  image_bytes_.fetch_sub(held_bytes(*image));
  image->clear();
  free_images_.push(image);
}

void Receiver::run() {
  raise_priority();
  while (true) {
    if (next_ == backlog_.size()) {
      const bool stopping = stop_ns_.load() != 0;
      if (!stopping) wait_for_events();
      const bool got = drain();
      const int64_t now_ns = steady_clock_ns();
      check_losses(now_ns, got ? kLossCheckInStormNs : kLossCheckNs);
      follow_heartbeat(now_ns);
      if (!got && stopping) break;
      continue;
    }
    const ProcEvent event = backlog_[next_++];
    // In a storm the socket is never empty.
    if (const int64_t stop_ns = stop_ns_.load(); stop_ns != 0 && event.monotonic_ns > stop_ns) break;
    if (begins_program(event)) {
      const auto counted = programs_.find(event.pid);
      if (--counted->second == 0) programs_.erase(counted);
    }
    handle(event);
  }
  if (blind_since_ns_ != 0) {
    push_loss({.reason = Loss::Reason::kBlind,
               .start_ns = blind_since_ns_,
               .end_ns = steady_clock_ns(),
               .count = {}});
  }
  check_losses(steady_clock_ns(), 0);
  ended_ = true;
  queue_.wake();
}

// Without the right to real time at least before the ordinary ones.
void Receiver::raise_priority() {
  pthread_setname_np(pthread_self(), "receive");
  const sched_param parameter{.sched_priority = 1};
  if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameter) == 0) {
    scheduling_ = Scheduling::kRealtime;
  } else if (setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), -20) == 0) {
    scheduling_ = Scheduling::kNice;
  }
}

void Receiver::wait_for_events() {
  waiting_ = true;
  pollfd files[] = {{.fd = socket_->descriptor(), .events = POLLIN, .revents = 0},
                    {.fd = wake_.number(), .events = POLLIN, .revents = 0}};
  poll(files, std::size(files), kTickMs);
  waiting_ = false;
}

bool Receiver::drain() {
  // In a storm it is never empty.
  if (next_ == backlog_.size() || next_ > kMaxBacklog) {
    backlog_.erase(backlog_.begin(), backlog_.begin() + static_cast<std::ptrdiff_t>(next_));
    next_ = 0;
  }
  const size_t first = backlog_.size();
  bool more = true;
  while (more && backlog_.size() - next_ < kMaxBacklog) more = socket_->receive(backlog_);
  for (size_t i = first; i < backlog_.size(); ++i) {
    if (begins_program(backlog_[i])) ++programs_[backlog_[i].pid];
  }
  counters_.events += backlog_.size() - first;
  if (backlog_.size() - next_ > counters_.longest_backlog)
    counters_.longest_backlog = backlog_.size() - next_;
  return backlog_.size() != first;
}

void Receiver::handle(const ProcEvent& event) {
  static const auto self = static_cast<uint32_t>(getpid());
  if (event.what == ProcWhat::kFork && event.pid == self && event.thread != self)
    heartbeat_.hear(event.monotonic_ns);
  const auto passed = thread_ends_.pass(event);
  if (!passed) return;
  Observation observation;
  observation.event = *passed;
  if (passed->what == ProcWhat::kExec) read_exec(*passed, observation);
  push(observation);
}

void Receiver::read_exec(const ProcEvent& event, Observation& observation) {
  ++counters_.execs;
  observation.image = take_image();
  if (!observation.image) {
    ++counters_.images_skipped;
    return;
  }
  read_image_(event.pid, *observation.image);
  image_bytes_.fetch_add(held_bytes(*observation.image));
  observation.lag_ns = steady_clock_ns() - event.monotonic_ns;
  if (!observation.image->cmdline.empty()) ++counters_.images_read;
  drain();
  observation.superseded = is_superseded(event.pid);
  if (observation.superseded) ++counters_.superseded;
}

bool Receiver::is_superseded(uint32_t pid) const { return programs_.contains(pid); }

std::unique_ptr<ExecImage> Receiver::take_image() {
  std::unique_ptr<ExecImage> image;
  if (image_bytes_.load() > options_.max_image_bytes) return image;
  if (free_images_.pop(image) || images_ == options_.max_images) return image;
  ++images_;
  return std::make_unique<ExecImage>();
}

void Receiver::push(Observation& observation) {
  if (queue_.push(observation)) {
    observation = {};
    return;
  }
  ++counters_.queue_lost;
  if (observation.image) {
    image_bytes_.fetch_sub(held_bytes(*observation.image));
    --images_;
  }
}

void Receiver::check_losses(int64_t now_ns, int64_t period_ns) {
  if (now_ns - losses_checked_ns_ < period_ns) return;
  const uint64_t lost = socket_->lost();
  const uint64_t queue_lost = counters_.queue_lost.load();
  if (lost > told_lost_) {
    push_loss({.reason = Loss::Reason::kOverrun,
               .start_ns = losses_checked_ns_,
               .end_ns = now_ns,
               .count = lost - told_lost_});
    told_lost_ = lost;
    counters_.lost = lost;
  }
  if (queue_lost > told_queue_lost_) {
    push_loss({.reason = Loss::Reason::kQueue,
               .start_ns = losses_checked_ns_,
               .end_ns = now_ns,
               .count = queue_lost - told_queue_lost_});
    told_queue_lost_ = queue_lost;
  }
  losses_checked_ns_ = now_ns;
  std::erase_if(losses_, [this](const Loss& loss) {
    Observation observation;
    observation.loss = std::make_unique<const Loss>(loss);
    return queue_.push(observation);
  });
}

void Receiver::push_loss(const Loss& loss) {
  if (loss.reason != Loss::Reason::kBlind) thread_ends_.forget();
  losses_.push_back(loss);
}

// Blind from what was heard last until something is heard again. The interval is told in pieces, so that it is known
// while it lasts.
void Receiver::follow_heartbeat(int64_t now_ns) {
  if (!heartbeat_.blind()) {
    if (blind_since_ns_ == 0) return;
    push_loss({.reason = Loss::Reason::kBlind,
               .start_ns = blind_since_ns_,
               .end_ns = heartbeat_.heard_ns(),
               .count = {}});
    blind_since_ns_ = 0;
    return;
  }
  if (blind_since_ns_ == 0) {
    blind_since_ns_ = heartbeat_.heard_ns();
    push_loss({.reason = Loss::Reason::kBlind, .start_ns = blind_since_ns_, .end_ns = now_ns, .count = {}});
    blind_since_ns_ = now_ns;
  }
  if (now_ns - resubscribed_ns_ < kResubscribeNs) return;
  resubscribed_ns_ = now_ns;
  if (Status status = socket_->subscribe(); !status) ++counters_.failed_subscriptions;
}

}  // namespace detectd
