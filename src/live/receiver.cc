#include "src/live/receiver.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <iterator>
#include <utility>

#include "src/clock.h"

namespace detectd {
namespace {

// Losses are looked for when the socket is empty, and in a storm all the same.
constexpr int64_t kLossCheckNs = 10'000'000;
constexpr int64_t kLossCheckInStormNs = 500'000'000;
// While nobody hurries: so many events are waited for, within bounds.
constexpr int64_t kRestEvents = 64;
constexpr int64_t kMinRestMs = 10;
constexpr int64_t kSoonNs = 20'000'000;
// Where events come within that of each other, more will come.
constexpr int64_t kStormNs = 4'000'000;
// While a stream is blind, a new subscription is tried so often.
constexpr int64_t kResubscribeNs = 500'000'000;
// Beyond this the socket keeps the rest.
constexpr size_t kMaxBacklog = 65'536;

// In a storm there is always something to do. So it pauses so often, of its own accord.
constexpr int64_t kPauseNs = 1'000'000'000;
constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 50'000};

// The receive thread while it runs in real time.
std::atomic<pid_t> realtime_thread{0};
std::atomic<uint64_t> realtime_losses{0};

// RLIMIT_RTTIME: whatever keeps it from pausing, the other threads of this host get their turn again.
void on_exhausted(int) {
  const int number = errno;
  const pid_t thread = realtime_thread.exchange(0);
  const sched_param normal{};
  if (thread != 0 && syscall(SYS_sched_setscheduler, thread, SCHED_OTHER, &normal) == 0) {
    setpriority(PRIO_PROCESS, static_cast<id_t>(thread), -20);
    realtime_losses.fetch_add(1);
  }
  errno = number;
}

void limit_realtime(int64_t max_run_ns) {
  struct sigaction action {};
  action.sa_handler = on_exhausted;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGXCPU, &action, nullptr);
  rlimit limit{};
  getrlimit(RLIMIT_RTTIME, &limit);
  // The kernel adds a second each time that it sends the signal.
  limit.rlim_cur = std::min<rlim_t>(static_cast<rlim_t>(max_run_ns / 1000), limit.rlim_max);
  setrlimit(RLIMIT_RTTIME, &limit);
}

bool ends_leader(const ProcEvent& event) {
  return event.what == ProcWhat::kExit && event.thread == event.pid;
}

void count_down(std::unordered_map<uint32_t, uint32_t>& counts, uint32_t pid) {
  const auto counted = counts.find(pid);
  if (--counted->second == 0) counts.erase(counted);
}

// What a process did that a rule may respond to, beside an exec.
bool acts(ProcWhat what) {
  return what == ProcWhat::kUid || what == ProcWhat::kGid || what == ProcWhat::kSession ||
         what == ProcWhat::kPtrace || what == ProcWhat::kComm;
}

uint32_t actor_of(const ProcEvent& event) {
  return event.what == ProcWhat::kPtrace && event.other_pid != 0 ? event.other_pid : event.pid;
}

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

Receiver::Receiver(std::unique_ptr<ProcEventSocket> socket, std::unique_ptr<ToldPrograms> told,
                   ReadImage read_image, Heartbeat& heartbeat, Options options)
    : socket_(std::move(socket)),
      told_(std::move(told)),
      read_image_(std::move(read_image)),
      heartbeat_(heartbeat),
      options_(options),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      queue_(options.queue_events),
      free_images_(std::bit_ceil(options.max_images + 1)),
      grips_(options.queue_grips),
      priority_losses_before_(realtime_losses.load()),
      self_(static_cast<uint32_t>(getpid())) {}

Receiver::~Receiver() { stop(); }

Scheduling Receiver::scheduling() const {
  const Scheduling scheduling = scheduling_.load();
  const bool lost = scheduling == Scheduling::kRealtime && realtime_thread.load() != thread_id_.load();
  return lost ? Scheduling::kNice : scheduling;
}

uint64_t Receiver::priority_losses() const { return realtime_losses.load() - priority_losses_before_; }

void Receiver::start() {
  losses_checked_ns_ = steady_clock_ns();
  has_patient_ = socket_->patient_descriptor() >= 0;
  thread_ = std::thread([this] { run(); });
}

void Receiver::stop() {
  int64_t running = 0;
  stop_ns_.compare_exchange_strong(running, steady_clock_ns());
  read_now();
  if (thread_.joinable()) thread_.join();
}

void Receiver::read_now() {
  const uint64_t one = 1;
  if (wake_ && write(wake_.number(), &one, sizeof one) < 0) {
    // It is counted up already, or the tick ends the waiting.
  }
}

void Receiver::give_back(std::unique_ptr<ExecImage> image) {
  if (!image) return;
  image_bytes_.fetch_sub(held_bytes(*image));
  image->clear();
  free_images_.push(image);
}

void Receiver::run() {
  pthread_setname_np(pthread_self(), "receive");
  raise_priority();
  while (true) {
    if (next_ == backlog_.size()) {
      const bool stopping = stop_ns_.load() != 0;
      empty_ns_ = taken_ns_;
      const bool rested = rests();
      if (!stopping) wait_for_events(rested);
      const int64_t looked_ns = steady_clock_ns();
      const bool got = drain();
      busy_ = got && looked_ns - got_ns_ < kStormNs;
      if (got) got_ns_ = looked_ns;
      // Behind wait_urgent() more may be there than is given.
      if (!got || (rested && all_arrived_)) taken_ns_ = looked_ns;
      const int64_t now_ns = steady_clock_ns();
      pause_at_times(now_ns);
      check_losses(now_ns, got ? kLossCheckInStormNs : kLossCheckNs);
      follow_heartbeat(now_ns);
      if (!got && stopping) break;
      continue;
    }
    const ProcEvent event = backlog_[next_++];
    // In a storm the socket is never empty.
    if (const int64_t stop_ns = stop_ns_.load(); stop_ns != 0 && event.monotonic_ns > stop_ns) break;
    note_handled(event);
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
  const auto thread = static_cast<pid_t>(syscall(SYS_gettid));
  thread_id_ = thread;
  limit_realtime(options_.max_run_ns);
  const sched_param parameter{.sched_priority = 1};
  if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameter) == 0) {
    realtime_thread = thread;
    scheduling_ = Scheduling::kRealtime;
  } else if (setpriority(PRIO_PROCESS, static_cast<id_t>(thread), -20) == 0) {
    scheduling_ = Scheduling::kNice;
  }
}

