#include "tests/live/attack.h"

#include <linux/netlink.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <cstdlib>

namespace attack {
namespace {

int comm_flood(const Arguments& a) {
  const int names = std::atoi(a[1].c_str());
  for (int i = 0; i < names; ++i) {
    if (i % (names / 20) == 0) {
      in_child([&] { exec("/bin/true", {"true", a[0] + "-" + std::to_string(i / (names / 20))}); });
    }
    prctl(PR_SET_NAME, i % 2 == 0 ? "even" : "odd", 0, 0, 0);
  }
  return 0;
}

// As many execs as fast as they go: attack flood MARK COUNT.
int flood(const Arguments& a) {
  const int count = std::atoi(a[1].c_str());
  for (int i = 0; i < count; ++i) run_true(a[0] + "-" + std::to_string(i));
  return 0;
}

int forks(const Arguments& a) {
  const int count = std::atoi(a[1].c_str());
  for (int i = 0; i < count; ++i) in_child([] {});
  return in_child([&] { exec("/bin/true", {"true", a[0]}); });
}

// Messages to all who listen to the process connector, as if they were the kernel's.
int forge(const Arguments& a) {
  const int fd = socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) skip("netlink");
  std::array<uint32_t, 19> message{};
  message[0] = sizeof message;
  message[1] = 3;
  message[4] = 1;
  message[5] = 1;
  message[8] = 40;
  message[9] = 2;  // an exec
  message[13] = message[14] = static_cast<uint32_t>(getpid());
  address.nl_groups = 1;
  for (int i = 0; i < 10; ++i) {
    if (sendto(fd, message.data(), sizeof message, 0, reinterpret_cast<sockaddr*>(&address), sizeof address) <
        0) {
      skip("send to the group");
    }
  }
  return in_child([&] { exec("/bin/true", {"true", a[0]}); });
}

// Other subscriptions, whose acknowledgements go to everybody.
int acks(const Arguments& a) {
  for (int i = 0; i < 100; ++i) {
    const int fd = socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = 1;
    if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) skip("netlink");
    std::array<uint32_t, 10> message{};
    message[0] = sizeof message;
    message[1] = 3;
    message[4] = 1;
    message[5] = 1;
    message[8] = 4;
    message[9] = 1u + static_cast<uint32_t>(i % 2);  // listen, ignore
    if (send(fd, message.data(), sizeof message, 0) < 0) skip("subscribe");
    close(fd);
  }
  return in_child([&] { exec("/bin/true", {"true", a[0]}); });
}

constexpr Attack kAll[] = {
    {"comm-flood", comm_flood}, {"flood", flood}, {"forks", forks}, {"forge", forge}, {"acks", acks},
};

}  // namespace

std::span<const Attack> floods() { return kAll; }

}  // namespace attack
