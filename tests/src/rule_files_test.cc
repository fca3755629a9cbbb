#include "src/rule_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "engine/rule_parser.h"

namespace detectd {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "detectd-rules-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  std::string at(const std::string& name) const { return (path_ / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }

 private:
  fs::path path_;
};

// "path=text" of each file, the folder's own path left out; or the error.
std::string read(const Folder& folder, const std::vector<std::string>& names) {
  std::vector<std::string> paths;
  for (const std::string& name : names) paths.push_back(folder.at(name));
  const auto files = read_rule_files(paths);
  std::string out;
  if (!files) out = files.error().message;
  for (size_t i = 0; files && i < files->size(); ++i)
    out += (i == 0 ? "" : " ") + (*files)[i]->path + "=" + (*files)[i]->text;
  const std::string prefix = folder.at("");
  for (size_t at; (at = out.find(prefix)) != std::string::npos;) out.erase(at, prefix.size());
  return out;
}

}  // namespace

TEST_CASE("a directory is read recursively, in byte order of paths, and only *.toml", "[rule_files]") {
  const Folder folder;
  folder.write("r/b.toml", "1");
  folder.write("r/a/z.toml", "2");
  folder.write("r/B.toml", "3");
  folder.write("r/a-b.toml", "4");
  folder.write("r/notes.txt", "5");
  folder.write("r/.hidden.toml", "6");
  folder.write("r/.git/x.toml", "7");
  CHECK(read(folder, {"r"}) == "r/B.toml=3 r/a-b.toml=4 r/a/z.toml=2 r/b.toml=1");
}

TEST_CASE("paths are read in the order given, a file whatever its name, none twice", "[rule_files]") {
  const Folder folder;
  folder.write("z.rules", "1");
  folder.write("a/a.toml", "2");
  CHECK(read(folder, {"z.rules", "a", "a/a.toml", "a", "z.rules"}) == "z.rules=1 a/a.toml=2");
}

TEST_CASE("symbolic links are followed, and loops of them end", "[rule_files]") {
  const Folder folder;
  folder.write("r/a.toml", "1");
  folder.write("other/b.toml", "2");
  fs::create_directory_symlink(folder.at("other"), folder.at("r/linked"));
  fs::create_directory_symlink(folder.at("r"), folder.at("r/self"));
  fs::create_symlink(folder.at("r/a.toml"), folder.at("r/same.toml"));
  CHECK(read(folder, {"r"}) == "r/a.toml=1 r/linked/b.toml=2");
}

TEST_CASE("what can not be read is an error that names it", "[rule_files]") {
  const Folder folder;
  CHECK(read(folder, {"none"}) == "read rules none: No such file or directory");

  folder.write("r/a.toml", "1");
  fs::create_symlink("nowhere", folder.at("r/b.toml"));
  CHECK(read(folder, {"r"}) == "read rules r/b.toml: No such file or directory");
}

TEST_CASE("a named pipe among the rules is an error, not a wait", "[rule_files]") {
  const Folder folder;
  folder.write("r/a.toml", "1");
  REQUIRE(mkfifo(folder.at("r/b.toml").c_str(), 0600) == 0);
  CHECK(read(folder, {"r"}) == "read rules r/b.toml: not a regular file");
}

TEST_CASE("TRUST 57: the name of an unreadable file is shown escaped", "[rule_files]") {
  const Folder folder;
  CHECK(read(folder, {"\x1b[2J"}) == "read rules \\x1b[2J: No such file or directory");
}

TEST_CASE("of a huge file only as much is read as shows that it is too large", "[rule_files]") {
  const Folder folder;
  folder.write("r/a.toml", std::string(kMaxRuleFileBytes + 100, '\n'));
  const auto files = read_rule_files({folder.at("r")});
  REQUIRE(files.has_value());
  CHECK(files->front()->text.size() == kMaxRuleFileBytes + 1);
}

}  // namespace detectd
