#include "src/stop.h"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>

#include "engine/timestamp.h"

namespace detectd {
namespace {

std::atomic<int> received{0};
std::atomic<bool> time_is_up{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free,
              "used in signal handlers");

void on_stop(int signal) {
  if (signal == SIGINT && received.load() == SIGINT) _exit(128 + SIGINT);
  received.store(signal);
  // A read that began between the caller's look at stop_requested() and this signal is woken once more.
  alarm(1);
}

void on_alarm(int) {
  if (received.load() == 0) time_is_up.store(true);
  alarm(1);
}

void install(int signal, void (*handler)(int)) {
  struct sigaction action {};
  // A shell lets what it starts in the background ignore SIGINT: then Ctrl-C is not meant for us.
  if (signal == SIGINT && sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) return;
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);  // without SA_RESTART: read(2) is to return
}

}  // namespace

void catch_stop_signals() {
  install(SIGINT, on_stop);
  install(SIGTERM, on_stop);
  install(SIGALRM, on_alarm);
  // A closed pipe is an error of write(2), seen by Output.
  install(SIGPIPE, SIG_IGN);
}

void stop_after(int64_t timeout_ns) {
  itimerval timer{};
  timer.it_value.tv_sec = timeout_ns / kNanosPerSecond;
  timer.it_value.tv_usec = timeout_ns % kNanosPerSecond / 1000;
  setitimer(ITIMER_REAL, &timer, nullptr);
}

bool stop_requested() { return received.load() != 0 || time_is_up.load(); }

int stop_signal() { return received.load(); }

}  // namespace detectd
