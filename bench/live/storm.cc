// Makes processes for a collector to see. Every exec has an argument of its own, `MARK-000123`, so that what a collector
// tells can be held against what happened. Prints one JSON object: what was made, and how long it took.
//
//   storm MODE MARK COUNT [--parents N] [--rate N] [--program PATH]
//
//   exec     vfork and exec, from N parents at once, as fast as it goes or --rate a second
//   pipe     shells with a pipeline of three programs each
//   bomb     a process forks two that fork two, ... COUNT in all, without an exec
//   chain    env runs nohup runs PROGRAM: three execs of one pid, one behind the other
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Settings {
  std::string mode;
  std::string mark;
  uint32_t count = 0;
  uint32_t parents = 1;
  uint32_t rate = 0;  // a second, of all parents; 0: as fast as it goes
  std::string program = "/bin/true";
};

// Shared with all processes of the storm.
struct Shared {
  std::atomic<uint32_t> failures{0};
  std::atomic<uint32_t> tickets{0};  // of the bomb: processes that were begun
};

int64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

void sleep_until(int64_t deadline_ns) {
  const timespec deadline{.tv_sec = deadline_ns / 1'000'000'000, .tv_nsec = deadline_ns % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr) == EINTR) {
  }
}

std::string numbered(const std::string& mark, uint32_t number) {
  char text[16];
  std::snprintf(text, sizeof text, "-%06u", number);
  return mark + text;
}

bool reap(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool run(const std::vector<std::string>& arguments) {
  std::vector<char*> list;
  for (const std::string& argument : arguments) list.push_back(const_cast<char*>(argument.c_str()));
  list.push_back(nullptr);
  const pid_t pid = vfork();
  if (pid == 0) {
    execv(list[0], list.data());
    _exit(127);
  }
  return pid > 0 && reap(pid);
}

std::vector<std::string> arguments_of(const Settings& settings, uint32_t number) {
  const std::string mark = numbered(settings.mark, number);
  if (settings.mode == "chain") return {"/usr/bin/env", "/usr/bin/nohup", settings.program, mark};
  if (settings.mode == "pipe") {
    const std::string stage = settings.program + " " + mark;
    return {"/bin/sh", "-c", stage + "a | " + stage + "b | " + stage + "c"};
  }
  return {settings.program, mark};
}

void run_parent(const Settings& settings, uint32_t first, int64_t start_ns, Shared& shared) {
  for (uint32_t i = first; i < settings.count; i += settings.parents) {
    if (settings.rate != 0) sleep_until(start_ns + int64_t{i} * 1'000'000'000 / settings.rate);
    if (!run(arguments_of(settings, i))) ++shared.failures;
  }
}

void run_parents(const Settings& settings, Shared& shared) {
  const int64_t start_ns = now_ns();
  std::vector<pid_t> parents;
  for (uint32_t parent = 0; parent < settings.parents; ++parent) {
    const pid_t pid = fork();
    if (pid == 0) {
      run_parent(settings, parent, start_ns, shared);
      _exit(0);
    }
    parents.push_back(pid);
  }
  for (const pid_t pid : parents) {
    if (!reap(pid)) ++shared.failures;
  }
}

// Ends by itself: whoever finds no ticket left forks no more.
void bomb(uint32_t count, Shared& shared) {
  while (shared.tickets.fetch_add(1) < count) {
    const pid_t pid = fork();
    if (pid == 0) {
      bomb(count, shared);
      _exit(0);
    }
    if (pid < 0) ++shared.failures;
  }
  while (wait(nullptr) > 0 || errno == EINTR) {
  }
}

bool parse(std::string_view text, uint32_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

bool parse_words(int argc, char** argv, Settings& settings) {
  if (argc < 4 || argc % 2 != 0) return false;
  settings.mode = argv[1];
  settings.mark = argv[2];
  if (!parse(argv[3], settings.count)) return false;
  for (int i = 4; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    bool known = true;
    if (name == "--parents") {
      known = parse(argv[i + 1], settings.parents) && settings.parents != 0;
    } else if (name == "--rate") {
      known = parse(argv[i + 1], settings.rate);
    } else if (name == "--program") {
      settings.program = argv[i + 1];
    } else {
      known = false;
    }
    if (!known) return false;
  }
  const std::vector<std::string_view> modes = {"exec", "pipe", "bomb", "chain"};
  return std::find(modes.begin(), modes.end(), settings.mode) != modes.end();
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  if (!parse_words(argc, argv, settings)) {
    std::fprintf(stderr,
                 "usage: storm exec|pipe|bomb|chain MARK COUNT [--parents N] [--rate N] [--program PATH]\n");
    return 2;
  }
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  auto& shared = *new (memory) Shared;
  const int64_t start_ns = now_ns();
  if (settings.mode == "bomb") {
    bomb(settings.count, shared);
  } else {
    run_parents(settings, shared);
  }
  const double elapsed = static_cast<double>(now_ns() - start_ns) / 1e9;
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  std::printf("{\"mode\":\"%s\",\"count\":%u,\"seconds\":%.3f,\"cpu_seconds\":%.3f,\"failures\":%u}\n",
              settings.mode.c_str(), settings.count, elapsed,
              seconds(usage.ru_utime) + seconds(usage.ru_stime), shared.failures.load());
  return shared.failures.load() == 0 ? 0 : 1;
}
