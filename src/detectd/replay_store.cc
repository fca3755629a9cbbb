#include "src/detectd/replay_store.h"

#include <utility>

#include "engine/digest.h"
#include "src/clock.h"
#include "src/store_messages.h"

namespace detectd {

Status ReplayStore::open(const RuleSet& rules, const ReplaySource& source) {
  if (!options_.path) return {};
  Result<std::unique_ptr<HitStore>> store = HitStore::open({.path = *options_.path,
                                                            .spill = {},
                                                            .redact = options_.redact,
                                                            .tell =
                                                                [this](const Error& error) {
                                                                  if (options_.progress != nullptr)
                                                                    options_.progress->hide();
                                                                  tell_store_warning(error);
                                                                },
                                                            .workers = options_.workers});
  Status status;
  if (!store) {
    status = std::move(store).error();
  } else {
    store_ = *std::move(store);
    std::vector<std::string> command = {"detectd"};
    command.insert(command.end(), options_.command.begin(), options_.command.end());
    status = store_->begin_run(
        {.start = {.command = std::move(command),
                   .version = DETECTD_VERSION,
                   .rules_digest = hex(rules.digest()),
                   .time_ns = wall_clock_ns()},
         .rules = rules,
         .name_of_file = [&source](uint32_t file) -> const std::string& { return source.path(file); }});
  }
  if (!status) tell_store_error(status.error());
  return status;
}

bool ReplayStore::close(Summary& summary, std::string_view ending) {
  if (!store_) return true;
  const Status status =
      store_->end_run({.ending = std::string(ending),
                       .complete = summary.complete(),
                       .events = summary.events,
                       .hits = summary.hits,
                       .skipped = summary.skipped,
                       .lost = summary.lost,
                       .gaps = summary.gaps,
                       .hits_digest = summary.hits_digest ? hex(*summary.hits_digest) : std::string(),
                       .time_ns = wall_clock_ns()});
  summary.stored = store_->counters().stored;
  if (options_.progress != nullptr) options_.progress->hide();
  if (!status) tell_store_error(status.error());
  return bool{status};
}

}  // namespace detectd
