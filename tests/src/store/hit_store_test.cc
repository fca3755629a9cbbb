#include "src/store/hit_store.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/hits.h"

namespace detectd {
namespace {

class Directory {
 public:
  Directory() {
    char name[] = "/tmp/detectd-store-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// All rows, columns joined by `|`, rows by newlines.
std::string query(const std::string& path, const char* sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK);
  std::string rows;
  const auto add = [](void* out, int count, char** values, char**) {
    auto& text = *static_cast<std::string*>(out);
    for (int i = 0; i < count; ++i) {
      if (i > 0) text += '|';
      text += values[i] == nullptr ? "NULL" : values[i];
    }
    text += '\n';
    return 0;
  };
  const int code = sqlite3_exec(database, sql, add, &rows, nullptr);
  sqlite3_close(database);
  REQUIRE(code == SQLITE_OK);
  return rows;
}

std::unique_ptr<HitStore> open(const std::string& path) {
  auto store = HitStore::open({.path = path, .spill = {}, .redact = {}, .tell = {}});
  REQUIRE(store);
  return std::move(*store);
}

void record(const std::string& path, const std::vector<Hit>& hits) {
  const auto store = open(path);
  for (const Hit& hit : hits) store->record(hit);
  REQUIRE(store->commit());
}

std::string refusal(const std::string& path) {
  const auto store = HitStore::open({.path = path, .spill = {}, .redact = {}, .tell = {}});
  return store ? "accepted" : store.error().message;
}

}  // namespace

TEST_CASE("the outcome of a response follows its hit, and a replay of its capture does not undo it",
          "[store]") {
  const Directory directory;
  const std::string path = directory.file("hits.db");
  Hit hit = make_hit({});
  Rule rule = *hit.rule;
  rule.response = Response{.action = ResponseAction::kKill, .target = "process", .fallback = {}, .span = {}};
  hit.rule = std::make_shared<const Rule>(rule);
  const auto outcome = [&] { return query(path, "SELECT response_outcome FROM hits"); };
  hit.response_outcome = "signalled, reactive";
  record(path, {hit});
  CHECK(outcome() == "signalled, reactive\n");
  hit.response_outcome = "killed, reactive, 5 us";
  record(path, {hit});
  CHECK(outcome() == "killed, reactive, 5 us\n");
  hit.response_outcome.clear();
  record(path, {hit});
  CHECK(outcome() == "killed, reactive, 5 us\n");
  REQUIRE(open(path)->set_outcome(hit.event->time_ns, to_string(hit.id), "unknown, reactive"));
  CHECK(outcome() == "unknown, reactive\n");
}

TEST_CASE("a hit is a row with what a person asks for first", "[store]") {
  const Directory directory;
  const std::string path = directory.file("hits.db");
  record(path, {make_hit({})});
  CHECK(query(path,
              "SELECT id, rule_id, rule_title, level, time_ns, host, pid, entity_id, executable,"
              " command_line, user, event, lineage, count FROM hits") ==
        "00000000000000000000000000000001|11111111-1111-4111-8111-111111111111|"
        "Web server starts a shell|high|1795183387112000000|web01|9921|NULL|/bin/sh|"
        "sh -c 'id; uname -a'|www-data|{\"process\":{\"pid\":9921}}|"
        "[{\"pid\":812,\"name\":\"nginx\"}]|1\n");
  CHECK(query(path, "PRAGMA journal_mode") == "wal\n");
}

TEST_CASE("storing the same hits twice adds nothing", "[store]") {
  const Directory directory;
  const std::string path = directory.file("hits.db");
  const std::vector<Hit> hits = {make_hit({.id = 1}), make_hit({.id = 2})};
  record(path, hits);
  record(path, hits);
  CHECK(query(path, "SELECT count(*), sum(count) FROM hits") == "2|2\n");
}

TEST_CASE("hits of more than one batch are all stored", "[store]") {
  const Directory directory;
  const std::string path = directory.file("hits.db");
  std::vector<Hit> hits;
  for (int i = 0; i < 2500; ++i) {
    hits.push_back(make_hit({}));
    hits.back().id[0] = static_cast<uint8_t>(i);
    hits.back().id[1] = static_cast<uint8_t>(i >> 8);
  }
  record(path, hits);
  CHECK(query(path, "SELECT count(*) FROM hits") == "2500\n");
}

TEST_CASE("TRUST 37: SQL in an event or a rule is stored as it is", "[store]") {
  const Directory directory;
  const std::string path = directory.file("hits.db");
  std::vector<Hit> hits;
  for (const std::string& text : hostile_texts()) {
    hits.push_back(make_hit({.rule_id = text,
                             .title = text,
                             .executable = text,
                             .command_line = text,
                             .user = text,
                             .host = text,
                             .id = static_cast<uint8_t>(hits.size())}));
  }
  record(path, hits);
  CHECK(query(path, "SELECT count(*), count(DISTINCT rule_id) FROM hits") ==
        std::to_string(hits.size()) + "|" + std::to_string(hits.size()) + "\n");
  CHECK(query(path, "SELECT command_line FROM hits WHERE rule_title LIKE '%DROP%'") ==
        "'; DROP TABLE hits; --\n");
}

TEST_CASE("the database is readable by its owner only", "[store]") {
  const Directory directory;
  const std::string path = directory.file("hits.db");
  const mode_t old = umask(0);
  record(path, {make_hit({})});
  umask(old);
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("a file name that SQLite gives a meaning of its own is a file name", "[store]") {
  const Directory directory;
  std::filesystem::current_path(directory.file(""));
  for (const char* name : {":memory:", "file:x?mode=memory", "-x"}) {
    record(name, {make_hit({})});
    CHECK(std::filesystem::exists(std::string("./") + name));
  }
  std::filesystem::current_path("/");
}

TEST_CASE("TRUST 50: a file that is no database is refused and left as it is", "[store]") {
  const Directory directory;
  const std::string path = directory.file("notes.txt");
  std::ofstream(path) << "NOT A DATABASE, but long enough to be looked at by SQLite as if it were "
                         "one: a header has a hundred bytes.";
  const auto size = std::filesystem::file_size(path);
  CHECK(refusal(path) == "D400: " + path + " is not a SQLite database (first bytes 4e 4f 54 20 41 20 44 41)");
  CHECK(std::filesystem::file_size(path) == size);
  const std::string short_one = directory.file("short.txt");
  std::ofstream(short_one) << "x";
  CHECK(refusal(short_one) == "D400: " + short_one + " is not a SQLite database (first bytes 78)");
  CHECK(std::filesystem::file_size(short_one) == 1);
}

TEST_CASE("TRUST 52: another program's database is refused", "[store]") {
  const Directory directory;
  const std::string path = directory.file("other.db");
  std::ofstream(path).close();
  query(path, "CREATE TABLE bookmarks (url TEXT)");
  CHECK(refusal(path) == "D402: " + path + " holds no hits; was it created by another program?");
  CHECK(query(path, "SELECT name FROM sqlite_schema") == "bookmarks\n");
}

TEST_CASE("TRUST 53, 105: a newer schema is refused, never downgraded", "[store]") {
  const Directory directory;
  const std::string path = directory.file("hits.db");
  record(path, {make_hit({})});
  query(path, "PRAGMA user_version = 99");
  CHECK(refusal(path) == "D403: " + path + " has schema 99, this program knows 5; use the newer one");
}

TEST_CASE("TRUST 55: a directory, a device and a place where nothing can be created are refused", "[store]") {
  const Directory directory;
  CHECK(refusal(directory.file("")).starts_with("D406: "));
  CHECK(refusal("/dev/null") == "D400: /dev/null is not a regular file");
  CHECK(refusal(directory.file("no/such/directory.db")).starts_with("D406: "));
}

TEST_CASE("TRUST 57: a hostile file name is escaped in the message", "[store]") {
  CHECK(refusal("/nowhere/\x1b[2J.db").find('\x1b') == std::string::npos);
}

}  // namespace detectd
