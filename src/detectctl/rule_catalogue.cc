#include "src/detectctl/rule_catalogue.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "engine/attack_ids.h"
#include "engine/escape.h"
#include "engine/json_writer.h"
#include "src/report/hit_view.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr std::string_view kPrefix = "attack.";
constexpr std::string_view kDigits = "0123456789";

std::string changed(std::string_view text, char from, char to, int (*change)(int) = nullptr) {
  std::string result;
  for (char c : text) {
    if (c == from) c = to;
    const bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z';
    if (change != nullptr && (lower || upper)) c = static_cast<char>(change(c));
    result += c;
  }
  return result;
}
int to_lower(int c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; }
int to_upper(int c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c; }

// `attack.t1059.004` is T1059.004.
std::optional<std::string> technique_of(std::string_view tag) {
  const std::string lower = changed(tag, '_', '-', to_lower);
  if (!lower.starts_with(kPrefix)) return std::nullopt;
  const std::string name = lower.substr(kPrefix.size());
  const bool form = name.size() >= 5 && name[0] == 't' &&
                    name.find_first_not_of("0123456789.", 1) == std::string::npos &&
                    kDigits.find(name[1]) != std::string_view::npos;
  if (!form || classify_attack_tag(name) != AttackTag::kKnown) return std::nullopt;
  return changed(name, '_', '-', to_upper);
}

// The first tactic, as ATT&CK writes it; empty: none.
std::string tactic_of(const Rule& rule) {
  const auto tactics = attack_tactics();
  for (const std::string& tag : rule.tags) {
    const std::string lower = changed(tag, '_', '-', to_lower);
    if (!lower.starts_with(kPrefix)) continue;
    const auto found = std::find(tactics.begin(), tactics.end(), lower.substr(kPrefix.size()));
    if (found != tactics.end()) return std::string(*found);
  }
  return {};
}

std::vector<std::string> techniques_of(const Rule& rule) {
  std::vector<std::string> techniques;
  for (const std::string& tag : rule.tags) {
    const auto technique = technique_of(tag);
    if (technique && std::find(techniques.begin(), techniques.end(), *technique) == techniques.end())
      techniques.push_back(*technique);
  }
  return techniques;
}

void add_technique(JsonWriter& json, const std::string& technique, const std::vector<const Rule*>& rules) {
  json.begin_object();
  json.member("techniqueID", technique);
  json.member_number("score", static_cast<int64_t>(rules.size()));
  std::string comment;
  for (const Rule* rule : rules) comment += (comment.empty() ? "" : "\n") + rule->title;
  json.member("comment", comment);
  json.member_boolean("enabled", true);
  // Where a technique is folded, its sub-techniques would not be seen.
  json.member_boolean("showSubtechniques", true);
  json.key("metadata");
  json.begin_array();
  for (const Rule* rule : rules) {
    json.begin_object();
    json.member("name", rule->name.empty() ? rule->id : rule->name);
    json.member("value", to_string(rule->level));
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

std::string heading_of(std::string_view tactic) {
  if (tactic.empty()) return "Without a tactic";
  std::string heading = changed(tactic, '-', ' ');
  heading.front() = static_cast<char>(to_upper(heading.front()));
  return heading;
}

std::string row_of(const Rule& rule) {
  std::string techniques;
  for (const std::string& technique : techniques_of(rule))
    techniques += (techniques.empty() ? "" : ", ") + technique;
  return "| " + std::string(to_string(rule.level)) + " | " + markdown_text(rule_text(rule)) + " | " +
         markdown_text(rule.title) + " | " + techniques + " |\n";
}

std::string entry_of(const Rule& rule) {
  std::string text = "### " + markdown_text(rule_text(rule)) + "\n\n**" + markdown_text(rule.title) + "**";
  if (rule.status != RuleStatus::kStable) text += " (" + std::string(to_string(rule.status)) + ")";
  text += "\n\n";
  if (!rule.description.empty()) text += markdown_text(rule.description) + "\n\n";
  if (responds(rule.response)) text += "Response: " + std::string(to_string(rule.response->action)) + ".\n\n";
  if (!rule.prose.falsepositives.empty()) {
    text += "What it hits wrongly, or can not see:\n\n";
    for (const std::string& one : rule.prose.falsepositives) text += "- " + markdown_text(one) + "\n";
    text += "\n";
  }
  for (const std::string& reference : rule.prose.references) text += "- " + markdown_text(reference) + "\n";
  if (!rule.prose.references.empty()) text += "\n";
  return text;
}

}  // namespace

std::string attack_layer(const std::vector<const Rule*>& rules) {
  std::map<std::string, std::vector<const Rule*>> by_technique;
  size_t most = 1;
  for (const Rule* rule : rules) {
    for (const std::string& technique : techniques_of(*rule)) {
      by_technique[technique].push_back(rule);
      most = std::max(most, by_technique[technique].size());
    }
  }
  JsonWriter json;
  json.begin_object();
  json.member("name", "detectd");
  json.key("versions");
  json.begin_object();
  json.member("attack", kAttackVersion.substr(0, kAttackVersion.find('.')));
  json.member("navigator", "5.1.0");
  json.member("layer", "4.5");
  json.end_object();
  json.member("domain", "enterprise-attack");
  json.member("description", "What " + plural(rules.size(), "rule") +
                                 " look for; the score is how many look for a technique.");
  json.key("filters");
  json.raw(R"({"platforms":["Linux","Containers"]})");
  json.member_number("sorting", 0);
  json.member_boolean("hideDisabled", false);
  json.key("gradient");
  json.raw(R"({"colors":["#e8f1fbff","#1f6fc4ff"],"minValue":0,"maxValue":)" + std::to_string(most) + "}");
  json.key("techniques");
  json.begin_array();
  for (const auto& [technique, of] : by_technique) add_technique(json, technique, of);
  json.end_array();
  json.end_object();
  return json.text() + "\n";
}

std::string markdown_text(std::string_view text) {
  constexpr std::string_view kMarks = "\\`*{}[]<>|#&~";
  std::string result;
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    for (const char c : escape_text(rest.substr(0, end))) {
      if (kMarks.find(c) != std::string_view::npos) result += '\\';
      result += c;
    }
    if (end < rest.size()) result += ' ';
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return result;
}

std::string rule_catalogue(const std::vector<const Rule*>& rules) {
  std::map<std::string, std::vector<const Rule*>> by_tactic;
  for (const Rule* rule : rules) by_tactic[tactic_of(*rule)].push_back(rule);
  std::vector<std::string> order;
  for (const std::string_view tactic : attack_tactics()) order.emplace_back(tactic);
  order.emplace_back();
  std::string text = "# Rules of detectd\n\n" + plural(rules.size(), "rule") + ", by ATT&CK's tactics.\n";
  for (const std::string& tactic : order) {
    const auto found = by_tactic.find(tactic);
    if (found == by_tactic.end()) continue;
    text += "\n## " + heading_of(tactic) +
            "\n\n| level | rule | what has happened | techniques |\n|---|---|---|---|\n";
    for (const Rule* rule : found->second) text += row_of(*rule);
    text += "\n";
    for (const Rule* rule : found->second) text += entry_of(*rule);
    text.pop_back();
  }
  return text;
}

}  // namespace detectd
