// What rules would have hit, and ended, had they been armed in recorded days: hits in order of time, played
// against the list of protected programs and the budget of responses. A process that was ended does nothing
// more, and what it started afterwards was never there.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/hit.h"
#include "src/respond/budget.h"
#include "src/respond/protection.h"

namespace detectd {

class Process;

// What would have come of a hit.
enum class HuntOutcome : uint8_t {
  kHit,         // the rule only alerts
  kEnded,       // killed, stopped or denied
  kGone,        // ended by an earlier response, or started by what was
  kProtected,   // refused
  kOverBudget,  // refused
  kNoProcess,   // the event does not say which process it is
};
inline constexpr size_t kHuntOutcomes = static_cast<size_t>(HuntOutcome::kNoProcess) + 1;

struct HuntCount {
  uint64_t hits = 0;
  uint64_t ended = 0;
};

// Hits by a text that an event chooses: no more than kMaxNames different ones, the others together.
class HuntCounts {
 public:
  static constexpr size_t kMaxNames = 10'000;
  using Row = std::pair<std::string, HuntCount>;

  void add(std::string_view name, HuntOutcome outcome);
  // Most hits first, then by name; `most` of them.
  std::vector<Row> top(size_t most) const;
  std::vector<Row> by_name() const;
  size_t size() const { return counts_.size(); }
  const HuntCount& others() const { return others_; }

 private:
  std::map<std::string, HuntCount, std::less<>> counts_;
  HuntCount others_;
};

// Of one rule.
struct HuntedRule {
  std::shared_ptr<const Rule> rule;
  ResponseAction action = ResponseAction::kAlert;
  std::array<uint64_t, kHuntOutcomes> outcomes{};
  int64_t first_ns = 0, last_ns = 0;  // of its hits
  uint64_t descendants = 0;           // kill_tree: running ones that would have ended besides
  HuntCounts days, users, programs, parents, commands;
  HuntCounts refusals;  // why, and what was to be ended

  uint64_t hits() const;
  uint64_t count(HuntOutcome outcome) const { return outcomes[static_cast<size_t>(outcome)]; }
};

class HuntTally {
 public:
  struct Options {
    ProtectedList protect;
    Budget::Options budget;
  };
  // `action` is what the rule is judged by, whatever stands in it.
  struct Wanted {
    std::shared_ptr<const Rule> rule;
    ResponseAction action = ResponseAction::kAlert;
  };

  HuntTally(Options options, const std::vector<Wanted>& rules);

  // In the order of the stream. True where a whole tree was ended: then show_running() is to be told of the processes
  // that run.
  bool take(const Hit& hit);
  // After take(), a process that runs, as Engine::visit_running tells it; parents before their children.
  void show_running(const Event& process);

  const std::vector<HuntedRule>& rules() const { return rules_; }

 private:
  struct End {
    int64_t time_ns = 0;
    bool tree = false;
  };
  HuntOutcome respond(const Hit& hit, HuntedRule& rule);
  HuntOutcome deny(const Hit& hit, HuntedRule& rule);
  bool is_gone(const Process& process) const;
  HuntOutcome refuse(HuntedRule& rule, HuntOutcome outcome, std::string_view why, std::string_view what);

  Protection protection_;
  Budget budget_;
  std::vector<HuntedRule> rules_;
  std::map<std::string, size_t, std::less<>> by_id_;
  std::map<std::string, End, std::less<>> ended_;  // by entity id
  // deny: files of a rule that are refused already; refusing one again costs nothing.
  std::set<std::pair<std::string, std::string>> denied_;
  // The tree that the last hit ended: who is known to be of it, and whose rule it was.
  std::set<std::string, std::less<>> tree_;
  HuntedRule* tree_rule_ = nullptr;
};

}  // namespace detectd
