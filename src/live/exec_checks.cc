#include "src/live/exec_checks.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "engine/escape.h"
#include "engine/fields.h"
#include "engine/timestamp.h"
#include "src/clock.h"
#include "src/enrich/event_writer.h"
#include "src/enrich/procfs_parse.h"

namespace detectd {
namespace {

constexpr int64_t kTurnNs = 100'000'000;
// As /proc shows them; each costs a few reads.
constexpr size_t kAncestors = 16;

std::string_view last_part(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

void set_list(Event& event, FieldId field, const std::vector<std::string>& texts) {
  event.begin_list(field);
  std::string clean;
  for (const std::string& text : texts) {
    replace_invalid_utf8(text, clean);
    event.append_text(field, clean);
  }
}

}  // namespace

ExecChecks::ExecChecks(const BootClock& clock, std::shared_ptr<const CaptureHost> host,
                       std::unique_ptr<ExecGuard> guard, std::shared_ptr<ExecJudge> judge, Options options)
    : clock_(clock),
      host_(std::move(host)),
      guard_(std::move(guard)),
      judge_(std::move(judge)),
      options_(std::move(options)),
      procfs_(options_.procfs),
      reader_(options_.procfs, options_.max_argv_bytes),
      coming_(options_.procfs, options_.max_argv_bytes),
      enricher_(procfs_, options_.enricher) {}

ExecChecks::~ExecChecks() {
  stop();
  // Whatever the thread waits for ends with the guard.
  guard_->kill();
  if (thread_.joinable()) thread_.join();
}

void ExecChecks::start() {
  thread_ = std::thread([this] { run(); });
}

void ExecChecks::look_after_guard(int64_t now_ns) {
  if (!ended_.load() && guard_->stalled(now_ns)) guard_->kill();
}

void ExecChecks::run() {
  pthread_setname_np(pthread_self(), "exec checks");
  // Execs wait for this thread.
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), -20);
  ExecQuestion question;
  while (!stopping_.load()) {
    const Result<bool> came = guard_->receive(question, kTurnNs);
    if (!came) {
      if (options_.gone && !stopping_.load()) options_.gone(came.error().message);
      break;
    }
    if (*came) take(question);
    if (!*came) tell_loss();
  }
  // From here on nobody answers.
  guard_->kill();
  // Whether the kernel was told nobody says any more.
  for (auto& [number, event] : unsettled_) tell(event, ExecVerdict::kTooLate);
  unsettled_.clear();
  ended_ = true;
  if (options_.wake) options_.wake();
}

void ExecChecks::take(ExecQuestion& question) {
  const GuardMessage& message = question.message;
  if (message.kind == GuardMessage::kDenied || message.kind == GuardMessage::kTooLate) return settle(message);
  if (message.kind != GuardMessage::kExec) return;
  image_.clear();
  coming_.read(message.pid, question.file.number(), image_);
  if (is_loader(message.pid)) {
    ++counters_.loaders;
    if (message.permission != 0) guard_->answer(message.number, ExecAnswer::kAllow);
    return;
  }
  fill(message.pid, question.file, message.monotonic_ns, event_);
  ExecVerdict verdict = judge_->judge(event_, steady_clock_ns());
  // Nothing waits: who is only told has no say.
  if (verdict == ExecVerdict::kDenied && message.permission == 0) verdict = ExecVerdict::kDryRun;
  ++counters_.judged;
  if (verdict == ExecVerdict::kDenied) {
    // It is told of when it is known whether it was so.
    std::swap(unsettled_[message.number], event_);
    guard_->answer(message.number, ExecAnswer::kDeny);
  } else {
    // Told of before it goes on, so that what follows from it comes after.
    tell(event_, verdict);
    if (message.permission != 0) guard_->answer(message.number, ExecAnswer::kAllow);
  }
  const int64_t took_us = (steady_clock_ns() - message.monotonic_ns) / 1000;
  if (took_us > 0 && static_cast<uint64_t>(took_us) > counters_.slowest_us.load()) {
    counters_.slowest_us = static_cast<uint64_t>(took_us);
  }
}

void ExecChecks::settle(const GuardMessage& message) {
  const auto found = unsettled_.find(message.number);
  if (found == unsettled_.end()) return;
  tell(found->second, message.kind == GuardMessage::kDenied ? ExecVerdict::kDenied : ExecVerdict::kTooLate);
  unsettled_.erase(found);
}

// The kernel opens a program's loader as if it were run, too. It is no program of its own then.
bool ExecChecks::is_loader(uint32_t pid) const {
  return image_.file && last_part(image_.executable).starts_with("ld-") &&
         !coming_.names_file(pid, *image_.file).value_or(true);
}

// What costs most is read only where a rule may hold.
void ExecChecks::foresee() {
  auto rules = judge_->rules();
  if (rules == foreseen_) return;
  foreseen_ = rules;
  enricher_.read_for(std::make_unique<Foresight>(std::move(rules), Foresight::Of::kExecChecks));
}

