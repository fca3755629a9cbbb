#include "tests/live/attack.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cstdlib>

extern char** environ;

namespace attack {
namespace {

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

// A name that breaks who parses /proc/PID/stat, and then one of the kernel's.
int comm(const Arguments& a) {
  return in_child([&] {
    if (prctl(PR_SET_NAME, a[1].c_str(), 0, 0, 0) != 0) die("PR_SET_NAME");
    in_child([&] { exec("/bin/true", {"true", a[0]}); });
  });
}

// A chain: each program makes room for the next at once.
int chain(const Arguments& a) {
  const int left = std::atoi(a[1].c_str());
  if (left == 0) exec("/bin/true", {"true", a[0] + "-0"});
  exec("/proc/self/exe", {"attack", "chain", a[0], std::to_string(left - 1)});
  return 70;
}

constexpr Attack kAll[] = {
    {"memfd", memfd},     {"memfd-path", memfd_path}, {"argc0", argc0},
    {"longarg", longarg}, {"manyargs", manyargs},     {"comm", comm},
    {"chain", chain},
};

}  // namespace

std::span<const Attack> disguises() { return kAll; }

}  // namespace attack
