// What the store does for a program that owns the database and must go on: damage, a disk that fills, old hits.
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "src/store/hit_reader.h"
#include "src/store/hit_store.h"
#include "src/store/inspection.h"
#include "tests/support/failing_disk.h"
#include "tests/support/hits.h"
#include "tests/support/kept_store.h"
#include "tests/support/sqlite.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

HitStore::Options owned(const std::string& path) {
  HitStore::Options options{.path = path, .spill = {}, .redact = {}, .tell = {}};
  options.replace_damaged = true;
  return options;
}

std::string count_of(const std::string& path) {
  return Sqlite(path).rows("SELECT count(*) FROM hit; PRAGMA integrity_check");
}

// The path that a message says a file is at now; empty if it says none.
std::string aside_in(const std::string& said) {
  const size_t begin = said.find("; it is ");
  const size_t end = said.find(" now, and a new one is begun");
  return begin == std::string::npos || end == std::string::npos ? ""
                                                                : said.substr(begin + 8, end - begin - 8);
}

void overwrite(const std::string& path, std::streamoff at, size_t size) {
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(at) << std::string(size, '\xA5');
}

// A file system of its own; not mounted where that is not allowed.
class SmallDisk {
 public:
  explicit SmallDisk(const char* size) : path_(directory_.path("disk")) {
    std::filesystem::create_directory(path_);
    mounted_ = mount("tmpfs", path_.c_str(), "tmpfs", 0, size) == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }
  std::string path(const std::string& name) const { return path_ + "/" + name; }
  // Takes all of it but so much.
  void leave_free(size_t bytes) const {
    struct statvfs info {};
    if (statvfs(path_.c_str(), &info) != 0) return;
    const size_t free = info.f_bavail * info.f_frsize;
    if (free > bytes)
      std::ofstream(path("ballast"), std::ios::binary | std::ios::app) << std::string(free - bytes, 'x');
  }
  void free() const { std::filesystem::remove(path("ballast")); }

 private:
  TempDir directory_;
  std::string path_;
  bool mounted_ = false;
};

// Hits that differ, with an event of that size.
void record(HitStore& store, int64_t first, int count, size_t event_bytes = 100) {
  for (int64_t i = first; i < first + count; ++i) {
    Hit hit = make_hit({.raw = "{\"a\":\"" + std::string(event_bytes, 'x') + "\"}"});
    for (size_t byte = 0; byte < 4; ++byte) hit.id[byte] = static_cast<uint8_t>(i >> (8 * byte));
    store.record(hit);
  }
}

}  // namespace

TEST_CASE("TRUST 99: who owns the database moves a damaged one aside, says so and begins a new one",
          "[store]") {
  struct Case {
    const char* name;
    void (*damage)(const std::string& path);
    const char* code;
  };
  const Case cases[] = {
      {"the header", [](const std::string& path) { overwrite(path, 0, 100); }, "D400: "},
      {"the pages behind the first", [](const std::string& path) { overwrite(path, 8192, 65536); }, "D401: "},
      {"cut short", [](const std::string& path) { std::filesystem::resize_file(path, 8192); }, "D401: "},
      {"no database", [](const std::string& path) { std::ofstream(path) << std::string(200, 'x'); },
       "D400: "},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    const TempDir directory;
    const std::string path = directory.path("hits.db");
    REQUIRE(Kept(path).keep(1));
    c.damage(path);
    Kept store(owned(path));
    REQUIRE(store.keep(2));
    REQUIRE(store.keep(3));
    const std::string said = store.said();
    CHECK(said.starts_with(c.code + path + " is "));
    const std::string aside = aside_in(said);
    CHECK(aside.starts_with(path + ".corrupt-"));
    CHECK(std::filesystem::exists(aside));
    CHECK(said.find("`detectctl db salvage NEW --db " + aside + "` copies what can still be read") !=
          std::string::npos);
    CHECK(count_of(path) == "2\nok\n");
    CHECK(store->counters().waiting == 0);
  }
}

TEST_CASE("TRUST 99: a database without a byte becomes one of ours", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  directory.write("hits.db", "");
  Kept store(owned(path));
  REQUIRE(store.keep(1));
  CHECK(store.said().empty());
  CHECK(count_of(path) == "1\nok\n");
}

