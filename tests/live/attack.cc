// What an attacker does to be overlooked, or to blind who looks: a sub-command each. Every one marks the processes it
// means to be seen with an argument of the caller's.
//
//   attack NAME MARK [ARGUMENT...]
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

extern char** environ;

namespace {

using Arguments = std::vector<std::string>;

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "attack: %s: %s\n", what, std::strerror(errno));
  _exit(70);
}

// A feature that is not to be had here: the test is skipped.
[[noreturn]] void skip(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  _exit(77);
}

std::vector<char*> pointers(Arguments& arguments) {
  std::vector<char*> list;
  for (std::string& argument : arguments) list.push_back(argument.data());
  list.push_back(nullptr);
  return list;
}

void exec(const char* path, Arguments arguments) {
  execv(path, pointers(arguments).data());
  die(path);
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) die("waitpid");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

template <class Work>
int in_child(Work work) {
  const pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid == 0) {
    work();
    _exit(0);
  }
  return wait_for(pid);
}

int copy_to_memory(const char* path, const char* name) {
  const int from = open(path, O_RDONLY | O_CLOEXEC);
  const int to = memfd_create(name, 0);
  if (from < 0 || to < 0) die("memfd");
  std::array<char, 65536> buffer;
  ssize_t size = 0;
  while ((size = read(from, buffer.data(), buffer.size())) > 0) {
    if (write(to, buffer.data(), static_cast<size_t>(size)) != size) die("write");
  }
  close(from);
  return to;
}

// A program in memory, by its descriptor, under a kernel thread's name.
int memfd(const Arguments& a) {
  const int file = copy_to_memory("/bin/true", "zzx");
  Arguments arguments = {"[kworker/u8:1]", a[0]};
  syscall(SYS_execveat, file, "", pointers(arguments).data(), environ, AT_EMPTY_PATH);
  die("execveat");
}

// The same by a path.
int memfd_path(const Arguments& a) {
  const int file = copy_to_memory("/bin/true", "zzy");
  exec(("/proc/self/fd/" + std::to_string(file)).c_str(), {"true", a[0]});
  return 70;
}

// No argument at all: the kernel gives an empty one.
int argc0(const Arguments& a) {
  char* none[] = {nullptr};
  execv(a[1].c_str(), none);
  die("execv");
}

// 2 MiB of arguments, what counts at the end.
int longarg(const Arguments& a) {
  Arguments arguments = {"true"};
  for (int i = 0; i < 15; ++i) arguments.emplace_back(120'000, 'x');
  arguments.push_back(a[0]);
  exec("/bin/true", arguments);
  return 70;
}

int manyargs(const Arguments& a) {
  Arguments arguments = {"true", a[0]};
  for (int i = 0; i < 100'000; ++i) arguments.emplace_back("x");
  exec("/bin/true", arguments);
  return 70;
}

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

// With vfork, as shells and make do it.
int run_true(const std::string& mark) {
  const pid_t pid = vfork();
  if (pid == 0) {
    execl("/bin/true", "true", mark.c_str(), nullptr);
    _exit(127);
  }
  return wait_for(pid);
}

int spawn(const Arguments& a) {
  Arguments arguments = {"true", a[0]};
  pid_t pid = 0;
  if (posix_spawn(&pid, "/bin/true", nullptr, nullptr, pointers(arguments).data(), environ) != 0)
    die("posix_spawn");
  wait_for(pid);
  return run_true(a[0]);
}

// A name that breaks who parses /proc/PID/stat, and then one of the kernel's.
int comm(const Arguments& a) {
  return in_child([&] {
    if (prctl(PR_SET_NAME, a[1].c_str(), 0, 0, 0) != 0) die("PR_SET_NAME");
    in_child([&] { exec("/bin/true", {"true", a[0]}); });
  });
}

int comm_flood(const Arguments& a) {
  const int names = std::atoi(a[1].c_str());
  for (int i = 0; i < names; ++i) {
    if (i % (names / 20) == 0) {
      in_child([&] { exec("/bin/true", {"true", a[0] + "-" + std::to_string(i / (names / 20))}); });
    }
    prctl(PR_SET_NAME, i % 2 == 0 ? "even" : "odd", 0, 0, 0);
  }
  return 0;
}

// A chain: each program makes room for the next at once.
int chain(const Arguments& a) {
  const int left = std::atoi(a[1].c_str());
  if (left == 0) exec("/bin/true", {"true", a[0] + "-0"});
  exec("/proc/self/exe", {"attack", "chain", a[0], std::to_string(left - 1)});
  return 70;
}

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

// Seizes a process and lets it go.
int trace(const Arguments& a) {
  const auto pid = static_cast<pid_t>(std::atoi(a[1].c_str()));
  if (ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0) skip("PTRACE_SEIZE");
  if (ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) != 0) die("INTERRUPT");
  wait_for(-1);
  ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
  return 0;
}

// Messages to all who listen to the process connector, as if they were the kernel's.
int forge(const Arguments& a) {
  const int fd = socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) skip("netlink");
  std::array<uint32_t, 19> message{};
  message[0] = sizeof message;
  message[1] = 3;
  message[4] = 1;
  message[5] = 1;
  message[8] = 40;
  message[9] = 2;  // an exec
  message[13] = message[14] = static_cast<uint32_t>(getpid());
  address.nl_groups = 1;
  for (int i = 0; i < 10; ++i) {
    if (sendto(fd, message.data(), sizeof message, 0, reinterpret_cast<sockaddr*>(&address), sizeof address) <
        0) {
      skip("send to the group");
    }
  }
  return in_child([&] { exec("/bin/true", {"true", a[0]}); });
}

