// Bytes as the process connector's messages, 76 at a time. What is understood passes the steps of the receive
// thread, becomes an event, and as a line of a capture is read back without a complaint.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "engine/event_codec.h"
#include "src/sources/proc_event.h"
#include "src/sources/proc_event_mapper.h"
#include "src/sources/thread_ends.h"
#include "tests/fuzz/property.h"

using namespace detectd;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Schema schema;
  static EventDecoder decoder(schema);
  const BootClock clock(
      {.wall_ns = 1'795'348'800'000'000'000, .boot_ns = 1'000'000'000, .monotonic_ns = 1'000'000'000});
  ProcEventMapper mapper(clock, nullptr);
  ThreadEnds ends;
  Event event;
  Event again;
  std::string line;
  constexpr size_t kMessageBytes = 76;
  auto rest = std::as_bytes(std::span(data, size));
  for (; !rest.empty(); rest = rest.subspan(std::min(rest.size(), kMessageBytes))) {
    const auto decoded = decode_proc_message(rest.first(std::min(rest.size(), kMessageBytes)));
    if (!decoded) continue;
    REQUIRE_PROPERTY(decoded->thread_name().size() <= decoded->comm.size());
    const auto passed = ends.pass(*decoded);
    if (!passed || !mapper.map(*passed, event)) continue;
    line.clear();
    encode(event, schema, line);
    const size_t length = line.size();
    line.append(EventDecoder::kPadding, '\0');
    LineNotes notes;
    const auto problem = decoder.decode(std::string_view(line).substr(0, length), again, notes);
    // A pid beyond what the kernel gives is no pid in a capture.
    if (!problem) REQUIRE_PROPERTY(again.kind == event.kind && again.time_ns == event.time_ns);
  }
  return 0;
}
