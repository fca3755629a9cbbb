#include "src/notify.h"

#include <systemd/sd-daemon.h>

#include <string>

#include "src/clock.h"

namespace detectd::notify {
namespace {

// What is told is not always heard; nothing of ours depends on it.
void tell(const std::string& message) { static_cast<void>(sd_notify(0, message.c_str())); }

// A status is one line.
std::string one_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

}  // namespace

void ready(std::string_view status) { tell("READY=1\nSTATUS=" + one_line(status)); }
void status(std::string_view status) { tell("STATUS=" + one_line(status)); }
void reloading() { tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(steady_clock_ns() / 1000)); }
void stopping() { tell("STOPPING=1"); }
void alive() { tell("WATCHDOG=1"); }

int64_t watchdog_ns() {
  uint64_t usec = 0;
  return sd_watchdog_enabled(0, &usec) > 0 ? static_cast<int64_t>(usec) * 1000 : 0;
}

}  // namespace detectd::notify
