#include "src/sources/exec_permission.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <vector>

namespace detectd {
namespace {

// Bytes as the kernel lays them out.
class Bytes {
 public:
  template <class Number>
  Bytes& add(Number number) {
    const auto* const from = reinterpret_cast<const std::byte*>(&number);
    bytes_.insert(bytes_.end(), from, from + sizeof number);
    return *this;
  }
  // A message with these descriptors; `pidfd` only where it is not -3.
  Bytes& message(uint64_t mask, int32_t file, int32_t pid, int32_t pidfd = -3) {
    const uint32_t length = pidfd == -3 ? 24 : 32;
    add(length).add(uint8_t{3}).add(uint8_t{0}).add(uint16_t{24}).add(mask).add(file).add(pid);
    return pidfd == -3 ? *this : add(uint8_t{4}).add(uint8_t{0}).add(uint16_t{8}).add(pidfd);
  }
  std::span<const std::byte> get() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

constexpr uint64_t kAsked = 0x40000;
constexpr uint64_t kTold = 0x1000;

TEST_CASE("what one read gave of execs comes a message at a time", "[live]") {
  const Bytes bytes = Bytes().message(kAsked, 7, 100, 9).message(kTold, 8, 101).message(kAsked, 10, 0, -1);
  ExecRequests requests(bytes.get());

  const auto first = requests.next();
  REQUIRE(first);
  CHECK(first->permission);
  CHECK(first->file == 7);
  CHECK(first->pid == 100);
  CHECK(first->pidfd == 9);

  const auto second = requests.next();
  REQUIRE(second);
  CHECK_FALSE(second->permission);
  CHECK(second->file == 8);
  CHECK(second->pidfd == -1);

  const auto third = requests.next();
  REQUIRE(third);
  CHECK(third->pid == 0);
  CHECK(third->pidfd == -1);

  CHECK_FALSE(requests.next());
  CHECK_FALSE(requests.broken());
}

TEST_CASE("an overflow of the kernel's queue brings no descriptor", "[live]") {
  const Bytes bytes = Bytes().message(0x4000, -1, 0);
  ExecRequests requests(bytes.get());
  const auto request = requests.next();
  REQUIRE(request);
  CHECK(request->overflow);
  CHECK(request->file == -1);
}

TEST_CASE("records of other kinds are passed over", "[live]") {
  Bytes bytes;
  bytes.add(uint32_t{44})
      .add(uint8_t{3})
      .add(uint8_t{0})
      .add(uint16_t{24})
      .add(kAsked)
      .add(int32_t{7})
      .add(int32_t{1});
  bytes.add(uint8_t{1}).add(uint8_t{0}).add(uint16_t{12}).add(uint64_t{0});
  bytes.add(uint8_t{4}).add(uint8_t{0}).add(uint16_t{8}).add(int32_t{33});
  ExecRequests requests(bytes.get());
  CHECK(requests.next()->pidfd == 33);
}

TEST_CASE("what is no message ends the reading, and says so", "[live]") {
  const auto whole = Bytes().message(kAsked, 7, 100, 9);
  const auto cut = [&whole](size_t size) { return whole.get().first(size); };
  Bytes other_version, too_long, no_head, record;
  other_version.add(uint32_t{24})
      .add(uint8_t{4})
      .add(uint8_t{0})
      .add(uint16_t{24})
      .add(kAsked)
      .add(uint64_t{0});
  too_long.add(uint32_t{25}).add(uint8_t{3}).add(uint8_t{0}).add(uint16_t{24}).add(kAsked).add(uint64_t{0});
  no_head.add(uint32_t{24}).add(uint8_t{3}).add(uint8_t{0}).add(uint16_t{8}).add(kAsked).add(uint64_t{0});
  for (const auto bytes : {cut(1), cut(23), cut(31), other_version.get(), too_long.get(), no_head.get()}) {
    ExecRequests requests(bytes);
    CHECK_FALSE(requests.next());
    CHECK(requests.broken());
  }
  // A record that ends nowhere costs the pidfd, not the message.
  record.add(uint32_t{32})
      .add(uint8_t{3})
      .add(uint8_t{0})
      .add(uint16_t{24})
      .add(kAsked)
      .add(int32_t{7})
      .add(int32_t{1});
  record.add(uint8_t{1}).add(uint8_t{0}).add(uint16_t{0}).add(int32_t{33});
  ExecRequests requests(record.get());
  const auto request = requests.next();
  REQUIRE(request);
  CHECK(request->file == 7);
  CHECK(request->pidfd == -1);
}

TEST_CASE("an answer names the file and says whether its exec may go on", "[live]") {
  const auto number_at = [](const std::array<std::byte, 8>& bytes, size_t offset) {
    uint32_t number = 0;
    std::memcpy(&number, bytes.data() + offset, sizeof number);
    return number;
  };
  const auto allow = encode_exec_answer(7, ExecAnswer::kAllow);
  CHECK(number_at(allow, 0) == 7);
  CHECK(number_at(allow, 4) == 1);
  CHECK(number_at(encode_exec_answer(7, ExecAnswer::kDeny), 4) == 2);
}

}  // namespace
}  // namespace detectd
