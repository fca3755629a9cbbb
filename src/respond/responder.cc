#include "src/respond/responder.h"

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "engine/digest.h"
#include "engine/response_outcome.h"
#include "engine/timestamp.h"

namespace detectd {
namespace {

constexpr std::string_view kLevel = "reactive";
constexpr size_t kMaxDoomed = 16'384;
constexpr size_t kMaxHealth = 64;
constexpr int64_t kBirthSlackNs = 50'000'000;
constexpr unsigned kMaxChain = 64;

bool in_tree_of(const Process& process, const ProcessKey& root) {
  const Process* at = process.parent.get();
  for (unsigned i = 0; at != nullptr && i < kMaxChain; ++i, at = at->parent.get()) {
    if (at->key == root) return true;
  }
  return false;
}

}  // namespace

Responder::Responder(Edges edges, Settings settings, std::shared_ptr<const RuleSet> rules, size_t max_grips)
    : edges_(std::move(edges)),
      settings_(std::move(settings)),
      protection_(settings_.protection, host()),
      budget_(settings_.budget),
      grips_(max_grips) {
  reload(std::move(rules), max_grips);
}

Responder::~Responder() = default;

Protection::Host Responder::host() {
  return {.file = [this](const std::string& path) { return edges_.view.file(path); },
          .parent =
              [this](uint32_t pid) {
                const auto facts = edges_.view.read(pid);
                return facts ? facts->parent_pid : 0;
              },
          .other_users = [this](uint32_t pid) { return edges_.view.has_other_users(pid); },
          .self = edges_.self};
}

void Responder::set(Settings settings) {
  settings_ = std::move(settings);
  protection_.set(settings_.protection);
  budget_.set(settings_.budget);
}

void Responder::reload(std::shared_ptr<const RuleSet> rules, size_t max_grips) {
  grips_.set_capacity(max_grips);
  matcher_.reset();
  rules_ = std::move(rules);
  matcher_ = std::make_unique<Matcher>(*rules_);
  rule_numbers_.clear();
  for (uint32_t i = 0; i < rules_->rules().size(); ++i)
    rule_numbers_.emplace(rules_->rules()[i].rule.get(), i);
  const auto asks = [](const auto& rule) { return reacts(rule.rule->response); };
  responds_ = std::ranges::any_of(rules_->rules(), asks) || std::ranges::any_of(rules_->correlations(), asks);
  if (responds_) protection_.look_around();
}

void Responder::tell(const std::string& message) const {
  if (edges_.tell) edges_.tell(message);
}

bool Responder::respond(Hit& hit) {
  ++counters_.asked;
  if (edges_.take_grips) edges_.take_grips(grips_);
  Target target;
  std::optional<std::string> stopped = find_target(hit, target);
  if (!stopped) stopped = refuse(hit, target);
  if (!stopped) return carry_out(hit, std::move(target));
  if (stopped->starts_with("refused")) ++counters_.refused;
  hit.response_outcome = to_string({.what = *stopped, .level = kLevel});
  return false;
}

std::optional<std::string> Responder::find_target(const Hit& hit, Target& target) {
  const auto event = event_of_target(hit);
  if (!event || !is_sure(hit, *event)) return "refused: incomplete";
  const auto aim = aim_at(*event, hit.rule->response->target == "parent");
  if (!aim) return "refused: incomplete";
  target.aim = *aim;
  Evidence evidence{.held = aim->held ? grips_.find(aim->pid, aim->moment_boot_ns) : nullptr};
  target.process = open(*aim, evidence.held);
  if (!target.process) return errno == ESRCH ? "gone" : "refused: identity";
  if (!aim->held) evidence.is_proven = is_still_parent(*event, aim->pid);
  const auto facts = edges_.view.read(aim->pid);
  // Asked behind the reading: while this process lives nobody else has its pid.
  if (edges_.signals.ended(target.process.number()) || (facts && facts->ending)) return "gone";
  if (!facts) return "refused: identity";
  target.facts = *facts;
  evidence.has_later_exec = aim->held && grips_.has_later_exec(aim->pid, aim->moment_boot_ns);
  if (const auto wrong = mismatch(*aim, *facts, evidence)) return std::string(*wrong);
  return std::nullopt;
}

// As it was held when it was heard of; errno is ESRCH where there was nobody any more.
Fd Responder::open(const Aim& aim, const HeldProcess* held) {
  if (held == nullptr || held->refused) return edges_.signals.open(aim.pid);
  if (held->process) return Fd(fcntl(held->process.number(), F_DUPFD_CLOEXEC, 3));
  errno = ESRCH;
  return Fd();
}

// Whether the event's own process still has a parent with that pid: since its fork no other can have got it, for who
// loses the parent gets another. Asked behind the opening of the parent's pidfd.
bool Responder::is_still_parent(const Event& event, uint32_t parent_pid) {
  const auto child = aim_at(event, false);
  if (!child) return false;
  const Evidence evidence{.held = grips_.find(child->pid, child->moment_boot_ns)};
  const Fd process = open(*child, evidence.held);
  const auto facts = process ? edges_.view.read(child->pid) : std::nullopt;
  if (!facts || edges_.signals.ended(process.number()) || facts->parent_pid != parent_pid) return false;
  const auto wrong = mismatch(*child, *facts, evidence);
  return !wrong || *wrong == "superseded";
}

bool Responder::is_sure(const Hit& hit, const Event& event) {
  const auto rule = rule_of_target(hit);
  const auto number = rule ? rule_numbers_.find(rule.get()) : rule_numbers_.end();
  return number != rule_numbers_.end() && matcher_->holds_surely(number->second, event);
}

std::optional<std::string> Responder::refuse(const Hit& hit, const Target& target) {
  const int64_t now_ns = edges_.boot_clock_ns();
  if (protection_.covers(response_target(target.aim.pid, target.facts))) return "refused: protected";
  const Budget::Answer answer =
      open_.size() < kMaxOpen ? budget_.take(hit.rule->id, now_ns) : Budget::Answer::kAllSpent;
  if (answer != Budget::Answer::kGranted) {
    tell_spent(hit, answer);
    return "refused: budget";
  }
  spent_.erase(hit.rule->id);
  spent_.erase("");
  return std::nullopt;
}

// Told once, until something was granted again.
void Responder::tell_spent(const Hit& hit, Budget::Answer answer) {
  const bool of_rule = answer == Budget::Answer::kRuleSpent;
  if (!spent_.emplace(of_rule ? hit.rule->id : std::string(), true).second) return;
  tell_health("detectd.response_budget", *hit.event, of_rule ? "response_budget_of_rule" : "response_budget",
              hit.id, static_cast<int64_t>(counters_.asked));
}

bool Responder::carry_out(Hit& hit, Target target) {
  const bool enforce = settings_.enforce && edges_.log;
  if (edges_.log) {
    const Status written = edges_.log->intend({.hit = to_string(hit.id),
                                               .hit_time_ns = hit.event->time_ns,
                                               .enforced = enforce,
                                               .action = std::string(to_string(hit.rule->response->action)),
                                               .rule_id = hit.rule->id,
                                               .pid = target.aim.pid,
                                               .start_ticks = target.facts.start_ticks,
                                               .executable = target.facts.executable},
                                              edges_.wall_clock_ns());
    if (!written) {
      tell(written.error().message + ": no signal is sent that is not written down before");
      hit.response_outcome = to_string({.what = "refused: log", .level = kLevel});
      ++counters_.refused;
      return false;
    }
  }
  Open open{.hit = hit, .pid = target.aim.pid};
  open.stops = hit.rule->response->action == ResponseAction::kStop;
  open.is_tree = hit.rule->response->action == ResponseAction::kKillTree;
  if (!enforce) {
    conclude(open, "refused: dry-run");
    hit.response_outcome = open.hit.response_outcome;
    ++counters_.refused;
    return false;
  }

  open.sent_boot_ns = edges_.boot_clock_ns();
  open.after_us = std::max<int64_t>(0, open.sent_boot_ns - target.aim.moment_boot_ns) / 1000;
  int error = 0;
  if (open.is_tree) {
    end_tree(open, std::move(target));
  } else {
    error = edges_.signals.send(target.process.number(), open.stops ? SIGSTOP : SIGKILL);
    open.processes.push_back(std::move(target.process));
  }
  if (error != 0) {
    conclude(open, error == ESRCH ? "gone" : "refused: permission");
    if (error != ESRCH) ++counters_.refused;
    hit.response_outcome = open.hit.response_outcome;
    return false;
  }
  ++counters_.signalled;
  hit.response_outcome = to_string({.what = "signalled", .level = kLevel, .after_us = open.after_us});
  open_.emplace(++opened_, std::move(open));
  return true;
}

bool Responder::end_tree(Open& open, Target target) {
  const std::string id = to_string(open.hit.id);
  const uint64_t number = opened_ + 1;  // that it gets
  ProcessTreeHold tree(
      {.view = edges_.view,
       .signals = edges_.signals,
       .protection = protection_,
       .note = [&](uint32_t pid, uint64_t start_ticks) { note_member(id, pid, start_ticks); }});
  const auto known = known_descendants(target.aim);
  const ProcessFacts facts = target.facts;
  open.incomplete_tree = !tree.hold(
      {.pid = target.aim.pid, .start_ticks = target.facts.start_ticks, .process = std::move(target.process)},
      facts, known);
  tree.end_all();
  for (auto& [pid, member] : tree.take_members()) {
    doom(pid, member.start_ticks, number);
    open.processes.push_back(std::move(member.process));
  }
  open.signalled_boot_ns = edges_.boot_clock_ns();
  return !open.incomplete_tree;
}

// A full disk does not save them: that their tree is to be ended has been written.
void Responder::note_member(const std::string& hit, uint32_t pid, uint64_t start_ticks) {
  const Status written = edges_.log->add_member(hit, pid, start_ticks, edges_.wall_clock_ns());
  if (!written) tell(written.error().message);
}

// Also those whose parents have ended: forks told whose children they are.
std::vector<ProcessTreeHold::Known> Responder::known_descendants(const Aim& aim) const {
  std::vector<ProcessTreeHold::Known> known;
  if (!edges_.running) return known;
  const auto running = edges_.running();
  const auto root = std::find_if(running.begin(), running.end(),
                                 [&](const auto& process) { return process->key.pid == aim.pid; });
  if (root == running.end()) return known;
  for (const auto& process : running) {
    if (known.size() == ProcessTreeHold::kMaxMembers) break;
    if (!process->fork_seen || !in_tree_of(*process, (*root)->key)) continue;
    const auto birth_ns =
        aim.boot_shift_ns ? std::optional(process->key.birth_ns - *aim.boot_shift_ns) : std::nullopt;
    if (birth_ns) known.push_back({.pid = process->key.pid, .birth_boot_ns = *birth_ns});
  }
  return known;
}

void Responder::doom(uint32_t pid, uint64_t start_ticks, uint64_t open) {
  if (doomed_.size() >= kMaxDoomed) return;
  doomed_.insert_or_assign(pid, Doomed{start_ticks, open, edges_.boot_clock_ns() + kChaseNs});
}

// What was forked below a tree while it was held still, or by one who was not known to belong to it.
void Responder::observe(const Event& event) {
  if (doomed_.empty()) return;
  if (const FieldView boot = event.find_carried(field::kBootNs); boot.type == Type::kInteger) {
    observed_boot_ns_ = boot.number;
  }
  const bool begins = event.kind == EventKind::kFork || event.kind == EventKind::kAlreadyRunning;
  if (!begins || !event.process || !event.process->parent) return;
  const Process& parent = *event.process->parent;
  const auto doomed = doomed_.find(parent.key.pid);
  if (doomed == doomed_.end()) return;
  const auto birth_ns = boot_ns_of(event, parent.key.birth_ns);
  const auto child_ns = boot_ns_of(event, event.process->key.birth_ns);
  const int64_t start_ns = static_cast<int64_t>(doomed->second.start_ticks) * kTickNs;
  if (!birth_ns || !child_ns || std::abs(*birth_ns - start_ns) > kBirthSlackNs) return;
  const auto child = doomed_.find(event.process->key.pid);
  if (child != doomed_.end() &&
      std::abs(*child_ns - static_cast<int64_t>(child->second.start_ticks) * kTickNs) <= kBirthSlackNs) {
    return;
  }
  const Doomed found = doomed->second;
  chase(event.process->key.pid, *child_ns, found);
}

void Responder::chase(uint32_t pid, int64_t boot_ns, const Doomed& parent) {
  const auto open = open_.find(parent.open);
  if (open == open_.end() || !settings_.enforce || !edges_.log) return;
  Fd process = edges_.signals.open(pid);
  if (!process) return;
  const auto facts = edges_.view.read(pid);
  if (!facts || edges_.signals.ended(process.number())) return;
  const int64_t start_ns = static_cast<int64_t>(facts->start_ticks) * kTickNs;
  if (std::abs(start_ns - boot_ns) > kBirthSlackNs || protection_.covers(response_target(pid, *facts)))
    return;
  const std::string id = to_string(open->second.hit.id);
  note_member(id, pid, facts->start_ticks);
  if (edges_.signals.send(process.number(), SIGKILL) != 0) return;
  ++counters_.chased;
  doom(pid, facts->start_ticks, parent.open);
  open->second.processes.push_back(std::move(process));
  open->second.signalled_boot_ns = edges_.boot_clock_ns();
}

void Responder::conclude(Open& open, std::string_view what) {
  ResponseOutcome outcome{.what = what, .level = kLevel};
  if (open.sent_boot_ns != 0 && !what.starts_with("refused")) outcome.after_us = open.after_us;
  if (open.is_tree && outcome.after_us) outcome.processes = open.processes.size();
  open.hit.response_outcome = to_string(outcome);
  if (!edges_.log) return;
  const Status written =
      edges_.log->conclude(to_string(open.hit.id), open.hit.response_outcome, edges_.wall_clock_ns());
  if (!written) tell(written.error().message);
}

void Responder::settle(News& news, bool last) {
  if (edges_.take_grips) edges_.take_grips(grips_);
  const int64_t until_ns = edges_.boot_clock_ns() + kPatienceNs;
  for (auto at = open_.begin(); last && at != open_.end(); ++at) {
    for (const Fd& process : at->second.processes) {
      if (at->second.stops) continue;
      edges_.signals.wait_ended(process.number(), std::max<int64_t>(0, until_ns - edges_.boot_clock_ns()));
    }
  }
  const int64_t now_ns = edges_.boot_clock_ns();
  // Here, where nobody waits for it.
  if (responds_) protection_.look_around(now_ns);
  for (auto at = open_.begin(); at != open_.end();) {
    at = settle(at->second, news, now_ns, last) ? open_.erase(at) : std::next(at);
  }
  std::erase_if(doomed_, [&](const auto& doomed) { return doomed.second.until_boot_ns < now_ns; });
  for (Hit& hit : health_) news.health.push_back(std::move(hit));
  health_.clear();
}

// True where nothing more will become of it.
bool Responder::settle(Open& open, News& news, int64_t now_ns, bool last) {
  const bool ended = std::all_of(open.processes.begin(), open.processes.end(), [this](const Fd& process) {
    return edges_.signals.ended(process.number());
  });
  // Forks below a tree are told a little later than they happen; its own ends among the last.
  const bool may_grow = open.is_tree && !last && observed_boot_ns_ <= open.signalled_boot_ns &&
                        now_ns - open.signalled_boot_ns < kChaseNs / 2;
  const bool is_patient = now_ns - open.sent_boot_ns < kPatienceNs && !last;
  std::string_view what;
  if (open.stops) {
    const auto facts = ended ? std::nullopt : edges_.view.read(open.pid);
    if (ended) what = "gone";
    if (facts && (facts->state == 'T' || facts->state == 't')) what = "stopped";
  } else if (ended && !may_grow) {
    what = open.incomplete_tree ? "pending" : "killed";
    counters_.ended += open.processes.size();
  }
  if (what.empty() && (is_patient || may_grow)) return false;
  const bool is_final = !what.empty();
  if (what.empty()) what = "pending";
  if (open.is_told && !is_final) return last || now_ns - open.sent_boot_ns > kWatchNs;
  conclude(open, what);
  if (what == "pending")
    tell_health("detectd.response_pending", *open.hit.event, "response_pending", open.hit.id, 0);
  (open.is_told ? news.changed : news.settled).push_back(open.hit);
  open.is_told = true;
  return is_final || last;
}

// About an event that was judged: who, and when.
void Responder::tell_health(std::string_view rule_name, const Event& about, std::string_view reason,
                            const HitId& cause, int64_t number) {
  const auto rule =
      std::find_if(rules_->rules().begin(), rules_->rules().end(),
                   [&](const CompiledRule& compiled) { return compiled.rule->name == rule_name; });
  if (rule == rules_->rules().end() || health_.size() == kMaxHealth) return;
  auto event = std::make_shared<Event>();
  event->clear();
  event->kind = EventKind::kHealth;
  event->has_time = true;
  event->time_ns = about.time_ns;
  event->host = about.host;
  event->set_text(field::kReason, reason);
  event->set(process_field(Leaf::kPid), about.find(process_field(Leaf::kPid)));
  event->set(process_field(Leaf::kExecutable), about.find(process_field(Leaf::kExecutable)));
  Sha256Hasher hasher;
  hasher.add_part(rule->rule->id);
  hasher.add(std::string_view(reinterpret_cast<const char*>(cause.data()), cause.size()));
  hasher.add_number(number);
  Hit& hit = health_.emplace_back();
  const Sha256 digest = hasher.finish();
  std::copy_n(digest.begin(), hit.id.size(), hit.id.begin());
  hit.rule = rule->rule;
  hit.event = std::move(event);
  hit.first_ns = hit.last_ns = about.time_ns;
}

void Responder::tell_unfinished(const std::vector<ResponseLog::Intent>& unfinished,
                                const std::shared_ptr<const CaptureHost>& host) {
  for (const ResponseLog::Intent& intent : unfinished) {
    Event about;
    about.clear();
    about.time_ns = intent.hit_time_ns;
    about.host = host;
    about.set_integer(process_field(Leaf::kPid), intent.pid);
    about.set_text(process_field(Leaf::kExecutable), intent.executable);
    HitId cause{};
    std::copy_n(intent.hit.begin(), std::min(intent.hit.size(), cause.size()), cause.begin());
    tell_health("detectd.response_unknown", about, "response_unknown", cause, intent.pid);
  }
}

}  // namespace detectd
