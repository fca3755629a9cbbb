#include "src/store/hit_reader.h"

#include <catch2/catch.hpp>

#include "engine/timestamp.h"
#include "src/store/acknowledge.h"
#include "src/store/hit_store.h"
#include "src/store/inspection.h"
#include "src/store/retention.h"
#include "src/store/salvage.h"
#include "src/store/schema.h"
#include "tests/support/hits.h"
#include "tests/support/sqlite.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

constexpr const char* kOtherRule = "22222222-2222-4222-8222-222222222222";

// Five hits: three of a rule, one of another, one of another host.
class Recorded {
 public:
  Recorded() : path_(directory_.path("hits.db")) {
    auto store = HitStore::open({.path = path_, .spill = {}, .redact = {}, .tell = {}});
    REQUIRE(store);
    for (const Hit& hit :
         {make_hit({.time = "2026-11-20T14:00:00Z", .id = 1}),
          make_hit({.time = "2026-11-20T14:10:00Z", .id = 2}),
          make_hit({.rule_id = kOtherRule,
          .rule_name = "nc-reverse",
          .title = "Netcat",
          .level = Level::kCritical,
          .time = "2026-11-20T15:00:00Z",
          .command_line = "nc -e /bin/sh",
          .user = "root",
          .id = 3}),
          make_hit({.time = "2026-11-20T16:00:00Z", .host = "db01", .id = 4}),
          make_hit({.time = "2026-11-21T00:00:00Z", .raw = R"({"process":{"args":["needle"]}})", .id = 5})}) {
      (*store)->record(hit);
    }
    REQUIRE((*store)->commit());
  }

  HitReader open() const {
    auto reader = HitReader::open(path_);
    REQUIRE(reader);
    return std::move(*reader);
  }
  const std::string& path() const { return path_; }
  std::string beside(const std::string& name) const { return directory_.path(name); }

 private:
  TempDir directory_;
  std::string path_;
};

// The numbers of hits: `1 2 3`.
std::string list(const HitReader& reader, const HitFilter& filter,
                 const HitReader::ListOptions& options = {}) {
  std::string text;
  REQUIRE(reader.list(filter, options, [&text](const StoredHit& hit) {
    text += (text.empty() ? "" : " ") + std::to_string(hit.n);
    return true;
  }));
  return text;
}

std::string count(const HitReader& reader, GroupBy group, const HitFilter& filter) {
  auto groups = reader.count_by(group, filter);
  REQUIRE(groups);
  std::sort(groups->begin(), groups->end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  std::string text;
  for (const auto& each : *groups) text += each.name + " " + std::to_string(each.count.hits) + "; ";
  return text;
}

std::unique_ptr<Regex> regex(const char* pattern) {
  return std::make_unique<Regex>(std::get<Regex>(Regex::compile(pattern, {})));
}

}  // namespace

TEST_CASE("a filter chooses hits by time, rule, level, user, host and text", "[store]") {
  const Recorded recorded;
  const HitReader reader = recorded.open();
  const int64_t from_ns = parse_rfc3339("2026-11-20T14:10:00Z").value();
  const int64_t to_ns = parse_rfc3339("2026-11-20T16:00:00Z").value();
  const auto needle = regex("needle"), netcat = regex("nc -e"), nothing = regex("^nothing$");
  struct Case {
    HitFilter filter;
    const char* want;
  };
  const Case cases[] = {
      {{}, "1 2 3 4 5"},
      {{.since_ns = from_ns}, "2 3 4 5"},
      {{.until_ns = to_ns}, "1 2 3"},
      {{.since_ns = from_ns, .until_ns = to_ns}, "2 3"},
      {{.rules = {"nc-reverse"}}, "3"},
      {{.rules = {"Web server starts a shell"}}, "1 2 4 5"},
      {{.rules = {kOtherRule, "web-shell"}}, "1 2 3 4 5"},
      {{.rules = {"no such rule"}}, ""},
      {{.min_level = Level::kCritical}, "3"},
      {{.user = "root"}, "3"},
      {{.host = "db01"}, "4"},
      {{.grep = needle.get()}, "5"},
      {{.grep = netcat.get()}, "3"},
      {{.grep = nothing.get()}, ""},
      {{.rules = {"'; DROP TABLE hit; --"}, .user = "' OR 1=1 --"}, ""},
      {{.since_ns = to_ns, .rules = {"web-shell"}, .host = "web01"}, "5"},
  };
  for (const Case& c : cases) {
    CHECK(list(reader, c.filter) == c.want);
    std::string backwards = list(reader, c.filter, {.order = HitReader::Order::kNewestFirst});
    std::reverse(backwards.begin(), backwards.end());
    CHECK(backwards == c.want);
  }
  CHECK(list(reader, {}, {.after_n = 3}) == "4 5");
  CHECK(list(reader, {.rules = {"nc-reverse"}}, {.after_n = 1}) == "3");
}

