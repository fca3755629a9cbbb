#include "src/respond/protection.h"

#include <catch2/catch.hpp>

#include "engine/attributes.h"
#include "engine/response_outcome.h"
#include "engine/timestamp.h"
#include "src/detectctl/hunt_tally.h"
#include "src/live/exec_judge.h"
#include "src/respond/responder.h"
#include "tests/support/events.h"
#include "tests/support/fake_host.h"
#include "tests/support/stream.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

using test::Make;

constexpr uint32_t kSelf = 4242;
constexpr uint32_t kSupervisor = 777;
constexpr int64_t kNowNs = 100'000'000'000;
constexpr int64_t kBooted = 1'790'000'000'000'000'000;
constexpr FileKey kSshd{.device_major = 8, .device_minor = 1, .inode = 5};

const ProtectedList kList{.executables = {"/usr/sbin/sshd"}, .units = {"ssh.service", "db.slice"}};

// What is to be done to, and what is known of it.
struct Case {
  const char* what;
  ResponseTarget target;
  std::string_view why;          // as the host tells it
  std::string_view recorded;     // as a capture tells it
  bool other_users = false;      // it is in another user namespace
  bool runs_on_its_own = false;  // no exec of it is to be judged: it is no program, or not the one that execs
};

Case same(const char* what, ResponseTarget target, std::string_view why) {
  return {.what = what, .target = target, .why = why, .recorded = why};
}

std::vector<Case> cases() {
  constexpr FileKey kOther{.device_major = 8, .device_minor = 1, .inode = 77};
  const auto bash = [&](std::string_view unit, std::string_view cgroup) {
    return ResponseTarget{.pid = 96,
                          .parent_pid = 50,
                          .executable = "/bin/bash",
                          .file = kOther,
                          .unit = unit,
                          .cgroup = cgroup};
  };
  const auto program = [&](std::string_view path, FileKey file) {
    return ResponseTarget{.pid = 94, .parent_pid = 50, .executable = path, .file = file};
  };
  std::vector<Case> all = {
      same("init", {.pid = 1, .executable = "/sbin/init", .file = kOther}, "pid 1"),
      same("what the kernel itself started",
           {.pid = 91, .parent_pid = 2, .executable = "/tmp/x", .file = kOther}, ""),
      same("a listed program", program("/usr/sbin/sshd", kSshd), "/usr/sbin/sshd"),
      same("a name that only begins so", program("/usr/sbin/sshd2", kOther), ""),
      same("a path that only ends so", program("/tmp/usr/sbin/sshd", kOther), ""),
      same("a listed unit", bash("ssh.service", "/system.slice/ssh.service"), "ssh.service"),
      same("a group below a listed unit", bash("ssh.service", "/system.slice/ssh.service/inner"),
           "ssh.service"),
      same("a unit in a listed slice", bash("pg.service", "/db.slice/db-pg.slice/pg.service"), "db.slice"),
      same("a unit of another name", bash("ssh.service.evil", "/system.slice/ssh.service.evil"), ""),
      same("a group that a user called so",
           bash("user@1000.service", "/user.slice/user-1000.slice/user@1000.service/ssh.service"), ""),
      same("nothing of that", bash("", "/"), ""),
      // Only who can ask the host knows.
      {"a listed program by another path", program("/usr/local/bin/sshd", kSshd), "/usr/sbin/sshd", ""},
      {"ourselves",
       {.pid = kSelf, .parent_pid = kSupervisor, .executable = "/usr/sbin/detectd", .file = kOther},
       "detectd itself",
       ""},
      {"who started us",
       {.pid = kSupervisor, .parent_pid = 1, .executable = "/usr/bin/runsv", .file = kOther},
       "detectd itself",
       ""},
      {"another's file at a listed path, in his own mount namespace",
       {.pid = 95, .parent_pid = 50, .executable = "/usr/sbin/sshd", .foreign_path = true, .file = kOther},
       "",
       ""},
  };
  ResponseTarget upgraded = program("/usr/sbin/sshd", kOther);
  upgraded.file_deleted = true;
  all.push_back(same("a listed program, replaced by an upgrade", upgraded, "/usr/sbin/sshd"));
  all.push_back({.what = "another's file at a listed path, removed, in namespaces of his own",
                 .target = upgraded,
                 .why = "",
                 .recorded = "/usr/sbin/sshd",
                 .other_users = true});
  all.push_back({.what = "a listed program, run by somebody in a user namespace",
                 .target = program("/usr/sbin/sshd", kSshd),
                 .why = "/usr/sbin/sshd",
                 .recorded = "/usr/sbin/sshd",
                 .other_users = true});
  all.push_back({.what = "a thread of the kernel",
                 .target = {.pid = 90, .parent_pid = 2, .kernel_thread = true},
                 .why = "a thread of the kernel",
                 .recorded = "a thread of the kernel",
                 .runs_on_its_own = true});
  all.push_back({.what = "the first of the kernel's threads",
                 .target = {.pid = 2, .kernel_thread = true},
                 .why = "a thread of the kernel",
                 .recorded = "a thread of the kernel",
                 .runs_on_its_own = true});
  return all;
}

