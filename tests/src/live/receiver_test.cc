#include "src/live/receiver.h"

#include <poll.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <map>
#include <string>

#include "src/clock.h"
#include "tests/support/fake_connector.h"
#include "tests/support/fake_records.h"

using namespace detectd;
using detectd::test::FakeRecords;
using detectd::test::FakeSocket;
using detectd::test::make;

namespace {

enum class Told : bool { kNo, kYes };

// A receiver whose processes have the command line that a test gives them.
struct Setting {
  explicit Setting(Receiver::Options options = {}, int64_t heartbeat_ns = 3'600'000'000'000,
                   Told told_by_kernel = Told::kNo)
      : heartbeat({.period_ns = heartbeat_ns, .beat = [] {}}) {
    auto made = std::make_unique<FakeSocket>();
    socket = made.get();
    std::unique_ptr<ToldPrograms> told;
    if (told_by_kernel == Told::kYes) {
      auto made_records = std::make_unique<FakeRecords>();
      records = made_records.get();
      told = std::make_unique<ToldPrograms>(std::move(made_records), ToldPrograms::Options());
    }
    receiver.emplace(
        std::move(made), std::move(told),
        [this](uint32_t pid, ExecImage& image) {
          image.clear();
          if (on_read) on_read(pid);
          image.cmdline = "program-" + std::to_string(pid);
        },
        heartbeat, options);
  }

  // The next observation; waits for it.
  Observation next() {
    Observation observation;
    const int64_t until_ns = steady_clock_ns() + 20'000'000'000;
    while (!receiver->pop(observation)) {
      REQUIRE(steady_clock_ns() < until_ns);
      receiver->wait(100'000'000);
    }
    return observation;
  }

  FakeSocket* socket = nullptr;
  FakeRecords* records = nullptr;
  Heartbeat heartbeat;
  std::function<void(uint32_t)> on_read;
  std::optional<Receiver> receiver;
};

}  // namespace

TEST_CASE("an exec takes along what was read of its process at once", "[live][threads]") {
  Setting setting;
  setting.receiver->start();
  setting.socket->give(make(ProcWhat::kExec, 7));
  Observation observation = setting.next();
  CHECK(observation.event.what == ProcWhat::kExec);
  REQUIRE(observation.image);
  CHECK(observation.image->cmdline == "program-7");
  CHECK_FALSE(observation.superseded);
  CHECK(observation.lag_ns > 0);
  setting.receiver->give_back(std::move(observation.image));
  setting.receiver->stop();
  CHECK(setting.receiver->ended());
}

TEST_CASE("of a program that the kernel tells of, nothing is read", "[live][threads]") {
  Setting setting({}, 3'600'000'000'000, Told::kYes);
  ProcEvent exec = make(ProcWhat::kExec, 7);
  setting.records->give({.pid = 7, .monotonic_ns = exec.monotonic_ns - 10});
  setting.socket->give(exec);
  setting.socket->give(make(ProcWhat::kExec, 8));
  setting.receiver->start();
  Observation told = setting.next();
  REQUIRE(told.image);
  CHECK(told.image->is_told);
  CHECK(told.image->cmdline == std::string("cat\0-\0", 6));
  CHECK(told.lag_ns == 0);
  CHECK_FALSE(told.superseded);
  // Of the other it tells nothing.
  Observation read = setting.next();
  REQUIRE(read.image);
  CHECK_FALSE(read.image->is_told);
  CHECK(read.image->cmdline == "program-8");
  CHECK(setting.receiver->counters().images_told == 1);
}

TEST_CASE("whoever is woken by a record waits for its event, which comes a moment later", "[live][threads]") {
  Setting setting({.tick_ms = 3'600'000}, 3'600'000'000'000, Told::kYes);
  setting.socket->split();
  ProcEvent exec = make(ProcWhat::kExec, 7);
  exec.monotonic_ns += 3'600'000'000'000;
  setting.receiver->start();
  setting.records->give({.pid = 7, .monotonic_ns = exec.monotonic_ns - 10});
  setting.records->wake();
  setting.socket->give(exec);
  const Observation told = setting.next();
  REQUIRE(told.image);
  CHECK(told.image->is_told);
}

