// Every way of looking at hits, as a terminal or a spreadsheet gets it.
#include <catch2/catch.hpp>

#include "engine/escape.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/hit_columns.h"
#include "src/detectctl/hit_table.h"
#include "src/detectctl/pretty_json.h"
#include "src/detectctl/process_tree.h"
#include "src/report/time_zone.h"
#include "src/store/acknowledge.h"
#include "src/store/hit_store.h"
#include "tests/support/hits.h"
#include "tests/support/sqlite.h"
#include "tests/support/temp_dir.h"
#include "tests/support/written.h"

namespace detectd {
namespace {

// A database of hits whose texts are all hostile: one text a hit.
class HostileHits {
 public:
  HostileHits() : path_(directory_.path("hits.db")) {
    auto store = HitStore::open({.path = path_, .spill = {}, .redact = {}, .tell = {}});
    REQUIRE(store);
    uint8_t id = 0;
    for (const std::string& text : hostile_texts()) {
      std::string raw = "{\"process\":{\"command_line\":\"";
      append_json_escaped(text, raw);
      (*store)->record(make_hit({.rule_id = text,
                                 .rule_name = text,
                                 .title = text,
                                 .name = text,
                                 .executable = text,
                                 .command_line = text,
                                 .user = text,
                                 .parent_name = text,
                                 .host = text,
                                 .raw = raw + "\"}}",
                                 .id = id++}));
    }
    REQUIRE((*store)->commit());
    for (int n = 1; n <= id; ++n) {
      REQUIRE(acknowledge(path_, {std::to_string(n)}, hostile_texts()[static_cast<size_t>(n - 1)], 7));
    }
  }
  const std::string& path() const { return path_; }

