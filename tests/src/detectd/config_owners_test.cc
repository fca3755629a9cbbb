#include <sys/stat.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <string>

#include "src/detectd/config.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

// `D209 the configuration file is ...`, a line each.
std::string complaints(const std::string& path,
                       RuleOwners::Strictness strictness = RuleOwners::Strictness::kRefuse) {
  Diagnostics diagnostics;
  RuleOwners owners(geteuid(), diagnostics, strictness, RuleOwners::Subject::kConfiguration);
  REQUIRE(load_config(path, diagnostics, &owners));
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    text +=
        diagnostic.code + " " + diagnostic.message.substr(0, diagnostic.message.find(" is writable")) + "\n";
  }
  CHECK(diagnostics.errors() ==
        (strictness == RuleOwners::Strictness::kRefuse ? diagnostics.all().size() : 0));
  return text;
}

}  // namespace

TEST_CASE("TRUST 93: a configuration that others can write is told, and its drop-ins are",
          "[config][rule_owners]") {
  struct Case {
    unsigned file, directory, drop_in, drop_ins;
    std::string want;  // D stands for the directory
  };
  const std::string file = "D209 the configuration file\n";
  const Case cases[] = {{0644, 0755, 0644, 0755, ""},
                        {0600, 0700, 0600, 0700, ""},
                        {0644, 01777, 0644, 0755, ""},
                        {0666, 0755, 0644, 0755, file},
                        {0644, 0755, 0646, 0755, file},
                        {0644, 0777, 0644, 0755, "D209 the directory D\n"},
                        {0644, 0755, 0644, 0777, "D209 the directory D/detectd.d\n"}};
  for (const Case& test : cases) {
    CAPTURE(test.file, test.directory, test.drop_in, test.drop_ins);
    const TempDir top;
    const std::string directory = top.path("conf");
    REQUIRE(mkdir(directory.c_str(), 0700) == 0);
    REQUIRE(mkdir((directory + "/detectd.d").c_str(), 0700) == 0);
    top.write("conf/detectd.toml", "");
    top.write("conf/detectd.d/a.toml", "");
    REQUIRE(chmod((directory + "/detectd.toml").c_str(), test.file) == 0);
    REQUIRE(chmod((directory + "/detectd.d/a.toml").c_str(), test.drop_in) == 0);
    REQUIRE(chmod((directory + "/detectd.d").c_str(), test.drop_ins) == 0);
    REQUIRE(chmod(directory.c_str(), test.directory) == 0);
    std::string told = complaints(directory + "/detectd.toml");
    if (const size_t at = told.find(directory); at != std::string::npos)
      told.replace(at, directory.size(), "D");
    CHECK(told == test.want);
  }
}

TEST_CASE("TRUST 93: a link to a configuration is as good as the file that it leads to",
          "[config][rule_owners]") {
  const TempDir dir;
  const TempDir elsewhere;
  elsewhere.write("a.toml", "");
  REQUIRE(symlink(elsewhere.path("a.toml").c_str(), dir.path("detectd.toml").c_str()) == 0);
  REQUIRE(chmod(elsewhere.path("a.toml").c_str(), 0644) == 0);
  CHECK(complaints(dir.path("detectd.toml")).empty());
  REQUIRE(chmod(elsewhere.path("a.toml").c_str(), 0666) == 0);
  CHECK(complaints(dir.path("detectd.toml")) == "D209 the configuration file\n");
  CHECK(complaints(dir.path("detectd.toml"), RuleOwners::Strictness::kWarn) ==
        "D209 the configuration file\n");
}

TEST_CASE("TRUST 93: a link in a directory of drop-ins that others can write is told",
          "[config][rule_owners]") {
  const TempDir dir;
  dir.write("detectd.toml", "");
  dir.write("enforce.toml", "[response]\nmode = \"enforce\"\n");
  for (const char* const name : {"detectd.toml", "enforce.toml"})
    REQUIRE(chmod(dir.path(name).c_str(), 0644) == 0);
  REQUIRE(mkdir(dir.path("detectd.d").c_str(), 0755) == 0);
  REQUIRE(symlink("../enforce.toml", dir.path("detectd.d/a.toml").c_str()) == 0);
  CHECK(complaints(dir.path("detectd.toml")).empty());
  REQUIRE(chmod(dir.path("detectd.d").c_str(), 0777) == 0);
  CHECK(complaints(dir.path("detectd.toml")) == "D209 the directory " + dir.path("detectd.d") + "\n");
}

TEST_CASE("nobody can put a configuration into /dev/null", "[config][rule_owners]") {
  CHECK(complaints("/dev/null").empty());
}

TEST_CASE("who reads a configuration and names no owners takes anybody's", "[config]") {
  const TempDir dir;
  dir.write("detectd.toml", "[store]\nkeep = \"3d\"\n");
  REQUIRE(chmod(dir.path("detectd.toml").c_str(), 0666) == 0);
  Diagnostics diagnostics;
  const auto config = load_config(dir.path("detectd.toml"), diagnostics);
  REQUIRE(config);
  CHECK(config->text("store.keep") == "3d");
  CHECK(diagnostics.all().empty());
}

}  // namespace detectd
