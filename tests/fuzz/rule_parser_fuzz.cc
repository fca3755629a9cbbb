// A rule file. Every complaint points into the text, shows no control character, and the same text gives
// the same complaints and rules, which are written as they are read.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/correlation_parser.h"
#include "engine/rule_parser.h"
#include "engine/rule_set.h"
#include "engine/rule_writer.h"
#include "engine/toml_text.h"
#include "engine/utf8.h"
#include "tests/fuzz/property.h"

namespace {

using namespace detectd;

size_t columns_of(std::string_view line) {
  size_t columns = 0;
  for (; !line.empty(); line.remove_prefix(code_point_size(line))) ++columns;
  return columns;
}

void check_span(const SourceFile& file, const Span& span) {
  if (span.line == 0) return;
  const auto lines = std::count(file.text.begin(), file.text.end(), '\n') + 1;
  REQUIRE_PROPERTY(static_cast<ptrdiff_t>(span.line) <= lines);
  const size_t columns = columns_of(source_line(file, span.line));
  REQUIRE_PROPERTY(span.column >= 1 && span.length >= 1);
  REQUIRE_PROPERTY(span.column <= columns + 1);
  REQUIRE_PROPERTY(span.column + span.length <= columns + 2);
}

// What a correlation holds to whatever was written.
std::string described(const Correlation& correlation) {
  REQUIRE_PROPERTY(!correlation.rules.empty() && correlation.rules.size() <= kMaxCorrelatedRules);
  REQUIRE_PROPERTY(correlation.group_by.size() <= kMaxGroupFields);
  REQUIRE_PROPERTY((correlation.timespan_ns > 0) == (correlation.type != CorrelationType::kNewTerms));
  std::string text(to_string(correlation.type));
  for (const RuleReference& reference : correlation.rules) text += reference.text;
  for (const Bound& bound : correlation.condition.bounds) {
    REQUIRE_PROPERTY(std::isfinite(bound.number));
    text += to_string(bound.op);
  }
  return text + std::to_string(correlation.timespan_ns);
}

std::string told(const SourcePtr& file) {
  RuleDocument document;
  Diagnostics diagnostics;
  parse_rules(file, document, diagnostics);
  check_document(document, diagnostics);
  // What correlations name and lack is told by the compiler. Not for large files: regexes cost time.
  if (file->text.size() <= 4096) RuleSet::compile(document, diagnostics);
  diagnostics.sort();
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    REQUIRE_PROPERTY(find_diagnostic_code(diagnostic.code) != nullptr);
    check_span(*file, diagnostic.span);
    for (const Note& note : diagnostic.notes) check_span(*file, note.span);
    text += render(diagnostic);
  }
  for (const Rule& rule : document.rules) {
    check_span(*file, rule.span);
    text += rule.id + rule.title + std::to_string(rule.detection.selections.size());
    for (const RuleTest& test : rule.tests) {
      text += test.event_json;
      for (const TestEvent& event : test.events) text += std::to_string(event.at_ns) + event.json;
    }
    if (rule.correlation) text += described(*rule.correlation);
    for (const auto& [key, place] : rule.overridden) check_span(*place.file, place.span);
    text += std::to_string(rule.filters.size());
  }
  for (const Filter& filter : document.filters) check_span(*file, filter.span);
  for (const Override& change : document.overrides) check_span(*file, change.span);
  return text;
}

// What is written is read without a mistake, and is then written the same.
void check_writing(const Rule& rule) {
  const std::string text = write_rule(rule);
  RuleDocument document;
  Diagnostics diagnostics;
  parse_rules(std::make_shared<const SourceFile>(SourceFile{"again.toml", text}), document, diagnostics);
  REQUIRE_PROPERTY(diagnostics.errors() == 0);
  REQUIRE_PROPERTY(document.rules.size() == 1);
  REQUIRE_PROPERTY(write_rule(document.rules.front()) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = std::make_shared<const SourceFile>(
      SourceFile{"fuzz.toml", std::string(reinterpret_cast<const char*>(data), size)});
  RuleDocument document;
  Diagnostics diagnostics;
  parse_rules(file, document, diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    for (const char c : render(diagnostic)) {
      REQUIRE_PROPERTY(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
    }
  }
  for (const Rule& rule : document.rules) check_writing(rule);
  REQUIRE_PROPERTY(told(file) == told(file));
  return 0;
}
