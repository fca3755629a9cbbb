// Id changes on their way: held for their exec, then judged.
#include <catch2/catch.hpp>

#include "engine/event_order.h"
#include "engine/process_table.h"
#include "tests/support/events.h"

using namespace detectd;
using namespace detectd::test;

namespace {

// Events in the order they come out, as `exec 8 true`, `uid_change 8 -`: kind, pid, detectd.escalated.
std::vector<std::string> judged(std::vector<Event> events, std::vector<Event>* out = nullptr) {
  EventOrder order;
  ProcessTable table({});
  std::vector<Event> ready;
  for (Event& event : events) order.push(event, ready);
  order.flush(ready);
  std::vector<std::string> shown;
  for (Event& event : ready) {
    table.apply(event);
    shown.push_back(std::string(to_string(event.kind)) + ' ' + show(event, "process.pid") + ' ' +
                    show(event, "detectd.escalated"));
  }
  if (out != nullptr) *out = std::move(ready);
  return shown;
}

template <class... Makes>
std::vector<Event> list(Makes&&... makes) {
  std::vector<Event> events;
  (events.push_back(std::forward<Makes>(makes)), ...);
  return events;
}

using Shown = std::vector<std::string>;

Make user_shell(int64_t pid) { return exec(pid, "/bin/bash").uids(1000, 1000, 1000); }
Make sudo(int64_t pid) { return exec(pid, "/usr/bin/sudo").uids(0, 1000, 0); }

}  // namespace

TEST_CASE("TRUST 67: a set-uid exec and its id change are one escalation, told by the exec",
          "[event_order]") {
  std::vector<Event> out;
  const auto shown = judged(list(user_shell(8).at(0), uid_change(8, 0, 1000).at(100), sudo(8).at(101)), &out);
  CHECK(shown == Shown{"exec 8 -", "uid_change 8 -", "exec 8 true"});
  CHECK(show(out[2], "process.previous.user.id") == "1000");
  CHECK(show(out[2], "process.previous.executable") == "/bin/bash");
  CHECK(show(out[2], "process.Ext.setuid") == "true");
}

TEST_CASE("a set-uid exec is one also where the program set its ids before they were read", "[event_order]") {
  std::vector<Event> out;
  CHECK(judged(list(user_shell(8).at(0), uid_change(8, 0, 1000).at(100),
                    exec(8, "/usr/bin/sudo").uids(0, 0, 0).at(101), uid_change(8, 0, 0).at(102)),
               &out) == Shown{"exec 8 -", "uid_change 8 -", "exec 8 true", "uid_change 8 false"});
  CHECK(show(out[2], "process.Ext.setuid") == "true");
}

TEST_CASE("who takes both ids can not hide behind the exec of a known set-uid file", "[event_order]") {
  CHECK(judged(list(user_shell(8).at(0), uid_change(8, 0, 0).at(100), sudo(8).at(101))) ==
        Shown{"exec 8 -", "uid_change 8 true", "exec 8 false"});
}

