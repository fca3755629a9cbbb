// What an attacker does to be overlooked, or to blind who looks. Each file here has the attacks of one kind and a list of
// them; this is what they share.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attack {

using Arguments = std::vector<std::string>;  // the mark, and what else was given

struct Attack {
  std::string_view name;
  int (*run)(const Arguments&);
};
std::span<const Attack> disguises();   // which program runs
std::span<const Attack> lineages();    // whose child it is
std::span<const Attack> intrusions();  // what is done to other processes, and by whom
std::span<const Attack> floods();      // what the kernel tells, too much of it or forged
std::span<const Attack> words();       // what a process says of itself once it has run
std::span<const Attack> tools();       // no attacks: what tests need besides

[[noreturn]] void die(const char* what);
// A feature that is not to be had here: the test is skipped.
[[noreturn]] void skip(const char* what);

std::vector<char*> pointers(Arguments& arguments);
void exec(const char* path, Arguments arguments);
int wait_for(pid_t pid);
// With vfork, as shells and make do it.
int run_true(const std::string& mark);

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

// Of this process, as the exec left them, and where they end.
struct OwnArguments {
  char* begin = nullptr;
  char* end = nullptr;
};
extern OwnArguments own_arguments;

}  // namespace attack
