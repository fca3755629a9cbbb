#include "bench/rule_costs.h"

#include <algorithm>
#include <fstream>
#include <string_view>
#include <vector>

#include "bench/replay_cost.h"
#include "engine/diagnostic.h"
#include "engine/engine.h"
#include "src/detectctl/hostile_events.h"
#include "src/detectctl/rule_bench.h"
#include "src/rule_document.h"
#include "src/sources/replay.h"

namespace detectd::bench {
namespace {

// Of so many events each rule is evaluated by itself on one.
constexpr uint64_t kProfileEvery = 16;

Status judge(const std::string& capture, const std::shared_ptr<const RuleSet>& rules, RuleBench& bench) {
  WorkerPool workers(1);
  Diagnostics diagnostics;
  auto source = ReplaySource::open({.paths = {capture}}, rules->schema(), workers, diagnostics);
  if (!source) return std::move(source).error();
  Engine engine(rules, {});
  std::vector<Event> chunk, ready;
  for (bool more = true; more;) {
    chunk.swap(ready);
    ready.clear();
    const Result<bool> read = (*source)->next(chunk);
    if (!read) return read.error();
    more = *read;
    for (Event& event : chunk) engine.observe(event, ready);
    if (!more) engine.flush(ready);
    for (const Event& event : ready) bench.observe(event);
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const RuleSet>> read_rules(const std::string& path) {
  Diagnostics diagnostics;
  const auto document = load_rule_document({path}, diagnostics);
  if (!document) return document.error();
  std::shared_ptr<const RuleSet> rules = RuleSet::compile(*document, diagnostics);
  if (diagnostics.errors() != 0) return Error{Errc::kRules, "the rules of " + path + " have mistakes"};
  return rules;
}

Result<DearestRule> dearest_rule(const std::string& capture, const std::shared_ptr<const RuleSet>& rules) {
  RuleBench bench(*rules, kProfileEvery);
  if (const Status judged = judge(capture, rules, bench); !judged) return judged.error();
  DearestRule dearest;
  for (const RuleCost& cost : bench.rule_costs()) {
    if (cost.events == 0) continue;
    const double us = cost.ns / 1000;
    const double asked_us = us * static_cast<double>(cost.asked) / static_cast<double>(cost.events);
    dearest.alone_us = std::max(dearest.alone_us, us);
    if (asked_us <= dearest.us) continue;
    const Rule& rule = *rules->rules()[cost.rule].rule;
    dearest.name = rule.name.empty() ? rule.title : rule.name;
    dearest.us = asked_us;
  }
  return dearest;
}

double hostile_ms(const RuleSet& rules) {
  RuleBench bench(rules, 1000);
  visit_hostile_events(rules, {}, [&](const Event& event) { bench.observe(event); });
  return static_cast<double>(bench.match_cost().p999_ns) * 1e-6;
}

Result<double> neighbours_lost(std::string_view lines, const std::string& file,
                               const std::shared_ptr<const RuleSet>& rules) {
  constexpr size_t kEvery = 20;
  // Cut, of other types, no JSON at all, a number that is none, nested beyond all bounds.
  const std::string deep = R"({"event":)" + std::string(100'000, '[') + "\n";
  std::string text;
  size_t good = 0;
  for (size_t number = 0; !lines.empty(); ++number) {
    const size_t end = std::min(lines.find('\n'), lines.size() - 1) + 1;
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end);
    text += line;
    if (number == 0) continue;
    ++good;
    if (number % kEvery != 0) continue;
    switch (number / kEvery % 6) {
      case 0: text += std::string(line.substr(0, line.size() / 2)) + "\n"; break;
      case 1:
        text += R"({"process":{"pid":"no number"}})"
                "\n";
        break;
      case 2: text += "\x01\xff\xfe no json\n"; break;
      case 3:
        text += R"({"process":{"pid":NaN}})"
                "\n";
        break;
      case 4: text += deep; break;
      default:
        text += R"({"process":{"pid":1},"process":{"pid":2}})"
                "\n";
        break;
    }
  }
  std::ofstream out(file, std::ios::binary);
  if (!(out << text).flush()) return Error{Errc::kSystem, "can not write " + file};
  const auto cost = measure_replay({.capture = file, .database = file + ".db", .skip_bad = true}, rules);
  if (!cost) return cost.error();
  return static_cast<double>(good) - static_cast<double>(cost->events);
}

}  // namespace detectd::bench
