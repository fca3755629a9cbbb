// Whether an exec that waits is refused: by the rules with `action = "deny"`, what is protected, and the budget.
// It judges an event by itself, without the lineage that the engine knows: whoever made the event has put parent and
// ancestors into it as /proc shows them. What else a rule asks of them is unknown, and denies nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/matcher.h"
#include "engine/rule_set.h"
#include "src/respond/budget.h"
#include "src/respond/protection.h"

namespace detectd {

// What becomes of an exec that a rule would deny; an event carries it as `event.reason`. kDenied once the kernel was
// told, kTooLate where the exec had gone on by then.
enum class ExecVerdict : uint8_t {
  kNoRule,
  kDenied,
  kDryRun,
  kProtected,
  kIncomplete,
  kOverBudget,
  kTooLate
};
// `denied`, `refused: dry-run`, `refused: deadline`; empty for kNoRule.
std::string_view to_string(ExecVerdict verdict);

class ExecJudge {
 public:
  struct Options {
    bool armed = false;  // else rehearsed
    ProtectedList protect = {};
    Budget::Options budget = {};
  };

  // `host` is asked by the thread that judges.
  ExecJudge(std::shared_ptr<const RuleSet> rules, Options options, Protection::Host host = {});
  ~ExecJudge();

  // Other rules and another mode from now on; what was refused so far counts on. Any thread.
  void reload(std::shared_ptr<const RuleSet> rules, Options options);

  // Of several rules the first that denies decides. `event` is an exec_check. One thread. `now_ns` only goes forward.
  ExecVerdict judge(const Event& event, int64_t now_ns);

  // Whether a rule asks for ancestors. Any thread.
  bool wants_ancestors();
  // By which it judges. Any thread.
  std::shared_ptr<const RuleSet> rules();

  // Whether a rule may want to deny something, and whether one looks at execs that have not happened at all.
  static bool has_deny(const RuleSet& rules);
  static bool has_rules(const RuleSet& rules);

 private:
  struct Judging;

  ExecVerdict judge(uint32_t rule, const Event& event, int64_t now_ns);
  bool is_granted(const Rule& rule, const Event& event, int64_t now_ns);
  void prepare();

  std::mutex mutex_;
  std::shared_ptr<const RuleSet> rules_;
  Options options_;
  bool reloaded_ = true;

  Protection protection_;
  Budget budget_;
  // Rule and file: refusing one again spends nothing, or trying often enough would be a way in.
  std::set<std::pair<std::string, std::string>> denied_;
  std::unique_ptr<Judging> judging_;
};

}  // namespace detectd
