// How `detectctl mutate` tells what came out.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/evasion.h"

namespace detectd {

struct EvasionScore {
  size_t applied = 0;
  size_t hit = 0;
  size_t seen = 0;  // hit, or met by another rule

  void add(const Evasion& evasion);
  // From 0 to 100; of nothing: 100.
  double percent() const;
  double percent_seen() const;
};
EvasionScore score_of(const std::vector<TestEvasions>& tests);

// The rules of a run: the mean counts each rule once, however many tests it has.
struct EvasionTotal {
  size_t rules = 0;  // with an evasion that applies
  double percents = 0;
  EvasionScore all;

  void add(const EvasionScore& score);
  double mean() const { return rules == 0 ? 100.0 : percents / static_cast<double>(rules); }
};

struct EvasionView {
  bool all = false;  // those that still hit, and those that do not apply, too
  bool hints = true;
};

// A rule's line, and one for each mutator that it missed.
std::string evasions_text(const Rule& rule, const std::vector<TestEvasions>& tests, const EvasionView& view);
std::string total_text(const EvasionTotal& total);
// An object for each evasion, and one for the rule.
std::string evasions_json(const Rule& rule, const std::vector<TestEvasions>& tests);
std::string total_json(const EvasionTotal& total);

// The list of mutators, by group.
std::string mutators_text(size_t columns);
std::string mutators_json();

}  // namespace detectd
