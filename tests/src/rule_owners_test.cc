#include "src/rule_owners.h"

#include <unistd.h>
#include <catch2/catch.hpp>

#include "src/rule_files.h"
#include "tests/support/temp_dir.h"

using namespace detectd;

namespace {

// The messages about the rule files of a directory, each ended by a newline.
std::string complaints(const TempDir& dir,
                       RuleOwners::Strictness strictness = RuleOwners::Strictness::kRefuse) {
  Diagnostics diagnostics;
  RuleOwners owners(geteuid(), diagnostics, strictness);
  REQUIRE(read_rule_files({dir.path("")}, &owners));
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics.all()) text += diagnostic.message + "\n";
  CHECK(diagnostics.errors() ==
        (strictness == RuleOwners::Strictness::kRefuse ? diagnostics.all().size() : 0));
  for (size_t at = 0; (at = text.find(dir.path(""))) != std::string::npos;) {
    text.replace(at, dir.path("").size(), "");
  }
  return text;
}

std::string owner() { return ", owner " + std::to_string(geteuid()) + ")\n"; }

}  // namespace

TEST_CASE("TRUST 93, bad input 32: rule files that others can write are told", "[rule_owners]") {
  struct Case {
    unsigned file, directory;
    std::string want;
  };
  const std::string file = "the rule file is writable by others (mode ";
  const std::string directory = "the directory sub is writable by others (mode ";
  const Case cases[] = {{0644, 0755, ""},
                        {0600, 0700, ""},
                        {0666, 0755, file + "0666" + owner()},
                        {0646, 0755, file + "0646" + owner()},
                        {0644, 0777, directory + "0777" + owner()},
                        {0644, 01777, ""},
                        {0666, 0757, file + "0666" + owner() + directory + "0757" + owner()}};
  for (const Case& test : cases) {
    CAPTURE(test.file, test.directory);
    const TempDir dir;
    REQUIRE(mkdir(dir.path("sub").c_str(), 0700) == 0);
    dir.write("sub/a.toml", "");
    REQUIRE(chmod(dir.path("sub/a.toml").c_str(), test.file) == 0);
    REQUIRE(chmod(dir.path("sub").c_str(), test.directory) == 0);
    CHECK(complaints(dir) == test.want);
  }
}

TEST_CASE("TRUST 93: a link to a rule file is as good as the place that it leads to", "[rule_owners]") {
  const TempDir dir;
  const TempDir elsewhere;
  elsewhere.write("a.toml", "");
  REQUIRE(chmod(elsewhere.path("a.toml").c_str(), 0644) == 0);
  REQUIRE(chmod(elsewhere.path("").c_str(), 0777) == 0);
  REQUIRE(symlink(elsewhere.path("a.toml").c_str(), dir.path("a.toml").c_str()) == 0);
  CHECK(complaints(dir).find("writable by others (mode 0777") != std::string::npos);
}

TEST_CASE("TRUST 93: who can write where a link lies decides as much as who can write where it leads",
          "[rule_owners]") {
  const TempDir good, open;
  good.write("a.toml", "");
  REQUIRE(chmod(good.path("a.toml").c_str(), 0644) == 0);
  REQUIRE(chmod(open.path("").c_str(), 0777) == 0);
  const auto told = [](const std::string& path) {
    Diagnostics diagnostics;
    RuleOwners owners(geteuid(), diagnostics);
    REQUIRE(read_rule_files({path}, &owners));
    std::string text;
    for (const Diagnostic& diagnostic : diagnostics.all()) text += diagnostic.message + "\n";
    return text;
  };
  REQUIRE(symlink(good.path("a.toml").c_str(), open.path("a.toml").c_str()) == 0);
  REQUIRE(symlink(open.path("a.toml").c_str(), good.path("by-way.toml").c_str()) == 0);
  REQUIRE(symlink(good.path("").c_str(), open.path("all").c_str()) == 0);
  for (const std::string& path :
       {open.path(""), open.path("a.toml"), good.path("by-way.toml"), open.path("all/a.toml")}) {
    CAPTURE(path);
    CHECK(told(path).find("writable by others (mode 0777") != std::string::npos);
  }
  CHECK(told(good.path("a.toml")).empty());
  if (geteuid() != 0) {
    WARN("skipped: needs root to give links away");
    return;
  }
  // In a sticky directory everybody may add a link to a file of root's.
  REQUIRE(chmod(open.path("").c_str(), 01777) == 0);
  CHECK(told(open.path("a.toml")).empty());
  REQUIRE(lchown(open.path("a.toml").c_str(), 1000, 1000) == 0);
  CHECK(told(open.path("a.toml")).starts_with("the link "));
}

TEST_CASE("TRUST 93: a directory is told once, however many rules are in it", "[rule_owners]") {
  const TempDir dir;
  for (const char* const name : {"a.toml", "b.toml"}) {
    dir.write(name, "");
    REQUIRE(chmod(dir.path(name).c_str(), 0644) == 0);
  }
  REQUIRE(chmod(dir.path("").c_str(), 0777) == 0);
  const std::string told = complaints(dir);
  CHECK(told.find("writable") != std::string::npos);
  CHECK(told.find("writable") == told.rfind("writable"));
}

TEST_CASE("TRUST 93, bad input 32: on a desk whoever owns a rule file may write it, and others get a warning",
          "[rule_owners]") {
  struct Case {
    unsigned mode;
    uid_t owner;
    gid_t group;
    bool warned;
  };
  const Case cases[] = {{0644, 1000, 1000, false}, {0664, 1000, 1000, false}, {0664, 1000, 100, true},
                        {0666, 0, 0, true},        {0664, 0, 0, false},       {0646, 1000, 1000, true}};
  if (geteuid() != 0) {
    WARN("skipped: needs root to give files away");
    return;
  }
  for (const Case& test : cases) {
    CAPTURE(test.mode, test.owner, test.group);
    const TempDir dir;
    dir.write("a.toml", "");
    REQUIRE(chown(dir.path("a.toml").c_str(), test.owner, test.group) == 0);
    REQUIRE(chmod(dir.path("a.toml").c_str(), test.mode) == 0);
    CHECK(!complaints(dir, RuleOwners::Strictness::kWarn).empty() == test.warned);
  }
}
