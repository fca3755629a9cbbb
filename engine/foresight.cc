#include "engine/foresight.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace detectd {
namespace {

constexpr std::string_view kBuiltIn = "detectd.";

// Without these on the event, nothing is foretold.
constexpr std::array kSure = {Leaf::kName, Leaf::kExecutable, Leaf::kArgs, Leaf::kCommandLine, Leaf::kArgv0};

bool is_sure(FieldId field) {
  return field == process_field(Leaf::kEffectiveExecutable) ||
         std::any_of(kSure.begin(), kSure.end(), [&](Leaf leaf) { return process_field(leaf) == field; });
}

// Whether what the event says of the field now is what it will say. A leaf that it carries stays as it is; these are
// known with the arguments, also where they are absent.
bool is_known(const Event& event, FieldId field) {
  return event.carries(field) || field == process_field(Leaf::kEffectiveExecutable) ||
         field == field::kArgvTruncated || field == field::kArgsBytes;
}

// Of the exec's process, and of no other event's.
constexpr std::array kLateFields = {field::kContainerId, field::kContainerRuntime, field::kUserAuditId};
bool is_late_field(FieldId field) {
  return std::find(kLateFields.begin(), kLateFields.end(), field) != kLateFields.end();
}

bool reads_late(std::span<const GroupSource> sources) {
  return std::any_of(sources.begin(), sources.end(),
                     [](const GroupSource& source) { return !source.is_group() && is_late(source.field); });
}

// It stands in the key of an item (value_test.cc): `=`, behind the size of the test's key.
bool refers_to_field(const CompiledItem& item) { return item.key().find(":=") != std::string::npos; }

// Whether the field that it refers to may be a late one: its name stands in the key.
bool refers_to_late(const CompiledItem& item) {
  if (!refers_to_field(item)) return false;
  for (size_t i = 0; i < kFieldCount; ++i) {
    const FieldId field{static_cast<uint16_t>(i)};
    if (is_late(field) && item.key().find(table_info(field).name) != std::string::npos) return true;
  }
  return false;
}

// Keywords look at all texts.
bool may_look_at_late(const CompiledItem& item) {
  return !item.field() || is_late(*item.field()) || refers_to_late(item);
}

}  // namespace

bool is_late(FieldId field) {
  if (is_late_field(field)) return true;
  if (index_of(field) >= kFieldCount) return false;
  const FieldPlace place = place_of(field);
  return place.leaf != Leaf::kCount && (kLateLeaves & mask_of(place.leaf)) != 0;
}

Foresight::Foresight(std::shared_ptr<const RuleSet> rules, Of of)
    : rules_(std::move(rules)),
      of_(of),
      kind_(of == Of::kExecChecks ? EventKind::kExecCheck : EventKind::kExec),
      texts_(rules_->schema()),
      answered_(rules_->terms().size(), 0),
      answers_(rules_->terms().size(), Answer::kUnknown),
      visited_(rules_->program().size(), 0),
      tried_(rules_->rules().size(), 0) {
  for (const Term& term : rules_->terms()) plain_.push_back(is_plain(term));
  switch (of_) {
    case Of::kLateFields: always_ = look_at_rules(); break;
    case Of::kResponses:
      for (const CompiledRule& rule : rules_->rules()) looks_.push_back(reacts(rule.rule->response));
      break;
    case Of::kExecChecks:
      for (const CompiledRule& rule : rules_->rules())
        looks_.push_back(!rule.rule->name.starts_with(kBuiltIn));
      break;
  }
  std::fill(visited_.begin(), visited_.end(), 0);
  const KindIndex& index = rules_->for_kind(kind_);
  std::copy_if(index.unkeyed.begin(), index.unkeyed.end(), std::back_inserter(asked_),
               [this](uint32_t rule) { return looks_[rule]; });
  for (uint32_t term = 0; term < rules_->terms().size(); ++term) {
    if (plain_[term] && is_sure(*rules_->terms()[term].items.front()->field())) continue;
    for (const uint32_t rule : rules_->rules_of(term)) {
      if (looks_[rule] && rules_->rules()[rule].kinds.has(kind_)) asked_.push_back(rule);
    }
  }
  std::sort(asked_.begin(), asked_.end());
  asked_.erase(std::unique(asked_.begin(), asked_.end()), asked_.end());
  for (const uint32_t number : index.fields) {
    if (is_sure(rules_->field_indices()[number].field)) fields_.push_back(number);
  }
}

bool Foresight::is_plain(const Term& term) const {
  if (term.one_ancestor || term.items.size() != 1) return false;
  const CompiledItem& item = *term.items.front();
  if (!item.field() || refers_to_field(item) || index_of(*item.field()) >= kFieldCount) return false;
  return place_of(*item.field()).subject == Subject::kProcess || *item.field() == field::kArgvTruncated ||
         *item.field() == field::kArgsBytes;
}

