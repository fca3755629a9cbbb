// What matching takes from the heap once it has warmed up. In a program of its own, whose operator new counts.
#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/events.h"
#include "bench/rules.h"
#include "engine/engine.h"
#include "engine/event_codec.h"
#include "engine/matcher.h"
#include "engine/rule_parser.h"
#include "tests/allocations/counter.h"

namespace detectd {
namespace {

std::shared_ptr<const RuleSet> generated_rules(size_t count) {
  std::string toml;
  for (size_t i = 0; i < count; ++i) toml += bench::rule_toml(i);
  RuleDocument document;
  Diagnostics diagnostics;
  parse_rules(std::make_shared<const SourceFile>(SourceFile{"rules.toml", toml}), document, diagnostics);
  check_document(document, diagnostics);
  auto rules = RuleSet::compile(document, diagnostics);
  REQUIRE(diagnostics.errors() == 0);
  return rules;
}

// A capture without its header, with what the decoder wants behind its last line.
std::string generated_lines(uint64_t count) {
  std::string lines;
  bench::write_events({.events = count, .hit_share = 0.01},
                      [&lines](std::string_view block) { lines += block; });
  lines.erase(0, lines.find('\n') + 1);
  lines.append(EventDecoder::kPadding, ' ');
  return lines;
}

// As rules would be shown them.
std::vector<Event> generated_events(const RuleSet& rules, Engine& engine, uint64_t count) {
  const std::string lines = generated_lines(count);
  EventDecoder decoder(rules.schema());
  std::vector<Event> ready;
  LineNotes notes;
  size_t begin = 0;
  for (size_t end = lines.find('\n', begin); end != std::string::npos; end = lines.find('\n', begin)) {
    Event event;
    REQUIRE_FALSE(decoder.decode(std::string_view(lines).substr(begin, end - begin), event, notes));
    engine.observe(event, ready);
    begin = end + 1;
  }
  engine.flush(ready);
  return ready;
}

}  // namespace

TEST_CASE("the counter of allocations counts") {
  const size_t before = allocations;
  const auto number = std::make_unique<int>(1);
  CHECK(allocations == before + 1);
}

TEST_CASE("a line that is decoded into a used event takes nothing from the heap") {
  const auto rules = generated_rules(1000);
  const std::string text = generated_lines(5000);
  std::vector<Event> events(64);
  std::vector<LineToDecode> lines;
  size_t end = 0;
  for (size_t begin = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back({.text = std::string_view(text).substr(begin, end - begin),
                     .event = &events[lines.size() % events.size()],
                     .notes = {},
                     .problem = {}});
  }
  REQUIRE(lines.size() >= 5000);
  EventDecoder decoder(rules->schema());
  size_t taken = 0;
  // Each event has room for the longest line once it had it.
  for (size_t round = 0; round <= events.size(); ++round) {
    const size_t before = allocations;
    for (size_t i = 0; i < lines.size(); i += events.size()) {
      const size_t count = std::min(events.size(), lines.size() - i);
      for (size_t k = 0; k < count; ++k) lines[i + k].event = &events[(k + round) % events.size()];
      decoder.decode(std::span(lines).subspan(i, count));
    }
    taken = allocations - before;
  }
  CHECK(taken == 0);
}

// What a replay does with each chunk: decoded, observed, matched, concluded, and its events lent to the next.
class Replay {
 public:
  // A shorter one gives up buffers.
  static constexpr size_t kChunk = 256;

  explicit Replay(std::shared_ptr<const RuleSet> rules)
      : rules_(std::move(rules)), engine_(rules_, {}), decoder_(rules_->schema()), matcher_(*rules_) {}

  void run(std::span<const std::string_view> texts) {
    for (; !texts.empty(); texts = texts.subspan(std::min(texts.size(), kChunk)))
      run_chunk(texts.first(std::min(texts.size(), kChunk)));
  }
  size_t events = 0, hits = 0;
  size_t taken_by_lineage = 0, taken_else = 0;  // but for what hits take

 private:
  void run_chunk(std::span<const std::string_view> texts) {
    const size_t before = allocations;
    chunk_.swap(ready_);
    ready_.clear();
    chunk_.resize(texts.size());
    lines_.resize(texts.size());
    for (size_t i = 0; i < texts.size(); ++i) {
      lines_[i].text = texts[i];
      lines_[i].event = &chunk_[i];
    }
    decoder_.decode(lines_);
    ready_.reserve(chunk_.size());
    const size_t decoded = allocations;
    for (Event& event : chunk_) engine_.observe(event, ready_);
    const size_t observed = allocations;
    size_t by_hits = 0;
    for (const Event& event : ready_) {
      held_.clear();
      found_.clear();
      const size_t until = allocations;
      engine_.match(event, matcher_, held_);
      engine_.conclude(event, held_, found_);
      if (held_.empty()) continue;
      ++hits;
      by_hits += allocations - until;
    }
    events += ready_.size();
    taken_by_lineage += observed - decoded;
    taken_else += decoded - before + allocations - observed - by_hits;
  }

  std::shared_ptr<const RuleSet> rules_;
  Engine engine_;
  EventDecoder decoder_;
  Matcher matcher_;
  std::vector<Event> chunk_, ready_;
  std::vector<LineToDecode> lines_;
  std::vector<uint32_t> held_;
  std::vector<Hit> found_;
};

TEST_CASE("an event that is no hit takes nothing from the heap to be matched") {
  const auto rules = generated_rules(1000);
  Engine engine(rules, {});
  const std::vector<Event> events = generated_events(*rules, engine, 5000);
  REQUIRE(events.size() >= 5000);
  Matcher matcher(*rules);
  std::vector<uint32_t> held;
  size_t hits = 0, taken = 0;
  for (int round = 0; round < 2; ++round) {
    hits = taken = 0;
    for (const Event& event : events) {
      held.clear();
      const size_t before = allocations;
      engine.match(event, matcher, held);
      if (held.empty()) {
        taken += allocations - before;
      } else {
        ++hits;
      }
    }
  }
  CHECK(hits >= 40);
  CHECK(taken == 0);
}

TEST_CASE(
    "an event of a warm replay takes at most two blocks of the heap, for a process and its attributes") {
  const std::string text = generated_lines(61'440);
  std::vector<std::string_view> lines;
  size_t end = 0;
  for (size_t begin = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    lines.push_back(std::string_view(text).substr(begin, end - begin));
  Replay replay(generated_rules(1000));
  const std::span<const std::string_view> all(lines);
  replay.run(all.first(160 * Replay::kChunk));
  replay.events = replay.hits = replay.taken_by_lineage = replay.taken_else = 0;
  replay.run(all.subspan(160 * Replay::kChunk));
  CHECK(replay.hits > 100);
  CHECK(replay.taken_by_lineage <= 2 * replay.events);
  CHECK(replay.taken_else == 0);
}

}  // namespace detectd
