#include "src/capture_writer.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <random>

#include "engine/engine.h"
#include "engine/event_key.h"
#include "engine/matcher.h"
#include "engine/timestamp.h"
#include "src/sources/capture_file.h"
#include "src/sources/replay.h"
#include "tests/support/event_dump.h"
#include "tests/support/events.h"
#include "tests/support/stream.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

// Id changes and their execs, lineage, credentials, windows.
const char* const kRules = R"toml(
[[rule]]
id = "00000000-0000-4000-8000-000000000001"
name = "rose"
title = "t"
level = "low"
on = ["exec", "uid_change"]
[rule.detection]
x."detectd.escalated" = true
condition = "x"

[[rule]]
id = "00000000-0000-4000-8000-000000000002"
name = "child-of-shell"
title = "t"
level = "low"
on = ["exec", "end", "fork"]
suppress = { by = ["process.name"], for = "1s" }
[rule.detection]
x."process.parent.name" = "sh"
condition = "x"

[[rule]]
id = "00000000-0000-4000-8000-000000000003"
name = "previously-sh"
title = "t"
level = "low"
on = ["exec", "uid_change"]
[rule.detection]
x."process.previous.executable" = "/bin/sh"
condition = "x"

[[rule]]
id = "00000000-0000-4000-8000-000000000005"
name = "seen-at-start"
title = "t"
level = "low"
on = ["already_running"]
[rule.detection]
x."process.pid|gte" = 1
condition = "x"

[[correlation]]
id = "00000000-0000-4000-8000-000000000004"
name = "many"
title = "t"
generate = true
suppress = false
level = "high"
type = "event_count"
rules = ["child-of-shell"]
group-by = ["process.parent.entity_id"]
timespan = "50ms"
condition = { gte = 3 }
)toml";

struct RunResult {
  std::string digest;
  std::string events;  // as the rules saw them
  std::string seen;    // their numbers and lineage
  uint64_t hits = 0;
  std::vector<std::string> told;
};

// What the table and the header add to it.
std::string lineage(const Event& event) {
  std::string text = event.joined ? "joined " : "";
  text += format_rfc3339(event.time_ns) + ' ' + std::to_string(event.order_ns()) + ' ' +
          std::string(host_of(event)) + ' ' + (event.host ? event.host->boot_id : "") + ' ' +
          std::to_string(event.repetition);
  for (const Process* one = event.process.get(); one != nullptr; one = one->parent.get())
    text += " < " + std::string(one->entity_id());
  return text;
}

struct Capturing {
  std::string path;
  uint64_t max_bytes = 0;
  size_t chunk_events = 64;
  bool goes_on = false;
  std::string started = "2026-11-22T08:00:00Z";
  std::shared_ptr<const CaptureHost> host = nullptr;
};

// As the pipeline does.
RunResult run(const std::vector<std::string>& paths, const std::shared_ptr<const RuleSet>& rules,
              const Capturing& capturing = {}) {
  WorkerPool workers(1);
  Diagnostics diagnostics;
  auto source = ReplaySource::open({.paths = paths, .chunk_events = capturing.chunk_events}, rules->schema(),
                                   workers, diagnostics);
  REQUIRE(source);
  Engine engine(rules, {});
  RunResult result;
  std::unique_ptr<CaptureWriter> capture;
  if (!capturing.path.empty()) {
    auto opened = CaptureWriter::open(
        {.path = capturing.path,
         .goes_on = capturing.goes_on,
         .max_bytes = capturing.max_bytes,
         .version = "0.1.0",
         .started = capturing.started,
         .host = capturing.host,
         .visit_running = [&](const std::function<void(Event&)>& visit) { engine.visit_running(visit); },
         .tell = [&](const Error& error) { result.told.push_back(error.message); }},
        rules->schema());
    REQUIRE(opened);
    capture = *std::move(opened);
  }
  Matcher matcher(*rules);
  std::vector<Event> chunk, ready;
  std::vector<Hit> hits;
  int64_t now_ns = 0;
  for (bool more = true; more;) {
    auto next = (*source)->next(chunk);
    REQUIRE(next);
    more = *next;
    ready.clear();
    for (Event& event : chunk) engine.observe(event, ready);
    if (!more) engine.flush(ready);
    for (const Event& event : ready) {
      std::vector<uint32_t> held;
      engine.match(event, matcher, held);
      engine.conclude(event, held, hits);
      if (capture) capture->write(event);
      if (!event.silent) result.seen += std::to_string(event.sequence) + lineage(event) + "\n";
      if (!event.silent) result.events += dump(event, rules->schema()) + lineage(event) + "\n";
    }
    if (capture) capture->settle(now_ns += CaptureWriter::kFlushNs);
  }
  if (capture) capture->close();
  result.digest = hex(engine.hits_digest().value());
  result.hits = engine.counters().hits;
  return result;
}

