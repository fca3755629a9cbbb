#include "src/detectctl/judged_event.h"

#include <charconv>
#include <map>
#include <utility>

#include "engine/event_codec.h"
#include "engine/suppressor.h"
#include "src/detectctl/command.h"
#include "src/detectctl/hit_stream.h"
#include "src/detectctl/hits_options.h"
#include "src/detectctl/stored_event.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr size_t kHitIdDigits = 32;

bool is_hit(std::string_view word) {
  const bool is_number = word.find_first_not_of("0123456789") == std::string_view::npos;
  const bool is_id = word.size() == kHitIdDigits &&
                     word.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  return !word.empty() && (is_number || is_id);
}

Error not_found(const EventWord& word, uint64_t events) {
  if (word.line == 0) return {Errc::kInput, "there is no event on standard input"};
  return {Errc::kInput, "line " + std::to_string(word.line) + " of " + quoted(word.path) +
                            " is no event that rules are asked about; " + plural(events, "event") + " read"};
}

// Where hits of one rule were reported, by the window of its `suppress`.
class ReportLog {
 public:
  ReportLog(const RuleSet& rules, const EventQuestion& question) {
    if (question.rule) {
      rule_ = rules.rules()[*question.rule].rule;
      suppress_ = &rules.rules()[*question.rule].suppress;
    } else if (question.correlation) {
      rule_ = rules.correlations()[*question.correlation].rule;
      suppress_ = &rules.correlations()[*question.correlation].suppress;
    }
  }

  void add(const std::vector<Hit>& hits, const std::string& place) {
    for (const Hit& hit : hits) {
      if (hit.rule != rule_ || hit.fold) continue;
      if (places_.size() == kMaxWindows) places_.clear();
      places_[key_of(hit)] = place;
    }
  }

  // `hits` are those of the event itself.
  std::optional<JudgedEvent::Reported> find(const Event& event, const std::vector<Hit>& hits,
                                            const std::optional<CorrelationWhy>& correlation) {
    if (rule_ == nullptr) return std::nullopt;
    Hit asked;
    asked.rule = rule_;
    asked.event = std::make_shared<const Event>(event);
    if (correlation) asked.group = correlation->group;
    const bool has_group = !correlation || correlation->counts;
    const auto place = has_group ? places_.find(key_of(asked)) : places_.end();
    if (place == places_.end()) return std::nullopt;
    bool now = false;
    for (const Hit& hit : hits) now |= hit.rule == rule_ && !hit.fold;
    return JudgedEvent::Reported{place->second, now};
  }

 private:
  static constexpr size_t kMaxWindows = 65'536;  // as a suppressor has

  std::string key_of(const Hit& hit) {
    std::string key;
    append_suppress_key(hit, *suppress_, hasher_, key);
    return key;
  }

  std::shared_ptr<const Rule> rule_;
  const CompiledSuppress* suppress_ = nullptr;
  std::map<std::string, std::string> places_;
  Sha256Hasher hasher_;
};

// An event that stands in no capture.
struct LooseEvent {
  Event event;
  std::string place;
};

Result<LooseEvent> read_loose(std::string line, std::string place, const RuleSet& rules) {
  EventDecoder decoder(rules.schema());
  const size_t size = line.size();
  line.resize(size + EventDecoder::kPadding);
  LooseEvent loose;
  LineNotes notes;
  const auto problem = decoder.decode(std::string_view(line).substr(0, size), loose.event, notes);
  if (problem) return Error{Errc::kInput, place + " can not be read: " + problem->message};
  loose.place = std::move(place);
  return loose;
}

uint32_t pid_of(const Event& event) {
  return static_cast<uint32_t>(event.find(process_field(Leaf::kPid)).number);
}

bool is_same(const Event& a, const Event& b) {
  return a.has_time && b.has_time && a.time_ns == b.time_ns && a.kind == b.kind && pid_of(a) == pid_of(b);
}

class Judge {
 public:
  Judge(const EventQuestion& question, std::shared_ptr<const RuleSet> rules)
      : question_(question), rules_(std::move(rules)), reports_(*rules_, question) {
    if (question_.correlation) inquiry_.emplace(rules_, *question_.correlation);
  }

  // The event of a line, or the last one.
  Result<JudgedEvent> judge_line() {
    std::vector<std::string> paths = {question_.event.path};
    paths.insert(paths.end(), question_.on.begin(), question_.on.end());
    if (Status status = open(std::move(paths)); !status) return std::move(status).error();
    JudgedEvent judged;
    bool found = false;
    for (;;) {
      const Result<bool> more = advance();
      if (!more) return more.error();
      if (!*more) break;
      const Origin& origin = stream_->event().origin;
      if (question_.event.line != 0 && (origin.file != 0 || origin.line != question_.event.line)) continue;
      take(judged, stream_->place());
      found = true;
      if (question_.event.line != 0) return judged;
    }
    stream_->close();
    const uint64_t events = stream_->report().events;
    if (!found) return not_found(question_.event, events);
    judged.alone = events == 1 && question_.event.line == 0;
    return judged;
  }

