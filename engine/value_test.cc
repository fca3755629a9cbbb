#include "engine/value_test.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <iterator>
#include <limits>
#include <optional>
#include <unordered_set>
#include <utility>

#include "engine/text_fold.h"
#include "engine/timestamp.h"
#include "engine/utf8.h"

namespace detectd {
namespace {

// Fewer are compared one after the other.
constexpr size_t kSetFrom = 7;

// Length-prefixed, so that no text can be taken for two.
std::string joined(std::string_view head, std::vector<std::string> parts) {
  std::sort(parts.begin(), parts.end());
  parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  std::string text(head);
  for (const std::string& part : parts) text += std::to_string(part.size()) + ':' + part;
  return text;
}

template <class Number>
std::string number_text(Number number) {
  char buffer[64];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, number).ptr};
}

bool compare(Comparison comparison, long double left, long double right) {
  switch (comparison) {
    case Comparison::kLess: return left < right;
    case Comparison::kLessOrEqual: return left <= right;
    case Comparison::kGreater: return left > right;
    case Comparison::kGreaterOrEqual: return left >= right;
  }
  return false;
}

std::string_view to_string(Comparison comparison) {
  constexpr std::string_view kNames[] = {"<", "<=", ">", ">="};
  return kNames[static_cast<size_t>(comparison)];
}

// `-12`, `0.5`; no sign `+`, no exponent, no blanks.
std::optional<long double> parse_decimal(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789";
  const size_t begin = text.starts_with('-') ? 1 : 0;
  size_t end = std::min(text.find_first_not_of(kDigits, begin), text.size());
  if (end == begin) return std::nullopt;
  const bool whole = end == text.size();
  if (!whole) {
    const size_t point = end;
    end = std::min(text.find_first_not_of(kDigits, point + 1), text.size());
    if (text[point] != '.' || end == point + 1 || end != text.size()) return std::nullopt;
  }
  if (int64_t number = 0;
      whole && std::from_chars(text.data(), text.data() + end, number).ec == std::errc()) {
    return static_cast<long double>(number);
  }
  double number = 0;
  if (std::from_chars(text.data(), text.data() + end, number).ec != std::errc()) return std::nullopt;
  return static_cast<long double>(number);
}

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
using TextSet = std::unordered_set<std::string, TextHash, std::equal_to<>>;

class TextTest final : public ValueTest {
 public:
  TextTest(const std::vector<SigmaString>& strings, bool cased) : cased_(cased) {
    TextSet canonical;
    for (const SigmaString& string : strings) {
      Pattern pattern(string, cased);
      if (canonical.insert(pattern.canonical()).second) patterns_.push_back(std::move(pattern));
    }
    key_ = joined(cased ? "T" : "t", {canonical.begin(), canonical.end()});
    matches_any_value_ = std::any_of(patterns_.begin(), patterns_.end(), [](const Pattern& pattern) {
      return pattern.shape() == Pattern::Shape::kAny;
    });
    std::stable_sort(patterns_.begin(), patterns_.end(),
                     [](const Pattern& a, const Pattern& b) { return a.shape() < b.shape(); });
    cost_ = patterns_.size() == 1 ? cost_of(patterns_[0]) : 4 + static_cast<int>(patterns_.size() / 4);
    move_to_set(equal_, [](const Pattern& pattern) { return pattern.shape() == Pattern::Shape::kEqual; });
    move_to_set(last_parts_, [](const Pattern& pattern) { return is_last_part(pattern, '/'); });
    move_to_set(last_windows_parts_, [](const Pattern& pattern) { return is_last_part(pattern, '\\'); });
  }

  bool holds(const ProbedValue& value) const override {
    const std::string_view text = value.text(cased_);
    if (!equal_.empty() && equal_.find(text) != equal_.end()) return true;
    if (has_last_part(last_parts_, text, '/') || has_last_part(last_windows_parts_, text, '\\')) return true;
    return std::any_of(patterns_.begin(), patterns_.end(),
                       [&](const Pattern& pattern) { return pattern.matches(text); });
  }