// Other subscriptions, whose acknowledgements go to everybody.
int acks(const Arguments& a) {
  for (int i = 0; i < 100; ++i) {
    const int fd = socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = 1;
    if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) skip("netlink");
    std::array<uint32_t, 10> message{};
    message[0] = sizeof message;
    message[1] = 3;
    message[4] = 1;
    message[5] = 1;
    message[8] = 4;
    message[9] = 1u + static_cast<uint32_t>(i % 2);  // listen, ignore
    if (send(fd, message.data(), sizeof message, 0) < 0) skip("subscribe");
    close(fd);
  }
  return in_child([&] { exec("/bin/true", {"true", a[0]}); });
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

// As many execs as fast as they go: attack flood MARK COUNT.
int flood(const Arguments& a) {
  const int count = std::atoi(a[1].c_str());
  for (int i = 0; i < count; ++i) run_true(a[0] + "-" + std::to_string(i));
  return 0;
}

int64_t monotonic_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

// What became of so many execs of a program: attack execs MARK COUNT PATH.
int execs(const Arguments& a) {
  const int count = std::atoi(a[1].c_str());
  int refused = 0, ran = 0, other = 0;
  int64_t slowest_ms = 0;
  for (int i = 0; i < count; ++i) {
    const int64_t start_ms = monotonic_ms();
    const pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid == 0) {
      Arguments arguments{a[2], a[0]};
      execv(a[2].c_str(), pointers(arguments).data());
      _exit(errno == EPERM ? 101 : 102);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 102;
    ++(code == 101 ? refused : code == 0 ? ran : other);
    slowest_ms = std::max(slowest_ms, monotonic_ms() - start_ms);
  }
  // On standard error: what a program itself writes is counted apart.
  std::fprintf(stderr, "refused %d ran %d other %d slowest %lld ms\n", refused, ran, other,
               static_cast<long long>(slowest_ms));
  return 0;
}

