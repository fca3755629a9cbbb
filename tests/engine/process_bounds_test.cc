// What cannot grow, and the whole of a real day.
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>

#include "engine/event_codec.h"
#include "engine/event_order.h"
#include "engine/process_table.h"
#include "tests/support/events.h"
#include "tests/support/source_dir.h"

using namespace detectd;
using namespace detectd::test;

namespace {

ProcessTable::Options small() { return {.max_processes = 100, .max_bytes = size_t{1} << 20}; }

void apply(ProcessTable& table, Event event) { table.apply(event); }

}  // namespace

TEST_CASE("TRUST 78: many processes stay within the bound, and the evicted ones are counted",
          "[process_table]") {
  ProcessTable table(small());
  apply(table, exec(1, "/sbin/init"));
  constexpr int kForks = 50'000;
  SECTION("running") {
    for (int i = 0; i < kForks; ++i) apply(table, fork(1, 2 + i).at(i / 100));
    CHECK(table.counters().evicted_live == kForks + 1 - 100);
    CHECK(table.counters().evicted_ended == 0);
    CHECK(table.find(1) != nullptr);  // used all the time
    CHECK(table.find(2) == nullptr);
  }
  SECTION("ended ones go first") {
    apply(table, fork(1, 1'000'000));
    for (int i = 0; i < kForks; ++i) {
      apply(table, fork(1, 2 + i).at(i / 100));
      apply(table, end(2 + i).at(i / 100));
    }
    CHECK(table.counters().evicted_live == 0);
    CHECK(table.counters().evicted_ended == kForks + 2 - 100);
    CHECK(table.find(1'000'000) != nullptr);
  }
  SECTION("ended ones go by themselves after ten seconds") {
    for (int i = 0; i < kForks; ++i) {
      apply(table, fork(1, 2 + i).at(i * 1000));
      apply(table, end(2 + i).at(i * 1000));
    }
    CHECK(table.counters().evicted_ended == 0);
    CHECK(table.counters().processes < 20);
  }
  CHECK(table.counters().processes <= 100);
}

