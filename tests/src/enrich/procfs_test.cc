#include "src/enrich/procfs.h"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "src/enrich/exec_reader.h"
#include "src/enrich/procfs_parse.h"
#include "tests/support/held_process.h"

namespace detectd {
namespace {

using test::HeldProcess;

TEST_CASE("What is read of a selected process is never of one that has its pid later") {
  auto root = open_own_procfs();
  REQUIRE(root);
  RealProcfs procfs(root->root.number());
  HeldProcess cat({"cat", "-"});
  REQUIRE(cat.runs());
  REQUIRE(procfs.select(cat.pid()));
  std::string text;
  REQUIRE(procfs.read(ProcFile::kStat, 4096, text));
  cat.end();
  CHECK_FALSE(procfs.read(ProcFile::kStat, 4096, text));
  CHECK(text.empty());
  CHECK_FALSE(procfs.stream(0));
  CHECK_FALSE(procfs.hold_executable());
}

TEST_CASE("Without a selected process nothing is read") {
  auto root = open_own_procfs();
  REQUIRE(root);
  RealProcfs procfs(root->root.number());
  std::string text = "old";
  CHECK_FALSE(procfs.read(ProcFile::kStat, 4096, text));
  CHECK_FALSE(procfs.select(0));
  CHECK_FALSE(procfs.read_link(ProcLink::kRoot, text));
}

TEST_CASE("A text is read up to its bound") {
  auto root = open_own_procfs();
  REQUIRE(root);
  RealProcfs procfs(root->root.number());
  REQUIRE(procfs.select(static_cast<uint32_t>(getpid())));
  std::string text;
  REQUIRE(procfs.read(ProcFile::kStatus, 10, text));
  CHECK(text.size() == 10);
  REQUIRE(procfs.read(ProcFile::kStatus, 65'536, text));
  CHECK(text.find("CapEff:") != std::string::npos);
}

TEST_CASE("All processes are listed, this one too") {
  auto root = open_own_procfs();
  REQUIRE(root);
  RealProcfs procfs(root->root.number());
  std::vector<uint32_t> pids;
  for (int i = 0; i < 2; ++i) {
    REQUIRE(procfs.list(pids));
    CHECK(std::count(pids.begin(), pids.end(), static_cast<uint32_t>(getpid())) == 1);
  }
}

TEST_CASE("A path is told by the file that it is for us, and a symbolic link is none") {
  auto root = open_own_procfs();
  REQUIRE(root);
  RealProcfs procfs(root->root.number());
  const auto self = procfs.host_file("/proc/self/exe");
  CHECK((!self || (self->mode & 0170000u) == 0120000u));
  CHECK_FALSE(procfs.host_file("/there/is/none"));
}

TEST_CASE("Of a process its effective capabilities and its owner are read at once") {
  auto root = open_own_procfs();
  REQUIRE(root);
  RealProcfs procfs(root->root.number());
  const auto self = static_cast<uint32_t>(getpid());
  std::string text;
  REQUIRE(procfs.select(self));
  REQUIRE(procfs.read(ProcFile::kStatus, 65'536, text));
  ProcStatus status;
  parse_status(text, status);
  ExecImage image;
  ExecReader(root->root.number()).read(self, image);
  CHECK(image.capabilities == status.effective_capabilities);
  CHECK(image.owner == status.user->effective);
  ExecReader(root->root.number()).read(0x7FFFFFF0, image);
  CHECK_FALSE(image.capabilities);
  CHECK_FALSE(image.owner);
}

}  // namespace
}  // namespace detectd
