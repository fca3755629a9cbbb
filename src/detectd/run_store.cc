#include "src/detectd/run_store.h"

#include <utility>

#include "engine/digest.h"
#include "src/clock.h"
#include "src/store_messages.h"

namespace detectd {
namespace {

// Of hits that neither database nor spill can take.
constexpr size_t kOwnersMemoryBytes = size_t{8} << 20;

}  // namespace

Status RunStore::open(const RuleSet& rules) {
  if (!options_.path) return {};
  Result<std::unique_ptr<HitStore>> store =
      HitStore::open({.path = *options_.path,
                      .spill = options_.spill,
                      .redact = options_.redact,
                      .tell =
                          [this](const Error& error) {
                            prepare_message();
                            tell_store_warning(error);
                          },
                      .workers = options_.workers,
                      .replace_damaged = options_.owner.has_value(),
                      .memory_bytes = options_.owner ? kOwnersMemoryBytes : 0,
                      .upkeep = options_.owner.value_or(UpkeepOptions{}),
                      .sinks = options_.sinks,
                      .stored = options_.stored});
  Status status;
  if (!store) {
    status = std::move(store).error();
  } else {
    store_ = *std::move(store);
    std::vector<std::string> command = {"detectd"};
    command.insert(command.end(), options_.command.begin(), options_.command.end());
    status = store_->begin_run({.start = {.command = std::move(command),
                                          .version = DETECTD_VERSION,
                                          .rules_digest = hex(rules.digest()),
                                          .time_ns = wall_clock_ns(),
                                          .alerts = options_.owner.has_value()},
                                .rules = rules,
                                .name_of_file = options_.name_of_file});
  }
  if (!status) tell_store_error(status.error());
  return status;
}

void RunStore::load_history(Engine& engine) const {
  if (!store_) return;
  const auto history = store_->load_history();
  if (!history) {
    tell_store_warning(history.error());
  } else {
    engine.learn(*history);
  }
}

void RunStore::save_history(const Engine& engine) const {
  if (!store_) return;
  if (Status status = store_->save_history(engine.history()); !status) tell_store_warning(status.error());
}

void RunStore::prepare_message() const {
  if (options_.before_message) options_.before_message();
}

bool RunStore::close(Summary& summary, std::string_view ending) {
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
  prepare_message();
  if (!status) tell_store_error(status.error());
  return bool{status};
}

}  // namespace detectd
