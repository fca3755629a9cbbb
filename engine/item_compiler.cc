#include "engine/item_compiler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <utility>

namespace detectd {
namespace {

struct TimeRange {
  std::string_view name;
  int64_t first;
  int64_t last;
};
constexpr TimeRange range_of(TimePart part) {
  constexpr std::array<TimeRange, 6> kRanges = {{{"minute", 0, 59},
                                                 {"hour", 0, 23},
                                                 {"day", 1, 31},
                                                 {"week", 1, 53},
                                                 {"month", 1, 12},
                                                 {"year", 1678, 2261}}};
  return kRanges[static_cast<size_t>(part)];
}

}  // namespace

std::shared_ptr<const CompiledItem> ItemCompiler::compile() {
  ModifierMistake mistake;
  const auto modifiers = parse_modifiers(item_.modifiers, !field_, mistake);
  if (!modifiers) {
    report_modifier(mistake);
    return nullptr;
  }
  modifiers_ = *modifiers;
  if (item_.values.empty()) {
    report(item_.span, "D044", "an empty list matches nothing", "for an absent field write `|null\" = true`");
    return nullptr;
  }
  std::shared_ptr<CompiledItem> compiled(new CompiledItem);
  compiled->field_ = field_;
  compiled->element_ = item_.element;
  switch (modifiers_.subject) {
    case Modifiers::Subject::kExists:
    case Modifiers::Subject::kNull: compile_question(*compiled); break;
    default: compile_values(*compiled); break;
  }
  if (failed_) return nullptr;
  finish(*compiled);
  if (field_) {
    context_.schema.want(*field_);
  } else {
    context_.schema.want_all_text();
  }
  return compiled;
}

// `exists` and `null`: the presence of a field, not what it holds.
void ItemCompiler::compile_question(CompiledItem& compiled) {
  const bool exists = modifiers_.subject == Modifiers::Subject::kExists;
  const bool* const truth = std::get_if<bool>(&item_.values.front().value);
  if (truth == nullptr || item_.list) {
    const std::string name = exists ? "exists" : "null";
    report(item_.values.front().span, "D037", "`" + name + "` takes true or false",
           "write `|" + name + "\" = true`, without quotes round true");
    return;
  }
  compiled.question_ = exists ? CompiledItem::Question::kExists : CompiledItem::Question::kNull;
  compiled.negated_ = !*truth;
}

void ItemCompiler::compile_values(CompiledItem& compiled) {
  compiled.negated_ = modifiers_.neq;
  compiled.asks_time_ = modifiers_.subject == Modifiers::Subject::kTime;
  if (modifiers_.expand && std::none_of(item_.values.begin(), item_.values.end(), [](const Scalar& value) {
        return value.text() != nullptr && value.text()->find('%') != std::string::npos;
      })) {
    return report(item_.values.front().span, "D038", "`expand` needs a placeholder",
                  "as `%list%`, with a list of [lists]");
  }
  Gathered any;
  size_t values = 0;
  for (const Scalar& value : item_.values) {
    if (is_null(value)) {
      if (field_ && item_.modifiers.size() == (modifiers_.neq ? 1u : 0u)) {
        compiled.or_null_ = true;
      } else {
        report(value.span, "D037", "null has no text to compare",
               "for an absent field write `|null\" = true`");
      }
      continue;
    }
    ++values;
    Gathered one;
    Gathered& into = modifiers_.all ? one : any;
    gather(value, into);
    if (modifiers_.all && !failed_) compiled.tests_.push_back(make_test(std::move(one)));
  }
  if (!modifiers_.all && !failed_ && values > 0) compiled.tests_.push_back(make_test(std::move(any)));
}

void ItemCompiler::gather(const Scalar& value, Gathered& gathered) {
  switch (modifiers_.subject) {
    case Modifiers::Subject::kRegex: return gather_regex(value, gathered);
    case Modifiers::Subject::kCidr: return gather_network(value, gathered);
    case Modifiers::Subject::kComparison: return gather_comparison(value, gathered);
    case Modifiers::Subject::kTime: return gather_time(value, gathered);
    case Modifiers::Subject::kField: return gather_reference(value, gathered);
    default: return gather_text(value, gathered);
  }
}

void ItemCompiler::gather_text(const Scalar& value, Gathered& gathered) {
  const auto plain = plain_text(value);
  if (plain && field_ && !modifiers_.changes_text() && !modifiers_.expand) {
    if (const int64_t* number = std::get_if<int64_t>(&value.value)) {
      gathered.integers.push_back(*number);
      return;
    }
    if (const double* number = std::get_if<double>(&value.value)) {
      gathered.tests.push_back(make_real_test(*number));
      return;
    }
  }
  ValueMistake mistake;
  auto strings =
      strings_of_value(plain ? *plain : *value.text(), !plain, modifiers_, context_.lists, mistake);
  if (!strings) return report_value(value, std::move(mistake));
  if (gathered.strings.size() + strings->size() > kMaxStringsOfValue) {
    return report(item_.span, "D043",
                  "the item stands for more than " + std::to_string(kMaxStringsOfValue) + " strings",
                  "split it into several items");
  }
  std::move(strings->begin(), strings->end(), std::back_inserter(gathered.strings));
}

void ItemCompiler::gather_regex(const Scalar& value, Gathered& gathered) {
  const auto plain = plain_text(value);
  const std::string& pattern = plain ? *plain : *value.text();
  auto regex = Regex::compile(pattern, modifiers_.regex);
  if (auto* const error = std::get_if<RegexError>(&regex)) {
    return report_value(value, {error->code, error->message, error->help, error->offset, error->length});
  }
  gathered.tests.push_back(make_regex_test(std::move(std::get<Regex>(regex)), pattern, modifiers_.regex));
}

void ItemCompiler::gather_network(const Scalar& value, Gathered& gathered) {
  CidrError error{"not a network", "as `\"10.0.0.0/8\"` or `\"fe80::/10\"`"};
  const auto network = value.text() != nullptr ? parse_cidr(*value.text(), error) : std::nullopt;
  if (!network) return report(value.span, "D039", error.message, error.help);
  gathered.networks.push_back(*network);
}

void ItemCompiler::gather_comparison(const Scalar& value, Gathered& gathered) {
  const FieldType type = context_.schema.info(*field_).type;
  if (type == FieldType::kBoolean || type == FieldType::kIp || type == FieldType::kTime) {
    const bool time = type == FieldType::kTime;
    return report(item_.span, "D042", "`" + item_.field + "` is no number",
                  time ? "compare a part of the time: `|hour|gte`" : "");
  }
  if (const int64_t* number = std::get_if<int64_t>(&value.value)) {
    gathered.tests.push_back(make_comparison_test(*modifiers_.comparison, static_cast<long double>(*number)));
  } else if (const double* real = std::get_if<double>(&value.value);
             real != nullptr && std::isfinite(*real)) {
    gathered.tests.push_back(make_comparison_test(*modifiers_.comparison, static_cast<long double>(*real)));
  } else {
    report(value.span, "D037", "a comparison needs a number", value.text() ? "write it without quotes" : "");
  }
}

void ItemCompiler::gather_time(const Scalar& value, Gathered& gathered) {
  const FieldType type = context_.schema.info(*field_).type;
  const TimeRange range = range_of(modifiers_.time_part);
  if (type != FieldType::kTime && type != FieldType::kText && type != FieldType::kAny) {
    return report(item_.span, "D042", "`" + item_.field + "` is no time",
                  "`" + std::string(range.name) + "` is for times, as `@timestamp`");
  }
  const int64_t* const number = std::get_if<int64_t>(&value.value);
  if (number == nullptr || *number < range.first || *number > range.last) {
    return report(value.span, "D042",
                  "`" + std::string(range.name) + "` is a number from " + std::to_string(range.first) +
                      " to " + std::to_string(range.last),
                  value.text() ? "write it without quotes" : "");
  }
  if (modifiers_.comparison) {
    gathered.tests.push_back(make_time_comparison_test(modifiers_.time_part, *modifiers_.comparison,
                                                       static_cast<long double>(*number)));
  } else {
    gathered.tests.push_back(make_time_test(modifiers_.time_part, *number));
  }
}

void ItemCompiler::gather_reference(const Scalar& value, Gathered& gathered) {
  const std::string* const name = value.text();
  if (name == nullptr) return report(value.span, "D037", "`fieldref` takes the name of a field", "in quotes");
  const auto other = context_.resolve_field(*name, value.span);
  if (!other) {
    failed_ = true;
    return;
  }
  context_.schema.want(*other);
  gathered.tests.push_back(make_field_test({.field = *other,
                                            .name = std::string(context_.schema.info(*other).name),
                                            .position = modifiers_.position,
                                            .cased = modifiers_.cased}));
}

ValueTestPtr ItemCompiler::make_test(Gathered gathered) const {
  std::vector<ValueTestPtr> tests = std::move(gathered.tests);
  if (!gathered.strings.empty()) tests.push_back(make_text_test(gathered.strings, modifiers_.cased));
  if (!gathered.integers.empty()) tests.push_back(make_integer_test(std::move(gathered.integers)));
  if (!gathered.networks.empty()) tests.push_back(make_cidr_test(std::move(gathered.networks)));
  // A placeholder's list may be empty.
  if (tests.empty()) tests.push_back(make_text_test({}, modifiers_.cased));
  return make_any_test(std::move(tests));
}

void ItemCompiler::finish(CompiledItem& compiled) const {
  auto& tests = compiled.tests_;
  const auto by_key = [](const auto& a, const auto& b) { return a->key() < b->key(); };
  std::sort(tests.begin(), tests.end(), by_key);
  tests.erase(std::unique(tests.begin(), tests.end(),
                          [](const auto& a, const auto& b) { return a->key() == b->key(); }),
              tests.end());
  compiled.key_ = field_ ? std::string(context_.schema.info(*field_).name) : std::string();
  if (compiled.element_) compiled.key_ += '[' + std::to_string(*compiled.element_) + ']';
  compiled.key_ += compiled.negated_ ? " not" : " ";
  switch (compiled.question_) {
    case CompiledItem::Question::kExists: compiled.key_ += "exists"; break;
    case CompiledItem::Question::kNull: compiled.key_ += "null"; break;
    case CompiledItem::Question::kValues: break;
  }
  if (compiled.or_null_) compiled.key_ += " null or";
  compiled.cost_ = tests.empty() ? 1 : 0;
  compiled.matches_any_value_ = !tests.empty() && !compiled.negated_;
  for (const auto& test : tests) {
    compiled.key_ += ' ' + std::to_string(test->key().size()) + ':' + test->key();
    compiled.cost_ += test->cost();
    if (!test->matches_any_value()) compiled.matches_any_value_ = false;
  }
  constexpr int kKeywordFields = 8;
  if (!field_) compiled.cost_ *= kKeywordFields;
  const bool asks_null = compiled.question_ == CompiledItem::Question::kNull || compiled.or_null_;
  compiled.positive_ = compiled.negated_ == asks_null;
  std::stable_sort(tests.begin(), tests.end(),
                   [](const auto& a, const auto& b) { return a->cost() < b->cost(); });
}

void ItemCompiler::report(const Span& span, std::string code, std::string message, std::string help) {
  failed_ = true;
  context_.diagnostics.add({.code = std::move(code),
                            .severity = Severity::kError,
                            .file = context_.file,
                            .span = span,
                            .message = std::move(message),
                            .help = std::move(help),
                            .notes = {}});
}

void ItemCompiler::report_modifier(const ModifierMistake& mistake) {
  // The key reads field|modifier|modifier.
  size_t offset = item_.field.size() + 1;
  for (size_t i = 0; i < mistake.index; ++i) offset += item_.modifiers[i].size() + 1;
  const Span span =
      context_.file ? span_inside(*context_.file, item_.span, offset, item_.modifiers[mistake.index].size())
                    : item_.span;
  report(span, mistake.code, mistake.message, mistake.help);
}

void ItemCompiler::report_value(const Scalar& value, ValueMistake mistake) {
  Span span = value.span;
  if (mistake.length > 0 && context_.file) {
    span = span_inside(*context_.file, value.span, mistake.offset, mistake.length);
  }
  report(span, std::move(mistake.code), std::move(mistake.message), std::move(mistake.help));
}

}  // namespace detectd
