// How `detectctl test` tells what came out.
#pragma once

#include <string>
#include <vector>

#include "engine/result.h"
#include "engine/rule_coverage.h"
#include "engine/rule_test.h"

namespace detectd {

// What went wrong in a test: `expected a match, got none`; empty if it passed. Escaped.
std::string failure_text(const RuleTestResult& result);

// Each test that failed with its place, then a line of totals.
std::string test_text(const std::vector<RuleTestResult>& results, size_t rules);
// Test Anything Protocol, version 14.
std::string test_tap(const std::vector<RuleTestResult>& results);
// JUnit's XML, a suite a rule.
Status write_junit(const std::string& path, const std::vector<RuleTestResult>& results);

struct CoverageTotal {
  size_t outcomes = 0;
  size_t possible = 0;

  double percent() const {
    return possible == 0 ? 100.0 : 100.0 * static_cast<double>(outcomes) / static_cast<double>(possible);
  }
};
CoverageTotal total_of(const std::vector<RuleCoverage>& covered);
// What no test has shown, by rule, then a line of totals.
std::string coverage_text(const std::vector<RuleCoverage>& covered);

}  // namespace detectd
