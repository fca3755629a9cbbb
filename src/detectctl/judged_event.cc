#include "src/detectctl/judged_event.h"

#include <charconv>
#include <utility>

#include "src/detectctl/hit_stream.h"
#include "src/text.h"

namespace detectd {
namespace {

Error not_found(const EventPlace& place, uint64_t events) {
  if (place.line == 0) return {Errc::kInput, "there is no event on standard input"};
  return {Errc::kInput, "line " + std::to_string(place.line) + " of " + quoted(place.path) +
                            " is no event that rules are asked about; " + plural(events, "event") + " read"};
}

}  // namespace

std::optional<EventPlace> parse_event_place(std::string_view word) {
  if (word == "-") return EventPlace{.path = "-", .line = 0};
  const size_t colon = word.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  EventPlace place{.path = std::string(word.substr(0, colon)), .line = 0};
  const std::string_view number = word.substr(colon + 1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), place.line);
  if (error != std::errc{} || end != number.data() + number.size() || place.line == 0) return std::nullopt;
  return place;
}

Result<JudgedEvent> judge_event(const EventPlace& place, const std::shared_ptr<const RuleSet>& rules) {
  auto opened = HitStream::open({.paths = {place.path}, .skip_bad = true}, rules, {.report_silent = true});
  if (!opened) return std::move(opened).error();
  HitStream& stream = **opened;
  JudgedEvent judged;
  for (;;) {
    const Result<bool> more = stream.next();
    if (!more) return more.error();
    if (!*more) break;
    const Event& event = stream.event();
    for (auto& [rule, reported] : judged.reported) reported.now = false;
    for (const Hit& hit : stream.hits()) {
      if (!hit.fold) judged.reported[hit.rule.get()] = {stream.place(), true};
    }
    if (place.line != 0 && event.origin.line != place.line) continue;
    judged.place = stream.place();
    judged.event = event;
    if (place.line != 0) return judged;
  }
  stream.close();
  if (judged.place.empty()) return not_found(place, stream.report().events);
  return judged;
}

}  // namespace detectd
