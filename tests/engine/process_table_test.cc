#include "engine/process_table.h"

#include <catch2/catch.hpp>

#include "tests/support/events.h"

using namespace detectd;
using namespace detectd::test;

namespace {

// A table, and the events as it left them.
struct Stream {
  const Event& operator()(Event event) {
    last = std::move(event);
    table.apply(last);
    return last;
  }
  std::string show(std::string_view field) const { return test::show(last, field); }

  ProcessTable table{{.max_processes = 1000}};
  Event last;
};

}  // namespace

TEST_CASE("a child's parent is who forked it, with all that is known of him", "[process_table]") {
  Stream see;
  see(exec(7, "/usr/sbin/sshd").with("process.args", {"sshd", "-D"}).uids(0, 0, 0));
  see(fork(7, 8));
  CHECK(see.show("process.parent.executable") == "/usr/sbin/sshd");
  CHECK(see.show("process.parent.pid") == "7");
  CHECK(see.show("process.executable") == "/usr/sbin/sshd");  // a fork runs its parent's image
  see(exec(8, "/bin/bash"));
  CHECK(see.show("process.executable") == "/bin/bash");
  CHECK(see.show("process.command_line") == "-");  // not told, and not the former image's
  CHECK(see.show("process.parent.name") == "sshd");
  CHECK(see.show("process.parent.command_line") == "sshd -D");
  CHECK(see.show("process.user.id") == "0");
  see(end(8));
  CHECK(see.show("process.name") == "bash");
  CHECK(see.show("process.parent.name") == "sshd");
}

TEST_CASE("a reused pid does not inherit its predecessor's parent", "[process_table]") {
  Stream see;
  see(exec(7, "/usr/sbin/sshd"));
  see(exec(9, "/usr/sbin/cron"));
  see(fork(9, 100).at(10));
  const std::string first = see.show("process.entity_id");
  SECTION("after its end") { see(end(100).at(20)); }
  SECTION("though its end was not seen") {}
  see(fork(7, 100).at(200));
  CHECK(see.show("process.parent.executable") == "/usr/sbin/sshd");
  CHECK(see.show("process.entity_id") != first);
  CHECK(see.table.counters().reused_pids == 1);
}

TEST_CASE("a start more than 50 ms after the known birth is another process", "[process_table]") {
  struct Case {
    const char* start;
    bool same;
  };
  const Case c = GENERATE(Case{"1970-01-01T00:00:00.990Z", true},  // clock ticks are coarse
                          Case{"1970-01-01T00:00:01.050Z", true}, Case{"1970-01-01T00:00:01.051Z", false},
                          Case{"1970-01-01T00:00:00Z", true});
  CAPTURE(c.start);
  Stream see;
  see(exec(7, "/usr/sbin/sshd"));
  see(fork(7, 100).at(1000));
  const std::string born = see.show("process.entity_id");
  see(exec(100, "/bin/sh").at(5000).with("process.start", c.start));
  CHECK((see.show("process.entity_id") == born) == c.same);
  CHECK(see.show("process.parent.name") == (c.same ? "sshd" : "-"));
}

TEST_CASE("an identity depends on host, boot, pid and birth, and on nothing else", "[process_table]") {
  const auto id = [](int64_t pid, int64_t time_ms, const char* host, const char* boot) {
    Stream see;
    Event event = fork(1, pid).at(time_ms);
    event.host = std::make_shared<CaptureHost>(CaptureHost{host, "", boot});
    see(std::move(event));
    return see.show("process.entity_id");
  };
  const std::string one = id(8, 5, "a", "b");
  CHECK(one.size() == 22);
  CHECK(one.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
        std::string::npos);
  CHECK(one == id(8, 5, "a", "b"));
  CHECK(one != id(9, 5, "a", "b"));
  CHECK(one != id(8, 6, "a", "b"));
  CHECK(one != id(8, 5, "c", "b"));
  CHECK(one != id(8, 5, "a", "c"));
}

TEST_CASE("an identity is fixed at first sight and kept over execs and id changes", "[process_table]") {
  Stream see;
  see(exec(8, "/bin/sh").at(1000).with("process.start", "1970-01-01T00:00:00.9Z"));
  const std::string id = see.show("process.entity_id");
  see(uid_change(8, 33, 33).at(1500));
  CHECK(see.show("process.entity_id") == id);
  see(exec(8, "/bin/ls").at(2000).with("process.start", "1970-01-01T00:00:00.91Z"));
  CHECK(see.show("process.entity_id") == id);
  see(end(8).at(3000));
  CHECK(see.show("process.entity_id") == id);
}

