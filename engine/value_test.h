// What an item asks of one value. Tests are made by the item compiler and shared by all threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/affix_set.h"
#include "engine/cidr.h"
#include "engine/event.h"
#include "engine/pattern.h"
#include "engine/regex.h"
#include "engine/text_cache.h"
#include "engine/text_key.h"

namespace detectd {

// One value of an event: never absent or null.
struct ProbedValue {
  const Event& event;
  TextCache& texts;
  FieldId field;
  size_t index;
  const FieldView& view;

  std::string_view text(bool cased) const {
    return cased ? view.text : texts.folded(field, index, view.text);
  }
};

class ValueTest {
 public:
  virtual ~ValueTest() = default;
  virtual bool holds(const ProbedValue& value) const = 0;
  // Whether it holds for any of the `count` values of a field: the same as to ask for each, but without
  // comparing each value of a long list with each of another.
  virtual bool holds_for_any(const Event& event, TextCache& texts, FieldId field, size_t count) const;

  // As of CompiledItem.
  int cost() const { return cost_; }
  const std::string& key() const { return key_; }
  bool matches_any_value() const { return matches_any_value_; }
  // One of these must be in the value's folded text for the test to hold; none at all: it never holds. Nothing
  // where no such keys are known.
  virtual std::optional<std::vector<TextKey>> keys() const { return std::nullopt; }

 protected:
  int cost_ = 1;
  std::string key_;
  bool matches_any_value_ = false;
};
using ValueTestPtr = std::unique_ptr<const ValueTest>;

enum class Comparison : uint8_t { kLess, kLessOrEqual, kGreater, kGreaterOrEqual };
enum class TimePart : uint8_t { kMinute, kHour, kDay, kWeek, kMonth, kYear };

// Each of these holds if any of what it is given does.
ValueTestPtr make_text_test(const std::vector<SigmaString>& strings, bool cased);
ValueTestPtr make_integer_test(std::vector<int64_t> numbers);
ValueTestPtr make_cidr_test(std::vector<Cidr> networks);
ValueTestPtr make_any_test(std::vector<ValueTestPtr> tests);

ValueTestPtr make_real_test(double number);
ValueTestPtr make_regex_test(Regex regex, std::string_view pattern, const RegexFlags& flags);
// What a value is as a number; a text counts if it is a decimal number.
std::optional<long double> number_of(const FieldView& view);

// `number` is exact for all int64 and double. A text counts if it is a decimal number.
ValueTestPtr make_comparison_test(Comparison comparison, long double number);
// Of `@timestamp` the event's time is taken, of others the text.
ValueTestPtr make_time_test(TimePart part, int64_t number);
ValueTestPtr make_time_comparison_test(TimePart part, Comparison comparison, long double number);
// Compares with any value of another field. Of two fields of the ancestors the same ancestor's are compared.
struct FieldReference {
  FieldId field;
  std::string name;
  Position position = Position::kWhole;
  bool cased = false;
};
ValueTestPtr make_field_test(const FieldReference& reference);

}  // namespace detectd
