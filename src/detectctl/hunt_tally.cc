#include "src/detectctl/hunt_tally.h"

#include <algorithm>
#include <numeric>

#include "engine/process.h"
#include "src/report/time_zone.h"

namespace detectd {
namespace {

// Of a command line, enough to see what it does; different ones that begin alike count as one.
constexpr size_t kCommandBytes = 200;
// Files whose refusal is remembered.
constexpr size_t kMaxDenied = 10'000;

// The process that the response is for.
const Process* target_of(const Hit& hit) {
  const std::string& target = hit.rule->response ? hit.rule->response->target : "process";
  if (target == "parent") return hit.event->process ? hit.event->process->parent.get() : nullptr;
  if (target == "process") return hit.event->process.get();
  for (const HitPart& part : hit.parts) {
    if (part.event && part.rule->name == target) return part.event->process.get();
  }
  return nullptr;
}

std::string name_of(const FieldView& executable, const FieldView& name) {
  return std::string(executable.has_value() ? executable.text : name.has_value() ? name.text : "?");
}

std::string program_of(const Event& event) {
  return name_of(event.find(process_field(Leaf::kExecutable)), event.find(process_field(Leaf::kName)));
}

std::string parent_of(const Event& event) {
  return name_of(event.find(parent_field(Leaf::kExecutable)), event.find(parent_field(Leaf::kName)));
}

std::string user_of(const Event& event) {
  const FieldView name = event.find(process_field(Leaf::kUserName));
  const FieldView id = event.find(process_field(Leaf::kUserId));
  return std::string(name.has_value() ? name.text : id.has_value() ? id.text : "?");
}

// As it is in the event; cut between two characters.
std::string command_of(const Event& event) {
  FieldView view = event.find(process_field(Leaf::kCommandLine));
  if (!view.has_value()) view = event.find(process_field(Leaf::kExecutable));
  if (!view.has_value()) return "?";
  size_t size = std::min(view.text.size(), kCommandBytes);
  const auto is_inside = [&view](size_t at) {
    return (static_cast<unsigned char>(view.text[at]) & 0xC0) == 0x80;
  };
  while (size > 0 && size < view.text.size() && is_inside(size)) --size;
  return std::string(view.text.substr(0, size)) + (size < view.text.size() ? "..." : "");
}

}  // namespace

void HuntCounts::add(std::string_view name, HuntOutcome outcome) {
  auto found = counts_.find(name);
  if (found == counts_.end() && counts_.size() < kMaxNames) {
    found = counts_.emplace(name, HuntCount()).first;
  }
  HuntCount& count = found == counts_.end() ? others_ : found->second;
  ++count.hits;
  if (outcome == HuntOutcome::kEnded) ++count.ended;
}

std::vector<HuntCounts::Row> HuntCounts::by_name() const { return {counts_.begin(), counts_.end()}; }

std::vector<HuntCounts::Row> HuntCounts::top(size_t most) const {
  std::vector<Row> rows = by_name();
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.second.hits > b.second.hits; });
  rows.resize(std::min(rows.size(), most));
  return rows;
}

uint64_t HuntedRule::hits() const { return std::accumulate(outcomes.begin(), outcomes.end(), uint64_t{0}); }

HuntTally::HuntTally(Options options, const std::vector<Wanted>& rules)
    : protection_(std::move(options.protect)), budget_(options.budget) {
  for (const Wanted& wanted : rules) {
    by_id_.emplace(wanted.rule->id, rules_.size());
    HuntedRule& hunted = rules_.emplace_back();
    hunted.rule = wanted.rule;
    hunted.action = wanted.action;
  }
}

