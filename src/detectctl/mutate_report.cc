#include "src/detectctl/mutate_report.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "engine/escape.h"
#include "engine/json_writer.h"
#include "src/report/hit_view.h"
#include "src/text.h"

namespace detectd {
namespace {

double percent_of(size_t part, size_t whole) {
  return whole == 0 ? 100.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

// Less than all is never told as all.
std::string percent_text(double percent) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", percent < 100 ? std::min(percent, 99.9) : percent);
  return text;
}

// What one mutator made of all tests of a rule.
struct Row {
  EvasionScore score;
  std::vector<std::string> others;  // of what was missed; escaped
  std::string reason;               // why it applies to none
};

Row row_of(const std::vector<TestEvasions>& tests, const Mutator& mutator) {
  Row row;
  for (const TestEvasions& test : tests) {
    for (const Evasion& evasion : test.evasions) {
      if (evasion.mutator != &mutator) continue;
      if (!evasion.applies()) {
        row.reason = evasion.reason;
        continue;
      }
      row.score.add(evasion);
      if (evasion.hit) continue;
      for (const Rule* other : evasion.others) {
        const std::string name = rule_text(*other);
        if (std::find(row.others.begin(), row.others.end(), name) == row.others.end())
          row.others.push_back(name);
      }
    }
  }
  return row;
}

constexpr size_t kNameColumns = 22;
constexpr size_t kMaxOthers = 3;

std::string row_text(const Mutator& mutator, const Row& row, const EvasionView& view) {
  const size_t missed = row.score.applied - row.score.hit;
  const std::string head = fit(mutator.name, kNameColumns);
  if (row.score.applied == 0) return "  -         " + head + row.reason + "\n";
  const std::string of = " of " + std::to_string(row.score.applied);
  if (missed == 0) return "  " + fit("hit", 10) + head + "all" + of + "\n";
  std::string text = "  " + fit("missed", 10) + head + std::to_string(missed) + of;
  for (size_t i = 0; i < std::min(row.others.size(), kMaxOthers); ++i)
    text += (i == 0 ? "; seen by " : ", ") + row.others[i];
  if (row.others.size() > kMaxOthers)
    text += " and " + std::to_string(row.others.size() - kMaxOthers) + " more";
  text += "\n";
  if (view.hints) text += std::string(12, ' ') + std::string(mutator.hint) + "\n";
  return text;
}

void add_score(JsonWriter& json, const EvasionScore& score) {
  json.member_number("evasions", static_cast<int64_t>(score.applied));
  json.member_number("hit", static_cast<int64_t>(score.hit));
  json.member_number("seen", static_cast<int64_t>(score.seen));
}

void add_percent(JsonWriter& json, std::string_view key, double percent) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", percent);
  json.key(key);
  json.raw(text);
}

std::string evasion_json(const Rule& rule, const RuleTest& test, const Evasion& evasion) {
  JsonWriter json;
  json.begin_object();
  json.member("type", "evasion");
  json.member("rule", rule.id);
  json.member("name", rule.name);
  json.member("test", test.name);
  json.member("mutator", evasion.mutator->name);
  json.member_boolean("applies", evasion.applies());
  if (!evasion.applies()) {
    json.member("reason", evasion.reason);
  } else {
    json.member_boolean("hit", evasion.hit);
    json.key("others");
    json.begin_array();
    for (const Rule* other : evasion.others) json.string(other->id);
    json.end_array();
    json.key("events");
    json.begin_array();
    for (const std::string& event : evasion.events) json.raw(event);
    json.end_array();
    if (!evasion.hit) json.member("hint", evasion.mutator->hint);
  }
  json.end_object();
  return json.text() + "\n";
}

}  // namespace

void EvasionScore::add(const Evasion& evasion) {
  if (!evasion.applies()) return;
  ++applied;
  hit += evasion.hit ? 1 : 0;
  seen += evasion.hit || !evasion.others.empty() ? 1 : 0;
}
double EvasionScore::percent() const { return percent_of(hit, applied); }
double EvasionScore::percent_seen() const { return percent_of(seen, applied); }

