// detectctl completion, man: what helps at the command line.
#include "src/detectctl/completion_script.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "engine/diagnostic.h"
#include "src/detectctl/commands.h"
#include "src/detectd/option_table.h"
#include "src/text.h"

namespace detectd {
namespace {

struct NoOptions {};

ExitStatus completion(const NoOptions&, Call& call) {
  const std::string shell = call.arguments.size() == 1 ? call.arguments[0] : "";
  const CompletionTables tables{
      .commands = commands(), .common = common_option_table(), .detectd = option_table()};
  if (shell == "bash") {
    call.output.write(bash_completion(tables));
  } else if (shell == "zsh") {
    call.output.write(zsh_completion(tables));
  } else if (shell == "fish") {
    call.output.write(fish_completion(tables));
  } else {
    return fail_usage(call, "say for which shell: bash, zsh or fish");
  }
  return ExitStatus::kDone;
}

struct Page {
  std::string_view name;
  std::string_view section;
  std::string_view about;
};
constexpr Page kPages[] = {
    {"detectctl", "1", "this tool"},
    {"detectd", "8", "the daemon: options, signals, files"},
    {"detectd.toml", "5", "the configuration"},
    {"detectd-rules", "5", "the language of rules"},
    {"detectd-events", "5", "events, fields, captures"},
    {"detectd-hits", "5", "hits: the database, JSON"},
    {"detectd-limits", "7", "what detectd can not see"},
    {"detectd-mutators", "7", "evasions that `mutate` derives"},
    {"detectd-tutorial", "7", "from a capture to a tested rule"},
};

const Page* find_page(const std::string& name) {
  // `man rules` is enough.
  const auto found = std::find_if(std::begin(kPages), std::end(kPages), [&](const Page& page) {
    return page.name == name || page.name == "detectd-" + name || page.name == "detectd." + name;
  });
  return found == std::end(kPages) ? nullptr : found;
}

ExitStatus man(const NoOptions&, Call& call) {
  if (call.arguments.empty()) {
    for (const Page& page : kPages) {
      std::string head = std::string(page.name) + "(" + std::string(page.section) + ")";
      head.resize(20, ' ');
      call.output.write(head + std::string(page.about) + "\n");
    }
    return ExitStatus::kDone;
  }
  const Page* page = find_page(call.arguments[0]);
  if (page == nullptr || call.arguments.size() != 1) {
    return fail_usage(call, "there is no page " + quoted(call.arguments[0]) + ": detectctl man lists them");
  }
  const std::string name(page->name), section(page->section);
  call.output.flush();
  execlp("man", "man", section.c_str(), name.c_str(), static_cast<char*>(nullptr));
  return fail({Errc::kSystem, std::string("cannot run man: ") + std::strerror(errno) +
                                  "; install it (apt install man-db), or read " + name + "." + section +
                                  " below /usr/share/man"});
}

}  // namespace

const Command kCompletionCommand = {
    .name = "completion",
    .arguments = "bash|zsh|fish",
    .summary = "a script that completes command lines",
    .manual =
        "Print a script that completes the command lines of detectctl and detectd in that shell.\n"
        "For bash:\n"
        ".Li source <(detectctl completion bash) .\n",
    .options = {},
    .run = run_command<NoOptions, completion>,
};

const Command kManCommand = {
    .name = "man",
    .arguments = "[PAGE]",
    .summary = "open a page of the manual",
    .manual =
        "Open a page of the manual, named in full or as\n"
        ".Cm rules ,\n"
        ".Cm events\n"
        "or\n"
        ".Cm toml .\n"
        "Without a\n"
        ".Ar PAGE\n"
        "the pages are listed.\n",
    .options = {},
    .run = run_command<NoOptions, man>,
};

}  // namespace detectd