void Receiver::pause_at_times(int64_t now_ns) {
  if (now_ns - paused_ns_ < kPauseNs) return;
  paused_ns_ = now_ns;
  nanosleep(&kPause, nullptr);
}

// To be woken by each event costs more than to read it. So only urgent ones wake us, and the others are looked for with
// them: where one came soon after another, at the latest a moment later, until there are none; else with the next tick.
// Not while somebody may want to respond: what is in order is known only once all others are there.
void Receiver::wait_for_events(bool rest) {
  if (scheduling() != scheduling_.load()) raise_priority();
  if (rest) return rest_for_events();
  const bool patient = busy_ || !prompt_.load();
  const bool only_urgent = patient && socket_->patient_descriptor() >= 0 && grip_on_ == GripOn::kNothing;
  waiting_ = !only_urgent || !busy_;
  const int64_t begin_ns = steady_clock_ns();
  if (only_urgent && busy_) {
    socket_->wait_urgent();
  } else {
    pollfd files[] = {
        {.fd = socket_->descriptor(), .events = POLLIN, .revents = 0},
        {.fd = wake_.number(), .events = POLLIN, .revents = 0},
        {.fd = only_urgent ? -1 : socket_->patient_descriptor(), .events = POLLIN, .revents = 0}};
    poll(files, 3, options_.tick_ms);
    if (files[1].revents != 0) take_wish();
  }
  const int64_t end_ns = steady_clock_ns();
  if (end_ns - begin_ns > kPause.tv_nsec) paused_ns_ = end_ns;
  waiting_ = false;
}

