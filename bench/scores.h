// What was reached, beside what is wanted.
#pragma once

#include <map>
#include <string>

#include "engine/result.h"

namespace detectd::bench {

// By the name of a goal (goal_table.h). What was not measured is absent.
using Values = std::map<std::string, double>;
struct Scores {
  std::string machine;  // on which it was measured, and when
  Values values;
};

// The table of all goals, with what a saved run had and the ratio to it where there is one.
std::string table_of(const Values& values, const Values* before);
// The same for a manual page, in mdoc.
std::string manual_of(const Scores& scores);

// JSON: an object of names and values.
Status save(const Scores& scores, const std::string& path);
Result<Scores> read_saved(const std::string& path);

}  // namespace detectd::bench
