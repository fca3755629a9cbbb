#include "src/sources/thread_ends.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace detectd;

namespace {

ProcEvent make(ProcWhat what, uint32_t thread, uint32_t pid, int64_t time_ns = 0) {
  ProcEvent event;
  event.what = what;
  event.thread = thread;
  event.pid = pid;
  event.monotonic_ns = time_ns;
  return event;
}

// "fork 5, exit 5": what is left of them.
std::string pass(ThreadEnds& ends, const std::vector<ProcEvent>& events) {
  std::string text;
  for (const ProcEvent& event : events) {
    const auto passed = ends.pass(event);
    if (!passed) continue;
    const char* name = passed->what == ProcWhat::kFork   ? "fork "
                       : passed->what == ProcWhat::kExec ? "exec "
                                                         : "exit ";
    text += (text.empty() ? "" : ", ") + (name + std::to_string(passed->pid));
  }
  return text;
}

ProcEvent fork(uint32_t thread, uint32_t pid) { return make(ProcWhat::kFork, thread, pid); }
ProcEvent exec(uint32_t pid) { return make(ProcWhat::kExec, pid, pid); }
ProcEvent exit(uint32_t thread, uint32_t pid) { return make(ProcWhat::kExit, thread, pid); }

}  // namespace

TEST_CASE("TRUST 60: threads that come and go are no processes", "[live]") {
  ThreadEnds ends;
  CHECK(pass(ends, {fork(5, 5), fork(6, 5), fork(7, 5), exit(6, 5), exit(7, 5), exit(5, 5)}) ==
        "fork 5, exit 5");
  for (uint32_t i = 0; i < 100'000; ++i) CHECK(pass(ends, {fork(1000 + i, 9), exit(1000 + i, 9)}).empty());
  CHECK(ends.size() == 0);
}

TEST_CASE("a process whose leader ended lives on until its last thread", "[live]") {
  ThreadEnds ends;
  CHECK(pass(ends, {fork(6, 5), fork(7, 5), exit(5, 5), exit(6, 5)}).empty());
  const auto end = ends.pass(make(ProcWhat::kExit, 7, 5, 99));
  REQUIRE(end);
  CHECK(end->thread == 5);
  CHECK(end->monotonic_ns == 99);
}

TEST_CASE("TRUST 59: an exec by another thread ends the leader, not the process", "[live]") {
  ThreadEnds ends;
  CHECK(pass(ends, {fork(6, 5), exit(5, 5), exec(5), exit(5, 5)}) == "exec 5, exit 5");
}

TEST_CASE("a pid that is taken anew has none of its forerunner's threads", "[live]") {
  ThreadEnds ends;
  CHECK(pass(ends, {fork(6, 5), fork(5, 5), exit(5, 5)}) == "fork 5, exit 5");
}

TEST_CASE("after a loss the end of a leader is believed", "[live]") {
  ThreadEnds ends;
  CHECK(pass(ends, {fork(6, 5)}).empty());
  ends.forget();
  CHECK(pass(ends, {exit(5, 5), exit(6, 5)}) == "exit 5");
}

TEST_CASE("processes with threads are watched up to a bound", "[live]") {
  ThreadEnds ends;
  for (uint32_t pid = 1; pid <= ThreadEnds::kMax + 10; ++pid)
    CHECK(pass(ends, {fork(pid + 1'000'000, pid)}).empty());
  CHECK(ends.size() == ThreadEnds::kMax);
  CHECK(pass(ends, {exit(ThreadEnds::kMax + 5, ThreadEnds::kMax + 5)}) ==
        "exit " + std::to_string(ThreadEnds::kMax + 5));
}
