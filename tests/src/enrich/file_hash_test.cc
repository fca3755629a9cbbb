#include "src/enrich/file_hash.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <new>
#include <string>

#include "src/fd.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

std::string hash_of(FileHash& hash, const std::string& path, int64_t now_ns = 0) {
  const auto digest = hash.of(Fd(open(path.c_str(), O_PATH | O_CLOEXEC)), now_ns);
  return digest ? hex(*digest) : "-";
}

TEST_CASE("A file is hashed once and remembered") {
  const TempDir folder;
  folder.write("abc", "abc");
  FileHash hash(1000);
  const std::string expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  CHECK(hash_of(hash, folder.path("abc")) == expected);
  CHECK(hash_of(hash, folder.path("abc")) == expected);
  CHECK(hash.counters().hashed == 1);
  CHECK(hash.counters().remembered == 1);
}

TEST_CASE("TRUST 46: a copy under another name has the same hash, a changed file another") {
  const TempDir folder;
  folder.write("a", "same");
  folder.write("b", "same");
  FileHash hash(1000);
  const std::string first = hash_of(hash, folder.path("a"));
  CHECK(hash_of(hash, folder.path("b")) == first);
  folder.write("a", "other text");
  CHECK(hash_of(hash, folder.path("a")) != first);
}

TEST_CASE("No more bytes are hashed in a second than asked for") {
  const TempDir folder;
  for (const char* const name : {"a", "b", "c"}) folder.write(name, std::string(60, name[0]));
  FileHash hash(100);
  CHECK(hash_of(hash, folder.path("a"), 0) != "-");
  CHECK(hash_of(hash, folder.path("b"), kSecond / 10) == "-");
  CHECK(hash_of(hash, folder.path("a"), kSecond / 10) != "-");
  CHECK(hash_of(hash, folder.path("b"), kSecond) != "-");
  CHECK(hash.counters().over_budget == 1);
  CHECK(hash_of(hash, folder.path("c"), -kSecond) == "-");
}

TEST_CASE("A file larger than a second's bytes is hashed, and those behind it wait as long as it takes") {
  const TempDir folder;
  folder.write("large", std::string(250, 'x'));
  folder.write("small", std::string(50, 'x'));
  FileHash hash(100);
  CHECK(hash_of(hash, folder.path("large"), kSecond) != "-");
  CHECK(hash_of(hash, folder.path("small"), kSecond) == "-");
  CHECK(hash_of(hash, folder.path("small"), kSecond * 29 / 10) == "-");
  CHECK(hash_of(hash, folder.path("small"), kSecond * 31 / 10) != "-");
  CHECK(hash.counters().over_budget == 2);
}

TEST_CASE("A file that would keep others waiting for long is not hashed") {
  const TempDir folder;
  folder.write("huge", "x");
  REQUIRE(truncate(folder.path("huge").c_str(), static_cast<off_t>(FileHash::kMaxFileBytes) + 1) == 0);
  FileHash hash(uint64_t{1} << 40);
  CHECK(hash_of(hash, folder.path("huge")) == "-");
  CHECK(hash.counters().over_budget == 1);
}

// Shared with the processes that read.
struct Held {
  std::atomic<int> begun = 0;
  std::atomic<bool> allowed = false;
};
Held* held = nullptr;

// Does not come to an end before it is allowed to.
void copy_when_allowed(int file, int pipe) {
  ++held->begun;
  while (!held->allowed) sched_yield();
  FileReader::copy_file(file, pipe);
}

class HeldReads {
 public:
  HeldReads()
      : held_(new (mmap(nullptr, sizeof(Held), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
                  Held) {
    held = held_;
  }
  ~HeldReads() { held_->allowed = true; }

 private:
  Held* held_;  // stays: who reads may end later
};

TEST_CASE("A file that is not read in time has no hash yet, nor has another on its device") {
  const HeldReads reads;
  const TempDir folder;
  folder.write("abc", "abc");
  folder.write("other", "other");
  FileHash hash(1000, kSecond / 10, copy_when_allowed);
  CHECK(hash_of(hash, folder.path("abc")) == "-");
  CHECK(hash_of(hash, folder.path("abc")) == "-");
  CHECK(hash_of(hash, folder.path("other")) == "-");
  CHECK(held->begun <= 1);
  CHECK(hash.counters().unanswered == 3);
  CHECK(hash.counters().over_budget == 0);

  // Another try, once that one has ended.
  held->allowed = true;
  int64_t now_ns = 0;
  while (hash_of(hash, folder.path("abc"), now_ns) == "-") now_ns += kSecond;
  CHECK(hash.counters().hashed == 1);
  CHECK(hash.counters().failed == 0);
}

TEST_CASE("Files of other devices are read until too many do not come") {
  const HeldReads reads;
  const auto version = [](unsigned major, unsigned minor) {
    return FileVersion(makedev(major, minor), 1, 0, 0, 0);
  };
  const Fd any(open("/dev/null", O_PATH | O_CLOEXEC));
  FileReader reader(copy_when_allowed);
  for (unsigned device = 1; device < FileReader::kMaxProcesses; ++device) {
    REQUIRE(reader.accepts(version(0, device)));
    CHECK_FALSE(reader.read(any, version(0, device), 0).in_time);
    CHECK_FALSE(reader.accepts(version(0, device)));
  }
  CHECK_FALSE(reader.accepts(version(0, 100)));
  // A disk is not mounted by everybody.
  REQUIRE(reader.accepts(version(8, 1)));
  CHECK_FALSE(reader.read(any, version(8, 1), 0).in_time);
  CHECK_FALSE(reader.accepts(version(8, 2)));

  held->allowed = true;
  for (unsigned device = 1; device < FileReader::kMaxProcesses; ++device) {
    while (!reader.accepts(version(0, device))) sched_yield();
  }
}

TEST_CASE("Who is not answered ends all the same") {
  const HeldReads reads;
  const TempDir folder;
  folder.write("abc", "abc");
  FileHash hash(1000, 0, copy_when_allowed);
  CHECK(hash_of(hash, folder.path("abc")) == "-");
}

TEST_CASE("A reader that was killed is replaced") {
  const HeldReads reads;
  const TempDir folder;
  folder.write("abc", "abc");
  const auto die_once = [](int file, int pipe) {
    if (held->begun++ == 0) _exit(1);
    FileReader::copy_file(file, pipe);
  };
  FileHash hash(1000, 30 * kSecond, die_once);
  CHECK(hash_of(hash, folder.path("abc")) == "-");
  CHECK(hash.counters().failed == 1);
  // Told behind the end of what it wrote; asked again until it is known.
  int64_t now_ns = 0;
  while (hash_of(hash, folder.path("abc"), now_ns) == "-") now_ns += kSecond;
  CHECK(hash.counters().hashed == 1);
}

TEST_CASE("What is larger than one piece is hashed whole") {
  const TempDir folder;
  folder.write("large", std::string(3'000'001, 'x'));
  FileHash hash(uint64_t{1} << 30);
  CHECK(hash_of(hash, folder.path("large")) ==
        "a3ccf84896e3e6d1185dee335e2f32266f86bd958bdc51fff840792fd520e351");
}

TEST_CASE("What is no regular file is not hashed") {
  FileHash hash(100);
  CHECK(hash_of(hash, "/dev/zero") == "-");
  CHECK(hash_of(hash, "/tmp") == "-");
  CHECK(hash.counters().failed == 2);
}

}  // namespace
}  // namespace detectd
