// What systemd is told (sd_notify(3)); nothing happens where it does not ask to be told.
#pragma once

#include <cstdint>
#include <string_view>

namespace detectd::notify {

void ready(std::string_view status);
void status(std::string_view status);
// A reload begins; ready() ends it.
void reloading();
void stopping();
void alive();
// How often alive() is expected; 0: not at all.
int64_t watchdog_ns();

}  // namespace detectd::notify
