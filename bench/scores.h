// What was reached, beside what is wanted.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/result.h"

namespace detectd::bench {

struct Score {
  std::string name;
  double value = 0;
  std::string unit;  // behind the number: "P", "/s", ""
  std::optional<double> must = std::nullopt;
  std::optional<double> aim = std::nullopt;
  bool more_is_better = false;
};
using SavedScores = std::map<std::string, double>;

// The table, with what a saved run had and the ratio to it where there is one.
std::string table_of(const std::vector<Score>& scores, const SavedScores* before);

// JSON: an object of names and values.
Status save(const std::vector<Score>& scores, const std::string& path);
Result<SavedScores> read_saved(const std::string& path);

}  // namespace detectd::bench
