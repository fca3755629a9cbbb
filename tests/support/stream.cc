#include "tests/support/stream.h"

#include <stdexcept>
#include <string_view>
#include <utility>

#include "engine/rule_parser.h"
#include "engine/timestamp.h"

namespace detectd::testing {
namespace {

constexpr int64_t kDayNs = 1'795'132'800 * int64_t{1'000'000'000};  // 2026-11-20

void throw_errors(const Diagnostics& diagnostics) {
  if (diagnostics.errors() == 0) return;
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics.all()) text += render(diagnostic);
  throw std::runtime_error(text);
}

}  // namespace

RuleDocument read_document(const std::string& toml) {
  RuleDocument document;
  Diagnostics diagnostics;
  parse_rules(std::make_shared<const SourceFile>(SourceFile{"test.toml", toml}), document, diagnostics);
  check_document(document, diagnostics);
  throw_errors(diagnostics);
  return document;
}

std::shared_ptr<const RuleSet> compile_toml(const std::string& toml) {
  Diagnostics diagnostics;
  auto rules = RuleSet::compile(read_document(toml), diagnostics);
  throw_errors(diagnostics);
  return rules;
}

Stream::Stream(std::shared_ptr<const RuleSet> rules, Engine::Options options)
    : rules_(std::move(rules)),
      engine_(rules_, options),
      decoder_(std::make_unique<EventDecoder>(rules_->schema())),
      matcher_(std::make_unique<Matcher>(*rules_)) {}

std::vector<Hit> Stream::show(const std::string& line) {
  const std::string padded = line + std::string(EventDecoder::kPadding, ' ');
  Event event;
  LineNotes notes;
  const auto problem = decoder_->decode(std::string_view(padded).substr(0, line.size()), event, notes);
  if (problem) throw std::runtime_error(problem->message);
  std::vector<Event> ready;
  engine_.observe(event, ready);
  engine_.flush(ready);
  std::vector<Hit> hits;
  for (const Event& judged : ready) {
    std::vector<uint32_t> held;
    engine_.match(judged, *matcher_, held);
    engine_.conclude(judged, held, hits);
  }
  return hits;
}

std::vector<Hit> Stream::exec(int second, const std::string& fields) {
  return show(exec_line(second, fields));
}

std::vector<Hit> Stream::finish() {
  std::vector<Hit> folds;
  engine_.finish(folds);
  return folds;
}

void Stream::reload(const std::string& toml) {
  rules_ = compile_toml(toml);
  engine_.reload(rules_);
  decoder_ = std::make_unique<EventDecoder>(rules_->schema());
  matcher_ = std::make_unique<Matcher>(*rules_);
}

std::string exec_line(int second, const std::string& fields) {
  return "{\"@timestamp\":\"" + format_rfc3339(kDayNs + second * int64_t{1'000'000'000}) +
         "\",\"event\":{\"action\":\"exec\"}" + (fields.empty() ? "" : "," + fields) + "}";
}

std::string names_of(const std::vector<Hit>& hits) {
  std::string text;
  for (const Hit& hit : hits) {
    if (!text.empty()) text += ' ';
    text += hit.rule->name;
    if (hit.fold) text += " x" + std::to_string(hit.count);
  }
  return text;
}

}  // namespace detectd::testing
