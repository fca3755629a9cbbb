// What sinks have yet to be told, and what nobody is told for a time.
#include "src/store/outbox.h"

#include <catch2/catch.hpp>

#include "src/clock.h"
#include "src/store/mutes.h"
#include "src/store/schema.h"
#include "tests/support/hits.h"
#include "tests/support/kept_store.h"
#include "tests/support/sqlite.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

constexpr int64_t kHour = int64_t{3600} * 1'000'000'000;

// A database as a daemon keeps it, and what one of its sinks would be told.
class Told {
 public:
  explicit Told(std::vector<std::string> sinks = {"journal"}, bool tells = true) { open(sinks, tells); }

  void open(const std::vector<std::string>& sinks, bool tells = true) {
    store_.reset();
    HitStore::Options options{.path = path(), .spill = {}, .redact = {}, .tell = {}};
    options.sinks = sinks;
    store_.emplace(options);
    REQUIRE((*store_)->begin_run({.start = {.command = {"detectd"},
                                            .version = "1",
                                            .rules_digest = "d",
                                            .time_ns = ++runs_,
                                            .alerts = tells},
                                  .rules = RuleSet(),
                                  .name_of_file = {}}));
  }
  void close() { store_.reset(); }
  void hit(uint8_t id, Level level = Level::kHigh) {
    (**store_).record(make_hit({.level = level, .id = id}));
    REQUIRE((**store_).commit());
  }
  // The last bytes of the ids of what is read behind `after`, and how far that looked: `1 2 3 to 3`.
  std::string read(int64_t after, Level level = Level::kInformational, size_t max = 100) {
    std::string text;
    size_t count = 0;
    const auto found =
        outbox_.read({.after = after, .min_level = level, .now_ns = wall_clock_ns()}, [&](StoredHit& hit) {
          if (count == max) return false;
          ++count;
          text += std::to_string(hit.record.id.back()) + " ";
          return true;
        });
    if (!found) return found.error().message;
    return text + "to " + std::to_string(found->looked_to) + (found->more ? ", more" : "") +
           (found->waits ? ", waits" : "") + (found->is_new ? ", new" : "") +
           (found->taken_away != 0 ? ", gone: " + std::to_string(found->taken_away) : "");
  }
  std::string path() const { return directory_.path("hits.db"); }
  Outbox& outbox() { return outbox_; }

 private:
  TempDir directory_;
  std::optional<Kept> store_;
  Outbox outbox_{path()};
  int64_t runs_ = 0;
};

Mute mute_of(const Hit& hit, int64_t begin_ns, int64_t end_ns) {
  return {.rule = hit.rule->id,
          .name = "web-shell",
          .begin_ns = begin_ns,
          .end_ns = end_ns,
          .reason = "a \x1b[2J scan",
          .made_by = "alice"};
}

}  // namespace

TEST_CASE("a sink is told each hit in the order in which it was stored, from where it was",
          "[store][alerts]") {
  Told told;
  for (const uint8_t id : std::initializer_list<uint8_t>{9, 3, 7}) told.hit(id);
  CHECK(told.read(0) == "9 3 7 to 3");
  CHECK(told.read(1) == "3 7 to 3");
  CHECK(told.read(3) == "to 3");
  CHECK(told.read(0, Level::kInformational, 2) == "9 3 to 2, more");
  told.hit(3);  // again: no news
  CHECK(told.read(3) == "to 3");
}

TEST_CASE("hits below a sink's level are passed over", "[store][alerts]") {
  Told told;
  told.hit(1, Level::kLow);
  told.hit(2, Level::kCritical);
  told.hit(3, Level::kMedium);
  CHECK(told.read(0, Level::kHigh) == "2 to 3");
}

TEST_CASE("what a replay records into a daemon's database is told nobody", "[store][alerts]") {
  Told told({"journal"}, false);
  told.hit(1);
  CHECK(told.read(0) == "to 1");
  told.open({"journal"});
  told.hit(2);
  CHECK(told.read(0) == "2 to 2");
}

