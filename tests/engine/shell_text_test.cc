#include "engine/shell_text.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace detectd {
namespace {

// `a b|c~`: words by blanks, commands by bars; a command that is not clear ends in a tilde.
std::string dump(std::string_view text) {
  std::string dumped;
  for (const ShellCommand& command : shell_commands(text)) {
    if (!dumped.empty()) dumped += '|';
    for (size_t i = 0; i < command.words.size(); ++i) dumped += (i == 0 ? "" : " ") + command.words[i].value;
    if (!command.clear) dumped += '~';
  }
  return dumped;
}

TEST_CASE("a shell's text is split into simple commands, without quotes", "[shell_text]") {
  struct Case {
    const char* text;
    const char* want;
  };
  const Case cases[] = {
      {"", ""},
      {"id", "id"},
      {"id; ls -l /tmp", "id|ls -l /tmp"},
      {"curl -s http://x | sh", "curl -s http://x|sh"},
      {"a && b || c & d", "a|b|c|d"},
      {"c\"u\"rl 'a b' c\\ d", "curl a b c d"},
      {"id # not this\nls", "id|ls"},
      {"cat /etc/passwd > /tmp/x 2>/dev/null", "cat /etc/passwd"},
      {"A=1 B=2 env x=y", "env x=y"},
      {"(cd /etc && tar c .)", "cd /etc~|tar c .~"},
      // What depends on something else is not clear.
      {"rm $X", "rm $X~"},
      {"ls *.c", "ls *.c~"},
      {"{curl,-s}", "{curl,-s}~"},
      {"if true; then id; fi", "true~|id~"},
      {"kill $(pidof auditd); id", "kill $~|id"},
      {"echo `id`", "echo `~"},
      {"echo \"a\\\"b\"", "echo a\"b"},
      {"echo 'not closed", "echo not closed~"},
      {"for i in a b; do rm $i; done", "rm $i~"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.text);
    CHECK(dump(each.text) == each.want);
  }
}

TEST_CASE("the words of a shell's text stand where they say", "[shell_text]") {
  const std::string text = "  c'u'rl   -s ; \\\n ls";
  const auto commands = shell_commands(text);
  REQUIRE(commands.size() == 2);
  CHECK(text.substr(commands[0].words[0].begin, commands[0].words[0].end - commands[0].words[0].begin) ==
        "c'u'rl");
  CHECK(text.substr(commands[0].words[1].begin, 2) == "-s");
  CHECK(text.substr(commands[1].words[0].begin, 2) == "ls");
}

TEST_CASE("no text makes reading it run on, or off", "[shell_text]") {
  for (const std::string_view piece : {"$(", "`", "'", "\"", "\\", "<(", "((", "|", "<", "$($(`"}) {
    std::string text;
    while (text.size() < 5000) text += piece;
    CHECK(shell_commands(text).size() <= text.size());
  }
  CHECK(shell_commands(std::string(kMaxShellText + 1, 'x')).empty());
}

TEST_CASE("a quoted text is one word of the same value", "[shell_text]") {
  for (const std::string text : {"", "a", "a b", "it's", "''", "$x `y` \"z\" \\"}) {
    const auto commands = shell_commands("x " + shell_quoted(text));
    REQUIRE(commands.size() == 1);
    REQUIRE(commands[0].words.size() == 2);
    CHECK(commands[0].words[1].value == text);
    CHECK(commands[0].words[1].clear);
  }
}

}  // namespace
}  // namespace detectd
