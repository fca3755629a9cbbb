#include "src/detectctl/test_report.h"

#include <pugixml.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "engine/escape.h"
#include "src/report/hit_view.h"
#include "src/text.h"

namespace detectd {
namespace {

std::string place_of(const Rule& rule, const Span& span) {
  return escape_text(rule.file->path) + ":" + std::to_string(span.line);
}

size_t failed(const std::vector<RuleTestResult>& results) {
  return static_cast<size_t>(std::count_if(results.begin(), results.end(),
                                           [](const RuleTestResult& result) { return !result.passed(); }));
}

std::string percent_text(double percent) {
  // Less than all is never told as all.
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", percent < 100 ? std::min(percent, 99.9) : percent);
  return text;
}

// Of a part, what no test has shown.
std::string missing_text(const PartCoverage& part) {
  const std::string name = part.selection.empty() ? "the condition" : "selection " + quoted(part.selection);
  if (part.outcomes() == 0) return name + " is never asked: there is no test";
  return name + " is never " + (part.seen_true ? "false" : "true");
}

}  // namespace

std::string failure_text(const RuleTestResult& result) {
  if (result.passed()) return {};
  if (!result.problem.empty()) return "its event can not be read: " + escape_text(result.problem);
  return result.matched ? "expected no match, got one" : "expected a match, got none";
}

std::string test_text(const std::vector<RuleTestResult>& results, size_t rules) {
  std::string text;
  for (const RuleTestResult& result : results) {
    if (result.passed()) continue;
    text += "FAILED  " + rule_text(*result.rule) + ": " + escape_text(result.test->name) + ": " +
            failure_text(result) + "\n        " + place_of(*result.rule, result.test->span) + "\n";
  }
  return text + plural(results.size(), "test") + " of " + plural(rules, "rule") + ": " +
         with_separators(results.size() - failed(results)) + " passed, " + with_separators(failed(results)) +
         " failed\n";
}

std::string test_tap(const std::vector<RuleTestResult>& results) {
  std::string text = "TAP version 14\n1.." + std::to_string(results.size()) + "\n";
  size_t number = 0;
  for (const RuleTestResult& result : results) {
    std::string description;
    for (const char c : rule_text(*result.rule) + ": " + escape_text(result.test->name)) {
      if (c == '#' || c == '\\') description += '\\';
      description += c;
    }
    text += (result.passed() ? "ok " : "not ok ") + std::to_string(++number) + " - " + description + "\n";
    if (!result.passed()) {
      text += "# " + failure_text(result) + "\n# " + place_of(*result.rule, result.test->span) + "\n";
    }
  }
  return text;
}

Status write_junit(const std::string& path, const std::vector<RuleTestResult>& results) {
  pugi::xml_document document;
  pugi::xml_node suites = document.append_child("testsuites");
  suites.append_attribute("name") = "detectctl test";
  suites.append_attribute("tests") = results.size();
  suites.append_attribute("failures") = failed(results);
  pugi::xml_node suite;
  const Rule* rule = nullptr;
  for (size_t i = 0; i < results.size(); ++i) {
    const RuleTestResult& result = results[i];
    if (result.rule != rule) {
      rule = result.rule;
      const auto of_rule = [rule](const RuleTestResult& each) { return each.rule == rule; };
      const auto begin = results.begin() + static_cast<std::ptrdiff_t>(i);
      const std::vector<RuleTestResult> same(begin, std::find_if_not(begin, results.end(), of_rule));
      suite = suites.append_child("testsuite");
      suite.append_attribute("name") = rule_text(*rule).c_str();
      suite.append_attribute("file") = escape_text(rule->file->path).c_str();
      suite.append_attribute("tests") = same.size();
      suite.append_attribute("failures") = failed(same);
    }
    pugi::xml_node test = suite.append_child("testcase");
    test.append_attribute("classname") = rule_text(*rule).c_str();
    test.append_attribute("name") = escape_text(result.test->name).c_str();
    test.append_attribute("line") = result.test->span.line;
    if (!result.passed()) {
      test.append_child("failure").append_attribute("message") = failure_text(result).c_str();
    }
  }
  errno = 0;
  if (document.save_file(path.c_str(), "  ")) return {};
  const std::string why = errno == 0 ? "it can not be written" : std::generic_category().message(errno);
  return Error{Errc::kSystem, "write " + escape_text(path) + ": " + why};
}

CoverageTotal total_of(const std::vector<RuleCoverage>& covered) {
  CoverageTotal total;
  for (const RuleCoverage& rule : covered) {
    total.outcomes += rule.outcomes();
    total.possible += rule.possible_outcomes();
  }
  return total;
}

std::string coverage_text(const std::vector<RuleCoverage>& covered) {
  std::string text;
  for (const RuleCoverage& coverage : covered) {
    for (const PartCoverage& part : coverage.parts) {
      if (part.outcomes() == 2) continue;
      text += "uncovered  " + rule_text(*coverage.rule) + ": " + missing_text(part) + "\n           " +
              place_of(*coverage.rule, part.span) + "\n";
    }
  }
  const CoverageTotal total = total_of(covered);
  return text + "coverage of " + plural(covered.size(), "rule") + ": " + percent_text(total.percent()) +
         ", " + with_separators(total.outcomes) + " of " + plural(total.possible, "outcome") + "\n";
}

}  // namespace detectd
