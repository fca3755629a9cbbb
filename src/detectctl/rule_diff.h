// What two rule sets make of the same events, side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/hit.h"
#include "engine/rule.h"

namespace detectd {

// A hit that only one of two sets gives.
struct HitChange {
  bool gained = false;  // the new one does; else the old one did
  std::string place;    // of its event, escaped
  Hit hit;
};

struct RuleChange {
  std::shared_ptr<const Rule> before, now;  // null where that set's rule did not hit
  uint64_t both = 0;
  uint64_t gained = 0;
  uint64_t lost = 0;

  const Rule& rule() const { return now != nullptr ? *now : *before; }
  // Of hits that both sets give, what is told otherwise: `level low, now high`; empty: nothing.
  std::string retold() const;
  bool differs() const { return gained != 0 || lost != 0 || !retold().empty(); }
};

class RuleDiff {
 public:
  // The hits of both sets for one event, folds left out. Appends those that only one of them gives.
  void compare(std::span<const Hit> before, std::span<const Hit> now, const std::string& place,
               std::vector<HitChange>& changes);

  // By id. All that hit.
  const std::map<std::string, RuleChange>& rules() const { return rules_; }

 private:
  std::map<std::string, RuleChange> rules_;
};

}  // namespace detectd
