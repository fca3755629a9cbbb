// Processes that are looked at again and again, in memory; at the end those of this host.
#include "src/live/procfs_poll.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/fake_procfs.h"
#include "tests/support/held_process.h"
#include "tests/support/host_view.h"

namespace detectd {
namespace {

using test::FakeProcess;
using test::FakeProcfs;
using test::HeldProcess;
using test::HostView;
using test::misses;
using test::show;

struct Task {
  std::string name = "sh";
  std::string command = "sh";  // blanks between arguments
  uint32_t parent = 1;
  uint64_t start_ticks = 500;
  uint64_t stack = 9'000;  // moves with every exec; 0: not told to us
  int uid = 1000;
  int gid = 1000;
  uint64_t flags = 0;
};

std::string stat_of(uint32_t pid, const Task& task) {
  const std::string arg_start = std::to_string(task.stack == 0 ? 0 : task.stack + 100);
  const std::string arg_end = std::to_string(task.stack == 0 ? 0 : task.stack + 200);
  return std::to_string(pid) + " (" + task.name + ") S " + std::to_string(task.parent) + " 77 70 0 -1 " +
         std::to_string(task.flags) + " 0 0 0 0 0 0 0 0 20 0 1 0 " + std::to_string(task.start_ticks) +
         " 0 0 0 0 0 " + std::to_string(task.stack) + " 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 " + arg_start +
         " " + arg_end + " 0 0 0\n";
}

std::string status_of(const Task& task) {
  const auto ids = [](int id) {
    std::string text;
    for (int i = 0; i < 4; ++i) text += "\t" + std::to_string(id);
    return text + "\n";
  };
  return "Name:\t" + task.name + "\nUid:" + ids(task.uid) + "Gid:" + ids(task.gid) + "Groups:\t\n";
}

class World {
 public:
  World() : enricher_(procfs_, {.boot_time_ns = 0, .users = "/dev/null", .groups = "/dev/null"}) {
    poll_.emplace(
        procfs_, [this](uint32_t pid, ExecImage& image) { read(pid, image); }, enricher_);
  }

  // A look, some time after the last; its events, a line each: "exec 7 <1 sh -c id".
  std::string look() {
    boot_ns_ += 100'000'000;
    std::string text;
    const Moment now{.time_ns = boot_ns_, .boot_ns = boot_ns_, .host = nullptr};
    REQUIRE(poll_->look(now, [&](Event& event) {
      text += std::string(to_string(event.kind)) + " " + show(event, "process.pid");
      if (event.carries(parent_field(Leaf::kPid))) text += " <" + show(event, "process.parent.pid");
      if (event.carries(process_field(Leaf::kArgs))) text += " " + show(event, "process.args");
      if (event.kind == EventKind::kUidChange) text += " uid " + show(event, "process.user.id");
      if (event.kind == EventKind::kGidChange) text += " gid " + show(event, "process.group.id");
      text += "\n";
      last = event;
    }));
    return text;
  }
  void set(uint32_t pid, const Task& task) {
    tasks_[pid] = task;
    auto& process = procfs_.processes[pid];
    if (!process) process = std::make_shared<FakeProcess>();
    process->stat = stat_of(pid, task);
    process->status = status_of(task);
  }
  void remove(uint32_t pid) {
    tasks_.erase(pid);
    procfs_.processes.erase(pid);
  }

  Event last;
  // Called before the program of a process is read.
  std::function<void(uint32_t)> before_image;
  // Called when its arguments were read, and nothing else of it.
  std::function<void(uint32_t)> between_files;

 private:
  void read(uint32_t pid, ExecImage& image) {
    if (before_image) before_image(pid);
    const auto found = tasks_.find(pid);
    if (found == tasks_.end()) return;
    for (const char c : found->second.command) image.cmdline += c == ' ' ? '\0' : c;
    image.cmdline += '\0';
    if (between_files) between_files(pid);
    image.executable = "/bin/sh";
    image.stat = stat_of(pid, found->second);
  }

