#include "src/live/connection_watch.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <semaphore>
#include <vector>

#include "src/fd.h"
#include "tests/support/events.h"

namespace detectd {
namespace {

TEST_CASE("New connections are told while somebody wants them, with the time and host of the look",
          "[threads]") {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  const Fd server(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (bind(server.number(), plain, size) != 0 || listen(server.number(), 64) != 0 ||
      getsockname(server.number(), plain, &size) != 0) {
    WARN("skipped: no loopback");
    return;
  }
  const Fd procfs(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const BootClock clock(read_clocks());
  const auto host =
      std::make_shared<const CaptureHost>(CaptureHost{.id = "", .name = "web01", .boot_id = "b"});
  std::counting_semaphore<> told(0);
  ConnectionWatch watch(
      clock, host,
      {.poller = {.procfs = procfs.number()}, .period_ns = 1'000'000, .wake = [&] { told.release(); }});
  CHECK(watch.ended());
  watch.want(true);
  // Those before the first look are not told: one after the other, until one is.
  std::vector<Fd> clients;
  TimedEvent event;
  const auto is_ours = [&] {
    while (watch.pop(event)) {
      if (test::show(event.event, "destination.port") == std::to_string(ntohs(address.sin_port))) return true;
    }
    return false;
  };
  bool found = false;
  for (int i = 0; i < 60 && !found; ++i) {
    clients.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(connect(clients.back().number(), plain, size) == 0);
    found = told.try_acquire_for(std::chrono::milliseconds(500)) && is_ours();
  }
  REQUIRE(found);
  CHECK(test::show(event.event, "detectd.source") == "sock_diag");
  CHECK(event.event.host == host);
  CHECK(event.event.find_carried(field::kBootNs).number == clock.boot_ns(event.monotonic_ns));
  watch.stop();
  for (int i = 0; i < 1000 && !watch.ended(); ++i) {
    if (!told.try_acquire_for(std::chrono::seconds(1))) break;
  }
  CHECK(watch.ended());
}

}  // namespace
}  // namespace detectd
