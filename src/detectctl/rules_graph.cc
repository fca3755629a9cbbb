// detectctl rules graph: which rules refer to which.
#include "src/detectctl/commands.h"
#include "src/detectctl/rule_graph.h"
#include "src/detectctl/rule_loading.h"
#include "src/text.h"

namespace detectd {
namespace {

struct GraphOptions {
  bool dot = false;
  bool json = false;
};

constexpr std::string_view kGroup = "Options";

constexpr OptionRow kTable[] = {
    {.group = kGroup,
     .name = "dot",
     .help = "as a graph for dot(1) of Graphviz",
     .manual = "Print a graph in the language of\n"
               ".Xr dot 1 .\n",
     .apply = enable<&GraphOptions::dot>},
    {.group = kGroup,
     .name = "json",
     .help = "a JSON object a reference",
     .manual = "Print each reference as a JSON object on a line of its own.\n",
     .apply = enable<&GraphOptions::json>},
};

ExitStatus graph(const GraphOptions& options, Call& call) {
  if (options.dot && options.json)
    return fail_usage(call, "--dot and --json are two forms of one answer; give one");
  const auto loaded = load_good_rules(call);
  if (!loaded) return exit_status_of(loaded.error());
  const RuleGraph graph = make_rule_graph(loaded->document);
  if (options.dot) {
    call.output.write(graph_dot(graph));
  } else if (options.json) {
    call.output.write(graph_json(graph));
  } else {
    call.output.write(graph_text(graph));
    const size_t references = graph.edges.size() + graph.for_any.size();
    if (!call.common.quiet)
      call.output.write(plural(references, "reference") + " among " +
                        plural(loaded->document.rules.size(), "rule") + "\n");
  }
  return ExitStatus::kDone;
}

}  // namespace

constexpr Command kRulesGraphCommand = {
    .name = "rules graph",
    .arguments = "[PATH...]",
    .summary = "which rules refer to which",
    .manual =
        "Print which correlations, filters and overrides refer to which rules, and which rules expand which "
        "lists.\n"
        "What neither refers to anything nor is referred to is left out.\n"
        "Without a\n"
        ".Ar PATH\n"
        "these are the shipped rules and those of the site.\n",
    .options = kTable,
    .run = run_command<GraphOptions, graph>,
};

}  // namespace detectd
