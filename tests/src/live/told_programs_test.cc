#include "src/live/told_programs.h"

#include <catch2/catch.hpp>

#include "tests/support/fake_records.h"

using namespace detectd;
using detectd::test::FakeRecords;
using detectd::test::RecordMaker;

namespace {

struct Setting {
  explicit Setting(ToldPrograms::Options options = {}) {
    auto made = std::make_unique<FakeRecords>();
    records = made.get();
    programs.emplace(std::move(made), options);
  }
  // Whether the kernel told of the exec; what it told is in `image`.
  bool take(uint32_t pid, int64_t monotonic_ns) {
    programs->collect();
    return programs->take(pid, monotonic_ns, image);
  }

  FakeRecords* records = nullptr;
  std::optional<ToldPrograms> programs;
  ExecImage image;
};

constexpr int64_t kSecondNs = 1'000'000'000;

std::string long_args(size_t size) {
  std::string args;
  while (args.size() < size) args += std::to_string(args.size()) + '\0';
  args.resize(size);
  args.back() = '\0';
  return args;
}

}  // namespace

TEST_CASE("a program that the kernel told of is the image of its exec") {
  Setting setting;
  setting.records->give({});
  REQUIRE(setting.take(7, 1010));
  const ExecImage& image = setting.image;
  CHECK(image.is_told);
  CHECK(image.cmdline == std::string("cat\0-\0", 6));
  CHECK(image.executable == "/usr/bin/cat");
  CHECK(image.working_directory == "/tmp");
  CHECK(image.told.root == "/");
  REQUIRE(image.file);
  CHECK(image.file->device_major == 8);
  CHECK(image.file->device_minor == 1);
  CHECK(image.file->inode == 99);
  const auto stat = image.parsed_stat();
  REQUIRE(stat);
  CHECK(stat->thread_name == "cat");
  CHECK(stat->start_ticks == 500);
  CHECK(setting.programs->waiting() == 0);
}

TEST_CASE("a file whose name was removed, and one that has none, are called deleted") {
  Setting setting;
  setting.records->give({.executable_flags = kPathRemoved});
  REQUIRE(setting.take(7, 1010));
  CHECK(setting.image.executable == "/usr/bin/cat (deleted)");
  setting.records->give({.executable = {"memfd:x"}, .executable_flags = kPathNameless});
  REQUIRE(setting.take(7, 1010));
  CHECK(setting.image.executable == "/memfd:x (deleted)");
}

TEST_CASE("each exec of a process takes what was told of it, and of no other") {
  Setting setting;
  for (const int64_t at_ns : {1000, 2000, 3000}) {
    setting.records->give({.monotonic_ns = at_ns, .args = std::to_string(at_ns) + '\0'});
  }
  setting.records->give({.pid = 8, .monotonic_ns = 2500, .args = std::string("8\0", 2)});
  REQUIRE(setting.take(7, 1010));
  CHECK(setting.image.cmdline == std::string("1000\0", 5));
  // The event of the second one was lost.
  REQUIRE(setting.take(7, 3010));
  CHECK(setting.image.cmdline == std::string("3000\0", 5));
  CHECK_FALSE(setting.take(7, 4000));
  CHECK_FALSE(setting.take(6, 4000));
  REQUIRE(setting.take(8, 2510));
  CHECK(setting.image.cmdline == std::string("8\0", 2));
}

TEST_CASE("what is told later than the event is not of it") {
  Setting setting;
  setting.records->give({.monotonic_ns = 2000});
  CHECK_FALSE(setting.take(7, 1999));
  CHECK(setting.take(7, 2000));
}

