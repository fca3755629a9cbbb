#include "src/sources/replay.h"

#include <zlib.h>
#include <zstd.h>
#include <catch2/catch.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>

#include "engine/event_codec.h"
#include "src/sources/prefetch.h"
#include "tests/support/event_dump.h"
#include "tests/support/source_dir.h"
#include "tests/support/temp_dir.h"

using namespace detectd;

namespace {

struct Settings {
  bool skip_bad = false;
  size_t chunk_events = 4096;
  size_t threads = 1;
};

// What reading some captures comes to.
struct Read {
  std::string events;       // "file:line", in order, silent ones in parentheses
  std::string dump;         // all that the events carry
  std::string error;        // empty: read to the end
  std::string diagnostics;  // rendered
  SourceReport report;
};

Schema replay_schema() {
  Schema schema;
  want_always(schema);
  schema.want(field::kTimestamp);
  schema.want(*schema.add("labels.phase", FieldType::kText, false));
  return schema;
}

std::string render_all(const Diagnostics& diagnostics, const std::string& directory) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics.all()) text += render(diagnostic);
  for (size_t at = 0; (at = text.find(directory)) != std::string::npos;) text.erase(at, directory.size());
  return text;
}

Read read(const TempDir& dir, const std::vector<std::string>& names, Settings settings = {}) {
  static const Schema schema = replay_schema();
  // Several threads read ahead, as detectd lets them.
  const bool ahead = settings.threads > 1;
  WorkerPool workers(settings.threads, ahead ? 2 : 1);
  ReplayOptions options;
  for (const std::string& name : names) options.paths.push_back(name == "-" ? name : dir.path(name));
  options.skip_bad = settings.skip_bad;
  options.chunk_events = settings.chunk_events;
  Read result;
  Diagnostics opening;
  auto source = ReplaySource::open(options, schema, workers, opening);
  if (!source) {
    result.error = source.error().message;
    result.diagnostics = render_all(opening, dir.path(""));
    return result;
  }
  std::optional<Prefetch> prefetch;
  if (ahead) prefetch.emplace(**source, workers);
  EventSource& from = prefetch ? static_cast<EventSource&>(*prefetch) : **source;
  std::vector<Event> chunk;
  while (true) {
    const auto more = from.next(chunk);
    if (!more) result.error = more.error().message;
    if (!more || !*more) break;
    CHECK(chunk.size() <= settings.chunk_events);
    for (const Event& event : chunk) {
      const std::string place = std::to_string(event.origin.file) + ":" + std::to_string(event.origin.line);
      result.events += (event.silent ? "(" + place + ")" : place) + " ";
      result.dump += place + " " + std::to_string(event.time_ns) + " " +
                     (event.host ? event.host->name : "-") + " " + dump(event, schema);
    }
  }
  result.report = from.report();
  result.diagnostics = render_all(result.report.diagnostics, dir.path(""));
  const size_t at = result.error.find(dir.path(""));
  if (at != std::string::npos) result.error.erase(at, dir.path("").size());
  return result;
}

// An exec of pid `pid`, `ms` milliseconds after 2026-11-20T14:00:00Z.
std::string line_at(int ms, int pid = 1, const std::string& more = "") {
  char text[200];
  std::snprintf(
      text, sizeof text,
      R"({"@timestamp":"2026-11-20T14:00:%02d.%03dZ","event":{"action":"exec"},"process":{"pid":%d}%s})",
      ms / 1000, ms % 1000, pid, more.c_str());
  return std::string(text) + "\n";
}

std::string gzip(const std::string& text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

std::string zstd(const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  const size_t size = ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3);
  REQUIRE_FALSE(ZSTD_isError(size));
  packed.resize(size);
  return packed;
}

// Two seconds of events, 3 ms apart.
std::string many_lines() {
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    text += line_at(3 * i, i + 1, R"(,"labels":{"phase":"p)" + std::to_string(i % 7) + "\"}");
  }
  return text;
}

}  // namespace

