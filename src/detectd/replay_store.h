// The database of a replay (--db), or none.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rule_set.h"
#include "src/report/progress.h"
#include "src/report/report.h"
#include "src/sources/replay.h"
#include "src/store/hit_store.h"

namespace detectd {

class ReplayStore {
 public:
  struct Options {
    std::optional<std::string> path;
    std::vector<std::string> command;  // what the user wrote
    std::vector<std::string> redact;
    ProgressBar* progress = nullptr;
    WorkerPool* workers = nullptr;
  };

  explicit ReplayStore(Options options) : options_(std::move(options)) {}

  // Does nothing without a path. What goes wrong has been told.
  Status open(const RuleSet& rules, const ReplaySource& source);
  HitStore* get() { return store_.get(); }
  // Tells the database how the run ended, and the summary how many hits it took. False, and told, where not all of
  // them are in the database.
  bool close(Summary& summary, std::string_view ending);

 private:
  Options options_;
  std::unique_ptr<HitStore> store_;
};

}  // namespace detectd
