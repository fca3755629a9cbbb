#include "src/store/history.h"

#include <catch2/catch.hpp>

#include "src/store/schema.h"
#include "tests/support/sqlite.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

Database open_database(const std::string& path) {
  auto database = Database::open(path, Database::Access::kCreate);
  REQUIRE(database);
  REQUIRE(prepare_to_write(*database));
  return std::move(*database);
}

TermHistory history_of(uint8_t correlation, int64_t start_ns, std::vector<uint8_t> terms) {
  TermHistory history;
  history.digest.fill(correlation);
  history.start_ns = start_ns;
  for (const uint8_t term : terms) history.terms.emplace_back().fill(term);
  return history;
}

std::string text_of(const std::vector<TermHistory>& histories) {
  std::string text;
  for (const TermHistory& history : histories) {
    text += hex(history.digest).substr(0, 2) + " " + std::to_string(history.start_ns) + ":";
    for (const SeenTerm& term : history.terms) text += " " + std::to_string(term[0]);
    text += "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("what new_terms has seen is there for the next run, in its order", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  Database database = open_database(path);
  CHECK(text_of(*read_history(database)).empty());
  REQUIRE(save_history(database, std::vector{history_of(1, 5, {3, 1, 2}), history_of(2, 6, {})}, 100));
  Database next = open_database(path);
  CHECK(text_of(*read_history(next)) == "01 5: 3 1 2\n02 6:\n");
  REQUIRE(save_history(next, std::vector{history_of(1, 5, {1, 2, 4})}, 101));
  CHECK(text_of(*read_history(database)) == "01 5: 1 2 4\n02 6:\n");
}

TEST_CASE("what no run has any more is forgotten after 90 days", "[store]") {
  const TempDir directory;
  Database database = open_database(directory.path("hits.db"));
  REQUIRE(save_history(database, std::vector{history_of(1, 5, {1})}, 100));
  REQUIRE(save_history(database, std::vector{history_of(2, 5, {1})}, 100 + kKeepHistoryNs));
  CHECK(text_of(*read_history(database)) == "01 5: 1\n02 5: 1\n");
  REQUIRE(save_history(database, std::vector{history_of(2, 5, {1})}, 101 + kKeepHistoryNs));
  CHECK(text_of(*read_history(database)) == "02 5: 1\n");
}

TEST_CASE("rows that are no history are passed over", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  Database database = open_database(path);
  REQUIRE(save_history(database, std::vector{history_of(1, 5, {1})}, 100));
  Sqlite(path).run(
      "INSERT INTO history VALUES ('', 1, 1, x''), ('zz', 1, 1, x'00'), (printf('%064d', 0), 1, 1, "
      "x'000102')");
  CHECK(text_of(*read_history(database)) == "01 5: 1\n");
}

}  // namespace detectd
