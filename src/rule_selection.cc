#include "src/rule_selection.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/diagnostic.h"
#include "engine/escape.h"

namespace detectd {
namespace {

bool is_called(const Rule& rule, std::string_view name) {
  return rule.id == name || (!rule.name.empty() && rule.name == name);
}

bool is_among(const Rule& rule, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(),
                     [&rule](const std::string& name) { return is_called(rule, name); });
}

// The chosen ones and, over correlations of correlations, all that they name.
std::vector<bool> needed_by(const RuleDocument& document, const std::vector<bool>& chosen) {
  std::map<std::string_view, size_t> index;
  for (size_t i = 0; i < document.rules.size(); ++i) {
    index.emplace(document.rules[i].id, i);
    if (!document.rules[i].name.empty()) index.emplace(document.rules[i].name, i);
  }
  std::vector<bool> needed = chosen;
  std::vector<size_t> pending;
  for (size_t i = 0; i < chosen.size(); ++i) {
    if (chosen[i]) pending.push_back(i);
  }
  while (!pending.empty()) {
    const Rule& rule = document.rules[pending.back()];
    pending.pop_back();
    if (!rule.correlation) continue;
    for (const RuleReference& reference : rule.correlation->rules) {
      const auto named = index.find(reference.text);
      if (named == index.end() || needed[named->second]) continue;
      needed[named->second] = true;
      pending.push_back(named->second);
    }
  }
  return needed;
}

}  // namespace

Status select_rules(const std::vector<std::string>& only, const std::vector<std::string>& skip,
                    RuleDocument& document, const SourcePtr& always) {
  for (const auto& [option, names] : {std::pair("--only", &only), std::pair("--skip", &skip)}) {
    for (const std::string& name : *names) {
      if (auto rule = find_rule(name, document); !rule) return std::move(rule.error()).within(option);
    }
  }
  std::vector<bool> chosen;
  for (const Rule& rule : document.rules) {
    const bool stays = always && rule.file == always;
    if (stays && is_among(rule, skip)) {
      return Error{Errc::kUsage, "--skip: " + rule.name +
                                     " is built in and always runs; a filter of the site can narrow it"};
    }
    chosen.push_back(stays || ((only.empty() || is_among(rule, only)) && !is_among(rule, skip)));
  }
  const std::vector<bool> needed = needed_by(document, chosen);
  std::vector<Rule> kept;
  for (size_t i = 0; i < document.rules.size(); ++i) {
    if (!chosen[i] && !needed[i]) continue;
    document.rules[i].feeds_only = !chosen[i];
    kept.push_back(std::move(document.rules[i]));
  }
  document.rules = std::move(kept);
  return {};
}

Result<const Rule*> find_rule(std::string_view name, const RuleDocument& document) {
  std::vector<std::string_view> known;
  for (const Rule& rule : document.rules) {
    if (is_called(rule, name)) return &rule;
    known.push_back(rule.id);
    if (!rule.name.empty()) known.push_back(rule.name);
  }
  const std::string hint = did_you_mean(name, known);
  return Error{Errc::kUsage,
               "no rule has the id or name `" + escape_text(name) + "`" + (hint.empty() ? "" : "; " + hint)};
}

}  // namespace detectd