Protection::Host fake(test::FakeHost& host) {
  return {.file = [&host](const std::string& path) { return host.file(path); },
          .parent =
              [&host](uint32_t pid) {
                const auto facts = host.read(pid);
                return facts ? facts->parent_pid : 0;
              },
          .other_users = [&host](uint32_t pid) { return host.has_other_users(pid); },
          .self = kSelf};
}

void populate(test::FakeHost& host, const Case& c) {
  host.files["/usr/sbin/sshd"] = kSshd;
  if (c.other_users) host.with_other_users.insert(c.target.pid);
  host.begin(1, 1, 900, 0);
  host.begin(kSupervisor, 40, 901, 1);
  host.begin(kSelf, 50, 902, kSupervisor);
  const size_t number = host.begin(c.target.pid, 9000, 77, c.target.parent_pid);
  ProcessFacts& facts = host.at(number).facts;
  facts.kernel_thread = c.target.kernel_thread;
  facts.executable = c.target.executable;
  facts.file = c.target.file ? c.target.file : facts.file;
  facts.file_deleted = c.target.file_deleted;
  facts.unit = c.target.unit;
  facts.unit_path = c.target.cgroup;
}

std::shared_ptr<Event> event_of(EventKind kind, const ResponseTarget& target) {
  auto event = std::make_shared<Event>(test::event(kind, target.pid));
  event->time_ns = kNowNs;
  event->set_integer(field::kBootNs, kNowNs);
  if (target.parent_pid != 0) event->set_integer(parent_field(Leaf::kPid), target.parent_pid);
  const auto text = [&](Leaf leaf, std::string_view value) {
    if (!value.empty()) event->set_text(process_field(leaf), value);
  };
  text(Leaf::kExecutable, target.executable);
  text(Leaf::kUnit, target.unit);
  text(Leaf::kCgroup, target.cgroup);
  if (target.file) {
    text(Leaf::kDevice,
         std::to_string(target.file->device_major) + ":" + std::to_string(target.file->device_minor));
    event->set_integer(process_field(Leaf::kInode), static_cast<int64_t>(target.file->inode));
  }
  if (target.file_deleted) event->set_boolean(process_field(Leaf::kDeleted), true);
  if (target.foreign_path) {
    event->begin_list(field::kMissing);
    event->append_text(field::kMissing, "process.executable");
  }
  return event;
}

std::shared_ptr<const RuleSet> rules(const char* kind, const char* action) {
  RuleDocument document = testing::read_document(
      "[[rule]]\nid = \"00000000-0000-4000-8000-000000000001\"\nname = \"careless\"\ntitle = \"t\"\n"
      "level = \"high\"\non = \"" +
      std::string(kind) + "\"\nresponse = { action = \"" + action +
      "\" }\n[rule.detection]\na.\"process.parent.pid|gte\" = 0\nb.\"process.pid|gte\" = 0\n"
      "c.\"process.executable|startswith\" = \"/\"\nd.\"user.name\" = \"nobody\"\n"
      "condition = \"c or d\"\n");
  Diagnostics diagnostics;
  auto set = RuleSet::compile(document, diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all()) UNSCOPED_INFO(render(diagnostic));
  REQUIRE(diagnostics.errors() == 0);
  return set;
}

// The same stream of events that a hunt sees, by its engine.
HuntOutcome hunted(const Case& c, ResponseAction action) {
  const auto set = rules("exec", "kill");
  Engine engine(set, {});
  std::vector<Event> ready;
  Event event = *event_of(EventKind::kExec, c.target);
  engine.observe(event, ready);
  engine.flush(ready);
  Hit hit;
  hit.rule = set->rules()[0].rule;
  hit.event = std::make_shared<const Event>(ready.back());
  HuntTally tally({.protect = kList, .budget = {}}, {{.rule = hit.rule, .action = action}});
  tally.take(hit);
  return tally.rules()[0].count(HuntOutcome::kProtected) == 1 ? HuntOutcome::kProtected : HuntOutcome::kEnded;
}

}  // namespace