bool HuntTally::take(const Hit& hit) {
  const auto found = by_id_.find(hit.rule->id);
  if (found == by_id_.end()) return false;
  HuntedRule& rule = rules_[found->second];
  const Event& event = *hit.event;
  tree_.clear();
  HuntOutcome outcome = HuntOutcome::kHit;
  if (rule.action == ResponseAction::kDeny) {
    outcome = deny(hit, rule);
  } else if (rule.action != ResponseAction::kAlert) {
    outcome = respond(hit, rule);
  }
  if (rule.hits() == 0) rule.first_ns = event.time_ns;
  rule.first_ns = std::min(rule.first_ns, event.time_ns);
  rule.last_ns = std::max(rule.last_ns, event.time_ns);
  ++rule.outcomes[static_cast<size_t>(outcome)];
  rule.days.add(format_date(event.time_ns), outcome);
  rule.users.add(user_of(event), outcome);
  rule.programs.add(program_of(event), outcome);
  rule.parents.add(parent_of(event), outcome);
  rule.commands.add(command_of(event), outcome);
  return !tree_.empty();
}

HuntOutcome HuntTally::refuse(HuntedRule& rule, HuntOutcome outcome, std::string_view why,
                              std::string_view what) {
  rule.refusals.add(std::string(why) + ": " + std::string(what), outcome);
  return outcome;
}

HuntOutcome HuntTally::respond(const Hit& hit, HuntedRule& rule) {
  const Process* const process = target_of(hit);
  if (process == nullptr) return HuntOutcome::kNoProcess;
  if (is_gone(*process)) return HuntOutcome::kGone;
  const FieldView executable = process->find(Leaf::kExecutable);
  const std::string program = name_of(executable, process->find(Leaf::kName));
  ResponseTarget target = response_target(*process);
  if (process == hit.event->process.get()) target.foreign_path = response_target(*hit.event).foreign_path;
  const std::string_view why = protection_.why(target);
  if (!why.empty()) return refuse(rule, HuntOutcome::kProtected, why, program);
  const Budget::Answer answer = budget_.take(rule.rule->id, hit.event->order_ns());
  if (answer == Budget::Answer::kRuleSpent) {
    return refuse(rule, HuntOutcome::kOverBudget, "the rule's budget", program);
  }
  if (answer == Budget::Answer::kAllSpent) {
    return refuse(rule, HuntOutcome::kOverBudget, "the budget of all rules", program);
  }
  const std::string id(process->entity_id());
  const bool tree = rule.action == ResponseAction::kKillTree;
  ended_.insert_or_assign(id, End{.time_ns = hit.event->order_ns(), .tree = tree});
  if (tree) {
    tree_.insert(id);
    tree_rule_ = &rule;
  }
  return HuntOutcome::kEnded;
}

// A refused exec ends nobody. Trying it again spends nothing, or trying often enough would be a way in.
HuntOutcome HuntTally::deny(const Hit& hit, HuntedRule& rule) {
  const std::string program = program_of(*hit.event);
  const std::string_view why = protection_.why(response_target(*hit.event));
  if (!why.empty()) return refuse(rule, HuntOutcome::kProtected, why, program);
  const auto key = std::pair(rule.rule->id, program);
  if (denied_.contains(key)) return HuntOutcome::kEnded;
  const Budget::Answer answer = budget_.take(rule.rule->id, hit.event->order_ns());
  if (answer != Budget::Answer::kGranted) {
    return refuse(rule, HuntOutcome::kOverBudget, "the budget", program);
  }
  if (denied_.size() < kMaxDenied) denied_.insert(key);
  return HuntOutcome::kEnded;
}

bool HuntTally::is_gone(const Process& process) const {
  if (ended_.empty()) return false;
  if (ended_.contains(process.entity_id())) return true;
  for (const Process* child = &process; child->parent != nullptr; child = child->parent.get()) {
    const auto end = ended_.find(child->parent->entity_id());
    if (end == ended_.end()) continue;
    // Who was there already lives on without the parent, unless all of its tree ended.
    if (end->second.tree || child->key.birth_ns > end->second.time_ns) return true;
  }
  return false;
}

void HuntTally::show_running(const Event& process) {
  if (!tree_.contains(process.find_carried(parent_field(Leaf::kEntityId)).text)) return;
  const std::string id(process.find_carried(process_field(Leaf::kEntityId)).text);
  if (id.empty() || !tree_.insert(id).second) return;
  ++tree_rule_->descendants;
}

}  // namespace detectd
