// One event to and from one line of a capture (detectd-events(5)): JSON, nested as ECS, dotted keys
// accepted at any level. The only file of the engine, with its parts, that sees simdjson.
//
// Whether a line is good never depends on the rules: every value is checked, wanted or not, and the types
// of the table's fields are demanded even of fields that nobody reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/event.h"
#include "engine/fields.h"

namespace detectd {

// What the process table and the reports need, whatever the rules name.
void want_always(Schema& schema);

// Why a line cannot be used: D300 broken JSON, D304 wrong type or range, D306 unknown capture version,
// D308 duplicate key, D309 a number that is none.
struct LineProblem {
  std::string code;
  size_t column = 1;  // code points from 1; an invalid byte counts as one
  size_t offset = 0;  // bytes into the line
  std::string message;
  std::string help;  // empty: none
};

// What a line lacked or had too much of; it is used all the same.
struct LineNotes {
  bool header = false;          // no event, but the head of a capture: see EventDecoder::header()
  bool no_action = false;       // read as exec, or end by event.type
  bool unknown_action = false;  // EventKind::kOther
  bool no_time = false;
  bool no_pid = false;          // never for `lost`
  bool replaced_bytes = false;  // bytes that are no UTF-8, or lone surrogates: read as U+FFFD
  bool values_dropped = false;  // a list of more than kMaxListElements, or more values than an Event holds
};

struct CaptureHeader {
  std::string version;  // of the detectd that wrote it; may be empty
  CaptureHost host;
  int64_t part = 1;          // of a rotated capture
  std::string started = {};  // the same in all parts of a capture, and in no other; may be empty
};

// One line, to be read into `event` (cleared first; its origin and host are the caller's). The rest is what came
// of it; after a problem the event is in an unspecified state. `text` has no newline at its end and is at most
// 8 MiB; EventDecoder::kPadding readable bytes follow it.
struct LineToDecode {
  std::string_view text;
  Event* event = nullptr;
  LineNotes notes;
  std::optional<LineProblem> problem;
};

// One per thread: owns the parser and scratch space. Decoding into a used Event allocates nothing once all
// buffers have grown.
class EventDecoder {
 public:
  static constexpr size_t kPadding = 64;
  // A list is cut there; for process.args `detectd.argv_truncated` is then true.
  static constexpr size_t kMaxListElements = 4096;
  static constexpr size_t kMaxDepth = 64;
  static constexpr int64_t kCaptureVersion = 1;

  // `schema` is kept by reference and no longer changed.
  explicit EventDecoder(const Schema& schema);
  ~EventDecoder();
  EventDecoder(EventDecoder&&) noexcept;
  EventDecoder& operator=(EventDecoder&&) noexcept;

  // Lines of one buffer, ascending; they are cheaper together, and each is read as if it were alone.
  void decode(std::span<LineToDecode> lines);
  std::optional<LineProblem> decode(std::string_view line, Event& event, LineNotes& notes);

  // Of the last line whose notes said `header`.
  const CaptureHeader& header() const;

 private:
  class Walk;
  std::unique_ptr<Walk> walk_;
};

// Appends the event's carried fields as one line, newline not included. Fields of the table and labels are
// nested, others written with dotted keys. decode(encode(e)) carries what e carries.
void encode(const Event& event, const Schema& schema, std::string& out);

// Appends the first line of a capture. Further on it stands where the host changes.
void encode_header(const CaptureHeader& header, std::string& out);

}  // namespace detectd
