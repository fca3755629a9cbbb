#include "engine/rule_test.h"

#include <algorithm>

#include "engine/engine.h"
#include "engine/event_codec.h"
#include "engine/matcher.h"

namespace detectd {
namespace {

EventKind first_of(KindSet kinds) {
  size_t kind = 0;
  while (kind + 1 < kEventKindCount && !kinds.has(static_cast<EventKind>(kind))) ++kind;
  return static_cast<EventKind>(kind);
}

}  // namespace

std::vector<RuleTestResult> run_rule_tests(const std::shared_ptr<const RuleSet>& rules) {
  std::vector<RuleTestResult> results;
  EventDecoder decoder(rules->schema());
  Matcher matcher(*rules);
  Event event;
  for (uint32_t index = 0; index < rules->rules().size(); ++index) {
    const CompiledRule& compiled = rules->rules()[index];
    for (const RuleTest& test : compiled.rule->tests) {
      RuleTestResult& result = results.emplace_back();
      result.rule = compiled.rule.get();
      result.test = &test;
      std::string line = test.event_json;
      const size_t size = line.size();
      line.resize(size + EventDecoder::kPadding);
      LineNotes notes;
      if (const auto problem = decoder.decode(std::string_view(line).substr(0, size), event, notes)) {
        result.problem = problem->message;
        continue;
      }
      if (notes.no_action) event.kind = first_of(compiled.kinds);
      Engine engine(rules, {});  // each test is a stream of its own
      std::vector<Event> ready;
      engine.observe(event, ready);
      engine.flush(ready);
      for (const Event& judged : ready) {
        std::vector<uint32_t> held;
        engine.match(judged, matcher, held);
        result.matched |= std::find(held.begin(), held.end(), index) != held.end();
      }
    }
  }
  return results;
}

}  // namespace detectd