// image_ was read before.
void ExecChecks::fill(uint32_t pid, const Fd& file, int64_t monotonic_ns, Event& event) {
  foresee();
  reader_.read_before_exec(pid, now_);
  image_.stat = now_.stat;
  image_.working_directory = now_.working_directory;
  image_.capabilities = now_.capabilities;
  image_.owner = now_.owner;
  const int64_t boot_ns = clock_.boot_ns(monotonic_ns);
  event.clear();
  event.process.reset();
  event.target.reset();
  event.kind = EventKind::kExecCheck;
  event.has_time = true;
  event.time_ns = clock_.wall_ns(boot_ns);
  event.host = host_;
  event.set_integer(field::kBootNs, boot_ns);
  event.set_text(field::kSource, "fanotify");
  event.set_integer(process_field(Leaf::kPid), pid);
  EventWriter out;
  out.begin(event);
  out.text(field::kFilePath, image_.executable);
  if (!now_.executable.empty()) out.text(field::kPreviousExecutable, now_.executable);
  fill_ancestry(event);
  enricher_.fill_check(pid, image_, file.number(), event);
}

// As /proc shows it now, which for a process whose parent has ended is who took its place.
void ExecChecks::fill_ancestry(Event& event) {
  EventWriter out;
  out.begin(event);
  auto stat = parse_stat(now_.stat);
  std::vector<std::string> executables, names;
  const size_t wanted = judge_->wants_ancestors() ? kAncestors : 1;
  bool all_known = true;
  while (stat && stat->parent_pid != 0 && executables.size() < wanted) {
    const uint32_t pid = stat->parent_pid;
    reader_.read_program(pid, parent_);
    stat = parse_stat(parent_.stat);
    const bool of_kernel = stat && stat->is_kernel_thread();
    const bool known = of_kernel || !parent_.executable.empty();
    all_known &= known;
    if (executables.empty()) {
      event.set_integer(parent_field(Leaf::kPid), pid);
      if (!parent_.executable.empty()) out.text(parent_field(Leaf::kExecutable), parent_.executable);
      if (!known) out.missing(parent_field(Leaf::kExecutable));
    }
    executables.push_back(parent_.executable);
    names.emplace_back(parent_.executable.empty() && stat ? stat->thread_name
                                                          : last_part(parent_.executable));
  }
  if (wanted != 1) {
    if (!executables.empty()) {
      set_list(event, field::kAncestorsExecutable, executables);
      set_list(event, field::kAncestorsName, names);
    }
    // There are more, or one ended while it was looked at.
    all_known &= stat && stat->parent_pid == 0;
    if (!all_known) {
      out.missing(field::kAncestorsExecutable);
      out.missing(field::kAncestorsName);
    }
  }
  out.finish();
}

void ExecChecks::tell(Event& event, ExecVerdict verdict) {
  if (verdict == ExecVerdict::kDenied) {
    ++counters_.denied;
  } else if (verdict == ExecVerdict::kTooLate) {
    ++counters_.too_late;
  } else if (verdict != ExecVerdict::kNoRule) {
    ++counters_.refused;
  }
  if (verdict != ExecVerdict::kNoRule) event.set_text(field::kReason, to_string(verdict));
  if (!tell_loss() || !push(event)) ++counters_.not_told;
}

// An exec must not wait because what was told before was not yet read. False: there was no room.
bool ExecChecks::push(Event& event) {
  telling_ = true;
  // Later than when it was asked whether anything from before is on its way, so that it stays in order.
  timed_.monotonic_ns = steady_clock_ns();
  const int64_t boot_ns = clock_.boot_ns(timed_.monotonic_ns);
  event.time_ns = clock_.wall_ns(boot_ns);
  event.set_integer(field::kBootNs, boot_ns);
  std::swap(timed_.event, event);
  const bool pushed = queue_.push(timed_);
  if (options_.wake) options_.wake();
  telling_ = false;
  return pushed;
}

// Of execs that were not judged, or not told of, since this was last asked.
bool ExecChecks::tell_loss() {
  const GuardCounters& guard = guard_->counters();
  const uint64_t lost = guard.not_asked.load() + guard.overflows.load() + counters_.not_told.load();
  const int64_t now_ns = steady_clock_ns();
  if (lost != told_lost_) {
    loss_.clear();
    loss_.process.reset();
    loss_.kind = EventKind::kLost;
    loss_.has_time = true;
    loss_.host = host_;
    loss_.set_text(field::kSource, "fanotify");
    loss_.set_text(field::kReason, "queue");
    const int64_t since_ns = clock_.boot_ns(lost_since_ns_ != 0 ? lost_since_ns_ : now_ns);
    loss_.set_text(field::kEventStart, format_rfc3339(clock_.wall_ns(since_ns)));
    loss_.set_text(field::kEventEnd, format_rfc3339(clock_.wall_ns(clock_.boot_ns(now_ns))));
    loss_.set_integer(field::kLost, static_cast<int64_t>(lost - told_lost_));
    if (!push(loss_)) return false;
    told_lost_ = lost;
  }
  lost_since_ns_ = now_ns;
  return true;
}

}  // namespace detectd
