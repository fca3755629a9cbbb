#include "src/detectctl/rule_diff.h"

#include <algorithm>

namespace detectd {
namespace {

std::string response_of(const Rule& rule) {
  if (!rule.response) return "alert";
  std::string text(to_string(rule.response->action));
  if (rule.response->target != "process") text += " " + rule.response->target;
  return text;
}

void append_change(std::string_view what, const std::string& before, const std::string& now,
                   std::string& text) {
  if (before == now) return;
  text += (text.empty() ? "" : "; ") + std::string(what) + " " + before + ", now " + now;
}

// Hits are the same by their id, which is made of rule and event, and of a correlation's group.
bool has(std::span<const Hit> hits, const Hit& hit) {
  return std::any_of(hits.begin(), hits.end(),
                     [&hit](const Hit& other) { return !other.fold && other.id == hit.id; });
}

}  // namespace

std::string RuleChange::retold() const {
  std::string text;
  if (before == nullptr || now == nullptr || both == 0) return text;
  append_change("level", std::string(to_string(before->level)), std::string(to_string(now->level)), text);
  append_change("response", response_of(*before), response_of(*now), text);
  return text;
}

void RuleDiff::compare(std::span<const Hit> before, std::span<const Hit> now, const std::string& place,
                       std::vector<HitChange>& changes) {
  for (const Hit& hit : before) {
    if (hit.fold) continue;
    RuleChange& rule = rules_[hit.rule->id];
    rule.before = hit.rule;
    if (has(now, hit)) {
      ++rule.both;
    } else {
      ++rule.lost;
      changes.push_back({.gained = false, .place = place, .hit = hit});
    }
  }
  for (const Hit& hit : now) {
    if (hit.fold) continue;
    RuleChange& rule = rules_[hit.rule->id];
    rule.now = hit.rule;
    if (has(before, hit)) continue;
    ++rule.gained;
    changes.push_back({.gained = true, .place = place, .hit = hit});
  }
}

}  // namespace detectd
