#include "src/detectd/exec_denial.h"

#include <fcntl.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine/timestamp.h"
#include "src/clock.h"
#include "src/enrich/file_identity.h"
#include "src/live/protection_host.h"
#include "src/log.h"
#include "src/respond/rate.h"
#include "src/stop.h"

namespace detectd {
namespace {

constexpr int64_t kGuardAgainNs = 5 * kNanosPerSecond;

bool same_guard(const ExecGuard::Options& a, const ExecGuard::Options& b) {
  return a.paths == b.paths && a.permission == b.permission && a.deadline_ns == b.deadline_ns &&
         std::equal(a.spared.begin(), a.spared.end(), b.spared.begin(), b.spared.end(),
                    [](const FileIdentity& x, const FileIdentity& y) { return x.same_file(y); });
}

ExecJudge::Options judge_options(const Config& config, bool armed) {
  return {.armed = armed,
          .protect = {.executables = config.texts("response.protect_executables"),
                      .units = config.texts("response.protect_units")},
          .budget = {.per_rule = *parse_rate(config.text("response.per_rule")),
                     .total = *parse_rate(config.text("response.total"))}};
}

}  // namespace

ExecGuard::Options guard_options(const Config& config, const RuleSet& rules, bool armed) {
  ExecGuard::Options options{.paths = config.texts("response.deny_paths"),
                             .permission = armed && ExecJudge::has_deny(rules),
                             .deadline_ns = config.duration_ns("response.deny_deadline"),
                             .spared = {}};
  std::vector<std::string> spared = config.texts("response.protect_executables");
  spared.emplace_back("/proc/self/exe");
  for (const std::string& path : spared) {
    if (const auto file = identify_file(AT_FDCWD, path.c_str(), FollowLink::kYes))
      options.spared.push_back(*file);
  }
  return options;
}

void ExecDenial::stop() {
  collector_.check_execs(nullptr, nullptr, {});
  guarded_.reset();
  judge_.reset();
}

void ExecDenial::follow(const Config& config, std::shared_ptr<const RuleSet> rules, bool armed) {
  wanted_ = ExecJudge::has_rules(*rules);
  if (!wanted_) return stop();
  const ExecGuard::Options wanted = guard_options(config, *rules, armed);
  if (guarded_ && same_guard(*guarded_, wanted) && collector_.exec_checks()->watching()) {
    return judge_->reload(std::move(rules), judge_options(config, armed));
  }
  stop();
  tried_ns_ = steady_clock_ns();
  auto guard = ExecGuard::start(wanted);
  if (!guard) {
    if (!std::exchange(failed_, true))
      log::error("execs are not judged before they happen: " + guard.error().message +
                 "; tried again now and then");
    return;
  }
  failed_ = false;
  judge_ =
      std::make_shared<ExecJudge>(std::move(rules), judge_options(config, armed), protection_host(procfs_));
  guarded_ = wanted;
  collector_.check_execs(*std::move(guard), judge_, [](const std::string& why) {
    log::error("execs are no longer judged before they happen: " + why + "; another one is tried");
  });
  log::note(wanted.permission
                ? "execs wait for a verdict, " + std::to_string(wanted.deadline_ns / 1'000'000) +
                      " ms at most: rules can deny them"
                : "execs are told of before they happen; none is denied");
}

bool ExecDenial::needs_another(int64_t now_ns) {
  if (!wanted_ || stop_requested()) return false;
  if (guarded_) {
    collector_.exec_checks()->look_after_guard(now_ns);
    if (collector_.exec_checks()->watching()) return false;
  }
  if (now_ns - tried_ns_ < kGuardAgainNs) return false;
  tried_ns_ = now_ns;
  return true;
}

}  // namespace detectd
