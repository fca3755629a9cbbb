#include "engine/rule_lint.h"

#include <algorithm>
#include <map>

#include "engine/digest.h"
#include "engine/escape.h"
#include "engine/linted_rule.h"
#include "engine/response_check.h"

namespace detectd {
namespace {

bool asks_thread_name(const LintedItem& item) {
  return item.field && place_of(*item.field).leaf == Leaf::kThreadName;
}

// D133: a way to hold that rests on nothing but the name of a thread.
void lint_thread_name(const LintedRule& rule, Reporter& reporter) {
  const LintedItem* asked = nullptr;
  std::vector<SelectionTrust> others;
  for (const LintedSelection& selection : rule.selections) {
    SelectionTrust& trust = others.emplace_back();
    for (const auto& items : selection.alternatives) {
      bool other = false;
      for (const LintedItem& item : items) {
        if (!item.compiled->positive()) continue;
        if (!asks_thread_name(item)) {
          other = true;
        } else if (asked == nullptr) {
          asked = &item;
        }
      }
      trust.vouched_alternatives.push_back(other);
    }
  }
  if (asked == nullptr || rests_on_vouched(rule.condition, others)) return;
  reporter.warning("D133", asked->item.span,
                   "the rule can hold for the name of a thread alone, which every process chooses itself",
                   "ask for `process.name` or `process.executable`, which the kernel vouches for");
}

// D139
void lint_tests(const Rule& rule, Reporter& reporter) {
  // An imported rule brings none.
  if (rule.logsource) return;
  const auto is_match = [](const RuleTest& test) { return test.match; };
  const auto matching = std::count_if(rule.tests.begin(), rule.tests.end(), is_match);
  const char* missing = nullptr;
  if (rule.tests.empty()) {
    missing = "the rule has no test";
  } else if (matching == 0) {
    missing = "the rule has no test that it holds";
  } else if (static_cast<size_t>(matching) == rule.tests.size()) {
    missing = "the rule has no test that it does not hold";
  }
  if (missing == nullptr) return;
  reporter.warning("D139", rule.span, missing,
                   "add a [[rule.test]] for what it is for, and one for its nearest harmless neighbour");
}

// Equal for selections that mean the same, whatever they are called and in which order they say it.
std::string selection_key(const LintedSelection& selection) {
  std::vector<std::string> alternatives;
  for (const auto& items : selection.alternatives) {
    std::vector<std::string> keys;
    for (const LintedItem& item : items) keys.push_back(item.compiled->key());
    std::sort(keys.begin(), keys.end());
    Sha256Hasher hasher;
    for (const std::string& key : keys) hasher.add_part(key);
    alternatives.push_back(hex(hasher.finish()));
  }
  std::sort(alternatives.begin(), alternatives.end());
  Sha256Hasher hasher;
  for (const std::string& alternative : alternatives) hasher.add_part(alternative);
  return hex(hasher.finish());
}

std::string detection_key(const LintedRule& rule) {
  std::vector<std::string> selections;
  for (const LintedSelection& selection : rule.selections) selections.push_back(selection_key(selection));
  std::vector<std::string> keys;  // by node; children stand before their parent
  for (const Condition::Node& node : rule.condition.nodes()) {
    Sha256Hasher hasher;
    hasher.add_number(static_cast<int64_t>(node.op));
    hasher.add_number(node.constant ? 1 : 0);
    if (node.op == Condition::Op::kSelection) hasher.add_part(selections[node.selection]);
    std::vector<std::string> children;
    for (const uint32_t child : node.children) children.push_back(keys[child]);
    std::sort(children.begin(), children.end());
    for (const std::string& child : children) hasher.add_part(child);
    keys.push_back(hex(hasher.finish()));
  }
  const Logsource none;
  const Logsource& source = rule.rule->logsource ? *rule.rule->logsource : none;
  return keys.back() + " " + to_string(rule.kinds) + " " + source.product;
}

// D137, over all rules.
class Duplicates {
 public:
  void lint(const LintedRule& rule, Diagnostics& diagnostics) {
    const auto [first, fresh] = first_.try_emplace(detection_key(rule), rule.rule.get());
    if (fresh) return;
    const Rule& same = *first->second;
    Diagnostic diagnostic;
    diagnostic.code = "D137";
    diagnostic.severity = Severity::kWarning;
    diagnostic.file = rule.rule->file;
    diagnostic.span = rule.rule->span;
    diagnostic.message = "the rule holds for the same events as `" +
                         escape_text(same.name.empty() ? same.title : same.name) + "`";
    diagnostic.help = "leave one of them out";
    diagnostic.notes.push_back({same.file, same.span, "the other rule"});
    diagnostics.add(std::move(diagnostic));
  }

 private:
  std::map<std::string, const Rule*> first_;
};

void lint_detection(const LintedRule& rule, Probe& probe, Reporter& reporter) {
  for (const LintedSelection& selection : rule.selections) {
    for (const auto& items : selection.alternatives) {
      for (const LintedItem& item : items) lint_item(rule, item, probe, reporter);
    }
  }
  lint_logic(rule, probe, reporter);
}

}  // namespace

void lint_rules(const RuleDocument& document, const RuleSet& rules, Diagnostics& diagnostics) {
  LintedRules linted;
  read_rules_to_lint(document, rules, linted);
  Probe probe(linted.schema);
  Duplicates duplicates;
  for (const LintedRule& rule : linted.rules) {
    Reporter reporter(rule.rule->file, diagnostics);
    lint_detection(rule, probe, reporter);
    lint_thread_name(rule, reporter);
    duplicates.lint(rule, diagnostics);
  }
  for (const LintedRule& filter : linted.filters) {
    Reporter reporter(filter.rule->file, diagnostics);
    lint_detection(filter, probe, reporter);
  }
  for (const CompiledRule& compiled : rules.rules()) {
    Reporter reporter(compiled.rule->file, diagnostics);
    lint_tests(*compiled.rule, reporter);
  }
}

}  // namespace detectd
