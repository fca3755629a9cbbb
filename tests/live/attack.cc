// What an attacker does to be overlooked, or to blind who looks: a sub-command each. Every one marks the processes it
// means to be seen with an argument of the caller's.
//
//   attack NAME MARK [ARGUMENT...]
#include "tests/live/attack.h"

#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace attack {

OwnArguments own_arguments;

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "attack: %s: %s\n", what, std::strerror(errno));
  _exit(70);
}

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

int run_true(const std::string& mark) {
  const pid_t pid = vfork();
  if (pid == 0) {
    execl("/bin/true", "true", mark.c_str(), nullptr);
    _exit(127);
  }
  return wait_for(pid);
}

}  // namespace attack

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: attack NAME MARK [ARGUMENT...]\n");
    return 2;
  }
  attack::own_arguments = {.begin = argv[0], .end = argv[argc - 1] + std::strlen(argv[argc - 1]) + 1};
  const std::string_view name = argv[1];
  const attack::Arguments arguments(argv + 2, argv + argc);
  for (const auto& list : {attack::disguises(), attack::lineages(), attack::intrusions(), attack::floods(),
                           attack::words(), attack::tools()}) {
    for (const attack::Attack& known : list) {
      if (known.name == name) return known.run(arguments);
    }
  }
  std::fprintf(stderr, "attack: there is no %s\n", argv[1]);
  return 2;
}