// Every path that a capture of this name has, latest parts first: the order must not matter.
std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (int64_t part = 1; std::filesystem::exists(part_path(path, part)); ++part)
    parts.insert(parts.begin(), part_path(path, part));
  return parts;
}

// Lines as foreign tools may write them: late, without time or pid, with fields nobody knows.
class RandomLines {
 public:
  explicit RandomLines(unsigned seed) : random_(seed) {}

  std::string lines(size_t count, int64_t first_ms) {
    std::string text;
    time_us_ = first_ms * 1000;
    for (size_t i = 0; i < count; ++i) text += line() + "\n";
    return text;
  }

 private:
  size_t below(size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random_); }

  std::string line() {
    static const char* const kActions[] = {"exec",
                                           "exec",
                                           "fork",
                                           "end",
                                           "uid_change",
                                           "exec",
                                           "uid_change",
                                           "gid_change",
                                           "session_id_change",
                                           "already_running"};
    static const char* const kPrograms[] = {"/bin/sh", "/usr/bin/sudo", "/bin/id"};
    time_us_ += static_cast<int64_t>(below(6000));
    const int64_t late_us = below(5) == 0 ? static_cast<int64_t>(below(20'000)) : 0;
    const std::string action = kActions[below(std::size(kActions))];
    const std::string pid = std::to_string(2 + below(6));
    std::string text = R"({"process":{"pid":)" + pid;
    if (below(3) != 0) text += R"(,"user":{"id":)" + std::to_string(below(2) * 1000) + "}";
    if (below(3) == 0) text += R"(,"real_user.id":1000)";
    if (action == "fork") text += R"(,"parent":{"pid":)" + std::to_string(2 + below(6)) + "}";
    if (action == "exec") text += std::string(R"(,"executable":")") + kPrograms[below(3)] + "\"";
    if (below(7) == 0) text += R"(,"start":")" + format_rfc3339(time_us_ * 1000) + "\"";
    text += "}";
    if (below(9) != 0) text += R"(,"event.action":")" + action + "\"";
    if (below(9) != 0) text += R"(,"@timestamp":")" + format_rfc3339((time_us_ - late_us) * 1000) + "\"";
    if (below(11) == 0) text += R"(,"vendor":{"score":)" + std::to_string(below(9)) + R"(,"text":"\u00e9"})";
    if (below(11) == 0) text += ",\"bytes\":\"\xff\"";
    if (below(9) == 0) text += R"(,"detectd":{"missing":["process.parent.pid"]})";
    return text + "}";
  }

  std::mt19937 random_;
  int64_t time_us_ = 0;
};

}  // namespace

TEST_CASE("a capture of a replay, whole or in parts, gives the same events and the same hits", "[capture]") {
  const auto rules = testing::compile_toml(kRules);
  uint64_t hits = 0;
  for (unsigned seed = 0; seed < 20; ++seed) {
    const TempDir dir;
    RandomLines lines(seed);
    dir.write("a.jsonl", lines.lines(200, 1000));
    dir.write("b.jsonl", R"({"detectd":{"capture":1,"boot_id":"b","host":{"id":"h2","name":"two"}}})"
                         "\n" +
                             lines.lines(150, 1200));
    const std::vector<std::string> both = {dir.path("a.jsonl"), dir.path("b.jsonl")};
    const RunResult direct = run(both, rules);
    hits += direct.hits;
    for (const char* const name : {"c.jsonl", "c.jsonl.gz", "c.zst"}) {
      for (const uint64_t max_bytes : {uint64_t{0}, uint64_t{3000}}) {
        CAPTURE(seed, name, max_bytes);
        const std::string path = dir.path(std::to_string(max_bytes) + name);
        const RunResult writing =
            run(both, rules, {.path = path, .max_bytes = max_bytes, .chunk_events = 1 + seed * 3});
        CHECK(writing.told.empty());
        CHECK(writing.digest == direct.digest);
        const auto parts = parts_of(path);
        if (max_bytes != 0 && path.ends_with(".jsonl")) CHECK(parts.size() > 3);
        const RunResult again = run(parts, rules);
        REQUIRE(again.events == direct.events);
        CHECK(again.digest == direct.digest);
        // And a capture of that one.
        run(parts, rules, {.path = dir.path("again" + std::to_string(max_bytes) + name)});
        CHECK(run({dir.path("again" + std::to_string(max_bytes) + name)}, rules).events == direct.events);
      }
    }
  }
  CHECK(hits > 500);
}

