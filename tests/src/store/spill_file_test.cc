#include "src/store/spill_file.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

SpillFile open(const std::string& path) {
  auto spill = SpillFile::open(path);
  REQUIRE(spill);
  return std::move(*spill);
}

void keep(SpillFile& spill, const std::string& payload) {
  spill.add(SpillKind::kHit, payload);
  REQUIRE(spill.flush(false));
}

std::string contents(SpillFile& spill) {
  std::string text;
  spill.rewind();
  while (const auto entry = spill.read_next()) text += static_cast<char>(entry->kind) + entry->payload + ";";
  return text;
}

}  // namespace

TEST_CASE("the spill of hits.db is hits.spill", "[store]") {
  CHECK(spill_path_of("/var/lib/detectd/hits.db") == "/var/lib/detectd/hits.spill");
  CHECK(spill_path_of("hits") == "hits.spill");
  CHECK(spill_path_of(".db") == ".db.spill");
}

TEST_CASE("entries of a spill are there when it is opened again", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.spill");
  {
    SpillFile spill = open(path);
    CHECK(spill.empty());
    keep(spill, "one");
    spill.add(SpillKind::kGap, "two");
    spill.add(SpillKind::kHit, std::string("a\0b", 3));
    REQUIRE(spill.flush(true));
    CHECK(spill.hits() == 2);
  }
  CHECK(SpillFile::count_hits(path) == 2);
  SpillFile spill = open(path);
  CHECK(spill.hits() == 2);
  CHECK(contents(spill) == "Hone;Gtwo;H" + std::string("a\0b", 3) + ";");
}

TEST_CASE("a spill that was cleared holds nothing, and takes entries over what it held", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.spill");
  SpillFile spill = open(path);
  keep(spill, "a long entry that was there first");
  keep(spill, "and another");
  REQUIRE(spill.clear());
  CHECK(spill.empty());
  CHECK(contents(spill).empty());
  CHECK(SpillFile::count_hits(path) == 0);
  keep(spill, "short");
  CHECK(contents(spill) == "Hshort;");
  CHECK(SpillFile::count_hits(path) == 1);
}

TEST_CASE("what a crash left of an entry is no entry, and those before it stay", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.spill");
  {
    SpillFile spill = open(path);
    keep(spill, "one");
    keep(spill, "two");
  }
  std::string bytes;
  {
    std::ifstream file(path, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  // Header of 24, entries of 13 + 3 bytes.
  for (const size_t cut : {size_t{41}, size_t{52}, size_t{55}}) {
    std::string torn = bytes;
    std::fill(torn.begin() + static_cast<std::ptrdiff_t>(cut), torn.end(), '\0');
    directory.write("torn.spill", torn);
    SpillFile spill = open(directory.path("torn.spill"));
    CHECK(contents(spill) == "Hone;");
    keep(spill, "three");
    CHECK(contents(spill) == "Hone;Hthree;");
  }
  bytes[50] = 'x';  // inside the second payload's check
  directory.write("changed.spill", bytes);
  SpillFile changed = open(directory.path("changed.spill"));
  CHECK(contents(changed) == "Hone;");
}

TEST_CASE("a spill is one program's at a time", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.spill");
  const SpillFile first = open(path);
  const auto second = SpillFile::open(path);
  REQUIRE_FALSE(second);
  CHECK(second.error().message == path + " is in use by another detectd");
}

TEST_CASE("TRUST 94: a spill that is a link or something else is refused and left alone", "[store]") {
  const TempDir directory;
  directory.write("notes", "these are the notes of somebody, not a spill");
  std::filesystem::create_symlink(directory.path("notes"), directory.path("link"));
  std::filesystem::create_directory(directory.path("directory"));
  CHECK_FALSE(SpillFile::open(directory.path("link")));
  CHECK_FALSE(SpillFile::open(directory.path("directory")));
  const auto notes = SpillFile::open(directory.path("notes"));
  REQUIRE_FALSE(notes);
  CHECK(notes.error().message.find("is not a spill file of detectd") != std::string::npos);
  CHECK(SpillFile::count_hits(directory.path("notes")) == 0);
  CHECK(std::filesystem::file_size(directory.path("notes")) == 44);
}

TEST_CASE("TRUST 101: a spill takes its room when it is opened, and only its owner reads it", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.spill");
  const SpillFile spill = open(path);
  CHECK(std::filesystem::file_size(path) == SpillFile::kReserveBytes);
  CHECK((std::filesystem::status(path).permissions() & std::filesystem::perms::mask) ==
        std::filesystem::perms(0600));
}

}  // namespace detectd
