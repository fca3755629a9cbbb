// What a hunt found, for people and for programs; everything that stood in events is escaped.
#pragma once

#include <cstddef>
#include <string>

#include "src/detectctl/hunt_tally.h"
#include "src/report/terminal.h"

namespace detectd {

struct HuntView {
  Terminal terminal;
  size_t rows = 10;  // of each table, except days
};
std::string hunt_text(const HuntedRule& rule, const HuntView& view);

// One line: `{"type":"hunt","rule":{...},"action":"kill","hits":12,"ended":9,...}`.
std::string hunt_json(const HuntedRule& rule);

}  // namespace detectd