TEST_CASE("TRUST 99: the hits of a run go on in the new database, and the run with them", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  const RuleSet none;
  Kept store(owned(path));
  REQUIRE(
      store->begin_run({.start = {.command = {"detectd"}, .version = "1", .rules_digest = "r", .time_ns = 7},
                        .rules = none,
                        .name_of_file = {}}));
  REQUIRE(store.keep(1));
  Sqlite(path).run("PRAGMA wal_checkpoint(TRUNCATE)");
  overwrite(path, 0, 8192 * 20);
  // What SQLite has in its cache it does not read again.
  for (uint8_t id = 2; store.said().empty() && id < 200; ++id) REQUIRE(store.keep(id));
  REQUIRE(store.keep(250));
  REQUIRE(store->end_run({}));
  CHECK(Sqlite(path).rows("SELECT count(*) FROM run WHERE started_ns = 7 AND ended_ns IS NOT NULL") == "1\n");
  CHECK(Sqlite(path).rows(
            "SELECT count(*) FROM hit WHERE substr(hex(id), 31) = 'FA'; PRAGMA integrity_check") ==
        "1\nok\n");
}

TEST_CASE("TRUST 50, 99: a file that may be somebody else's is not moved, whoever owns the database",
          "[store]") {
  const TempDir directory;
  const std::string text(200, 'x');
  directory.write("notes", text);
  directory.write("shared.db", text);
  REQUIRE(chmod(directory.path("shared.db").c_str(), 0666) == 0);
  directory.write("linked.db", text);
  std::filesystem::create_hard_link(directory.path("linked.db"), directory.path("other"));
  std::filesystem::create_symlink("notes", directory.path("link.db"));
  for (const char* name : {"notes", "shared.db", "linked.db", "link.db"}) {
    INFO(name);
    Kept store(owned(directory.path(name)));
    const std::string said = store.said();
    CHECK(said.starts_with("refused: D400: "));
    CHECK(said.ends_with("; it is left where it is: it may be somebody else's\n"));
    CHECK(std::filesystem::file_size(directory.path(name)) == text.size());
  }
  // Another program's database is none of ours, and not damaged.
  Sqlite(directory.path("theirs.db")).run("CREATE TABLE bookmarks (url TEXT)");
  CHECK(Kept(owned(directory.path("theirs.db"))).said().starts_with("refused: D402: "));
}

TEST_CASE("TRUST 51: a replay leaves a damaged database where it is", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  REQUIRE(Kept(path).keep(1));
  std::filesystem::resize_file(path, 8192);
  Kept store(path);
  const std::string said = store.said();
  const bool refused = said.starts_with("refused: D401: " + path);
  if (!refused) {
    REQUIRE(store.keep(2));
    CHECK(store.said().starts_with("D401: " + path));
    CHECK(store->counters().waiting == 1);
  }
  CHECK(std::filesystem::file_size(path) == 8192);
}

TEST_CASE("TRUST 98: that the file was removed is noticed without a hit, and nothing is lost", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  Kept store(owned(path));
  REQUIRE(store.keep(1));
  store->tend();
  CHECK(store.said().empty());
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  store->tend();
  const std::string said = store.said();
  CHECK(said.starts_with(path + " was removed while it was open; what it held is in " + path + ".removed-"));
  CHECK(count_of(said.substr(said.rfind(' ') + 1, said.size() - said.rfind(' ') - 2)) == "1\nok\n");
  CHECK(count_of(path) == "0\nok\n");
  REQUIRE(store.keep(2));
  CHECK(count_of(path) == "1\nok\n");
}

TEST_CASE("TRUST 101: what the spill does not take either waits in memory, and is stored when there is room",
          "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  std::filesystem::create_directory(directory.path("hits.spill"));
  FailingDisk disk;
  HitStore::Options options = owned(path);
  options.memory_bytes = 20'000;
  Kept store(options);
  REQUIRE(store.keep(1));
  disk.fail_writes(SQLITE_FULL);
  REQUIRE(store.keep(2));
  const std::string said = store.said();
  CHECK(said.starts_with("D405: " + path + " can not grow: the disk is full"));
  CHECK(said.ends_with("; the newest hits wait in memory, and are lost if detectd ends\n"));
  REQUIRE(store.keep(3));
  CHECK(store.said().empty());
  CHECK(store->counters().in_memory == 2);
  CHECK(store->counters().stored == 1);
  SECTION("all of them") {
    disk.heal();
    REQUIRE(store->end_run({}));
    CHECK(store.said() == path + " takes hits again; none of them is missing\n");
    CHECK(count_of(path) == "3\nok\n");
  }
  SECTION("the newest, where there are more than there is room for") {
    record(*store, 100, 4, 1500);
    REQUIRE(store->commit());
    CHECK(store.said() == "");
    record(*store, 200, 6, 1500);
    REQUIRE(store->commit());
    CHECK(store.said() == "the memory for hits that wait is full: the oldest of them are lost\n");
    const uint64_t dropped = store->counters().dropped;
    CHECK(dropped > 0);
    disk.heal();
    REQUIRE(store->end_run({}));
    CHECK(store.said().find(std::to_string(dropped) + " hit") != std::string::npos);
    CHECK(store->counters().in_memory == 0);
    CHECK(count_of(path) == std::to_string(1 + 2 + 10 - dropped) + "\nok\n");
  }
  SECTION("and that they are lost is said where the program ends before") {
    const Status status = store->end_run({});
    REQUIRE_FALSE(status);
    CHECK(status.error().message == "2 hits could be stored nowhere: they are lost");
  }
}