TEST_CASE("an id change stamped with a later time keeps no other waiting", "[event_order]") {
  CHECK(judged(list(user_shell(8).at(0), uid_change(9, 0, 1000).at(900'000), uid_change(8, 0, 1000).at(100),
                    sudo(8).at(200))) ==
        Shown{"exec 8 -", "uid_change 8 true", "exec 8 false", "uid_change 9 -"});
}

TEST_CASE("a set-uid exec whose id change comes after it is an escalation too", "[event_order]") {
  CHECK(judged(list(user_shell(8).at(0), sudo(8).at(100), uid_change(8, 0, 1000).at(101))) ==
        Shown{"exec 8 -", "exec 8 true", "uid_change 8 false"});
}

TEST_CASE("an id change more than 10 ms before an exec stands for itself", "[event_order]") {
  CHECK(judged(list(user_shell(8).at(0), uid_change(8, 0, 1000).at(100), sudo(8).at(110))) ==
        Shown{"exec 8 -", "uid_change 8 -", "exec 8 true"});
  CHECK(judged(list(user_shell(8).at(0), uid_change(8, 0, 1000).at(100), sudo(8).at(111))) ==
        Shown{"exec 8 -", "uid_change 8 true", "exec 8 false"});
}

TEST_CASE("an id change waits without holding up other processes", "[event_order]") {
  CHECK(judged(list(user_shell(8).at(0), uid_change(8, 0, 1000).at(100), exec(9, "/bin/ls").at(101),
                    end(9).at(102), sudo(8).at(103))) ==
        Shown{"exec 8 -", "exec 9 -", "end 9 -", "uid_change 8 -", "exec 8 true"});
}

TEST_CASE("an id change that no exec follows is let out before the first event 10 ms later",
          "[event_order]") {
  CHECK(judged(list(user_shell(8).at(0), uid_change(8, 0, 1000).at(100), exec(9, "/bin/ls").at(110),
                    end(9).at(111))) == Shown{"exec 8 -", "exec 9 -", "uid_change 8 true", "end 9 -"});
}

TEST_CASE("another event that concerns the process ends the waiting", "[event_order]") {
  const auto after = [](Make&& between) {
    return judged(list(user_shell(8).at(0), uid_change(8, 0, 1000).at(100), std::move(between).at(101),
                       sudo(8).at(102)))[1];
  };
  CHECK(after(event(EventKind::kCommChange, 8)) == "uid_change 8 true");
  CHECK(after(fork(8, 9)) == "uid_change 8 true");
  CHECK(after(event(EventKind::kPtrace, 9).with("Target.process.pid", 8)) == "uid_change 8 true");
  CHECK(after(fork(7, 9)) == "fork 9 -");
}

TEST_CASE("several id changes are joined with one exec, which tells the ids before all of them",
          "[event_order]") {
  std::vector<Event> out;
  judged(list(user_shell(8).at(0), uid_change(8, 500, 1000).at(100),
              event(EventKind::kGidChange, 8).with("process.group.id", 0).at(100),
              uid_change(8, 0, 1000).at(100), sudo(8).at(101)),
         &out);
  CHECK(show(out[4], "process.previous.user.id") == "1000");
  CHECK(show(out[4], "detectd.escalated") == "true");
}

TEST_CASE("the same pid on another host does not join", "[event_order]") {
  CHECK(judged(list(user_shell(8).at(0), uid_change(8, 0, 1000).at(100),
                    sudo(8).at(101).with("host.name", "b"))) ==
        Shown{"exec 8 -", "exec 8 -", "uid_change 8 true"});
}

TEST_CASE("who was root since the last exec does not escalate by becoming root again", "[process_table]") {
  // sudo, run by root, switches back and forth.
  CHECK(judged(list(exec(8, "/usr/bin/sudo").uids(0, 0, 0).at(0), uid_change(8, 1000, 1000).at(100),
                    uid_change(8, 0, 1000).at(200), fork(8, 9).at(300), uid_change(9, 33, 33).at(400),
                    uid_change(9, 0, 0).at(500))) == Shown{"exec 8 -", "uid_change 8 false",
                                                           "uid_change 8 false", "fork 9 -",
                                                           "uid_change 9 false", "uid_change 9 false"});
}

TEST_CASE("an exec begins anew: who was root before it can escalate after it", "[process_table]") {
  CHECK(judged(list(exec(8, "/usr/bin/sudo").uids(0, 0, 0).at(0), uid_change(8, 1000, 1000).at(100),
                    exec(8, "/bin/sh").uids(1000, 1000, 1000).at(200), uid_change(8, 0, 1000).at(300))) ==
        Shown{"exec 8 -", "uid_change 8 false", "exec 8 false", "uid_change 8 true"});
}

TEST_CASE("a saved uid 0 is root in reserve", "[process_table]") {
  CHECK(judged(list(exec(8, "/bin/su").uids(1000, 1000, 0).at(0), uid_change(8, 0, 1000).at(100))) ==
        Shown{"exec 8 -", "uid_change 8 false"});
}

TEST_CASE("without known ids before, nothing is said of escalation", "[process_table]") {
  CHECK(judged(list(uid_change(8, 0, 1000).at(0), exec(9, "/bin/sh").at(100), exec(9, "/bin/ls").at(200))) ==
        Shown{"uid_change 8 -", "exec 9 -", "exec 9 -"});
}

TEST_CASE("what a line says of escalation wins", "[process_table]") {
  Event told = sudo(8).at(100);
  told.set_boolean(field::kEscalated, false);
  CHECK(judged(list(user_shell(8).at(0), std::move(told))) == Shown{"exec 8 -", "exec 8 false"});
}

TEST_CASE("an exec after setuid(2) is not that of a set-uid file", "[process_table]") {
  std::vector<Event> out;
  judged(list(exec(8, "/usr/sbin/sshd").uids(0, 0, 0).at(0), uid_change(8, 1000, 1000).at(100),
              exec(8, "/bin/bash").uids(1000, 1000, 1000).at(101),
              exec(8, "/bin/ls").uids(1000, 1000, 1000).at(102)),
         &out);
  CHECK(show(out[2], "process.Ext.setuid") == "false");
  CHECK(show(out[3], "process.Ext.setuid") == "false");
}

TEST_CASE("id changes that wait are bounded, and none is lost", "[event_order]") {
  EventOrder order;
  std::vector<Event> ready;
  constexpr size_t kMany = EventOrder::kMaxHeld + 500;
  for (size_t i = 0; i < kMany; ++i) {
    Event event = uid_change(static_cast<int64_t>(i + 1), 0, 0);
    order.push(event, ready);
  }
  CHECK(order.held() == 499);
  CHECK(order.overflows() == EventOrder::kMaxHeld + 1);
  order.flush(ready);
  REQUIRE(ready.size() == kMany);
  for (size_t i = 0; i < kMany; ++i) {
    CHECK(ready[i].find_carried(process_field(Leaf::kPid)).number == static_cast<int64_t>(i + 1));
  }
}
