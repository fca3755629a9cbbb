// What decoding a capture costs, without and with reading it: detectd-codec-bench FILE [ROUNDS]. One thread, lines
// in memory for the first figure; medians of CPU time.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "engine/event_codec.h"
#include "src/sources/capture_file.h"
#include "src/sources/replay.h"

using namespace detectd;

namespace {

int fail(const std::string& message) {
  std::fprintf(stderr, "detectd-codec-bench: %s\n", message.c_str());
  return 1;
}

double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

double median_ns(size_t rounds, const std::function<void()>& work) {
  std::vector<double> times;
  for (size_t i = 0; i < rounds; ++i) {
    const double begin = cpu_ns();
    work();
    times.push_back(cpu_ns() - begin);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

// All lines, one behind the other, as a reader would have them in its buffer.
struct Lines {
  std::string text;
  std::vector<size_t> ends;
};

Status load(const std::string& path, Lines& all) {
  auto file = CaptureFile::open(path, size_t{1} << 20);
  if (!file) return std::move(file).error();
  std::vector<CaptureLine> lines;
  while (true) {
    if (Status read = (*file)->read_lines(4096, lines); !read) return read;
    if (lines.empty()) break;
    for (const CaptureLine& line : lines) {
      all.text += line.text;
      all.ends.push_back(all.text.size());
      all.text += '\n';
    }
  }
  all.text.append(EventDecoder::kPadding, '\0');
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return fail("usage: detectd-codec-bench FILE [ROUNDS]");
  const size_t rounds = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 11;
  Lines lines;
  if (Status loaded = load(argv[1], lines); !loaded) return fail(loaded.error().message);
  if (lines.ends.empty()) return fail("no lines");

  Schema schema;
  want_always(schema);
  EventDecoder decoder(schema);
  std::vector<Event> events(64);
  LineNotes notes;
  size_t bad = 0;
  const double decode_ns = median_ns(rounds, [&] {
    size_t begin = 0;
    bad = 0;
    for (size_t i = 0; i < lines.ends.size(); ++i) {
      const std::string_view line = std::string_view(lines.text).substr(begin, lines.ends[i] - begin);
      if (decoder.decode(line, events[i % events.size()], notes)) ++bad;
      begin = lines.ends[i] + 1;
    }
  });

  WorkerPool workers(1);
  const double replay_ns = median_ns(rounds, [&] {
    Diagnostics diagnostics;
    auto source = ReplaySource::open({.paths = {argv[1]}, .skip_bad = true}, schema, workers, diagnostics);
    std::vector<Event> chunk;
    while (source) {
      const auto more = (*source)->next(chunk);
      if (!more || !*more) break;
    }
  });
  const auto count = static_cast<double>(lines.ends.size());
  std::printf("%zu lines of %.0f bytes, %zu bad, medians of %zu\n", lines.ends.size(),
              static_cast<double>(lines.text.size()) / count, bad, rounds);
  std::printf("decode           %6.0f ns/line  %5.2f GB/s\n", decode_ns / count,
              static_cast<double>(lines.text.size()) / decode_ns);
  std::printf("read and decode  %6.0f ns/line\n", replay_ns / count);
}
