#include "src/sources/proc_merge.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace detectd;

namespace {

ProcEvent make(ProcWhat what, uint32_t pid, int64_t time_ns) {
  ProcEvent event;
  event.what = what;
  event.thread = event.pid = pid;
  event.monotonic_ns = time_ns;
  return event;
}
ProcEvent exec(uint32_t pid, int64_t time_ns) { return make(ProcWhat::kExec, pid, time_ns); }
ProcEvent fork(uint32_t pid, int64_t time_ns) { return make(ProcWhat::kFork, pid, time_ns); }
ProcEvent exit(uint32_t pid, int64_t time_ns) { return make(ProcWhat::kExit, pid, time_ns); }

std::string take(ProcMerge& merge, int64_t until_ns) {
  std::vector<ProcEvent> events;
  merge.take(until_ns, events);
  std::string text;
  for (const ProcEvent& event : events) {
    const char* name = event.what == ProcWhat::kFork   ? "fork "
                       : event.what == ProcWhat::kExec ? "exec "
                                                       : "exit ";
    text += (text.empty() ? "" : ", ") + (name + std::to_string(event.pid));
  }
  return text;
}

}  // namespace

TEST_CASE("Events of two sockets stand by time, and of the same time the exec last") {
  ProcMerge merge;
  merge.execs = {exec(5, 20), exec(6, 40)};
  merge.others = {fork(5, 10), fork(6, 20), exit(5, 30)};
  CHECK(take(merge, 100) == "fork 5, fork 6, exec 5, exit 5, exec 6");
  CHECK(take(merge, 100).empty());
}

TEST_CASE("What happened after the execs were read waits for those that may still come") {
  ProcMerge merge;
  merge.others = {fork(5, 10), exit(5, 90)};
  CHECK(take(merge, 50) == "fork 5");
  merge.execs = {exec(5, 60)};
  CHECK(take(merge, 100) == "exec 5, exit 5");
}

TEST_CASE("Where execs are left unread, what happened after the last one that was read waits") {
  ProcMerge merge;
  merge.execs = {exec(5, 20)};
  merge.others = {fork(5, 10), exit(5, 30)};
  CHECK(take(merge, INT64_MIN) == "fork 5, exec 5");
  CHECK(take(merge, 30) == "exit 5");
}

TEST_CASE("Events of several CPUs keep the order in which a socket gave them") {
  ProcMerge merge;
  merge.execs = {exec(5, 30), exec(6, 20)};
  merge.others = {fork(7, 15), fork(8, 12)};
  CHECK(take(merge, 30) == "fork 7, fork 8, exec 5, exec 6");
}
