#include "src/store/database.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

// As another process sees it; of this one's own locks it sees nothing.
bool is_locked_by_us(const std::string& path) {
  const pid_t child = fork();
  if (child == 0) {
    const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    const bool asked = file >= 0 && fcntl(file, F_GETLK, &lock) == 0;
    _exit(!asked ? 2 : lock.l_type == F_UNLCK ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) != 2);
  return WEXITSTATUS(status) == 1;
}

}  // namespace

TEST_CASE("a connection keeps its locks while others of the process come and go", "[store]") {
  const TempDir directory;
  const std::string path = directory.path("hits.db");
  auto first = Database::open(path, Database::Access::kCreate);
  REQUIRE(first);
  REQUIRE(first->execute("PRAGMA journal_mode = WAL; CREATE TABLE t (n)"));
  REQUIRE(is_locked_by_us(path));
  for (const auto access : {Database::Access::kRead, Database::Access::kWrite, Database::Access::kCreate}) {
    auto second = Database::open(path, access);
    REQUIRE(second);
    REQUIRE(second->query_number("SELECT count(*) FROM t"));
    CHECK(is_locked_by_us(path));
  }
  CHECK(is_locked_by_us(path));
}

}  // namespace detectd
