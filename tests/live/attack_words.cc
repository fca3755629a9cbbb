#include "tests/live/attack.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace attack {
namespace {

[[noreturn]] void say_ready_and_stay() {
  std::printf("ready\n");
  std::fflush(stdout);
  while (true) pause();
}

// `spoofed MARK-real`: its first act is to call itself MARK-fake.
int spoofed(const Arguments&) {
  std::memcpy(own_arguments.end - 5, "fake", 4);
  say_ready_and_stay();
}

// So many of them, one after the other; they stay until standard input ends.
int spoof_now(const Arguments& a) {
  std::vector<pid_t> children;
  for (int i = 0; i < std::atoi(a[1].c_str()); ++i) {
    const pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid == 0) exec("/proc/self/exe", {"attack", "spoofed", a[0] + "-real"});
    children.push_back(pid);
  }
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  for (const pid_t pid : children) kill(pid, SIGKILL);
  while (wait(nullptr) > 0) {
  }
  return 0;
}

// The fields of a /proc/PID/stat from number `from` on, counted as in proc_pid_stat(5).
std::vector<uint64_t> stat_fields(const std::string& path, int from) {
  std::array<char, 4096> text{};
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 || read(file, text.data(), text.size() - 1) <= 0) die("stat");
  close(file);
  const char* at = std::strrchr(text.data(), ')') + 4;
  std::vector<uint64_t> numbers;
  for (int field = 4; *at != '\0'; ++field) {
    char* next = nullptr;
    const uint64_t number = std::strtoull(at, &next, 10);
    if (next == at) break;
    if (field >= from) numbers.push_back(number);
    at = next;
  }
  return numbers;
}

// Traced, it is held between its exec and the connector's event, while its arguments are written over.
int held_exec(const Arguments& a) {
  const pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) die("ptrace");
    raise(SIGSTOP);
    exec("/bin/true", {"true", a[0] + "-real"});
    _exit(1);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) die("waitpid");
  if (ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACEEXEC) != 0) die("ptrace");
  ptrace(PTRACE_CONT, child, nullptr, nullptr);
  if (waitpid(child, &status, 0) != child || status >> 8 != (SIGTRAP | PTRACE_EVENT_EXEC << 8))
    die("no exec");
  const std::string process = "/proc/" + std::to_string(child);
  const std::vector<uint64_t> numbers = stat_fields(process + "/stat", 49);
  const int memory = open((process + "/mem").c_str(), O_RDWR | O_CLOEXEC);
  // The last argument ends there.
  if (memory < 0 || pwrite(memory, "fake", 4, static_cast<off_t>(numbers[0] - 5)) != 4) die("mem");
  close(memory);
  ptrace(PTRACE_CONT, child, nullptr, nullptr);
  return wait_for(child);
}

// From now on its arguments are what lies at `place`.
void move_arguments(void* place, size_t size) {
  // 26 startcode, endcode, startstack; 45 start_data, end_data, start_brk, arg_start, arg_end, env_start, env_end.
  const std::vector<uint64_t> numbers = stat_fields("/proc/self/stat", 26);
  prctl_mm_map map{};
  map.start_code = numbers[0];
  map.end_code = numbers[1];
  map.start_stack = numbers[2];
  map.start_data = numbers[19];
  map.end_data = numbers[20];
  map.start_brk = numbers[21];
  map.brk = reinterpret_cast<uintptr_t>(sbrk(0));
  map.arg_start = reinterpret_cast<uintptr_t>(place);
  map.arg_end = map.arg_start + size;
  map.env_start = numbers[24];
  map.env_end = numbers[25];
  map.exe_fd = UINT32_MAX;
  if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0) != 0) skip("PR_SET_MM_MAP");
}

void* new_page(int protection) {
  void* const page = mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) die("mmap");
  return page;
}

// Arguments of its own choice, elsewhere.
int mmmap(const Arguments& a) {
  const std::string chosen = a[0] + "-fake";
  void* const page = new_page(PROT_READ | PROT_WRITE);
  std::memcpy(page, chosen.c_str(), chosen.size() + 1);
  move_arguments(page, chosen.size() + 1);
  say_ready_and_stay();
}

