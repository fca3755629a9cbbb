#include "engine/site_changes.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/table_reader.h"

namespace detectd {
namespace {

// Whether a filter for `wanted` is meant for a rule of `rule`'s logsource.
bool covers(const Logsource& wanted, const std::optional<Logsource>& rule) {
  if (!rule) return false;
  const auto meets = [](const std::string& asked, const std::string& has) {
    return asked.empty() || asked == has;
  };
  return meets(wanted.category, rule->category) && meets(wanted.product, rule->product) &&
         meets(wanted.service, rule->service);
}

class SiteChanges {
 public:
  SiteChanges(RuleDocument& document, Diagnostics& diagnostics)
      : document_(document), diagnostics_(diagnostics), names_(document) {}

  void apply() {
    for (const Override& change : document_.overrides)
      change.list ? extend_list(change) : change_rule(change);
    for (const Filter& filter : document_.filters) {
      check_unique(filter);
      attach(filter);
    }
  }

 private:
  void extend_list(const Override& change) {
    const auto list = document_.lists.find(change.list->text);
    if (list == document_.lists.end()) {
      std::vector<std::string_view> known;
      for (const auto& [name, definition] : document_.lists) known.push_back(name);
      Reporter(change.file, diagnostics_)
          .error("D080", change.list->span, "there is no list `" + change.list->text + "`",
                 did_you_mean(change.list->text, known));
      return;
    }
    ListDefinition& definition = list->second;
    definition.additions.push_back(
        {.first = definition.values.size(), .place = {change.file, change.keys.at("add")}});
    definition.values.insert(definition.values.end(), change.add.begin(), change.add.end());
  }

  void change_rule(const Override& change) {
    const auto index = names_.find(*change.rule, change.file, diagnostics_);
    if (!index) return;
    Rule& rule = document_.rules[*index];
    if (change.enabled && claim(rule, change, "enabled")) rule.enabled = *change.enabled;
    if (change.level && claim(rule, change, "level")) rule.level = *change.level;
    if (change.response && claim(rule, change, "response")) set_response(rule, change);
    if (change.suppress && claim(rule, change, "suppress")) rule.suppress = change.suppress;
  }

  void set_response(Rule& rule, const Override& change) {
    const std::string& target = change.response->target;
    if (!rule.correlation && target != "process" && target != "parent") {
      Reporter(change.file, diagnostics_)
          .error("D021", change.response->span, "`" + target + "` is not a target: process, parent");
      return;
    }
    rule.response = change.response;
  }

  // False, and a mistake, where another override has set the key.
  bool claim(Rule& rule, const Override& change, const std::string& key) {
    const Place place{change.file, change.keys.at(key)};
    const auto [earlier, added] = rule.overridden.emplace(key, place);
    if (added) return true;
    const std::string& name = rule.name.empty() ? rule.id : rule.name;
    Reporter(change.file, diagnostics_)
        .error("D022", place.span, "two overrides set `" + key + "` of `" + name + "`", "",
               {{earlier->second.file, earlier->second.span, "first set"}});
    return false;
  }

  void check_unique(const Filter& filter) {
    for (const std::string* text : {&filter.id, &filter.name}) {
      if (text->empty()) continue;
      const auto [earlier, added] = filters_.emplace(*text, &filter);
      if (added) continue;
      Reporter(filter.file, diagnostics_)
          .error("D022", filter.span, "two filters are called `" + *text + "`", "",
                 {{earlier->second->file, earlier->second->span, "first used"}});
    }
  }

  void attach(const Filter& filter) {
    const auto shared = std::make_shared<const Filter>(filter);
    const auto attach_to = [&](Rule& rule) {
      if (!filter.logsource || covers(*filter.logsource, rule.logsource)) rule.filters.push_back(shared);
    };
    if (filter.any_rule) {
      for (Rule& rule : document_.rules) {
        if (!rule.correlation) attach_to(rule);
      }
      return;
    }
    std::vector<bool> attached(document_.rules.size());
    for (const RuleReference& reference : filter.rules) {
      const auto index = names_.find(reference, filter.file, diagnostics_);
      if (!index || attached[*index]) continue;
      attached[*index] = true;
      Rule& rule = document_.rules[*index];
      if (rule.correlation) {
        Reporter(filter.file, diagnostics_)
            .error("D080", reference.span,
                   "`" + reference.text + "` is a correlation, and has no events of its own",
                   "filter the rules that it names");
      } else {
        attach_to(rule);
      }
    }
  }

  RuleDocument& document_;
  Diagnostics& diagnostics_;
  RuleNames names_;
  std::map<std::string_view, const Filter*> filters_;  // by id and name
};

}  // namespace

RuleNames::RuleNames(const RuleDocument& document) : document_(document) {
  for (size_t i = 0; i < document.rules.size(); ++i) {
    const Rule& rule = document.rules[i];
    rules_.emplace(rule.id, i);
    if (!rule.name.empty()) rules_.emplace(rule.name, i);
  }
}

std::optional<size_t> RuleNames::find(const RuleReference& reference, const SourcePtr& file,
                                      Diagnostics& diagnostics) const {
  const auto found = rules_.find(reference.text);
  if (found != rules_.end()) return found->second;
  if (document_.broken.contains(reference.text)) return std::nullopt;
  std::vector<std::string_view> known;
  // Hints are dear, and beyond the bound nobody sees them.
  for (size_t i = 0; i < document_.rules.size() && diagnostics.dropped() == 0; ++i) {
    known.push_back(document_.rules[i].id);
    if (!document_.rules[i].name.empty()) known.push_back(document_.rules[i].name);
  }
  Reporter(file, diagnostics)
      .error("D080", reference.span, "there is no rule with the id or name `" + reference.text + "`",
             did_you_mean(reference.text, known));
  return std::nullopt;
}

void apply_site_changes(RuleDocument& document, Diagnostics& diagnostics) {
  SiteChanges(document, diagnostics).apply();
}

}  // namespace detectd