TEST_CASE("while nobody is woken, what is there is taken when somebody asks for it", "[live][threads]") {
  Setting setting({.tick_ms = 3'600'000}, 3'600'000'000'000, Told::kYes);
  setting.socket->split();
  setting.receiver->start();
  setting.socket->give(make(ProcWhat::kExec, 7));
  const int64_t before_ns = steady_clock_ns();
  setting.receiver->read_now();
  CHECK(setting.next().event.pid == 7);
  while (setting.receiver->empty_ns() < before_ns) setting.receiver->read_now();
  CHECK(setting.receiver->rests());
  setting.receiver->take_grips(GripOn::kExecs, 10);
  CHECK_FALSE(setting.receiver->rests());
}

TEST_CASE("where the kernel falls silent all execs are read at once, until it tells of one",
          "[live][threads]") {
  Setting setting({.tick_ms = 3'600'000}, 3'600'000'000'000, Told::kYes);
  setting.socket->split();
  setting.receiver->start();
  // It was not asked of those yet.
  ProcEvent early = make(ProcWhat::kExec, 50);
  early.monotonic_ns -= 3'600'000'000'000;
  for (unsigned i = 0; i < Receiver::kUntoldInARow; ++i) {
    setting.socket->give(early);
    setting.receiver->read_now();
    CHECK(setting.next().image->cmdline == "program-50");
  }
  for (unsigned i = 0; i < Receiver::kUntoldInARow; ++i) {
    CHECK(setting.receiver->counters().silences == 0);
    setting.socket->give(make(ProcWhat::kExec, 100 + i));
    setting.receiver->read_now();
    CHECK(setting.next().image->cmdline == "program-" + std::to_string(100 + i));
  }
  CHECK(setting.receiver->counters().silences == 1);
  CHECK_FALSE(setting.receiver->rests());
  const ProcEvent exec = make(ProcWhat::kExec, 7);
  setting.records->give({.pid = 7, .monotonic_ns = exec.monotonic_ns - 1000});
  setting.socket->give(exec);
  setting.receiver->read_now();
  CHECK(setting.next().image->is_told);
  CHECK(setting.receiver->rests());
  CHECK(setting.receiver->counters().silences == 1);
}

TEST_CASE("TRUST 5: what was read while a later exec of the pid was queued is marked", "[live][threads]") {
  Setting setting;
  setting.on_read = [&setting, first = true](uint32_t) mutable {
    if (std::exchange(first, false)) setting.socket->give(make(ProcWhat::kExec, 7));
  };
  setting.receiver->start();
  setting.socket->give(make(ProcWhat::kExec, 7));
  CHECK(setting.next().superseded);
  CHECK_FALSE(setting.next().superseded);
}

TEST_CASE("TRUST 2: what was read while a fork had taken the pid anew is marked", "[live][threads]") {
  Setting setting;
  setting.on_read = [&](uint32_t) {
    setting.socket->give(make(ProcWhat::kExit, 7));
    setting.socket->give(make(ProcWhat::kFork, 7));
  };
  setting.receiver->start();
  setting.socket->give(make(ProcWhat::kExec, 7));
  CHECK(setting.next().superseded);
}

TEST_CASE("a queued end does not spoil what was read before it, nor do other processes", "[live][threads]") {
  Setting setting;
  setting.on_read = [&](uint32_t pid) {
    if (pid != 7) return;
    setting.socket->give(make(ProcWhat::kExit, 7));
    setting.socket->give(make(ProcWhat::kExec, 8));
  };
  setting.receiver->start();
  setting.socket->give(make(ProcWhat::kExec, 7));
  CHECK_FALSE(setting.next().superseded);
}

TEST_CASE("TRUST 74: events that the kernel lost are told with their number and interval",
          "[live][threads]") {
  Setting setting;
  setting.receiver->start();
  const int64_t before_ns = steady_clock_ns();
  setting.socket->lose(198);
  setting.socket->give(make(ProcWhat::kExit, 7));
  CHECK(setting.next().event.what == ProcWhat::kExit);
  const Observation lost = setting.next();
  REQUIRE(lost.loss);
  CHECK(lost.loss->reason == Loss::Reason::kOverrun);
  CHECK(lost.loss->count == 198u);
  CHECK(lost.loss->start_ns <= lost.loss->end_ns);
  CHECK(lost.loss->end_ns >= before_ns);
  CHECK(setting.receiver->counters().lost == 198);
}

