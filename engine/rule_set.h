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
// which no keys are known.
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

struct CompiledRule {
  std::shared_ptr<const Rule> rule;
  KindSet kinds;
  std::string product;  // the logsource's, folded: must equal host.os.type where the event has one
  uint32_t entry = kReject;
};

// Finds the terms whose keys are in a value of a field.
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
  // Checked but not run, sorted by id: deprecated ones, and those of which no source could feed the
  // events or a field.
  std::span<const InactiveRule> inactive() const { return inactive_; }
  const KindIndex& for_kind(EventKind kind) const { return by_kind_[static_cast<size_t>(kind)]; }
  std::span<const FieldIndex> field_indices() const { return field_indices_; }
  // The rules, ascending, that may hold where a key of this term is.
  std::span<const uint32_t> rules_of(uint32_t term) const { return rules_of_term_[term]; }
  std::span<const Term> terms() const { return terms_; }
  std::span<const Instruction> program() const { return program_; }
  const Schema& schema() const { return schema_; }
  // SHA-256 over the active rules as they take effect, without tests and prose.
  const Sha256& digest() const { return digest_; }

 private:
  friend class RuleCompiler;

  Schema schema_;
  std::vector<CompiledRule> rules_;
  std::vector<InactiveRule> inactive_;
  std::vector<Term> terms_;
  std::vector<Instruction> program_;
  std::array<KindIndex, kEventKindCount> by_kind_;
  std::vector<FieldIndex> field_indices_;
  std::vector<std::vector<uint32_t>> rules_of_term_;
  Sha256 digest_{};
};

}  // namespace detectd
