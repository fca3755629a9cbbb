// Which rules, filters, overrides and lists refer to which.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/rule.h"

namespace detectd {

struct RuleGraph {
  enum class Kind : uint8_t { kRule, kCorrelation, kFilter, kOverride, kList };
  struct Node {
    Kind kind = Kind::kRule;
    std::string name;   // as written: not escaped
    std::string place;  // file and line, escaped
    const Rule* rule = nullptr;
  };
  struct Edge {
    size_t from = 0, to = 0;
    std::string_view verb;  // correlates, filters, overrides, extends, expands
  };
  std::vector<Node> nodes;
  std::vector<Edge> edges;
  std::vector<size_t> for_any;  // filters with rules = "any"
};

RuleGraph make_rule_graph(const RuleDocument& document);

// What refers to something, and to what.
std::string graph_text(const RuleGraph& graph);
std::string graph_dot(const RuleGraph& graph);
std::string graph_json(const RuleGraph& graph);

}  // namespace detectd
