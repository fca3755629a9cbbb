#include "src/rule_selection.h"

#include <algorithm>

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

}  // namespace

Status select_rules(const std::vector<std::string>& only, const std::vector<std::string>& skip,
                    RuleDocument& document) {
  for (const auto& [option, names] : {std::pair("--only", &only), std::pair("--skip", &skip)}) {
    for (const std::string& name : *names) {
      if (auto rule = find_rule(name, document); !rule) return std::move(rule.error()).within(option);
    }
  }
  std::erase_if(document.rules, [&](const Rule& rule) {
    return (!only.empty() && !is_among(rule, only)) || is_among(rule, skip);
  });
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
