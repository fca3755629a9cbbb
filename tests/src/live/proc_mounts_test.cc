#include "src/live/proc_mounts.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

namespace detectd {
namespace {

constexpr std::string_view kUsual =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "23 22 0:21 / /proc rw,nosuid shared:5 - proc proc rw\n"
    "24 23 0:30 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw\n"
    "25 22 0:40 / /tmp rw - tmpfs tmpfs rw\n";

std::vector<ProcMount> find(std::string_view more) {
  return find_proc_mounts(std::string(kUsual) + std::string(more));
}

}  // namespace

TEST_CASE("mounts elsewhere hide no process", "[live]") {
  CHECK(find("").empty());
  CHECK(find("26 25 0:41 / /tmp/12 rw - tmpfs tmpfs rw\n").empty());
  CHECK(find("26 23 0:41 / /proc/12x rw - tmpfs tmpfs rw\n").empty());
}

TEST_CASE("TRUST 86: a mount over a process in a procfs is found, wherever the procfs is", "[live]") {
  CHECK(find("26 23 0:41 / /proc/812 rw - tmpfs tmpfs rw\n") ==
        std::vector<ProcMount>{{.id = 26, .place = "/proc/812", .pid = 812}});
  CHECK(find("26 23 0:41 / /proc/812/fd rw shared:9 master:2 - ext4 /dev/sda1 rw\n") ==
        std::vector<ProcMount>{{.id = 26, .place = "/proc/812/fd", .pid = 812}});
  CHECK(find("30 25 0:50 / /tmp/my\\040jail/proc rw - proc proc rw\n"
             "31 30 0:41 / /tmp/my\\040jail/proc/7 rw - tmpfs tmpfs rw\n") ==
        std::vector<ProcMount>{{.id = 31, .place = "/tmp/my jail/proc/7", .pid = 7}});
}

TEST_CASE("lines of a mountinfo that are no mounts are left out", "[live]") {
  for (const std::string_view line :
       {"", " ", "26", "26 23 0:41 / /proc/812", "x 23 0:41 / /proc/812 rw - tmpfs t rw", "26 23 0:41 /",
        "26 23 0:41 / /proc/99999999999 rw - tmpfs tmpfs rw", "26 23 0:41 / /proc/812 rw -",
        "26 23 0:41 / /proc/8\\01 rw - tmpfs tmpfs rw"}) {
    CAPTURE(line);
    CHECK(find(std::string(line) + "\n").empty());
  }
}

TEST_CASE("TRUST 86: a new mount over a process is told of once", "[live]") {
  // In a mount namespace of its own.
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) _exit(77);
    const std::string place = "/proc/" + std::to_string(getpid());
    ProcMounts mounts("/proc/thread-self/mountinfo");
    if (!mounts.look().empty()) _exit(1);
    if (mount("/tmp", place.c_str(), nullptr, MS_BIND, nullptr) != 0) _exit(77);
    const auto fresh = mounts.look();
    if (fresh.size() != 1 || fresh[0].place != place || fresh[0].pid != static_cast<uint32_t>(getpid()))
      _exit(2);
    _exit(mounts.look().empty() ? 0 : 3);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) {
    WARN("skipped: nothing may be mounted here");
    return;
  }
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace detectd
