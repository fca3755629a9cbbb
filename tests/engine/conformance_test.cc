// Sigma's semantics, pinned down one point a vector: tests/data/sigma-conformance.jsonl.
#include <simdjson.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/judge.h"
#include "tests/support/sigma_json.h"
#include "tests/support/source_dir.h"

namespace detectd {
namespace {

struct Vector {
  int64_t id = 0;
  std::string why, detection, event;
  bool expect = false;
};

std::vector<Vector> read_vectors() {
  std::ifstream file(test::source_dir() + "/tests/data/sigma-conformance.jsonl");
  std::vector<Vector> vectors;
  simdjson::dom::parser parser;
  for (std::string line; std::getline(file, line);) {
    const simdjson::dom::element root = parser.parse(line);
    Vector& vector = vectors.emplace_back();
    vector.id = root["id"];
    vector.why = std::string_view(root["why"]);
    vector.detection = simdjson::minify(root["detection"]);
    vector.event = simdjson::minify(root["event"]);
    vector.expect = root["expect"];
  }
  return vectors;
}

}  // namespace

TEST_CASE("every vector of Sigma's semantics is met", "[conformance]") {
  const std::vector<Vector> vectors = read_vectors();
  REQUIRE(vectors.size() == 209);
  for (const Vector& vector : vectors) {
    INFO("vector " << vector.id << ": " << vector.why);
    INFO(vector.detection << " on " << vector.event);
    RuleDocument document;
    document.rules.push_back(testing::rule_from_detection_json(vector.detection, "labels."));
    CHECK(testing::holds(document, "{\"labels\":" + vector.event + "}") == vector.expect);
  }
}

}  // namespace detectd
