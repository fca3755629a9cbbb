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
      : rules(set), engine(std::move(set), {.max_processes = kProcesses}), matcher(*rules) {
    for (uint16_t number = 0; number < kFieldCount; ++number) {
      const FieldId id{number};
      const Subject subject = place_of(id).subject;
      const bool of_lineage =
          subject == Subject::kParent || subject == Subject::kAncestors || subject == Subject::kPrevious;
      if (of_lineage && rules->schema().wanted(id)) lineage_fields.push_back(id);
    }
  }
  void withhold_unknown();

  std::shared_ptr<const RuleSet> rules;
  Engine engine;
  Matcher matcher;
  std::vector<FieldId> lineage_fields;  // that rules ask for
  Event event;
  std::vector<Event> ready;
  std::vector<uint32_t> held;
};

// What a lineage would tell and the event does not is unknown here, and not absent: a rule that asks whether it is
// absent must not deny.
void ExecJudge::Judging::withhold_unknown() {
  const FieldView parent = event.find_carried(parent_field(Leaf::kExecutable));
  if (parent.has_value() && !event.carries(parent_field(Leaf::kName))) {
    event.set_text(parent_field(Leaf::kName), std::string(last_path_part(parent.text)));
  }
  std::vector<std::string> missing;
  for (size_t i = 0; i < event.count(field::kMissing); ++i) {
    missing.emplace_back(event.find_carried(field::kMissing, i).text);
  }
  const size_t told = missing.size();
  for (const FieldId id : lineage_fields) {
    if (event.carries(id)) continue;
    event.withhold(id);
    missing.emplace_back(table_info(id).name);
  }
  if (missing.size() == told) return;
  event.begin_list(field::kMissing);
  for (const std::string& name : missing) event.append_text(field::kMissing, name);
}

ExecJudge::ExecJudge(std::shared_ptr<const RuleSet> rules, Options options, Protection::Host host)
    : rules_(std::move(rules)),
      options_(std::move(options)),
      protection_(options_.protect, std::move(host)),
      budget_(options_.budget) {}

ExecJudge::~ExecJudge() = default;

void ExecJudge::reload(std::shared_ptr<const RuleSet> rules, Options options) {
  const std::lock_guard lock(mutex_);
  rules_ = std::move(rules);
  options_ = std::move(options);
  protection_.set(options_.protect);
  budget_.set(options_.budget);
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
  with.withhold_unknown();
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
  // Whatever the fields turned out to be that could not be had: an exec must not fail for what nobody knows.
  if (!judging_->matcher.holds_surely(rule, event)) return ExecVerdict::kIncomplete;
  protection_.look_around(now_ns);
  if (protection_.covers(response_target(event))) return ExecVerdict::kProtected;
  if (!options_.armed) return ExecVerdict::kDryRun;
  return is_granted(*compiled.rule, event, now_ns) ? ExecVerdict::kDenied : ExecVerdict::kOverBudget;
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

std::shared_ptr<const RuleSet> ExecJudge::rules() {
  const std::lock_guard lock(mutex_);
  return rules_;
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
