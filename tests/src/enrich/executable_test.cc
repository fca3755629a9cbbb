// Which program a process runs, told by real processes that hide it.
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "engine/derived_fields.h"
#include "src/enrich/procfs_parse.h"
#include "tests/support/held_process.h"
#include "tests/support/host_view.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

namespace fs = std::filesystem;
using test::HeldProcess;
using test::HostView;
using test::misses;
using test::show;

constexpr uid_t kNobody = 65534;
const std::string kCat = fs::canonical("/bin/cat").string();

// A file of our own that is /bin/cat, where others may run it.
std::string copy_of_cat(const TempDir& folder, const std::string& name) {
  const std::string path = folder.path(name);
  fs::permissions(folder.path(""), fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
  fs::create_directories(fs::path(path).parent_path());
  fs::copy_file(kCat, path);
  return path;
}

int run_file(int file, unsigned flags) {
  std::string name = "cat";
  std::string dash = "-";
  std::array<char*, 3> args = {name.data(), dash.data(), nullptr};
  syscall(SYS_execveat, file, "", args.data(), environ, flags);
  return errno;
}

int memory_copy_of_cat(const char* name) {
  const int memory = memfd_create(name, 0);
  std::ifstream from(kCat, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(from), std::istreambuf_iterator<char>()};
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t some = write(memory, bytes.data() + done, bytes.size() - done);
    if (some <= 0) return -1;
    done += static_cast<size_t>(some);
  }
  return memory;
}

bool skipped(const HeldProcess& process) {
  if (process.runs()) return false;
  WARN("skipped: " << (process.error() != 0 ? std::strerror(process.error()) : "the program did not start"));
  return true;
}

bool skipped_without_root() {
  if (geteuid() == 0) return false;
  WARN("skipped: needs root");
  return true;
}

TEST_CASE("An executable is told with its file") {
  HostView host;
  HeldProcess cat({"cat", "-"});
  REQUIRE(cat.runs());
  struct stat info {};
  REQUIRE(stat(kCat.c_str(), &info) == 0);
  const Event event = host.look_at(cat.pid());
  CHECK(show(event, "process.executable") == kCat);
  CHECK(show(event, "process.Ext.inode") == std::to_string(info.st_ino));
  CHECK(show(event, "process.Ext.links") == std::to_string(info.st_nlink));
  CHECK(show(event, "process.Ext.owner") == "0");
  CHECK(show(event, "process.Ext.mode") == "0755");
  CHECK(show(event, "process.Ext.deleted") == "false");
  CHECK(show(event, "process.Ext.memfd") == "false");
  CHECK_FALSE(misses(event, "process.executable"));
}

TEST_CASE("What the kernel tells of a program at its exec is what /proc says of it") {
  if (!test::ToldHost::tells()) {
    WARN("skipped: " << test::ToldHost::why_not());
    return;
  }
  HostView host;
  HeldProcess cat({"cat", "-", "an argument", ""});
  REQUIRE(cat.runs());
  CHECK(show(host.look_at(cat.pid()), "process.args") == "cat|-|an argument|");
  // Every other test that looks at a program compares as well.
  CHECK(host.compared() == 1);
}

TEST_CASE("TRUST 38: a program in a memory file is known as such") {
  HostView host;
  HeldProcess cat([] { return run_file(memory_copy_of_cat("zzx"), AT_EMPTY_PATH); });
  if (skipped(cat)) return;
  const Event event = host.look_at(cat.pid());
  CHECK(show(event, "process.executable") == "/memfd:zzx");
  CHECK(show(event, "process.Ext.memfd") == "true");
  CHECK(show(event, "process.Ext.deleted") == "true");
}

TEST_CASE(
    "TRUST 39: a memory file run by the path of its descriptor is known too, whatever the thread's name") {
  HostView host;
  HeldProcess cat([] {
    const int memory = memory_copy_of_cat("zzx");
    return test::run("/proc/self/fd/" + std::to_string(memory), {"x", "-"});
  });
  if (skipped(cat)) return;
  const Event event = host.look_at(cat.pid());
  CHECK(show(event, "process.executable") == "/memfd:zzx");
  CHECK(show(event, "process.Ext.memfd") == "true");
}

