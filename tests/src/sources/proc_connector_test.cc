#include "src/sources/proc_connector.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <set>

#include "src/clock.h"

namespace detectd {
namespace {

// What happened to a process until its end, as a subscription tells it.
std::multiset<ProcWhat> told_of(uint32_t pid, ProcSubscription& subscription) {
  std::multiset<ProcWhat> told;
  const int64_t until_ns = steady_clock_ns() + 20'000'000'000;
  while (!told.contains(ProcWhat::kExit)) {
    REQUIRE(steady_clock_ns() < until_ns);
    pollfd file{.fd = subscription.descriptor(), .events = POLLIN, .revents = 0};
    poll(&file, 1, 1000);
    std::vector<ProcEvent> events;
    while (subscription.receive(events)) {
    }
    for (const ProcEvent& event : events) {
      if (event.pid == pid) told.insert(event.what);
    }
  }
  return told;
}

}  // namespace

TEST_CASE("TRUST 71: what was not asked for is dropped where the kernel sends it all the same", "[live]") {
  ProcSubscription all({}), wanted({.mask = std::nullopt, .wanted = proc_event_mask(KindSet())});
  for (ProcSubscription* const subscription : {&all, &wanted}) {
    if (const Status status = subscription->subscribe(); !status) {
      WARN("skipped: " << status.error().message);
      return;
    }
  }
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 3; ++i) prctl(PR_SET_NAME, i % 2 == 0 ? "even" : "odd");
    _exit(0);
  }
  REQUIRE(waitpid(child, nullptr, 0) == child);
  using enum ProcWhat;
  CHECK(told_of(static_cast<uint32_t>(child), all) == std::multiset{kFork, kComm, kComm, kComm, kExit});
  CHECK(told_of(static_cast<uint32_t>(child), wanted) == std::multiset{kFork, kExit});
}

}  // namespace detectd