TEST_CASE("a new sink begins with what comes, a known one where it was, over restarts", "[store][alerts]") {
  Told told({"journal"});
  told.hit(1);
  told.hit(2);
  auto journal = told.outbox().find("journal");
  REQUIRE(journal);
  CHECK(journal->settled_n == 0);
  journal->settled_n = 1;
  journal->delivered = 1;
  journal->failure = "no answer";
  journal->failing_since_ns = 5;
  REQUIRE(told.outbox().save(*journal));
  told.open({"journal", "pager"});
  CHECK(told.outbox().find("journal")->settled_n == 1);
  CHECK(told.outbox().find("journal")->failure == "no answer");
  CHECK(told.outbox().find("journal")->failing_since_ns == 5);
  CHECK(told.outbox().find("pager")->settled_n == 2);
  CHECK(told.outbox().find("other").error().code == Errc::kNotFound);
  const Database database = *Database::open(told.path(), Database::Access::kRead);
  CHECK(read_sinks(database)->size() == 2);
  CHECK(*told.outbox().behind(1) == 1);
}

TEST_CASE("hits that retention took before they were told are counted", "[store][alerts]") {
  Told told;
  for (uint8_t id = 1; id <= 4; ++id) told.hit(id);
  Sqlite(told.path()).run("UPDATE pruned SET until_n = 2; DELETE FROM hit WHERE n <= 2");
  CHECK(told.read(0) == "3 4 to 4, gone: 2");
  CHECK(told.read(2) == "3 4 to 4");
}

TEST_CASE("a hit waits for what becomes of its response, and what comes behind it waits too",
          "[store][alerts]") {
  Told told;
  told.hit(1);
  told.hit(2);
  told.hit(3);
  const auto becomes = [&](const char* outcome) {
    Sqlite(told.path())
        .run("UPDATE hit SET response = 'kill', response_outcome = '" + std::string(outcome) +
             "' WHERE n = 2");
  };
  becomes("signalled, reactive, 9 us");
  CHECK(told.read(0) == "1 to 1, waits");
  CHECK(told.read(1) == "to 1, waits");
  becomes("killed, reactive, 9 us");
  CHECK(told.read(1) == "2 3 to 3");
}

TEST_CASE("hits that waited in the spill reach the sinks when they are in the database", "[store][alerts]") {
  Told told;
  told.hit(1);
  {
    const Sqlite analyst(told.path());
    analyst.run("BEGIN EXCLUSIVE");
    told.hit(2);
    told.hit(3);
    CHECK(Sqlite(told.path()).rows("SELECT count(*) FROM hit") == "1\n");
    analyst.run("COMMIT");
  }
  told.close();
  told.open({"journal"});
  CHECK(told.read(0) == "1 2 3 to 3");
}

TEST_CASE("who reads notices that the file is another one", "[store][alerts]") {
  Told told;
  told.hit(1);
  CHECK(told.read(0) == "1 to 1");
  told.close();
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(told.path() + end);
  told.open({"journal"});
  told.hit(7);
  CHECK(told.read(1) == "to 1, new");
  CHECK(told.read(0) == "7 to 1");
}

TEST_CASE("a muted rule's hits are kept, marked, and not told", "[store][alerts]") {
  Told told;
  const Hit hit = make_hit({});
  const int64_t now_ns = hit.event->time_ns;
  auto database = *Database::open(told.path(), Database::Access::kWrite);
  told.hit(1);
  REQUIRE(add_mute(database, mute_of(hit, now_ns - 1, now_ns + kHour)));
  told.hit(2);
  CHECK(told.read(0) == "1 to 2");
  CHECK(Sqlite(told.path()).rows("SELECT n, muted FROM hits") == "1|NULL\n2|a \\x1b[2J scan\n");
  REQUIRE(list_mutes(database, WhichMutes::kHolding, now_ns)->size() == 1);
  CHECK(list_mutes(database, WhichMutes::kHolding, now_ns)->front().hits == 1);
  CHECK(list_mutes(database, WhichMutes::kHolding, now_ns + kHour)->empty());
  CHECK(list_mutes(database, WhichMutes::kAll, now_ns + kHour)->size() == 1);

  CHECK(*lift_mute(database, hit.rule->id, now_ns, "bob"));
  CHECK_FALSE(*lift_mute(database, hit.rule->id, now_ns, "bob"));
  told.hit(3);
  CHECK(told.read(0) == "1 3 to 3");
  CHECK(list_mutes(database, WhichMutes::kAll, 0)->front().lifted_by == "bob");
}