TEST_CASE("TRUST 40: a name that ends as a deleted file's is kept while the file is there") {
  HostView host;
  const TempDir folder;
  const std::string path = copy_of_cat(folder, "x (deleted)");
  HeldProcess cat({"cat", "-"}, path);
  REQUIRE(cat.runs());
  const Event before = host.look_at(cat.pid());
  CHECK(show(before, "process.executable") == path);
  CHECK(show(before, "process.Ext.deleted") == "false");
  CHECK_FALSE(misses(before, "process.executable"));
  fs::remove(path);
  const Event after = host.look_at(cat.pid());
  CHECK(show(after, "process.executable") == path);
  CHECK(show(after, "process.Ext.deleted") == "true");
}

TEST_CASE("TRUST 41: a program whose file was deleted keeps its path and says so") {
  HostView host;
  const TempDir folder;
  const std::string path = copy_of_cat(folder, "zzgone");
  HeldProcess cat({"cat", "-"}, path);
  REQUIRE(cat.runs());
  fs::remove(path);
  host.expect_changes();
  const Event event = host.look_at(cat.pid());
  CHECK(show(event, "process.executable") == path);
  CHECK(show(event, "process.Ext.deleted") == "true");
  CHECK(show(event, "process.Ext.links") == "0");
  CHECK(show(event, "process.Ext.memfd") == "false");
}

TEST_CASE("A deleted file in the root directory is no memory file, whatever its name") {
  if (skipped_without_root()) return;
  HostView host;
  const std::string path = "/memfd:detectd-test";
  std::error_code error;
  fs::copy_file(kCat, path, error);
  if (error) {
    WARN("skipped: " << error.message());
    return;
  }
  HeldProcess cat({"cat", "-"}, path);
  fs::remove(path);
  REQUIRE(cat.runs());
  host.expect_changes();
  const Event event = host.look_at(cat.pid());
  CHECK(show(event, "process.executable") == path);
  CHECK(show(event, "process.Ext.deleted") == "true");
  CHECK(show(event, "process.Ext.memfd") == "false");
}

TEST_CASE("TRUST 44: a program that is run by a symbolic link is told by what the link leads to") {
  HostView host;
  const TempDir folder;
  fs::create_symlink(kCat, folder.path("harmless"));
  HeldProcess cat({"harmless", "-"}, folder.path("harmless"));
  REQUIRE(cat.runs());
  const Event event = host.look_at(cat.pid());
  CHECK(show(event, "process.executable") == kCat);
  CHECK(show(event, "process.thread.name") == "harmless");
}

TEST_CASE("TRUST 45: a hard link has another path, and the same device and inode") {
  HostView host;
  const TempDir folder;
  const std::string first = copy_of_cat(folder, "first");
  fs::create_hard_link(first, folder.path("second"));
  HeldProcess one({"cat", "-"}, first);
  HeldProcess two({"cat", "-"}, folder.path("second"));
  REQUIRE(one.runs());
  REQUIRE(two.runs());
  const Event a = host.look_at(one.pid());
  const Event b = host.look_at(two.pid());
  CHECK(show(b, "process.executable") == folder.path("second"));
  CHECK(show(a, "process.Ext.inode") == show(b, "process.Ext.inode"));
  CHECK(show(a, "process.Ext.device") == show(b, "process.Ext.device"));
  CHECK(show(b, "process.Ext.links") == "2");
}

TEST_CASE("TRUST 46: a copy has the same hash") {
  HostView host({.hash = true});
  const TempDir folder;
  HeldProcess one({"cat", "-"});
  HeldProcess two({"cat", "-"}, copy_of_cat(folder, "copy"));
  REQUIRE(one.runs());
  REQUIRE(two.runs());
  const std::string hash = show(host.look_at(one.pid()), "process.hash.sha256");
  CHECK(hash.size() == 64);
  CHECK(show(host.look_at(two.pid()), "process.hash.sha256") == hash);
}

TEST_CASE("A hash beyond the budget is missing, and counted") {
  HostView host({.hash = true, .hash_bytes_per_second = 10});
  const TempDir folder;
  HeldProcess one({"cat", "-"});
  HeldProcess two({"cat", "-"}, copy_of_cat(folder, "copy"));
  REQUIRE(one.runs());
  REQUIRE(two.runs());
  CHECK_FALSE(misses(host.look_at(one.pid()), "process.hash.sha256"));
  CHECK(misses(host.look_at(two.pid()), "process.hash.sha256"));
  CHECK(host.enricher().counters().hash.over_budget == 1);
}