TEST_CASE(
    "TRUST 7: init, the kernel's threads, ourselves and what a site names are protected, by the host and as "
    "recorded",
    "[respond]") {
  for (const Case& c : cases()) {
    INFO(c.what);
    test::FakeHost host;
    populate(host, c);
    CHECK(Protection(kList, fake(host)).why(c.target) == c.why);
    ResponseTarget recorded = c.target;
    recorded.kernel_thread = false;  // no event says so
    CHECK(Protection(kList).why(recorded) == c.recorded);
  }
}

TEST_CASE("TRUST 7: the responder protects whom the host shows to be protected", "[respond]") {
  const auto set = rules("exec", "kill");
  for (const Case& c : cases()) {
    INFO(c.what);
    TempDir directory;
    test::FakeHost host;
    populate(host, c);
    std::vector<ResponseLog::Intent> unfinished;
    auto log = ResponseLog::open(directory.path("responses.log"), kNowNs, unfinished);
    REQUIRE(log);
    Responder responder({.view = host,
                         .signals = host,
                         .log = *std::move(log),
                         .self = kSelf,
                         .boot_clock_ns = [] { return kNowNs; },
                         .wall_clock_ns = [] { return kNowNs; }},
                        {.enforce = true, .protection = kList}, set, 16);
    ResponseTarget target = c.target;
    target.foreign_path = false;  // or the rule would not surely hold
    auto event = event_of(EventKind::kExec, target);
    const ProcessFacts facts = *host.read(c.target.pid);
    if (!target.file) {
      event->set_text(process_field(Leaf::kDevice), "8:1");
      event->set_integer(process_field(Leaf::kInode), static_cast<int64_t>(facts.file->inode));
      event->set_text(process_field(Leaf::kExecutable), "/bin/x");
    }
    event->time_ns = kBooted + kNowNs;
    event->host = std::make_shared<CaptureHost>(CaptureHost{"id", "web01", "boot", kBooted});
    event->set_text(process_field(Leaf::kStart),
                    format_rfc3339(kBooted + static_cast<int64_t>(facts.start_ticks) * kTickNs, 2));
    auto process = std::make_shared<Process>();
    process->set_pid(c.target.pid);
    process->key = {.pid = c.target.pid, .birth_ns = event->time_ns};
    process->attributes = Attributes::Builder().build();
    event->process = process;
    Hit hit;
    hit.rule = set->rules()[0].rule;
    hit.event = event;
    responder.respond(hit);
    const std::string what(parse_response_outcome(hit.response_outcome).what);
    CHECK(what == (c.why.empty() ? "signalled" : "refused: protected"));
  }
}

TEST_CASE("TRUST 7: deny protects whom the responder protects", "[live]") {
  const auto set = rules("exec_check", "deny");
  for (const Case& c : cases()) {
    if (c.runs_on_its_own) continue;
    INFO(c.what);
    test::FakeHost host;
    populate(host, c);
    ExecJudge judge(set, {.armed = true, .protect = kList, .budget = {.per_rule = {}, .total = {}}},
                    fake(host));
    ExecVerdict expected = c.why.empty() ? ExecVerdict::kDenied : ExecVerdict::kProtected;
    if (c.target.foreign_path) expected = ExecVerdict::kIncomplete;
    CHECK(judge.judge(*event_of(EventKind::kExecCheck, c.target), kNowNs) == expected);
  }
}

TEST_CASE("TRUST 7: a hunt says what was recorded to be protected, of kill and of deny", "[hunt]") {
  for (const Case& c : cases()) {
    INFO(c.what);
    const HuntOutcome expected = c.recorded.empty() ? HuntOutcome::kEnded : HuntOutcome::kProtected;
    CHECK(hunted(c, ResponseAction::kKill) == expected);
    if (!c.runs_on_its_own) CHECK(hunted(c, ResponseAction::kDeny) == expected);
  }
}

TEST_CASE("who started us is asked again after a second", "[respond]") {
  test::FakeHost host;
  host.begin(1, 1, 900, 0);
  host.begin(kSelf, 50, 902, 1);
  Protection protection({}, fake(host));
  CHECK(protection.why({.pid = kSupervisor}).empty());
  // As somebody's debugger does that makes itself our parent.
  host.begin(kSupervisor, 40, 901, 1);
  host.at(1).facts.parent_pid = kSupervisor;
  protection.look_around(500'000'000);
  CHECK(protection.why({.pid = kSupervisor}).empty());
  protection.look_around(1'500'000'000);
  CHECK(protection.why({.pid = kSupervisor}) == "detectd itself");
}

}  // namespace detectd
