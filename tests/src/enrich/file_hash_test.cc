#include "src/enrich/file_hash.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "src/fd.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

std::string hash_of(FileHash& hash, const std::string& path, int64_t now_ns = 0) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto digest = hash.of(file.number(), now_ns);
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

TEST_CASE("What is no regular file is not hashed") {
  FileHash hash(100);
  CHECK(hash_of(hash, "/dev/zero") == "-");
  CHECK(hash_of(hash, "/tmp") == "-");
  CHECK(hash.counters().failed == 2);
}

}  // namespace
}  // namespace detectd