TEST_CASE("TRUST 48: another file mounted over a path is not trusted under that path") {
  HostView host;
  const TempDir folder;
  const std::string evil = copy_of_cat(folder, "evil");
  const std::string good = copy_of_cat(folder, "good");
  HeldProcess cat([&] {
    if (unshare(CLONE_NEWNS) != 0) return errno;
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return errno;
    if (mount(evil.c_str(), good.c_str(), nullptr, MS_BIND, nullptr) != 0) return errno;
    return test::run(good, {"cat", "-"});
  });
  if (skipped(cat)) return;
  const Event event = host.look_at(cat.pid());
  const Event ours = host.look_at(static_cast<uint32_t>(getpid()));
  CHECK(show(event, "process.executable") == good);
  CHECK(misses(event, "process.executable"));
  CHECK(show(event, "process.Ext.mount_namespace") != show(ours, "process.Ext.mount_namespace"));
  CHECK(host.enricher().counters().not_trusted == 1);
}

// The program and what it is linked with, as this one has it mapped.
void fill_root(const TempDir& folder) {
  fs::create_directories(folder.path("bin"));
  fs::copy_file(kCat, folder.path("bin/cat"));
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const size_t path = line.find('/');
    if (path == std::string::npos) continue;
    const fs::path file = line.substr(path);
    const std::string name = file.filename().string();
    if (!name.starts_with("ld-linux") && !name.starts_with("libc.so")) continue;
    for (const std::string& place : {"lib/" + name, "lib64/" + name, file.relative_path().string()}) {
      fs::create_directories(fs::path(folder.path(place)).parent_path());
      std::error_code known;
      fs::copy_file(file, folder.path(place), known);
    }
  }
}

TEST_CASE("TRUST 49: a program in another root has the host's path, and the root is told") {
  if (skipped_without_root()) return;
  HostView host;
  const TempDir folder;
  fill_root(folder);
  HeldProcess cat([&] {
    if (chroot(folder.path("").c_str()) != 0 || chdir("/") != 0) return errno;
    return test::run("/bin/cat", {"cat", "-"});
  });
  if (skipped(cat)) return;
  const Event event = host.look_at(cat.pid());
  CHECK(show(event, "process.executable") == folder.path("bin/cat"));
  CHECK(show(event, "process.Ext.root") + "/" == folder.path(""));
  CHECK_FALSE(misses(event, "process.executable"));
}

TEST_CASE("TRUST 50: a program on a file system that was taken off the tree is not trusted under its path") {
  HostView host;
  const TempDir folder;
  HeldProcess cat([&] {
    if (unshare(CLONE_NEWNS) != 0) return errno;
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return errno;
    if (mount("none", folder.path("").c_str(), "tmpfs", 0, nullptr) != 0) return errno;
    fs::copy_file(kCat, folder.path("zzd"));
    const int file = open(folder.path("zzd").c_str(), O_PATH);
    if (umount2(folder.path("").c_str(), MNT_DETACH) != 0) return errno;
    return run_file(file, AT_EMPTY_PATH);
  });
  if (skipped(cat)) return;
  const Event event = host.look_at(cat.pid());
  CHECK(show(event, "process.executable") == "/zzd");
  CHECK(misses(event, "process.executable"));
  CHECK(show(event, "process.Ext.deleted") == "false");
}

TEST_CASE("TRUST 51: a process in a pid namespace has its pid there beside the host's") {
  HostView host;
  HeldProcess outer([] {
    if (unshare(CLONE_NEWPID) != 0) return errno;
    const pid_t inner = fork();
    if (inner == 0) {
      return test::run("/bin/cat", {"cat", "-"});
    }
    close_range(STDERR_FILENO + 1, ~0u, 0);
    waitpid(inner, nullptr, 0);
    _exit(0);
  });
  if (skipped(outer)) return;
  std::vector<uint32_t> pids;
  REQUIRE(host.procfs().list(pids));
  for (const uint32_t pid : pids) {
    const ExecImage image = host.image_of(pid);
    const auto stat = parse_stat(image.stat);
    if (!stat || stat->parent_pid != outer.pid()) continue;
    CHECK(show(host.look_at(pid), "process.vpid") == "1");
    kill(static_cast<pid_t>(pid), SIGKILL);
    return;
  }
  FAIL("the inner process was not found");
}

TEST_CASE("TRUST 53: a script is run by its interpreter, and is what the interpreter runs") {
  HostView host;
  const TempDir folder;
  const std::string script = folder.path("script");
  folder.write("script", "#!/bin/sh\nread line && echo && read line\n");
  fs::permissions(script, fs::perms::owner_all);
  HeldProcess process({"anything", "argument"}, script);
  REQUIRE(process.runs());
  Event event = host.look_at(process.pid());
  DerivedFields().add_from_line(event);
  CHECK(show(event, "process.executable") == fs::canonical("/bin/sh"));
  CHECK(show(event, "process.args") == "/bin/sh|" + script + "|argument");
  CHECK(show(event, "process.Ext.effective_executable") == script);
}