  std::optional<std::vector<TextKey>> keys() const override {
    std::vector<TextKey> keys;
    for (const Pattern& pattern : patterns_) {
      std::optional<TextKey> key = pattern.key();
      if (!key) return std::nullopt;
      keys.push_back(std::move(*key));
    }
    for (const std::string& text : equal_) keys.push_back({TextKey::Kind::kWhole, text});
    for (const TextSet* parts : {&last_parts_, &last_windows_parts_}) {
      for (const std::string& text : *parts) keys.push_back({TextKey::Kind::kLastPart, text});
    }
    if (!cased_) return keys;
    for (TextKey& key : keys) {
      // Text beyond ASCII may be part of a code point that folding changes.
      if (!is_ascii(key.text)) return std::nullopt;
      key.text = folded(key.text);
    }
    return keys;
  }

 private:
  static int cost_of(const Pattern& pattern) {
    switch (pattern.shape()) {
      case Pattern::Shape::kAny:
      case Pattern::Shape::kEqual: return 1;
      case Pattern::Shape::kPrefix:
      case Pattern::Shape::kSuffix: return 2;
      case Pattern::Shape::kContains: return 3;
      case Pattern::Shape::kGeneral: return 4;
    }
    return 4;
  }

  // `*/sh`: whether a path ends so is a question about its last part.
  static bool is_last_part(const Pattern& pattern, char separator) {
    return pattern.is_last_part() && pattern.literal().front() == separator;
  }

  static bool has_last_part(const TextSet& parts, std::string_view text, char separator) {
    if (parts.empty()) return false;
    const size_t begin = text.rfind(separator);
    return begin != std::string_view::npos && parts.find(text.substr(begin)) != parts.end();
  }

  template <class Predicate>
  void move_to_set(TextSet& set, Predicate belongs) {
    const auto count = std::count_if(patterns_.begin(), patterns_.end(), belongs);
    if (static_cast<size_t>(count) < kSetFrom) return;
    for (const Pattern& pattern : patterns_) {
      if (belongs(pattern)) set.insert(pattern.literal());
    }
    std::erase_if(patterns_, belongs);
  }

  bool cased_;
  TextSet equal_;
  TextSet last_parts_;
  TextSet last_windows_parts_;
  std::vector<Pattern> patterns_;  // the rest
};

class IntegerTest final : public ValueTest {
 public:
  explicit IntegerTest(std::vector<int64_t> numbers) : numbers_(std::move(numbers)) {
    std::sort(numbers_.begin(), numbers_.end());
    numbers_.erase(std::unique(numbers_.begin(), numbers_.end()), numbers_.end());
    key_ = "i";
    for (const int64_t number : numbers_) key_ += number_text(number) + ',';
  }

  bool holds(const ProbedValue& value) const override {
    switch (value.view.type) {
      case Type::kInteger: return has(value.view.number);
      case Type::kReal:
        return std::any_of(numbers_.begin(), numbers_.end(), [&](int64_t number) {
          return static_cast<long double>(number) == static_cast<long double>(value.view.real);
        });
      case Type::kText: {
        // "5" is 5, "05" is not: only the text that the number would have.
        const std::string_view text = value.view.text;
        int64_t number = 0;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
        return read.ec == std::errc() && has(number) && number_text(number) == text;
      }
      default: return false;
    }
  }

 private:
  bool has(int64_t number) const { return std::binary_search(numbers_.begin(), numbers_.end(), number); }

  std::vector<int64_t> numbers_;
};

class RealTest final : public ValueTest {
 public:
  explicit RealTest(double number) : number_(number), text_(number_text(number)) { key_ = "f" + text_; }

