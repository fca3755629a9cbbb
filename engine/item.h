// One item of a selection, compiled: a field, and what must be true of its values. Items with equal
// keys mean the same, so rules share them. The modifiers are described in detectd-rules(5).
//
// A field that is absent or null makes an item false, and an empty list counts as null; `neq` is
// the negation of the whole item, its list and its `all` included, so it is true of an absent
// field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/event.h"
#include "engine/rule.h"
#include "engine/text_cache.h"
#include "engine/text_key.h"

namespace detectd {

class ValueTest;

// What compiling an item needs of the rule set around it.
struct ItemContext {
  Schema& schema;  // is told what the item reads
  const std::map<std::string, ListDefinition>& lists;
  SourcePtr file;
  Diagnostics& diagnostics;
  // For `fieldref`: the field meant by a name in this rule. Nothing after a mistake, which it
  // reports.
  std::function<std::optional<FieldId>(std::string_view name, const Span& span)> resolve_field;
};

class CompiledItem {
 public:
  // Null after a mistake, which was reported (D035 to D049, for regexes D030 to D034). Without a
  // field: a keyword search.
  static std::shared_ptr<const CompiledItem> compile(const Item& item, std::optional<FieldId> field,
                                                     ItemContext& context);
  ~CompiledItem();
  CompiledItem(const CompiledItem&) = delete;
  CompiledItem& operator=(const CompiledItem&) = delete;

  // `texts` was told of this event (TextCache::begin).
  bool holds(const Event& event, TextCache& texts) const;
  // The same as if the field had just this element; a `fieldref` to another list of the ancestors
  // then means the same ancestor. Not for keywords.
  bool holds_at(const Event& event, size_t index, TextCache& texts) const;

  // Empty for keywords.
  std::optional<FieldId> field() const { return field_; }
  // Canonical text: equal keys, equal meaning, within one schema.
  const std::string& key() const { return key_; }
  // What evaluating it costs, roughly: 1 an integer or an equality, 2 a prefix or suffix, 3 a text
  // within, 4 and more for several, from 10 on regexes. Keywords cost that for many fields.
  int cost() const { return cost_; }
  // True for every value that is present, as `*` and the regex `.*` are; not for `exists` and
  // `null`, where that is the question.
  bool matches_any_value() const { return matches_any_value_; }
  // False for what may hold when the field is absent: `neq`, `exists = false`, `null = true`.
  bool positive() const { return positive_; }
  // One of these must be in the folded text of one of the field's values for the item to hold; none at all: it
  // never holds. Nothing where no such keys are known.
  std::optional<std::vector<TextKey>> keys() const;
  // True for `exists` and `null`, which ask whether there is a value and not what it is.
  bool asks_presence() const { return question_ != Question::kValues; }

 private:
  friend class ItemCompiler;
  enum class Question : uint8_t { kValues, kExists, kNull };

  CompiledItem();
  bool is_null(const Event& event) const;
  bool any_element_meets(const ValueTest& test, FieldId field, const Event& event, TextCache& texts) const;
  bool any_keyword_field_meets(const ValueTest& test, const Event& event, TextCache& texts) const;

  std::optional<FieldId> field_;
  std::optional<uint32_t> element_;  // asked alone; any element otherwise
  Question question_ = Question::kValues;
  bool negated_ = false;    // neq, `exists = false`, `null = false`
  bool asks_time_ = false;  // a part of a time
  bool or_null_ = false;    // a list of values with null among them
  // All must be met, each by any element: one test for a list, with `all` one for each value.
  std::vector<std::unique_ptr<const ValueTest>> tests_;
  std::string key_;
  int cost_ = 1;
  bool matches_any_value_ = false;
  bool positive_ = true;
};

}  // namespace detectd