TEST_CASE("TRUST 55: a file run by its descriptor has its path") {
  HostView host;
  HeldProcess cat([] { return run_file(open(kCat.c_str(), O_PATH), AT_EMPTY_PATH); });
  if (skipped(cat)) return;
  const Event event = host.look_at(cat.pid());
  CHECK(show(event, "process.executable") == kCat);
  CHECK_FALSE(misses(event, "process.executable"));
}

TEST_CASE("TRUST 65: capabilities that a file gives are told") {
  if (skipped_without_root()) return;
  HostView host;
  const TempDir folder;
  const std::string path = copy_of_cat(folder, "cat");
  vfs_cap_data data{};
  data.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE;
  data.data[0].permitted = 1u << CAP_DAC_OVERRIDE;
  if (setxattr(path.c_str(), "security.capability", &data, sizeof(data), 0) != 0) {
    WARN("skipped: no file capabilities here: " << std::strerror(errno));
    return;
  }
  HeldProcess cat([&] {
    if (setgid(kNobody) != 0 || setuid(kNobody) != 0) return errno;
    return test::run(path, {"cat", "-"});
  });
  if (skipped(cat)) return;
  Event event = host.look_at(cat.pid());
  DerivedFields().add_from_line(event);
  CHECK(show(event, "process.user.id") == "65534");
  CHECK(show(event, "process.thread.capabilities.effective") == "CAP_DAC_OVERRIDE");
  CHECK(show(event, "process.Ext.privileged") == "true");
}

TEST_CASE("TRUST 66: capabilities over a user namespace are no power over the host") {
  if (skipped_without_root()) return;
  HostView host;
  HeldProcess cat([] {
    if (setgid(kNobody) != 0 || setuid(kNobody) != 0 || unshare(CLONE_NEWUSER) != 0) return errno;
    // After setuid(2) /proc/self belongs to root.
    prctl(PR_SET_DUMPABLE, 1);
    if (!(std::ofstream("/proc/self/uid_map") << "0 65534 1\n" << std::flush)) return EPERM;
    return test::run("/bin/cat", {"cat", "-"});
  });
  if (skipped(cat)) return;
  Event event = host.look_at(cat.pid());
  DerivedFields().add_from_line(event);
  const Event ours = host.look_at(static_cast<uint32_t>(getpid()));
  CHECK(show(event, "process.user.id") == "65534");
  CHECK(show(event, "process.Ext.user_namespace") != show(ours, "process.Ext.user_namespace"));
  CHECK_FALSE(show(event, "process.thread.capabilities.effective") == "[]");
  CHECK(show(event, "process.Ext.privileged") == "false");
}

TEST_CASE("TRUST 67: a set-uid program has the owner's effective id and the caller's real one") {
  if (skipped_without_root()) return;
  HostView host;
  const TempDir folder;
  const std::string path = copy_of_cat(folder, "cat");
  REQUIRE(chmod(path.c_str(), 04755) == 0);
  HeldProcess cat([&] {
    if (setgid(kNobody) != 0 || setuid(kNobody) != 0) return errno;
    return test::run(path, {"cat", "-"});
  });
  if (skipped(cat)) return;
  const Event event = host.look_at(cat.pid());
  CHECK(show(event, "process.Ext.mode") == "4755");
  CHECK(show(event, "process.real_user.id") == "65534");
  if (show(event, "process.user.id") == "65534") {
    WARN("skipped: set-uid files do nothing where temporary files are");
    return;
  }
  CHECK(show(event, "process.user.id") == "0");
  CHECK(show(event, "process.user.name") == "root");
}

TEST_CASE("TRUST 86: a mount over a process's directory in /proc does not hide it") {
  if (skipped_without_root()) return;
  HeldProcess cat({"cat", "-"});
  REQUIRE(cat.runs());
  const pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      _exit(2);
    const std::string directory = "/proc/" + std::to_string(cat.pid());
    if (mount("none", directory.c_str(), "tmpfs", 0, nullptr) != 0) _exit(2);
    if (access((directory + "/stat").c_str(), F_OK) == 0) _exit(3);
    HostView host;
    if (!host.is_private()) _exit(2);
    _exit(host.image_of(cat.pid()).stat.empty() ? 4 : 0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  if (WEXITSTATUS(status) == 2) {
    WARN("skipped: no mount namespace or no private procfs here");
    return;
  }
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace detectd
