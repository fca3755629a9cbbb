// A tree of links as procfs has them.
#include "src/live/socket_owners.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "src/fd.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

class Tree {
 public:
  Tree() : root_(open(directory_.path("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

  int root() const { return root_.number(); }
  // A process whose descriptors from 0 on are these: an inode, or 0 for a file.
  void add(uint32_t pid, const std::vector<uint64_t>& inodes) {
    const std::string folder = directory_.path(std::to_string(pid)) + "/fd";
    std::filesystem::create_directories(folder);
    for (size_t i = 0; i < inodes.size(); ++i) {
      const std::string text = inodes[i] == 0 ? "/dev/null" : "socket:[" + std::to_string(inodes[i]) + "]";
      std::filesystem::create_symlink(text, folder + "/" + std::to_string(i));
    }
  }

 private:
  TempDir directory_;
  Fd root_;
};

std::string find(SocketOwners& owners, const std::vector<uint64_t>& inodes) {
  std::string text;
  owners.find(inodes, [&](uint64_t inode, uint32_t pid) {
    text += std::to_string(inode) + "=" + std::to_string(pid) + " ";
  });
  return text;
}

TEST_CASE("The processes of sockets are found among their descriptors, the newest process first") {
  Tree tree;
  tree.add(10, {0, 70, 71});
  tree.add(20, {0, 80});
  tree.add(30, {0, 0, 70});
  SocketOwners owners({.procfs = tree.root()});
  CHECK(find(owners, {70, 80, 90}) == "70=30 80=20 ");
  CHECK(find(owners, {}) == "");
  CHECK(owners.counters().searches == 1);
}

TEST_CASE("A search ends with the last socket that is found, and begins with who held one before") {
  Tree tree;
  for (uint32_t pid = 10; pid < 60; ++pid) tree.add(pid, {0, 0, 0, 0});
  tree.add(5, {0, 70, 71});
  SocketOwners owners({.procfs = tree.root()});
  CHECK(find(owners, {70}) == "70=5 ");
  const uint64_t before = owners.counters().descriptors;
  CHECK(before >= 200);
  CHECK(find(owners, {71}) == "71=5 ");
  CHECK(owners.counters().descriptors <= before + 3);
  CHECK(owners.counters().cut == 0);
}

TEST_CASE("A search that breaks off is counted, and the next one goes on with the next process") {
  Tree tree;
  for (uint32_t pid = 10; pid < 20; ++pid) tree.add(pid, {0, 0, pid == 10 ? uint64_t{70} : 0});
  SocketOwners owners({.procfs = tree.root(), .max_descriptors = 12});
  CHECK(find(owners, {70}) == "");
  CHECK(find(owners, {70}) == "");
  CHECK(find(owners, {70}) == "70=10 ");
  CHECK(owners.counters().cut == 2);
  CHECK(owners.counters().descriptors <= 36);
}

TEST_CASE("Who holds very many descriptors neither hides others nor its own last ones") {
  Tree tree;
  std::vector<uint64_t> many(40);
  for (size_t i = 0; i < many.size(); ++i) many[i] = 100 + i;
  tree.add(90, many);
  SocketOwners owners({.procfs = tree.root(), .max_descriptors = 32});
  std::string found;
  for (int i = 0; i < 4; ++i) found += find(owners, {100, 139});
  CHECK(found.find("100=90") != std::string::npos);
  CHECK(found.find("139=90") != std::string::npos);
  tree.add(80, {0, 70});
  CHECK(find(owners, {70}) == "70=80 ");
}

}  // namespace
}  // namespace detectd
