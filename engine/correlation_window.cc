#include "engine/correlation_window.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "engine/correlation_parser.h"

namespace detectd {
namespace {

using enum CorrelationType;

// Beside an event's own memory: its lineage, which others share.
constexpr size_t kLineageBytes = 512;

int64_t plus(int64_t time_ns, int64_t span_ns) {
  int64_t sum = 0;
  return __builtin_add_overflow(time_ns, span_ns, &sum) ? std::numeric_limits<int64_t>::max() : sum;
}

int64_t minus(int64_t time_ns, int64_t span_ns) {
  int64_t difference = 0;
  return __builtin_sub_overflow(time_ns, span_ns, &difference) ? std::numeric_limits<int64_t>::min()
                                                               : difference;
}

size_t event_bytes(const HitPart& part) {
  return part.event ? part.event->memory_bytes() + kLineageBytes : 0;
}

bool meets(const Bound& bound, long double number) {
  const long double wanted = bound.number;
  switch (bound.op) {
    case BoundOp::kLt: return number < wanted;
    case BoundOp::kLte: return number <= wanted;
    case BoundOp::kGt: return number > wanted;
    case BoundOp::kGte: return number >= wanted;
    case BoundOp::kEq: return number == wanted;
    case BoundOp::kNeq: return number != wanted;
  }
  return false;
}

bool meets_all(const std::vector<Bound>& bounds, long double number) {
  return std::all_of(bounds.begin(), bounds.end(), [&](const Bound& bound) { return meets(bound, number); });
}

// event_count and value_*: all events, in order of time.
class EventWindow final : public Window {
 public:
  explicit EventWindow(const Correlation& correlation) : correlation_(correlation) {}

  bool add(WindowEvent event) override {
    const int64_t time_ns = event.part.order_ns;
    while (!events_.empty() && events_.back().part.order_ns > plus(time_ns, correlation_.timespan_ns))
      drop_newest();
    if (!events_.empty() && time_ns < minus(events_.back().part.order_ns, correlation_.timespan_ns))
      return false;
    insert(std::move(event));
    const int64_t begin_ns = minus(events_.back().part.order_ns, correlation_.timespan_ns);
    while (events_.front().part.order_ns < begin_ns) drop_oldest();
    if (events_.size() > kMaxWindowEvents) {
      drop_oldest();
      ++pushed_out_;
    }
    if (events_.size() > kMaxKeptEvents) forget_event(events_[events_.size() - kMaxKeptEvents - 1].part);
    return true;
  }

  bool holds() const override { return meets_all(correlation_.condition.bounds, measure()); }

  long double measure() const override {
    switch (correlation_.type) {
      case kValueCount: return static_cast<long double>(values_.size());
      case kValueSum: return sum();
      case kValueAvg: return sum() / static_cast<long double>(events_.size());
      case kValuePercentile: return percentile();
      default: return static_cast<long double>(events_.size());
    }
  }

  void append_parts(Hit& hit) const override {
    const size_t count = std::min(events_.size(), kMaxHitParts);
    hit.parts_left_out = events_.size() - count;
    for (size_t i = events_.size() - count; i < events_.size(); ++i) hit.parts.push_back(events_[i].part);
  }

  int64_t newest_ns() const override { return events_.back().part.order_ns; }
  size_t bytes() const override { return sizeof(*this) + bytes_; }
  uint64_t pushed_out() const override { return pushed_out_; }

 private:
  // An entry of `values_` has about this much beside its text; one of `numbers_` is a long double.
  static constexpr size_t kValueBytes = 96;

  size_t entry_bytes(const WindowEvent& event) const {
    return sizeof(WindowEvent) + event_bytes(event.part) +
           (correlation_.type == kValueCount ? kValueBytes + 2 * event.value.size() : 0) +
           (correlation_.type == kValuePercentile ? sizeof(long double) : 0);
  }

  void insert(WindowEvent event) {
    bytes_ += entry_bytes(event);
    if (correlation_.type == kValueCount) ++values_[event.value];
    if (correlation_.type == kValuePercentile)
      numbers_.insert(std::upper_bound(numbers_.begin(), numbers_.end(), event.number), event.number);
    auto place = events_.end();
    while (place != events_.begin() && std::prev(place)->part.order_ns > event.part.order_ns) --place;
    events_.insert(place, std::move(event));
  }