  bool holds(const ProbedValue& value) const override {
    switch (value.view.type) {
      case Type::kInteger:
        return static_cast<long double>(value.view.number) == static_cast<long double>(number_);
      case Type::kReal: return value.view.real == number_;
      case Type::kText: return value.view.text == text_ || value.view.text == text_ + ".0";
      default: return false;
    }
  }

 private:
  double number_;
  std::string text_;
};

// The N of `.{N,}`, whatever the flags: for these RE2 has states by the thousand, and 26 ms for one text of 4 KB.
std::optional<size_t> least_run(std::string_view pattern) {
  constexpr size_t kMaxDigits = 4;
  if (!pattern.starts_with(".{") || !pattern.ends_with(",}")) return std::nullopt;
  const std::string_view digits = pattern.substr(2, pattern.size() - 4);
  if (digits.empty() || digits.size() > kMaxDigits) return std::nullopt;
  size_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// Whether so many characters stand together in valid text; a newline parts them unless it counts as one.
bool has_run(std::string_view text, size_t least, bool over_newlines) {
  size_t run = 0;
  for (size_t i = 0; run < least && i < text.size(); ++i) {
    if (text[i] == '\n' && !over_newlines) {
      run = 0;
    } else {
      run += (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80 ? 1 : 0;
    }
  }
  return run >= least;
}

class RegexTest final : public ValueTest {
 public:
  RegexTest(Regex regex, std::string_view pattern, const RegexFlags& flags)
      : regex_(std::move(regex)), least_run_(least_run(pattern)), over_newlines_(flags.dot_all) {
    key_ = "r";
    if (flags.ignore_case) key_ += 'i';
    if (flags.multi_line) key_ += 'm';
    if (flags.dot_all) key_ += 's';
    key_ = joined(key_, {std::string(pattern)});
    cost_ = 10 + static_cast<int>(regex_.program_size() / 100);
    matches_any_value_ = regex_.matches_every_text();
  }

  bool holds(const ProbedValue& value) const override {
    if (least_run_) return has_run(value.view.text, *least_run_, over_newlines_);
    return regex_.matches(value.view.text);
  }

  std::optional<std::vector<TextKey>> keys() const override {
    // Shorter literals are more common, but may be of fewer kinds: `(nc|ncat) -e` needs ` -e`.
    constexpr double kRareEnough = 1.0 / 1024;
    std::optional<std::vector<TextKey>> rarest;
    for (const size_t min_bytes : {4u, 3u, 2u, 1u}) {
      std::vector<TextKey> keys;
      for (std::string& literal : regex_.necessary_literals(min_bytes)) {
        keys.push_back({TextKey::Kind::kWithin, std::move(literal)});
      }
      if (!keys.empty() && (!rarest || frequency_of(keys) < frequency_of(*rarest))) rarest = std::move(keys);
      if (rarest && (min_bytes == 2 || frequency_of(*rarest) < kRareEnough)) break;
    }
    return rarest;
  }

 private:
  Regex regex_;
  std::optional<size_t> least_run_;
  bool over_newlines_;
};

class CidrTest final : public ValueTest {
 public:
  explicit CidrTest(std::vector<Cidr> networks) : networks_(std::move(networks)) {
    std::vector<std::string> canonical;
    for (const Cidr& network : networks_) canonical.push_back(network.canonical());
    key_ = joined("c", std::move(canonical));
    cost_ = 2 + static_cast<int>(networks_.size() / 8);
  }

  bool holds(const ProbedValue& value) const override {
    const auto address = IpAddress::parse(value.view.text);
    return address && std::any_of(networks_.begin(), networks_.end(),
                                  [&](const Cidr& network) { return network.contains(*address); });
  }

 private:
  std::vector<Cidr> networks_;
};

class ComparisonTest final : public ValueTest {
 public:
  ComparisonTest(Comparison comparison, long double number) : comparison_(comparison), number_(number) {
    key_ = "n" + std::string(to_string(comparison)) + number_text(number);
  }

  bool holds(const ProbedValue& value) const override {
    const auto number = number_of(value.view);
    return number && compare(comparison_, *number, number_);
  }

 private:
  Comparison comparison_;
  long double number_;
};

class TimeTest final : public ValueTest {
 public:
  TimeTest(TimePart part, std::optional<Comparison> comparison, long double number)
      : part_(part), comparison_(comparison), number_(number) {
    key_ = "d" + std::to_string(static_cast<int>(part)) +
           std::string(comparison ? to_string(*comparison) : "=") + number_text(number);
  }

  bool holds(const ProbedValue& value) const override {
    std::optional<int64_t> time_ns;
    if (value.field == field::kTimestamp) {
      time_ns = value.event.time_ns;
    } else {
      time_ns = parse_rfc3339(value.view.text);
    }
    if (!time_ns) return false;
    const auto part = static_cast<long double>(part_of(civil_time(*time_ns)));
    return comparison_ ? compare(*comparison_, part, number_) : part == number_;
  }

 private:
  int part_of(const CivilTime& time) const {
    switch (part_) {
      case TimePart::kMinute: return time.minute;
      case TimePart::kHour: return time.hour;
      case TimePart::kDay: return time.day;
      case TimePart::kWeek: return time.iso_week;
      case TimePart::kMonth: return time.month;
      case TimePart::kYear: return time.year;
    }
    return 0;
  }

  TimePart part_;
  std::optional<Comparison> comparison_;
  long double number_;
};

class FieldTest final : public ValueTest {
 public:
  explicit FieldTest(const FieldReference& reference)
      : reference_(reference),
        of_ancestors_(index_of(reference.field) < kFieldCount &&
                      place_of(reference.field).subject == Subject::kAncestors) {
    key_ = joined("=" + std::to_string(static_cast<int>(reference.position)) + (reference.cased ? "c" : ""),
                  {reference.name});
    cost_ = 4;
  }

  bool holds_for_any(const Event& event, TextCache& texts, FieldId field, size_t count) const override {
    const size_t others = event.count(reference_.field);
    const bool one_to_one = of_ancestors_ && place_of(field).subject == Subject::kAncestors;
    if (one_to_one || count * others <= kManyPairs) {
      return ValueTest::holds_for_any(event, texts, field, count);
    }
    std::vector<std::string_view> wanted;
    for_each_text(event, texts, reference_.field, others, [&](std::string_view text) {
      wanted.push_back(text);
      return false;
    });
    const AffixSet set(std::move(wanted), reference_.position);
    return for_each_text(event, texts, field, count, [&](std::string_view text) { return set.any_in(text); });
  }

  bool holds(const ProbedValue& value) const override {
    if (of_ancestors_ && place_of(value.field).subject == Subject::kAncestors) {
      return holds_for(value, value.index);
    }
    const size_t count = value.event.count(reference_.field);
    for (size_t i = 0; i < count; ++i) {
      if (holds_for(value, i)) return true;
    }
    return false;
  }

 private:
  static constexpr size_t kManyPairs = 1024;

  // True as soon as `see` says so of a text.
  template <class See>
  bool for_each_text(const Event& event, TextCache& texts, FieldId field, size_t count, See see) const {
    for (size_t i = 0; i < count; ++i) {
      const FieldView view = event.find(field, i);
      if (!view.has_value()) continue;
      const ProbedValue value{event, texts, field, i, view};
      if (see(value.text(reference_.cased))) return true;
    }
    return false;
  }

  bool holds_for(const ProbedValue& value, size_t index) const {
    const FieldView view = value.event.find(reference_.field, index);
    if (!view.has_value()) return false;
    const ProbedValue other{value.event, value.texts, reference_.field, index, view};
    const std::string_view text = value.text(reference_.cased);
    const std::string_view wanted = other.text(reference_.cased);
    switch (reference_.position) {
      case Position::kWhole: return text == wanted;
      case Position::kAnywhere: return find_text(text, wanted) != std::string_view::npos;
      case Position::kStart: return text.starts_with(wanted);
      case Position::kEnd: return text.ends_with(wanted);
    }
    return false;
  }

  FieldReference reference_;
  bool of_ancestors_;
};

class AnyTest final : public ValueTest {
 public:
  explicit AnyTest(std::vector<ValueTestPtr> tests) : tests_(std::move(tests)) {
    std::stable_sort(tests_.begin(), tests_.end(),
                     [](const ValueTestPtr& a, const ValueTestPtr& b) { return a->cost() < b->cost(); });
    std::vector<std::string> keys;
    cost_ = 0;
    for (const ValueTestPtr& test : tests_) {
      keys.push_back(test->key());
      cost_ += test->cost();
      matches_any_value_ = matches_any_value_ || test->matches_any_value();
    }
    key_ = joined("|", std::move(keys));
  }

  bool holds(const ProbedValue& value) const override {
    return std::any_of(tests_.begin(), tests_.end(),
                       [&](const ValueTestPtr& test) { return test->holds(value); });
  }

  bool holds_for_any(const Event& event, TextCache& texts, FieldId field, size_t count) const override {
    return std::any_of(tests_.begin(), tests_.end(), [&](const ValueTestPtr& test) {
      return test->holds_for_any(event, texts, field, count);
    });
  }

  std::optional<std::vector<TextKey>> keys() const override {
    std::vector<TextKey> all;
    for (const ValueTestPtr& test : tests_) {
      auto keys = test->keys();
      if (!keys) return std::nullopt;
      std::move(keys->begin(), keys->end(), std::back_inserter(all));
    }
    return all;
  }

 private:
  std::vector<ValueTestPtr> tests_;
};

}  // namespace

bool ValueTest::holds_for_any(const Event& event, TextCache& texts, FieldId field, size_t count) const {
  for (size_t i = 0; i < count; ++i) {
    const FieldView view = event.find(field, i);
    if (view.has_value() && holds({event, texts, field, i, view})) return true;
  }
  return false;
}

std::optional<long double> number_of(const FieldView& view) {
  switch (view.type) {
    case Type::kInteger: return static_cast<long double>(view.number);
    case Type::kReal: return static_cast<long double>(view.real);
    case Type::kText: return parse_decimal(view.text);
    default: return std::nullopt;
  }
}

ValueTestPtr make_text_test(const std::vector<SigmaString>& strings, bool cased) {
  return std::make_unique<TextTest>(strings, cased);
}
ValueTestPtr make_integer_test(std::vector<int64_t> numbers) {
  return std::make_unique<IntegerTest>(std::move(numbers));
}
ValueTestPtr make_cidr_test(std::vector<Cidr> networks) {
  return std::make_unique<CidrTest>(std::move(networks));
}
ValueTestPtr make_any_test(std::vector<ValueTestPtr> tests) {
  assert(!tests.empty() && "a test of something");
  if (tests.size() == 1) return std::move(tests.front());
  return std::make_unique<AnyTest>(std::move(tests));
}
ValueTestPtr make_real_test(double number) { return std::make_unique<RealTest>(number); }
ValueTestPtr make_regex_test(Regex regex, std::string_view pattern, const RegexFlags& flags) {
  return std::make_unique<RegexTest>(std::move(regex), pattern, flags);
}
ValueTestPtr make_comparison_test(Comparison comparison, long double number) {
  return std::make_unique<ComparisonTest>(comparison, number);
}
ValueTestPtr make_time_test(TimePart part, int64_t number) {
  return std::make_unique<TimeTest>(part, std::nullopt, static_cast<long double>(number));
}
ValueTestPtr make_time_comparison_test(TimePart part, Comparison comparison, long double number) {
  return std::make_unique<TimeTest>(part, comparison, number);
}
ValueTestPtr make_field_test(const FieldReference& reference) {
  return std::make_unique<FieldTest>(reference);
}

}  // namespace detectd
