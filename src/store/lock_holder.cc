#include "src/store/lock_holder.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "engine/escape.h"

namespace detectd {
namespace {

constexpr size_t kMaxNamed = 3;

std::string read_text(const std::string& path) {
  const std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string name_of(int64_t pid) {
  std::string name = read_text("/proc/" + std::to_string(pid) + "/comm");
  if (!name.empty() && name.back() == '\n') name.pop_back();
  return std::to_string(pid) + (name.empty() ? "" : " (" + escape_text(name) + ")");
}

}  // namespace

std::vector<int64_t> writers_of(std::string_view locks, uint64_t device, uint64_t inode) {
  char file[64];
  std::snprintf(file, sizeof file, "%02x:%02x:%llu", major(device), minor(device),
                static_cast<unsigned long long>(inode));
  std::vector<int64_t> pids;
  std::istringstream lines{std::string(locks)};
  std::string line;
  while (std::getline(lines, line)) {
    // 1: POSIX  ADVISORY  WRITE 812 fe:00:1049 120 120
    std::istringstream words(line);
    std::string number, kind, binding, mode, place;
    int64_t pid = 0;
    words >> number >> kind >> binding >> mode >> pid >> place;
    if (mode == "WRITE" && place == file && std::find(pids.begin(), pids.end(), pid) == pids.end()) {
      pids.push_back(pid);
    }
  }
  return pids;
}

std::string lock_holder(const std::string& database_path) {
  const std::string locks = read_text("/proc/locks");
  std::vector<int64_t> pids;
  // A writer in WAL mode locks the log's index, any other the file.
  for (const char* suffix : {"-shm", ""}) {
    struct stat status {};
    if (stat((database_path + suffix).c_str(), &status) != 0) continue;
    for (const int64_t pid : writers_of(locks, status.st_dev, status.st_ino)) {
      if (pid != getpid() && std::find(pids.begin(), pids.end(), pid) == pids.end()) pids.push_back(pid);
    }
  }
  if (pids.empty()) return "another program";
  std::string text = pids.size() == 1 ? "process " : "processes ";
  for (size_t i = 0; i < std::min(pids.size(), kMaxNamed); ++i) {
    if (i != 0) text += i + 1 == std::min(pids.size(), kMaxNamed) ? " and " : ", ";
    text += name_of(pids[i]);
  }
  return text;
}

}  // namespace detectd
