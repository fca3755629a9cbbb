// detectd-generate: events or rules, on standard output, the same for the same seed.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "bench/events.h"
#include "bench/rules.h"

namespace {

using detectd::bench::StreamOptions;

constexpr const char* kUsage =
    "usage: detectd-generate [--events N] [--seed N] [--pids N] [--unseen-share S] [--hit-share S] "
    "[--hit-rules N]\n"
    "       detectd-generate --rules N\n"
    "\n"
    "  --events N        capture lines (default 1000000)\n"
    "  --seed N          another stream of the same kind (default 1)\n"
    "  --pids N          distinct process ids, used in turn; at least 16 (default 30000)\n"
    "  --unseen-share S  of the ordinary execs: command lines that occur once (default 0.25)\n"
    "  --hit-share S     of the events: those that make a rule of --rules hold (default 0.005)\n"
    "  --hit-rules N     which rules: the first N of --rules (default 100)\n"
    "  --rules N         rules instead of events: 80 % literals, 15 % parent and child, 5 % regular "
    "expressions\n";

struct Request {
  StreamOptions stream;
  size_t rules = 0;
};

template <typename Number>
bool read(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool read_option(std::string_view name, std::string_view value, Request& request) {
  StreamOptions& stream = request.stream;
  if (name == "--events") return read(value, stream.events);
  if (name == "--seed") return read(value, stream.seed);
  if (name == "--pids") return read(value, stream.pids) && stream.pids >= 16;
  if (name == "--unseen-share") return read(value, stream.unseen_share);
  if (name == "--hit-share") return read(value, stream.hit_share);
  if (name == "--hit-rules") return read(value, stream.hit_rules);
  if (name == "--rules") return read(value, request.rules);
  return false;
}

bool write_out(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
}

}  // namespace

int main(int argc, char** argv) {
  Request request;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 >= argc || !read_option(argv[i], argv[i + 1], request)) {
      std::fputs(kUsage, stderr);
      return 2;
    }
  }
  // A reader that went away ends us by SIGPIPE; a full disk shows when the stream is closed.
  if (request.rules > 0) {
    for (size_t i = 0; i < request.rules; ++i) write_out(detectd::bench::rule_toml(i));
  } else {
    write_events(request.stream, write_out);
  }
  if (std::fclose(stdout) == 0) return 0;
  std::perror("detectd-generate: write");
  return 5;
}