TEST_CASE("where the kernel dropped a record, the one before is not taken for it") {
  Setting setting;
  // The event of the first was lost, and so is the record of the second.
  setting.records->give({.monotonic_ns = 1000});
  setting.programs->collect();
  setting.records->give({.monotonic_ns = 500'000});
  setting.records->drop_one();
  CHECK_FALSE(setting.take(7, 500'010));
  // One that is near is its own.
  setting.records->give({.monotonic_ns = 900'000});
  CHECK(setting.take(7, 900'010));
  // As all are when nothing was dropped for a while.
  setting.records->give({.monotonic_ns = 6 * kSecondNs});
  CHECK(setting.take(7, 6 * kSecondNs + kSecondNs / 2));
}

TEST_CASE("long arguments come in parts, and are bounded as those that are read") {
  const auto size =
      static_cast<size_t>(GENERATE(16'384, 16'385, 40'000, 131'072, 131'073, 147'456, 147'457, 1'000'000));
  Setting setting;
  const std::string args = long_args(size);
  setting.records->give({.args = args});
  REQUIRE(setting.take(7, 1010));
  const ExecImage& image = setting.image;
  CHECK(image.cmdline == args.substr(0, 131'072));
  CHECK(image.cmdline_truncated == (size > 147'456));
  CHECK(image.cmdline_tail == (image.cmdline_truncated ? args.substr(size - 16'384)
                                                       : args.substr(std::min<size_t>(size, 131'072))));
}

TEST_CASE("a bound below that of the kernel holds") {
  Setting setting({.max_argv_bytes = 4096});
  const std::string args = long_args(200'000);
  setting.records->give({.args = args});
  REQUIRE(setting.take(7, 1010));
  CHECK(setting.image.cmdline == args.substr(0, 4096));
  CHECK(setting.image.cmdline_truncated);
  CHECK(setting.image.cmdline_tail == args.substr(args.size() - 512));
}

TEST_CASE("of a program with a bound beyond the kernel's, or with a part missing, the process is asked") {
  Setting setting({.max_argv_bytes = size_t{1} << 20});
  setting.records->give({.args = long_args(200'000)});
  CHECK_FALSE(setting.take(7, 1010));
  setting.records->give({.args = long_args(40'000)});
  setting.records->drop_one();
  CHECK_FALSE(setting.take(7, 1010));
  setting.records->give({.flags = kRecordNoArgs});
  CHECK_FALSE(setting.take(7, 1010));
  setting.records->give({.flags = kRecordNoPath});
  CHECK_FALSE(setting.take(7, 1010));
}

TEST_CASE("what else could not be told is missing") {
  Setting setting;
  setting.records->give({.flags = kRecordNoDirectory | kRecordNoRoot | kRecordNoStreams | kRecordNoLoginUid});
  REQUIRE(setting.take(7, 1010));
  CHECK(setting.image.working_directory.empty());
  CHECK(setting.image.told.root.empty());
  CHECK_FALSE(setting.image.told.streams[0]);
  CHECK_FALSE(setting.image.told.login_uid);
}

TEST_CASE("control groups are read of a program that is in them, until two have said the same") {
  std::map<uint32_t, std::string> running = {{7, "0::/a\n"}, {8, "0::/a\n"}, {9, "0::/a\n"}};
  std::vector<uint32_t> read;
  Setting setting({.read_groups = [&](uint32_t pid, uint64_t start_ticks, std::string& text) {
    CHECK(start_ticks == (pid < 100 ? 500 : 200));
    read.push_back(pid);
    const auto found = running.find(pid);
    if (found == running.end()) return false;
    text = found->second;
    return true;
  }});
  const auto exec = [&](RecordMaker maker) {
    setting.records->give(maker);
    REQUIRE(setting.take(maker.pid, maker.monotonic_ns + 10));
    return setting.image.told.cgroup;
  };
  CHECK(exec({.pid = 7, .monotonic_ns = kSecondNs}) == "0::/a\n");
  // Too soon after it.
  CHECK(exec({.pid = 8, .monotonic_ns = kSecondNs + 50'000'000}) == "0::/a\n");
  CHECK(setting.records->known() == 0);
  SECTION("then nothing is read any more") {
    CHECK(exec({.pid = 9, .monotonic_ns = kSecondNs + 100'000'000}) == "0::/a\n");
    CHECK(setting.records->known() == 5);
    CHECK(exec({.pid = 10, .monotonic_ns = 2 * kSecondNs}) == "0::/a\n");
    CHECK(read == std::vector<uint32_t>{7, 8, 9});
    // Of others, it is.
    CHECK(exec({.pid = 10, .monotonic_ns = 3 * kSecondNs, .groups = 6}).empty());
  }
  SECTION("one that says something else begins anew") {
    running[9] = "0::/b\n";
    CHECK(exec({.pid = 9, .monotonic_ns = kSecondNs + 100'000'000}) == "0::/b\n");
    CHECK(setting.records->known() == 0);
    CHECK(exec({.pid = 9, .monotonic_ns = kSecondNs + 150'000'000}) == "0::/b\n");
    CHECK(setting.records->known() == 0);
  }
  SECTION("what is read while a process was moved is of no other") {
    setting.records->move();
    // For itself only.
    CHECK(exec({.pid = 9, .monotonic_ns = kSecondNs + 100'000'000}) == "0::/a\n");
    CHECK(setting.records->known() == 0);
    CHECK(exec({.pid = 9, .monotonic_ns = kSecondNs + 200'000'000, .moves = 1}) == "0::/a\n");
    CHECK(setting.records->known() == 5);
  }
  SECTION("of a program that has ended the parent is asked, where it is in the same") {
    running[100] = "0::/a\n";
    CHECK(exec({.pid = 11, .monotonic_ns = kSecondNs + 60'000'000}).empty());
    CHECK(exec({.pid = 11, .monotonic_ns = kSecondNs + 100'000'000, .neighbour = 100}) == "0::/a\n");
    CHECK(setting.records->known() == 5);
  }
  SECTION("where the kernel can not say which, they are read each time") {
    for (int i = 1; i <= 3; ++i) {
      CHECK(exec({.pid = 9, .monotonic_ns = (i + 1) * kSecondNs, .groups = 0}) == "0::/a\n");
    }
    CHECK(setting.records->known() == 0);
  }
}

TEST_CASE("which file it is on overlayfs or btrfs is asked of the process, while it runs that program") {
  bool runs = true;
  Setting setting({.read_file = [&](uint32_t pid, const ProgramIdentity& program) {
    CHECK(pid == 7);
    CHECK(program.start_ticks == 500);
    CHECK(program.start_stack == 8000);
    CHECK(program.arg_start == 8100);
    const FileIdentity file{.device_major = 0, .device_minor = 42, .inode = 1234};
    return runs ? std::optional(file) : std::nullopt;
  }});
  setting.records->give({.flags = kRecordOtherDevice});
  REQUIRE(setting.take(7, 1010));
  REQUIRE(setting.image.file);
  CHECK(setting.image.file->inode == 1234);
  runs = false;
  setting.records->give({.flags = kRecordOtherDevice});
  REQUIRE(setting.take(7, 1010));
  CHECK_FALSE(setting.image.file);
  CHECK(setting.image.cmdline == std::string("cat\0-\0", 6));
}

TEST_CASE("TRUST 16: a process that is held for long between its exec and the event keeps what was told") {
  Setting setting;
  setting.records->give({});
  setting.programs->collect();
  CHECK(setting.take(7, 600 * kSecondNs));
}

TEST_CASE("where records were dropped, what has waited long is asked whether it still runs") {
  bool runs = true;
  Setting setting({.runs = [&](uint32_t, const ProgramIdentity&) { return runs; }});
  const auto held = [&] {
    setting.records->give({});
    setting.programs->collect();
    setting.records->give({.pid = 8});
    setting.records->drop_one();
    return setting.take(7, 600 * kSecondNs);
  };
  CHECK(held());
  runs = false;
  CHECK_FALSE(held());
}

TEST_CASE("what comes behind its event is of no other exec") {
  Setting setting;
  CHECK_FALSE(setting.take(7, 2000));
  setting.records->give({.monotonic_ns = 1990});
  CHECK_FALSE(setting.take(7, 5000));
  setting.records->give({.monotonic_ns = 6000});
  CHECK(setting.take(7, 6010));
}

TEST_CASE("what nobody asks for goes with its process, and what there is no room for is counted") {
  Setting setting;
  setting.records->give({.monotonic_ns = 1000});
  setting.records->give({.monotonic_ns = 3000});
  setting.programs->collect();
  setting.programs->forget(7, 2000);
  CHECK(setting.programs->waiting() == 1);
  for (uint32_t pid = 10; pid < 400; ++pid) {
    setting.records->give({.pid = pid, .args = long_args(100'000)});
    setting.programs->collect();
  }
  CHECK(setting.programs->waiting() < 300);
  CHECK(setting.programs->dropped() > 100);
  // Not for ever.
  setting.records->give({.pid = 9, .monotonic_ns = 100 * kSecondNs, .args = long_args(100'000)});
  CHECK(setting.take(9, 100 * kSecondNs));
  CHECK(setting.programs->waiting() == 0);
}

TEST_CASE("bytes that are no record are none") {
  Setting setting;
  setting.records->give_bytes("");
  setting.records->give_bytes(std::string(sizeof(ExecRecord) - 1, '\xff'));
  // Of the size of a record, with sizes in it that are not its own.
  for (const uint32_t kind : {kRecordProgram, kRecordArgs, uint32_t{77}}) {
    ExecRecord record = RecordMaker().head();
    record.kind = static_cast<uint16_t>(kind);
    record.arg_end = UINT64_MAX;
    record.executable.bytes = UINT16_MAX;
    record.group_count = UINT32_MAX;
    setting.records->give_bytes({reinterpret_cast<const char*>(&record), sizeof record});
    CHECK_FALSE(setting.take(7, 1010));
  }
}
