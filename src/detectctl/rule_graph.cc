#include "src/detectctl/rule_graph.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/escape.h"
#include "engine/json_writer.h"
#include "src/report/hit_view.h"
#include "src/text.h"

namespace detectd {
namespace {

using Kind = RuleGraph::Kind;
using Node = RuleGraph::Node;
using Edge = RuleGraph::Edge;

std::string place_of(const SourcePtr& file, const Span& span) {
  return file == nullptr ? std::string() : escape_text(file->path) + ":" + std::to_string(span.line);
}

class Builder {
 public:
  explicit Builder(const RuleDocument& document) : document_(document) {}

  RuleGraph build() {
    for (const auto& [name, list] : document_.lists)
      lists_[name] = add({.kind = Kind::kList, .name = name, .place = place_of(list.file, list.span)});
    for (const Rule& rule : document_.rules) {
      const size_t node = add({.kind = rule.correlation ? Kind::kCorrelation : Kind::kRule,
                               .name = rule.name.empty() ? rule.id : rule.name,
                               .place = place_of(rule.file, rule.span),
                               .rule = &rule});
      rules_[rule.id] = node;
      if (!rule.name.empty()) rules_[rule.name] = node;
    }
    for (const Rule& rule : document_.rules) {
      const size_t node = rules_[rule.id];
      add_lists(node, rule.detection);
      if (!rule.correlation) continue;
      for (const RuleReference& reference : rule.correlation->rules)
        add_edge(node, rules_, reference.text, "correlates");
    }
    for (const Filter& filter : document_.filters) add_filter(filter);
    for (const Override& override_ : document_.overrides) add_override(override_);
    return std::move(graph_);
  }

 private:
  using Names = std::map<std::string, size_t, std::less<>>;

  size_t add(Node node) {
    graph_.nodes.push_back(std::move(node));
    return graph_.nodes.size() - 1;
  }

  void add_edge(size_t from, const Names& names, const std::string& to, std::string_view verb) {
    const auto found = names.find(to);
    if (found == names.end()) return;
    const bool known = std::any_of(graph_.edges.begin(), graph_.edges.end(), [&](const Edge& edge) {
      return edge.from == from && edge.to == found->second && edge.verb == verb;
    });
    if (!known) graph_.edges.push_back({from, found->second, verb});
  }

  void add_lists(size_t from, const Detection& detection) {
    for (const Selection& selection : detection.selections) {
      for (const auto& items : selection.alternatives) {
        for (const Item& item : items) {
          if (std::find(item.modifiers.begin(), item.modifiers.end(), "expand") == item.modifiers.end())
            continue;
          for (const Scalar& value : item.values) {
            if (value.text() != nullptr) add_placeholders(from, *value.text());
          }
        }
      }
    }
  }

  void add_placeholders(size_t from, const std::string& text) {
    for (size_t begin = text.find('%'); begin != std::string::npos;) {
      const size_t end = text.find('%', begin + 1);
      if (end == std::string::npos) return;
      add_edge(from, lists_, text.substr(begin + 1, end - begin - 1), "expands");
      begin = text.find('%', end + 1);
    }
  }

  void add_filter(const Filter& filter) {
    std::string name = !filter.name.empty() ? filter.name : !filter.title.empty() ? filter.title : filter.id;
    const std::string place = place_of(filter.file, filter.span);
    const size_t node =
        add({.kind = Kind::kFilter, .name = name.empty() ? "filter" : std::move(name), .place = place});
    add_lists(node, filter.detection);
    if (filter.any_rule) graph_.for_any.push_back(node);
    for (const RuleReference& reference : filter.rules) add_edge(node, rules_, reference.text, "filters");
  }

  void add_override(const Override& override_) {
    const size_t node =
        add({.kind = Kind::kOverride, .name = "override", .place = place_of(override_.file, override_.span)});
    if (override_.rule) add_edge(node, rules_, override_.rule->text, "overrides");
    if (override_.list) add_edge(node, lists_, override_.list->text, "extends");
  }

