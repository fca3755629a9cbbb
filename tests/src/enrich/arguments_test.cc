// What a process says of itself, told by real processes.
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "engine/derived_fields.h"
#include "engine/digest.h"
#include "src/enrich/procfs_parse.h"
#include "tests/support/held_process.h"
#include "tests/support/host_view.h"

namespace detectd {
namespace {

using test::HeldProcess;
using test::HostView;
using test::misses;
using test::show;

ProcStat own_stat(std::string& text) {
  std::ostringstream all;
  all << std::ifstream("/proc/self/stat").rdbuf();
  text = all.str();
  return parse_stat(text).value();
}

// As prctl(2) wants it back.
prctl_mm_map own_map() {
  std::string text;
  own_stat(text);
  std::istringstream rest(text.substr(text.rfind(')') + 1));
  // By the numbers of proc_pid_stat(5).
  std::vector<std::string> fields(3);
  for (std::string field; rest >> field;) fields.push_back(field);
  const auto number = [&](size_t field) { return std::stoull(fields.at(field)); };
  prctl_mm_map map{};
  map.start_code = number(26);
  map.end_code = number(27);
  map.start_stack = number(28);
  map.start_data = number(45);
  map.end_data = number(46);
  map.start_brk = number(47);
  map.brk = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(sbrk(0)));
  map.env_start = number(50);
  map.env_end = number(51);
  map.exe_fd = static_cast<uint32_t>(-1);
  return map;
}

char* at(uint64_t address) { return reinterpret_cast<char*>(static_cast<uintptr_t>(address)); }

// 0 is a leader outside of this pid namespace, as of a shell that was put into a container: told as absent.
std::string leader(pid_t pid) { return pid == 0 ? "-" : std::to_string(pid); }

TEST_CASE("A running program is told with arguments, directory, ids and streams") {
  HostView host;
  HeldProcess cat({"cat", "-", "a b"});
  REQUIRE(cat.runs());
  const Event event = host.look_at(cat.pid());
  CHECK(show(event, "process.args") == "cat|-|a b");
  CHECK(show(event, "process.thread.name") == "cat");
  CHECK(show(event, "process.user.id") == std::to_string(geteuid()));
  CHECK(show(event, "process.real_group.id") == std::to_string(getgid()));
  CHECK(show(event, "process.group_leader.pid") == leader(getpgrp()));
  CHECK(show(event, "process.session_leader.pid") == leader(getsid(0)));
  CHECK(show(event, "process.Ext.stdin.type") == "pipe");
  CHECK(show(event, "process.Ext.stdout.type") == "pipe");
  CHECK(show(event, "process.Ext.root") == "/");
  CHECK(show(event, "process.vpid") == std::to_string(cat.pid()));
  CHECK(show(event, "process.start").ends_with("Z"));
  CHECK(show(event, "detectd.missing") == "-");
}

TEST_CASE("TRUST 2: a process that has ended is told by what was read before, and the rest is missing") {
  HostView host;
  HeldProcess cat({"cat", "-"});
  REQUIRE(cat.runs());
  const uint32_t pid = cat.pid();
  const ExecImage image = host.image_of(pid);
  cat.end();
  Event event = test::event(EventKind::kExec, pid);
  host.enricher().fill(pid, image, false, event);
  CHECK(show(event, "process.args") == "cat|-");
  CHECK(misses(event, "process.user.id"));
  CHECK(misses(event, "process.Ext.stdin.type"));
  CHECK_FALSE(misses(event, "process.args"));
  CHECK(host.enricher().counters().ended == 1);
}

TEST_CASE("TRUST 62: of a process that ended before anything was read, everything is named as missing") {
  HostView host;
  HeldProcess cat({"cat", "-"});
  const uint32_t pid = cat.pid();
  cat.end();
  host.expect_changes();
  const Event event = host.look_at(pid);
  for (const char* const name : {"process.args", "process.command_line", "process.executable",
                                 "process.start", "process.user.id", "process.Ext.inode", "container.id"}) {
    INFO(name);
    CHECK(misses(event, name));
    CHECK(show(event, name) == "-");
  }
}

TEST_CASE("TRUST 16: what a process writes over its arguments later does not change what was read") {
  HostView host;
  HeldProcess cat({"cat", "-", "secret"});
  REQUIRE(cat.runs());
  host.expect_changes();
  const ExecImage image = host.image_of(cat.pid());
  // Its memory, as it could write it itself.
  const auto stat = parse_stat(image.stat);
  REQUIRE(stat);
  std::fstream memory("/proc/" + std::to_string(cat.pid()) + "/mem",
                      std::ios::in | std::ios::out | std::ios::binary);
  memory.seekp(static_cast<std::streamoff>(stat->arg_start));
  if (!memory.write("dog\0x", 5).flush()) {
    WARN("skipped: the memory of another process cannot be written here");
    return;
  }
  Event event = test::event(EventKind::kExec, cat.pid());
  host.enricher().fill(cat.pid(), image, false, event);
  CHECK(show(event, "process.args") == "cat|-|secret");
  CHECK(show(host.look_at(cat.pid()), "process.args") == "dog|x|secret");
}

TEST_CASE("TRUST 17: arguments that were moved off the stack are named as not trusted") {
  HostView host;
  HeldProcess mover([]() -> int {
    void* const place = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memcpy(place, "harmless", 9);
    prctl_mm_map map = own_map();
    map.arg_start = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(place));
    map.arg_end = map.arg_start + 9;
    if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0) != 0) return errno;
    test::stay();
  });
  if (!mover.runs()) {
    WARN("skipped: prctl(PR_SET_MM): " << std::strerror(mover.error()));
    return;
  }
  const Event event = host.look_at(mover.pid());
  CHECK(show(event, "process.args") == "harmless");
  CHECK(misses(event, "process.args"));
}

