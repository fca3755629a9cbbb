// A hit as JSON: the one shape that is printed, stored and delivered. Described in detectd-hits(5).
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "engine/hit.h"

namespace detectd {

// {"type":"hit","id":...,"@timestamp":...,"rule":{...},"event":{...},"lineage":[...],"capture":{...},
//  "group":{...},"parts":[...],"count":1,"response":{...}} on one line, without a newline. `capture_file` is
// the name of the file that the event was read from; `group` and `parts` are a correlation's; `response`
// stands there only where the rule asks for one, with what became of it (response_outcome.h), else `replay`. A fold has the type
// `fold`, and `first` and `last` behind its count.
struct HitJsonOptions {
  std::string_view capture_file;
};
void append_hit_json(const Hit& hit, const HitJsonOptions& options, std::string& out);

// The event's line as it was read, on one line, with what must not reach a terminal escaped.
void append_event_json(const Event& event, std::string& out);

// What a correlation's hit was made of: [{"id":...,"@timestamp":...,"rule":{"id":...,"name":...},
// "event":{...}}]. An event that was not kept is left out.
void append_parts_json(const Hit& hit, std::string& out);

// What its events have in common: {"user.name":"bob"}.
void append_group_json(const Hit& hit, std::string& out);

// The ancestors, nearest first: [{"pid":...,"entity_id":...,"name":...,"executable":...,"command_line":...,
// "user":{"id":...,"name":...}}]. What is not known is left out.
void append_lineage_json(const Event& event, std::string& out);

// The same for many events, whose ancestors beyond the parent are put together once for each parent's parent.
class LineageJson {
 public:
  // Until clear() `event`, and so its lineage, must live.
  void append(const Event& event, std::string& out);
  void clear() { known_ = {}; }

 private:
  struct Known {
    const Process* first = nullptr;
    std::string text;  // with a comma before each of them
  };
  const std::string& beyond_parent(const Event& event, const Process& first);

  std::array<Known, 64> known_;
};

}  // namespace detectd
