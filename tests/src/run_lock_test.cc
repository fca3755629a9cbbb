#include "src/run_lock.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

const std::string kRunning = "pid 812 since 2026-11-22T08:00:00Z boot b-1 alive 123456789 running\n";

// Whom a daemon of this boot would tell of.
std::optional<RunLock::Killed> killed_before(const std::string& path, const std::string& boot_id = "b-1") {
  const auto lock = RunLock::take(path, boot_id);
  REQUIRE(lock);
  return lock->killed();
}

TEST_CASE("bad input 38: one daemon at a time, and the second is told who the first is") {
  const TempDir directory;
  const std::string path = directory.path("run/lock");
  auto first = RunLock::take(path, "b-1");
  REQUIRE(first);
  first->beat(1);
  const auto second = RunLock::take(path, "b-1");
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Errc::kSystem);
  CHECK_THAT(second.error().message,
             Catch::Contains("another detectd (pid " + std::to_string(getpid()) + ", since 2"));
}

TEST_CASE("TRUST 82: who was killed is told of, by the first daemon after it that watches") {
  const TempDir directory;
  directory.write("lock", kRunning);
  const std::string path = directory.path("lock");
  {
    auto lock = RunLock::take(path, "b-1");
    REQUIRE(lock);
    REQUIRE(lock->killed());
    CHECK(lock->killed()->pid == 812);
    CHECK(lock->killed()->alive_boot_ns == 123456789);
    // It could not begin: the next one still knows.
  }
  {
    auto lock = RunLock::take(path, "b-1");
    REQUIRE(lock);
    CHECK(lock->killed());
    lock->beat(200000000);
  }
  CHECK_FALSE(killed_before(path));
}

TEST_CASE("nobody was killed before the host was booted, or by what a file says that is none of ours") {
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string(4096, 'x'), kRunning.substr(0, 30),
        std::string("pid -1 since x boot b-1 alive zz running\n"), std::string(100, '\0')}) {
    const TempDir directory;
    directory.write("lock", text);
    CHECK_FALSE(killed_before(directory.path("lock")));
  }
  const TempDir directory;
  directory.write("lock", kRunning);
  CHECK_FALSE(killed_before(directory.path("lock"), "b-2"));
}

TEST_CASE("TRUST 94: a link is no lock") {
  const TempDir directory;
  directory.write("target", "");
  REQUIRE(symlink(directory.path("target").c_str(), directory.path("lock").c_str()) == 0);
  CHECK_FALSE(RunLock::take(directory.path("lock"), "b-1"));
}

}  // namespace
}  // namespace detectd