TEST_CASE("a hit is found by its number and by its id, and a word that is neither is a mistake", "[store]") {
  const Recorded recorded;
  const HitReader reader = recorded.open();
  CHECK(reader.find("3")->record.rule->name == "nc-reverse");
  CHECK(reader.find("00000000000000000000000000000003")->n == 3);
  CHECK(reader.find("3")->record.event == R"({"process":{"pid":9921}})");
  CHECK(reader.find("6").error().code == Errc::kNotFound);
  CHECK(reader.find("000000000000000000000000000000ff").error().code == Errc::kNotFound);
  for (const char* word :
       {"", "0", "-1", "1 OR 1", "0000000000000000000000000000000g", "99999999999999999999"}) {
    CHECK(reader.find(word).error().code == Errc::kUsage);
  }
}

TEST_CASE("hits are counted by what is asked for, from the index and row by row alike", "[store]") {
  const Recorded recorded;
  const HitReader reader = recorded.open();
  const auto all = regex("");
  const HitFilter filter, row_by_row{.grep = all.get()};
  for (const HitFilter* each : {&filter, &row_by_row}) {
    CHECK(count(reader, GroupBy::kRule, *each) == "nc-reverse 1; web-shell 4; ");
    CHECK(count(reader, GroupBy::kLevel, *each) == "critical 1; high 4; ");
    CHECK(count(reader, GroupBy::kUser, *each) == "root 1; www-data 4; ");
    CHECK(count(reader, GroupBy::kHost, *each) == "db01 1; web01 4; ");
    const auto buckets = reader.timeline(3600 * kNanosPerSecond, 0, *each);
    REQUIRE(buckets);
    std::string text;
    for (const auto& bucket : *buckets) {
      text += format_rfc3339(bucket.begin_ns, 0) + " " + std::to_string(bucket.hits[3]) + "+" +
              std::to_string(bucket.hits[4]) + "\n";
    }
    CHECK(text ==
          "2026-11-20T14:00:00Z 2+0\n2026-11-20T15:00:00Z 0+1\n2026-11-20T16:00:00Z "
          "1+0\n2026-11-21T00:00:00Z 1+0\n");
  }
}

TEST_CASE("a reader changes not a byte, and reads while a writer writes", "[store]") {
  const Recorded recorded;
  const std::string before = Sqlite(recorded.path()).rows("SELECT * FROM hit");
  const Sqlite writer(recorded.path());
  writer.run("BEGIN EXCLUSIVE; DELETE FROM hit");
  const HitReader reader = recorded.open();
  CHECK(list(reader, {}) == "1 2 3 4 5");
  CHECK_FALSE(Database::open(recorded.path(), Database::Access::kRead)->execute("DELETE FROM hit"));
  writer.run("ROLLBACK");
  CHECK(Sqlite(recorded.path()).rows("SELECT * FROM hit") == before);
}

TEST_CASE("hits that somebody has seen to are marked, with a note, all or none", "[store]") {
  const Recorded recorded;
  CHECK(*acknowledge(recorded.path(), {"1", "00000000000000000000000000000003"}, "our \x1b[2J test", 5) == 2);
  CHECK(list(recorded.open(), {.unacknowledged = true}) == "2 4 5");
  CHECK(recorded.open().find("3")->note == "our \\x1b[2J test");
  CHECK(acknowledge(recorded.path(), {"2", "99"}, "", 5).error().code == Errc::kNotFound);
  CHECK(list(recorded.open(), {.unacknowledged = true}) == "2 4 5");
}

