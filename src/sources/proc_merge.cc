#include "src/sources/proc_merge.h"

#include <algorithm>

namespace detectd {

void ProcMerge::take(int64_t until_ns, std::vector<ProcEvent>& events) {
  for (const ProcEvent& exec : execs) until_ns = std::max(until_ns, exec.monotonic_ns);
  const auto end = std::find_if(others.begin(), others.end(),
                                [&](const ProcEvent& event) { return event.monotonic_ns > until_ns; });
  auto other = others.begin();
  for (const ProcEvent& exec : execs) {
    // At the same time: a fork, an id change, stands before the exec.
    for (; other != end && other->monotonic_ns <= exec.monotonic_ns; ++other) events.push_back(*other);
    events.push_back(exec);
  }
  events.insert(events.end(), other, end);
  execs.clear();
  others.erase(others.begin(), end);
}

}  // namespace detectd
