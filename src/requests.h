// What an operator asks of the running daemon by a signal: HUP to load rules and configuration again, USR1 to log its
// state. Signals only set a flag; the loop asks.
#pragma once

namespace detectd {

void catch_request_signals();
// True once for any number of signals since the last call.
bool take_reload_request();
bool take_state_request();

}  // namespace detectd
