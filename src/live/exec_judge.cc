#include "src/live/exec_judge.h"

#include <algorithm>

#include "engine/process.h"

namespace detectd {
namespace {

constexpr size_t kMaxDenied = 4096;
// Its process table keeps nothing that is asked for again.
constexpr size_t kProcesses = 256;

// Rules of ours tell of execs that somebody else's rules had checked.
constexpr std::string_view kBuiltIn = "detectd.";

bool denies(const Rule& rule) { return rule.response && rule.response->action == ResponseAction::kDeny; }

bool is_missing(const Event& event, FieldId field) {
  const std::string_view name = table_info(field).name;
  for (size_t i = 0; i < event.count(field::kMissing); ++i) {
    if (event.find_carried(field::kMissing, i).text == name) return true;
  }
  return false;
}

}  // namespace

std::string_view to_string(ExecVerdict verdict) {
  constexpr std::string_view kNames[] = {"",
                                         "denied",
                                         "refused: dry-run",
                                         "refused: protected",
                                         "refused: incomplete",
                                         "refused: budget",
                                         "refused: deadline"};
  return kNames[static_cast<size_t>(verdict)];
}

// Made anew for each rule set.
struct ExecJudge::Judging {
  explicit Judging(std::shared_ptr<const RuleSet> set)
      : rules(set),
        engine(std::move(set), {.max_processes = kProcesses}),
        matcher(*rules),
        texts(rules->schema()) {}

  std::shared_ptr<const RuleSet> rules;
  Engine engine;
  Matcher matcher;
  TextCache texts;
  Event event;
  std::vector<Event> ready;
  std::vector<uint32_t> held;
};

ExecJudge::ExecJudge(std::shared_ptr<const RuleSet> rules, Options options)
    : rules_(std::move(rules)), options_(std::move(options)), budget_(options_.budget) {}

ExecJudge::~ExecJudge() = default;

void ExecJudge::reload(std::shared_ptr<const RuleSet> rules, Options options) {
  const std::lock_guard lock(mutex_);
  rules_ = std::move(rules);
  options_ = std::move(options);
  reloaded_ = true;
}

void ExecJudge::prepare() {
  if (!std::exchange(reloaded_, false)) return;
  judging_ = std::make_unique<Judging>(rules_);
}

ExecVerdict ExecJudge::judge(const Event& event, int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  prepare();
  Judging& with = *judging_;
  with.event = event;
  with.ready.clear();
  with.held.clear();
  with.engine.observe(with.event, with.ready);
  ExecVerdict verdict = ExecVerdict::kNoRule;
  for (const Event& ready : with.ready) {
    with.engine.match(ready, with.matcher, with.held);
    for (const uint32_t rule : with.held) {
      if (!denies(*with.rules->rules()[rule].rule)) continue;
      const ExecVerdict next = judge(rule, ready, now_ns);
      if (next == ExecVerdict::kDenied) return next;
      verdict = next;
    }
  }
  return verdict;
}

ExecVerdict ExecJudge::judge(uint32_t rule, const Event& event, int64_t now_ns) {
  const CompiledRule& compiled = judging_->rules->rules()[rule];
  if (rests_on_missing(compiled, event)) return ExecVerdict::kIncomplete;
  const FieldView pid = event.find(process_field(Leaf::kPid));
  const std::string_view why =
      why_protected({.pid = pid.type == Type::kInteger ? static_cast<uint32_t>(pid.number) : 0,
                     .executable = event.find(process_field(Leaf::kExecutable)).text,
                     .unit = event.find(process_field(Leaf::kUnit)).text},
                    options_.protect);
  if (!why.empty()) return ExecVerdict::kProtected;
  if (!options_.armed) return ExecVerdict::kDryRun;
  return is_granted(*compiled.rule, event, now_ns) ? ExecVerdict::kDenied : ExecVerdict::kOverBudget;
}

// Whether a field that could not be had, or is not to be relied on, was asked for on the way to the answer.
bool ExecJudge::rests_on_missing(const CompiledRule& rule, const Event& event) {
  if (event.count(field::kMissing) == 0) return false;
  const RuleSet& rules = *judging_->rules;
  TextCache& texts = judging_->texts;
  texts.begin(event);
  uint32_t at = rule.entry;
  while (at < kReject) {
    const Instruction& instruction = rules.program()[at];
    const Term& term = rules.terms()[instruction.term];
    for (const auto& item : term.items) {
      if (!item->field() || is_missing(event, *item->field())) return true;
    }
    // Which of several ancestors it was makes no difference here: their lists are had together, or not at all.
    const bool holds = std::all_of(term.items.begin(), term.items.end(),
                                   [&](const auto& item) { return item->holds(event, texts); });
    at = holds ? instruction.if_holds : instruction.otherwise;
  }
  return false;
}

bool ExecJudge::is_granted(const Rule& rule, const Event& event, int64_t now_ns) {
  const auto text = [&event](Leaf leaf) { return std::string(event.find(process_field(leaf)).text); };
  auto key = std::pair(rule.id, text(Leaf::kDevice) + "/" + text(Leaf::kInode));
  if (denied_.contains(key)) return true;
  if (budget_.take(rule.id, now_ns) != Budget::Answer::kGranted) return false;
  if (denied_.size() == kMaxDenied) denied_.clear();
  denied_.insert(std::move(key));
  return true;
}

bool ExecJudge::wants_ancestors() {
  const std::lock_guard lock(mutex_);
  const Schema& schema = rules_->schema();
  return schema.wanted(field::kAncestorsExecutable) || schema.wanted(field::kAncestorsName);
}

bool ExecJudge::has_rules(const RuleSet& rules) {
  const auto& indices = rules.for_kind(EventKind::kExecCheck).rules;
  return std::any_of(indices.begin(), indices.end(), [&rules](uint32_t rule) {
    return !rules.rules()[rule].rule->name.starts_with(kBuiltIn);
  });
}

bool ExecJudge::has_deny(const RuleSet& rules) {
  const auto& indices = rules.for_kind(EventKind::kExecCheck).rules;
  return std::any_of(indices.begin(), indices.end(),
                     [&rules](uint32_t rule) { return denies(*rules.rules()[rule].rule); });
}

}  // namespace detectd
