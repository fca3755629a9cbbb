// The database of a run, or none.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/rule_set.h"
#include "src/report/report.h"
#include "src/store/hit_store.h"

namespace detectd {

class RunStore {
 public:
  struct Options {
    std::optional<std::string> path;
    std::string spill;                 // empty: beside the database
    std::vector<std::string> command;  // what the user wrote
    std::vector<std::string> redact;
    std::function<void()> before_message;  // may be empty
    std::function<const std::string&(uint32_t file)> name_of_file;
    WorkerPool* workers = nullptr;
    // For a daemon, whose database it is: it goes on whatever happens to it, and old hits go.
    std::optional<UpkeepOptions> owner = std::nullopt;
    // As HitStore::Options; hits of an owner are told.
    std::vector<std::string> sinks = {};
    std::function<void()> stored = {};
  };

  explicit RunStore(Options options) : options_(std::move(options)) {}
  RunStore(const RunStore&) = delete;
  RunStore& operator=(const RunStore&) = delete;

  // Does nothing without a path. What goes wrong has been told.
  Status open(const RuleSet& rules);
  HitStore* get() { return store_.get(); }
  // An owner's: what `new_terms` saw in earlier runs, to `engine`; and what it has seen, to the next one.
  void load_history(Engine& engine) const;
  void save_history(const Engine& engine) const;
  // Tells the database how the run ended, and the summary how many hits it took. False, and told, where not all of
  // them are in the database.
  bool close(Summary& summary, std::string_view ending);

 private:
  void prepare_message() const;

  Options options_;
  std::unique_ptr<HitStore> store_;
};

}  // namespace detectd
