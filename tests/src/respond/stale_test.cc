// What was read late, or of the next process of a pid, as it comes to the responder: nobody else gets a signal.
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "src/respond/responder.h"
#include "tests/support/response_desk.h"

namespace detectd {
namespace {

using namespace test::desk;

// As the enricher marks an event whose process may have been another by the time it was read.
void mark_stale(Event& event) {
  event.begin_list(field::kMissing);
  for (const char* name : {"process.executable", "process.name", "process.args", "process.Ext.inode"}) {
    event.append_text(field::kMissing, name);
  }
}

bool same_inode(const Fd& a, const Fd& b) {
  struct stat first {};
  struct stat second {};
  return fstat(a.number(), &first) == 0 && fstat(b.number(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

}  // namespace

TEST_CASE("TRUST 2: what was read of a newcomer makes the responder touch neither", "[respond]") {
  Desk desk;
  const size_t first = desk.host.begin(kPid, 9000, 5);
  const auto moment = desk.exec_event(10'000);  // with the newcomer's start, file and path
  const size_t newcomer = desk.host.begin(kPid, 10'000, kInode);

  SECTION("what was read is marked: a fork that took the pid anew was queued") {
    auto event = std::make_shared<Event>(*moment);
    mark_stale(*event);
    desk.hold(newcomer, kPid, true);
    CHECK(desk.respond(event) == "refused: incomplete");
  }
  SECTION("the hold alone is in doubt") {
    desk.hold(newcomer, kPid, true);
    CHECK(desk.respond(moment) == "refused: identity");
  }
  SECTION("the newcomer began behind the event") {
    desk.host.at(newcomer).facts.start_ticks = 10'050;
    desk.hold(newcomer, kPid, true);
    CHECK(desk.respond(moment) == "gone");
  }
  CHECK(desk.host.at(first).got.empty());
  CHECK(desk.host.at(newcomer).got.empty());
}

TEST_CASE("TRUST 3: descriptors of one inode, as old kernels give them, are not taken for one process",
          "[respond]") {
  Desk desk;
  const size_t first = desk.host.begin(kPid, 9000, kInode);
  const size_t other = desk.host.begin(kPid + 1, 9000, kInode);
  REQUIRE(same_inode(desk.host.open_instance(first), desk.host.open_instance(other)));
  desk.hold(first);
  desk.hold(other, kPid + 1);
  CHECK(desk.respond(desk.exec_event(9000)) == "signalled");
  CHECK(desk.host.at(first).got == std::vector<int>{SIGKILL});
  CHECK(desk.host.at(other).got.empty());
}

TEST_CASE("TRUST 4: a newcomer of the same tick is not touched for what its predecessor did", "[respond]") {
  Desk desk;
  const size_t first = desk.host.begin(kPid, 10'000, kInode);
  const auto event = desk.exec_event(10'000);
  desk.hold(first);
  const uint64_t file = GENERATE(uint64_t{kInode}, uint64_t{kInode + 1});
  const size_t newcomer = desk.host.begin(kPid, 10'000, file);
  CHECK(desk.respond(event) == "gone");
  CHECK(desk.host.at(first).got.empty());
  CHECK(desk.host.at(newcomer).got.empty());
}

TEST_CASE("TRUST 5: a chain of execs is not ended for a program that it left behind", "[respond]") {
  Desk desk;
  const size_t chain = desk.host.begin(kPid, 9000, kInode);
  desk.hold(chain);
  const auto payload = desk.exec_event(9000);
  // The harmless image, heard of before the payload was judged.
  desk.now_ns += 40'000;
  desk.host.at(chain).facts.file->inode = 5;
  desk.host.at(chain).facts.start_stack += 4096;
  desk.hold(chain);

  SECTION("the payload was read while it ran") { CHECK(desk.respond(payload) == "superseded"); }
  SECTION("what was read may be the second's, and says so") {
    auto event = std::make_shared<Event>(*payload);
    mark_stale(*event);
    CHECK(desk.respond(event) == "refused: incomplete");
  }
  CHECK(desk.host.at(chain).got.empty());
}

TEST_CASE("a restart between intent and outcome sends no second signal", "[respond]") {
  Desk desk;
  const size_t victim = desk.host.begin(kPid, 9000, kInode);
  desk.host.at(victim).stays = true;
  desk.hold(victim);
  CHECK(desk.respond(desk.exec_event(9000)) == "signalled");
  // The next run: it reads the log, and events of processes that run already ask for nothing.
  std::vector<ResponseLog::Intent> unfinished;
  auto log = ResponseLog::open(desk.directory.path("responses.log"), kBooted, unfinished);
  REQUIRE(log);
  REQUIRE(unfinished.size() == 1);
  Responder next({.view = desk.host,
                  .signals = desk.host,
                  .log = *std::move(log),
                  .self = 4242,
                  .boot_clock_ns = [&desk] { return desk.now_ns; },
                  .wall_clock_ns = [&desk] { return kBooted + desk.now_ns; }},
                 {.enforce = true}, desk.rules, 16);
  next.tell_unfinished(unfinished, desk.capture_host);
  for (int i = 0; i < 3; ++i) {
    HitResponder::News news;
    next.settle(news, i == 2);
    CHECK(news.settled.empty());
    desk.now_ns += kSecond;
  }
  CHECK(desk.host.at(victim).got == std::vector<int>{SIGKILL});
  CHECK(desk.log_text().find("\"outcome\":\"unknown\"") != std::string::npos);
}

}  // namespace detectd
