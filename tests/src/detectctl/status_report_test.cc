#include "src/detectctl/status_report.h"

#include <catch2/catch.hpp>

#include "src/detectctl/host_tree.h"
#include "src/report/time_zone.h"

namespace detectd {
namespace {

DaemonStatus healthy() {
  DaemonStatus status;
  status.version = "0.1.0";
  status.pid = 812;
  status.now_ns = 1'795'348'800'000'000'000;
  status.started_ns = status.now_ns - 7'200'000'000'000;
  status.source = "connector";
  status.scheduling = "real time (SCHED_FIFO)";
  status.events = 1'204'331;
  status.queued = 3;
  status.queue_room = 32'768;
  status.mode = status.configured_mode = "dry-run";
  status.rules = 103;
  status.inactive_rules = 2;
  status.responding_rules = 1;
  status.rules_digest = std::string(64, 'a');
  status.generation = 1;
  status.loaded_ns = status.started_ns;
  status.hits = {{"informational", 0}, {"low", 4}, {"medium", 0}, {"high", 2}, {"critical", 1}};
  status.folded = 1;
  status.budget_per_rule = "5/min";
  status.budget_total = "20/min";
  status.database = "/var/lib/detectd/hits.db";
  status.stored = 7;
  return status;
}

}  // namespace

TEST_CASE("a status is a dozen lines", "[status]") {
  REQUIRE(use_time_zone("UTC"));
  CHECK(status_text(healthy()) ==
        "detectd    0.1.0, pid 812, up 2 h 0 min, connector, real time (SCHED_FIFO)\n"
        "state      ok\n"
        "events     1,204,331 judged; 0 lost, 0 gaps; queue 3 of 32,768\n"
        "rules      103 run, 2 inactive; generation 1 of 2026-11-22T10:00:00Z; sha256:aaaaaaaaaaaaaaaa\n"
        "mode       dry-run; 1 rule responds\n"
        "responses  0 asked for, 0 done, 0 refused; budget 5/min a rule, 20/min in all\n"
        "hits       7 since the start: 1 critical, 2 high, 4 low; 1 repeat folded\n"
        "database   /var/lib/detectd/hits.db: 7 stored\n"
        "alerts     none are configured\n");
}

TEST_CASE("a status shows what is wrong, and nothing that could harm a terminal", "[status]") {
  DaemonStatus status = healthy();
  status.blind = true;
  status.gaps = 2;
  status.lost = 1'412;
  status.last_gap_ns = status.now_ns;
  status.blind_ns = 90'000'000'000;
  status.in_spill = 3;
  status.mode_by = "uid 0, pid 3\x1b[2J";
  status.configured_mode = "enforce";
  status.sinks = {
      {.name = "hook\x1b]52;", .type = "webhook", .works = false, .waiting = 4, .error = "refused\n"}};
  status.mutes = {{.rule = "web_shell", .until_ns = status.now_ns, .reason = "we\nknow", .by = "uid 0"}};
  const std::string text = status_text(status);
  CAPTURE(text);
  CHECK_THAT(text, Catch::Contains("state      BLIND\n"));
  CHECK_THAT(text, Catch::Contains("1,412 lost, 2 gaps, the last 2026-11-22T12:00:00Z; blind for 90.0 s"));
  CHECK_THAT(text, Catch::Contains("mode       dry-run, set by uid 0, pid 3\\x1b[2J; configured is enforce"));
  CHECK_THAT(text, Catch::Contains("7 stored, 3 wait in the spill"));
  CHECK_THAT(text, Catch::Contains("alerts     hook\\x1b]52; FAILS: 0 delivered, 4 wait"));
  CHECK_THAT(text, Catch::Contains("muted      web_shell until 2026-11-22T12:00:00Z, by uid 0: we\\x0aknow"));
  CHECK_THAT(text, Catch::Contains("look at    3 hits wait in the spill"));
  CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("metrics are of the exposition format, whatever stands in labels", "[status]") {
  DaemonStatus status = healthy();
  status.sinks = {{.name = "a\"b\\c\nd", .type = "webhook"}};
  const std::string text = status_metrics(status);
  CHECK_THAT(text, Catch::Contains("\ndetectd_hits_total{level=\"critical\"} 1\n"));
  CHECK_THAT(text, Catch::Contains("detectd_sink_up{sink=\"a\\\"b\\\\c\\\\x0ad\",type=\"webhook\"} 1\n"));
  CHECK_THAT(text, Catch::Contains("\ndetectd_start_timestamp_seconds 1795341600.000\n"));
  // Each family once, its samples behind its type.
  std::string family;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.starts_with("# TYPE ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      CHECK(text.find("# TYPE " + family + " ") == text.rfind("# TYPE " + family + " "));
    } else if (!line.starts_with("#")) {
      CHECK(line.substr(0, line.find_first_of("{ ")) == family);
    }
  }
}

TEST_CASE("processes stand below those that started them, gone or not", "[host_tree]") {
  const auto process = [](const char* json) { return *parse_json_object(json); };
  const std::vector<JsonValue> processes = {
      process(R"({"key":"1.0","pid":1,"name":"systemd","user":"root"})"),
      process(
          R"({"key":"9.5","parent":"1.0","pid":9,"name":"sshd","user":"root","command":"sshd: \u001b[2J"})"),
      process(R"({"key":"3.7","parent":"1.0","pid":3,"name":"bash","user":"alice","gone":true})"),
      process(R"({"key":"4.8","parent":"3.7","pid":4,"name":"nc","user":"alice","command":"nc -e /bin/sh"})"),
      process(R"({"key":"5.8","parent":"unknown","pid":5,"executable":"/x"})"),
      process(R"({"key":"6.1","parent":"7.1","pid":6})"),
      process(R"({"key":"7.1","parent":"6.1","pid":7})"),
  };
  CHECK(host_tree_text(processes, 4, {}) ==
        "systemd(1) root\n"
        "|- bash(3) alice  gone\n"
        "|  `- nc(4) alice  nc -e /bin/sh\n"
        "`- sshd(9) root  sshd: \\x1b[2J\n"
        "/x(5)\n");
}

}  // namespace detectd
