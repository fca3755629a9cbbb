// Whether a rule may hold for an exec of which only the program is known yet: what costs a look at the process is read
// only where the answer is yes. A rule that looks at what is not known may hold both ways; so a "no" is certain.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/derived_fields.h"
#include "engine/event.h"
#include "engine/fields.h"
#include "engine/rule_set.h"
#include "engine/text_cache.h"

namespace detectd {

// What is read of a process only where a rule may hold.
inline constexpr LeafMask kLateLeaves =
    mask_of(Leaf::kSupplementalGroups) | mask_of(Leaf::kVpid) | mask_of(Leaf::kCapabilities) |
    mask_of(Leaf::kUnit) | mask_of(Leaf::kCgroup) | mask_of(Leaf::kRoot) | mask_of(Leaf::kMountNamespace) |
    mask_of(Leaf::kUserNamespace) | mask_of(Leaf::kSha256) | mask_of(Leaf::kEnvVars) |
    mask_of(Leaf::kStdinType) | mask_of(Leaf::kStdinIp) | mask_of(Leaf::kStdinPort) |
    mask_of(Leaf::kStdoutType) | mask_of(Leaf::kStdoutIp) | mask_of(Leaf::kStdoutPort) |
    mask_of(Leaf::kStderrType) | mask_of(Leaf::kStderrIp) | mask_of(Leaf::kStderrPort);

// One of those, or another field that is read with them.
bool is_late(FieldId field);

// One a thread.
class Foresight {
 public:
  // Of which rules it is asked: of those for execs that look at a late field, or that respond; or of those for execs
  // that have not happened yet, ours (`detectd.*`) not counted.
  enum class Of : uint8_t { kLateFields, kResponses, kExecChecks };

  explicit Foresight(std::shared_ptr<const RuleSet> rules, Of of = Of::kLateFields);

  // `event` is an exec that carries what is known of its program, and nothing yet of kLateLeaves. What follows from
  // what it carries is added to it. Of one that says less than that a response is not foreseen.
  bool may_hold(Event& event);

 private:
  enum class Answer : uint8_t { kNo, kYes, kUnknown };

  bool look_at_rules();
  bool is_plain(const Term& term) const;
  bool may_hold(uint32_t rule, const Event& event);
  Answer ask(uint32_t term, const Event& event);
  bool find_candidates(const Event& event);

  std::shared_ptr<const RuleSet> rules_;
  Of of_;
  EventKind kind_;
  bool always_ = false;          // late leaves are asked for where nobody can say beforehand
  std::vector<bool> plain_;      // by term: about a field of the process itself, and no other
  std::vector<bool> looks_;      // by rule: it is one of those
  std::vector<uint32_t> asked_;  // of those, what no key that is known by now rules out
  std::vector<uint32_t> fields_;

  DerivedFields derived_;
  TextCache texts_;
  uint32_t epoch_ = 0;
  std::vector<uint32_t> answered_;  // by term: the epoch
  std::vector<Answer> answers_;
  std::vector<uint32_t> visited_;  // by instruction: the epoch
  std::vector<uint32_t> tried_;    // by rule: the epoch
  std::vector<uint32_t> open_;
};

}  // namespace detectd
