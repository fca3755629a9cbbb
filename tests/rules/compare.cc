// detectd-compare: whether the rules that are found by their keys are those that hold when each is asked by itself, of
// every event of captures and of events made to be hostile to these rules.
//
//   detectd-compare RULES HOSTILE_EVENTS [CAPTURE...]
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/matcher.h"
#include "src/detectctl/hostile_events.h"
#include "src/rule_document.h"
#include "src/sources/replay.h"

namespace detectd {
namespace {

class Comparison {
 public:
  explicit Comparison(const RuleSet& rules) : rules_(rules), matcher_(rules), plain_(rules) {}

  // The rules that hold; valid until the next.
  const std::vector<uint32_t>& match(const Event& event) {
    held_.clear();
    matcher_.match(event, held_);
    wanted_.clear();
    if (!event.silent) {
      for (const uint32_t rule : rules_.for_kind(event.kind).rules) {
        if (plain_.match_alone(rule, event)) wanted_.push_back(rule);
      }
    }
    ++events_;
    matches_ += wanted_.size();
    if (held_ != wanted_) tell_difference(event);
    return held_;
  }

  uint64_t events() const { return events_; }
  uint64_t matches() const { return matches_; }
  uint64_t differences() const { return differences_; }

 private:
  void tell_difference(const Event& event) {
    constexpr uint64_t kTold = 10;
    if (++differences_ > kTold) return;
    std::fprintf(stderr, "%zu rules hold, asked by themselves %zu: %.*s\n", held_.size(), wanted_.size(),
                 static_cast<int>(event.raw().size()), event.raw().data());
  }

  const RuleSet& rules_;
  Matcher matcher_;
  Matcher plain_;
  std::vector<uint32_t> held_;
  std::vector<uint32_t> wanted_;
  uint64_t events_ = 0;
  uint64_t matches_ = 0;
  uint64_t differences_ = 0;
};

void conclude_all(Engine& engine, const std::vector<Event>& ready, Comparison& comparison) {
  std::vector<Hit> hits;
  for (const Event& event : ready) {
    hits.clear();
    engine.conclude(event, comparison.match(event), hits);
  }
}

bool compare_capture(const std::string& path, const std::shared_ptr<const RuleSet>& rules,
                     Comparison& comparison) {
  WorkerPool workers(1);
  Diagnostics diagnostics;
  auto source = ReplaySource::open({.paths = {path}}, rules->schema(), workers, diagnostics);
  Engine engine(rules, {});
  std::vector<Event> chunk;
  std::vector<Event> ready;
  for (bool more = source.has_value(); more;) {
    chunk.swap(ready);
    ready.clear();
    const Result<bool> read = (*source)->next(chunk);
    if (!read) return std::fprintf(stderr, "%s\n", read.error().message.c_str()), false;
    more = *read;
    for (Event& event : chunk) engine.observe(event, ready);
    if (!more) engine.flush(ready);
    conclude_all(engine, ready, comparison);
  }
  if (!source) return std::fprintf(stderr, "%s\n", source.error().message.c_str()), false;
  const auto digest = engine.hits_digest();
  std::printf("%s %s\n", digest ? hex(*digest).c_str() : "-", path.c_str());
  return true;
}

}  // namespace
}  // namespace detectd

int main(int argc, char** argv) {
  using namespace detectd;
  size_t hostile = 0;
  const std::string_view number = argc > 2 ? argv[2] : "";
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), hostile);
  if (argc < 3 || error != std::errc() || end != number.data() + number.size()) {
    std::fputs("usage: detectd-compare RULES HOSTILE_EVENTS [CAPTURE...]\n", stderr);
    return 2;
  }
  Diagnostics diagnostics;
  const auto document = load_rule_document({argv[1]}, diagnostics);
  if (!document) return std::fprintf(stderr, "%s\n", document.error().message.c_str()), 3;
  const auto rules = RuleSet::compile(*document, diagnostics);
  if (diagnostics.errors() != 0) return std::fputs("the rules have mistakes\n", stderr), 3;

  Comparison comparison(*rules);
  bool read = true;
  for (int i = 3; i < argc; ++i) read &= compare_capture(argv[i], rules, comparison);
  visit_hostile_events(*rules, {.events = hostile}, [&](const Event& event) { comparison.match(event); });
  std::printf("%zu rules, %llu events, %llu matches, %llu events differ\n", rules->rules().size(),
              static_cast<unsigned long long>(comparison.events()),
              static_cast<unsigned long long>(comparison.matches()),
              static_cast<unsigned long long>(comparison.differences()));
  if (!read) return 4;
  return comparison.differences() == 0 ? 0 : 1;
}
