#include "tests/support/judge.h"

#include <stdexcept>

#include "engine/engine.h"
#include "engine/event_codec.h"
#include "engine/matcher.h"
#include "engine/rule_parser.h"

namespace detectd::testing {
namespace {

void throw_errors(const Diagnostics& diagnostics) {
  if (diagnostics.errors() == 0) return;
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics.all()) text += render(diagnostic);
  throw std::runtime_error(text);
}

}  // namespace

bool holds(const RuleDocument& document, const std::string& event) {
  Diagnostics diagnostics;
  const auto rules = RuleSet::compile(document, diagnostics);
  throw_errors(diagnostics);
  EventDecoder decoder(rules->schema());
  Event decoded;
  LineNotes notes;
  const std::string padded = event + std::string(EventDecoder::kPadding, ' ');
  const auto problem = decoder.decode(std::string_view(padded).substr(0, event.size()), decoded, notes);
  if (problem) throw std::runtime_error(problem->message);

  Engine engine(rules, {});
  std::vector<Event> ready;
  engine.observe(decoded, ready);
  engine.flush(ready);
  Matcher matcher(*rules);
  std::vector<uint32_t> held;
  for (const Event& judged : ready) engine.match(judged, matcher, held);
  return !held.empty();
}

bool holds(const std::string& toml, const std::string& event) {
  auto file = std::make_shared<SourceFile>();
  file->path = "test.toml";
  file->text = toml;
  RuleDocument document;
  Diagnostics diagnostics;
  parse_rules(file, document, diagnostics);
  check_document(document, diagnostics);
  throw_errors(diagnostics);
  return holds(document, event);
}

}  // namespace detectd::testing
