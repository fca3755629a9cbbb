#include "src/replace_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

size_t files_in(const TempDir& dir) {
  const std::filesystem::directory_iterator entries(dir.path(""));
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

TEST_CASE("a file is replaced as a whole and keeps its mode", "[replace_file]") {
  const TempDir dir;
  dir.write("a.toml", "old");
  REQUIRE(chmod(dir.path("a.toml").c_str(), 0640) == 0);
  CHECK(replace_file(dir.path("a.toml"), "old", "new"));
  CHECK(content_of(dir.path("a.toml")) == "new");
  struct stat info {};
  REQUIRE(stat(dir.path("a.toml").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0640);
  CHECK(files_in(dir) == 1);
}

TEST_CASE("a file that was changed since it was read stays as it is", "[replace_file]") {
  const TempDir dir;
  for (const char* const now : {"", "ol", "older", "new"}) {
    dir.write("a.toml", now);
    const Status status = replace_file(dir.path("a.toml"), "old", "other");
    REQUIRE_FALSE(status);
    CHECK(status.error().message.ends_with("it was changed meanwhile"));
    CHECK(content_of(dir.path("a.toml")) == now);
  }
  CHECK(files_in(dir) == 1);
}

TEST_CASE("what is no plain file with one name is not replaced", "[replace_file]") {
  const TempDir dir;
  dir.write("a.toml", "old");
  REQUIRE(symlink("a.toml", dir.path("link").c_str()) == 0);
  REQUIRE(mkfifo(dir.path("pipe").c_str(), 0600) == 0);
  for (const char* const name : {"link", "pipe", "none", ""}) {
    CAPTURE(name);
    CHECK_FALSE(replace_file(dir.path(name), "old", "new"));
  }
  REQUIRE(link(dir.path("a.toml").c_str(), dir.path("other").c_str()) == 0);
  CHECK_FALSE(replace_file(dir.path("a.toml"), "old", "new"));
  CHECK(content_of(dir.path("a.toml")) == "old");
}

TEST_CASE("a new file takes nobody's place", "[replace_file]") {
  const TempDir dir;
  CHECK(create_file(dir.path("a.toml"), "one"));
  CHECK_FALSE(create_file(dir.path("a.toml"), "two"));
  REQUIRE(symlink("nowhere", dir.path("link").c_str()) == 0);
  CHECK_FALSE(create_file(dir.path("link"), "two"));
  CHECK_FALSE(create_file(dir.path("no/such"), "two"));
  CHECK(content_of(dir.path("a.toml")) == "one");
  CHECK_FALSE(std::filesystem::exists(dir.path("nowhere")));
}

}  // namespace
}  // namespace detectd
