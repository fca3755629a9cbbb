#include "engine/evasion.h"

#include <algorithm>
#include <utility>

#include "engine/engine.h"
#include "engine/rule_test.h"

namespace detectd {
namespace {

Schema schema_for(const RuleSet& rules) {
  Schema schema = rules.schema();
  want_always(schema);
  for (size_t leaf = 0; leaf < kLeafCount; ++leaf) {
    schema.want(process_field(static_cast<Leaf>(leaf)));
    schema.want(parent_field(static_cast<Leaf>(leaf)));
  }
  for (const FieldId field : {field::kAncestorsName, field::kAncestorsExecutable, field::kPreviousExecutable})
    schema.want(field);
  return schema;
}

}  // namespace

Evader::Evader(std::shared_ptr<const RuleSet> rules, Options options)
    : rules_(std::move(rules)),
      options_(std::move(options)),
      schema_(schema_for(*rules_)),
      decoder_(schema_),
      matcher_(*rules_),
      kinds_of_correlations_(kinds_of_inputs(*rules_)) {
  if (!options_.mutators.empty()) return;
  for (const Mutator& mutator : mutators()) options_.mutators.push_back(&mutator);
}

std::vector<TestEvasions> Evader::evade_rule(uint32_t index) {
  const CompiledRule& compiled = rules_->rules()[index];
  std::vector<TestEvasions> results;
  for (const RuleTest& test : compiled.rule->tests) {
    if (test.match) results.push_back(evade({compiled.rule.get(), compiled.kinds}, test));
  }
  return results;
}

std::vector<TestEvasions> Evader::evade_correlation(uint32_t index) {
  const CompiledCorrelation& compiled = rules_->correlations()[index];
  std::vector<TestEvasions> results;
  for (const RuleTest& test : compiled.rule->tests) {
    if (test.match) results.push_back(evade({compiled.rule.get(), kinds_of_correlations_[index]}, test));
  }
  return results;
}

TestEvasions Evader::evade(const Subject& subject, const RuleTest& test) {
  TestEvasions result;
  result.rule = subject.rule;
  result.test = &test;
  std::vector<Event> events;
  result.problem = read(test, subject.kinds, events);
  if (!result.problem.empty()) return result;
  Evasion unchanged;
  judge(subject, events, unchanged);
  if (!unchanged.hit) {
    result.problem = "the test fails as it stands";
    return result;
  }
  for (const Mutator* mutator : options_.mutators)
    result.evasions.push_back(evade(subject, events, *mutator));
  return result;
}

Evasion Evader::evade(const Subject& subject, const std::vector<Event>& events, const Mutator& mutator) {
  Evasion evasion;
  evasion.mutator = &mutator;
  std::vector<Event> changed;
  bool applies = false;
  for (const Event& event : events) {
    const auto run = event.kind == EventKind::kExec ? exec_run_of(event) : std::nullopt;
    if (!run) {
      changed.push_back(event);
      if (evasion.reason.empty()) evasion.reason = "there is no exec of a known program";
      continue;
    }
    Mutation mutation = mutate(mutator, make_mutation_input(event, *run));
    if (mutation.events.empty()) {
      changed.push_back(event);
      evasion.reason = mutation.reason;
      continue;
    }
    applies = true;
    for (Event& each : mutation.events) changed.push_back(std::move(each));
  }
  if (!applies) return evasion;
  evasion.reason.clear();
  if (options_.keep_events) {
    for (const Event& event : changed) encode(event, schema_, evasion.events.emplace_back());
  }
  judge(subject, std::move(changed), evasion);
  return evasion;
}

// What is wrong with the events; empty: nothing.
std::string Evader::read(const RuleTest& test, KindSet kinds, std::vector<Event>& events) {
  if (test.events.empty()) return read(test.event_json, kinds, events.emplace_back());
  for (const TestEvent& written : test.events) {
    Event& event = events.emplace_back();
    if (std::string problem = read(written.json, kinds, event); !problem.empty()) return problem;
    event.time_ns = kTestStartNs + written.at_ns;
    event.has_time = true;
  }
  return {};
}

std::string Evader::read(const std::string& json, KindSet kinds, Event& event) {
  std::string line = json;
  line.resize(json.size() + EventDecoder::kPadding);
  LineNotes notes;
  if (const auto problem = decoder_.decode(std::string_view(line).substr(0, json.size()), event, notes))
    return problem->message;
  if (notes.no_action) event.kind = first_kind(kinds);
  return {};
}

void Evader::judge(const Subject& subject, std::vector<Event> events, Evasion& evasion) {
  Engine engine(rules_, {.max_processes = 1000, .report_silent = true});
  std::vector<Event> ready;
  for (Event& event : events) engine.observe(event, ready);
  engine.flush(ready);
  std::vector<const Rule*> held_rules;
  std::vector<Hit> hits;
  for (const Event& judged : ready) {
    std::vector<uint32_t> held;
    engine.match(judged, matcher_, held);
    for (const uint32_t index : held) held_rules.push_back(rules_->rules()[index].rule.get());
    engine.conclude(judged, held, hits);
  }
  for (const Hit& hit : hits) {
    if (hit.rule->correlation) held_rules.push_back(hit.rule.get());
  }
  std::sort(held_rules.begin(), held_rules.end(), [](const Rule* a, const Rule* b) { return a->id < b->id; });
  held_rules.erase(std::unique(held_rules.begin(), held_rules.end()), held_rules.end());
  const auto own = std::find(held_rules.begin(), held_rules.end(), subject.rule);
  evasion.hit = own != held_rules.end();
  if (evasion.hit) held_rules.erase(own);
  evasion.others = std::move(held_rules);
}

}  // namespace detectd
