#include "src/report/json_report.h"

#include "engine/digest.h"
#include "engine/hit_json.h"
#include "engine/timestamp.h"

namespace detectd {

void JsonReport::show_hits(std::span<const Hit> hits) {
  for (const Hit& hit : hits) {
    std::string_view file;
    if (hit.event->origin.line != 0) file = name_of_file_(hit.event->origin.file);
    line_.clear();
    append_hit_json(hit, {.capture_file = file}, line_);
    line_ += '\n';
    output_.write(line_);
  }
}

void JsonReport::show_loss(const Event& event) {
  line_ = "{\"type\":\"lost\",\"@timestamp\":\"" + format_rfc3339(event.time_ns) + "\",\"event\":";
  append_event_json(event, line_);
  line_ += "}\n";
  output_.write(line_);
}

void JsonReport::show_summary(const Summary& summary) {
  line_ = "{\"type\":\"summary\",\"events\":" + std::to_string(summary.events) +
          ",\"hits\":" + std::to_string(summary.hits) +
          (summary.stored ? ",\"stored\":" + std::to_string(*summary.stored) : "") +
          ",\"hits_left_out\":" + std::to_string(summary.hits_left_out) +
          ",\"folded\":" + std::to_string(summary.folded) +
          ",\"evicted_groups\":" + std::to_string(summary.evicted_groups) +
          ",\"skipped\":" + std::to_string(summary.skipped) + ",\"lost\":" + std::to_string(summary.lost) +
          ",\"gaps\":" + std::to_string(summary.gaps) +
          ",\"uncounted_gaps\":" + std::to_string(summary.uncounted_gaps) +
          ",\"inactive_rules\":" + std::to_string(summary.inactive_rules) + ",\"rules_digest\":\"" +
          hex(summary.rules_digest) +
          "\",\"hits_digest\":" + (summary.hits_digest ? '"' + hex(*summary.hits_digest) + '"' : "null") +
          ",\"complete\":" + (summary.complete() ? "true" : "false") + "}\n";
  output_.write(line_);
}

}  // namespace detectd
