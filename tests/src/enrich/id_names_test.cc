#include "src/enrich/id_names.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST_CASE("An id has the first name that a file gives it") {
  const auto names = parse_id_names(
      "root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/root:/bin/sh\n# x:x:7:\nwww-data:x:33:\nlast:x:5");
  CHECK(names.at(0) == "root");
  CHECK(names.at(33) == "www-data");
  CHECK(names.at(5) == "last");
  CHECK(names.size() == 3);
}

TEST_CASE("Lines that name nobody are passed over") {
  CHECK(parse_id_names("\n:\n::\n:x:1:\n+::::\nx:x:-1:\nx:x:4294967296:\nx:x:1z:\nx:x:\n").empty());
}

TEST_CASE("Names are read again when the file has changed, at most once a second") {
  const TempDir folder;
  folder.write("passwd", "ann:x:1:\n");
  IdNames names(folder.path("passwd"));
  names.refresh(0);
  REQUIRE(names.find(1) != nullptr);
  CHECK(*names.find(1) == "ann");

  folder.write("passwd.new", "bob:x:1:\n");
  std::filesystem::rename(folder.path("passwd.new"), folder.path("passwd"));
  names.refresh(kSecond - 1);
  CHECK(*names.find(1) == "ann");
  names.refresh(kSecond);
  CHECK(*names.find(1) == "bob");
}

TEST_CASE("A clock that was set back does not keep old names") {
  const TempDir folder;
  folder.write("passwd", "ann:x:1:\n");
  IdNames names(folder.path("passwd"));
  names.refresh(100 * kSecond);
  folder.write("passwd.new", "bob:x:1:\n");
  std::filesystem::rename(folder.path("passwd.new"), folder.path("passwd"));
  names.refresh(1 * kSecond);
  CHECK(*names.find(1) == "bob");
}

TEST_CASE("Without its file no name is known, and that is said") {
  const TempDir folder;
  IdNames names(folder.path("passwd"));
  names.refresh(0);
  CHECK_FALSE(names.readable());
  CHECK(names.find(0) == nullptr);
  folder.write("passwd", "root:x:0:\n");
  names.refresh(kSecond);
  CHECK(names.readable());
  CHECK(*names.find(0) == "root");
}

}  // namespace
}  // namespace detectd
