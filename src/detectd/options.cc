#include "src/detectd/options.h"

#include <algorithm>

#include "src/command_line.h"
#include "src/detectd/option_table.h"
#include "src/text.h"

namespace detectd {
namespace {

Status check_captures(const std::vector<std::string>& captures) {
  for (const std::string& path : captures) {
    if (path.empty()) {
      return Error{Errc::kUsage, "the name of a capture is empty; pass a file, or - for standard input"};
    }
  }
  if (std::count(captures.begin(), captures.end(), "-") > 1) {
    return Error{Errc::kUsage, "standard input can be read only once; pass - once"};
  }
  return {};
}

}  // namespace

Result<Options> parse_options(const std::vector<std::string>& words) {
  Options options;
  options.words = words;
  const auto more = read_command_line(words, {{option_table(), &options}}, "detectd --help");
  if (!more) return more.error();
  if (!more->empty() && options.captures.empty()) {
    return Error{Errc::kUsage, "unexpected argument " + quoted(more->front()) + "; captures follow --replay"};
  }
  options.captures.insert(options.captures.end(), more->begin(), more->end());
  if (Status status = check_captures(options.captures); !status) return std::move(status).error();
  if (options.source && !options.captures.empty())
    return Error{Errc::kUsage, "--source says where live events come from; a replay has its captures"};
  if (options.capture_max_bytes != 0 && !options.capture)
    return Error{Errc::kUsage, "--capture-max says how large a part of the --capture gets; there is none"};
  return options;
}

bool wants_json_log(const std::vector<std::string>& words) {
  bool json = false;
  for (size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    if (words[i] == "--log-format" && i + 1 < words.size()) json = words[i + 1] == "json";
    if (words[i].starts_with("--log-format=")) json = words[i] == "--log-format=json";
  }
  return json;
}

std::string help_text() {
  return "Usage: detectd [options]\n"
         "       detectd --replay FILE... [options]\n"
         "       detectd --check [options]\n"
         "       detectd --print-config [options]\n"
         "       detectd --probe [options]\n"
         "\n"
         "Watches this host, or with --replay reads recorded process events, evaluates\n"
         "the events against rules, and prints what hits.\n" +
         help_of_options(option_table()) +
         "\nExit status: 0 done, 1 --fail-on, 2 usage, 3 rules or configuration, 4 input,\n"
         "5 system, 6 done but incomplete, 7 stopped by --timeout or --limit.\n"
         "The manual page detectd(8) has examples.\n";
}

std::string manual_options() { return manual_of_options(option_table()); }

}  // namespace detectd