EvasionScore score_of(const std::vector<TestEvasions>& tests) {
  EvasionScore score;
  for (const TestEvasions& test : tests) {
    for (const Evasion& evasion : test.evasions) score.add(evasion);
  }
  return score;
}

void EvasionTotal::add(const EvasionScore& score) {
  if (score.applied == 0) return;
  ++rules;
  percents += score.percent();
  all.applied += score.applied;
  all.hit += score.hit;
  all.seen += score.seen;
}

std::string evasions_text(const Rule& rule, const std::vector<TestEvasions>& tests, const EvasionView& view) {
  const EvasionScore score = score_of(tests);
  std::string text = rule_text(rule) + ": ";
  if (tests.empty()) return text + "no test expects a hit, so there is nothing to evade\n";
  const auto fails = [](const TestEvasions& test) { return !test.problem.empty(); };
  if (std::all_of(tests.begin(), tests.end(), fails)) {
    text += "there is nothing to evade while its tests fail\n";
  } else if (score.applied == 0) {
    text += "no mutator applies to " + plural(tests.size(), "test") + "\n";
  } else {
    text += percent_text(score.percent()) + ", " + with_separators(score.hit) + " of " +
            plural(score.applied, "evasion") + " of " + plural(tests.size(), "test") + "\n";
  }
  for (const TestEvasions& test : tests) {
    if (!test.problem.empty())
      text +=
          "  " + fit("failed", 10) + escape_text(test.test->name) + ": " + escape_text(test.problem) + "\n";
  }
  if (score.applied == 0 && !view.all) return text;
  for (const Mutator& mutator : mutators()) {
    const Row row = row_of(tests, mutator);
    const bool missed = row.score.hit < row.score.applied;
    const bool asked = row.score.applied > 0 || !row.reason.empty();
    if (asked && (missed || view.all)) text += row_text(mutator, row, view);
  }
  return text;
}

std::string total_text(const EvasionTotal& total) {
  return "mean score of " + plural(total.rules, "rule") + ": " + percent_text(total.mean()) + "; " +
         with_separators(total.all.hit) + " of " + plural(total.all.applied, "evasion") + " still hit, and " +
         with_separators(total.all.seen - total.all.hit) + " more are seen by another rule\n";
}

std::string evasions_json(const Rule& rule, const std::vector<TestEvasions>& tests) {
  std::string text;
  for (const TestEvasions& test : tests) {
    for (const Evasion& evasion : test.evasions) text += evasion_json(rule, *test.test, evasion);
  }
  const EvasionScore score = score_of(tests);
  JsonWriter json;
  json.begin_object();
  json.member("type", "rule");
  json.member("rule", rule.id);
  json.member("name", rule.name);
  json.member_number("tests", static_cast<int64_t>(tests.size()));
  json.member_number("failed", std::count_if(tests.begin(), tests.end(),
                                             [](const TestEvasions& test) { return !test.problem.empty(); }));
  add_score(json, score);
  add_percent(json, "score", score.percent());
  json.end_object();
  return text + json.text() + "\n";
}

std::string total_json(const EvasionTotal& total) {
  JsonWriter json;
  json.begin_object();
  json.member("type", "summary");
  json.member_number("rules", static_cast<int64_t>(total.rules));
  add_score(json, total.all);
  add_percent(json, "mean", total.mean());
  json.end_object();
  return json.text() + "\n";
}

std::string mutators_text(size_t columns) {
  std::string text;
  std::string_view group;
  for (const Mutator& mutator : mutators()) {
    if (mutator.group != group) text += (group.empty() ? "" : "\n") + std::string(mutator.group) + "\n";
    group = mutator.group;
    const std::string line = "  " + fit(mutator.name, kNameColumns) + std::string(mutator.attack);
    text += (columns == 0 ? line : cut(line, columns)) + "\n";
  }
  return text;
}

std::string mutators_json() {
  std::string text;
  for (const Mutator& mutator : mutators()) {
    JsonWriter json;
    json.begin_object();
    json.member("type", "mutator");
    json.member("name", mutator.name);
    json.member("group", mutator.group);
    json.member("attack", mutator.attack);
    json.member("change", mutator.change);
    json.member("hint", mutator.hint);
    json.end_object();
    text += json.text() + "\n";
  }
  return text;
}

}  // namespace detectd