TEST_CASE("a mute holds from its begin until before its end, of its rule only", "[store][alerts]") {
  const std::vector<Mute> mutes = {
      {.n = 4, .rule = "a", .name = {}, .begin_ns = 10, .end_ns = 20, .reason = {}, .made_by = {}}};
  CHECK_FALSE(find_mute(mutes, "a", 9));
  CHECK(find_mute(mutes, "a", 10) == 4);
  CHECK(find_mute(mutes, "a", 19) == 4);
  CHECK_FALSE(find_mute(mutes, "a", 20));
  CHECK_FALSE(find_mute(mutes, "b", 10));
}

TEST_CASE("a mute needs a reason and an end, and takes the place of an earlier one", "[store][alerts]") {
  const TempDir directory;
  const Kept store(directory.path("hits.db"));
  auto database = *Database::open(directory.path("hits.db"), Database::Access::kWrite);
  Mute mute{.rule = "r", .name = "r", .begin_ns = 100, .end_ns = 200, .reason = "tests", .made_by = "root"};
  CHECK(*add_mute(database, mute) == 1);
  mute.begin_ns = 150;
  mute.end_ns = 160;
  CHECK(*add_mute(database, mute) == 2);
  CHECK(list_mutes(database, WhichMutes::kHolding, 150)->size() == 1);
  mute.reason.clear();
  CHECK(add_mute(database, mute).error().code == Errc::kUsage);
  mute.reason = "x";
  mute.end_ns = mute.begin_ns;
  CHECK(add_mute(database, mute).error().code == Errc::kUsage);
  mute.end_ns = mute.begin_ns + kLongestMuteNs + 1;
  CHECK(add_mute(database, mute).error().message == "a mute lasts up to a year");
}

TEST_CASE("an overview counts hits by rule, blind time once, and rules without a hit", "[store][alerts]") {
  Told told;
  told.hit(1);
  told.hit(2);
  const int64_t time_ns = make_hit({}).event->time_ns;
  const std::string t = std::to_string(time_ns);
  Sqlite(told.path())
      .run(
          "UPDATE hit SET count = 5 WHERE n = 1;"
          "INSERT INTO gap (run, time_ns, begin_ns, end_ns, lost, event) VALUES"
          " (1, 0, " +
          t + " - 100, " + t + " + 10, 7, 'a'), (1, 0, " + t + " + 5, " + t + " + 30, NULL, 'b')");
  const std::vector<Outbox::NamedRule> running = {{"11111111-1111-4111-8111-111111111111", "web-shell"},
                                                  {"x", "quiet"}};
  const auto found = told.outbox().overview({time_ns, time_ns + 20}, running);
  CHECK((found ? "" : found.error().message) == "");
  REQUIRE(found);
  REQUIRE(found->rules.size() == 1);
  CHECK(found->rules[0].name == "web-shell");
  CHECK(found->rules[0].hits == 2);
  CHECK(found->rules[0].repeats == 4);
  CHECK(found->hits == 2);
  CHECK(found->gaps == 2);
  CHECK(found->uncounted_gaps == 1);
  CHECK(found->lost == 7);
  CHECK(found->blind_ns == 20);
  CHECK(found->silent == std::vector<std::string>{"quiet"});
  CHECK(told.outbox().overview({time_ns + 1, time_ns + 2}, {})->hits == 0);
  const auto folded = told.outbox().fold(1, 2, [](const RuleRecord&) { return true; });
  REQUIRE(folded);
  CHECK(folded->hits == 1);
}

}  // namespace detectd