TEST_CASE("TRUST 106: a hit that was changed, or taken from between others, is named", "[store]") {
  struct Case {
    const char* sql;
    std::optional<int64_t> broken_at;
  };
  const Case cases[] = {
      {"SELECT 1", std::nullopt},
      {"UPDATE hit SET command_line = 'true' WHERE n = 3", 3},
      {"UPDATE hit SET time_ns = time_ns + 1 WHERE n = 2", 2},
      {"UPDATE hit SET user_name = NULL WHERE n = 4", 4},
      {"UPDATE hit_detail SET event = '{}' WHERE n = 1", 1},
      {"UPDATE hit_detail SET chain = x'00' WHERE n = 1", 1},
      {"DELETE FROM hit WHERE n = 2; DELETE FROM hit_detail WHERE n = 2", 3},
      {"DELETE FROM hit_detail WHERE n = 2", 2},
      {"DELETE FROM hit WHERE n = 1; DELETE FROM hit_detail WHERE n = 1", 2},
      {"UPDATE rule SET title = 'Harmless' WHERE name = 'nc-reverse'", 3},
      // What may change does not count.
      {"UPDATE hit SET count = 9, note = 'x', acknowledged_ns = 1, response_outcome = 'x'", std::nullopt},
  };
  for (const Case& c : cases) {
    const Recorded recorded;
    Sqlite(recorded.path()).run(c.sql);
    const auto report = verify_chain(recorded.open().database());
    REQUIRE(report);
    CAPTURE(c.sql);
    CHECK(report->broken_at == c.broken_at);
  }
}

TEST_CASE("retention takes the hits that were stored first, and the chain of the others holds", "[store]") {
  const Recorded recorded;
  Sqlite(recorded.path()).run("UPDATE hit SET stored_ns = n");
  auto database = Database::open(recorded.path(), Database::Access::kWrite);
  REQUIRE(database);
  Retention retention(*database, {.max_bytes = {}, .stored_before_ns = 3});
  while (*retention.step()) {
  }
  CHECK(retention.pruned() == 2);
  CHECK(list(recorded.open(), {}) == "3 4 5");
  CHECK_FALSE(verify_chain(recorded.open().database())->broken_at);
  CHECK(recorded.open().completeness({})->pruned == 2);
  SECTION("hits that come after are numbered on") {
    Retention all(*database, {.max_bytes = 1, .stored_before_ns = {}});
    while (*all.step()) {
    }
    auto store = HitStore::open({.path = recorded.path(), .spill = {}, .redact = {}, .tell = {}});
    (*store)->record(make_hit({.id = 9}));
    REQUIRE((*store)->commit());
    CHECK(list(recorded.open(), {}) == "6");
    CHECK_FALSE(verify_chain(recorded.open().database())->broken_at);
  }
}