namespace {

// As a live source gives them: not read from a line, on one host, numbered; the wall clock is set back an hour on the way.
std::vector<Event> live_events(unsigned seed, const std::shared_ptr<const CaptureHost>& host) {
  std::mt19937 random(seed);
  const auto below = [&](int end) { return std::uniform_int_distribution(0, end - 1)(random); };
  std::vector<Event> events;
  int64_t boot_ns = 5'000'000'000;
  for (int i = 0; i < 400; ++i) {
    boot_ns += below(4'000'000);
    const int pid = 2 + below(6);
    const int kind = below(8);
    Event event = kind < 3   ? Event(test::exec(pid, below(2) == 0 ? "/bin/sh" : "/usr/bin/id"))
                  : kind < 5 ? Event(test::uid_change(pid, below(2) * 1000, below(2) * 1000))
                  : kind < 7 ? Event(test::fork(2 + below(6), pid))
                             : Event(test::end(pid));
    event.has_time = true;
    event.time_ns = *host->booted_ns + boot_ns - (i > 200 ? 3600 * kNanosPerSecond : 0);
    event.host = host;
    event.set_integer(field::kBootNs, boot_ns);
    if (kind < 3) {
      event.begin_list(process_field(Leaf::kArgs));
      event.append_text(process_field(Leaf::kArgs), "sh");
      event.append_text(process_field(Leaf::kArgs), std::string("a\n\"\xF0\x9F\x98\x80") + std::to_string(i));
    }
    if (below(9) == 0) {
      event.begin_list(field::kMissing);
      event.append_text(field::kMissing, "process.parent.pid");
      event.withhold(parent_field(Leaf::kPid));
    }
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace

TEST_CASE("a live run and the replay of its capture see the same events and give the same hits",
          "[capture][live]") {
  const auto rules = testing::compile_toml(kRules);
  CaptureHost described;
  described.id = "m1";
  described.name = "web01";
  described.boot_id = "b1";
  described.booted_ns = 1'795'132'800 * kNanosPerSecond;
  const auto host = std::make_shared<const CaptureHost>(described);
  for (unsigned seed = 0; seed < 20; ++seed) {
    for (const uint64_t max_bytes : {uint64_t{0}, uint64_t{4000}}) {
      CAPTURE(seed, max_bytes);
      const TempDir dir;
      Engine engine(rules, {.number_events = true});
      auto capture =
          CaptureWriter::open({.path = dir.path("c.jsonl"),
                               .max_bytes = max_bytes,
                               .version = "0.1.0",
                               .started = "2026-11-22T08:00:00Z",
                               .host = host,
                               .visit_running = [&](const auto& visit) { engine.visit_running(visit); },
                               .tell = [](const Error& error) { FAIL(error.message); }},
                              rules->schema());
      REQUIRE(capture);
      Matcher matcher(*rules);
      std::string seen;
      std::vector<Event> ready;
      std::vector<Hit> hits;
      int64_t now_ns = 0;
      const auto judge = [&] {
        for (const Event& event : ready) {
          std::vector<uint32_t> held;
          engine.match(event, matcher, held);
          engine.conclude(event, held, hits);
          (*capture)->write(event);
          seen += std::to_string(event.sequence) + lineage(event) + "\n";
        }
        ready.clear();
        (*capture)->settle(now_ns += CaptureWriter::kFlushNs);
      };
      std::mt19937 random(seed);
      for (Event& event : live_events(seed, host)) {
        const Moment moment{
            .time_ns = event.time_ns, .boot_ns = event.find_carried(field::kBootNs).number, .host = host};
        engine.observe(event, ready);
        if (random() % 4 == 0) engine.advance(moment, ready);
        judge();
      }
      engine.flush(ready);
      judge();
      CHECK((*capture)->close());
      CHECK(engine.counters().hits > 50);

      const auto parts = parts_of(dir.path("c.jsonl"));
      if (max_bytes != 0) CHECK(parts.size() > 5);
      const RunResult again = run(parts, rules);
      CHECK(again.digest == hex(engine.hits_digest().value()));
      // The first that differs tells enough.
      size_t same = 0;
      while (same < seen.size() && same < again.seen.size() && seen[same] == again.seen[same]) ++same;
      const size_t begin = same - std::min<size_t>(same, 200);
      CHECK(again.seen.substr(begin, 400) == seen.substr(begin, 400));
    }
  }
}

TEST_CASE("a later part alone begins with the processes that ran, which rules do not see", "[capture]") {
  const auto rules = testing::compile_toml(kRules);
  const TempDir dir;
  std::string lines;
  const auto line = [&](int ms, const std::string& rest) {
    lines += R"({"@timestamp":")" + format_rfc3339(ms * int64_t{1'000'000}) + R"(",)" + rest + "}\n";
  };
  line(1, R"("event.action":"exec","process":{"pid":5,"name":"sshd","executable":"/usr/sbin/sshd"})");
  line(2, R"("event.action":"fork","process":{"pid":6,"parent":{"pid":5}})");
  line(3, R"("event.action":"end","process":{"pid":5})");
  line(4, R"("event.action":"exec","process":{"pid":6,"name":"sh","executable":"/bin/sh"})");
  line(5, R"("event.action":"fork","process":{"pid":7,"parent":{"pid":6}})");
  line(6, R"("event.action":"exec","process":{"pid":7,"name":"id"})");
  dir.write("whole.jsonl", lines);
  // A part for each event.
  run({dir.path("whole.jsonl")}, rules, {.path = dir.path("c.jsonl"), .max_bytes = 1, .chunk_events = 1});
  const std::string last = parts_of(dir.path("c.jsonl")).front();
  std::ifstream file(last);
  std::string text(std::istreambuf_iterator<char>(file), {});
  CAPTURE(text);
  // Parents first; of the one that ended, its child tells.
  CHECK(text.find(R"("pid":6,)") < text.find(R"("pid":7,)"));
  CHECK(text.find(R"("parent":{"pid":5,)") != std::string::npos);
  CHECK(text.find("/usr/sbin/sshd") != std::string::npos);
  const RunResult alone = run({last}, rules);
  const RunResult whole = run({dir.path("whole.jsonl")}, rules);
  CHECK(alone.hits == 3);  // child-of-shell twice, previously-sh
  CHECK(whole.seen.ends_with(alone.seen));
}

TEST_CASE("what was written a second ago can be read though the run was killed", "[capture]") {
  const auto rules = testing::compile_toml(kRules);
  for (const char* const name : {"c.jsonl", "c.jsonl.gz", "c.jsonl.zst"}) {
    CAPTURE(name);
    const TempDir dir;
    auto capture = CaptureWriter::open({.path = dir.path(name), .started = "s"}, rules->schema());
    REQUIRE(capture);
    Event event = test::exec(7, "/bin/sh");
    for (int i = 0; i < 10; ++i) (*capture)->write(event);
    (*capture)->settle(0);
    (*capture)->settle(CaptureWriter::kFlushNs);
    for (int i = 0; i < 5; ++i) (*capture)->write(event);
    (*capture)->settle(CaptureWriter::kFlushNs + 1);
    // As the file is now.
    auto file = CaptureFile::open(dir.path(name), 4096);
    REQUIRE(file);
    std::vector<CaptureLine> lines;
    size_t count = 0;
    do {
      REQUIRE((*file)->read_lines(100, lines));
      count += lines.size();
    } while (!lines.empty());
    CHECK(count == 11);  // the header too
    CHECK((*file)->fault().has_value() == (std::string_view(name) != "c.jsonl"));
  }
}

TEST_CASE("where a capture can not be written it is told once, and what it lacks is counted", "[capture]") {
  const auto rules = testing::compile_toml(kRules);
  size_t told = 0;
  auto capture = CaptureWriter::open({.path = "/dev/full",
                                      .started = "s",
                                      .tell =
                                          [&](const Error& error) {
                                            ++told;
                                            CHECK(error.code == Errc::kFull);
                                          }},
                                     rules->schema());
  REQUIRE(capture);
  const Event event = test::exec(7, "/bin/sh");
  for (int second = 0; second < 5; ++second) {
    for (int i = 0; i < 10; ++i) (*capture)->write(event);
    (*capture)->settle(second * CaptureWriter::kFlushNs);
  }
  CHECK_FALSE((*capture)->close());
  CHECK(told == 1);
  CHECK((*capture)->counters().events == 0);
  CHECK((*capture)->counters().left_out == 50);
}

TEST_CASE("a capture is a new file that only its owner can read", "[capture]") {
  const auto rules = testing::compile_toml(kRules);
  const TempDir dir;
  const auto open = [&](const std::string& name) {
    const auto opened = CaptureWriter::open({.path = dir.path(name), .started = "s"}, rules->schema());
    return opened ? std::string("opened") : opened.error().message.substr(dir.path("").size() + 8);
  };
  dir.write("full", "x");
  dir.write("empty", "");
  std::filesystem::create_symlink("empty", dir.path("link"));
  std::filesystem::create_symlink("nothing", dir.path("dangling"));
  const std::string there =
      ": is there already, and a capture is never overwritten; name another file, or remove it";
  const std::string link = ": is a link, or behind one that others can set; name the file itself";
  CHECK(open("new") == "opened");
  CHECK(open("empty") == "empty" + there);
  CHECK(open("full") == "full" + there);
  CHECK(open("link") == "link" + link);
  CHECK(open("dangling") == "dangling" + link);
  const auto mode = std::filesystem::status(dir.path("new")).permissions();
  CHECK(mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("who goes on with a capture begins behind the last of its files, and overwrites none",
          "[capture]") {
  const auto rules = testing::compile_toml(kRules);
  struct Case {
    std::vector<std::string> there;
    const char* want;
  };
  const Case cases[] = {
      {{}, "c.jsonl.zst"},
      {{"c.jsonl.zst"}, "c.0002.jsonl.zst"},
      {{"c.jsonl.zst", "c.0002.jsonl.zst", "c.0010.jsonl.zst"}, "c.0011.jsonl.zst"},
      // Those before were removed.
      {{"c.0007.jsonl.zst"}, "c.0008.jsonl.zst"},
      {{"c.jsonl.zst", "c.12345.jsonl.zst"}, "c.12346.jsonl.zst"},
      // Of other captures.
      {{"cc.0007.jsonl.zst", "c.0007.jsonl", "c.x007.jsonl.zst", "c.007.jsonl.zst", "c.0007x.jsonl.zst",
        "c.-007.jsonl.zst", "c.99999999999.jsonl.zst"},
       "c.jsonl.zst"},
  };
  for (const Case& test : cases) {
    CAPTURE(test.want);
    const TempDir dir;
    for (const std::string& name : test.there) dir.write(name, "theirs");
    const auto open = [&] {
      return CaptureWriter::open({.path = dir.path("c.jsonl.zst"), .goes_on = true, .started = "s"},
                                 rules->schema());
    };
    const auto opened = open();
    REQUIRE(opened);
    CHECK((*opened)->path() == dir.path(test.want));
    // Another one at the same time.
    const auto second = open();
    REQUIRE(second);
    CHECK((*second)->path() != (*opened)->path());
    for (const std::string& name : test.there) CHECK(std::filesystem::file_size(dir.path(name)) == 6);
  }
  const TempDir dir;
  std::filesystem::create_symlink("nothing", dir.path("link"));
  CHECK_FALSE(
      CaptureWriter::open({.path = dir.path("link"), .goes_on = true, .started = "s"}, rules->schema()));
  const auto device =
      CaptureWriter::open({.path = "/dev/null", .goes_on = true, .started = "s"}, rules->schema());
  REQUIRE(device);
  CHECK((*device)->path() == "/dev/null");
}

TEST_CASE("what several runs wrote under one name is replayed as they saw it", "[capture]") {
  const auto rules = testing::compile_toml(kRules);
  const TempDir dir;
  RandomLines lines(7);
  dir.write("first.jsonl", lines.lines(200, 1000));
  dir.write("second.jsonl", lines.lines(200, 5000));
  for (const char* const name : {"first", "second"}) {
    const RunResult writing =
        run({dir.path(std::string(name) + ".jsonl")}, rules,
            {.path = dir.path("c.jsonl"), .max_bytes = 3000, .goes_on = true, .started = name});
    CHECK(writing.told.empty());
  }
  const auto parts = parts_of(dir.path("c.jsonl"));
  CHECK(parts.size() >= 4);
  const RunResult direct = run({dir.path("first.jsonl"), dir.path("second.jsonl")}, rules);
  const RunResult again = run(parts, rules);
  CHECK(again.digest == direct.digest);
  CHECK(again.events == direct.events);
}

TEST_CASE("the parts of a capture are named in their order", "[capture]") {
  CHECK(part_path("d/web01.jsonl.zst", 1) == "d/web01.jsonl.zst");
  CHECK(part_path("d/web01.jsonl.zst", 2) == "d/web01.0002.jsonl.zst");
  CHECK(part_path("d/web01.jsonl.zst", 12345) == "d/web01.12345.jsonl.zst");
  CHECK(part_path("web01.gz", 10) == "web01.0010.gz");
  CHECK(part_path("web01", 3) == "web01.0003");
}

}  // namespace detectd
