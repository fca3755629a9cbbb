#include "src/enrich/snapshot.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "tests/support/fake_procfs.h"
#include "tests/support/held_process.h"
#include "tests/support/host_view.h"

namespace detectd {
namespace {

using test::HeldProcess;
using test::HostView;
using test::show;

std::map<int64_t, Event> all_of(Snapshot& snapshot) {
  std::map<int64_t, Event> events;
  Event event;
  event.clear();
  while (snapshot.next(event)) {
    events.emplace(event.find_carried(process_field(Leaf::kPid)).number, event);
    event.clear();
  }
  return events;
}

TEST_CASE("TRUST 15: a snapshot tells of every process that is there, with its parent") {
  HostView host;
  HeldProcess cat({"cat", "-", "here"});
  REQUIRE(cat.runs());
  Snapshot snapshot(host.procfs(), host.reader(), host.enricher());
  REQUIRE(snapshot.begin());
  CHECK(snapshot.size() > 1);
  const auto events = all_of(snapshot);
  const auto found = events.find(cat.pid());
  REQUIRE(found != events.end());
  CHECK(found->second.kind == EventKind::kAlreadyRunning);
  CHECK(show(found->second, "process.args") == "cat|-|here");
  CHECK(show(found->second, "process.parent.pid") == std::to_string(getpid()));
  CHECK(events.contains(getpid()));
  CHECK(events.contains(1));
}

TEST_CASE("A snapshot tells of a parent before its child") {
  HostView host;
  HeldProcess cat({"cat", "-"});
  REQUIRE(cat.runs());
  Snapshot snapshot(host.procfs(), host.reader(), host.enricher());
  REQUIRE(snapshot.begin());
  bool parent_seen = false;
  Event event;
  for (event.clear(); snapshot.next(event); event.clear()) {
    const int64_t pid = event.find_carried(process_field(Leaf::kPid)).number;
    if (pid == getpid()) parent_seen = true;
    if (pid == cat.pid()) CHECK(parent_seen);
  }
}

TEST_CASE("A process that ends after the listing is passed over, and the event is as it was") {
  HostView host;
  HeldProcess cat({"cat", "-"});
  REQUIRE(cat.runs());
  const uint32_t pid = cat.pid();
  Snapshot snapshot(host.procfs(), host.reader(), host.enricher());
  REQUIRE(snapshot.begin());
  cat.end();
  CHECK_FALSE(all_of(snapshot).contains(pid));
  Event event;
  event.clear();
  CHECK_FALSE(snapshot.next(event));
  CHECK(event.kind == EventKind::kExec);
}

TEST_CASE("TRUST 87: a list without the first of all processes is known to be partial") {
  test::FakeProcfs procfs;
  const auto process = std::make_shared<test::FakeProcess>();
  process->stat = "7 (cron) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 500 0\n";
  procfs.processes[7] = process;
  HostView host;
  Snapshot snapshot(procfs, host.reader(), host.enricher());
  REQUIRE(snapshot.begin());
  CHECK(snapshot.is_partial());
  // With hidepid=1 it is in the list, and can not be read.
  procfs.processes[1] = std::make_shared<test::FakeProcess>();
  REQUIRE(snapshot.begin());
  CHECK(snapshot.is_partial());
  CHECK(snapshot.size() == 1);
  procfs.processes[1] = process;
  REQUIRE(snapshot.begin());
  CHECK_FALSE(snapshot.is_partial());
}

}  // namespace
}  // namespace detectd