TEST_CASE("events beyond our own queue are a counted loss, and the receive thread goes on",
          "[live][threads]") {
  Setting setting({.queue_events = 4});
  setting.receiver->start();
  for (uint32_t i = 0; i < 100; ++i) setting.socket->give(make(ProcWhat::kExit, 100 + i));
  setting.receiver->stop();
  Observation observation;
  size_t events = 0;
  while (setting.receiver->pop(observation)) events += observation.loss ? 0 : 1;
  CHECK(events == 4);
  CHECK(setting.receiver->counters().queue_lost == 96);
}

TEST_CASE("a stop in a storm is one: what happens later is left to itself", "[live][threads]") {
  Setting setting;
  setting.receiver->start();
  setting.socket->storm(make(ProcWhat::kExit, 7));
  static_cast<void>(setting.next());
  setting.receiver->stop();
  CHECK(setting.receiver->ended());
}

TEST_CASE("losses that found no room in the queue are not forgotten", "[live][threads]") {
  Setting setting({.queue_events = 4});
  for (uint32_t i = 0; i < 10; ++i) setting.socket->give(make(ProcWhat::kExit, 100 + i));
  setting.receiver->start();
  setting.receiver->stop();
  REQUIRE(setting.receiver->losses_left().size() == 1);
  CHECK(setting.receiver->losses_left()[0].reason == Loss::Reason::kQueue);
  CHECK(setting.receiver->losses_left()[0].count == 6u);
  CHECK(setting.receiver->losses_left()[0].start_ns > 0);
}

TEST_CASE("command lines that wait may take only so much memory", "[live][threads]") {
  Setting setting({.max_image_bytes = 1000});
  setting.receiver->start();
  for (uint32_t i = 0; i < 50; ++i) setting.socket->give(make(ProcWhat::kExec, 100 + i));
  setting.receiver->stop();
  Observation observation;
  size_t with = 0, without = 0;
  while (setting.receiver->pop(observation)) {
    ++(observation.image ? with : without);
    setting.receiver->give_back(std::move(observation.image));
  }
  CHECK(with > 0);
  CHECK(without > 0);
  CHECK(with + without == 50);
  CHECK(setting.receiver->counters().images_skipped == without);
}