TEST_CASE("retention works in steps between which a writer writes, and gives space back", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  auto store = HitStore::open({.path = path, .spill = {}, .redact = {}, .tell = {}});
  const std::string large(20'000, 'x');
  for (uint8_t id = 0; id < 250; ++id) {
    (*store)->record(make_hit({.raw = "{\"x\":\"" + large + "\"}", .id = id}));
  }
  REQUIRE((*store)->commit());
  auto database = Database::open(path, Database::Access::kWrite);
  Retention retention(*database, {.max_bytes = 1 << 20, .stored_before_ns = {}});
  int steps = 0;
  for (Result<bool> more = true; more && *more; ++steps) {
    more = retention.step();
    REQUIRE(more);
    (*store)->record(make_hit({.id = 251}));
    REQUIRE((*store)->commit());
    CHECK((*store)->counters().waiting == 0);
  }
  CHECK(steps > 2);
  store->reset();
  CHECK(read_statistics(*database)->bytes <= 1 << 20);
}

TEST_CASE("TRUST 51, 99: what can be read of a damaged database is salvaged, number by number", "[store]") {
  const Recorded recorded;
  const std::string path = recorded.beside("hits.db"), copy = recorded.beside("copy.db");
  Sqlite(path).run("UPDATE hit_detail SET event = '' WHERE n = 2");
  const auto report = salvage(path, copy, 1);
  REQUIRE(report);
  CHECK(report->hits == 4);
  CHECK(report->unreadable == 1);
  const auto reader = HitReader::open(copy);
  REQUIRE(reader);
  CHECK(list(*reader, {.rules = {"nc-reverse"}}) == "2");
  CHECK_FALSE(verify_chain(reader->database())->broken_at);
  CHECK_FALSE(salvage(path, copy, 1));
}

TEST_CASE("TRUST 51: SQLite's own check names what is damaged", "[store]") {
  const Recorded recorded;
  CHECK(check_integrity(recorded.open().database())->empty());
  Sqlite(recorded.path()).run("DROP INDEX hit_by_rule; PRAGMA wal_checkpoint(TRUNCATE)");
  const auto size = std::filesystem::file_size(recorded.path());
  std::fstream(recorded.path(), std::ios::in | std::ios::out | std::ios::binary)
          .seekp(static_cast<std::streamoff>(size - 8192 * 3))
      << std::string(8192, '\xA5');
  const auto damaged = Database::open(recorded.path(), Database::Access::kRead);
  REQUIRE(damaged);
  const auto found = check_integrity(*damaged);
  CHECK((!found || !found->empty()));
}

TEST_CASE("schema 1 is brought up to date with all its hits", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  Sqlite(path).run(
      "CREATE TABLE hits (id TEXT PRIMARY KEY NOT NULL, rule_id TEXT NOT NULL, rule_title TEXT NOT NULL,"
      " level TEXT NOT NULL, time_ns INTEGER NOT NULL, host TEXT, pid INTEGER, entity_id TEXT, executable "
      "TEXT,"
      " command_line TEXT, user TEXT, event TEXT NOT NULL, lineage TEXT NOT NULL, count INTEGER NOT NULL,"
      " first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
      "CREATE INDEX hits_by_time ON hits (time_ns);"
      "PRAGMA application_id = 1146372948; PRAGMA user_version = 1;"
      "INSERT INTO hits VALUES ('0000000000000000000000000000000a', 'r', 'Title', 'high', 7, 'web01', 9, 'e',"
      " '/bin/sh', 'sh -c ' || char(27), 'root', '{\"a\":1}', '[]', 3, 7, 9)");
  CHECK_FALSE(HitReader::open(path));
  {
    auto store = HitStore::open({.path = path, .spill = {}, .redact = {}, .tell = {}});
    REQUIRE(store);
  }
  CHECK(Sqlite(path).rows(
            "SELECT n, id, rule, level, time_ns, host, pid, executable, command_line, user, event, count,"
            " first_ns, last_ns FROM hits; PRAGMA user_version; PRAGMA auto_vacuum") ==
        "1|0000000000000000000000000000000a|Title|high|7|web01|9|/bin/sh|sh -c "
        "\\x1b|root|{\"a\":1}|3|7|9\n5\n2\n");
  CHECK_FALSE(verify_chain(HitReader::open(path)->database())->broken_at);
}

TEST_CASE("schemas 2 to 4 can be read as they are, and are brought up to date by who writes", "[store]") {
  constexpr const char* kToFourth =
      "DROP VIEW hits; DROP TABLE sink; DROP TABLE mute; ALTER TABLE hit DROP COLUMN muted;"
      "ALTER TABLE run DROP COLUMN alerts;"
      "CREATE VIEW hits AS SELECT hit.n AS n, lineage.text AS lineage FROM hit JOIN hit_detail USING (n)"
      " LEFT JOIN lineage ON lineage.n = CAST(hit_detail.lineage AS INTEGER);"
      "PRAGMA user_version = 4";
  constexpr const char* kToThird =
      "UPDATE hit_detail SET lineage = (SELECT text FROM lineage WHERE n = CAST(hit_detail.lineage AS "
      "INTEGER));"
      "DROP VIEW hits; DROP TABLE lineage;"
      "CREATE VIEW hits AS SELECT hit.n AS n, hit_detail.lineage AS lineage FROM hit JOIN hit_detail USING "
      "(n);"
      "PRAGMA user_version = 3";
  for (const int schema : {2, 3, 4}) {
    CAPTURE(schema);
    const TempDir directory;
    const std::string path = directory.path("hits.db");
    const auto store = [&](uint8_t id) {
      auto opened = HitStore::open({.path = path, .spill = {}, .redact = {}, .tell = {}});
      REQUIRE(opened);
      (*opened)->record(make_hit({.id = id}));
      REQUIRE((*opened)->commit());
    };
    store(1);
    Sqlite(path).run(kToFourth);
    if (schema < 4) Sqlite(path).run(kToThird);
    if (schema < 3) Sqlite(path).run("DROP TABLE history; PRAGMA user_version = 2");
    const std::string old_lineages = Sqlite(path).rows("SELECT lineage FROM hits");
    CHECK(old_lineages.starts_with("[{"));
    {
      const auto reader = HitReader::open(path);
      REQUIRE(reader);
      CHECK(reader->find("1")->record.lineage + "\n" == old_lineages);
      CHECK(reader->ancestors(*reader->find("1"))->size() == 1);
      CHECK(verify_chain(reader->database())->hits == 1);
      const auto report = salvage(path, directory.path("copy.db"), 1);
      CHECK((report && report->hits == 1 && report->unreadable == 0));
    }
    CHECK(Sqlite(path).rows("PRAGMA user_version") == std::to_string(schema) + "\n");
    store(2);
    CHECK(Sqlite(path).rows("PRAGMA user_version; SELECT count(*) FROM history; SELECT count(*) FROM sink;"
                            "SELECT n, lineage, muted FROM hits") ==
          "5\n0\n0\n1|" + old_lineages.substr(0, old_lineages.size() - 1) + "|NULL\n2|" +
              old_lineages.substr(0, old_lineages.size() - 1) + "|NULL\n");
    CHECK(HitReader::open(path)->find("1")->record.lineage + "\n" == old_lineages);
    CHECK_FALSE(verify_chain(HitReader::open(path)->database())->broken_at);
  }
}

TEST_CASE("a lineage is stored once for the hits that share it, as long as one of them is there", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  const auto store = HitStore::open({.path = path, .spill = {}, .redact = {}, .tell = {}});
  REQUIRE(store);
  const auto record = [&](int n, const char* parent) {
    Hit hit = make_hit({.parent_name = parent});
    hit.id[0] = static_cast<uint8_t>(n >> 8);
    hit.id[1] = static_cast<uint8_t>(n);
    (*store)->record(hit);
  };
  for (int n = 1; n < 1030; ++n) record(n, n % 2 == 0 ? "nginx" : "sshd");
  REQUIRE((*store)->commit());
  // Beyond a stretch of numbers they are stored anew.
  CHECK(Sqlite(path).rows("SELECT n FROM lineage") == "1\n2\n1024\n1025\n");
  CHECK(Sqlite(path).rows(
            "SELECT count(DISTINCT lineage) FROM hits; SELECT count(*) FROM hits"
            " WHERE lineage LIKE '%\"sshd\"%' AND n % 2 = 1 OR lineage LIKE '%\"nginx\"%' AND n % 2 = 0") ==
        "2\n1029\n");
  SECTION("retention takes those of whole stretches") {
    Sqlite(path).run("UPDATE hit SET stored_ns = n");
    auto database = Database::open(path, Database::Access::kWrite);
    Retention half(*database, {.max_bytes = {}, .stored_before_ns = 600});
    while (*half.step()) {
    }
    CHECK(Sqlite(path).rows("SELECT count(*) FROM lineage") == "4\n");
    Retention most(*database, {.max_bytes = {}, .stored_before_ns = 1026});
    while (*most.step()) {
    }
    CHECK(Sqlite(path).rows("SELECT n FROM lineage; SELECT count(*) FROM hits WHERE lineage LIKE '[{%'") ==
          "1024\n1025\n4\n");
    CHECK_FALSE(verify_chain(HitReader::open(path)->database())->broken_at);
  }
  SECTION("TRUST 106: one that was changed breaks the chain at the first hit that has it") {
    Sqlite(path).run("UPDATE lineage SET text = '[]' WHERE n = 2");
    CHECK(verify_chain(HitReader::open(path)->database())->broken_at == 2);
  }
  SECTION("TRUST 51, 99: a hit is salvaged without one that can not be read") {
    Sqlite(path).run("DELETE FROM lineage WHERE n = 1025");
    const auto report = salvage(path, directory.path("copy.db"), 1);
    REQUIRE(report);
    CHECK(report->hits == 1029);
    CHECK(report->unreadable == 3);
    CHECK(HitReader::open(directory.path("copy.db"))->find("1025")->record.lineage == "[]");
  }
  SECTION("what was rolled back is stored again") {
    {
      const Sqlite holder(path);
      holder.run("BEGIN IMMEDIATE");
      record(2000, "cron");
      REQUIRE((*store)->commit());
      CHECK((*store)->counters().waiting == 1);
    }
    record(2001, "cron");
    REQUIRE((*store)->end_run({}));
    CHECK(Sqlite(path).rows("SELECT count(*) FROM hits WHERE lineage LIKE '%\"cron\"%'") == "2\n");
  }
}

}  // namespace detectd