  void forget(const WindowEvent& event) {
    bytes_ -= entry_bytes(event);
    if (correlation_.type == kValueCount) {
      const auto value = values_.find(event.value);
      if (--value->second == 0) values_.erase(value);
    }
    if (correlation_.type == kValuePercentile)
      numbers_.erase(std::lower_bound(numbers_.begin(), numbers_.end(), event.number));
  }

  void drop_oldest() {
    forget(events_.front());
    events_.pop_front();
  }

  void drop_newest() {
    forget(events_.back());
    events_.pop_back();
  }

  void forget_event(HitPart& part) {
    bytes_ -= event_bytes(part);
    part.event.reset();
  }

  // The sum is taken anew: one that is kept by adding and subtracting would carry a large number's rounding
  // on for ever.
  long double sum() const {
    long double total = 0;
    for (const WindowEvent& event : events_) total += event.number;
    return total;
  }

  // Between two values the straight line.
  long double percentile() const {
    const double share = correlation_.condition.percentile.value_or(50) / 100;
    const long double rank = static_cast<long double>(share) * static_cast<long double>(numbers_.size() - 1);
    const auto below = static_cast<size_t>(std::floor(rank));
    const size_t above = std::min(below + 1, numbers_.size() - 1);
    if (numbers_[below] == numbers_[above]) return numbers_[below];
    return numbers_[below] + (numbers_[above] - numbers_[below]) * (rank - static_cast<long double>(below));
  }

  const Correlation& correlation_;
  std::deque<WindowEvent> events_;
  std::map<std::string, uint32_t> values_;  // value_count; not hashed: its keys are an attacker's
  std::vector<long double> numbers_;        // value_percentile, sorted
  size_t bytes_ = 0;
  uint64_t pushed_out_ = 0;
};

// temporal: of each rule the newest event.
class TemporalWindow final : public Window {
 public:
  explicit TemporalWindow(const Correlation& correlation)
      : correlation_(correlation), newest_by_rule_(correlation.rules.size()) {}

  bool add(WindowEvent event) override {
    const int64_t time_ns = event.part.order_ns;
    for (auto& part : newest_by_rule_) {
      if (part && part->order_ns > plus(time_ns, correlation_.timespan_ns)) set(part, std::nullopt);
    }
    int64_t newest_ns = time_ns;
    for (const auto& part : newest_by_rule_) {
      if (part) newest_ns = std::max(newest_ns, part->order_ns);
    }
    newest_ns_ = newest_ns;
    if (time_ns < begin_ns()) return false;
    auto& mine = newest_by_rule_[event.input];
    if (!mine || mine->time_ns <= time_ns) set(mine, std::move(event.part));
    return true;
  }

  bool holds() const override {
    const auto& bounds = correlation_.condition.bounds;
    if (bounds.empty()) return count() == newest_by_rule_.size();
    return meets_all(bounds, measure());
  }

  long double measure() const override { return static_cast<long double>(count()); }

  void append_parts(Hit& hit) const override {
    for (const auto& part : newest_by_rule_) {
      if (in_window(part)) hit.parts.push_back(*part);
    }
    std::stable_sort(hit.parts.begin(), hit.parts.end(),
                     [](const HitPart& a, const HitPart& b) { return a.order_ns < b.order_ns; });
  }

  int64_t newest_ns() const override { return newest_ns_; }
  size_t bytes() const override {
    return sizeof(*this) + newest_by_rule_.capacity() * sizeof(std::optional<HitPart>) + bytes_;
  }

 private:
  int64_t begin_ns() const { return minus(newest_ns_, correlation_.timespan_ns); }
  bool in_window(const std::optional<HitPart>& part) const { return part && part->order_ns >= begin_ns(); }
  size_t count() const {
    return static_cast<size_t>(
        std::count_if(newest_by_rule_.begin(), newest_by_rule_.end(),
                      [this](const std::optional<HitPart>& part) { return in_window(part); }));
  }

  void set(std::optional<HitPart>& place, std::optional<HitPart> part) {
    if (place) bytes_ -= event_bytes(*place);
    place = std::move(part);
    if (place) bytes_ += event_bytes(*place);
  }