  // An event that may stand in one of the captures that tell what came before: else it is judged behind all that is
  // not later.
  Result<JudgedEvent> judge_loose(LooseEvent loose) {
    if (Status status = open(question_.on); !status) return std::move(status).error();
    JudgedEvent judged;
    judged.alone = question_.on.empty();
    for (;;) {
      const Result<bool> more = advance();
      if (!more) return more.error();
      if (!*more) break;
      const Event& event = stream_->event();
      if (is_same(event, loose.event)) {
        take(judged, loose.place + ", " + stream_->place());
        return judged;
      }
      if (event.has_time && loose.event.has_time && event.time_ns > loose.event.time_ns) break;
    }
    stream_->judge(std::move(loose.event));
    for (;;) {
      const Result<bool> more = advance();
      if (!more) return more.error();
      if (!*more) break;
      if (stream_->event().origin.line == 0) take(judged, loose.place);
    }
    if (judged.place.empty())
      return Error{Errc::kInput, loose.place + " is no event that rules are asked about"};
    return judged;
  }

 private:
  Status open(std::vector<std::string> paths) {
    auto opened =
        HitStream::open({.paths = std::move(paths), .skip_bad = true}, rules_, {.report_silent = true});
    if (!opened) return std::move(opened).error();
    stream_ = *std::move(opened);
    return {};
  }

  Result<bool> advance() {
    Result<bool> more = stream_->next();
    if (!more || !*more) return more;
    reports_.add(stream_->hits(), stream_->place());
    if (inquiry_) correlation_ = inquiry_->observe(stream_->event(), stream_->held());
    return more;
  }

  void take(JudgedEvent& judged, std::string place) {
    judged.place = std::move(place);
    judged.event = stream_->event();
    judged.correlation = correlation_;
    judged.reported = reports_.find(judged.event, stream_->hits(), correlation_);
  }

  const EventQuestion& question_;
  std::shared_ptr<const RuleSet> rules_;
  std::unique_ptr<HitStream> stream_;
  ReportLog reports_;
  std::optional<CorrelationInquiry> inquiry_;
  std::optional<CorrelationWhy> correlation_;
};

// The last event of standard input.
Result<LooseEvent> read_standard_input(const EventQuestion& question,
                                       const std::shared_ptr<const RuleSet>& rules) {
  const EventQuestion alone{.event = question.event, .db = {}, .on = {}};
  Result<JudgedEvent> last = Judge(alone, rules).judge_line();
  if (!last) return std::move(last).error();
  return read_loose(std::string(last->event.raw()), last->place, *rules);
}

Result<JudgedEvent> judge_stored(const EventQuestion& question, const std::shared_ptr<const RuleSet>& rules) {
  const auto reader = HitReader::open(question.db);
  if (!reader) return reader.error();
  Result<StoredHit> hit = reader->find(question.event.hit);
  if (!hit) {
    if (hit.error().code == Errc::kNotFound) hit.error().code = Errc::kInput;
    return std::move(hit).error();
  }
  auto parts = reader->parts(*hit, JudgedEvent::kMaxParts);
  if (!parts) return std::move(parts).error();
  auto line = stored_event_line(*reader, *hit);
  if (!line) return std::move(line).error();
  auto loose = read_loose(*std::move(line), "hit " + std::to_string(hit->n), *rules);
  if (!loose) return std::move(loose).error();
  Result<JudgedEvent> judged = Judge(question, rules).judge_loose(*std::move(loose));
  if (!judged) return judged;
  judged->stored = *std::move(hit);
  judged->parts = *std::move(parts);
  return judged;
}

Result<JudgedEvent> judge(const EventQuestion& question, const std::shared_ptr<const RuleSet>& rules) {
  if (!question.event.hit.empty()) return judge_stored(question, rules);
  const bool is_loose = question.event.path == "-" && !question.on.empty();
  if (!is_loose) return Judge(question, rules).judge_line();
  auto loose = read_standard_input(question, rules);
  if (!loose) return std::move(loose).error();
  return Judge(question, rules).judge_loose(*std::move(loose));
}

}  // namespace

std::optional<EventWord> parse_event_word(std::string_view word) {
  if (word == "-") return EventWord{.path = "-", .line = 0, .hit = {}};
  if (is_hit(word)) return EventWord{.path = {}, .line = 0, .hit = std::string(word)};
  const size_t colon = word.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  EventWord place{.path = std::string(word.substr(0, colon)), .line = 0, .hit = {}};
  const std::string_view number = word.substr(colon + 1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), place.line);
  if (error != std::errc{} || end != number.data() + number.size() || place.line == 0) return std::nullopt;
  return place;
}

Result<JudgedEvent> judge_event(const EventQuestion& question, const std::shared_ptr<const RuleSet>& rules) {
  Result<JudgedEvent> judged = judge(question, rules);
  if (!judged) fail_store(judged.error());
  return judged;
}

}  // namespace detectd
