// What becomes of an event when its process ends, runs another program, or its pid is used again meanwhile.
#include "src/enrich/enricher.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "engine/foresight.h"
#include "tests/support/events.h"
#include "tests/support/fake_procfs.h"
#include "tests/support/host_view.h"
#include "tests/support/shell_rules.h"

namespace detectd {
namespace {

using test::FakeProcess;
using test::FakeProcfs;
using test::misses;
using test::show;

constexpr uint32_t kPid = 77;
constexpr int64_t kTick = 10'000'000;
// Reads of one process that Enricher makes, the last of them its state.
constexpr size_t kReads = 10;

struct Stat {
  std::string name = "curl";
  char state = 'S';
  uint64_t flags = 0;
  uint64_t start_ticks = 500;
  uint64_t stack = 9'000;  // moves with every exec
};

std::string line(const Stat& stat) {
  const std::string arg_start = std::to_string(stat.stack == 0 ? 0 : stat.stack + 100);
  const std::string arg_end = std::to_string(stat.stack == 0 ? 0 : stat.stack + 115);
  return std::to_string(kPid) + " (" + stat.name + ") " + stat.state + " 1 77 70 0 -1 " +
         std::to_string(stat.flags) + " 0 0 0 0 0 0 0 0 20 0 1 0 " + std::to_string(stat.start_ticks) +
         " 0 0 0 0 0 " + std::to_string(stat.stack) + " 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 " + arg_start +
         " " + arg_end + " 0 0 0\n";
}

std::string status_of(int uid) {
  const std::string id = std::to_string(uid);
  const std::string ids = "\t" + id + "\t" + id + "\t" + id + "\t" + id + "\n";
  return "Name:\tcurl\nUid:" + ids + "Gid:" + ids + "Groups:\t4 \nNSpid:\t77\nCapEff:\t0000000000000000\n";
}

ExecImage image_with(const Stat& stat) {
  ExecImage image;
  image.cmdline = std::string("curl\0-s\0x.test\0", 15);
  image.executable = "/usr/bin/curl";
  image.file =
      FileIdentity{.device_major = 8, .device_minor = 1, .inode = 5, .links = 1, .owner = 0, .mode = 0100755};
  image.stat = line(stat);
  image.working_directory = "/root";
  return image;
}

// A process that has just run curl.
class World {
 public:
  World() : enricher_(procfs, {.boot_time_ns = 0, .users = "/dev/null", .groups = "/dev/null"}) {
    procfs.host_files["/usr/bin/curl"] = *image_with({}).file;
    live() = FakeProcess{.stat = line({}), .status = status_of(1000)};
  }

  FakeProcess& live() {
    auto& process = procfs.processes[kPid];
    if (!process) process = std::make_shared<FakeProcess>();
    return *process;
  }
  Event fill(const ExecImage& image, bool superseded = false, int64_t boot_ns = 500 * kTick) {
    Event event = test::event(EventKind::kExec, kPid);
    event.set_integer(field::kBootNs, boot_ns);
    event.time_ns = boot_ns;
    enricher_.fill(kPid, image, superseded, event);
    return event;
  }
  Event fill() { return fill(image_with({})); }
  Enricher::Counters counters() const { return enricher_.counters(); }
  Enricher& enricher() { return enricher_; }

  FakeProcfs procfs;