TEST_CASE("an identity that a capture carries is taken", "[process_table]") {
  Stream see;
  see(exec(8, "/bin/sh").with("process.entity_id", "theirs"));
  see(fork(8, 9));
  CHECK(see.show("process.parent.entity_id") == "theirs");
}

TEST_CASE("an exec that arrives before its fork keeps its image and gets its parent", "[process_table]") {
  Stream see;
  see(exec(7, "/usr/sbin/sshd").uids(0, 0, 0));
  see(exec(100, "/bin/sh").at(5000));
  const std::string id = see.show("process.entity_id");
  see(fork(7, 100).at(4999));
  CHECK(see.show("process.executable") == "/usr/sbin/sshd");  // as it was when it was forked
  CHECK(see.show("process.parent.name") == "sshd");
  see(end(100).at(5100));
  CHECK(see.show("process.executable") == "/bin/sh");
  CHECK(see.show("process.parent.name") == "sshd");
  CHECK(see.show("process.user.id") == "0");
  CHECK(see.show("process.previous.executable") == "/usr/sbin/sshd");
  CHECK(see.show("process.entity_id") == id);
  CHECK(see.table.counters().reused_pids == 0);
}

TEST_CASE("an exec by a thread other than the leader comes after the leader's end", "[process_table]") {
  Stream see;
  see(exec(7, "/usr/sbin/sshd"));
  see(fork(7, 100).at(1000));
  const std::string id = see.show("process.entity_id");
  see(end(100).at(2000));
  see(exec(100, "/bin/sh").at(2001));
  CHECK(see.show("process.entity_id") == id);
  CHECK(see.show("process.parent.name") == "sshd");
  see(uid_change(100, 5, 5).at(60'000));  // long after the end: it is alive
  CHECK(see.show("process.entity_id") == id);
}

TEST_CASE("TRUST 56: after a double fork the grandparent is still known", "[process_table]") {
  Stream see;
  see(exec(7, "/usr/sbin/nginx"));
  see(fork(7, 100).at(1000));
  see(fork(100, 101).at(1001));
  see(end(100).at(1002));
  see(exec(101, "/bin/sh").at(20'000).with("process.parent.pid", 1).with("process.parent.name", "systemd"));
  CHECK(see.show("process.parent.pid") == "100");
  CHECK(see.show("process.parent.name") == "nginx");
  CHECK(see.show("process.ancestors.pid") == "100|7");
  CHECK(see.show("process.ancestors.executable") == "/usr/sbin/nginx|/usr/sbin/nginx");
}

TEST_CASE("a late event of a process that ended still knows it, for five seconds", "[process_table]") {
  Stream see;
  see(exec(7, "/usr/sbin/sshd"));
  see(fork(7, 100).at(1000));
  see(end(100).at(1100));
  see(event(EventKind::kCoredump, 100).at(6000));
  CHECK(see.show("process.parent.name") == "sshd");
  see(event(EventKind::kCoredump, 100).at(7000));
  CHECK(see.show("process.parent.name") == "-");
}

TEST_CASE("a fork's parent wins over the line, and the line adds what the table lacks", "[process_table]") {
  Stream see;
  see(exec(7, "/bin/bash"));
  see(fork(7, 8));
  SECTION("another parent in the line is taken off, all of it") {
    see(exec(8, "/bin/ls").with("process.parent.pid", 1).with("process.parent.command_line", "init"));
    CHECK(see.show("process.parent.pid") == "7");
    CHECK(see.show("process.parent.command_line") == "-");
  }
  SECTION("another image of the same parent is taken off, all of it") {
    see(exec(8, "/bin/ls")
            .with("process.parent.pid", 7)
            .with("process.parent.executable", "/bin/zsh")
            .with("process.parent.command_line", "zsh"));
    CHECK(see.show("process.parent.executable") == "/bin/bash");
    CHECK(see.show("process.parent.command_line") == "-");
  }
  SECTION("what the table does not know is learnt, for later children too") {
    see(exec(8, "/bin/ls").with("process.parent.pid", 7).with("process.parent.command_line", "bash -l"));
    CHECK(see.show("process.parent.command_line") == "bash -l");
    CHECK(see.show("process.ancestors.command_line") == "bash -l");
    see(fork(7, 9));
    CHECK(see.show("process.parent.command_line") == "bash -l");
  }
}

TEST_CASE("without a fork the line's parent wins, and the table adds what it knows of him",
          "[process_table]") {
  Stream see;
  SECTION("a parent of whom only the line tells becomes an ancestor") {
    see(exec(8, "/bin/sh")
            .with("process.parent.pid", 7)
            .with("process.parent.executable", "/usr/sbin/nginx"));
    CHECK(see.show("process.parent.name") == "nginx");
    see(fork(8, 9));
    CHECK(see.show("process.ancestors.name") == "sh|nginx");
  }
  SECTION("a known parent") {
    see(exec(7, "/usr/sbin/nginx").with("process.args", {"nginx", "-g"}));
    see(exec(8, "/bin/sh").with("process.parent.pid", 7).with("process.parent.name", "master"));
    CHECK(see.show("process.parent.name") == "master");
    CHECK(see.show("process.parent.command_line") == "nginx -g");
  }
  SECTION("an image that the table missed is not mixed with the known one") {
    see(exec(7, "/bin/sh").with("process.args", {"sh", "-c"}));
    see(exec(8, "/bin/id")
            .with("process.parent.pid", 7)
            .with("process.parent.executable", "/usr/sbin/nginx"));
    CHECK(see.show("process.parent.executable") == "/usr/sbin/nginx");
    CHECK(see.show("process.parent.command_line") == "-");
  }
  SECTION("nobody is his own parent") {
    see(exec(8, "/bin/sh").with("process.parent.pid", 8));
    CHECK(see.show("process.ancestors.pid") == "-");
  }
}

TEST_CASE("fields that detectd.missing names are not filled", "[process_table]") {
  Stream see;
  see(exec(7, "/usr/sbin/sshd").uids(0, 0, 0));
  see(fork(7, 8).without("process.parent.executable").without("process.user.id"));
  CHECK(see.show("process.parent.executable") == "-");
  CHECK(see.show("process.user.id") == "-");
  see(exec(8, "/bin/sh").without("process.command_line").with("process.args", {"sh"}));
  CHECK(see.show("process.command_line") == "-");
  see(exec(8, "/bin/id").uids(0, 0, 0).without("detectd.escalated").without("process.Ext.privileged"));
  CHECK(see.show("detectd.escalated") == "-");
  CHECK(see.show("process.Ext.privileged") == "-");
}

TEST_CASE("process.previous is what ran before the last exec or id change", "[process_table]") {
  Stream see;
  see(exec(7, "/bin/bash").with("process.args", {"bash"}).uids(1000, 1000, 1000));
  CHECK(see.show("process.previous.executable") == "-");
  see(fork(7, 8));
  CHECK(see.show("process.previous.executable") == "-");
  see(exec(8, "/usr/bin/env"));
  CHECK(see.show("process.previous.executable") == "/bin/bash");
  CHECK(see.show("process.previous.command_line") == "bash");
  CHECK(see.show("process.previous.user.id") == "1000");
  see(exec(8, "/usr/bin/id"));
  CHECK(see.show("process.previous.executable") == "/usr/bin/env");
  see(uid_change(8, 33, 33));
  CHECK(see.show("process.previous.user.id") == "1000");
  CHECK(see.show("process.previous.executable") == "/usr/bin/id");
  CHECK(see.show("process.user.id") == "33");
}

TEST_CASE("who becomes root by an event that also tells his identity became root", "[process_table]") {
  Stream see;
  see(exec(8, "/bin/sh").uids(33, 33, 33));
  see(uid_change(8, 0, 0).with("process.entity_id", "a-name-of-its-own"));
  CHECK(see.show("detectd.escalated") == "true");
  CHECK(see.show("process.previous.user.id") == "33");
}

TEST_CASE("what a new value makes doubtful is not kept", "[process_table]") {
  Stream see;
  see(exec(8, "/bin/sh")
          .uids(0, 0, 0)
          .with("process.user.name", "root")
          .with("process.thread.capabilities.effective", {"CAP_SETUID"}));
  CHECK(see.show("process.Ext.privileged") == "true");
  see(uid_change(8, 33, 33));
  CHECK(see.show("process.user.name") == "-");
  CHECK(see.show("process.saved_user.id") == "-");
  CHECK(see.show("process.Ext.privileged") == "-");
  see(exec(8, "/bin/ls"));
  CHECK(see.show("process.saved_user.id") == "33");  // exec(2) copies the effective one
}

TEST_CASE("a thread's name is its process's only if it is the leader", "[process_table]") {
  Stream see;
  see(event(EventKind::kCommChange, 8).with("process.thread.name", "main").with("process.thread.id", 8));
  see(event(EventKind::kCommChange, 8).with("process.thread.name", "worker").with("process.thread.id", 9));
  CHECK(see.show("process.thread.name") == "worker");
  CHECK(see.show("process.name") == "main");
  see(end(8));
  CHECK(see.show("process.thread.name") == "main");
}

TEST_CASE("setsid makes a process the leader of its session", "[process_table]") {
  Stream see;
  see(exec(7, "/bin/bash").with("process.session_leader.pid", 7).with("process.tty.char_device.major", 136));
  see(fork(7, 8));
  CHECK(see.show("process.session_leader.entity_id") == see.show("process.parent.entity_id"));
  see(event(EventKind::kSessionIdChange, 8));
  see(exec(8, "/usr/sbin/daemon"));
  CHECK(see.show("process.session_leader.pid") == "8");
  CHECK(see.show("process.session_leader.entity_id") == see.show("process.entity_id"));
  CHECK(see.show("process.tty.char_device.major") == "-");
}

TEST_CASE("an exec that is only checked changes nothing", "[process_table]") {
  Stream see;
  see(exec(8, "/bin/sh"));
  see(event(EventKind::kExecCheck, 8).with("process.executable", "/bin/nc"));
  CHECK(see.show("process.executable") == "/bin/nc");
  CHECK(see.show("process.previous.executable") == "/bin/sh");
  see(end(8));
  CHECK(see.show("process.executable") == "/bin/sh");
}

TEST_CASE("a trace shows both processes", "[process_table]") {
  Stream see;
  see(exec(7, "/usr/sbin/sshd").uids(0, 0, 0));
  see(exec(8, "/usr/bin/gdb").uids(33, 33, 33));
  see(event(EventKind::kPtrace, 8).with("Target.process.pid", 7));
  CHECK(see.show("process.name") == "gdb");
  CHECK(see.show("Target.process.name") == "sshd");
  CHECK(see.show("Target.process.Ext.privileged") == "true");
}

TEST_CASE("processes of different hosts and boots are not mixed up", "[process_table]") {
  Stream see;
  const auto on = [](Event event, const char* name, const char* boot) {
    event.host = std::make_shared<CaptureHost>(CaptureHost{"", name, boot});
    return event;
  };
  see(on(exec(7, "/usr/sbin/sshd"), "a", "1"));
  see(on(fork(7, 8), "b", "1"));
  CHECK(see.show("process.parent.executable") == "-");
  see(on(fork(7, 8), "a", "2"));
  CHECK(see.show("process.parent.executable") == "-");
  see(on(fork(7, 8), "a", "1"));
  CHECK(see.show("process.parent.executable") == "/usr/sbin/sshd");
}

TEST_CASE("an event without a pid has no lineage but its derived fields", "[process_table]") {
  Stream see;
  see(exec(0, "/usr/bin/nc").with("process.args", {"nc", "-e"}));
  CHECK(see.last.process == nullptr);
  CHECK(see.show("process.name") == "nc");
  CHECK(see.show("process.command_line") == "nc -e");
}

TEST_CASE("what an exec withholds may have changed, and is forgotten", "[process_table]") {
  Stream see;
  see(exec(7, "/usr/lib/systemd/systemd")
          .with("process.Ext.cgroup", "/init.scope")
          .with("process.working_directory", "/"));
  see(fork(7, 8));
  CHECK(see.show("process.Ext.cgroup") == "/init.scope");
  see(exec(8, "/usr/sbin/cron").without("process.Ext.cgroup"));
  CHECK(see.show("process.Ext.cgroup") == "-");
  CHECK(see.show("process.working_directory") == "/");
  see(end(8));
  CHECK(see.show("process.Ext.cgroup") == "-");
  see(end(7));
  CHECK(see.show("process.Ext.cgroup") == "/init.scope");
}