// Arguments that nobody can read: what is given besides fills some pages, all but the first are closed.
int unreadable(const Arguments&) {
  const auto begin = (reinterpret_cast<uintptr_t>(own_arguments.begin) + 4095) & ~uintptr_t{4095};
  const auto end = reinterpret_cast<uintptr_t>(own_arguments.end) & ~uintptr_t{4095};
  if (begin >= end) die("too few arguments");
  if (mprotect(reinterpret_cast<void*>(begin), end - begin, PROT_NONE) != 0) die("mprotect");
  say_ready_and_stay();
}

// What ends its arguments is written over, so that they run on into its environment, where MARK-secret stands.
int envspill(const Arguments& a) {
  if (getenv("ATTACK_SECRET") == nullptr) {
    clearenv();
    setenv("ATTACK_SECRET", (a[0] + "-secret").c_str(), 1);
    exec("/proc/self/exe", {"attack", "envspill", a[0]});
  }
  std::replace(own_arguments.begin, own_arguments.end, '\0', ' ');
  say_ready_and_stay();
}

// Arguments on a page that only a handler of faults could fill, which does not.
int uffd(const Arguments&) {
  const auto fault = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
  if (fault < 0) skip("userfaultfd");
  uffdio_api api{};
  api.api = UFFD_API;
  uffdio_register region{};
  void* const page = new_page(PROT_READ | PROT_WRITE);
  region.range.start = reinterpret_cast<uintptr_t>(page);
  region.range.len = 4096;
  region.mode = UFFDIO_REGISTER_MODE_MISSING;
  if (ioctl(fault, UFFDIO_API, &api) != 0 || ioctl(fault, UFFDIO_REGISTER, &region) != 0) skip("userfaultfd");
  move_arguments(page, 4096);
  say_ready_and_stay();
}

uint64_t start_ticks_of(pid_t pid) {
  std::array<char, 4096> text{};
  const int file = open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 || read(file, text.data(), text.size() - 1) <= 0) return 0;
  close(file);
  const char* at = std::strrchr(text.data(), ')');
  for (int field = 2; at != nullptr && field < 22; ++field) at = std::strchr(at + 1, ' ');
  return at == nullptr ? 0 : std::strtoull(at, nullptr, 10);
}

// A program, and in its place, with its pid, another one: `attack reuse MARK`; with `tick` behind it until both have the
// same start time. Says `ready N` of the attempt that counts, whose processes are MARK-old-N and MARK-new-N.
int reuse(const Arguments& a) {
  const bool same_tick = a.size() > 1;
  constexpr int kAttempts = 500;
  for (int i = 0; i < kAttempts; ++i) {
    const std::string number = std::to_string(i);
    pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid == 0) exec("/bin/true", {"true", a[0] + "-old-" + number});
    siginfo_t ended{};
    if (waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT) != 0) die("waitid");
    const uint64_t old_start = start_ticks_of(pid);
    wait_for(pid);
    clone_args arguments{};
    arguments.exit_signal = SIGCHLD;
    arguments.set_tid = reinterpret_cast<uintptr_t>(&pid);
    arguments.set_tid_size = 1;
    const auto child = static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
    if (child < 0) {
      if (errno == EEXIST) continue;  // somebody else was faster
      skip("clone3 with set_tid");
    }
    if (child == 0) {
      const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
      for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) dup2(nothing, stream);
      execl("/usr/bin/tail", "tail", "-f", "/dev/null", (a[0] + "-new-" + number).c_str(), nullptr);
      _exit(127);
    }
    if (!same_tick || start_ticks_of(child) == old_start) {
      std::printf("ready %d %d\n", i, child);
      std::fflush(stdout);
      return wait_for(child);
    }
    kill(child, SIGKILL);
    wait_for(child);
  }
  errno = EAGAIN;
  skip("two processes with one pid and one start time");
}

constexpr Attack kAll[] = {
    {"spoofed", spoofed},   {"spoof-now", spoof_now}, {"mmmap", mmmap}, {"unreadable", unreadable},
    {"envspill", envspill}, {"uffd", uffd},           {"reuse", reuse}, {"held-exec", held_exec},
};

}  // namespace

std::span<const Attack> words() { return kAll; }

}  // namespace attack
