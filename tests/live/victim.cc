// What responses are tried on: processes of the test's own, which end by themselves after five minutes. Each sub-command is
// one way to be hard to end, or easily mistaken for another.
//   victim COMMAND ARGUMENTS...     exit status 77: the kernel feature is not to be had here
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

extern char** environ;

namespace {

using Arguments = std::vector<std::string>;
constexpr unsigned kLifeSeconds = 300;

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "victim: %s: %s\n", what, std::strerror(errno));
  _exit(70);
}

[[noreturn]] void skip(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  _exit(77);
}

[[noreturn]] void stay() {
  alarm(kLifeSeconds);
  while (true) pause();
}

void say(const std::string& line) {
  if (write(STDOUT_FILENO, (line + "\n").data(), line.size() + 1) < 0) die("write");
}

// Until the test says so, by a line.
void wait_for_line() {
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n') {
  }
}

pid_t spawn(const std::string& path, Arguments arguments) {
  arguments.insert(arguments.begin(), path);
  std::vector<char*> list;
  for (std::string& argument : arguments) list.push_back(argument.data());
  list.push_back(nullptr);
  pid_t pid = 0;
  if (posix_spawn(&pid, path.c_str(), nullptr, nullptr, list.data(), environ) != 0) die(path.c_str());
  return pid;
}

[[noreturn]] void become(const std::string& path, Arguments arguments) {
  arguments.insert(arguments.begin(), path);
  std::vector<char*> list;
  for (std::string& argument : arguments) list.push_back(argument.data());
  list.push_back(nullptr);
  execv(path.c_str(), list.data());
  die(path.c_str());
}

int sleeps(const Arguments&) { stay(); }

// Says that main() was reached.
int marks(const Arguments& a) {
  const int file = open(a.at(0).c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  return file >= 0 && write(file, "x\n", 2) == 2 ? 0 : 1;
}

// Programs that end at once, or after a while; how many, from so many parents.
int many(const Arguments& a) {
  const int count = std::atoi(a.at(1).c_str());
  const int parents = std::atoi(a.at(2).c_str());
  const Arguments arguments(a.begin() + 3, a.end());
  for (int parent = 0; parent < parents; ++parent) {
    if (fork() != 0) continue;
    for (int i = parent; i < count; i += parents) {
      const pid_t child = spawn(a.at(0), arguments);
      int status = 0;
      waitpid(child, &status, 0);
    }
    _exit(0);
  }
  while (wait(nullptr) > 0 || errno == EINTR) {
  }
  return 0;
}

// So many that stay, children of this one; says so when all are there.
int crowd(const Arguments& a) {
  const int count = std::atoi(a.at(1).c_str());
  for (int i = 0; i < count; ++i) spawn(a.at(0), {"sleep"});
  say("there");
  alarm(kLifeSeconds);
  while (wait(nullptr) > 0 || errno == EINTR) {
  }
  return 0;
}

// A process that has a pid which was just in use; -1 with an errno.
pid_t fork_as(pid_t pid) {
  pid_t wanted[] = {pid};
  clone_args how{};
  how.exit_signal = SIGCHLD;
  how.set_tid = reinterpret_cast<uint64_t>(wanted);
  how.set_tid_size = 1;
  return static_cast<pid_t>(syscall(SYS_clone3, &how, sizeof how));
}

// A process that ends when told, whose pid a newcomer then has: who must live.
int reuse(const Arguments& a) {
  const pid_t victim = spawn(a.at(0), {"sleep"});
  say(std::to_string(victim));
  wait_for_line();
  kill(victim, SIGKILL);
  int status = 0;
  waitpid(victim, &status, 0);
  const pid_t newcomer = fork_as(victim);
  if (newcomer < 0) skip("clone3 with set_tid");
  if (newcomer == 0) {
    if (a.size() > 1) become(a.at(1), {"sleep"});
    stay();
  }
  say("reused");
  wait_for_line();
  const bool lives = waitpid(victim, &status, WNOHANG) == 0;
  kill(victim, SIGKILL);
  say(lives ? "lives" : "ended");
  return 0;
}

// So many programs, every other one of which ends at once; right behind its end each pid is that of a newcomer who runs
// another program: who must live.
int recycle(const Arguments& a) {
  const int count = std::atoi(a.at(1).c_str());
  std::vector<pid_t> newcomers;
  for (int i = 0; i < count; ++i) {
    const pid_t victim = i % 2 == 0 ? spawn(a.at(0), {"mark", "/dev/null"}) : spawn(a.at(0), {"sleep"});
    int status = 0;
    waitpid(victim, &status, 0);
    const pid_t newcomer = fork_as(victim);
    if (newcomer == 0) become(a.at(2), {"sleep"});
    if (newcomer < 0 && errno != EEXIST) skip("clone3 with set_tid");
    if (newcomer > 0) newcomers.push_back(newcomer);
  }
  say("there");
  wait_for_line();
  size_t living = 0;
  for (const pid_t newcomer : newcomers) {
    int status = 0;
    if (waitpid(newcomer, &status, WNOHANG) == 0) ++living;
    kill(newcomer, SIGKILL);
  }
  say(std::to_string(living) + " of " + std::to_string(newcomers.size()) + " live");
  return 0;
}

// Runs another program when it gets SIGUSR1.
int changes(const Arguments& a) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  say(std::to_string(getpid()));
  alarm(kLifeSeconds);
  int signal = 0;
  sigwait(&set, &signal);
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
  become(a.at(0), {"sleep"});
}

