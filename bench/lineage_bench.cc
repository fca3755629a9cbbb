// Nanoseconds an event for lineage alone: order of id changes, process table, derived fields. Decoding is
// not counted.
//
//   lineage_bench CAPTURE.jsonl [ROUNDS]
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "engine/event_codec.h"
#include "engine/event_order.h"
#include "engine/process_table.h"

using namespace detectd;

namespace {

int64_t cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::vector<Event> read(const char* path) {
  Schema schema;
  want_always(schema);
  EventDecoder decoder(schema);
  std::vector<Event> events;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t size = line.size();
    line.append(EventDecoder::kPadding, '\0');
    LineNotes notes;
    Event event;
    if (!decoder.decode(std::string_view(line).substr(0, size), event, notes) && !notes.header)
      events.push_back(std::move(event));
  }
  return events;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: lineage_bench CAPTURE.jsonl [ROUNDS]\n");
    return 2;
  }
  const std::vector<Event> events = read(argv[1]);
  const int rounds = argc > 2 ? static_cast<int>(std::strtol(argv[2], nullptr, 10)) : 5;
  for (int round = 0; round < rounds; ++round) {
    EventOrder order;
    ProcessTable table({});
    std::vector<Event> chunk, ready;
    int64_t order_ns = 0, table_ns = 0;
    // Small chunks: in a replay, too, an event was decoded just before.
    constexpr size_t kChunk = 256;
    for (size_t first = 0; first < events.size(); first += kChunk) {
      const size_t last = std::min(first + kChunk, events.size());
      chunk.assign(events.begin() + static_cast<ptrdiff_t>(first),
                   events.begin() + static_cast<ptrdiff_t>(last));
      ready.clear();
      const int64_t begin_ns = cpu_ns();
      for (Event& event : chunk) order.push(event, ready);
      const int64_t ordered_ns = cpu_ns();
      for (Event& event : ready) table.apply(event);
      order_ns += ordered_ns - begin_ns;
      table_ns += cpu_ns() - ordered_ns;
    }
    const auto count = static_cast<double>(events.size());
    std::printf("%zu events: order %.0f ns, table %.0f ns an event; %llu processes\n", events.size(),
                static_cast<double>(order_ns) / count, static_cast<double>(table_ns) / count,
                static_cast<unsigned long long>(table.counters().processes));
  }
  return 0;
}
