#include "tests/live/attack.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <thread>

extern char** environ;

namespace attack {
namespace {

// Its father ends at once: PPid says 1, or a subreaper.
int doublefork(const Arguments& a) {
  int ends[2];
  if (pipe(ends) != 0) die("pipe");
  in_child([&] {
    if (fork() == 0) {
      close(ends[1]);
      // Until the father is gone and nobody holds the other end.
      char byte = 0;
      while (read(ends[0], &byte, 1) > 0) {
      }
      exec("/bin/true", {"true", a[0]});
    }
  });
  close(ends[1]);
  return 0;
}

int subreaper(const Arguments& a) {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) die("subreaper");
  doublefork(a);
  while (wait(nullptr) > 0) {
  }
  return 0;
}

// The child is told of as the grandfather's.
int cloneparent(const Arguments& a) {
  in_child([&] {
    if (syscall(SYS_clone, CLONE_PARENT | SIGCHLD, nullptr, nullptr, nullptr, 0) == 0) {
      exec("/bin/true", {"true", a[0]});
    }
  });
  while (wait(nullptr) > 0) {
  }
  return 0;
}

// Another thread than the leader execs.
int thread_exec(const Arguments& a) {
  std::thread([&a] { exec("/bin/true", {"true", a[0]}); }).join();
  return 70;
}

// Threads, and nothing else, then one process that counts.
int threads(const Arguments& a) {
  for (int i = 0; i < 20'000; ++i) std::thread([] {}).join();
  return in_child([&] { exec("/bin/true", {"true", a[0]}); });
}

// The leader ends, the process goes on.
int leader_ends(const Arguments& a) {
  const std::string mark = a[0];
  std::thread([mark] {
    in_child([&] { exec("/bin/true", {"true", mark}); });
    _exit(7);
  }).detach();
  pthread_exit(nullptr);
}

int spawn(const Arguments& a) {
  Arguments arguments = {"true", a[0]};
  pid_t pid = 0;
  if (posix_spawn(&pid, "/bin/true", nullptr, nullptr, pointers(arguments).data(), environ) != 0)
    die("posix_spawn");
  wait_for(pid);
  return run_true(a[0]);
}

constexpr Attack kAll[] = {
    {"doublefork", doublefork},
    {"subreaper", subreaper},
    {"cloneparent", cloneparent},
    {"thread-exec", thread_exec},
    {"threads", threads},
    {"leader-ends", leader_ends},
    {"spawn", spawn},
};

}  // namespace

std::span<const Attack> lineages() { return kAll; }

}  // namespace attack
