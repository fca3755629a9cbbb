#include "src/respond/responder.h"

#include <catch2/catch.hpp>

#include "engine/response_outcome.h"
#include "tests/support/response_desk.h"

namespace detectd {
namespace {

using namespace test::desk;

using Signals = std::vector<int>;

}  // namespace

TEST_CASE("a process that is held is ended, and its end is the outcome", "[respond]") {
  Desk desk;
  const size_t victim = desk.host.begin(kPid, 9000, kInode);
  desk.hold(victim);
  const auto event = desk.exec_event(9000);
  desk.now_ns += 3'124'000;
  CHECK(desk.respond(event) == "signalled");
  CHECK(desk.host.at(victim).got == Signals{SIGKILL});
  const auto news = desk.settle();
  REQUIRE(news.settled.size() == 1);
  CHECK(news.settled[0].response_outcome == "killed, reactive, 3124 us");
  CHECK(desk.log_text().find("\"type\":\"intent\"") < desk.log_text().find("\"outcome\":\"killed\""));
  CHECK(desk.settle().settled.empty());
}

TEST_CASE("TRUST 1: who got the pid later is not touched", "[respond]") {
  Desk desk;
  const size_t victim = desk.host.begin(kPid, 10'000, kInode);
  const auto event = desk.exec_event(10'000);
  std::optional<size_t> newcomer;

  SECTION("the hold is of the process that has ended") {
    desk.hold(victim);
    newcomer = desk.host.begin(kPid, 10'000, kInode);
  }
  SECTION("there is no hold, and the newcomer began later") {
    newcomer = desk.host.begin(kPid, 10'050, kInode);
  }
  SECTION("there is no hold, and nobody has the pid") { desk.host.at(victim).ended = true; }
  CHECK(desk.respond(event) == "gone");
  CHECK(desk.host.at(victim).got.empty());
  if (newcomer) CHECK(desk.host.at(*newcomer).got.empty());
  CHECK(desk.log_text().empty());
}

TEST_CASE("TRUST 4: within one tick a hold has to prove who it is", "[respond]") {
  struct Case {
    const char* what;
    bool held, doubtful;
    uint64_t inode;
    const char* want;
  };
  const Case cases[] = {{"held without doubt", true, false, kInode, "signalled"},
                        {"the end of that pid was heard of already", true, true, kInode, "refused: identity"},
                        {"not held, the same start and file", false, false, kInode, "signalled"},
                        {"not held, another file", false, false, kInode + 1, "superseded"}};
  for (const Case& c : cases) {
    INFO(c.what);
    Desk desk;
    const size_t victim = desk.host.begin(kPid, 10'000, c.inode);
    if (c.held) desk.hold(victim, kPid, c.doubtful);
    CHECK(desk.respond(desk.exec_event(10'000)) == c.want);
    CHECK(desk.host.at(victim).got.empty() == (std::string(c.want) != "signalled"));
  }
}

TEST_CASE("TRUST 6: a process that runs another program since is not the one meant", "[respond]") {
  Desk desk;
  const size_t victim = desk.host.begin(kPid, 9000, kInode);
  desk.hold(victim);
  const auto event = desk.exec_event(9000);

  SECTION("another file") { desk.host.at(victim).facts.file->inode = 1; }
  SECTION("the same file, executed again") { desk.host.at(victim).facts.start_stack += 4096; }
  SECTION("a later exec was heard of") {
    desk.now_ns += 1000;
    desk.hold(victim);
  }
  CHECK(desk.respond(event) == "superseded");
  CHECK(desk.host.at(victim).got.empty());
}

TEST_CASE("TRUST 7: init, the kernel's threads, ourselves, our ancestors and what is listed are safe",
          "[respond]") {
  struct Case {
    const char* what;
    uint32_t pid;
    std::function<void(Desk&, ProcessFacts&)> change;
  };
  const Case cases[] = {
      {"init", 1, [](Desk&, ProcessFacts&) {}},
      {"a thread of the kernel", kPid, [](Desk&, ProcessFacts& facts) { facts.kernel_thread = true; }},
      {"ourselves", 4242, [](Desk&, ProcessFacts&) {}},
      {"who started us", 777, [](Desk&, ProcessFacts&) {}},
      {"a listed executable", kPid,
       [](Desk& desk, ProcessFacts& facts) { desk.host.files["/usr/sbin/sshd"] = *facts.file; }},
      {"a listed executable, replaced by an upgrade", kPid,
       [](Desk&, ProcessFacts& facts) {
         facts.file_deleted = true;
         facts.executable = "/usr/sbin/sshd";
       }},
      {"a listed unit", kPid, [](Desk&, ProcessFacts& facts) { facts.unit = "ssh.service"; }},
      {"a group below a listed unit", kPid,
       [](Desk&, ProcessFacts& facts) { facts.unit_path = "/system.slice/ssh.service/inner"; }}};
  for (const Case& c : cases) {
    INFO(c.what);
    Desk desk(rule("action = \"kill\""),
              {.enforce = true, .protection = {.executables = {"/usr/sbin/sshd"}, .units = {"ssh.service"}}});
    desk.host.begin(4242, 50, 3, 777);
    desk.host.begin(777, 40, 4, 1);
    desk.host.begin(1, 1, 5, 0);
    const uint64_t ticks = c.pid == kPid ? 9000 : desk.host.read(c.pid)->start_ticks;
    const size_t number = c.pid == kPid   ? desk.host.begin(kPid, 9000, kInode)
                          : c.pid == 4242 ? 0
                          : c.pid == 777  ? 1
                                          : 2;
    desk.host.at(number).facts.file->inode = kInode;
    c.change(desk, desk.host.at(number).facts);
    desk.settle();
    CHECK(desk.respond(desk.exec_event(ticks, c.pid)) == "refused: protected");
    CHECK(desk.host.at(number).got.empty());
  }
}

TEST_CASE("TRUST 7: a file of that name in somebody's own mount namespace protects nobody", "[respond]") {
  Desk desk(rule("action = \"kill\""), {.enforce = true, .protection = {.executables = {"/usr/sbin/sshd"}}});
  const size_t victim = desk.host.begin(kPid, 9000, kInode);
  desk.host.at(victim).facts.executable = "/usr/sbin/sshd";
  desk.host.files["/usr/sbin/sshd"] = FileKey{.device_major = 8, .device_minor = 1, .inode = 5};
  CHECK(desk.respond(desk.exec_event(9000)) == "signalled");
}

TEST_CASE("TRUST 8: what goes beyond the budget is only told, and that once", "[respond]") {
  Desk desk(rule("action = \"kill\""),
            {.enforce = true, .budget = {.per_rule = {.count = 5}, .total = {.count = 20}}});
  int signalled = 0;
  for (uint32_t i = 0; i < 200; ++i) {
    desk.host.begin(10'000 + i, 9000, kInode);
    const std::string outcome = desk.respond(desk.exec_event(9000, 10'000 + i));
    signalled += outcome == "signalled";
    CHECK((outcome == "signalled" || outcome == "refused: budget"));
  }
  CHECK(signalled == 5);
  auto news = desk.settle();
  CHECK(news.settled.size() == 5);
  REQUIRE(news.health.size() == 1);
  CHECK(news.health[0].rule->name == "detectd.response_budget");
  desk.now_ns += 61 * kSecond;
  desk.host.begin(kPid, 9000, kInode);
  CHECK(desk.respond(desk.exec_event(9000)) == "signalled");
}

TEST_CASE("a rehearsal goes the whole way but for the signal", "[respond]") {
  Desk desk(rule("action = \"kill\""), {.enforce = false});
  const size_t victim = desk.host.begin(kPid, 9000, kInode);
  desk.hold(victim);
  CHECK(desk.respond(desk.exec_event(9000)) == "refused: dry-run");
  CHECK(desk.host.at(victim).got.empty());
  CHECK(desk.log_text().find("\"mode\":\"dry-run\"") != std::string::npos);
}

TEST_CASE("TRUST 10: a process that stays is pending, and killed if it ends later", "[respond]") {
  Desk desk;
  const size_t victim = desk.host.begin(kPid, 9000, kInode);
  desk.host.at(victim).stays = true;
  CHECK(desk.respond(desk.exec_event(9000)) == "signalled");
  CHECK(desk.settle().settled.empty());
  desk.now_ns += Responder::kPatienceNs;
  auto news = desk.settle();
  REQUIRE(news.settled.size() == 1);
  CHECK(parse_response_outcome(news.settled[0].response_outcome).what == "pending");
  REQUIRE(news.health.size() == 1);
  CHECK(news.health[0].rule->name == "detectd.response_pending");
  CHECK(desk.settle().settled.empty());
  desk.host.at(victim).ended = true;
  news = desk.settle();
  REQUIRE(news.changed.size() == 1);
  CHECK(parse_response_outcome(news.changed[0].response_outcome).what == "killed");
}

TEST_CASE("TRUST 11: a tree ends with all that descend from it", "[respond]") {
  Desk desk(rule("action = \"kill_tree\""));
  const size_t root = desk.host.begin(kPid, 9000, kInode);
  for (uint32_t i = 0; i < 10; ++i) desk.host.begin(20'000 + i, 9001 + i, 5, i == 0 ? kPid : 20'000 + i - 1);
  const size_t bystander = desk.host.begin(30'000, 9001, 5, 500);
  CHECK(desk.respond(desk.exec_event(9000)) == "signalled");
  for (size_t i = root; i <= root + 10; ++i) CHECK(desk.host.at(i).got == Signals{SIGSTOP, SIGKILL});
  CHECK(desk.host.at(bystander).got.empty());

  // A fork that was on its way meanwhile, told later.
  const size_t late = desk.host.begin(20'100, 10'000, 5, 1);
  auto fork = desk.exec_event(10'000, 20'100);
  fork->kind = EventKind::kFork;
  auto parent = std::make_shared<Process>(*fork->process);
  parent->key = {.pid = 20'003, .birth_ns = kBooted + 9004 * kTickNs};
  auto child = std::make_shared<Process>(*fork->process);
  child->parent = parent;
  fork->process = child;
  desk.responder->observe(*fork);
  CHECK(desk.host.at(late).got == Signals{SIGKILL});
  desk.now_ns += Responder::kPatienceNs * 5;
  const auto news = desk.settle();
  REQUIRE(news.settled.size() == 1);
  CHECK(parse_response_outcome(news.settled[0].response_outcome).processes == 12);
}

TEST_CASE("who is protected in a tree lives on, and so does what is below", "[respond]") {
  Desk desk(rule("action = \"kill_tree\""), {.enforce = true, .protection = {.units = {"ssh.service"}}});
  desk.host.begin(kPid, 9000, kInode);
  const size_t safe = desk.host.begin(20'000, 9001, 5, kPid);
  desk.host.at(safe).facts.unit = "ssh.service";
  const size_t below = desk.host.begin(20'001, 9002, 5, 20'000);
  CHECK(desk.respond(desk.exec_event(9000)) == "signalled");
  CHECK(desk.host.at(safe).got.empty());
  CHECK(desk.host.at(below).got.empty());
}

TEST_CASE("to stop is not to end", "[respond]") {
  Desk desk(rule("action = \"stop\""));
  const size_t victim = desk.host.begin(kPid, 9000, kInode);
  CHECK(desk.respond(desk.exec_event(9000)) == "signalled");
  CHECK(desk.host.at(victim).got == Signals{SIGSTOP});
  const auto news = desk.settle();
  REQUIRE(news.settled.size() == 1);
  CHECK(parse_response_outcome(news.settled[0].response_outcome).what == "stopped");
}

TEST_CASE("a parent is ended only where its start and its file are known", "[respond]") {
  for (const bool known : {true, false}) {
    Desk desk(rule("action = \"kill\", target = \"parent\""));
    const size_t parent = desk.host.begin(600, 8000, 66);
    const size_t victim = desk.host.begin(kPid, 9000, kInode, 600);
    auto event = desk.exec_event(9000);
    auto node = std::make_shared<Process>(*event->process);
    auto above = std::make_shared<Process>(*event->process);
    above->set_pid(600);
    above->key = {.pid = 600, .birth_ns = kBooted + 8000 * kTickNs};
    above->fork_seen = true;
    if (known) {
      Event told = test::exec(600, "/bin/y").with("process.Ext.device", "8:1").with("process.Ext.inode", 66);
      Attributes::Builder builder;
      builder.add_from(Leaf::kDevice, told, process_field(Leaf::kDevice));
      builder.add_from(Leaf::kInode, told, process_field(Leaf::kInode));
      above->attributes = builder.build();
    }
    node->parent = above;
    event->process = node;
    CHECK(desk.respond(event) == (known ? "signalled" : "refused: identity"));
    CHECK(desk.host.at(parent).got.empty() != known);
    CHECK(desk.host.at(victim).got.empty());
  }
}

TEST_CASE("a parent that began in the same tick is known by the child that it still has", "[respond]") {
  for (const uint32_t now : {600u, 1u}) {
    Desk desk(rule("action = \"kill\", target = \"parent\""));
    const size_t parent = desk.host.begin(600, 10'000, 66);
    desk.hold(desk.host.begin(kPid, 10'000, kInode, now));
    auto event = desk.exec_event(10'000);
    auto node = std::make_shared<Process>(*event->process);
    auto above = std::make_shared<Process>(*event->process);
    above->set_pid(600);
    above->key = {.pid = 600, .birth_ns = kBooted + 10'000 * kTickNs};
    above->fork_seen = true;
    Event told = test::exec(600, "/bin/y").with("process.Ext.device", "8:1").with("process.Ext.inode", 66);
    Attributes::Builder builder;
    builder.add_from(Leaf::kDevice, told, process_field(Leaf::kDevice));
    builder.add_from(Leaf::kInode, told, process_field(Leaf::kInode));
    above->attributes = builder.build();
    node->parent = above;
    event->process = node;
    CHECK(desk.respond(event) == (now == 600 ? "signalled" : "refused: identity"));
    CHECK(desk.host.at(parent).got.empty() == (now != 600));
  }
}

TEST_CASE("nothing is done where what the rule asked could not be had", "[respond]") {
  Desk desk;
  const size_t victim = desk.host.begin(kPid, 9000, kInode);
  auto event = desk.exec_event(9000);
  event->begin_list(field::kMissing);
  event->append_text(field::kMissing, "process.executable");
  CHECK(desk.respond(event) == "refused: incomplete");
  CHECK(desk.host.at(victim).got.empty());
}

TEST_CASE("what can not be written down is not done", "[respond]") {
  Desk desk;
  std::vector<ResponseLog::Intent> unfinished;
  auto full = ResponseLog::open(desk.directory.path("full.log"), 0, unfinished);
  REQUIRE(full);
  REQUIRE(truncate(desk.directory.path("full.log").c_str(), ResponseLog::kFullBytes + 1) == 0);
  REQUIRE(full->intend({.hit = "aa"}, 0));  // nothing is open in it: it is set aside
  REQUIRE(truncate(desk.directory.path("full.log").c_str(), ResponseLog::kFullBytes + 1) == 0);
  CHECK(!full->intend({.hit = "bb"}, 0));
}

TEST_CASE("an intent without an outcome is unknown to the next run, and nothing is done", "[respond]") {
  Desk desk;
  desk.host.at(desk.host.begin(kPid, 9000, kInode)).stays = true;
  CHECK(desk.respond(desk.exec_event(9000)) == "signalled");
  std::vector<ResponseLog::Intent> unfinished;
  REQUIRE(ResponseLog::open(desk.directory.path("responses.log"), 0, unfinished));
  REQUIRE(unfinished.size() == 1);
  CHECK(unfinished[0].pid == kPid);
  CHECK(unfinished[0].hit == "00000000000000000000000000000001");
  CHECK(desk.log_text().find("\"outcome\":\"unknown\"") != std::string::npos);
  unfinished.clear();
  REQUIRE(ResponseLog::open(desk.directory.path("responses.log"), 0, unfinished));
  CHECK(unfinished.empty());
}

TEST_CASE("a line that was cut off spoils no other", "[respond]") {
  TempDir directory;
  directory.write(
      "responses.log",
      "nonsense\n{\"type\":\"intent\",\"time\":\"x\",\"hit\":\"aa\",\"hit_time_ns\":5,\"mode\":\"enforce\","
      "\"action\":\"kill\",\"pid\":7,\"start_ticks\":8,\"rule\":\"r\",\"executable\":\"/"
      "x\\\"hit\\\":\\\"zz\"}\n"
      "{\"type\":\"outcome\",\"hit\":\"aa");
  std::vector<ResponseLog::Intent> unfinished;
  auto log = ResponseLog::open(directory.path("responses.log"), 0, unfinished);
  REQUIRE(log);
  REQUIRE(unfinished.size() == 1);
  CHECK(unfinished[0].hit == "aa");
  CHECK(unfinished[0].pid == 7);
}

TEST_CASE("TRUST 85: holds are bounded, and the older half goes where descriptors are short", "[respond]") {
  GripRing ring(8);
  for (int i = 0; i < 20; ++i) ring.add({.pid = static_cast<uint32_t>(i), .boot_ns = i, .exec = true});
  CHECK(ring.size() == 8);
  CHECK(ring.evicted() == 12);
  CHECK(ring.find(19, 19) != nullptr);
  CHECK(ring.find(3, 3) == nullptr);
  ring.add({.pid = 30, .boot_ns = 30, .exec = true, .refused = true});
  CHECK(ring.size() == 5);
  CHECK(ring.has_later_exec(30, 29));
  CHECK(!ring.has_later_exec(30, 30));
}

TEST_CASE("a budget is of a window that slides, for each rule and for all", "[respond]") {
  Budget budget({.per_rule = {.count = 2, .period_ns = 100}, .total = {.count = 3, .period_ns = 100}});
  using enum Budget::Answer;
  CHECK(budget.take("a", 0) == kGranted);
  CHECK(budget.take("a", 10) == kGranted);
  CHECK(budget.take("a", 20) == kRuleSpent);
  CHECK(budget.take("b", 30) == kGranted);
  CHECK(budget.take("c", 40) == kAllSpent);
  CHECK(budget.take("a", 100) == kGranted);
  CHECK(budget.take("a", 105) == kRuleSpent);
  Budget unlimited({.per_rule = {.count = 0}, .total = {.count = 0}});
  for (int i = 0; i < 10'000; ++i) CHECK(unlimited.take("a", 0) == kGranted);
}

}  // namespace detectd