TEST_CASE("a capture reads the same plain, gzip, zstd, in members and frames", "[replay]") {
  const TempDir dir;
  const std::string text = many_lines();
  const std::string first = text.substr(0, 30'001);
  const std::string second = text.substr(30'001);
  dir.write("plain.jsonl", text);
  dir.write("a.jsonl.gz", gzip(text));
  dir.write("a.jsonl.zst", zstd(text));
  dir.write("members.gz", gzip(first) + gzip(second) + std::string(512, '\0'));
  dir.write("frames.zst", zstd(first) + zstd(second));
  dir.write("crlf.jsonl", [&] {
    std::string crlf = "\xef\xbb\xbf";
    for (const char c : text) crlf += c == '\n' ? std::string("\r\n\r\n") : std::string(1, c);
    return crlf;
  }());
  const Read plain = read(dir, {"plain.jsonl"});
  CHECK(plain.report.events == 1000);
  CHECK(plain.diagnostics.empty());
  CHECK(plain.report.bytes_read == text.size());
  CHECK(plain.report.bytes_total == text.size());
  for (const char* const name : {"a.jsonl.gz", "a.jsonl.zst", "members.gz", "frames.zst"}) {
    CAPTURE(name);
    const Read packed = read(dir, {name});
    CHECK(packed.error.empty());
    CHECK(packed.dump == plain.dump);
  }
  CHECK(read(dir, {"crlf.jsonl"}).report.events == 1000);
}

TEST_CASE("events do not depend on the size of chunks or the number of threads", "[replay][threads]") {
  const TempDir dir;
  std::string text = many_lines();
  text += line_at(3000, 1) + "{\"process\":{\"pid\":2}}\nbroken\n" + line_at(2990, 3);
  dir.write("a.jsonl", text);
  dir.write("b.jsonl.gz", gzip(many_lines()));
  const Read want = read(dir, {"a.jsonl", "b.jsonl.gz"}, {.skip_bad = true});
  CHECK(want.report.events == 2003);
  for (const size_t chunk_events : {1u, 7u, 100u, 4096u}) {
    for (const size_t threads : {1u, 2u, 3u}) {
      CAPTURE(chunk_events, threads);
      const Read got = read(dir, {"a.jsonl", "b.jsonl.gz"},
                            {.skip_bad = true, .chunk_events = chunk_events, .threads = threads});
      CHECK(got.dump == want.dump);
      CHECK(got.diagnostics == want.diagnostics);
      CHECK(got.report.skipped == 1);
    }
  }
}

TEST_CASE("TRUST 14: a capture shuffled within 50 ms is read in its true order", "[replay]") {
  const TempDir dir;
  dir.write("sorted.jsonl", many_lines());
  std::vector<std::pair<int, int>> order;  // when it came, number
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) order.emplace_back(3 * i + static_cast<int>(random() % 50), i);
  std::stable_sort(order.begin(), order.end());
  std::string shuffled;
  for (const auto& [came, i] : order) {
    shuffled += line_at(3 * i, i + 1, R"(,"labels":{"phase":"p)" + std::to_string(i % 7) + "\"}");
  }
  dir.write("shuffled.jsonl", shuffled);
  const auto without_places = [](const Read& read) {
    std::string text;
    for (size_t at = 0; at < read.dump.size();) {
      const size_t end = read.dump.find('\n', at);
      const std::string line = read.dump.substr(at, end - at);
      text += (line.find("0:") == 0 ? line.substr(line.find(' ')) : line) + "\n";
      at = end + 1;
    }
    return text;
  };
  const Read sorted = read(dir, {"sorted.jsonl"});
  const Read got = read(dir, {"shuffled.jsonl"});
  CHECK(got.events != sorted.events);
  CHECK(without_places(got) == without_places(sorted));
}

