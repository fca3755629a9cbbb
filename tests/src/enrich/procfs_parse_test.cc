#include "src/enrich/procfs_parse.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace detectd {
namespace {

// Of a Debian host; the name is put in by the test.
std::string stat_line(const std::string& name) {
  return "4711 (" + name +
         ") S 4700 4711 4690 34817 4711 4194304 123 0 1 0 4 2 0 0 20 0 1 0 8812345 8499200 1024 "
         "18446744073709551615 94100000001 94100000002 140730000003 0 0 0 0 3670020 1266777851 0 0 0 17 1 0 "
         "0 0 0 "
         "0 94100000010 94100000011 94100001000 140730000100 140730000110 140730000110 140730004000 0\n";
}

TEST_CASE("The state of a process is read with its numbers") {
  const std::string line = stat_line("bash");
  const auto stat = parse_stat(line);
  REQUIRE(stat);
  CHECK(stat->thread_name == "bash");
  CHECK(stat->state == 'S');
  CHECK(stat->parent_pid == 4700);
  CHECK(stat->group_leader == 4711);
  CHECK(stat->session_leader == 4690);
  CHECK(stat->terminal == 34817);
  CHECK(stat->start_ticks == 8812345);
  CHECK(stat->start_stack == 140730000003);
  CHECK(stat->arg_start == 140730000100);
  CHECK(stat->arg_end == 140730000110);
  CHECK_FALSE(stat->is_kernel_thread());
}

TEST_CASE("TRUST 22: brackets, blanks and newlines in a thread's name do not move the numbers behind it") {
  for (const std::string name : {"a) R 1 1", "a) R 1 1 zz", ")", "((", "", "x\n1 (y) S 1", "\xff\xfe)"}) {
    INFO(name);
    const std::string line = stat_line(name);
    const auto stat = parse_stat(line);
    REQUIRE(stat);
    CHECK(stat->thread_name == name);
    CHECK(stat->parent_pid == 4700);
    CHECK(stat->start_ticks == 8812345);
  }
}

TEST_CASE("A state that is cut before the start time is none") {
  const std::string line = stat_line("bash");
  const size_t start = line.find("8812345");
  for (size_t size = 0; size < start; ++size) CHECK_FALSE(parse_stat(line.substr(0, size)));
  CHECK_FALSE(parse_stat(")("));
  CHECK_FALSE(parse_stat("1 (x) SS 1"));
}

TEST_CASE("A process in its last moments has a start, and no group and session") {
  const auto stat = parse_stat("7 (x) X 1 -1 -1 0 -1 4228108 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0\n");
  REQUIRE(stat);
  CHECK(stat->group_leader == 0);
  CHECK(stat->session_leader == 0);
  CHECK(stat->start_ticks == 99);
}

TEST_CASE("The kernel's threads are known by their flag") {
  const auto stat = parse_stat("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 3 0 0\n");
  REQUIRE(stat);
  CHECK(stat->is_kernel_thread());
}

TEST_CASE("A packed device number has twelve bits of major and twenty of minor") {
  struct Case {
    uint32_t packed, major, minor;
  };
  for (const Case& one :
       {Case{34816, 136, 0}, Case{34817, 136, 1}, Case{1025, 4, 1}, Case{0x12388145, 0x881, 0x12345}}) {
    CHECK(unpack_device(one.packed).major == one.major);
    CHECK(unpack_device(one.packed).minor == one.minor);
  }
}

TEST_CASE("The status has ids, groups, capabilities and the pid in the process's own namespace") {
  ProcStatus status;
  parse_status(
      "Name:\tsleep\nUmask:\t0022\nState:\tS (sleeping)\nPid:\t19780\nUid:\t1000\t1001\t1002\t1001\n"
      "Gid:\t100\t101\t102\t101\nFDSize:\t256\nGroups:\t4 24 27 \nNSpid:\t19780\t2\n"
      "CapPrm:\t000001ffffffffff\nCapEff:\t0000000000002001\n",
      status);
  REQUIRE(status.user);
  CHECK(status.user->real == 1000);
  CHECK(status.user->effective == 1001);
  CHECK(status.user->saved == 1002);
  REQUIRE(status.group);
  CHECK(status.group->effective == 101);
  CHECK(status.has_groups);
  CHECK(status.groups == std::vector<uint32_t>{4, 24, 27});
  CHECK(status.effective_capabilities == 0x2001u);
  CHECK(status.innermost_pid == 2u);
}

TEST_CASE("What a status lacks is unknown, also after another one was read") {
  ProcStatus status;
  parse_status("Uid:\t1\t1\t1\t1\nGroups:\t4\nNSpid:\t3\nCapEff:\tff\n", status);
  parse_status("Name:\tx\nUid:\t1\t1\nGid:\n:\nCapEff:\tzz\nNSpid:\t\n", status);
  CHECK_FALSE(status.user);
  CHECK_FALSE(status.group);
  CHECK_FALSE(status.has_groups);
  CHECK(status.groups.empty());
  CHECK_FALSE(status.effective_capabilities);
  CHECK_FALSE(status.innermost_pid);
}

TEST_CASE("Of a line that comes twice in a status the first counts") {
  ProcStatus status;
  parse_status("Uid:\t1000\t1000\t1000\t1000\nUid:\t0\t0\t0\t0\n", status);
  CHECK(status.user->effective == 1000);
}

TEST_CASE("Capabilities have the names of capabilities(7), unknown ones their number") {
  CHECK(capability_name(0) == "CAP_CHOWN");
  CHECK(capability_name(21) == "CAP_SYS_ADMIN");
  CHECK(capability_name(40) == "CAP_CHECKPOINT_RESTORE");
  CHECK(capability_name(41) == "CAP_41");
  CHECK(capability_name(63) == "CAP_63");
}

TEST_CASE("A namespace's inode stands between brackets") {
  CHECK(parse_namespace("mnt:[4026531841]") == 4026531841u);
  for (const char* const text : {"", "mnt:[]", "mnt:[12", "mnt:[1x]", "[1]", ":["}) {
    CHECK_FALSE(parse_namespace(text));
  }
}

TEST_CASE("The login uid of nobody is told apart from an unreadable one") {
  CHECK(parse_login_uid("1000") == 1000u);
  CHECK(parse_login_uid("4294967295\n") == kNoLoginUid);
  CHECK_FALSE(parse_login_uid(""));
  CHECK_FALSE(parse_login_uid("-1"));
}

TEST_CASE("Arguments end with a NUL each; the last may lack it") {
  using List = std::vector<std::string>;
  struct Case {
    std::string bytes;
    List args;
  };
  const std::vector<Case> cases = {
      {"", {}},
      {std::string("\0", 1), {""}},
      {std::string("a\0", 2), {"a"}},
      {std::string("a\0b", 3), {"a", "b"}},
      {std::string("a\0\0b\0", 5), {"a", "", "b"}},
      {std::string("a\0\0", 3), {"a", ""}},
  };
  for (const Case& one : cases) {
    List found;
    NulSeparated args(one.bytes);
    for (std::string_view arg; args.next(arg);) found.emplace_back(arg);
    CHECK(found == one.args);
    CHECK(count_nul_separated(one.bytes) == one.args.size());
  }
}

}  // namespace
}  // namespace detectd
