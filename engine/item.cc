#include "engine/item.h"

#include <algorithm>
#include <cassert>

#include "engine/item_compiler.h"
#include "engine/process.h"
#include "engine/value_test.h"

namespace detectd {
namespace {

// Which fields an event may have a value of, told at once: most of the many that keywords look at it has not.
class PresentFields {
 public:
  explicit PresentFields(const Event& event)
      : event_(event),
        own_(leaves(process_field, event.process.get())),
        parents_(leaves(parent_field, event.process ? event.process->parent.get() : nullptr)),
        targets_(leaves(target_field, event.target.get())) {}

  // False only where Event::count is 0.
  bool may_have(FieldId id) const {
    const FieldPlace place = place_of(id);
    switch (place.subject) {
      case Subject::kProcess: return (own_ & mask_of(place.leaf)) != 0;
      case Subject::kParent: return (parents_ & mask_of(place.leaf)) != 0;
      case Subject::kTarget: return (targets_ & mask_of(place.leaf)) != 0;
      case Subject::kOther: return event_.carries(id);
      case Subject::kAncestors:
      case Subject::kPrevious: break;
    }
    return true;
  }

 private:
  LeafMask leaves(FieldId (*field)(Leaf), const Process* process) const {
    return event_.carried_leaves(field(Leaf{})) | (process != nullptr ? process->leaves() : LeafMask{0});
  }

  const Event& event_;
  LeafMask own_;
  LeafMask parents_;
  LeafMask targets_;
};

}  // namespace

CompiledItem::CompiledItem() = default;
CompiledItem::~CompiledItem() = default;

std::shared_ptr<const CompiledItem> CompiledItem::compile(const Item& item, std::optional<FieldId> field,
                                                          ItemContext& context) {
  return ItemCompiler(item, field, context).compile();
}

bool CompiledItem::holds(const Event& event, TextCache& texts) const {
  assert(texts.event() == &event && "the cache was told of this event");
  if (element_) return holds_at(event, *element_, texts);
  if (!field_) {
    return std::all_of(tests_.begin(), tests_.end(),
                       [&](const auto& test) { return any_keyword_field_meets(*test, event, texts); });
  }
  switch (question_) {
    case Question::kExists: return texts.value(*field_).first.absent() == negated_;
    case Question::kNull: return is_null(event) != negated_;
    case Question::kValues: break;
  }
  const bool met = !tests_.empty() && std::all_of(tests_.begin(), tests_.end(), [&](const auto& test) {
    return any_element_meets(*test, *field_, event, texts);
  });
  return (met || (or_null_ && is_null(event))) != negated_;
}

bool CompiledItem::holds_at(const Event& event, size_t index, TextCache& texts) const {
  assert(field_ && "keywords have no elements");
  assert(texts.event() == &event && "the cache was told of this event");
  const FieldView view = event.find(*field_, index);
  switch (question_) {
    case Question::kExists: return view.absent() == negated_;
    case Question::kNull: return view.has_value() == negated_;
    case Question::kValues: break;
  }
  const ProbedValue value{event, texts, *field_, index, view};
  const bool met =
      view.has_value() && !tests_.empty() &&
      std::all_of(tests_.begin(), tests_.end(), [&](const auto& test) { return test->holds(value); });
  return (met || (or_null_ && !view.has_value())) != negated_;
}

std::optional<std::vector<TextKey>> CompiledItem::keys() const {
  if (!field_ || !positive_ || or_null_ || asks_presence()) return std::nullopt;
  std::optional<std::vector<TextKey>> rarest;
  for (const auto& test : tests_) {
    auto keys = test->keys();
    if (!keys) continue;
    if (!rarest || frequency_of(*keys) < frequency_of(*rarest)) rarest = std::move(keys);
  }
  return rarest;
}

// Whether no element has a value.
bool CompiledItem::is_null(const Event& event) const {
  const size_t count = event.count(*field_);
  for (size_t i = 0; i < count; ++i) {
    if (event.find(*field_, i).has_value()) return false;
  }
  return true;
}

bool CompiledItem::any_element_meets(const ValueTest& test, FieldId field, const Event& event,
                                     TextCache& texts) const {
  // The event's time is there whether or not the line had it as text.
  if (asks_time_ && field == field::kTimestamp) {
    const FieldView none;
    return test.holds({event, texts, field, 0, none});
  }
  const TextCache::Value& value = texts.value(field);
  if (value.count == 0) return false;
  if (value.first.has_value() && test.holds({event, texts, field, 0, value.first})) return true;
  return value.count > 1 && test.holds_for_any(event, texts, field, value.count);
}

bool CompiledItem::any_keyword_field_meets(const ValueTest& test, const Event& event,
                                           TextCache& texts) const {
  const PresentFields present(event);
  const auto& fields = texts.keyword_fields();
  return std::any_of(fields.begin(), fields.end(), [&](FieldId field) {
    if (!present.may_have(field)) return false;
    const size_t count = texts.value(field).count;
    for (size_t i = 0; i < count; ++i) {
      const FieldView view = event.find(field, i);
      if (view.type == Type::kText && test.holds({event, texts, field, i, view})) return true;
    }
    return false;
  });
}

}  // namespace detectd
