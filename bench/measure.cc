// detectd-measure: runs a command several times and says what it cost, as the kernel counts it.
//
//   detectd-measure RUNS EVENTS COMMAND [ARGUMENT...]
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

namespace {

struct Cost {
  double cpu_s = 0;
  double wall_s = 0;
  double peak_mb = 0;
};

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

double now_s() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Its standard output goes to /dev/null. False where it did not end with 0, or with 6 (done, but incomplete).
bool run(char** command, Cost& cost) {
  const double begin_s = now_s();
  const pid_t child = fork();
  if (child < 0) return std::perror("fork"), false;
  if (child == 0) {
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, STDOUT_FILENO) < 0) _exit(127);
    execvp(command[0], command);
    std::perror(command[0]);
    _exit(127);
  }
  int status = 0;
  rusage used{};
  if (wait4(child, &status, 0, &used) != child) return std::perror("wait4"), false;
  cost.wall_s = now_s() - begin_s;
  cost.cpu_s = seconds(used.ru_utime) + seconds(used.ru_stime);
  cost.peak_mb = static_cast<double>(used.ru_maxrss) / 1024;
  if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 6)) return true;
  std::fprintf(stderr, "%s ended with status %d\n", command[0], WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  const long runs = argc > 3 ? std::strtol(argv[1], nullptr, 10) : 0;
  const double events = argc > 3 ? std::strtod(argv[2], nullptr) : 0;
  if (runs < 1 || events < 1) {
    std::fputs("usage: detectd-measure RUNS EVENTS COMMAND [ARGUMENT...]\n", stderr);
    return 2;
  }
  std::vector<Cost> costs;
  for (long i = 0; i < runs; ++i) {
    if (!run(argv + 3, costs.emplace_back())) return 1;
  }
  std::sort(costs.begin(), costs.end(), [](const Cost& a, const Cost& b) { return a.cpu_s < b.cpu_s; });
  const Cost& median = costs[costs.size() / 2];
  std::printf(
      "%.0f events/s  %.0f ns/event  (CPU, median of %ld: %.2f s, %.2f to %.2f; wall %.2f s)  peak memory "
      "%.0f MB\n",
      events / median.cpu_s, median.cpu_s * 1e9 / events, runs, median.cpu_s, costs.front().cpu_s,
      costs.back().cpu_s, median.wall_s, median.peak_mb);
  return 0;
}
