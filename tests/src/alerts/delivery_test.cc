// One sink's way, with a queue, a sink and a clock of the test's making.
#include "src/alerts/delivery.h"

#include <catch2/catch.hpp>

#include "src/alerts/delivery_threads.h"
#include "tests/support/alerts.h"

namespace detectd {
namespace {

using What = Delivered::What;
constexpr int64_t kSecond = 1'000'000'000;

// What is in the database of a test, and outlives the Delivery.
struct Stored {
  SinkState state;
  std::vector<int64_t> stored_ns;  // of hit 1, 2, ...
  uint64_t taken_away = 0;
  bool can_save = true;
  std::string rule_name = "web-shell";
};

class FakeQueue final : public AlertQueue {
 public:
  explicit FakeQueue(Stored& stored) : stored_(stored) {}
  Result<SinkState> load() override { return stored_.state; }
  Status save(const SinkState& state) override {
    if (!stored_.can_save) return Error{Errc::kFull, "D405: full"};
    stored_.state = state;
    return {};
  }
  Result<Batch> read(int64_t after, size_t max, int64_t) override {
    Batch batch;
    batch.taken_away = std::exchange(stored_.taken_away, 0);
    const auto last = static_cast<int64_t>(stored_.stored_ns.size());
    for (int64_t n = after + 1; n <= last && batch.alerts.size() < max; ++n) {
      batch.alerts.push_back(test::make_alert(n));
      batch.alerts.back().rule_name = stored_.rule_name;
      batch.alerts.back().stored_ns = stored_.stored_ns[static_cast<size_t>(n - 1)];
    }
    batch.looked_to = after + static_cast<int64_t>(batch.alerts.size());
    batch.more = batch.looked_to < last;
    return batch;
  }
  Result<Alert> fold(int64_t after, int64_t) override {
    Alert alert = test::make_alert(static_cast<int64_t>(stored_.stored_ns.size()));
    alert.kind = AlertKind::kFold;
    alert.count = static_cast<uint64_t>(alert.n - after);
    return alert;
  }
  Result<Alert> digest(int64_t begin_ns, int64_t end_ns) override {
    Alert alert = test::make_alert(static_cast<int64_t>(stored_.stored_ns.size()));
    alert.kind = AlertKind::kDigest;
    alert.text = std::to_string(begin_ns / kSecond) + "-" + std::to_string(end_ns / kSecond);
    return alert;
  }
  Alert notice(AlertKind kind, Level, const std::string& text, int64_t) override {
    Alert alert = test::make_alert(0);
    alert.kind = kind;
    alert.text = text;
    return alert;
  }

 private:
  Stored& stored_;
};

// What a receiver got: `1 2 3`.
struct Got {
  std::string text;
  What next = What::kDelivered;
  What settled = What::kDelivered;
  int tries = 0;
  int refuse_n = -1;
};

class FakeSink final : public Sink {
 public:
  explicit FakeSink(Got& got) : got_(got) {}
  Delivered deliver(const Alert& alert, const Interrupt&) override {
    ++got_.tries;
    if (alert.n == got_.refuse_n && alert.kind == AlertKind::kHit) return {What::kRefused, "too odd"};
    if (got_.next == What::kAgain) return {What::kAgain, "no answer\n"};
    if (!got_.text.empty()) got_.text += ' ';
    switch (alert.kind) {
      case AlertKind::kHit: got_.text += std::to_string(alert.n); break;
      case AlertKind::kFold: got_.text += "+" + std::to_string(alert.count); break;
      default: got_.text += std::string(to_string(alert.kind)) + ":" + alert.text;
    }
    return {got_.next, {}};
  }
  Delivered settle(const Interrupt&) override { return {got_.settled, "reset"}; }

 private:
  Got& got_;
};

class Setting {
 public:
  explicit Setting(DeliveryOptions options = {}) : options_(std::move(options)) {
    options_.name = "pager";
    options_.tell = [this](bool, const std::string& text) { said += text + "\n"; };
    start();
  }
  // As after a kill: what was not saved is forgotten.
  void start() {
    delivery = std::make_unique<Delivery>(options_, std::make_unique<FakeSink>(got),
                                          std::make_unique<FakeQueue>(stored));
  }
  void add_hits(int count) {
    stored.stored_ns.insert(stored.stored_ns.end(), static_cast<size_t>(count), now.wall_ns);
  }
  void pass(int64_t ns) {
    now.wall_ns += ns;
    now.steady_ns += ns;
  }
  // Until there is nothing to do at this time.
  std::optional<int64_t> turn() {
    std::optional<int64_t> wait;
    for (int i = 0; i < 1000; ++i) {
      wait = delivery->turn(now, interrupt);
      if (!wait || *wait > 0) break;
    }
    return wait;
  }

