// Execs that are judged before they happen, while a daemon watches: the guard and who judges, as the rules and the
// configuration want them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "engine/rule_set.h"
#include "src/detectd/config.h"
#include "src/live/collector.h"
#include "src/live/exec_guard.h"
#include "src/live/exec_judge.h"

namespace detectd {

// What the kernel has to be asked for; `armed`: rules may deny.
ExecGuard::Options guard_options(const Config& config, const RuleSet& rules, bool armed);

class ExecDenial {
 public:
  // Both are borrowed; `procfs` is the root of a procfs.
  ExecDenial(Collector& collector, int procfs) : collector_(collector), procfs_(procfs) {}

  // Begins, changes or ends it. What can not be begun is logged.
  void follow(const Config& config, std::shared_ptr<const RuleSet> rules, bool armed);
  // Between two chunks. True where a guard is wanted, there is none, and it is time to try another one, with follow(): not all the time.
  bool needs_another(int64_t now_ns);

 private:
  void stop();

  Collector& collector_;
  int procfs_;
  bool wanted_ = false;
  bool failed_ = false;                        // the last time, which was told
  std::optional<ExecGuard::Options> guarded_;  // as the guard was started; none: there is none
  std::shared_ptr<ExecJudge> judge_;
  int64_t tried_ns_ = 0;
};

}  // namespace detectd
