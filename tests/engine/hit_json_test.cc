#include "engine/hit_json.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <iterator>

#include "tests/support/stream.h"

namespace detectd {
namespace {

constexpr const char* kEveryExec = R"(
[[rule]]
id = "3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11"
name = "every"
title = "Every exec"
level = "low"
on = "exec"
[rule.detection]
a."process.pid|exists" = true
b."process.ancestors.name" = "a"
c."process.ancestors.pid" = 9
condition = "a or b or c"
)";

std::string process(int pid, int parent, const std::string& more = "") {
  return R"("process":{"pid":)" + std::to_string(pid) + R"(,"executable":"/bin/p)" + std::to_string(pid) +
         R"(","command_line":"p )" + std::to_string(pid) + R"( \u0007","parent":{"pid":)" +
         std::to_string(parent) + "}" + more + "}";
}

}  // namespace

TEST_CASE("lineages of many events are those of each", "[hit_json]") {
  testing::Stream stream(kEveryExec);
  std::vector<Hit> hits;
  const std::string lines[] = {
      R"("process":{"pid":1,"executable":"/sbin/init"})",
      process(10, 1),
      process(20, 10),
      process(30, 20),
      process(31, 20),
      process(32, 20, R"(,"user":{"name":"bob"})"),
      process(40, 30),
      // What a line carries itself.
      R"("process":{"pid":50,"parent":{"pid":30,"name":"told","command_line":"told otherwise"}})",
      R"("process":{"pid":51,"parent":{"pid":30},"ancestors":{"pid":[30,9,8],"name":["a","b","c"]}})",
      R"("process":{"pid":52,"parent":{"pid":30}},"detectd":{"missing":["process.ancestors.name"]})",
      R"("process":{"pid":60,"parent":{"pid":777}})",
      R"("process":{"pid":61})",
      process(41, 30),
  };
  int second = 0;
  for (const std::string& line : lines) {
    for (Hit& hit : stream.exec(++second, line)) hits.push_back(std::move(hit));
  }
  REQUIRE(hits.size() == std::size(lines));
  LineageJson together;
  for (int round = 0; round < 2; ++round) {
    for (const Hit& hit : hits) {
      std::string alone = "x", shared = "x";
      append_lineage_json(*hit.event, alone);
      together.append(*hit.event, shared);
      CHECK(shared == alone);
    }
    together.clear();
  }
  std::string deepest;
  together.append(*hits[6].event, deepest);
  CHECK(std::count(deepest.begin(), deepest.end(), '{') == 4);
}

}  // namespace detectd
