// What each rule costs, measured outside the engine: every rule by itself, on a sample of the events, in time of the
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/matcher.h"

namespace detectd {

class RuleProfile {
 public:
  // Events of which one is looked at, if nobody says.
  static constexpr uint64_t kEvery = 64;

  // `rules` must outlive the profile.
  explicit RuleProfile(const RuleSet& rules, uint64_t every = kEvery);

  // To be told every event.
  void observe(const Event& event);
  // The mean over the sample; 0 where there is none.
  double mean_ns(size_t rule) const;

 private:
  struct Cost {
    uint64_t samples = 0;
    int64_t total_ns = 0;
  };

  const RuleSet& rules_;
  Matcher matcher_;
  uint64_t every_;
  int64_t clock_ns_;  // what asking for the time takes
  uint64_t seen_ = 0;
  std::vector<Cost> costs_;  // as RuleSet::rules()
};

}  // namespace detectd