TEST_CASE("events of one time keep the order of their lines, and later ones than 50 ms stay", "[replay]") {
  const TempDir dir;
  dir.write("a.jsonl", line_at(10) + line_at(10) + line_at(5) + line_at(100) + line_at(10) + line_at(100));
  CHECK(read(dir, {"a.jsonl"}).events == "0:3 0:1 0:2 0:5 0:4 0:6 ");
}

TEST_CASE("files are merged by time; of equal times the file named first comes first", "[replay]") {
  const TempDir dir;
  dir.write("a.jsonl", line_at(100) + line_at(300) + line_at(500));
  dir.write("b.jsonl", line_at(200) + line_at(300) + line_at(400));
  dir.write("c.jsonl", line_at(50));
  CHECK(read(dir, {"a.jsonl", "b.jsonl", "c.jsonl"}).events == "2:1 0:1 1:1 0:2 1:2 1:3 0:3 ");
}

TEST_CASE("a capture with detectd's header keeps its order and names its host", "[replay]") {
  const TempDir dir;
  dir.write("a.jsonl", R"({"detectd":{"capture":1,"host":{"name":"web01","id":"i"},"boot_id":"b"}})"
                       "\n" +
                           line_at(20) + line_at(10) + line_at(30));
  const Read got = read(dir, {"a.jsonl"});
  CHECK(got.events == "0:2 0:3 0:4 ");
  CHECK(got.dump.find(" web01 exec") != std::string::npos);
  CHECK(got.report.events == 3);
  CHECK(got.diagnostics.empty());
}

TEST_CASE("the process table in later parts of a rotated capture is shown to no rule", "[replay]") {
  const TempDir dir;
  const std::string running =
      R"({"@timestamp":"2026-11-20T14:00:00Z","event":{"action":"already_running","reason":"capture_start"},"process":{"pid":1}})"
      "\n";
  for (const char* const part : {"1", "2"}) {
    dir.write(std::string("part") + part,
              std::string(R"({"detectd":{"capture":1,"part":)") + part + "}}\n" + running + line_at(5));
  }
  CHECK(read(dir, {"part1"}).events == "0:2 0:3 ");
  CHECK(read(dir, {"part2"}).events == "(0:2) 0:3 ");
}

TEST_CASE("a line without a time has that of the line before, the first one 1970", "[replay]") {
  const TempDir dir;
  dir.write("a.jsonl", "{\"process\":{\"pid\":1}}\n" + line_at(10) + "{\"process\":{\"pid\":2}}\n");
  const Read got = read(dir, {"a.jsonl"});
  CHECK(got.dump.find("0:1 0 - exec") == 0);
  CHECK(got.dump.find("0:3 1795183200010000000 - exec\nprocess.pid = 2\n"
                      "@timestamp = \"2026-11-20T14:00:00.010000000Z\"\n") != std::string::npos);
}

TEST_CASE("a source that is closed before its end warns of what was read, not of a mistake behind it",
          "[replay]") {
  const TempDir dir;
  dir.write("a.jsonl", "{\"process\":{\"pid\":1}}\n" + line_at(1) + line_at(2));
  dir.write("b.jsonl", line_at(0) + line_at(5) + "broken\n");
  WorkerPool workers(1);
  const Schema schema = replay_schema();
  Diagnostics opening;
  const ReplayOptions options{.paths = {dir.path("a.jsonl"), dir.path("b.jsonl")}, .chunk_events = 2};
  auto source = ReplaySource::open(options, schema, workers, opening);
  REQUIRE(source);
  std::vector<Event> chunk;
  REQUIRE((*source)->next(chunk));
  CHECK((*source)->report().diagnostics.all().empty());
  for (int times = 0; times < 2; ++times) {
    (*source)->close();
    CHECK(
        render_all((*source)->report().diagnostics, dir.path("")) ==
        "warning[D303]: of 3 events: 1 without @timestamp (time of the line before), 1 without event.action "
        "(read as exec, or end by event.type)\n"
        " --> a.jsonl\n");
  }
}

