#include "src/store/hit_record.h"

#include <catch2/catch.hpp>

#include "tests/support/stream.h"

namespace detectd {

TEST_CASE("a secret is not stored, whether the line or the process table knows it", "[store]") {
  testing::Stream stream(R"(
[[rule]]
id = "3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11"
name = "every"
title = "Every exec and end"
level = "low"
on = ["exec", "end"]
[rule.detection]
a."process.pid|exists" = true
condition = "a"
)");
  const std::string lines[] = {
      R"({"@timestamp":"2026-11-20T00:00:01Z","event":{"action":"exec"},"process":{"pid":7,"executable":"/bin/x","command_line":"x password=secret"}})",
      R"({"@timestamp":"2026-11-20T00:00:02Z","event":{"action":"exec"},"process":{"pid":8,"executable":"/bin/y","command_line":"y \u0070assword=secret","parent":{"pid":7}}})",
      R"({"@timestamp":"2026-11-20T00:00:03Z","event":{"action":"exec"},"process":{"pid":9,"executable":"/bin/z","command_line":"z -v","parent":{"pid":7}}})",
      R"({"@timestamp":"2026-11-20T00:00:04Z","event":{"action":"end"},"process":{"pid":7}})",
  };
  const char* const wanted[] = {"x [redacted]", "y [redacted]", "z -v", "x [redacted]"};
  const auto redaction = Redaction::compile({"(?i)password=\\S+"});
  REQUIRE(redaction);
  LineageJson lineages;
  for (size_t i = 0; i < std::size(lines); ++i) {
    const std::vector<Hit> hits = stream.show(lines[i]);
    REQUIRE(hits.size() == 1);
    HitRecord record;
    record.event = record.command_line = "of the record before";
    make_hit_record(hits[0], {.redaction = *redaction, .lineages = lineages, .capture_file = {}}, record);
    CHECK(record.command_line == wanted[i]);
    CHECK(record.event.find("secret") == std::string::npos);
    CHECK(record.lineage.find("secret") == std::string::npos);
    CHECK(record.event.starts_with("{\"@timestamp\""));
  }
}

}  // namespace detectd
