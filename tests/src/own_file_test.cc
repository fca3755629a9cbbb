#include "src/own_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>

#include "src/store/database.h"
#include "tests/support/temp_dir.h"

using namespace detectd;

namespace fs = std::filesystem;

namespace {

constexpr uid_t kOther = 65534;

// `real/file` and `way -> real` in a directory of ours.
struct Way {
  Way() {
    fs::create_directory(dir.path("real"));
    fs::create_directory_symlink("real", dir.path("way"));
  }
  std::string file() const { return dir.path("way/file"); }

  TempDir dir;
};

}  // namespace

TEST_CASE("TRUST 94: a file of our own is opened behind our own links, and is none itself", "[own_file]") {
  const Way way;
  CHECK_FALSE(foreign_link(way.file()));
  CHECK(open_own_file(way.file(), O_RDWR | O_CREAT));
  struct stat info {};
  REQUIRE(stat(way.file().c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  fs::create_symlink("file", way.dir.path("real/link"));
  CHECK_FALSE(open_own_file(way.dir.path("way/link"), O_RDWR));
  CHECK(errno == ELOOP);
  CHECK(own_file_error(ELOOP) == "is a link, or behind one that others can set; name the file itself");
  CHECK(own_file_error(ENOENT) == "No such file or directory");
}

TEST_CASE("TRUST 94: a link in a directory that others can write is foreign", "[own_file]") {
  const Way way;
  fs::permissions(way.dir.path("."), fs::perms::all);
  CHECK(foreign_link(way.file()) == way.dir.path("way"));
  CHECK_FALSE(open_own_file(way.file(), O_RDWR | O_CREAT));
  CHECK(errno == ELOOP);
  CHECK_FALSE(fs::exists(way.dir.path("real/file")));
  // In a sticky one nobody else can replace it.
  fs::permissions(way.dir.path("."), fs::perms::all | fs::perms::sticky_bit);
  CHECK_FALSE(foreign_link(way.file()));
}

TEST_CASE("TRUST 94: a link of somebody else is foreign, wherever it lies", "[own_file]") {
  if (geteuid() != 0) {
    WARN("skipped: only root can give a link away");
    return;
  }
  const Way way;
  REQUIRE(lchown(way.dir.path("way").c_str(), kOther, kOther) == 0);
  CHECK(foreign_link(way.file()) == way.dir.path("way"));
  CHECK_FALSE(open_own_file(way.file(), O_RDWR | O_CREAT));
  // Nor does the database follow it, there or not.
  const auto database = Database::open(way.file(), Database::Access::kCreate);
  REQUIRE_FALSE(database);
  CHECK(database.error().message == "D406: " + way.file() + " is behind a link that others can set, " +
                                        way.dir.path("way") + "; name the file itself");
  CHECK_FALSE(fs::exists(way.dir.path("real/file")));
}

TEST_CASE("links that lead in circles end", "[own_file]") {
  const TempDir dir;
  fs::create_symlink("b", dir.path("a"));
  fs::create_symlink("a", dir.path("b"));
  CHECK_FALSE(foreign_link(dir.path("a/file")));
  CHECK_FALSE(open_own_file(dir.path("a/file"), O_RDWR | O_CREAT));
  CHECK(errno == ELOOP);
}
