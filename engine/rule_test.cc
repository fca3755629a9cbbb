#include "engine/rule_test.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/engine.h"
#include "engine/event_codec.h"
#include "engine/matcher.h"

namespace detectd {
namespace {

class TestRunner {
 public:
  explicit TestRunner(const std::shared_ptr<const RuleSet>& rules)
      : rules_(rules), decoder_(rules->schema()), matcher_(*rules) {}

  RuleTestResult run(uint32_t index, const RuleTest& test) {
    const CompiledRule& compiled = rules_->rules()[index];
    RuleTestResult result;
    result.rule = compiled.rule.get();
    result.test = &test;
    Event event;
    result.problem = decode(test.event_json, compiled.kinds, event);
    if (!result.problem.empty()) return result;
    Engine engine(rules_, {});  // each test is a stream of its own
    std::vector<Event> ready;
    engine.observe(event, ready);
    engine.flush(ready);
    for (const Event& judged : ready) {
      std::vector<uint32_t> held;
      engine.match(judged, matcher_, held);
      result.matched |= std::find(held.begin(), held.end(), index) != held.end();
    }
    return result;
  }

  RuleTestResult run(const CompiledCorrelation& correlation, KindSet kinds, const RuleTest& test) {
    RuleTestResult result;
    result.rule = correlation.rule.get();
    result.test = &test;
    Engine engine(rules_, {.report_silent = true});
    std::vector<Event> ready;
    for (const TestEvent& written : test.events) {
      Event event;
      result.problem = decode(written.json, kinds, event);
      if (!result.problem.empty()) return result;
      event.time_ns = kTestStartNs + written.at_ns;
      event.has_time = true;
      engine.observe(event, ready);
    }
    engine.flush(ready);
    std::vector<Hit> hits;
    for (const Event& judged : ready) {
      std::vector<uint32_t> held;
      engine.match(judged, matcher_, held);
      engine.conclude(judged, held, hits);
    }
    result.matched =
        std::any_of(hits.begin(), hits.end(), [&](const Hit& hit) { return hit.rule == correlation.rule; });
    return result;
  }

 private:
  // What is wrong with the event; empty: nothing.
  std::string decode(const std::string& json, KindSet kinds, Event& event) {
    std::string line = json;
    const size_t size = line.size();
    line.resize(size + EventDecoder::kPadding);
    LineNotes notes;
    const auto problem = decoder_.decode(std::string_view(line).substr(0, size), event, notes);
    if (problem) return problem->message;
    if (notes.no_action) event.kind = first_kind(kinds);
    return {};
  }

  const std::shared_ptr<const RuleSet>& rules_;
  EventDecoder decoder_;
  Matcher matcher_;
};

}  // namespace

EventKind first_kind(KindSet kinds) {
  size_t kind = 0;
  while (kind + 1 < kEventKindCount && !kinds.has(static_cast<EventKind>(kind))) ++kind;
  return static_cast<EventKind>(kind);
}

std::vector<KindSet> kinds_of_inputs(const RuleSet& rules) {
  std::vector<KindSet> all;
  for (const CompiledCorrelation& correlation : rules.correlations()) {
    KindSet kinds;
    for (const CorrelationInput& input : correlation.inputs) {
      const KindSet more = input.is_correlation ? all[input.source] : rules.rules()[input.source].kinds;
      for (size_t kind = 0; kind < kEventKindCount; ++kind) {
        if (more.has(static_cast<EventKind>(kind))) kinds.add(static_cast<EventKind>(kind));
      }
    }
    all.push_back(kinds);
  }
  return all;
}

std::vector<RuleTestResult> run_rule_tests(const std::shared_ptr<const RuleSet>& rules) {
  std::vector<RuleTestResult> results;
  TestRunner runner(rules);
  for (uint32_t index = 0; index < rules->rules().size(); ++index) {
    for (const RuleTest& test : rules->rules()[index].rule->tests) results.push_back(runner.run(index, test));
  }
  const std::vector<KindSet> kinds = kinds_of_inputs(*rules);
  for (size_t i = 0; i < rules->correlations().size(); ++i) {
    const CompiledCorrelation& correlation = rules->correlations()[i];
    for (const RuleTest& test : correlation.rule->tests)
      results.push_back(runner.run(correlation, kinds[i], test));
  }
  return results;
}

}  // namespace detectd
