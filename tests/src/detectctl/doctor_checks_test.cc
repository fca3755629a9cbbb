#include "src/detectctl/doctor_checks.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

// `name: detail: remedy`, of those that are not as they should be.
std::string complaints(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    if (!finding.works)
      text += std::string(finding.name) + ": " + finding.detail + ": " + finding.remedy + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("who else may write a file is told with what to do", "[doctor]") {
  struct Case {
    unsigned mode, uid;
    std::optional<std::string> want;
  };
  const Case cases[] = {
      {0644, 0, std::nullopt},    {0600, geteuid(), std::nullopt}, {0664, 0, "chmod go-w /x"},
      {0646, 0, "chmod go-w /x"}, {01777, 0, std::nullopt},        {0644, 4711, "chown root /x"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.mode, one.uid);
    CHECK(remedy_for_mode("/x", one.mode, one.uid) == one.want);
  }
}

TEST_CASE("a configuration with a mistake, and one that others can write, are told", "[doctor]") {
  TempDir directory;
  const std::string path = directory.path("detectd.toml");
  std::optional<Config> config;
  directory.write("detectd.toml", "[store]\npth = \"/x\"\n");
  CHECK(complaints(check_configuration(path, config)) ==
        "configuration: 1 mistake in " + path + ": detectd --check --config " + path + " shows them\n");
  CHECK_FALSE(config);
  directory.write("detectd.toml", "[response]\nmode = \"enforce\"\n");
  REQUIRE(chmod(path.c_str(), 0666) == 0);
  CHECK_THAT(complaints(check_configuration(path, config)),
             Catch::StartsWith("its files: " + path + ": the configuration file is writable by others") &&
                 Catch::Contains("chmod go-w it"));
  REQUIRE(config);
  CHECK(config->text("response.mode") == "enforce");
  REQUIRE(chmod(path.c_str(), 0644) == 0);
  REQUIRE(mkdir(directory.path("detectd.d").c_str(), 0700) == 0);
  directory.write("detectd.d/a.toml", "");
  REQUIRE(chmod(directory.path("detectd.d/a.toml").c_str(), 0644) == 0);
  CHECK(complaints(check_configuration(path, config)).empty());
  REQUIRE(chmod(directory.path("detectd.d").c_str(), 0777) == 0);
  CHECK_THAT(complaints(check_configuration(path, config)),
             Catch::Contains("detectd.d is writable by others"));
  CHECK_FALSE(complaints(check_configuration(directory.path("nowhere.toml"), config)).empty());
}

TEST_CASE("rules with a mistake, or none, and a file that is no database, are told", "[doctor]") {
  TempDir directory;
  directory.write("detectd.toml", "[rules]\npaths = [\"" + directory.path("rules.toml") +
                                      "\"]\n[store]\npath = \"" + directory.path("hits.db") +
                                      "\"\nspill = \"" + directory.path("spill") + "\"\n");
  std::optional<Config> config;
  REQUIRE(complaints(check_configuration(directory.path("detectd.toml"), config)).empty());
  REQUIRE(config);
  directory.write("rules.toml", "[[rule]]\nid = 7\n");
  CHECK_THAT(complaints(check_rule_files(*config)), Catch::Contains("detectctl check shows them"));
  directory.write("rules.toml", "");
  CHECK_THAT(complaints(check_rule_files(*config)), Catch::StartsWith("rules: there is none"));
  CHECK(complaints(check_database(*config)).empty());
  directory.write("hits.db", "no database at all, for certain, but some text that is long enough");
  REQUIRE(chmod(directory.path("hits.db").c_str(), 0644) == 0);
  const std::string told = complaints(check_database(*config));
  CHECK_THAT(told, Catch::Contains("D400"));
  CHECK_THAT(told, Catch::Contains("chmod 0600 " + directory.path("hits.db")));
}

TEST_CASE("where no daemon answers, that is told", "[doctor]") {
  TempDir directory;
  CHECK_THAT(complaints(check_daemon(directory.path("control"))),
             Catch::StartsWith("daemon: no detectd answers at"));
}

}  // namespace detectd
