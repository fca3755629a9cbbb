#include "src/detectd/alert_check.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

// `D208 3:16 message`, without the directory of the test.
std::string mistakes_of(const TempDir& directory, std::string text) {
  const std::string root = directory.path("");
  for (size_t at = text.find('@'); at != std::string::npos; at = text.find('@')) text.replace(at, 1, root);
  directory.write("detectd.toml", text);
  Diagnostics diagnostics;
  const auto config = load_config(directory.path("detectd.toml"), diagnostics);
  REQUIRE(config);
  REQUIRE(diagnostics.errors() == 0);
  check_alerts(*config, diagnostics);
  diagnostics.sort();
  std::string told;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    CHECK(!diagnostic.help.empty());
    CHECK(diagnostic.file->path == directory.path("detectd.toml"));
    told += diagnostic.code + " " + std::to_string(diagnostic.span.line) + ":" +
            std::to_string(diagnostic.span.column) + " " + diagnostic.message + "\n";
  }
  for (size_t at = told.find(root); at != std::string::npos; at = told.find(root))
    told.erase(at, root.size());
  return told;
}

}  // namespace

TEST_CASE("TRUST 112: a file that an [[alert]] names and that can not be used is a mistake with its place",
          "[alerts]") {
  const TempDir directory;
  directory.write("open", "Authorization: Bearer x\n");
  directory.write("closed", "Authorization: Bearer x\n");
  directory.write("no_header", "just words\n");
  directory.write("plain", "text");
  namespace fs = std::filesystem;
  fs::permissions(directory.path("open"), fs::perms(0644));
  fs::permissions(directory.path("closed"), fs::perms(0600));
  fs::permissions(directory.path("no_header"), fs::perms(0600));
  fs::permissions(directory.path("plain"), fs::perms(0644));
  const std::string webhook = "[[alert]]\ntype = \"webhook\"\n";
  const std::string url = webhook + "url = \"https://alerts.example/\"\n";
  struct Case {
    std::string alert;
    const char* want;
  };
  const Case cases[] = {
      {url + "headers_file = \"@closed\"\n", ""},
      {url + "headers_file = \"@none\"\n", "D208 4:16 none: No such file or directory\n"},
      {url + "headers_file = \"@open\"\n",
       "D208 4:16 open: others can read or write it; it holds a secret: chmod 0600\n"},
      {url + "headers_file = \"@no_header\"\n",
       "D208 4:16 no_header: entry 1 is no header: write `Name: value`\n"},
      {url + "ca_file = \"@none\"\n", "D208 4:11 `none` can not be read: No such file or directory\n"},
      {webhook + "url_file = \"@closed\"\n",
       "D208 3:12 `closed` does not hold one URL that begins with https://\n"},
      {"[[alert]]\ntype = \"command\"\nuser = \"nobody\"\ncommand = [\"@none\"]\n",
       "D208 4:11 `none` can not be run: No such file or directory\n"},
      {"[[alert]]\ntype = \"command\"\nuser = \"nobody\"\ncommand = [\"@plain\", \"x\"]\n",
       "D208 4:11 `plain` can not be run: Permission denied\n"},
      {"[[alert]]\ntype = \"command\"\nuser = \"nobody\"\ncommand = [\"/\"]\n",
       "D208 4:11 `/` can not be run: not a file\n"},
      {"[[alert]]\ntype = \"command\"\nuser = \"nobody\"\ncommand = [\"/bin/true\"]\n", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.alert);
    CHECK(mistakes_of(directory, c.alert) == c.want);
  }
}

TEST_CASE("TRUST 110: who a command is run as is there, and not root", "[alerts]") {
  if (geteuid() != 0) {
    WARN("skipped: only root runs commands as somebody else");
    return;
  }
  const TempDir directory;
  const std::string command = "[[alert]]\ntype = \"command\"\ncommand = [\"/bin/true\"]\n";
  CHECK(mistakes_of(directory, command + "user = \"nobody\"\n").empty());
  CHECK(mistakes_of(directory, command + "user = \"no-such-user\"\n") ==
        "D208 4:8 there is no user no-such-user\n");
  CHECK(mistakes_of(directory, command + "user = \"root\"\n") ==
        "D208 4:8 commands that read what others wrote are not run as root\n");
}

}  // namespace detectd