// Until much is there, or something that has to be looked at.
void Receiver::rest_for_events() {
  waiting_ = true;
  const int64_t begin_ns = steady_clock_ns();
  // A record is there a moment before its event: whoever is woken by it may have found nothing yet.
  const bool soon = begin_ns - told_->newest_ns() < kSoonNs;
  pollfd files[] = {{.fd = told_->descriptor(), .events = POLLIN, .revents = 0},
                    {.fd = wake_.number(), .events = POLLIN, .revents = 0}};
  poll(files, 2, soon ? 1 : rest_ms());
  if (files[1].revents != 0) take_wish();
  const int64_t now_ns = steady_clock_ns();
  if (now_ns - begin_ns > kPause.tv_nsec) paused_ns_ = now_ns;
  const auto events = static_cast<int64_t>(counters_.events - events_before_rest_);
  per_event_ns_ = (now_ns - rested_ns_) / std::max<int64_t>(events, 1);
  rested_ns_ = now_ns;
  events_before_rest_ = counters_.events;
  waiting_ = false;
}

// What read_now() asked for is done behind it.
void Receiver::take_wish() {
  uint64_t times = 0;
  if (read(wake_.number(), &times, sizeof times) < 0) return;
}

bool Receiver::rests() const {
  return told_ && untold_.load() < kUntoldInARow && has_patient_ && !prompt_.load() &&
         grip_on_ == GripOn::kNothing;
}

