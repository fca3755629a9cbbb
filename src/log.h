// Messages for people on standard error, as text or as one JSON object a line. Text is never a format
// string; every text is escaped here, so callers pass names and arguments as they are.
//
//   error: open /x/hits.db: permission denied
//   warning: no rules in 2 files
//   note: the capture is incomplete
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/diagnostic.h"
#include "engine/result.h"

namespace detectd::log {

struct Options {
  bool json = false;
  bool color = false;
  bool quiet = false;    // errors only
  bool verbose = false;  // info too
};
void set_up(const Options& chosen);

void error(std::string_view text);
void warning(std::string_view text);
void note(std::string_view text);
void info(std::string_view text);

// What was measured: as text, lines that are laid out and escaped already; as JSON an object for each of
// `objects`, whose members these are (`"hits":7`).
void table(std::string_view text, const std::vector<std::string>& objects);

// Sorted and rendered with their source lines; with JSON an object each. Warnings are left out when quiet.
void show(Diagnostics& diagnostics);

}  // namespace detectd::log