TEST_CASE("TRUST 70: a stream that falls silent is found out, subscribed to again, and the blind time told",
          "[live][threads]") {
  // Beats that nobody hears, until the second subscription.
  Setting setting({}, 50'000'000);
  setting.heartbeat.start();
  const int64_t start_ns = steady_clock_ns();
  setting.receiver->start();
  const Observation begun = setting.next();
  REQUIRE(begun.loss);
  CHECK(begun.loss->reason == Loss::Reason::kBlind);
  CHECK_FALSE(begun.loss->count);
  CHECK(begun.loss->start_ns <= start_ns);
  CHECK(begun.loss->end_ns - begun.loss->start_ns < 3'000'000'000);
  CHECK(setting.heartbeat.blind());
  while (setting.socket->subscriptions() == 0) setting.receiver->wait(10'000'000);
  ProcEvent beat = make(ProcWhat::kFork, static_cast<uint32_t>(getpid()));
  beat.thread = beat.pid + 1;
  setting.heartbeat.stop();
  setting.socket->give(beat);
  const Observation ended = setting.next();
  REQUIRE(ended.loss);
  CHECK(ended.loss->start_ns == begun.loss->end_ns);
  CHECK(ended.loss->end_ns == beat.monotonic_ns);
  CHECK_FALSE(setting.heartbeat.blind());
}

TEST_CASE("TRUST 70: a beat from before blindness was told ends it, and no interval ends before it begins",
          "[live][threads]") {
  Setting setting({}, 50'000'000);
  ProcEvent beat = make(ProcWhat::kFork, static_cast<uint32_t>(getpid()));
  beat.thread = beat.pid + 1;
  setting.heartbeat.start();
  setting.receiver->start();
  const Observation begun = setting.next();
  REQUIRE(begun.loss);
  REQUIRE(beat.monotonic_ns < begun.loss->end_ns);
  setting.heartbeat.stop();
  setting.socket->give(beat);
  const Observation ended = setting.next();
  REQUIRE(ended.loss);
  CHECK(ended.loss->start_ns == begun.loss->end_ns);
  CHECK(ended.loss->end_ns == ended.loss->start_ns);
  CHECK_FALSE(setting.heartbeat.blind());
}

TEST_CASE("whoever runs in real time for too long gives it back, says so, and has it again after a pause",
          "[live][threads]") {
  Setting setting({.max_run_ns = 50'000'000});
  const auto scheduling = [&] { return setting.receiver->scheduling(); };
  std::atomic<bool> lost{false};
  setting.on_read = [&](uint32_t pid) {
    // Stands for what should never happen: something that does not come back.
    const int64_t until_ns = steady_clock_ns() + 20'000'000'000;
    while (pid == 7 && scheduling() == Scheduling::kRealtime && steady_clock_ns() < until_ns) {
    }
    if (pid == 7) lost = scheduling() == Scheduling::kNice;
  };
  setting.receiver->start();
  setting.socket->give(make(ProcWhat::kExec, 6));
  setting.next();
  if (scheduling() != Scheduling::kRealtime) {
    WARN("skipped: no right to real time here");
    return;
  }
  setting.socket->give(make(ProcWhat::kExec, 7));
  setting.next();
  CHECK(lost);
  CHECK(setting.receiver->priority_losses() >= 1);
  setting.socket->give(make(ProcWhat::kExec, 8));
  setting.next();
  setting.socket->give(make(ProcWhat::kExec, 9));
  setting.next();
  CHECK(scheduling() == Scheduling::kRealtime);
}

TEST_CASE("TRUST 70: where events come by two sockets, only a beat by both proves that they are heard",
          "[live][threads]") {
  Setting setting;
  setting.socket->split();
  setting.receiver->start();
  const auto self = static_cast<uint32_t>(getpid());
  const auto beat = [&](ProcWhat what, uint32_t thread) {
    ProcEvent event = make(what, self);
    event.thread = thread;
    setting.socket->give(event);
    return event.monotonic_ns;
  };
  // What follows shows that the beat before it was handled.
  const auto handled = [&] {
    setting.socket->give(make(ProcWhat::kExit, 7));
    return setting.next().event.what == ProcWhat::kExit;
  };
  beat(ProcWhat::kFork, self + 1);
  REQUIRE(handled());
  CHECK(setting.heartbeat.heard_ns() == 0);
  beat(ProcWhat::kBeat, self + 2);
  REQUIRE(handled());
  CHECK(setting.heartbeat.heard_ns() == 0);
  const int64_t named_ns = beat(ProcWhat::kBeat, self + 1);
  REQUIRE(handled());
  CHECK(setting.heartbeat.heard_ns() == named_ns);
}

TEST_CASE("TRUST 1: a hold is taken before anything is read, and doubted where the end of that pid is queued",
          "[live][threads]") {
  Setting setting;
  const auto self = static_cast<uint32_t>(getpid());
  bool ends = false;
  setting.on_read = [&](uint32_t pid) {
    if (ends) setting.socket->give(make(ProcWhat::kExit, pid));
  };
  setting.receiver->take_grips(GripOn::kExecs, 2);
  setting.receiver->start();
  const auto next_grip = [&] {
    setting.socket->give(make(ProcWhat::kExec, self));
    const Observation observation = setting.next();
    Grip grip;
    REQUIRE(setting.receiver->pop(grip));
    CHECK(grip.monotonic_ns == observation.event.monotonic_ns);
    return grip;
  };
  Grip grip = next_grip();
  CHECK(grip.pid == self);
  CHECK(grip.exec);
  CHECK(grip.process);
  CHECK(!grip.doubtful);

  // TRUST 85: who took as many as may be held gets no more, and knows.
  setting.receiver->hold_grips(2);
  grip = next_grip();
  CHECK(!grip.process);
  CHECK(grip.refused);
  setting.receiver->hold_grips(0);

  ends = true;
  CHECK(next_grip().doubtful);
  setting.receiver->stop();
}
