#include "src/bare_process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace detectd {

// Not fork(3), which takes locks that another thread may hold.
pid_t clone_bare(Fd& child) {
  int pidfd = -1;
  const long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, nullptr, &pidfd, nullptr, nullptr);
  if (pid > 0) child.reset(pidfd);
  return static_cast<pid_t>(pid);
}

int shed_what_was_inherited(int socket, const char* name, pid_t parent) {
  constexpr int kSocket = 3;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NAME, name);
  setsid();
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM}) {
    signal(number, SIG_IGN);
  }
  // Whoever began us may have closed these, so that it is one of them.
  const int kept = fcntl(socket, F_DUPFD_CLOEXEC, kSocket + 1);
  for (int number = 0; number < 3; ++number) close(number);
  const int null = open("/dev/null", O_RDWR);
  for (int number = 0; number < 3; ++number) {
    if (number != null) dup2(null, number);
  }
  dup2(kept, kSocket);
  syscall(SYS_close_range, static_cast<unsigned>(kSocket) + 1, ~0U, 0);
  // Its end was told to us only if it came after the first line.
  if (getppid() != parent) _exit(0);
  return kSocket;
}

}  // namespace detectd
