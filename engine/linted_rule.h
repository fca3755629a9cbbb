// What the linter looks at: a rule with its items compiled beside how they are written.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/condition.h"
#include "engine/item.h"
#include "engine/item_modifiers.h"
#include "engine/pattern.h"
#include "engine/rule.h"
#include "engine/rule_set.h"
#include "engine/table_reader.h"

namespace detectd {

struct LintedItem {
  Item item;  // Sigma's names translated
  std::optional<FieldId> field;
  Modifiers modifiers;
  std::shared_ptr<const CompiledItem> compiled;
  // The patterns that each value stands for, where texts are compared; else empty.
  std::vector<std::vector<Pattern>> patterns;

  bool compares_text() const { return modifiers.subject == Modifiers::Subject::kText; }
};

struct LintedSelection {
  std::string name;
  Span span;
  std::vector<std::vector<LintedItem>> alternatives;
};

struct LintedRule {
  std::shared_ptr<const Rule> rule;
  KindSet kinds;
  std::vector<LintedSelection> selections;
  Condition condition;
};

// The active rules of a set that have a detection, and the filters that apply to them. The schema is theirs: the set's own can not be added to.
struct LintedRules {
  Schema schema;
  std::vector<LintedRule> rules;
  std::vector<LintedRule>
      filters;  // each once, as if it were a rule; its kinds are those of the rules it is for
};
void read_rules_to_lint(const RuleDocument& document, const RuleSet& set, LintedRules& linted);

// One that compiled. Fields that the schema does not have are added to it.
LintedRule read_rule_to_lint(std::shared_ptr<const Rule> rule, KindSet kinds, const RuleDocument& document,
                             Schema& schema);
// A rule that says what a filter does.
Rule as_rule(const Filter& filter);

// Asks items about a value that no event has carried.
class Probe {
 public:
  explicit Probe(const Schema& schema) : schema_(schema), texts_(schema) {}

  // Whether the item holds for an event whose only value is this text in the item's field; an integer's text
  // is taken as one.
  bool holds(const LintedItem& item, std::string_view text);

  const Schema& schema() const { return schema_; }

 private:
  const Schema& schema_;
  TextCache texts_;
  Event event_;
};

// D131, D132, D136, D138: what can be seen of one item.
void lint_item(const LintedRule& rule, const LintedItem& item, Probe& probe, Reporter& reporter);
// D130, D134, D135: what can never or always hold.
void lint_logic(const LintedRule& rule, Probe& probe, Reporter& reporter);
// False where no event can make the rule's detection hold, as D134 sees it. True may be wrong.
bool may_hold(const LintedRule& rule, Probe& probe);

}  // namespace detectd