TEST_CASE("TRUST bad input 39: a broken line stops the reading, or is counted", "[replay]") {
  const TempDir dir;
  const std::string broken = R"({"process":{"args":["a long line before the mistake, really long)"
                             "\x1b[2J"
                             R"("],"pid":1 "name":"x"}})"
                             "\n";
  dir.write("cap.jsonl", line_at(1) + "{\"process\":{\"pid\":1}\x1b,\"name\" \"a\"}\n" + line_at(2));
  const Read stopped = read(dir, {"cap.jsonl"});
  CHECK(stopped.events == "0:1 ");
  CHECK(stopped.error == "cap.jsonl:2:21: error[D300]: expected ',' or '}'");
  CHECK(stopped.diagnostics ==
        "error[D300]: expected ',' or '}'\n"
        "  --> cap.jsonl:2:21\n"
        "   |\n"
        " 2 | {\"process\":{\"pid\":1}\\x1b,\"name\" \"a\"}\n"
        "   |                     ^^^^\n"
        "   = help: --skip-bad counts such lines and goes on\n");
  const Read skipped = read(dir, {"cap.jsonl"}, {.skip_bad = true});
  CHECK(skipped.error.empty());
  CHECK(skipped.events == "0:1 0:3 ");
  CHECK(skipped.report.skipped == 1);
  CHECK(skipped.diagnostics.find("warning[D300]: expected ',' or '}' (line skipped)\n") == 0);
}

TEST_CASE("TRUST bad input 39: of a long line the part round the mistake is shown", "[replay]") {
  const TempDir dir;
  dir.write("cap.jsonl", "{\"a\":\"" + std::string(1000, 'x') + "\",\"b\":tru,\"c\":\"" +
                             std::string(1000, 'y') + "\"}\n");
  CHECK(read(dir, {"cap.jsonl"}).diagnostics ==
        "error[D300]: expected a value\n"
        "  --> cap.jsonl:1:1013\n"
        "   |\n"
        " 1 | ...xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\",\"b\":tru,\"c\":\"" +
            std::string(51, 'y') +
            "\n"
            "   |                                            ^\n"
            "   = help: --skip-bad counts such lines and goes on\n");
}

TEST_CASE("TRUST bad input 40: a last line that was cut is one skipped line", "[replay]") {
  const TempDir dir;
  dir.write("cap.jsonl", line_at(1) + R"({"process":{"pi)");
  const Read got = read(dir, {"cap.jsonl"});
  CHECK(got.error.empty());
  CHECK(got.events == "0:1 ");
  CHECK(got.report.skipped == 1);
  CHECK(got.diagnostics ==
        "warning[D301]: the last line is cut at byte 103 (capture ended while writing?); used up to line 1\n"
        " --> cap.jsonl\n");
  dir.write("whole.jsonl", line_at(1) + R"({"process":{"pid":2}})");
  CHECK(read(dir, {"whole.jsonl"}).events == "0:1 0:2 ");
}

TEST_CASE("TRUST bad input 41: a compressed capture that was cut is used to the cut, then an error",
          "[replay]") {
  const TempDir dir;
  for (const std::string& packed : {gzip(many_lines()), zstd(many_lines())}) {
    dir.write("cap.packed", packed.substr(0, packed.size() / 2));
    const Read got = read(dir, {"cap.packed"}, {.skip_bad = true});
    CHECK(got.error == "cap.packed: error[D302]: stream ends early after " +
                           std::to_string(packed.size() / 2) + " bytes; " +
                           std::to_string(got.report.events) + " events read");
    CHECK(got.report.events < 1000);
    CHECK(got.diagnostics.find("error[D302]: stream ends early after ") != std::string::npos);
  }
  std::string damaged = gzip(many_lines());
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
  dir.write("damaged.gz", damaged);
  CHECK(read(dir, {"damaged.gz"}, {.skip_bad = true}).error.find("D302") != std::string::npos);
  dir.write("behind.gz", gzip(line_at(1)) + "junk");
  CHECK(read(dir, {"behind.gz"}).error.find("something that is not gzip follows; 1 event read") !=
        std::string::npos);
}

