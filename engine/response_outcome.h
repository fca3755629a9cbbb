// What became of a response, as one text: the same in a stored hit's column, in its JSON and on a terminal.
//
//   killed, reactive, 3124 us               refused: budget
//   killed, reactive, 5210 us, 12 processes superseded
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace detectd {

struct ResponseOutcome {
  // killed, stopped, gone, superseded, pending, unknown, signalled, or `refused: WHY`.
  std::string_view what;
  std::string_view level = {};  // how far the kernel let us come: `reactive`; empty: not at all
  std::optional<int64_t> after_us = std::nullopt;    // from the event to the signal
  std::optional<uint64_t> processes = std::nullopt;  // of a tree
};

std::string to_string(const ResponseOutcome& outcome);
// Views into `text`. What is none of ours is all `what`.
ResponseOutcome parse_response_outcome(std::string_view text);

// The members of a response's JSON object: `"outcome":"killed","level":"reactive","after_us":3124`.
void append_outcome_json(std::string_view text, std::string& out);

}  // namespace detectd
