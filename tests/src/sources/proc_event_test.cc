#include "src/sources/proc_event.h"

#include <catch2/catch.hpp>

#include "src/sources/proc_connector.h"
#include "tests/support/proc_messages.h"

using namespace detectd;

namespace {

ProcEvent decode(const ProcMessage& message) {
  const auto event = decode_proc_message(message.bytes());
  REQUIRE(event);
  return *event;
}

}  // namespace

TEST_CASE("each message of the connector is read as the kernel lays it out", "[live]") {
  const ProcEvent fork =
      decode({.what = 1, .data = {11, 10, 21, 20}, .cpu = 3, .sequence = 77, .monotonic_ns = 5'000'000'001});
  CHECK(fork.what == ProcWhat::kFork);
  CHECK(fork.cpu == 3);
  CHECK(fork.sequence == 77);
  CHECK(fork.monotonic_ns == 5'000'000'001);
  CHECK(fork.other_thread == 11);
  CHECK(fork.other_pid == 10);
  CHECK(fork.thread == 21);
  CHECK(fork.pid == 20);

  const ProcEvent exec = decode({.what = 2, .data = {5, 4}});
  CHECK(exec.what == ProcWhat::kExec);
  CHECK(exec.thread == 5);
  CHECK(exec.pid == 4);

  const ProcEvent uid = decode({.what = 4, .data = {5, 4, 1000, 0}});
  CHECK(uid.what == ProcWhat::kUid);
  CHECK(uid.real_id == 1000);
  CHECK(uid.effective_id == 0);
  CHECK(decode({.what = 0x40, .data = {5, 4, 1, 2}}).what == ProcWhat::kGid);
  CHECK(decode({.what = 0x80, .data = {5, 4}}).what == ProcWhat::kSession);

  const ProcEvent trace = decode({.what = 0x100, .data = {5, 4, 7, 6}});
  CHECK(trace.what == ProcWhat::kPtrace);
  CHECK(trace.other_pid == 6);

  const ProcEvent comm = decode({.what = 0x200, .data = {5, 4, 0x6f77'6b5b, 0x5d}});
  CHECK(comm.thread_name() == "[kwo]");
  const ProcEvent full =
      decode({.what = 0x200, .data = {5, 4, 0x61616161, 0x61616161, 0x61616161, 0x61616161}});
  CHECK(full.thread_name() == std::string(16, 'a'));

  CHECK(decode({.what = 0x40000000, .data = {5, 4}}).what == ProcWhat::kCoredump);
  const ProcEvent exit = decode({.what = 0x80000000, .data = {5, 4, 139, 17}});
  CHECK(exit.what == ProcWhat::kExit);
  CHECK(exit.exit_status == 139);
  CHECK(decode({.what = 0}).what == ProcWhat::kAck);
  CHECK(decode({.what = 0x400}).what == ProcWhat::kUnknown);
}

TEST_CASE("a message that is cut, foreign or too long for itself is none", "[live]") {
  const std::vector<std::byte> whole = ProcMessage{.what = 1, .data = {1, 1, 2, 2}}.bytes();
  // The fork's four numbers end at byte 68: whatever is shorter says less than it claims.
  for (size_t size = 0; size < whole.size(); ++size) {
    CHECK_FALSE(decode_proc_message(std::span(whole).first(size)));
  }
  std::vector<std::byte> shorter = whole;
  const uint32_t length = 60;
  std::memcpy(shorter.data(), &length, sizeof length);
  CHECK_FALSE(decode_proc_message(shorter));
  CHECK_FALSE(decode_proc_message(ProcMessage{.what = 1, .data = {1, 1, 2, 2}, .index = 9}.bytes()));
  CHECK_FALSE(
      decode_proc_message(ProcMessage{.what = 2, .data = {1, 1}, .monotonic_ns = UINT64_MAX}.bytes()));
}

TEST_CASE("a mask names what is wanted, and always forks, execs and ends", "[live]") {
  CHECK(proc_event_mask({}) == 0x80000003);
  CHECK(proc_event_mask({EventKind::kUidChange, EventKind::kCommChange}) == 0x80000207);
  CHECK(proc_event_mask(KindSet::all()) == 0xC00003C7);
}

TEST_CASE("kernels before 6.6, which would not understand a mask, are sent none", "[live]") {
  for (const char* release : {"6.6.0", "6.6", "6.12.9+deb13-amd64", "6.18.44-fc-v669", "10.0-rc1"}) {
    CAPTURE(release);
    CHECK(knows_event_mask(release));
  }
  for (const char* release :
       {"6.1.0-50-cloud-amd64", "5.15.0-91-generic", "6.5.13", "4.18.0-553.el8", "6", "6.", "", "x.y"}) {
    CAPTURE(release);
    CHECK_FALSE(knows_event_mask(release));
  }
}

TEST_CASE("gaps in the numbers of a CPU are counted, late ones taken back, and numbers wrap around",
          "[live]") {
  SequenceGaps gaps;
  gaps.add(0, 5);
  gaps.add(1, 900);
  gaps.add(0, 6);
  CHECK(gaps.missing() == 0);
  gaps.add(0, 10);
  CHECK(gaps.missing() == 3);
  gaps.add(0, 8);
  CHECK(gaps.missing() == 2);
  gaps.add(1, 901);
  CHECK(gaps.missing() == 2);
  gaps.add(2, UINT32_MAX);
  gaps.add(2, 0);
  CHECK(gaps.missing() == 2);
  gaps.add(2, 2);
  CHECK(gaps.missing() == 3);
  gaps.restart();
  gaps.add(0, 1000);
  CHECK(gaps.missing() == 3);
}
