// What detectctl and a running detectd say to each other: lines of JSON over a unix stream socket.
//
//   -> {"version":1,"do":"mode","mode":"dry-run"}
//   <- {"type":"text","text":"responses: dry-run"}       any number of lines, each of a type
//   <- {"type":"done","version":1}                       the last, or
//   <- {"type":"error","version":1,"code":"permission","message":"..."}
//
// A connection takes one request after another, one at a time. `follow` has no last line but where it fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/diagnostic.h"
#include "engine/event_kind.h"
#include "engine/result.h"

namespace detectd {

inline constexpr int64_t kControlVersion = 1;
inline constexpr const char* kControlPath = "/run/detectd/control";
// Of a request, its newline included.
inline constexpr size_t kMaxRequestBytes = size_t{64} << 10;
// Of one line of an answer.
inline constexpr size_t kMaxAnswerLineBytes = size_t{1} << 20;

struct ControlRequest {
  enum class Verb : uint8_t { kStatus, kReload, kMode, kTree, kFollow, kMutes, kMute, kUnmute };

  Verb verb = Verb::kStatus;
  std::string mode = {};             // kMode: "dry-run" or "enforce"
  std::optional<uint32_t> pid = {};  // kTree: that process with its ancestors and descendants, else all
  // kFollow
  KindSet kinds = KindSet::all();
  std::string contains = {};  // of the command line; empty: any
  bool hits = true;
  // kMute, kUnmute
  std::string rule = {};
  int64_t for_ns = 0;
  std::string reason = {};
};

std::string_view to_string(ControlRequest::Verb verb);

// One line, with its newline.
std::string encode(const ControlRequest& request);
// Strict: what it does not know is a mistake. Errc::kUsage; Errc::kInput for what is no JSON.
Result<ControlRequest> parse_request(std::string_view line);

// The last lines of an answer.
std::string done_line();
std::string error_line(const Error& error);
// Lines for people: what was done, what they should look at, what is wrong with what they wrote (rendered, several
// lines of text each).
std::string text_line(std::string_view text);
std::string warning_line(std::string_view text);
std::string diagnostic_lines(const Diagnostics& diagnostics);

// The spelling of an error's code in an error line, and back; kSystem for one that is not known.
std::string_view to_string(Errc code);
Errc find_errc(std::string_view name);

}  // namespace detectd