  const RuleDocument& document_;
  RuleGraph graph_;
  Names rules_, lists_;
};

std::string_view word_of(Kind kind) {
  switch (kind) {
    case Kind::kRule: return "rule";
    case Kind::kCorrelation: return "correlation";
    case Kind::kFilter: return "filter";
    case Kind::kOverride: return "override";
    case Kind::kList: return "list";
  }
  return "rule";
}

// Those with an edge, in the order of kinds and names.
std::vector<size_t> connected(const RuleGraph& graph) {
  std::set<size_t> used(graph.for_any.begin(), graph.for_any.end());
  for (const Edge& edge : graph.edges) used.insert({edge.from, edge.to});
  std::vector<size_t> sorted(used.begin(), used.end());
  std::stable_sort(sorted.begin(), sorted.end(), [&](size_t a, size_t b) {
    return std::pair(graph.nodes[a].name, graph.nodes[a].place) <
           std::pair(graph.nodes[b].name, graph.nodes[b].place);
  });
  return sorted;
}

std::string title_of(const Node& node) {
  const std::string name = escape_text(node.name);
  return std::string(word_of(node.kind)) + (node.kind == Kind::kOverride ? "" : " " + name);
}

std::string dot_quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : escape_text(text)) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

RuleGraph make_rule_graph(const RuleDocument& document) { return Builder(document).build(); }

std::string graph_text(const RuleGraph& graph) {
  std::string text;
  for (const size_t index : connected(graph)) {
    const Node& node = graph.nodes[index];
    std::string lines;
    if (std::find(graph.for_any.begin(), graph.for_any.end(), index) != graph.for_any.end())
      lines += "  " + fit("filters", 12) + "all rules\n";
    for (const Edge& edge : graph.edges) {
      if (edge.from == index) lines += "  " + fit(edge.verb, 12) + title_of(graph.nodes[edge.to]) + "\n";
    }
    if (!lines.empty()) text += title_of(node) + "  (" + node.place + ")\n" + lines;
  }
  return text;
}

std::string graph_dot(const RuleGraph& graph) {
  std::string text = "digraph rules {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n";
  const auto shape = [](Kind kind) -> std::string_view {
    switch (kind) {
      case Kind::kRule: return "box";
      case Kind::kCorrelation: return "ellipse";
      case Kind::kFilter: return "invtrapezium";
      case Kind::kOverride: return "note";
      case Kind::kList: return "cylinder";
    }
    return "box";
  };
  for (const size_t index : connected(graph)) {
    text += "  n" + std::to_string(index) + " [label=" + dot_quoted(graph.nodes[index].name) +
            ", shape=" + std::string(shape(graph.nodes[index].kind)) + "];\n";
  }
  if (!graph.for_any.empty()) text += "  any [label=\"all rules\", shape=box, style=dashed];\n";
  for (const size_t index : graph.for_any)
    text += "  n" + std::to_string(index) + " -> any [label=\"filters\"];\n";
  for (const Edge& edge : graph.edges) {
    text += "  n" + std::to_string(edge.from) + " -> n" + std::to_string(edge.to) + " [label=\"" +
            std::string(edge.verb) + "\"];\n";
  }
  return text + "}\n";
}

std::string graph_json(const RuleGraph& graph) {
  std::string text;
  const auto line = [&](const Node& from, std::string_view verb, const Node* to) {
    JsonWriter json;
    json.begin_object();
    json.member("type", word_of(from.kind));
    json.member("name", from.name);
    json.member("place", from.place);
    json.member("verb", verb);
    json.member("to_type", to == nullptr ? "rule" : word_of(to->kind));
    json.member("to", to == nullptr ? "any" : std::string_view(to->name));
    json.end_object();
    text += json.text() + "\n";
  };
  for (const size_t index : graph.for_any) line(graph.nodes[index], "filters", nullptr);
  for (const Edge& edge : graph.edges) line(graph.nodes[edge.from], edge.verb, &graph.nodes[edge.to]);
  return text;
}

}  // namespace detectd
