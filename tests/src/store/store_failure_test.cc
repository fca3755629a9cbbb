// What the store does where the database can not take hits: nothing that was committed is lost.
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "src/store/hit_store.h"
#include "tests/support/failing_disk.h"
#include "tests/support/hits.h"
#include "tests/support/kept_store.h"
#include "tests/support/sqlite.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

bool starts_with(const std::string& text, const std::string& start) { return text.starts_with(start); }

}  // namespace

TEST_CASE("TRUST 54, 100: while another program holds the lock hits go to the spill, and come back",
          "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  Kept store(path);
  REQUIRE(store.keep(1));
  {
    const Sqlite holder(path);
    holder.run("BEGIN EXCLUSIVE");
    REQUIRE(store.keep(2));
    CHECK(store.said() == "D404: " + path + " is locked by another program; hits go to " +
                              directory.path("hits.spill") + " until it takes them again\n");
    REQUIRE(store.keep(3));
    CHECK(store.said().empty());
    CHECK(store->counters().stored == 3);
    CHECK(store->counters().waiting == 2);
    CHECK(SpillFile::count_hits(directory.path("hits.spill")) == 2);
  }
  REQUIRE(store->end_run({}));
  CHECK(store.said() == path + " takes hits again; none of them is missing\n");
  CHECK(store->counters().waiting == 0);
  CHECK(Sqlite(path).rows("SELECT hex(id) FROM hit ORDER BY n") ==
        "00000000000000000000000000000001\n00000000000000000000000000000002\n"
        "00000000000000000000000000000003\n");
}

TEST_CASE("hits that wait in the spill at the end are brought in by whoever opens the database next",
          "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  {
    const Sqlite holder(path);
    {
      Kept store(path);
      holder.run("BEGIN EXCLUSIVE");
      REQUIRE(store.keep(1));
      store.said();
      const Status status = store->end_run({});
      REQUIRE_FALSE(status);
      CHECK(status.error().message == "1 hit waits in " + directory.path("hits.spill") +
                                          ": the next run with " + path + " brings them into it");
    }
    CHECK(std::filesystem::exists(directory.path("hits.spill")));
  }
  {
    Kept store(path);
    CHECK(store.said() ==
          "1 hit that waited in " + directory.path("hits.spill") + " is in the database now\n");
  }
  CHECK(Sqlite(path).rows("SELECT count(*) FROM hits") == "1\n");
  CHECK_FALSE(std::filesystem::exists(directory.path("hits.spill")));
}

TEST_CASE("TRUST 101: on a full disk hits go to the spill, and come back when there is room", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  FailingDisk disk;
  Kept store(path);
  REQUIRE(store.keep(1));
  disk.fail_writes(SQLITE_FULL);
  REQUIRE(store.keep(2));
  CHECK(starts_with(store.said(), "D405: " + path + " can not grow: the disk is full; "));
  disk.heal();
  REQUIRE(store->end_run({}));
  CHECK(Sqlite(path).rows("SELECT count(*) FROM hit; PRAGMA integrity_check") == "2\nok\n");
}

TEST_CASE("TRUST 102: where the disk gives errors hits go to the spill, and come back", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  for (const int code : {SQLITE_IOERR_WRITE, SQLITE_READONLY}) {
    FailingDisk disk;
    Kept store(path);
    disk.fail_writes(code);
    REQUIRE(store.keep(static_cast<uint8_t>(code)));
    CHECK(starts_with(store.said(), "D406: " + path + " can not be "));
    disk.heal();
    REQUIRE(store->end_run({}));
  }
  CHECK(Sqlite(path).rows("SELECT count(*) FROM hit; PRAGMA integrity_check") == "2\nok\n");
}

TEST_CASE("TRUST 98: a database that is removed while it is open is made anew, and what it held is kept",
          "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  Kept store(path);
  REQUIRE(store.keep(1));
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  REQUIRE(store.keep(2));
  const std::string said = store.said();
  CHECK(starts_with(said, path + " was removed while it was open; what it held is in " + path + ".removed-"));
  const std::string copy = said.substr(said.rfind(' ') + 1, said.size() - said.rfind(' ') - 2);
  CHECK(Sqlite(path).rows("SELECT hex(id) FROM hit") == "00000000000000000000000000000002\n");
  CHECK(Sqlite(copy).rows("SELECT hex(id) FROM hit") == "00000000000000000000000000000001\n");
  CHECK((std::filesystem::status(copy).permissions() & std::filesystem::perms::mask) ==
        std::filesystem::perms(0600));
}

TEST_CASE("TRUST 98: a database that is replaced by another of ours goes on there", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  REQUIRE(Kept(directory.path("other.db")).keep(7));
  Kept store(path);
  REQUIRE(store.keep(1));
  std::filesystem::rename(directory.path("other.db"), path);
  REQUIRE(store.keep(2));
  CHECK(starts_with(store.said(), path + " was replaced while it was open; what it held is in "));
  CHECK(Sqlite(path).rows("SELECT hex(id) FROM hit ORDER BY n; PRAGMA integrity_check") ==
        "00000000000000000000000000000007\n00000000000000000000000000000002\nok\n");
}

TEST_CASE("TRUST 98: a database that is replaced by something else is left alone, and the spill takes hits",
          "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  Kept store(path);
  REQUIRE(store.keep(1));
  directory.write(
      "notes",
      "not a database, and longer than the hundred bytes that a header of SQLite has, so it is looked at");
  std::filesystem::rename(directory.path("notes"), path);
  REQUIRE(store.keep(2));
  CHECK(store.said().find("\nD400: " + path + " is not a SQLite database") != std::string::npos);
  CHECK(store->counters().waiting == 1);
  REQUIRE_FALSE(store->end_run({}));
  CHECK(std::filesystem::file_size(path) == 97);
}

TEST_CASE("TRUST 99: a database that is damaged while it is open loses no hit that comes after", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  { Kept(path).keep(1).ok(); }
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(8192)
      << std::string(65536, '\xA5');
  Kept store(path);
  REQUIRE(store.keep(2));
  CHECK(starts_with(store.said(), "D401: " + path + " is damaged: "));
  CHECK(store->counters().waiting == 1);
}

TEST_CASE("where neither the database nor the spill takes a hit, the commit says so", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  std::filesystem::create_directory(directory.path("hits.spill"));
  FailingDisk disk;
  Kept store(path);
  disk.fail_writes(SQLITE_FULL);
  const Status status = store.keep(1);
  REQUIRE_FALSE(status);
  CHECK(status.error().code == Errc::kFull);
  CHECK(starts_with(status.error().message, "D405: "));
  CHECK(status.error().message.find("; and there is no spill: open ") != std::string::npos);
  disk.heal();
  REQUIRE(store.keep(2));
  CHECK(Sqlite(path).rows("SELECT hex(id) FROM hit") == "00000000000000000000000000000002\n");
}

TEST_CASE("TRUST 104: a hit that a process was killed for is on the disk before it is told", "[store]") {
  const TempDir directory;
  FailingDisk disk;
  Kept store(directory.path("hits.db"));
  const auto syncs_of = [&](const char* outcome) {
    Hit hit = make_hit({.id = 1});
    auto rule = std::make_shared<Rule>(*hit.rule);
    rule->response.emplace().action = ResponseAction::kKill;
    hit.rule = rule;
    hit.response_outcome = outcome;
    const int before = disk.syncs();
    store->record(hit);
    REQUIRE(store->commit());
    return disk.syncs() - before;
  };
  CHECK(syncs_of("") == 0);  // of a replay
  CHECK(syncs_of("killed") > 0);
}

}  // namespace detectd