 private:
  Enricher enricher_;
};

bool is_image_told(const Event& event) { return show(event, "process.args") == "curl|-s|x.test"; }
bool is_rest_told(const Event& event) { return show(event, "process.user.id") == "1000"; }

TEST_CASE("An exec of a process that stays is told whole") {
  World world;
  const Event event = world.fill();
  CHECK(is_image_told(event));
  CHECK(is_rest_told(event));
  CHECK(show(event, "process.executable") == "/usr/bin/curl");
  CHECK(show(event, "process.start") == "1970-01-01T00:00:05.00Z");
  CHECK(show(event, "process.working_directory") == "/root");
  CHECK(show(event, "process.Ext.unit") == "cron.service");
  CHECK(show(event, "process.Ext.stdin.type") == "none");
  CHECK(show(event, "user.audit.id") == "1000");
  CHECK(show(event, "process.supplemental_groups.id") == "4");
  CHECK(show(event, "process.interactive") == "false");
  CHECK(show(event, "detectd.missing") == "process.user.name|process.group.name");
  CHECK(world.procfs.reads == kReads);
}

TEST_CASE("TRUST 20: arguments of which the kernel gives only a part are shown, and not trusted") {
  World world;
  ExecImage image = image_with({});
  image.cmdline.resize(8);
  const Event event = world.fill(image);
  CHECK(show(event, "process.args") == "curl|-s");
  CHECK(misses(event, "process.args"));
  CHECK_FALSE(misses(world.fill(image_with({})), "process.args"));
}

TEST_CASE("TRUST 2: what is read of a later process with the pid is not taken") {
  World world;
  world.live() = FakeProcess{.stat = line({.start_ticks = 900}), .status = status_of(0)};
  const Event event = world.fill();
  CHECK(is_image_told(event));
  CHECK(show(event, "process.start") == "1970-01-01T00:00:05.00Z");
  for (const char* const name :
       {"process.user.id", "process.Ext.unit", "process.Ext.stdin.type", "user.audit.id", "process.vpid",
        "process.Ext.mount_namespace", "container.id"}) {
    INFO(name);
    CHECK(show(event, name) == "-");
    CHECK(misses(event, name));
  }
  CHECK(world.counters().changed == 1);
}

TEST_CASE("TRUST 2: of a process that began after the event nothing is taken at all") {
  World world;
  const Event event = world.fill(image_with({}), false, 400 * kTick);
  CHECK_FALSE(is_image_told(event));
  for (const char* const name : {"process.args", "process.executable", "process.start", "process.user.id"}) {
    INFO(name);
    CHECK(show(event, name) == "-");
    CHECK(misses(event, name));
  }
  CHECK(world.counters().stale == 1);
}

TEST_CASE("TRUST 4: a process that began within the same tick is told apart by its memory") {
  World world;
  world.live() = FakeProcess{.stat = line({.stack = 70'000}), .status = status_of(0)};
  const Event event = world.fill();
  CHECK(is_image_told(event));
  CHECK(misses(event, "process.user.id"));
  CHECK(world.counters().changed == 1);
}

TEST_CASE("TRUST 5: where a later exec was queued, nothing of the program is taken, and the start is") {
  World world;
  const Event event = world.fill(image_with({}), true);
  for (const char* const name :
       {"process.args", "process.command_line", "process.executable", "process.Ext.inode",
        "process.thread.name", "process.working_directory", "process.user.id"}) {
    INFO(name);
    CHECK(show(event, name) == "-");
    CHECK(misses(event, name));
  }
  CHECK(show(event, "process.start") == "1970-01-01T00:00:05.00Z");
  CHECK(world.counters().superseded == 1);
  CHECK(world.procfs.reads == 0);
}

TEST_CASE("TRUST 5: an exec between any two reads withholds all that was read after the event") {
  for (size_t when = 0; when < kReads; ++when) {
    INFO("before read " << when);
    World world;
    world.procfs.between = [&](size_t reads) {
      if (reads == when) world.live() = FakeProcess{.stat = line({.stack = 70'000}), .status = status_of(0)};
    };
    const Event event = world.fill();
    CHECK(is_image_told(event));
    CHECK(show(event, "process.user.id") == "-");
    CHECK(misses(event, "process.user.id"));
    CHECK(world.counters().changed == 1);
  }
}

TEST_CASE("TRUST 2: an end between any two reads leaves what was read at once, and nothing else") {
  for (size_t when = 0; when < kReads; ++when) {
    INFO("before read " << when);
    World world;
    world.procfs.between = [&](size_t reads) {
      if (reads == when) world.procfs.processes.erase(kPid);
    };
    const Event event = world.fill();
    CHECK(is_image_told(event));
    CHECK(show(event, "process.user.id") == "-");
    CHECK(world.counters().ended == 1);
  }
}

TEST_CASE("TRUST 2: a pid that is used again between any two reads brings nothing of the newcomer") {
  for (size_t when = 0; when < kReads; ++when) {
    INFO("before read " << when);
    World world;
    world.procfs.between = [&](size_t reads) {
      if (reads != when) return;
      world.procfs.processes[kPid] =
          std::make_shared<FakeProcess>(FakeProcess{.stat = line({}), .status = status_of(0)});
    };
    const Event event = world.fill();
    CHECK(is_image_told(event));
    CHECK(show(event, "process.user.id") == "-");
  }
}

TEST_CASE("Of a process that has ended and waits for its parent ids are told, and streams are not") {
  World world;
  world.live().stat = line({.state = 'Z', .stack = 0});
  world.live().cgroup = "1:name=systemd:/\n";
  const Event event = world.fill();
  CHECK(is_rest_told(event));
  CHECK(misses(event, "process.Ext.stdin.type"));
  CHECK(misses(event, "process.Ext.cgroup"));
}

TEST_CASE("A process that ended under another name than it began with is not known to be the same program") {
  World world;
  world.live().stat = line({.name = "sh", .state = 'Z', .stack = 0});
  CHECK_FALSE(is_rest_told(world.fill()));
}

TEST_CASE("Nothing is taken later of a process whose state could not be read at once") {
  World world;
  ExecImage image = image_with({});
  image.stat.clear();
  const Event event = world.fill(image);
  CHECK(is_image_told(event));
  CHECK(misses(event, "process.start"));
  CHECK(misses(event, "process.thread.name"));
  CHECK(misses(event, "process.user.id"));
}

TEST_CASE("A kernel thread has a name and ids, and misses no program") {
  World world;
  const Stat stat{.name = "kworker/0:1", .flags = 0x00200000, .stack = 0};
  world.live() = FakeProcess{.stat = line(stat), .status = status_of(0)};
  ExecImage image;
  image.stat = line(stat);
  const Event event = world.fill(image);
  CHECK(show(event, "process.thread.name") == "kworker/0:1");
  CHECK(show(event, "process.user.id") == "0");
  CHECK_FALSE(misses(event, "process.executable"));
  CHECK_FALSE(misses(event, "process.args"));
  CHECK_FALSE(misses(event, "process.Ext.stdin.type"));
}

TEST_CASE("TRUST 18: an executable whose path leads to another file is carried and named as not trusted") {
  World world;
  world.procfs.host_files["/usr/bin/curl"].inode = 6;
  const Event event = world.fill();
  CHECK(show(event, "process.executable") == "/usr/bin/curl");
  CHECK(misses(event, "process.executable"));
  CHECK(world.counters().not_trusted == 1);
}

TEST_CASE("Where a path leads is asked once for the programs of 5 ms, and always for another file") {
  World world;
  const ExecImage image = image_with({});
  const auto looks = [&](const ExecImage& of, int64_t at_ns) {
    const size_t before = world.procfs.host_looks;
    world.fill(of, false, at_ns);
    return world.procfs.host_looks - before;
  };
  const int64_t begin_ns = 500 * kTick;
  CHECK(looks(image, begin_ns) == 1);
  CHECK(looks(image, begin_ns + 4'999'999) == 0);
  CHECK(looks(image, begin_ns + 5'000'000) == 1);
  CHECK(looks(image, begin_ns) == 1);
  ExecImage other = image;
  other.file->inode = 6;
  CHECK(looks(other, begin_ns + 1) == 1);
  CHECK(world.counters().not_trusted == 1);
  CHECK(looks(other, begin_ns + 2) == 1);
}

TEST_CASE("An executable whose file could not be told is carried as it is and named as not trusted") {
  World world;
  ExecImage image = image_with({});
  image.file.reset();
  image.executable = "/tmp/x (deleted)";
  const Event event = world.fill(image);
  CHECK(show(event, "process.executable") == "/tmp/x (deleted)");
  CHECK(misses(event, "process.executable"));
  CHECK(misses(event, "process.Ext.deleted"));
}

TEST_CASE("TRUST 48: a file that is no more is where its mount was, whoever ran it") {
  struct stat host {};
  if (stat("/proc/1/ns/mnt", &host) != 0 && stat("/proc/2/ns/mnt", &host) != 0) {
    WARN("skipped: which mount namespace is the host's is for root to see");
    return;
  }
  struct Case {
    const char* name;
    uint64_t of_file;
    uint64_t of_process;
    bool trusted;
  };
  const Case cases[] = {
      {"the host's file", host.st_ino, host.st_ino, true},
      {"the host's file, run from another namespace", host.st_ino, 4'026'539'999, true},
      {"another one's file, run from the host's", 4'026'539'999, host.st_ino, false},
      {"a file of a detached tree", 0, host.st_ino, false},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    World world;
    world.procfs.host_files.clear();
    ExecImage image = image_with({});
    image.is_told = true;
    image.told.stat = *parse_stat(image.stat);
    image.told.mount_namespace = c.of_process;
    image.told.file_mount_namespace = c.of_file;
    const Event event = world.fill(image);
    CHECK(show(event, "process.executable") == "/usr/bin/curl");
    CHECK(misses(event, "process.executable") != c.trusted);
  }
}

TEST_CASE("TRUST 17: arguments below the initial stack are carried and named as not trusted") {
  World world;
  ExecImage image = image_with({});
  const std::string honest = " 9100 9115 ";
  image.stat.replace(image.stat.find(honest), honest.size(), " 8100 8115 ");
  const Event event = world.fill(image);
  CHECK(is_image_told(event));
  CHECK(misses(event, "process.args"));
}

TEST_CASE("Fields that the caller named as missing stay named") {
  World world;
  Event event = test::event(EventKind::kExec, kPid);
  event.begin_list(field::kMissing);
  event.append_text(field::kMissing, "process.parent.pid");
  FakeProcfs procfs;
  Enricher enricher(procfs, {.boot_time_ns = 0});
  enricher.fill(kPid, image_with({}), false, event);
  CHECK(misses(event, "process.parent.pid"));
  CHECK(misses(event, "process.user.id"));
}

TEST_CASE("A start follows the two clocks of its event") {
  World world;
  Event event = test::event(EventKind::kExec, kPid);
  event.set_integer(field::kBootNs, 500 * kTick + 1);
  event.time_ns = 1'000'000'000'000'000'000 + 500 * kTick + 1;
  FakeProcfs procfs;
  Enricher enricher(procfs, {});
  enricher.fill(kPid, image_with({}), false, event);
  CHECK(show(event, "process.start") == "2001-09-09T01:46:45.00Z");
}

TEST_CASE("Without either clock's boot no start is told") {
  Event event = test::event(EventKind::kExec, kPid);
  FakeProcfs procfs;
  Enricher enricher(procfs, {});
  enricher.fill(kPid, image_with({}), false, event);
  CHECK(misses(event, "process.start"));
}

TEST_CASE("A user id without a name in the file has none, whatever was known before") {
  World world;
  FakeProcfs procfs;
  Enricher enricher(procfs, {.users = "/etc/passwd", .groups = "/etc/group"});
  Event event = test::uid_change(kPid, 0, 1000);
  enricher.name_ids(event);
  CHECK(show(event, "process.user.name") == "root");
  Event nobody = test::event(EventKind::kUidChange, kPid);
  nobody.set_integer(process_field(Leaf::kUserId), 3'999'999'999);
  enricher.name_ids(nobody);
  CHECK(show(nobody, "process.user.name") == "[]");
}

ExecImage image_of(uint64_t capabilities, uint32_t owner) {
  ExecImage image = image_with({});
  image.capabilities = capabilities;
  image.owner = owner;
  return image;
}

TEST_CASE("Where no rule can hold, no more is read, and what was not read is missing") {
  World world;
  world.enricher().read_for(std::make_unique<Foresight>(test::rules_about_shells()));
  const Event event = world.fill(image_of(0, 1000));
  CHECK(is_image_told(event));
  CHECK(world.procfs.reads == 0);
  for (const char* const name : {"process.Ext.unit", "process.Ext.cgroup", "process.Ext.stdin.type",
                                 "process.Ext.mount_namespace", "process.supplemental_groups.id",
                                 "process.vpid", "user.audit.id", "container.id", "process.Ext.root"}) {
    INFO(name);
    CHECK(show(event, name) == "-");
    CHECK(misses(event, name));
  }
  CHECK_FALSE(misses(event, "process.thread.capabilities.effective"));
  CHECK(world.counters().unasked == 1);
}

TEST_CASE("What was not read of an exec is forgotten by the lineage too") {
  World world;
  world.enricher().read_for(std::make_unique<Foresight>(test::rules_about_shells()));
  const Event event = world.fill(image_of(0, 1000));
  CHECK(event.withheld(process_field(Leaf::kCgroup)));
  CHECK_FALSE(event.withheld(process_field(Leaf::kUserId)));
}

TEST_CASE("Power by capabilities is told at once of root, and looked at closer of others") {
  constexpr uint64_t kAdmin = uint64_t{1} << 21;
  World world;
  world.enricher().read_for(std::make_unique<Foresight>(test::rules_about_shells()));
  const Event root = world.fill(image_of(kAdmin, 0));
  CHECK(show(root, "process.Ext.privileged") == "true");
  CHECK(world.procfs.reads == 0);
  world.fill(image_of(kAdmin, 1000));
  CHECK(world.procfs.reads == kReads);
}

TEST_CASE("All is read where a rule may hold, where nothing is foretold, and of what ran before") {
  for (const char* const why : {"rule", "no rules", "all", "capabilities unknown"}) {
    INFO(why);
    World world;
    if (why != std::string_view("no rules"))
      world.enricher().read_for(std::make_unique<Foresight>(test::rules_about_shells()));
    world.enricher().read_all(why == std::string_view("all"));
    ExecImage image = image_of(0, 1000);
    if (why == std::string_view("rule")) image.executable = "/usr/bin/sh";
    if (why == std::string_view("capabilities unknown")) image.capabilities.reset();
    CHECK(is_rest_told(world.fill(image)));
    CHECK(world.procfs.reads == kReads);
  }
}

TEST_CASE("TRUST 5: what a hit asks for later is read while the program still runs, and else stays missing") {
  for (const bool runs : {true, false}) {
    INFO(runs);
    World world;
    world.enricher().read_for(std::make_unique<Foresight>(test::rules_about_shells()));
    Event event = world.fill(image_of(0, 1000));
    REQUIRE(world.enricher().unasked());
    const ProgramIdentity program = *world.enricher().unasked();
    if (!runs) world.live() = FakeProcess{.stat = line({.stack = 70'000}), .status = status_of(0)};
    CHECK(world.enricher().complete(kPid, program, event) == runs);
    CHECK(show(event, "process.Ext.unit") == (runs ? "cron.service" : "-"));
    CHECK(show(event, "process.Ext.stdin.type") == (runs ? "none" : "-"));
    CHECK(show(event, "user.audit.id") == (runs ? "1000" : "-"));
    CHECK(misses(event, "process.Ext.unit") == !runs);
    CHECK(misses(event, "process.user.name"));
    CHECK(show(event, "process.user.id") == "-");
  }
}

}  // namespace
}  // namespace detectd
