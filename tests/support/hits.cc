#include "tests/support/hits.h"

#include <memory>

#include "engine/timestamp.h"

namespace detectd {

Hit make_hit(const HitSpec& spec) {
  auto rule = std::make_shared<Rule>();
  rule->id = spec.rule_id;
  rule->name = spec.rule_name;
  rule->title = spec.title;
  rule->level = spec.level;
  rule->tags = {"attack.persistence", "attack.t1505.003"};
  auto event = std::make_shared<Event>();
  event->clear();
  event->set_raw(spec.raw);
  event->time_ns = parse_rfc3339(spec.time).value();
  event->origin.line = 7;
  event->set_integer(process_field(Leaf::kPid), 9921);
  event->set_text(process_field(Leaf::kName), spec.name);
  event->set_text(process_field(Leaf::kExecutable), spec.executable);
  event->set_text(process_field(Leaf::kCommandLine), spec.command_line);
  event->set_text(process_field(Leaf::kUserName), spec.user);
  event->set_integer(parent_field(Leaf::kPid), 812);
  event->set_text(parent_field(Leaf::kName), spec.parent_name);
  event->set_text(field::kHostName, spec.host);
  Hit hit;
  hit.id[15] = spec.id;
  hit.rule = rule;
  hit.event = event;
  hit.first_ns = hit.last_ns = event->time_ns;
  return hit;
}

const std::vector<std::string>& hostile_texts() {
  static const std::vector<std::string> texts = {
      "\x1b[2J\x1b[H",
      "\x1b]52;c;ZWNobw==\x07",
      "\x1b]0;title\x1b\\",
      "\x1b[31mred\x1b[0m",
      "a\rb",
      "a\nb",
      "a\tb",
      "a\vb\fc",
      "\b\b\b\b",
      std::string("a\0b", 3),
      "\x7f",
      "\u0080",
      "\u0085",
      "\u009b31m",
      "\u009d0;x\u009c",
      "\u202egpj.exe",
      "\u202d",
      "\u2066x\u2069",
      "\u200b",
      "\u200d",
      "\u200e\u200f",
      "\ufeff",
      "\u2028",
      "\u2029",
      "\u00ad",
      "\u061c",
      "\u180e",
      "\u2060",
      "\U000e0041",
      "{}{0}{:n}",
      "%n%s%p",
      "'; DROP TABLE hits; --",
      "\"}\n{\"type\":\"summary\"}",
      "\\x1b[2J",
      "=cmd|' /C calc'!A0",
      "<script>alert(1)</script>",
      "$(reboot)`reboot`",
      "\u0645\u0631\u062d\u0628\u0627",
      "\U0001f608",
      "e\u0301\u0301\u0301\u0301\u0301\u0301",
  };
  return texts;
}

}  // namespace detectd