TEST_CASE("TRUST bad input 42: events without pid, time or kind are one warning a file", "[replay]") {
  const TempDir dir;
  dir.write("cap.jsonl", line_at(1) + "{\"process\":{\"pid\":1}}\n{\"event\":{\"action\":\"teleport\"}}\n");
  CHECK(
      read(dir, {"cap.jsonl"}).diagnostics ==
      "warning[D303]: of 3 events: 1 without process.pid (no lineage), 2 without @timestamp (time of the "
      "line "
      "before), 1 without event.action (read as exec, or end by event.type), 1 with an unknown event.action "
      "(shown to no rule)\n"
      " --> cap.jsonl\n");
}

TEST_CASE("TRUST bad input 44: time that goes back is one warning a file, and the order is kept",
          "[replay]") {
  const TempDir dir;
  dir.write("cap.jsonl", line_at(30'000) + line_at(29'990) + line_at(2'000) + line_at(1'990) + line_at(900));
  const Read got = read(dir, {"cap.jsonl"});
  CHECK(got.events == "0:2 0:1 0:4 0:3 0:5 ");
  CHECK(got.diagnostics ==
        "warning[D305]: time goes back by more than a second in 2 places, first at line 3\n"
        " --> cap.jsonl\n"
        "  = help: events are put in order by time within 50 ms; what is later stays where it is\n");
}

TEST_CASE("TRUST bad input 45: a capture of another version is refused, also with --skip-bad", "[replay]") {
  const TempDir dir;
  dir.write("cap.jsonl", "{\"detectd\":{\"capture\":7,\"version\":\"9.1\"}}\n" + line_at(1));
  const Read got = read(dir, {"cap.jsonl"}, {.skip_bad = true});
  CHECK(got.error ==
        "cap.jsonl:1:23: error[D306]: this capture has version 7; this detectd reads 1; captured by detectd "
        "9.1");
  CHECK(got.events.empty());
}

TEST_CASE("TRUST bad input 46: a line of more than 8 MiB is an error with its offset", "[replay]") {
  const TempDir dir;
  const std::string first = line_at(1);
  dir.write("cap.gz", gzip(first + "{\"a\":\"" + std::string(20'000'000, 'x') + "\"}\n" + line_at(2)));
  CHECK(read(dir, {"cap.gz"}).error ==
        "cap.gz:2:1: error[D307]: line longer than 8 MiB at offset " + std::to_string(first.size()));
  const Read skipped = read(dir, {"cap.gz"}, {.skip_bad = true});
  CHECK(skipped.events == "0:1 0:3 ");
  CHECK(skipped.report.skipped == 1);
  dir.write("long.jsonl", "{\"a\":\"" + std::string(8'388'598, 'x') + "\"}\n" + line_at(2));
  CHECK(read(dir, {"long.jsonl"}).report.events == 2);
}

TEST_CASE("TRUST bad input 47: replaced bytes are one counted warning a file", "[replay]") {
  const TempDir dir;
  dir.write("cap.jsonl", line_at(1) + line_at(2, 1, ",\"x\":\"\xff\"") + line_at(3, 1, R"(,"x":"\ud800")"));
  const Read got = read(dir, {"cap.jsonl"});
  CHECK(got.report.events == 3);
  CHECK(got.report.skipped == 0);
  CHECK(got.diagnostics ==
        "warning[D313]: 2 lines have bytes that are not UTF-8 or lone surrogates, first line 2; each is read "
        "as "
        "U+FFFD\n --> cap.jsonl\n");
}