// Finds the rules that look at late leaves. True where some do so of something else than the process that an exec is
// of: of another process, or with another kind of event, which knows them from the exec alone.
bool Foresight::look_at_rules() {
  looks_.assign(rules_->rules().size(), false);
  for (uint32_t number = 0; number < rules_->rules().size(); ++number) {
    const CompiledRule& rule = rules_->rules()[number];
    const bool own_exec = KindSet({EventKind::kExec, EventKind::kAlreadyRunning}).contains(rule.kinds);
    if (reads_late(rule.suppress.by)) {
      if (!own_exec) return true;
      looks_[number] = true;
    }
    open_.assign(1, rule.entry);
    while (!open_.empty()) {
      const uint32_t at = open_.back();
      open_.pop_back();
      if (at >= kReject || std::exchange(visited_[at], number + 1) == number + 1) continue;
      const Instruction& instruction = rules_->program()[at];
      for (const auto& item : rules_->terms()[instruction.term].items) {
        if (!may_look_at_late(*item)) continue;
        looks_[number] = true;
        if (item->field() && is_late_field(*item->field())) continue;
        const bool of_another =
            item->field() && (place_of(*item->field()).subject != Subject::kProcess || refers_to_late(*item));
        if (!own_exec || of_another) return true;
      }
      open_.push_back(instruction.if_holds);
      open_.push_back(instruction.otherwise);
    }
  }
  // What a correlation groups by, its rules look at: told apart, it would be for little.
  for (const CompiledCorrelation& correlation : rules_->correlations()) {
    if (reads_late(correlation.suppress.by)) return true;
    for (const CorrelationInput& input : correlation.inputs) {
      if (reads_late(input.group) || reads_late(input.values)) return true;
    }
  }
  return false;
}

bool Foresight::may_hold(Event& event) {
  if (always_) return true;
  derived_.add_from_line(event);
  for (const Leaf leaf : kSure) {
    if (!event.carries(process_field(leaf))) return of_ != Of::kResponses;
  }
  if (++epoch_ == 0) {
    for (auto* const marks : {&answered_, &visited_, &tried_}) std::fill(marks->begin(), marks->end(), 0);
    epoch_ = 1;
  }
  texts_.begin(event);
  for (const uint32_t rule : asked_) {
    if (may_hold(rule, event)) return true;
  }
  return find_candidates(event);
}

// Whether one of the rules may hold of which a key is there.
bool Foresight::find_candidates(const Event& event) {
  bool found = false;
  const auto ask_rules_of = [&](uint32_t term) {
    if (found) return;
    for (const uint32_t rule : rules_->rules_of(term)) {
      if (looks_[rule] && rules_->rules()[rule].kinds.has(kind_) && may_hold(rule, event)) found = true;
    }
  };
  for (const uint32_t number : fields_) {
    const FieldIndex& keys = rules_->field_indices()[number];
    const TextCache::Value& value = texts_.value(keys.field);
    for (size_t i = 0; i < value.count && !found; ++i) {
      const FieldView view = i == 0 ? value.first : event.find(keys.field, i);
      if (view.has_value()) keys.terms.find(texts_.folded(keys.field, i, view.text), ask_rules_of);
    }
  }
  return found;
}

bool Foresight::may_hold(uint32_t rule, const Event& event) {
  if (std::exchange(tried_[rule], epoch_) == epoch_) return false;
  open_.assign(1, rules_->rules()[rule].entry);
  while (!open_.empty()) {
    uint32_t at = open_.back();
    open_.pop_back();
    while (at < kReject && std::exchange(visited_[at], epoch_) != epoch_) {
      const Instruction& instruction = rules_->program()[at];
      const Answer answer = ask(instruction.term, event);
      if (answer == Answer::kUnknown) open_.push_back(instruction.otherwise);
      at = answer == Answer::kNo ? instruction.otherwise : instruction.if_holds;
    }
    if (at == kAccept) return true;
  }
  return false;
}

Foresight::Answer Foresight::ask(uint32_t term, const Event& event) {
  if (!plain_[term]) return Answer::kUnknown;
  if (std::exchange(answered_[term], epoch_) == epoch_) return answers_[term];
  const CompiledItem& item = *rules_->terms()[term].items.front();
  Answer answer = Answer::kUnknown;
  if (is_known(event, *item.field())) answer = item.holds(event, texts_) ? Answer::kYes : Answer::kNo;
  answers_[term] = answer;
  return answer;
}

}  // namespace detectd
