#include "src/host_identity.h"

#include <unistd.h>

#include <array>
#include <fstream>
#include <string>

namespace detectd {
namespace {

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

CaptureHost read_host_identity() {
  CaptureHost host;
  host.id = first_line("/etc/machine-id");
  host.boot_id = first_line("/proc/sys/kernel/random/boot_id");
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) == 0) host.name = name.data();
  const ClockReading now = read_clocks();
  host.booted_ns = now.wall_ns - now.boot_ns;
  return host;
}

ClockReading clocks_of(const CaptureHost& host) {
  ClockReading reading = read_clocks();
  if (host.booted_ns) reading.wall_ns = *host.booted_ns + reading.boot_ns;
  return reading;
}

}  // namespace detectd
