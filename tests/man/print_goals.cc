// Prints the table of GOALS in detectd-performance(7), for tests/man/options.sh: what bench/reached.json says of each
// goal. A goal of which it says nothing is a mistake.
#include <cstdio>
#include <string>

#include "bench/goal_table.h"
#include "bench/scores.h"

int main() {
  using namespace detectd::bench;
  const std::string path = DETECTD_SOURCE_DIR "/bench/reached.json";
  const auto reached = read_saved(path);
  if (!reached) return std::fprintf(stderr, "%s\n", reached.error().message.c_str()), 1;
  for (const Goal& goal : goals()) {
    if (reached->values.contains(goal.name)) continue;
    std::fprintf(stderr, "%s says nothing of `%s`: run ./dev bench --save bench/reached.json\n", path.c_str(),
                 goal.name);
    return 1;
  }
  for (const auto& [name, value] : reached->values) {
    bool known = false;
    for (const Goal& goal : goals()) known = known || name == goal.name;
    if (!known) return std::fprintf(stderr, "%s has `%s`, which is no goal\n", path.c_str(), name.c_str()), 1;
  }
  return std::fputs(manual_of(*reached).c_str(), stdout) < 0 ? 1 : 0;
}
