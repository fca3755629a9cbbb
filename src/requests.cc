#include "src/requests.h"

#include <signal.h>

#include <atomic>

namespace detectd {
namespace {

std::atomic<bool> reload{false};
std::atomic<bool> state{false};

void on_signal(int signal) { (signal == SIGHUP ? reload : state).store(true); }

}  // namespace

void catch_request_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGHUP, &action, nullptr);
  sigaction(SIGUSR1, &action, nullptr);
}

bool take_reload_request() { return reload.exchange(false); }
bool take_state_request() { return state.exchange(false); }

}  // namespace detectd
