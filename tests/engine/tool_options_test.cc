#include "engine/tool_options.h"

#include <catch2/catch.hpp>

namespace detectd {
namespace {

std::vector<std::string> words(std::string_view line) {
  std::vector<std::string> result;
  for (size_t begin = 0; begin < line.size();) {
    const size_t end = std::min(line.find(' ', begin), line.size());
    result.emplace_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return result;
}

// The line in that form; `-` where there is none.
std::string formed(const char* tool, const char* line, OptionForm form) {
  const Tool* known = find_tool(tool);
  if (known == nullptr) return "no tool";
  const auto parts = parse_tool_arguments(*known, words(line));
  if (!parts) return "not known";
  const auto args = in_form(*known, *parts, form);
  if (!args) return "-";
  std::string joined;
  for (const std::string& arg : *args) joined += (joined.empty() ? "" : " ") + arg;
  return joined;
}

TEST_CASE("options are said in other ways", "[tool_options]") {
  using enum OptionForm;
  struct Case {
    const char* tool;
    const char* line;
    OptionForm form;
    const char* want;
  };
  const Case cases[] = {
      {"rm", "-rf /x", kAsLetters, "-r -f /x"},
      {"rm", "-r -f /x", kClustered, "-rf /x"},
      {"rm", "-rf /x", kLong, "--recursive --force /x"},
      {"rm", "--recursive /x", kAsLetters, "-r /x"},
      {"rm", "-rf /x", kAbbreviated, "--recursiv --force /x"},
      {"rm", "-rf /x /y", kBehind, "/x /y -r -f"},
      {"rm", "-f /x", kEndOfOptions, "-f -- /x"},
      {"rm", "/x -f", kEndOfOptions, "-"},
      {"curl", "-so f http://x", kAsLetters, "-s -o f http://x"},
      {"curl", "-s -o f http://x", kAttached, "-s -of http://x"},
      {"curl", "-s -o f http://x", kLong, "--silent --output=f http://x"},
      {"curl", "-s -o f http://x", kLongApart, "--silent --output f http://x"},
      {"curl", "-s -o f http://x", kAbbreviated, "-"},
      {"nc.openbsd", "-nlvp 4444", kAsLetters, "-n -l -v -p 4444"},
      {"nc", "-n -l", kLong, "-"},
      {"useradd", "-m -p x bob", kClustered, "-mp x bob"},
      {"rm", "-Q /x", kLong, "not known"},
      {"rm", "--what /x", kLong, "not known"},
      {"chmod", "-x f", kLong, "not known"},
      {"gcc", "-c x", kLong, "no tool"},
      // An operand ends the options of a program that does not take them behind it.
      {"crontab", "f -l", kAsLetters, "f -l"},
      {"tail", "-n", kAsLetters, "-n"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.tool, each.line, each.want);
    CHECK(formed(each.tool, each.line, each.form) == each.want);
  }
}

}  // namespace
}  // namespace detectd
