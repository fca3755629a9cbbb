// A rule file. Every complaint points into the text, shows no control character, and the same text gives
// the same complaints and rules.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/rule_parser.h"
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

std::string told(const SourcePtr& file) {
  RuleDocument document;
  Diagnostics diagnostics;
  parse_rules(file, document, diagnostics);
  check_document(document, diagnostics);
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
    for (const RuleTest& test : rule.tests) text += test.event_json;
  }
  return text;
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
  REQUIRE_PROPERTY(told(file) == told(file));
  return 0;
}
