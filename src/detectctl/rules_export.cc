// detectctl rules export: the rules, and their language, for other programs and for people.
#include <algorithm>

#include "src/detectctl/commands.h"
#include "src/detectctl/rule_catalogue.h"
#include "src/detectctl/rule_loading.h"
#include "src/detectctl/rule_schema.h"
#include "src/report/hit_view.h"

namespace detectd {
namespace {

struct ExportOptions {
  bool navigator = false;
  bool markdown = false;
  bool schema = false;
};

constexpr std::string_view kGroup = "Options";

constexpr OptionRow kTable[] = {
    {.group = kGroup,
     .name = "navigator",
     .help = "a layer of MITRE's ATT&CK Navigator",
     .manual = "A layer of MITRE's ATT&CK Navigator, format 4.5: the techniques that the rules' tags name, "
               "scored by how many "
               "rules name them.\n",
     .apply = enable<&ExportOptions::navigator>},
    {.group = kGroup,
     .name = "markdown",
     .help = "a catalogue in Markdown, by tactic",
     .manual = "A catalogue in Markdown, by tactic: what each rule means, and what it hits wrongly.\n",
     .apply = enable<&ExportOptions::markdown>},
    {.group = kGroup,
     .name = "schema",
     .help = "the language of rules as a JSON Schema",
     .manual = "The language of rules as a JSON Schema, draft 07, for editors that check and complete TOML.\n"
               "It is of no rules in particular, so there is no\n"
               ".Ar PATH .\n"
               "Where taplo checks TOML, a rule file asks for it by its first line:\n"
               ".Li #:schema ./rules.schema.json .\n",
     .apply = enable<&ExportOptions::schema>},
};

ExitStatus export_rules(const ExportOptions& options, Call& call) {
  const int asked = int{options.navigator} + int{options.markdown} + int{options.schema};
  if (asked != 1) return fail_usage(call, "give one of --navigator, --markdown and --schema");
  if (options.schema) {
    if (!call.arguments.empty())
      return fail_usage(call, "the schema is of no rules in particular: it takes no PATH");
    call.output.write(rule_schema());
    return ExitStatus::kDone;
  }
  const auto loaded = load_good_rules(call);
  if (!loaded) return exit_status_of(loaded.error());
  std::vector<const Rule*> rules;
  for (const CompiledRule& compiled : loaded->set->rules()) rules.push_back(compiled.rule.get());
  for (const CompiledCorrelation& compiled : loaded->set->correlations())
    rules.push_back(compiled.rule.get());
  std::sort(rules.begin(), rules.end(), [](const Rule* a, const Rule* b) {
    return std::pair(rule_text(*a), a->id) < std::pair(rule_text(*b), b->id);
  });
  call.output.write(options.navigator ? attack_layer(rules) : rule_catalogue(rules));
  return ExitStatus::kDone;
}

}  // namespace

constexpr Command kRulesExportCommand = {
    .name = "rules export",
    .arguments = "[PATH...]",
    .summary = "the rules for other programs, and for people",
    .manual =
        "Print what the rules that run are about, in one of three forms.\n"
        "Without a\n"
        ".Ar PATH\n"
        "these are the shipped rules and those of the site.\n",
    .options = kTable,
    .run = run_command<ExportOptions, export_rules>,
};

}  // namespace detectd
