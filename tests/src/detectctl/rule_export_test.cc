#include <catch2/catch.hpp>

#include "src/detectctl/rule_catalogue.h"
#include "src/detectctl/rule_graph.h"
#include "src/detectctl/rule_schema.h"
#include "tests/support/stream.h"

namespace detectd {
namespace {

TEST_CASE("every key of the language is described in its schema", "[rule_schema]") {
  CHECK(undescribed_key() == "");
  CHECK(rule_schema().find("true,\"") == std::string::npos);
}

TEST_CASE("what a rule's author wrote is text in Markdown", "[rule_catalogue]") {
  struct Case {
    const char* text;
    const char* want;
  };
  const Case cases[] = {
      {"plain_name-1", "plain_name-1"},
      {"a|b <script> [x](y) *z* `q`", "a\\|b \\<script\\> \\[x\\](y) \\*z\\* \\`q\\`"},
      {"two\nlines", "two lines"},
      {"\x1b[31m", "\\\\x1b\\[31m"},
  };
  for (const Case& each : cases) CHECK(markdown_text(each.text) == each.want);
}

TEST_CASE("names do not leave the quotes of a graph", "[rule_graph]") {
  RuleGraph graph;
  graph.nodes = {{.kind = RuleGraph::Kind::kFilter, .name = "a\"]; b -> c; \\", .place = "x:1"},
                 {.kind = RuleGraph::Kind::kRule, .name = "r", .place = "x:2"}};
  graph.edges = {{0, 1, "filters"}};
  CHECK(graph_dot(graph).find("[label=\"a\\\"]; b -> c; \\\\\"") != std::string::npos);
}

}  // namespace
}  // namespace detectd