TEST_CASE(
    "TRUST 101: a disk of 1 MiB fills: warned, pruned, spilled, kept in memory, and all of it comes back",
    "[store]") {
  const SmallDisk disk("size=1m");
  if (!disk.mounted()) {
    WARN("skipped: no file system of 1 MiB can be mounted here");
    return;
  }
  const std::string path = disk.path("hits.db");
  HitStore::Options options = owned(path);
  options.upkeep.watch_disk = true;
  options.memory_bytes = size_t{1} << 20;
  Kept store(options);
  struct stat spill {};
  REQUIRE(stat(disk.path("hits.spill").c_str(), &spill) == 0);
  CHECK(spill.st_blocks * 512 == (1 << 20) / 8);
  record(*store, 0, 100);
  REQUIRE(store->commit());
  store->tend();
  CHECK(store.said().empty());

  Sqlite(path).run("PRAGMA wal_checkpoint(TRUNCATE)");
  disk.leave_free(96 << 10);
  store->tend();
  CHECK(store.said().starts_with("D405: " + path + " will not be able to grow soon: 96 KiB are free; "));
  const uint64_t pruned = store->counters().pruned;
  CHECK(pruned > 0);
  store->tend();
  CHECK(store.said().empty());
  CHECK(store->counters().pruned == pruned);

  disk.leave_free(0);
  int64_t next = 1000;
  const auto fill_until = [&](auto done) {
    for (int i = 0; i < 200 && !done(); ++i, next += 20) {
      record(*store, next, 20, 2000);
      REQUIRE(store->commit());
    }
  };
  fill_until([&] { return store->counters().waiting > 0; });
  CHECK(store.said().find("; hits go to " + disk.path("hits.spill")) != std::string::npos);
  fill_until([&] { return store->counters().in_memory > 0; });
  CHECK(store.said().find("; the newest hits wait in memory") != std::string::npos);
  CHECK(store->counters().dropped == 0);

  disk.free();
  record(*store, next, 1);
  next += 1;
  REQUIRE(store->end_run({}));
  CHECK(store.said().find(path + " takes hits again; none of them is missing\n") != std::string::npos);
  CHECK(store->counters().waiting == 0);
  const auto recorded = static_cast<uint64_t>(100 + next - 1000);
  CHECK(count_of(path) == std::to_string(recorded - store->counters().pruned) + "\nok\n");
}

TEST_CASE("old hits go while new ones are recorded, in steps, and the bound holds", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  HitStore::Options options = owned(path);
  constexpr uint64_t kBound = 2 << 20;
  options.upkeep.max_bytes = kBound;
  Kept store(options);
  for (int64_t batch = 0; batch < 12; ++batch) {
    record(*store, batch * 1000, 1000, 300);
    REQUIRE(store->commit());
    store->tend();
  }
  const uint64_t pruned = store->counters().pruned;
  CHECK(pruned > 0);
  CHECK(Sqlite(path).rows("SELECT count(*), min(n) FROM hit") ==
        std::to_string(12'000 - pruned) + "|" + std::to_string(pruned + 1) + "\n");
  CHECK(Sqlite(path).rows("SELECT (page_count - freelist_count) * page_size < 3000000 FROM pragma_page_count,"
                          " pragma_freelist_count, pragma_page_size") == "1\n");
  CHECK_FALSE(verify_chain(HitReader::open(path)->database())->broken_at);
}

TEST_CASE("TRUST 100: retention does not wait for who holds the lock, and goes on when it is free",
          "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  HitStore::Options options = owned(path);
  options.upkeep.keep_ns = -1;  // all that was stored
  Kept store(options);
  REQUIRE(store.keep(1));
  {
    const Sqlite holder(path);
    holder.run("BEGIN EXCLUSIVE");
    store->tend();
    CHECK(store->counters().pruned == 0);
  }
  store->tend();
  CHECK(store->counters().pruned == 1);
  CHECK(store.said().empty());
}

}  // namespace detectd