TEST_CASE("TRUST 19: of arguments that run on into the environment nothing beyond their end is kept") {
  HostView host;
  HeldProcess spiller([] {
    std::string text;
    const ProcStat stat = own_stat(text);
    for (uint64_t i = stat.arg_start; i < stat.arg_end; ++i) {
      if (*at(i) == '\0') *at(i) = ' ';
    }
    test::stay();
    return 0;
  });
  REQUIRE(spiller.runs());
  const ExecImage image = host.image_of(spiller.pid());
  const auto stat = parse_stat(image.stat);
  REQUIRE(stat);
  const uint64_t size = stat->arg_end - stat->arg_start;
  if (image.cmdline.size() <= size) {
    WARN("skipped: there is no environment to run into");
    return;
  }
  const Event event = host.look_at(spiller.pid());
  CHECK(event.count(process_field(Leaf::kArgs)) == 1);
  CHECK(show(event, "process.args").size() == size);
}

TEST_CASE("TRUST 20: unreadable arguments are missing, and the executable is not") {
  HostView host;
  HeldProcess hider([] {
    std::string text;
    const ProcStat stat = own_stat(text);
    const uint64_t page = stat.arg_start & ~uint64_t{4095};
    const uint64_t end = (stat.arg_end + 4095) & ~uint64_t{4095};
    if (mprotect(at(page), end - page, PROT_NONE) != 0) return errno;
    test::stay();
  });
  REQUIRE(hider.runs());
  const Event event = host.look_at(hider.pid());
  CHECK(misses(event, "process.args"));
  CHECK(show(event, "process.args") == "-");
  CHECK(show(event, "process.executable") == std::filesystem::read_symlink("/proc/self/exe"));
}

TEST_CASE("TRUST 21: a thread's name is the process's own word, and leaves the program's name alone") {
  HostView host;
  HeldProcess liar([] {
    prctl(PR_SET_NAME, "kworker/0:1");
    test::stay();
    return 0;
  });
  REQUIRE(liar.runs());
  Event event = host.look_at(liar.pid());
  DerivedFields().add_from_line(event);
  CHECK(show(event, "process.thread.name") == "kworker/0:1");
  CHECK(show(event, "process.name") == std::filesystem::read_symlink("/proc/self/exe").filename());
}

TEST_CASE("TRUST 22: a thread's name with a bracket does not shift the process's facts") {
  HostView host;
  HeldProcess liar([] {
    prctl(PR_SET_NAME, "a) R 1 1 zz");
    test::stay();
    return 0;
  });
  REQUIRE(liar.runs());
  const Event event = host.look_at(liar.pid());
  CHECK(show(event, "process.thread.name") == "a) R 1 1 zz");
  CHECK(show(event, "process.group_leader.pid") == leader(getpgrp()));
}

TEST_CASE("TRUST 24: a program without any argument has one, and it is empty") {
  HostView host;
  HeldProcess cat(std::vector<std::string>{});
  REQUIRE(cat.runs());
  Event event = host.look_at(cat.pid());
  CHECK(event.count(process_field(Leaf::kArgs)) == 1);
  CHECK(event.find(process_field(Leaf::kArgs)).text.empty());
  CHECK_FALSE(misses(event, "process.args"));
}