// A chain of descendants.
int chain(const Arguments& a) {
  const int depth = std::atoi(a.at(0).c_str());
  for (int i = 1; i < depth; ++i) {
    const pid_t child = fork();
    if (child < 0) die("fork");
    if (child > 0) stay();
  }
  say("there");
  stay();
}

[[noreturn]] void fork_on(int below) {
  alarm(kLifeSeconds);
  for (int i = 0; i < below; ++i) {
    if (fork() == 0) fork_on(0);
  }
  // Each child that ends is made up for, and one more comes and goes all the time; some of them are orphans.
  for (unsigned turn = 0;; ++turn) {
    const pid_t passing = fork();
    if (passing == 0) {
      if (turn % 4 == 0 && fork() == 0) {
        usleep(20'000);
        _exit(0);
      }
      usleep(2000);
      _exit(0);
    }
    int status = 0;
    for (pid_t ended = waitpid(-1, &status, 0); ended > 0; ended = waitpid(-1, &status, WNOHANG)) {
      if (ended != passing && below > 0 && fork() == 0) fork_on(0);
    }
  }
}

// A tree of so many, all of which keep forking.
int tree(const Arguments& a) {
  const int count = std::atoi(a.at(0).c_str());
  for (int i = 0; i < count / 20; ++i) {
    if (fork() == 0) fork_on(19);
  }
  say("there");
  alarm(kLifeSeconds);
  while (true) {
    int status = 0;
    if (waitpid(-1, &status, 0) > 0 && fork() == 0) fork_on(19);
  }
}

// Its first thread has ended: /proc/PID/exe tells nothing.
int leaderless(const Arguments&) {
  alarm(kLifeSeconds);
  std::thread([] {
    say("there");
    while (true) pause();
  }).detach();
  syscall(SYS_exit, 0);
  return 70;
}

void answer(int device, uint64_t unique, const void* body, size_t size) {
  fuse_out_header head{};
  head.len = static_cast<uint32_t>(sizeof head + size);
  head.unique = unique;
  std::string reply(reinterpret_cast<const char*>(&head), sizeof head);
  reply.append(static_cast<const char*>(body), size);
  if (write(device, reply.data(), reply.size()) < 0) die("answer");
}

// A file system whose only file is never read to an end: who reads it can not be interrupted. Says when that is so, and
// serves until it is told to end. The file begins as the program named second does, if there is one, so that it can be
// run; what is behind that never comes.
int fuse(const Arguments& a) {
  std::string program;
  if (a.size() > 1) {
    std::ifstream file(a[1], std::ios::binary);
    program.assign(std::istreambuf_iterator<char>(file), {});
  }
  const int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0) skip("/dev/fuse");
  const std::string options =
      "fd=" + std::to_string(device) + ",rootmode=40000,user_id=0,group_id=0,allow_other";
  if (mount("victim", a.at(0).c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
    skip("mount fuse");
  say("mounted");
  alarm(kLifeSeconds);
  std::vector<char> buffer(size_t{1} << 20);
  bool reading = false;
  while (true) {
    pollfd sources[] = {{device, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    if (poll(sources, 2, -1) < 0) die("poll");
    if (sources[1].revents != 0) break;
    const ssize_t got = read(device, buffer.data(), buffer.size());
    if (got < static_cast<ssize_t>(sizeof(fuse_in_header))) die("read /dev/fuse");
    fuse_in_header head;
    std::memcpy(&head, buffer.data(), sizeof head);
    fuse_attr attributes{};
    attributes.ino = 2;
    attributes.mode = S_IFREG | 0700;
    attributes.nlink = 1;
    attributes.size = program.size() + (size_t{1} << 20);
    if (head.nodeid == FUSE_ROOT_ID) attributes.mode = S_IFDIR | 0700;
    switch (head.opcode) {
      case FUSE_INIT: {
        fuse_init_out out{};
        out.major = FUSE_KERNEL_VERSION;
        out.minor = FUSE_KERNEL_MINOR_VERSION;
        out.max_write = 4096;
        answer(device, head.unique, &out, sizeof out);
        break;
      }
      case FUSE_LOOKUP: {
        fuse_entry_out out{};
        out.nodeid = 2;
        attributes.mode = S_IFREG | 0700;
        out.attr = attributes;
        answer(device, head.unique, &out, sizeof out);
        break;
      }
      case FUSE_GETATTR: {
        fuse_attr_out out{};
        out.attr = attributes;
        answer(device, head.unique, &out, sizeof out);
        break;
      }
      case FUSE_OPEN: {
        fuse_open_out out{};
        out.open_flags = FOPEN_DIRECT_IO;
        answer(device, head.unique, &out, sizeof out);
        break;
      }
      case FUSE_READ: {
        fuse_read_in wanted{};
        std::memcpy(&wanted, buffer.data() + sizeof head, sizeof wanted);
        if (wanted.offset < program.size()) {
          std::string part = program.substr(wanted.offset, wanted.size);
          part.resize(wanted.size);  // less would be the end of the file
          answer(device, head.unique, part.data(), part.size());
        } else if (!std::exchange(reading, true)) {
          say("reading");
        }
        break;
      }
      default: {
        fuse_out_header out{};
        out.len = sizeof out;
        out.error = -ENOSYS;
        out.unique = head.unique;
        if (write(device, &out, sizeof out) < 0 && errno != ENOENT) die("answer");
      }
    }
  }
  umount2(a.at(0).c_str(), MNT_DETACH);
  return 0;
}

// Begins to read when a line comes, and never gets an answer.
int reads(const Arguments& a) {
  alarm(kLifeSeconds);
  const int file = open(a.at(0).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) die("open");
  char byte = 0;
  return read(file, &byte, 1) == 1 ? 0 : 1;
}

struct Command {
  const char* name;
  int (*run)(const Arguments&);
};
constexpr Command kCommands[] = {{"sleep", sleeps},          {"mark", marks},  {"many", many},
                                 {"crowd", crowd},           {"reuse", reuse}, {"change", changes},
                                 {"recycle", recycle},       {"chain", chain}, {"tree", tree},
                                 {"leaderless", leaderless}, {"fuse", fuse},   {"read", reads}};

}  // namespace

int main(int argc, char** argv) {
  const std::string wanted = argc < 2 ? "" : argv[1];
  const Arguments arguments(argv + std::min(argc, 2), argv + argc);
  for (const Command& command : kCommands) {
    if (wanted == command.name) return command.run(arguments);
  }
  std::fprintf(stderr, "victim: no command %s\n", wanted.c_str());
  return 2;
}
