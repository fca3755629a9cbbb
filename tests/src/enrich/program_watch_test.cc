#include "src/enrich/program_watch.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/fake_procfs.h"

namespace detectd {
namespace {

using test::FakeProcess;
using test::FakeProcfs;

constexpr int64_t kLater = ProgramWatch::kDelayNs;

struct Program {
  uint32_t pid = 77;
  uint64_t start_ticks = 500;
  uint64_t stack = 9'000;
  uint64_t arguments = 9'100;  // where they are
  std::string cmdline = std::string("curl\0-s\0x.test\0", 15);
  uint64_t size = 15;
  std::string executable = "/usr/bin/curl";
  std::optional<FileIdentity> file = FileIdentity{.inode = 7};
};

std::string line(const Program& program) {
  return std::to_string(program.pid) + " (curl) S 1 77 70 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 " +
         std::to_string(program.start_ticks) + " 0 0 0 0 0 " + std::to_string(program.stack) +
         " 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 " + std::to_string(program.arguments) + " " +
         std::to_string(program.arguments + program.size) + " 0 0 0\n";
}

// A process that ran curl, whose arguments are watched.
struct World {
  World() { note({}); }

  void note(const Program& program, int64_t now_ns = 0) {
    ExecImage image;
    image.cmdline = program.cmdline;
    image.stat = line(program);
    image.file = program.file;
    watch.note(program.pid, image, now_ns);
    become(program);
  }
  void become(const Program& program) {
    auto process = std::make_shared<FakeProcess>();
    process->stat = line(program);
    process->cmdline = program.cmdline;
    process->file = program.file;
    process->executable = program.executable;
    procfs.processes[program.pid] = process;
  }
  std::string look(int64_t now_ns = kLater) {
    std::string told;
    watch.look(now_ns, [&](const ProgramChange& change) {
      const bool moved = change.what == ProgramChange::What::kMovedArguments;
      const bool runs = change.what == ProgramChange::What::kExecutable;
      told += std::to_string(change.pid) + (moved ? " moved: " : runs ? " runs: " : ": ") + change.now + "\n";
    });
    return told;
  }

  FakeProcfs procfs;
  ProgramWatch watch{procfs};
};

}  // namespace

TEST_CASE("arguments that stay what they were raise nothing, and are read once more only", "[enrich]") {
  World world;
  CHECK(world.look(kLater - 1).empty());
  CHECK(world.procfs.reads == 0);
  CHECK(world.look().empty());
  CHECK(world.watch.counters().compared == 1);
  const size_t reads = world.procfs.reads;
  CHECK(world.look(10 * kLater).empty());
  CHECK(world.procfs.reads == reads);
}

TEST_CASE("TRUST 16: arguments that were written over after the exec are told", "[enrich]") {
  World world;
  world.become({.cmdline = std::string("sshd\0-s\0harmle\0", 15)});
  CHECK(world.look() == "77: sshd -s harmle\n");
  CHECK(world.look(10 * kLater).empty());
  CHECK(world.watch.counters().changed == 1);
}

TEST_CASE("TRUST 17: arguments that were moved away from the stack are told", "[enrich]") {
  World world;
  world.become({.arguments = 100, .cmdline = "fake"});
  CHECK(world.look() == "77 moved: fake\n");
}

TEST_CASE("TRUST 17: so are those that were moved before they were read at all", "[enrich]") {
  World world;
  world.note({.arguments = 100, .cmdline = "fake"});
  CHECK(world.look() == "77 moved: fake\n");
}

TEST_CASE("TRUST 17: who moves the stack too, to look like another program, is told of a little later",
          "[enrich]") {
  World world;
  world.become({.stack = 5'000, .arguments = 5'100, .cmdline = "fake"});
  CHECK(world.look().empty());
  CHECK(world.look(2 * kLater) == "77 moved: fake\n");
}

TEST_CASE("another program is no change, whether it was heard of, ended, or has the pid", "[enrich]") {
  World world;
  SECTION("a program whose exec is heard of a little later") {
    world.become({.stack = 5'000, .arguments = 5'100});
    CHECK(world.look().empty());
    world.note({.stack = 5'000, .arguments = 5'100}, kLater);
  }
  SECTION("one whose exec was not read") {
    world.become({.cmdline = "other"});
    world.watch.forget(77);
  }
  SECTION("a process that ended") { world.procfs.processes.clear(); }
  SECTION("a process in its last moments") { world.become({.stack = 0, .arguments = 0, .cmdline = {}}); }
  SECTION("a pid that was used again") { world.become({.start_ticks = 501, .cmdline = "other"}); }
  SECTION("events that were lost") {
    world.become({.cmdline = "other"});
    world.watch.forget_all();
  }
  CHECK(world.look(2 * kLater).empty());
  CHECK(world.watch.counters().changed == 0);
}

TEST_CASE("TRUST 19: an environment behind the arguments is neither compared nor shown", "[enrich]") {
  World world;
  world.note({.cmdline = std::string("curl\0-s\0x.test\0SECRET=1\0", 24)});
  world.become({.cmdline = std::string("curl\0-s\0x.test\0SECRET=2\0", 24)});
  CHECK(world.look().empty());
}

TEST_CASE("more than wait are not read again, the oldest of them, and counted", "[enrich]") {
  World world;
  for (uint32_t i = 0; i < ProgramWatch::kMaxWaiting; ++i) world.note({.pid = 1000 + i});
  world.become({.cmdline = "other"});
  world.become({.pid = 1000, .cmdline = "second"});
  CHECK(world.look() == "1000: second\n");
  CHECK(world.watch.counters().skipped == 1);
}

TEST_CASE("TRUST 18: a process that names another file as its program, without an exec, is told of",
          "[enrich]") {
  World world;
  world.become({.executable = "/usr/sbin/sshd", .file = FileIdentity{.inode = 8}});
  CHECK(world.look() == "77 runs: /usr/sbin/sshd\n");
  CHECK(world.look(10 * kLater).empty());
  CHECK(world.watch.counters().renamed == 1);
}

TEST_CASE("a file that can not be told, then or now, is no other file", "[enrich]") {
  World world;
  world.become({.file = std::nullopt});
  CHECK(world.look().empty());
  world.note({.file = std::nullopt});
  world.become({.file = FileIdentity{.inode = 8}});
  CHECK(world.look(10 * kLater).empty());
}

}  // namespace detectd
