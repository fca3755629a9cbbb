// The positive tests of rules, evaded: what each mutator makes of a test's events goes through the engine.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/event_codec.h"
#include "engine/matcher.h"
#include "engine/mutators.h"
#include "engine/rule_set.h"

namespace detectd {

struct Evasion {
  const Mutator* mutator = nullptr;
  std::string reason;               // why the mutator does not apply; then the rest says nothing
  bool hit = false;                 // the rule holds all the same
  std::vector<const Rule*> others;  // that hold too, or instead; by id
  std::vector<std::string> events;  // as lines of a capture, if asked for

  bool applies() const { return reason.empty(); }
};

struct TestEvasions {
  const Rule* rule = nullptr;
  const RuleTest* test = nullptr;
  std::string problem;  // the test fails as it stands: what is wrong; then there are no evasions
  std::vector<Evasion> evasions;
};

// One a thread. Nothing in it depends on time or chance.
class Evader {
 public:
  struct Options {
    std::vector<const Mutator*> mutators;  // none: all
    bool keep_events = false;
  };
  Evader(std::shared_ptr<const RuleSet> rules, Options options);

  // Of a rule, or of a correlation, each positive test; `index` is one of the rule set's.
  std::vector<TestEvasions> evade_rule(uint32_t index);
  // Each mutator changes all events of the test to which it applies.
  std::vector<TestEvasions> evade_correlation(uint32_t index);

 private:
  struct Subject {
    const Rule* rule;
    KindSet kinds;
  };
  TestEvasions evade(const Subject& subject, const RuleTest& test);
  Evasion evade(const Subject& subject, const std::vector<Event>& events, const Mutator& mutator);
  std::string read(const RuleTest& test, KindSet kinds, std::vector<Event>& events);
  std::string read(const std::string& json, KindSet kinds, Event& event);
  void judge(const Subject& subject, std::vector<Event> events, Evasion& evasion);

  std::shared_ptr<const RuleSet> rules_;
  Options options_;
  Schema schema_;  // as the set's, and all that mutators look at
  EventDecoder decoder_;
  Matcher matcher_;
  std::vector<KindSet> kinds_of_correlations_;
};

}  // namespace detectd
