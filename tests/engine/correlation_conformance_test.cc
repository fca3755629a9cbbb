// Sigma's correlations, pinned down one point a vector: tests/data/sigma-correlation-conformance.jsonl.
#include <simdjson.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/source_dir.h"
#include "tests/support/stream.h"

namespace detectd {
namespace {

using simdjson::dom::element;

const std::string kPrefix = "labels.";

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string list_of(const element& texts, const std::string& prefix) {
  std::string list;
  if (texts.is_string()) return "[" + in_quotes(prefix + std::string(std::string_view(texts))) + "]";
  for (const element text : texts.get_array())
    list += (list.empty() ? "" : ", ") + in_quotes(prefix + std::string(std::string_view(text)));
  return "[" + list + "]";
}

std::string condition_of(const element& condition) {
  std::string table;
  for (const auto entry : condition.get_object()) {
    if (!table.empty()) table += ", ";
    table += std::string(entry.key) + " = ";
    table += entry.key == "field" ? list_of(entry.value, kPrefix) : simdjson::minify(entry.value);
  }
  return "{ " + table + " }";
}

std::string aliases_of(const element& aliases) {
  std::string text;
  for (const auto alias : aliases.get_object()) {
    for (const auto field : alias.value.get_object())
      text += "aliases." + std::string(alias.key) + "." + std::string(field.key) + " = " +
              in_quotes(kPrefix + std::string(std::string_view(field.value))) + "\n";
  }
  return text;
}

// The vector's correlation as TOML, and rules a to c that hold for events that say so.
std::string rules_of(const element& correlation) {
  std::string text;
  for (const char name : {'a', 'b', 'c'}) {
    text += std::string("[[rule]]\nid = \"00000000-0000-4000-8000-00000000000") + name +
            "\"\ntitle = \"t\"\nlevel = \"low\"\non = \"exec\"\nname = \"" + name +
            "\"\n[rule.detection]\ns.\"labels.rules\" = \"" + name + "\"\ncondition = \"s\"\n";
  }
  text +=
      "[[correlation]]\nid = \"00000000-0000-4000-8000-000000000009\"\nname = \"hit\"\ntitle = \"t\"\n"
      "level = \"low\"\nsuppress = false\n";
  for (const auto entry : correlation.get_object()) {
    if (entry.key == "aliases") {
      text += aliases_of(entry.value);
    } else if (entry.key == "condition") {
      text += "condition = " + condition_of(entry.value) + "\n";
    } else if (entry.key == "rules") {
      text += "rules = " + list_of(entry.value, "") + "\n";
    } else if (entry.key == "group-by") {
      element groups = entry.value;
      // A name that is an alias is no field.
      element aliases;
      const bool aliased = correlation["aliases"].get(aliases) == simdjson::SUCCESS;
      text += "group-by = " + list_of(groups, aliased ? "" : kPrefix) + "\n";
    } else {
      text += std::string(entry.key) + " = " + simdjson::minify(entry.value) + "\n";
    }
  }
  return text;
}

std::vector<int64_t> holds_at(const element& vector) {
  testing::Stream stream(rules_of(vector["correlation"]));
  std::vector<int64_t> numbers;
  int64_t number = 0;
  for (const element event : vector["events"].get_array()) {
    const std::string fields = "\"labels\":" + std::string(simdjson::minify(event));
    for (const Hit& hit : stream.exec(static_cast<int>(int64_t(event["t"])), fields)) {
      if (hit.rule->correlation) numbers.push_back(number);
    }
    ++number;
  }
  return numbers;
}

}  // namespace

TEST_CASE("every vector of Sigma's correlations is met", "[conformance][correlator]") {
  std::ifstream file(test::source_dir() + "/tests/data/sigma-correlation-conformance.jsonl");
  simdjson::dom::parser parser;
  size_t count = 0;
  for (std::string line; std::getline(file, line); ++count) {
    const element vector = parser.parse(line);
    INFO(line);
    std::vector<int64_t> expected;
    for (const element number : vector["holds"].get_array()) expected.push_back(number);
    CHECK(holds_at(vector) == expected);
  }
  CHECK(count == 28);
}

}  // namespace detectd