  FakeProcfs procfs_;
  Enricher enricher_;
  std::map<uint32_t, Task> tasks_;
  std::optional<ProcfsPoll> poll_;
  int64_t boot_ns_ = 1'000'000'000'000;
};

TEST_CASE("The first look tells of the processes that run already, parents first, and the next of nothing") {
  World world;
  world.set(3, {.name = "cron", .command = "cron -f", .parent = 9, .start_ticks = 20});
  world.set(9, {.name = "init", .command = "init", .parent = 0, .start_ticks = 10, .stack = 8'000});
  CHECK(world.look() == "already_running 9 init\nalready_running 3 <9 cron|-f\n");
  CHECK(show(world.last, "event.reason") == "start");
  CHECK(show(world.last, "detectd.source") == "procfs");
  CHECK(world.look() == "");
}

TEST_CASE("What a process that is new, or changed, or gone is told as") {
  struct Case {
    const char* what;
    std::optional<Task> before;
    std::optional<Task> after;
    const char* want;
  };
  const Task shell{.command = "sh -c id", .stack = 5'000};
  const Task kernel{.name = "kworker/0:1", .parent = 2, .stack = 0, .flags = 0x00200000};
  const auto with = [](Task task, auto change) {
    change(task);
    return task;
  };
  const Task untold = with(shell, [](Task& task) { task.stack = 0; });
  const Case cases[] = {
      {"new", {}, shell, "exec 7 <1 sh|-c|id\n"},
      {"new, running its parent's program",
       {},
       with(shell, [](Task& task) { task.stack = 1'000; }),
       "fork 7 <1\n"},
      {"a thread of the kernel", {}, kernel, "fork 7 <2\n"},
      {"the same", shell, shell, ""},
      {"gone", shell, {}, "end 7\n"},
      {"another program", shell,
       with(shell, [](Task& task) { task.name = "id", task.command = "id", task.stack = 6'000; }),
       "exec 7 <1 id\n"},
      {"the same program again", shell, with(shell, [](Task& task) { task.stack = 6'000; }),
       "exec 7 <1 sh|-c|id\n"},
      {"only its name", shell, with(shell, [](Task& task) { task.name = "worker"; }), ""},
      {"only its command line", shell, with(shell, [](Task& task) { task.command = "sh: idle"; }), ""},
      {"another one's, name and command line", untold,
       with(untold, [](Task& task) { task.name = "id", task.command = "id"; }), "exec 7 <1 id\n"},
      {"another one's, only the command line", untold,
       with(untold, [](Task& task) { task.command = "sh: idle"; }), ""},
      {"its user", shell, with(shell, [](Task& task) { task.uid = 0; }), "uid_change 7 uid 0\n"},
      {"user and group", shell, with(shell, [](Task& task) { task.uid = 0, task.gid = 4; }),
       "uid_change 7 uid 0\ngid_change 7 gid 4\n"},
      {"user and program", shell,
       with(shell,
            [](Task& task) { task.name = "su", task.command = "su", task.stack = 6'000, task.uid = 0; }),
       "exec 7 <1 su\n"},
      {"another process with its pid", shell,
       with(shell, [](Task& task) { task.start_ticks = 900, task.stack = 7'000; }),
       "end 7\nexec 7 <1 sh|-c|id\n"},
  };
  for (const Case& c : cases) {
    INFO(c.what);
    World world;
    world.set(1, {.name = "init", .command = "init", .parent = 0, .start_ticks = 1, .stack = 1'000});
    if (c.before) world.set(7, *c.before);
    world.look();
    if (c.after) world.set(7, *c.after);
    if (!c.after) world.remove(7);
    CHECK(world.look() == c.want);
    CHECK(world.look() == "");
  }
}

TEST_CASE("An end that is only noticed has neither exit code nor signal, and says so") {
  World world;
  world.set(7, {});
  world.look();
  world.remove(7);
  world.look();
  CHECK(world.last.kind == EventKind::kEnd);
  CHECK(misses(world.last, "process.exit_code"));
  CHECK(misses(world.last, "detectd.exit_signal"));
}

TEST_CASE("A process that ends before its program is read is not told of, neither its begin nor its end") {
  World world;
  world.look();
  world.set(7, {});
  world.before_image = [&](uint32_t pid) { world.remove(pid); };
  CHECK(world.look() == "");
  CHECK(world.look() == "");
}

TEST_CASE("A pid that is used again while it is looked at is told of as the new process by the next look") {
  World world;
  world.look();
  world.set(7, {.command = "old"});
  world.before_image = [&](uint32_t pid) { world.set(pid, {.command = "new", .start_ticks = 600}); };
  CHECK(world.look() == "");
  world.before_image = {};
  CHECK(world.look() == "exec 7 <1 new\n");
}

TEST_CASE("A process that begins during a look is told of by the next, not before its birth") {
  World world;
  world.look();  // at 1000.1 s
  world.set(7, {.start_ticks = 100'021});
  CHECK(world.look() == "");
  CHECK(world.look() == "exec 7 <1 sh\n");
}

TEST_CASE("A program that follows while it is looked at is told once") {
  World world;
  world.look();
  world.set(7, {.command = "first", .stack = 5'000});
  world.before_image = [&](uint32_t pid) { world.set(pid, {.command = "second", .stack = 6'000}); };
  CHECK(world.look() == "exec 7 <1 second\n");
  CHECK(world.look() == "");
}

TEST_CASE("A program is not told with the arguments of the one before") {
  World world;
  world.look();
  world.set(7, {.name = "setpriv", .command = "setpriv nap", .stack = 5'000});
  world.between_files = [&](uint32_t pid) {
    world.set(pid, {.name = "nap", .command = "nap", .stack = 6'000});
    world.between_files = {};
  };
  CHECK(world.look() == "exec 7 <1 nap\n");
  CHECK(world.look() == "");
}

TEST_CASE("Of a process that runs one program after the other none is told for sure") {
  World world;
  world.look();
  uint64_t stack = 5'000;
  world.set(7, {.stack = stack});
  world.before_image = [&](uint32_t pid) { world.set(pid, {.stack = ++stack}); };
  CHECK(world.look() == "exec 7 <1\n");
  CHECK(misses(world.last, "process.args"));
}

TEST_CASE("Polling this host sees a process that begins, runs and ends") {
  HostView host;
  ProcfsPoll poll(
      host.procfs(), [&](uint32_t pid, ExecImage& image) { host.reader().read(pid, image); },
      host.enricher());
  std::map<uint32_t, std::string> told;
  const auto look = [&] {
    told.clear();
    REQUIRE(
        poll.look({.time_ns = INT64_MAX / 4, .boot_ns = INT64_MAX / 4, .host = nullptr}, [&](Event& event) {
          auto& text = told[static_cast<uint32_t>(event.find_carried(process_field(Leaf::kPid)).number)];
          text += std::string(to_string(event.kind)) + " " + show(event, "process.args") + " <" +
                  show(event, "process.parent.pid");
        }));
  };
  look();
  const auto own_pid = static_cast<uint32_t>(getpid());
  CHECK(told[own_pid].starts_with("already_running"));
  HeldProcess cat({"cat", "-", "polled"});
  REQUIRE(cat.runs());
  const uint32_t pid = cat.pid();
  look();
  CHECK(told[pid] == "exec cat|-|polled <" + std::to_string(getpid()));
  cat.end();
  look();
  CHECK(told[pid] == "end - <-");
}

}  // namespace
}  // namespace detectd
