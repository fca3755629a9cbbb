// Rules, compiled: immutable, and shared by all threads that match. A reload makes a new one and
// swaps the pointer between two events.
//
// A rule becomes a decision program. Each instruction asks whether one term holds and names where
// to go then, and where otherwise; the ends are kAccept and kReject:
//
//   shell and server and not certbot         0: certbot?  reject  accept
//                                            1: server?   0       reject
//                                   entry -> 2: shell?    1       reject
//
// A term is one item (a field and what it must be), shared by all rules that say the same, so that
// it is evaluated at most once per event. Items on `process.ancestors.*` of one selection are one
// term, for they concern one ancestor. Where the order is free (and, or), the cheap terms are asked
// first.
//
// Few programs run. Most rules need one of a few texts in an event (rule_keys.h), and one pass over the event's
// values finds which of these are there: only the rules whose keys were found are asked, and those of
// which no keys are known. The same pass says of the dear terms that they can not hold, whichever rule asks.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/condition.h"
#include "engine/digest.h"
#include "engine/fields.h"
#include "engine/literal_index.h"
#include "engine/rule.h"
#include "engine/term.h"

namespace detectd {

struct Instruction {
  uint32_t term = 0;
  uint32_t if_holds = 0;
  uint32_t otherwise = 0;
};
inline constexpr uint32_t kAccept = 0xFFFF'FFFF;
inline constexpr uint32_t kReject = 0xFFFF'FFFE;

// A value that hits are grouped by: a field of the event or, of a correlation's hit, one of the values that
// it was grouped by itself.
struct GroupSource {
  static constexpr uint32_t kNone = 0xFFFF'FFFF;
  FieldId field{};
  uint32_t group = kNone;  // index into Hit::group

  bool is_group() const { return group != kNone; }
};

struct CompiledSuppress {
  std::vector<GroupSource> by;
  int64_t for_ns = 0;  // 0: nothing is folded
};

struct CompiledRule {
  std::shared_ptr<const Rule> rule;
  KindSet kinds;
  CompiledSuppress suppress;
  bool silent = false;   // its hits are parts of others and not reported by themselves
  bool vouched = false;  // rests_on_vouched()
  std::string product;   // the logsource's, folded: must equal host.os.type where the event has one
  uint32_t entry = kReject;
  Sha256 digest{};  // of its definition (rule_digest.h)
};

// Finds the terms one of whose keys are in a value of a field.
struct FieldIndex {
  FieldId field{};
  LiteralIndex terms;
};

// What is looked at for an event of a kind.
struct KindIndex {
  std::vector<uint32_t> rules;    // all, ascending
  std::vector<uint32_t> unkeyed;  // those that are always asked, ascending
  std::vector<uint32_t> fields;   // indices into RuleSet::field_indices()
};

// One of the rules that a correlation names.
struct CorrelationInput {
  uint32_t source = 0;  // index into RuleSet::rules() or correlations()
  bool is_correlation = false;
  std::vector<GroupSource> group;   // as Correlation::group_by
  std::vector<GroupSource> values;  // as CorrelationCondition::fields
};

struct CompiledCorrelation {
  std::shared_ptr<const Rule> rule;
  std::vector<CorrelationInput> inputs;  // as Correlation::rules
  CompiledSuppress suppress;
  bool silent = false;
  // Of the events at which it can hold.
  KindSet kinds;
  bool vouched = false;
  // Over what it says and what the rules say that it names: while it is the same, state may be kept.
  Sha256 digest{};
};

// Whose input a hit is.
struct Feed {
  uint32_t correlation = 0;
  uint32_t input = 0;
};

struct InactiveRule {
  std::shared_ptr<const Rule> rule;
  std::string reason;
};

class RuleSet {
 public:
  // Compiles what can be compiled: a rule with a mistake is reported and left out, so the caller
  // decides by diagnostics.errors() whether to run at all.
  static std::shared_ptr<const RuleSet> compile(const RuleDocument& document, Diagnostics& diagnostics);

  // Active rules, sorted by id.
  std::span<const CompiledRule> rules() const { return rules_; }
  // Active ones, each behind those that it names.
  std::span<const CompiledCorrelation> correlations() const { return correlations_; }
  // What the hits of a rule, or of a correlation, are input of; by correlation, ascending.
  std::span<const Feed> feeds_of_rule(uint32_t rule) const { return feeds_of_rule_[rule]; }
  std::span<const Feed> feeds_of_correlation(uint32_t index) const { return feeds_of_correlation_[index]; }
  // Checked but not run, sorted by id: deprecated ones, and those of which no source could feed the
  // events or a field.
  std::span<const InactiveRule> inactive() const { return inactive_; }
  const KindIndex& for_kind(EventKind kind) const { return by_kind_[static_cast<size_t>(kind)]; }
  std::span<const FieldIndex> field_indices() const { return field_indices_; }
  // The rules, ascending, that may hold where a key of this term is.
  std::span<const uint32_t> rules_of(uint32_t term) const { return rules_of_term_[term]; }
  // Whether for any event the field indices find the term where it may hold: where they do not, it does not.
  bool is_indexed(uint32_t term) const { return indexed_[term]; }
  std::span<const Term> terms() const { return terms_; }
  std::span<const Instruction> program() const { return program_; }
  const Schema& schema() const { return schema_; }
  // SHA-256 over the active rules as they take effect, without tests and prose.
  const Sha256& digest() const { return digest_; }

 private:
  friend class RuleCompiler;
  friend class CorrelationCompiler;

  Schema schema_;
  std::vector<CompiledRule> rules_;
  std::vector<CompiledCorrelation> correlations_;
  std::vector<std::vector<Feed>> feeds_of_rule_;
  std::vector<std::vector<Feed>> feeds_of_correlation_;
  std::vector<InactiveRule> inactive_;
  std::vector<Term> terms_;
  std::vector<Instruction> program_;
  std::array<KindIndex, kEventKindCount> by_kind_;
  std::vector<FieldIndex> field_indices_;
  std::vector<std::vector<uint32_t>> rules_of_term_;
  std::vector<bool> indexed_;  // by term
  Sha256 digest_{};
};

}  // namespace detectd