  Delivery::Now now{.wall_ns = 1000 * kSecond, .steady_ns = 50 * kSecond};
  Stored stored;
  Got got;
  Interrupt interrupt;
  std::string said;
  std::unique_ptr<Delivery> delivery;

 private:
  DeliveryOptions options_;
};

}  // namespace

TEST_CASE("hits are told once each, in order, and noted", "[alerts]") {
  Setting setting;
  setting.add_hits(200);
  CHECK(setting.turn() == kSecond);
  setting.pass(kSecond);
  const auto wait = setting.turn();
  CHECK(setting.got.text.starts_with("1 2 3 "));
  CHECK(setting.got.text.ends_with(" 199 200"));
  CHECK(setting.got.tries == 200);
  CHECK(wait == std::nullopt);
  CHECK(setting.delivery->is_idle());
  CHECK(setting.stored.state.settled_n == 200);
  CHECK(setting.stored.state.delivered == 200);
  setting.add_hits(1);
  setting.turn();
  CHECK(setting.got.tries == 201);
}

TEST_CASE("a receiver that does not answer is tried again, later each time, and misses nothing", "[alerts]") {
  Setting setting;
  setting.got.next = What::kAgain;
  setting.add_hits(3);
  int64_t longest = 0;
  for (int i = 0; i < 30; ++i) {
    const auto wait = setting.turn();
    REQUIRE(wait);
    longest = std::max(longest, *wait);
    CHECK(*wait <= 300 * kSecond);
    CHECK(setting.got.tries == i + 1);
    // Woken before it is time, it does not try.
    setting.delivery->turn(setting.now, setting.interrupt);
    CHECK(setting.got.tries == i + 1);
    setting.pass(*wait);
  }
  CHECK(longest > 150 * kSecond);
  CHECK(setting.said == "alerts to pager: no answer\n; they wait, and are tried again\n");
  CHECK(setting.stored.state.failure == "no answer\\x0a");
  CHECK(setting.stored.state.failing_since_ns == 1000 * kSecond);
  CHECK(setting.delivery->status().failing);
  setting.got.next = What::kDelivered;
  setting.turn();
  CHECK(setting.got.text == "1 2 3");
  CHECK(setting.said.ends_with("alerts to pager: they arrive again\n"));
  CHECK_FALSE(setting.stored.state.failing_since_ns);
}

TEST_CASE("after a kill it goes on where it had noted, and repeats at most what it had not", "[alerts]") {
  Setting setting;
  setting.add_hits(10);
  setting.turn();
  setting.stored.can_save = false;
  setting.add_hits(3);
  setting.turn();
  setting.stored.can_save = true;
  setting.start();
  setting.add_hits(1);
  setting.turn();
  CHECK(setting.got.text == "1 2 3 4 5 6 7 8 9 10 11 12 13 11 12 13 14");
}

TEST_CASE("what was sent on a connection that breaks is sent again, all of it", "[alerts]") {
  Setting setting;
  setting.got.next = What::kTaken;
  setting.add_hits(4);
  const auto wait = setting.turn();
  CHECK(wait == kSecond);
  CHECK(setting.stored.state.settled_n == 0);
  setting.got.settled = What::kAgain;
  setting.pass(kSecond);
  const auto retry = setting.turn();
  REQUIRE(retry);
  CHECK(setting.stored.state.settled_n == 0);
  setting.got.settled = What::kDelivered;
  setting.pass(*retry);
  setting.turn();
  setting.pass(kSecond);
  setting.turn();
  CHECK(setting.got.text == "1 2 3 4 1 2 3 4");
  CHECK(setting.stored.state.settled_n == 4);
  CHECK(setting.stored.state.delivered == 4);
}

TEST_CASE("that a hit of a self-test arrived is told when its receiver has said so", "[alerts]") {
  Setting setting;
  setting.stored.rule_name = "detectd.selftest";
  setting.got.next = What::kTaken;
  setting.add_hits(1);
  setting.turn();
  CHECK(setting.delivery->status().selftest.empty());
  setting.pass(2 * kSecond);
  setting.turn();
  CHECK(setting.delivery->status().selftest == test::make_alert(1).id);
  // One that breaks off has not said so.
  setting.got.settled = What::kAgain;
  setting.add_hits(1);
  setting.turn();
  setting.pass(2 * kSecond);
  setting.turn();
  CHECK(setting.delivery->status().selftest == test::make_alert(1).id);
}

TEST_CASE("not more than 500 are under way without being settled", "[alerts]") {
  Setting setting;
  setting.got.next = What::kTaken;
  setting.add_hits(1200);
  setting.turn();
  CHECK(setting.stored.state.settled_n == 1000);
  setting.delivery->finish(setting.now, setting.interrupt);
  CHECK(setting.stored.state.settled_n == 1200);
}

TEST_CASE("hits that are too old when the receiver comes back are counted and told of", "[alerts]") {
  DeliveryOptions options;
  options.retry_for_ns = 60 * kSecond;
  Setting setting(options);
  setting.got.next = What::kAgain;
  setting.add_hits(5);
  setting.turn();
  setting.pass(61 * kSecond);
  setting.add_hits(1);
  const auto wait = setting.turn();
  REQUIRE(wait);
  CHECK(setting.stored.state.expired == 5);
  CHECK(setting.stored.state.settled_n == 5);
  setting.got.next = What::kDelivered;
  setting.pass(*wait);
  setting.turn();
  setting.turn();
  CHECK(setting.got.text == "6 notice:5 hits could not be told in time; they are in the database");
  CHECK(setting.said.find("too old to be told (retry_for)") != std::string::npos);
  CHECK(setting.said.ends_with("they arrive again; 5 hits were too old by then\n"));
}

TEST_CASE("a hit that its receiver refuses for good stops no other", "[alerts]") {
  Setting setting;
  setting.got.refuse_n = 2;
  setting.add_hits(3);
  setting.turn();
  CHECK(setting.got.text == "1 3");
  CHECK(setting.stored.state.refused == 1);
  CHECK(setting.stored.state.settled_n == 3);
  CHECK(setting.said == "alerts to pager: one was refused for good: too odd\n");
}

TEST_CASE("TRUST 79: what comes faster than the rate is told as one alert with the number", "[alerts]") {
  DeliveryOptions options;
  options.rate = {.count = 10, .period_ns = 60 * kSecond};
  Setting setting(options);
  setting.add_hits(1'000'000);
  const auto wait = setting.turn();
  CHECK(setting.got.text == "1 2 3 4 5 6 7 8 9 10");
  REQUIRE(wait);
  CHECK(*wait == 60 * kSecond);
  setting.pass(*wait);
  setting.turn();
  CHECK(setting.got.text == "1 2 3 4 5 6 7 8 9 10 +999990");
  CHECK(setting.stored.state.folded == 999'990);
  CHECK(setting.stored.state.settled_n == 1'000'000);
  setting.add_hits(1);
  setting.turn();
  CHECK(setting.got.text.ends_with("+999990 1000001"));
}

TEST_CASE("what waited for a receiver that was down is told at its rate, each by itself", "[alerts]") {
  DeliveryOptions options;
  options.rate = {.count = 10, .period_ns = kSecond};
  Setting setting(options);
  setting.got.next = What::kAgain;
  setting.add_hits(25);
  setting.turn();
  setting.got.next = What::kDelivered;
  setting.pass(2 * kSecond);
  setting.add_hits(5);
  for (int i = 0; i < 40; ++i) {
    setting.turn();
    setting.pass(kSecond / 10);
  }
  std::string wanted = "1";
  for (int n = 2; n <= 30; ++n) wanted += " " + std::to_string(n);
  CHECK(setting.got.text == wanted);
  CHECK(setting.stored.state.folded == 0);
}

TEST_CASE("TRUST 79: what waited for too long a catching up is folded as well", "[alerts]") {
  DeliveryOptions options;
  options.rate = {.count = 1, .period_ns = 10 * kSecond};
  Setting setting(options);
  setting.got.next = What::kAgain;
  setting.add_hits(1000);
  setting.turn();
  setting.got.next = What::kDelivered;
  for (int i = 0; i < 100; ++i) {
    setting.pass(kSecond);
    setting.turn();
  }
  CHECK_THAT(setting.got.text, Catch::Contains("1 2 3 4 5 6 +994"));
}

TEST_CASE("hits that retention took first are counted", "[alerts]") {
  Setting setting;
  setting.stored.taken_away = 7;
  setting.add_hits(1);
  setting.turn();
  CHECK(setting.stored.state.expired == 7);
  CHECK(setting.said == "alerts to pager: up to 7 hits were not told before the database gave them up\n");
}

TEST_CASE("a digest comes instead of each hit, once for all the time it did not run", "[alerts]") {
  DeliveryOptions options;
  options.digest = Schedule::Options{.every_ns = 100 * kSecond};
  Setting setting(options);
  setting.stored.state.since_ns = 1000 * kSecond;
  setting.add_hits(3);
  auto wait = setting.turn();
  CHECK(setting.got.text.empty());
  REQUIRE(wait);
  CHECK(*wait == 30 * kSecond);
  setting.pass(101 * kSecond);
  setting.turn();
  CHECK(setting.got.text == "digest:1000-1100");
  setting.start();
  setting.pass(555 * kSecond);
  setting.turn();
  CHECK(setting.got.text == "digest:1000-1100 digest:1100-1600");
  CHECK(setting.stored.state.settled_n == 3);
  setting.got.next = What::kAgain;
  setting.pass(100 * kSecond);
  wait = setting.turn();
  REQUIRE(wait);
  setting.got.next = What::kDelivered;
  setting.pass(*wait);
  setting.turn();
  CHECK(setting.got.text.ends_with("digest:1600-1700"));
}

TEST_CASE("a sign of life comes beside hits, also where there are none", "[alerts]") {
  DeliveryOptions options;
  options.heartbeat = Schedule::Options{.every_ns = 10 * kSecond};
  Setting setting(options);
  setting.turn();
  for (int i = 0; i < 3; ++i) {
    setting.pass(10 * kSecond);
    setting.turn();
    setting.turn();
  }
  CHECK(setting.got.text == "heartbeat:detectd watches heartbeat:detectd watches heartbeat:detectd watches");
}

TEST_CASE("a notice goes before all hits, whatever the database says", "[alerts]") {
  Setting setting;
  setting.add_hits(1);
  setting.delivery->add_notice(Level::kHigh, "the disk is full");
  setting.turn();
  CHECK(setting.got.text == "notice:the disk is full 1");
  for (int i = 0; i < 1000; ++i) setting.delivery->add_notice(Level::kLow, "n");
  setting.got.text.clear();
  setting.turn();
  CHECK(setting.got.tries == 2 + static_cast<int>(Delivery::kMaxNotices));
}

TEST_CASE("an end is no failure of the receiver", "[alerts]") {
  Setting setting;
  setting.got.next = What::kAgain;
  setting.add_hits(1);
  setting.interrupt.raise();
  setting.turn();
  CHECK(setting.said.empty());
  CHECK_FALSE(setting.stored.state.failing_since_ns);
}

namespace {

// Waits until it is interrupted, as for a receiver that is stopped.
class StuckSink final : public Sink {
 public:
  Delivered deliver(const Alert&, const Interrupt& interrupt) override {
    wait_for(interrupt.descriptor(), 0, INT64_MAX, interrupt);
    return {What::kAgain, "stuck"};
  }
};

}  // namespace

TEST_CASE("TRUST 80: a receiver that is stuck delays neither another nor the end", "[alerts][threads]") {
  Stored slow, quick;
  Got got;
  slow.stored_ns = quick.stored_ns = {1, 1, 1};
  std::vector<std::unique_ptr<Delivery>> deliveries;
  deliveries.push_back(std::make_unique<Delivery>(
      DeliveryOptions{.name = "slow"}, std::make_unique<StuckSink>(), std::make_unique<FakeQueue>(slow)));
  deliveries.push_back(std::make_unique<Delivery>(
      DeliveryOptions{.name = "quick"}, std::make_unique<FakeSink>(got), std::make_unique<FakeQueue>(quick)));
  DeliveryThreads threads(std::move(deliveries));
  threads.start();
  for (int i = 0; i < 1000; ++i) threads.wake();
  threads.stop(200'000'000);
  CHECK(got.text == "1 2 3");
  CHECK(slow.state.settled_n == 0);
  CHECK(threads.status().size() == 2);
}

}  // namespace detectd