 private:
  TempDir directory_;
  std::string path_;
};

std::string run(const Command& command, std::vector<std::string> words, const std::string& path) {
  words.insert(words.end(), {"--db", path});
  Written written;
  command.run(command, words, written.output());
  return written.text();
}

// What no output may hold: any control, bidirectional or invisible character but the ends of lines.
std::string harm_in(const std::string& text) {
  std::string lines = text;
  for (size_t place = 0; (place = lines.find("\r\n", place)) != std::string::npos;) lines.erase(place, 1);
  std::string rest;
  for (const char c : lines) {
    if (c != '\n') rest += c;
  }
  return escape_text(rest) == rest ? "" : "something in: " + escape_text(rest).substr(0, 400);
}

}  // namespace

TEST_CASE("TRUST 33, 34: no command that shows hits lets a control character through", "[detectctl]") {
  REQUIRE(hostile_texts().size() == 40);
  const HostileHits hits;
  struct Case {
    const Command& command;
    std::vector<std::string> words;
  };
  std::vector<Case> cases = {
      {kHitsListCommand, {}},
      {kHitsListCommand, {"--json"}},
      {kHitsListCommand, {"--csv"}},
      {kHitsListCommand,
       {"--color", "always", "--columns", "title,tags,user,host,note,event,process,rule,command_line"}},
      {kHitsExportCommand, {}},
      {kHitsExportCommand, {"--csv"}},
      {kHitsTimelineCommand, {}},
      {kHitsTimelineCommand, {"--json"}},
  };
  for (const char* group : {"rule", "level", "user", "host", "executable", "parent"}) {
    cases.push_back({kHitsTopCommand, {"--group-by", group, "--limit", "100"}});
    cases.push_back({kHitsTopCommand, {"--group-by", group, "--json"}});
    cases.push_back({kHitsTopCommand, {"--group-by", group, "--csv"}});
  }
  for (size_t n = 1; n <= hostile_texts().size(); ++n) {
    cases.push_back({kHitsShowCommand, {std::to_string(n)}});
    cases.push_back({kHitsShowCommand, {std::to_string(n), "--json"}});
    cases.push_back({kHitsTreeCommand, {std::to_string(n)}});
    cases.push_back({kHitsTreeCommand, {std::to_string(n), "--json"}});
  }
  for (const Case& c : cases) {
    CAPTURE(c.command.name, c.words);
    const std::string text = run(c.command, c.words, hits.path());
    CHECK(text.size() > 20);
    CHECK(harm_in(text).empty());
  }
}

TEST_CASE("TRUST 33: the columns that people read with sqlite3 hold no control character", "[store]") {
  const HostileHits hits;
  CHECK(harm_in(Sqlite(hits.path()).rows("SELECT * FROM hits; SELECT * FROM rules; SELECT * FROM runs"))
            .empty());
}

TEST_CASE("TRUST 34: an exported hit is one line", "[detectctl]") {
  const HostileHits hits;
  const std::string text = run(kHitsExportCommand, {}, hits.path());
  // And the summary.
  CHECK(std::count(text.begin(), text.end(), '\n') ==
        static_cast<std::ptrdiff_t>(hostile_texts().size()) + 1);
}

TEST_CASE("TRUST 35: a field of CSV is quoted, and no formula", "[detectctl]") {
  struct Case {
    const char* text;
    const char* want;
  };
  const Case cases[] = {
      {"", "\"\""},
      {"sh -c 'id'", "\"sh -c 'id'\""},
      {"say \"x\", y", "\"say \"\"x\"\", y\""},
      {"=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""},
      {"+1", "\"'+1\""},
      {"-1", "\"'-1\""},
      {"@SUM(A1)", "\"'@SUM(A1)\""},
      {"\t=1", "\"'\t=1\""},
      {"\uff1d1", "\"'\uff1d1\""},
      {"'=1", "\"''=1\""},
      {"1=1", "\"1=1\""},
  };
  for (const Case& c : cases) CHECK(csv_field(c.text) == c.want);
}

TEST_CASE("a table of hits fits every terminal, whatever the hits say", "[detectctl]") {
  const HostileHits hits;
  auto reader = HitReader::open(hits.path());
  REQUIRE(reader);
  std::vector<StoredHit> all;
  REQUIRE(reader->list({}, {.detail = true}, [&all](StoredHit& hit) {
    hit.record.command_line += std::string(300, 'x');
    all.push_back(hit);
    return true;
  }));
  for (const size_t columns : {size_t{40}, size_t{80}, size_t{149}, size_t{150}, size_t{200}}) {
    for (const bool chosen : {false, true}) {
      Written written;
      HitTable table(written.output(), {.is_terminal = true, .columns = columns},
                     chosen ? *choose_columns({"n", "title", "process", "command_line"})
                            : std::vector<const HitColumn*>());
      table.show(all);
      std::string text = written.text();
      for (size_t begin = 0; begin < text.size();) {
        const size_t end = text.find('\n', begin);
        CHECK(display_width(text.substr(begin, end - begin)) <= columns);
        begin = end + 1;
      }
    }
  }
}

TEST_CASE("a column that does not exist is refused with a list of those that do", "[detectctl]") {
  const auto columns = choose_columns({"n", "nope"});
  REQUIRE_FALSE(columns);
  CHECK(columns.error().code == Errc::kUsage);
  CHECK(columns.error().message.starts_with(
      "--columns: there is no column `nope`; there are: n, time, level, "));
}

TEST_CASE("JSON for people has a member a line, and lists of values on one", "[detectctl]") {
  CHECK(pretty_json(R"({"a":{"b":[1,2],"c":"x:{,"},"d":{},"e":[]})", "  ") ==
        "  {\n    \"a\": {\n      \"b\": [1, 2],\n      \"c\": \"x:{,\"\n    },\n    \"d\": {},\n    \"e\": "
        "[]\n  }\n");
  CHECK(harm_in(pretty_json("\x1b[2J}}}}]\n\"\x9b", "")).empty());
}

}  // namespace detectd