TEST_CASE("TRUST bad input 48: files of other formats are named", "[replay]") {
  struct Case {
    std::string bytes;
    const char* want;
  };
  using namespace std::string_literals;
  const Case cases[] = {
      {"type=SYSCALL msg=audit(1604994496.155:92733): arch=c000003e\n",
       "looks like an audit log; auditd logs can not be read yet"},
      {gzip("type=EXECVE msg=audit(1:1): argc=1\n"),
       "looks like an audit log; auditd logs can not be read yet"},
      {"\xd4\xc3\xb2\xa1\x02\x00"s, "looks like a packet capture (pcap); detectd reads process events"},
      {"ElfFile\0\0\0"s, "looks like a Windows event log (evtx); those can not be read yet"},
      {"\x7f"
       "ELF\x02\x01"s,
       "looks like a program (ELF), not a capture"},
      {"\xff\xfe{\0"s, "looks like UTF-16 text; captures are UTF-8"},
      {"[{}]", "looks like one JSON list; a capture has one object a line"},
  };
  const TempDir dir;
  for (const Case& c : cases) {
    dir.write("cap", c.bytes);
    CAPTURE(c.want);
    const Read got = read(dir, {"cap"});
    CHECK(got.diagnostics.find("error[D310]: "s + c.want + "\n --> cap\n") == 0);
  }
}

TEST_CASE("TRUST bad input 49: an empty file and a directory are told apart from captures", "[replay]") {
  const TempDir dir;
  dir.write("empty", "");
  dir.write("empty.gz", gzip(""));
  std::filesystem::create_directory(dir.path("sub"));
  CHECK(read(dir, {"empty", "empty.gz", "sub"}).diagnostics ==
        "error[D311]: the file is empty\n --> empty\n"
        "  = help: pass files that hold events, or - for standard input\n"
        "error[D311]: the file is empty\n --> empty.gz\n"
        "  = help: pass files that hold events, or - for standard input\n"
        "error[D312]: this is a directory\n --> sub\n"
        "  = help: pass files, or - for standard input\n");
  CHECK(read(dir, {"absent"}).error.find("no such file or directory") != std::string::npos);
}

TEST_CASE("the admin day is read whole, and the same on two threads", "[replay][threads]") {
  const std::filesystem::path day(test::source_dir() + "/../shared/data/ecs/admin-day-open.jsonl.gz");
  if (!std::filesystem::exists(day)) {
    WARN("skipped: " << day << " is not there");
    return;
  }
  const Schema schema = replay_schema();
  const auto digest = [&](size_t threads) {
    WorkerPool workers(threads);
    Diagnostics diagnostics;
    auto source = ReplaySource::open({.paths = {day.string()}}, schema, workers, diagnostics);
    REQUIRE(source);
    size_t hash = 0;
    std::vector<Event> chunk;
    while (true) {
      const auto more = (*source)->next(chunk);
      INFO((more ? std::string() : more.error().message));
      REQUIRE(more);
      if (!*more) break;
      for (const Event& event : chunk) {
        hash = hash * 31 + std::hash<std::string_view>()(event.raw()) + static_cast<size_t>(event.time_ns);
      }
    }
    CHECK((*source)->report().events == 154'044);
    CHECK((*source)->report().skipped == 0);
    CHECK((*source)->report().diagnostics.all().empty());
    return hash;
  };
  CHECK(digest(1) == digest(2));
}

TEST_CASE("reading ahead stops when it is told to, whatever was read by then", "[prefetch][threads]") {
  TempDir dir;
  std::string lines;
  for (int i = 0; i < 5000; ++i)
    lines += R"({"event":{"action":"exec"},"process":{"pid":7}})"
             "\n";
  dir.write("c.jsonl", lines);
  const Schema schema = replay_schema();
  for (const int chunks : {0, 1, 3}) {
    WorkerPool workers(2, 2);
    Diagnostics diagnostics;
    auto source = ReplaySource::open({.paths = {dir.path("c.jsonl")}, .chunk_events = 100}, schema, workers,
                                     diagnostics);
    REQUIRE(source);
    Prefetch prefetch(**source, workers);
    std::vector<Event> chunk;
    for (int i = 0; i < chunks; ++i) REQUIRE(*prefetch.next(chunk));
    CHECK(prefetch.report().events == static_cast<uint64_t>(100 * chunks));
    prefetch.close();
  }
}