TEST_CASE("TRUST 78: a chain of forks is cut, and shows its nearest ancestors", "[process_table]") {
  ProcessTable table({});
  apply(table, exec(1, "/bin/sh"));
  Event last;
  for (int i = 1; i <= 20'000; ++i) {
    last = fork(i, i + 1).at(i * 1000);
    table.apply(last);
    apply(table, end(i).at(i * 1000));
    const size_t known = std::min<size_t>(static_cast<size_t>(i), kMaxAncestors);
    if (last.count(field::kAncestorsPid) != known) FAIL("ancestors at " << i);
  }
  CHECK(last.find(field::kAncestorsPid, 0).number == 20'000);
  CHECK(last.find(field::kAncestorsPid, kMaxAncestors - 1).number ==
        20'001 - static_cast<int>(kMaxAncestors));
  CHECK(last.find(field::kAncestorsPid, kMaxAncestors).absent());
  CHECK(last.process->depth < 2 * kMaxAncestors);
}

TEST_CASE("long command lines are bounded by their bytes", "[process_table]") {
  ProcessTable table(small());
  for (int i = 1; i <= 1000; ++i)
    apply(table, exec(i, "/bin/x").with("process.command_line", std::string(10'000, 'x')));
  CHECK(table.counters().processes > 20);
  CHECK(table.counters().processes * 10'000 <= size_t{1} << 20);
  CHECK(table.counters().evicted_live > 800);
}

TEST_CASE("ten thousand changes of a process with a megabyte of arguments evict nobody", "[process_table]") {
  // Its arguments and its command line once, and something for the others.
  ProcessTable table({.max_processes = 1000, .max_bytes = size_t{3} << 20});
  for (int pid = 2; pid <= 100; ++pid) apply(table, exec(pid, "/bin/x"));
  const std::string argument(100'000, 'x');
  Event started = exec(1, "/bin/big");
  started.begin_list(process_field(Leaf::kArgs));
  for (int i = 0; i < 10; ++i) started.append_text(process_field(Leaf::kArgs), argument);
  table.apply(started);

  const auto change = [](int i) -> Event {
    if (i % 3 == 0) return uid_change(1, 1 + i % 2, 1);
    if (i % 3 == 1) return event(EventKind::kGidChange, 1).with("process.group.id", i);
    return event(EventKind::kCommChange, 1).with("process.thread.name", std::to_string(i));
  };
  std::vector<Event> kept;  // as while a chunk waits to be judged
  for (int i = 0; i < 10'000; ++i) {
    kept.push_back(change(i));
    table.apply(kept.back());
  }
  CHECK(table.counters().evicted_live == 0);
  CHECK(table.counters().processes == 100);
  for (const Event& event : {kept.front(), kept.back()}) {
    CHECK(event.count(process_field(Leaf::kArgs)) == 10);
    CHECK(event.find(process_field(Leaf::kArgs), 9).text.data() ==
          started.process->find(Leaf::kArgs, 9).text.data());
  }
  CHECK(show(kept.back(), "process.group.id") == "9997");
}

TEST_CASE("what waits to be judged changes neither evictions nor lineage", "[process_table]") {
  struct Run {
    std::vector<std::string> lineage;
    ProcessTable::Counters counters;
  };
  constexpr int kEvents = 12'000;
  // Forks, execs with long arguments, id changes and ends among few pids, the same each time.
  const auto make = [](int i) -> Event {
    const auto random = static_cast<int>((static_cast<uint64_t>(i) * 0x9E37'79B9'7F4A'7C15u) >> 40);
    const int pid = 1 + random % 150;
    switch (random / 150 % 4) {
      case 0: return fork(pid, 1 + (pid + random / 600) % 150).at(i);
      case 1:
        return exec(pid, "/bin/" + std::to_string(i))
            .with("process.command_line", std::string(static_cast<size_t>(random % 40'000), 'x'))
            .at(i);
      case 2: return uid_change(pid, random % 3, random % 3).at(i);
      default: return end(pid).at(i);
    }
  };
  const auto run_in_chunks_of = [&](size_t chunk) {
    Run run;
    ProcessTable table({.max_processes = 100, .max_bytes = size_t{1} << 20});
    std::vector<Event> waiting;
    for (int i = 0; i < kEvents; ++i) {
      if (waiting.size() == chunk) waiting.clear();
      waiting.push_back(make(i));
      table.apply(waiting.back());
      run.lineage.push_back(show(waiting.back(), "process.ancestors.entity_id") + ' ' +
                            show(waiting.back(), "process.executable") + ' ' +
                            show(waiting.back(), "process.previous.executable"));
    }
    run.counters = table.counters();
    return run;
  };
  const Run one = run_in_chunks_of(1), many = run_in_chunks_of(4096);
  CHECK(one.counters.evicted_live > 0);
  CHECK(one.counters.evicted_ended > 100);
  CHECK(many.counters.evicted_live == one.counters.evicted_live);
  CHECK(many.counters.evicted_ended == one.counters.evicted_ended);
  CHECK(many.counters.processes == one.counters.processes);
  for (size_t i = 0; i < one.lineage.size(); ++i) {
    if (one.lineage[i] != many.lineage[i]) FAIL(i << ": " << one.lineage[i] << " | " << many.lineage[i]);
  }
}

TEST_CASE("ancestors that are gone count for those who still show them", "[process_table]") {
  ProcessTable table(small());
  for (int i = 1; i <= 30; ++i) {
    const int64_t time_ms = i * 20'000;
    apply(table, exec(i, "/bin/x").with("process.command_line", std::string(100'000, 'x')).at(time_ms));
    apply(table, fork(i, i + 1).at(time_ms));
    apply(table, end(i).at(time_ms));
  }
  // Never more than three processes at a time, but the eleventh shows ten command lines.
  CHECK(table.counters().evicted_live > 0);
  CHECK(table.counters().processes <= 3);
}

TEST_CASE("many hosts and impossible pids do no harm", "[process_table]") {
  ProcessTable table(small());
  for (int i = 0; i < 10'000; ++i) {
    apply(table,
          exec(8, "/bin/x").with("host.name", std::to_string(i) + std::string(i == 0 ? 100'000 : 0, 'h')));
  }
  CHECK(table.counters().processes <= 100);
  for (const int pid : {-1, 0}) apply(table, exec(0, "/bin/x").with("process.pid", pid));
  Event event = test::event(EventKind::kExec, int64_t{1} << 40);
  table.apply(event);
  CHECK(event.process == nullptr);
}

TEST_CASE("on a real day, escalation is the set-uid sudo runs and nothing else", "[process_table]") {
  const std::string path = test::source_dir() + "/../shared/data/ecs/admin-day-open.jsonl.gz";
  if (!std::ifstream(path).good()) {
    WARN("skipped: " << path << " is not there");
    return;
  }
  FILE* const file = popen(("gzip -dc '" + path + "'").c_str(), "r");
  REQUIRE(file != nullptr);
  Schema schema;
  want_always(schema);
  EventDecoder decoder(schema);
  EventOrder order;
  ProcessTable table({});
  std::vector<Event> ready;
  size_t events = 0, with_parent = 0, execs = 0;
  std::map<std::string, int> escalated;
  const auto judge = [&] {
    for (Event& event : ready) {
      table.apply(event);
      ++events;
      if (event.kind == EventKind::kExec) {
        ++execs;
        if (event.find(parent_field(Leaf::kExecutable)).has_value()) ++with_parent;
      }
      if (event.find(field::kEscalated).number == 1) {
        ++escalated[std::string(to_string(event.kind)) + ' ' + show(event, "process.executable") + ' ' +
                    show(event, "process.previous.user.id")];
      }
    }
    ready.clear();
  };
  char* line = nullptr;
  size_t room = 0;
  std::string padded;
  for (ssize_t size = 0; (size = getline(&line, &room, file)) > 0;) {
    padded.assign(line, static_cast<size_t>(size));
    padded.append(EventDecoder::kPadding, '\0');
    Event event;
    LineNotes notes;
    const auto problem =
        decoder.decode(std::string_view(padded).substr(0, static_cast<size_t>(size) - 1), event, notes);
    if (problem) FAIL(problem->code << ' ' << problem->message << " in " << line);
    order.push(event, ready);
    judge();
  }
  free(line);
  pclose(file);
  order.flush(ready);
  judge();

  CHECK(events == 154'044);
  CHECK(execs == 38'651);
  CHECK(with_parent == execs);
  int total = 0;
  for (const auto& [what, count] : escalated) {
    INFO(what << ": " << count);
    CHECK(what == "exec /usr/bin/sudo 1000");
    total += count;
  }
  CHECK(total == 11);
}