int Receiver::rest_ms() const {
  const int64_t rest_ms = std::min<int64_t>(per_event_ns_, 1'000'000'000) * kRestEvents / 1'000'000;
  return static_cast<int>(std::clamp<int64_t>(rest_ms, kMinRestMs, options_.tick_ms));
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
  // Behind the events, so that all of theirs are there.
  if (told_) told_->collect();
  all_arrived_ = !more;
  for (size_t i = first; i < backlog_.size(); ++i) {
    note_arrived(backlog_[i]);
  }
  counters_.events += backlog_.size() - first;
  if (backlog_.size() - next_ > counters_.longest_backlog)
    counters_.longest_backlog = backlog_.size() - next_;
  return backlog_.size() != first;
}

void Receiver::note_arrived(const ProcEvent& event) {
  if (begins_program(event)) ++programs_[event.pid];
  if (ends_leader(event)) ++ends_[event.pid];
}

void Receiver::note_handled(const ProcEvent& event) {
  if (begins_program(event)) count_down(programs_, event.pid);
  if (ends_leader(event)) count_down(ends_, event.pid);
}

void Receiver::handle(const ProcEvent& event) {
  if (is_own_beat(event)) heartbeat_.hear(event.monotonic_ns);
  if (event.what == ProcWhat::kBeat) return;
  if (told_ && ends_leader(event)) told_->forget(event.pid, event.monotonic_ns);
  const auto passed = thread_ends_.pass(event);
  if (!passed) return;
  Observation observation;
  observation.event = *passed;
  if (passed->what == ProcWhat::kFork) ++counters_.forks;
  if (passed->what == ProcWhat::kExec) {
    read_exec(*passed, observation);
  } else if (grip_on_.load(std::memory_order_relaxed) == GripOn::kAll && acts(passed->what)) {
    open_grip(actor_of(*passed));
    drain();
    push_grip(*passed, nullptr);
  }
  push(observation);
}

// A thread of ours was started and, where events come by two descriptors, has ended: proof of both.
bool Receiver::is_own_beat(const ProcEvent& event) {
  if (event.pid != self_ || event.thread == self_) return false;
  const bool by_two = socket_->patient_descriptor() >= 0;
  if (event.what == ProcWhat::kFork) {
    beat_thread_ = event.thread;
    return !by_two;
  }
  return by_two && event.what == ProcWhat::kBeat && event.thread == beat_thread_;
}

void Receiver::read_exec(const ProcEvent& event, Observation& observation) {
  ++counters_.execs;
  const bool grips = grip_on_.load(std::memory_order_relaxed) != GripOn::kNothing;
  // First, so that what is read is of the process that it holds.
  if (grips) open_grip(event.pid);
  observation.image = take_image();
  if (!observation.image) {
    ++counters_.images_skipped;
    if (told_) told_->forget(event.pid, event.monotonic_ns);
    if (grips) push_grip(event, nullptr);
    return;
  }
  const bool told = told_ && told_->take(event.pid, event.monotonic_ns, *observation.image);
  note_told(event, told);
  if (!told) read_image_(event.pid, *observation.image);
  image_bytes_.fetch_add(held_bytes(*observation.image));
  const int64_t now_ns = steady_clock_ns();
  if (told) {
    ++counters_.images_told;
  } else {
    observation.lag_ns = now_ns - event.monotonic_ns;
  }
  if (!observation.image->cmdline.empty()) ++counters_.images_read;
  if (!told || grips) drain();
  observation.superseded = !told && is_superseded(event.pid);
  if (observation.superseded) ++counters_.superseded;
  if (grips) push_grip(event, observation.image.get());
  pause_at_times(now_ns);
}

// Where records are dropped, for want of room, the kernel is not silent, nor was it asked before this was made.
void Receiver::note_told(const ProcEvent& event, bool told) {
  if (!told_ || event.monotonic_ns < made_ns_) return;
  const uint64_t dropped = told_->dropped();
  if (told || dropped != std::exchange(untold_dropped_, dropped)) {
    untold_ = 0;
  } else if (untold_.load() < kUntoldInARow && ++untold_ == kUntoldInARow) {
    ++counters_.silences;
  }
}

void Receiver::open_grip(uint32_t pid) {
  grip_.process.reset();
  grip_.refused = grips_.size() + grips_held_ >= max_grips_;
  if (!grip_.refused) {
    grip_.process.reset(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    grip_.refused = !grip_.process && (errno == EMFILE || errno == ENFILE || errno == ENOMEM);
  }
  if (grip_.refused) ++counters_.grips_refused;
  if (grip_.process) ++counters_.grips;
}

// Behind drain(): where all had come, and no end of the process, it had not ended when the hold was taken.
void Receiver::push_grip(const ProcEvent& event, const ExecImage* image) {
  grip_.pid = actor_of(event);
  grip_.monotonic_ns = event.monotonic_ns;
  grip_.exec = event.what == ProcWhat::kExec;
  grip_.doubtful = !all_arrived_ || is_superseded(grip_.pid) || ends_.contains(grip_.pid) ||
                   event.monotonic_ns <= lossy_until_ns_ || socket_->lost() != told_lost_;
  grip_.program.reset();
  if (const auto stat = image != nullptr ? image->parsed_stat() : std::nullopt) {
    grip_.program = ProgramIdentity{
        .start_ticks = stat->start_ticks, .start_stack = stat->start_stack, .arg_start = stat->arg_start};
  }
  grip_.file = image != nullptr ? image->file : std::nullopt;
  if (!grips_.push(grip_)) ++counters_.grips_lost;
  // What was in the slot: a hold that was taken already, or none.
  grip_.process.reset();
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
  counters_.forged = socket_->forged();
  if (told_) counters_.told_dropped = told_->dropped();
  const uint64_t lost = socket_->lost();
  const uint64_t queue_lost = counters_.queue_lost.load();
  if (lost > told_lost_) {
    push_loss({.reason = Loss::Reason::kOverrun,
               .start_ns = losses_checked_ns_,
               .end_ns = now_ns,
               .count = lost - told_lost_});
    told_lost_ = lost;
    lossy_until_ns_ = now_ns;
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
// while it lasts. A beat that was on its way when the first piece was told is older than its end.
void Receiver::follow_heartbeat(int64_t now_ns) {
  if (!heartbeat_.blind()) {
    if (blind_since_ns_ == 0) return;
    push_loss({.reason = Loss::Reason::kBlind,
               .start_ns = blind_since_ns_,
               .end_ns = std::max(blind_since_ns_, heartbeat_.heard_ns()),
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