TEST_CASE("TRUST 25: of long arguments head and tail are kept, and the cut is told") {
  HostView host;
  std::vector<std::string> args = {"cat", "-"};
  for (int i = 0; i < 15; ++i) args.emplace_back(120'000, static_cast<char>('a' + i));
  args.emplace_back("payload");
  HeldProcess cat(args);
  REQUIRE(cat.runs());
  const Event event = host.look_at(cat.pid());
  const FieldId id = process_field(Leaf::kArgs);
  CHECK(show(event, "detectd.argv_truncated") == "true");
  CHECK(misses(event, "process.args_count"));
  CHECK(event.find(id, 0).text == "cat");
  CHECK(event.find(id, event.count(id) - 1).text == "payload");
  size_t size = 0;
  for (size_t i = 0; i < event.count(id); ++i) size += event.find(id, i).text.size() + 1;
  CHECK(size > ExecReader::kMaxArgvBytes);
  CHECK(size <= ExecReader::kMaxArgvBytes + ExecReader::kMaxArgvBytes / 8 + 1);
}

TEST_CASE("TRUST 25: arguments that head and tail hold together are whole") {
  HostView host({}, 1000);
  HeldProcess cat({"cat", "-", std::string(990, 'x'), "end"});
  REQUIRE(cat.runs());
  const Event event = host.look_at(cat.pid());
  CHECK(show(event, "process.args") == "cat|-|" + std::string(990, 'x') + "|end");
  CHECK(show(event, "detectd.argv_truncated") == "-");
}

TEST_CASE("TRUST 26: of too many arguments the first and the last are kept, and their number is told") {
  HostView host;
  std::vector<std::string> args = {"cat", "-"};
  for (int i = 0; i < 4998; ++i) args.push_back(std::to_string(i % 10));
  args.back() = "end";
  HeldProcess cat(args);
  REQUIRE(cat.runs());
  const Event event = host.look_at(cat.pid());
  const FieldId id = process_field(Leaf::kArgs);
  CHECK(event.count(id) == Enricher::kMaxArgs);
  CHECK(event.find(id, 0).text == "cat");
  CHECK(event.find(id, Enricher::kMaxArgs - 1).text == "end");
  CHECK(show(event, "process.args_count") == "5000");
  CHECK(show(event, "detectd.argv_truncated") == "true");
}

TEST_CASE("TRUST 26: a hundred thousand arguments of a byte are cut in bytes and in number") {
  HostView host;
  std::vector<std::string> args(100'000, "x");
  args[0] = "cat";
  args[1] = "-";
  args.back() = "e";
  HeldProcess cat(args);
  REQUIRE(cat.runs());
  const Event event = host.look_at(cat.pid());
  const FieldId id = process_field(Leaf::kArgs);
  CHECK(event.count(id) == Enricher::kMaxArgs);
  CHECK(event.find(id, Enricher::kMaxArgs - 1).text == "e");
  CHECK(show(event, "detectd.argv_truncated") == "true");
}

TEST_CASE("TRUST 28: invalid bytes of arguments become U+FFFD, and the exact bytes are kept beside them") {
  HostView host;
  HeldProcess cat({"cat", "-", "curl \xff | sh"});
  REQUIRE(cat.runs());
  const Event event = host.look_at(cat.pid());
  CHECK(show(event, "process.args") == "cat|-|curl \xEF\xBF\xBD | sh");
  using namespace std::string_view_literals;
  CHECK(show(event, "detectd.args_bytes") == base64("cat\0-\0curl \xff | sh\0"sv));
}

TEST_CASE("Arguments beyond ASCII that are UTF-8 have no bytes beside them") {
  HostView host;
  HeldProcess cat({"cat", "-", "b\xC3\xA4r"});
  REQUIRE(cat.runs());
  const Event event = host.look_at(cat.pid());
  CHECK(show(event, "process.args") == "cat|-|b\xC3\xA4r");
  CHECK(show(event, "detectd.args_bytes") == "-");
}

TEST_CASE("TRUST 43: the first argument is the process's choice, the executable is not") {
  HostView host;
  HeldProcess cat({"[kworker/u8:1]", "-"});
  REQUIRE(cat.runs());
  Event event = host.look_at(cat.pid());
  DerivedFields().add_from_line(event);
  CHECK(show(event, "process.Ext.argv0") == "[kworker/u8:1]");
  CHECK(show(event, "process.name") == "cat");
}

TEST_CASE("Of the environment only the variables asked for are kept") {
  HostView host({.env = {"LD_PRELOAD"}});
  HeldProcess cat([] {
    setenv("LD_PRELOAD", "", 1);
    setenv("PASSWORD", "secret", 1);
    return test::run("/bin/cat", {"cat", "-"});
  });
  REQUIRE(cat.runs());
  CHECK(show(host.look_at(cat.pid()), "process.env_vars") == "LD_PRELOAD=");
  HostView other;
  CHECK(show(other.look_at(cat.pid()), "process.env_vars") == "-");
}

}  // namespace
}  // namespace detectd