int forks(const Arguments& a) {
  const int count = std::atoi(a[1].c_str());
  for (int i = 0; i < count; ++i) in_child([] {});
  return in_child([&] { exec("/bin/true", {"true", a[0]}); });
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

// A program and its arguments, as a child of this one: whatever the name of its file may be.
int run(const Arguments& a) {
  const Arguments arguments(a.begin() + 1, a.end());
  return in_child([&] { exec(arguments[0].c_str(), arguments); });
}

// Not an attack: a datagram socket at a path, as systemd has one to be notified; prints what arrives, a message a line.
int notified(const Arguments& a) {
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (a[0].size() >= sizeof address.sun_path) return 2;
  std::memcpy(address.sun_path, a[0].data(), a[0].size());
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("bind");
  std::array<char, 4096> message;
  ssize_t size = 0;
  while ((size = recv(fd, message.data(), message.size(), 0)) >= 0) {
    for (ssize_t i = 0; i < size; ++i) {
      if (message[static_cast<size_t>(i)] == '\n') message[static_cast<size_t>(i)] = ' ';
    }
    std::printf("%.*s\n", static_cast<int>(size), message.data());
    std::fflush(stdout);
  }
  return 70;
}

// Not an attack: counts what the kernel sends to whoever asks for the kinds of events that detectd asks for, and
// prints the count at each SIGUSR1; `lossy` behind it, should it have lost some itself.
int count(const Arguments&) {
  constexpr uint32_t kMask = 0x1 | 0x2 | 0x4 | 0x40 | 0x80 | 0x100 | 0x40000000 | 0x80000000;
  const int fd = socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
  const int room = 256 << 20;
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1;
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0 ||
      bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    skip("netlink");
  }
  std::array<uint32_t, 11> subscription{};
  subscription[0] = sizeof subscription;
  subscription[1] = 3;
  subscription[4] = subscription[5] = 1;
  subscription[8] = 8;
  subscription[9] = 1;
  subscription[10] = kMask;
  if (send(fd, subscription.data(), sizeof subscription, 0) < 0) skip("subscribe");
  sigset_t asked;
  sigemptyset(&asked);
  sigaddset(&asked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &asked, nullptr);
  const int signals = signalfd(-1, &asked, SFD_CLOEXEC);
  std::printf("counting\n");
  std::fflush(stdout);
  uint64_t events = 0;
  bool lossy = false;
  while (true) {
    pollfd files[] = {{fd, POLLIN, 0}, {signals, POLLIN, 0}};
    poll(files, 2, -1);
    std::array<uint32_t, 32> message{};
    while (true) {
      const ssize_t size = recv(fd, message.data(), sizeof message, 0);
      if (size < 0 && errno == ENOBUFS) lossy = true;
      if (size < 0 && errno != ENOBUFS) break;
      if (size >= 40 && message[9] != 0) ++events;
    }
    signalfd_siginfo signal{};
    if ((files[1].revents & POLLIN) == 0 || read(signals, &signal, sizeof signal) < 0) continue;
    std::printf("%llu%s\n", static_cast<unsigned long long>(events), lossy ? " lossy" : "");
    std::fflush(stdout);
  }
}

// ---- what a process says of itself, once it has run ----

// Its own arguments, as the exec left them, and where they end.
struct OwnArguments {
  char* begin = nullptr;
  char* end = nullptr;
};
OwnArguments own_arguments;

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

// The fields of /proc/self/stat from number `from` on, counted as in proc_pid_stat(5).
std::vector<uint64_t> own_stat(int from) {
  std::array<char, 4096> text{};
  const int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
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

// From now on its arguments are what lies at `place`.
void move_arguments(void* place, size_t size) {
  // 26 startcode, endcode, startstack; 45 start_data, end_data, start_brk, arg_start, arg_end, env_start, env_end.
  const std::vector<uint64_t> numbers = own_stat(26);
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

struct Attack {
  std::string_view name;
  int (*run)(const Arguments&);
};
constexpr Attack kAttacks[] = {
    {"memfd", memfd},
    {"memfd-path", memfd_path},
    {"argc0", argc0},
    {"longarg", longarg},
    {"manyargs", manyargs},
    {"doublefork", doublefork},
    {"subreaper", subreaper},
    {"cloneparent", cloneparent},
    {"thread-exec", thread_exec},
    {"threads", threads},
    {"leader-ends", leader_ends},
    {"spawn", spawn},
    {"comm", comm},
    {"comm-flood", comm_flood},
    {"chain", chain},
    {"traceme", traceme},
    {"trace", trace},
    {"inject", inject},
    {"forge", forge},
    {"acks", acks},
    {"userns", userns},
    {"pidns", pidns},
    {"flood", flood},
    {"execs", execs},
    {"forks", forks},
    {"become-root", become_root},
    {"drop", drop},
    {"reverse-shell", reverse_shell},
    {"run", run},
    {"notified", notified},
    {"count", count},
    {"spoofed", spoofed},
    {"spoof-now", spoof_now},
    {"mmmap", mmmap},
    {"unreadable", unreadable},
    {"uffd", uffd},
    {"reuse", reuse},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: attack NAME MARK [ARGUMENT...]\n");
    return 2;
  }
  own_arguments = {.begin = argv[0], .end = argv[argc - 1] + std::strlen(argv[argc - 1]) + 1};
  const std::string_view name = argv[1];
  const Arguments arguments(argv + 2, argv + argc);
  for (const Attack& attack : kAttacks) {
    if (attack.name == name) return attack.run(arguments);
  }
  std::fprintf(stderr, "attack: there is no %s\n", argv[1]);
  return 2;
}
