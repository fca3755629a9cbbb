// The examples of detectd-rules(5): all of them together are rules without a mistake whose tests pass.
#include <catch2/catch.hpp>
#include <fstream>
#include <string>

#include "engine/rule_test.h"
#include "tests/support/source_dir.h"
#include "tests/support/stream.h"

namespace detectd {
namespace {

// The literal displays that are whole tables, mdoc's escapes taken out.
std::string examples() {
  std::ifstream page(test::source_dir() + "/man/detectd-rules.5");
  std::string toml, block;
  bool literal = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with(".Bd -literal")) {
      literal = true;
      block.clear();
    } else if (line == ".Ed") {
      literal = false;
      const bool tables = block.starts_with("[[") || block.starts_with("[lists]");
      if (tables) toml += block + "\n";
    } else if (literal) {
      for (size_t at = line.find("\\e"); at != std::string::npos; at = line.find("\\e", at + 1))
        line.replace(at, 2, "\\");
      block += line + "\n";
    }
  }
  return toml;
}

}  // namespace

TEST_CASE("the rules, correlations, filters and overrides of the manual can be used as they stand",
          "[manual]") {
  const auto rules = testing::compile_toml(examples());
  CHECK(rules->rules().size() == 2);
  REQUIRE(rules->correlations().size() == 1);
  CHECK(rules->correlations()[0].rule->level == Level::kMedium);
  const auto results = run_rule_tests(rules);
  CHECK(results.size() == 3);
  for (const RuleTestResult& result : results) {
    CAPTURE(result.test->name, result.problem);
    CHECK(result.passed());
  }
}

}  // namespace detectd
