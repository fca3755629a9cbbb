// Lets its own program be shown as another one's, without an exec (PR_SET_MM_MAP): for that nothing of the old file may be
// mapped any more, so each part of it is replaced by a copy in memory, under its own feet.
//
//   renamed PATH MARK       waits for standard input to end, says `ready` and stays; 77 where the kernel does not let it
#include <fcntl.h>
#include <linux/prctl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

[[noreturn]] void skip(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  _exit(77);
}

struct Mapping {
  uintptr_t begin = 0;
  size_t size = 0;
  int protection = 0;
};

std::vector<Mapping> own_mappings() {
  std::array<char, 4096> path{};
  if (readlink("/proc/self/exe", path.data(), path.size() - 1) < 0) skip("exe");
  std::vector<Mapping> mappings;
  std::FILE* const maps = std::fopen("/proc/self/maps", "re");
  if (maps == nullptr) skip("maps");
  std::array<char, 8192> line{};
  while (std::fgets(line.data(), line.size(), maps) != nullptr) {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    std::array<char, 5> protection{};
    int named = 0;
    if (std::sscanf(line.data(), "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %*s %n", &begin, &end,
                    protection.data(), &named) < 3) {
      continue;
    }
    std::string name = line.data() + named;
    if (!name.empty() && name.back() == '\n') name.pop_back();
    if (name != path.data()) continue;
    mappings.push_back({.begin = begin,
                        .size = end - begin,
                        .protection = (protection[0] == 'r' ? PROT_READ : 0) |
                                      (protection[1] == 'w' ? PROT_WRITE : 0) |
                                      (protection[2] == 'x' ? PROT_EXEC : 0)});
  }
  std::fclose(maps);
  return mappings;
}

void replace(const Mapping& mapping) {
  void* const place = reinterpret_cast<void*>(mapping.begin);
  void* const copy = mmap(nullptr, mapping.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (copy == MAP_FAILED) skip("mmap");
  std::memcpy(copy, place, mapping.size);
  if (mprotect(copy, mapping.size, mapping.protection) != 0) skip("mprotect");
  if (mremap(copy, mapping.size, mapping.size, MREMAP_MAYMOVE | MREMAP_FIXED, place) == MAP_FAILED)
    skip("mremap");
}

// The fields of /proc/self/stat from 26 on: where the parts of the program are, see proc_pid_stat(5).
prctl_mm_map own_map() {
  std::array<char, 4096> text{};
  const int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (file < 0 || read(file, text.data(), text.size() - 1) <= 0) skip("stat");
  close(file);
  const char* at = std::strrchr(text.data(), ')') + 2;
  std::array<uint64_t, 53> fields{};
  for (size_t field = 3; field < fields.size() && *at != '\0'; ++field) {
    fields[field] = std::strtoull(at, nullptr, 10);
    at = std::strchr(at, ' ');
    if (at == nullptr) break;
    ++at;
  }
  prctl_mm_map map{};
  map.start_code = fields[26];
  map.end_code = fields[27];
  map.start_stack = fields[28];
  map.start_data = fields[45];
  map.end_data = fields[46];
  map.start_brk = fields[47];
  map.brk = reinterpret_cast<uintptr_t>(sbrk(0));
  map.arg_start = fields[48];
  map.arg_end = fields[49];
  map.env_start = fields[50];
  map.env_end = fields[51];
  return map;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int other = open(argv[1], O_RDONLY | O_CLOEXEC);
  if (other < 0) skip(argv[1]);
  while (std::getchar() != EOF) {
  }
  const std::vector<Mapping> mappings = own_mappings();
  prctl_mm_map map = own_map();
  map.exe_fd = static_cast<uint32_t>(other);
  for (const Mapping& mapping : mappings) replace(mapping);
  if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0) != 0 &&
      (unshare(CLONE_NEWUSER) != 0 || prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0) != 0)) {
    skip("PR_SET_MM_MAP");
  }
  std::printf("ready\n");
  std::fflush(stdout);
  while (true) pause();
}