  const Correlation& correlation_;
  std::vector<std::optional<HitPart>> newest_by_rule_;
  int64_t newest_ns_ = 0;
  size_t bytes_ = 0;
};

// temporal_ordered: of each rule the best chain of events that ends with it, for every length that counts.
// Best is the one that begins last: whatever can follow another can follow it too.
class OrderedWindow final : public Window {
 public:
  explicit OrderedWindow(const Correlation& correlation) : correlation_(correlation) {}

  bool add(WindowEvent event) override {
    const int64_t time_ns = event.part.order_ns;
    newest_ns_ = chains_.empty() ? time_ns : std::max(newest_ns_, time_ns);
    // Time went back: what is in the future can be nobody's predecessor.
    if (newest_ns_ > plus(time_ns, correlation_.timespan_ns)) newest_ns_ = time_ns;
    // An event may come as the hit of several rules, the later ones first.
    if (longest_ && longest_->part.event != event.part.event) longest_.reset();
    const bool whole_only = correlation_.condition.bounds.empty();
    const uint32_t first = whole_only ? event.input + 1 : 1;
    for (uint32_t length = event.input + 1; length >= first; --length) {
      auto link = std::make_shared<Link>();
      link->part = event.part;
      link->start_ns = time_ns;
      link->length = length;
      if (length > 1) {
        link->before = best_before(event.input, length - 1, time_ns);
        if (!link->before) continue;
        link->start_ns = link->before->start_ns;
      }
      if (!longest_ || length > longest_->length) longest_ = link;
      set({event.input, length}, std::move(link));
    }
    return true;
  }

  bool holds() const override {
    if (!longest_) return false;
    const auto& bounds = correlation_.condition.bounds;
    if (bounds.empty()) return longest_->length == correlation_.rules.size();
    return meets_all(bounds, measure());
  }

  long double measure() const override { return longest_ ? static_cast<long double>(longest_->length) : 0; }

  void append_parts(Hit& hit) const override {
    for (const Link* link = longest_.get(); link != nullptr; link = link->before.get())
      hit.parts.push_back(link->part);
    std::reverse(hit.parts.begin(), hit.parts.end());
  }

  int64_t newest_ns() const override { return newest_ns_; }
  size_t bytes() const override { return sizeof(*this) + bytes_; }

 private:
  struct Link {
    HitPart part;
    std::shared_ptr<const Link> before;
    int64_t start_ns = 0;
    uint32_t length = 1;
  };
  using LinkPtr = std::shared_ptr<const Link>;
  using Key = std::pair<uint32_t, uint32_t>;  // rule and length

  LinkPtr best_before(uint32_t input, uint32_t length, int64_t time_ns) const {
    LinkPtr best;
    for (uint32_t rule = length - 1; rule < input; ++rule) {
      const auto chain = chains_.find({rule, length});
      if (chain == chains_.end()) continue;
      const LinkPtr& link = chain->second;
      const bool fits =
          link->part.order_ns <= time_ns && link->start_ns >= minus(time_ns, correlation_.timespan_ns);
      if (fits && (!best || link->start_ns > best->start_ns)) best = link;
    }
    return best;
  }

  // As if chains shared nothing.
  static size_t chain_bytes(const LinkPtr& chain) {
    size_t bytes = 64;
    for (const Link* link = chain.get(); link != nullptr; link = link->before.get())
      bytes += sizeof(Link) + event_bytes(link->part);
    return bytes;
  }

  void set(const Key& key, LinkPtr link) {
    LinkPtr& place = chains_[key];
    if (place) bytes_ -= chain_bytes(place);
    place = std::move(link);
    bytes_ += chain_bytes(place);
  }

  const Correlation& correlation_;
  std::map<Key, LinkPtr> chains_;
  LinkPtr longest_;  // that the last event ended
  int64_t newest_ns_ = 0;
  size_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<Window> make_window(const Correlation& correlation) {
  switch (correlation.type) {
    case kTemporal: return std::make_unique<TemporalWindow>(correlation);
    case kTemporalOrdered: return std::make_unique<OrderedWindow>(correlation);
    case kNewTerms: return nullptr;
    default: return std::make_unique<EventWindow>(correlation);
  }
}

}  // namespace detectd
