// Why a correlation holds at an event, or does not: which of its rules held, for which group, and what the window held.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/correlator.h"
#include "engine/hit.h"
#include "engine/rule_set.h"

namespace detectd {

// One of the rules that the correlation names.
struct InputWhy {
  const Rule* rule = nullptr;
  bool held = false;
  std::vector<std::string>
      lacks;  // it held, but is left out: the event has nothing to group or to count it by
};

// A hit of one of its rules, of the event's group, within the timespan before it.
struct WindowPart {
  std::shared_ptr<const Event> event;
  uint32_t input = 0;
};

struct CorrelationWhy {
  const Rule* rule = nullptr;
  bool holds = false;
  bool counts = false;  // the event is one of those that the window is made of; else there is no more to tell
  std::vector<InputWhy> inputs;
  std::vector<GroupValue> group;
  std::optional<long double> measure;  // what the condition's bounds are asked about; nothing for new_terms
  std::vector<WindowPart> parts;       // in order, the event itself the last
  uint64_t parts_left_out = 0;         // older ones
  // new_terms.
  bool known = false;     // the tuple was seen before
  bool learning = false;  // nothing is told yet
  static constexpr size_t kMaxParts = 100;
};

class CorrelationInquiry {
 public:
  // `correlation` is an index into rules->correlations().
  CorrelationInquiry(std::shared_ptr<const RuleSet> rules, uint32_t correlation);

  // To be shown all events in order, with the rules that hold for each (Engine::match).
  CorrelationWhy observe(const Event& event, std::span<const uint32_t> held);

 private:
  struct Remembered {
    WindowPart part;
    std::string key;
    int64_t order_ns = 0;
  };

  std::vector<Hit> hits_of(const Event& event, std::span<const uint32_t> held) const;
  const Rule* rule_of(uint32_t input) const;
  void look_at_terms(const std::vector<Hit>& hits, int64_t order_ns, CorrelationWhy& why);
  InputWhy look_at(uint32_t input, const Hit& hit);
  void count(uint32_t input, const Hit& hit, CorrelationWhy& why);
  void append_window(CorrelationWhy& why) const;

  std::shared_ptr<const RuleSet> rules_;
  uint32_t index_;
  const CompiledCorrelation& correlation_;
  Correlator correlator_;
  std::deque<Remembered> recent_;
  Sha256Hasher hasher_;
};

}  // namespace detectd
