// detectctl tree: the processes of this host, as the daemon knows them.
#include <unistd.h>

#include "engine/json_writer.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/daemon_options.h"
#include "src/detectctl/host_tree.h"
#include "src/log.h"
#include "src/report/terminal.h"
#include "src/text.h"

namespace detectd {
namespace {

std::string json_of(const JsonValue& process);

ExitStatus tree(const DaemonOptions& options, Call& call) {
  if (call.arguments.size() > 1) return fail_usage(call, "name one process, or none");
  ControlRequest request;
  request.verb = ControlRequest::Verb::kTree;
  if (!call.arguments.empty()) {
    request.pid = parse_number<uint32_t>(call.arguments[0]);
    if (!request.pid || *request.pid > (uint32_t{1} << 22)) {
      return fail_usage(call, quoted(call.arguments[0]) + " is no process id");
    }
  }
  std::vector<JsonValue> processes;
  uint64_t left_out = 0;
  const Status asked = ask_daemon(options, request, [&](const JsonValue& line) {
    if (line.text_of("type") == "process") processes.push_back(line);
    if (line.text_of("type") == "left_out") left_out = static_cast<uint64_t>(line.number_of("processes"));
  });
  if (!asked) return fail(asked.error());
  if (processes.empty() && request.pid) {
    return fail(
        {Errc::kNotFound, "the daemon knows no process " + call.arguments[0] +
                              ": it has ended and started none that runs, or began after the daemon"});
  }
  if (options.json) {
    for (const JsonValue& process : processes) call.output.write(json_of(process) + "\n");
  } else {
    call.output.write(
        host_tree_text(processes, request.pid, inspect_terminal(STDOUT_FILENO, call.common.color)));
  }
  if (left_out == 0) return ExitStatus::kDone;
  log::note(plural(left_out, "process") + " more are not shown; name one to see what belongs to it");
  return ExitStatus::kIncomplete;
}

std::string json_of(const JsonValue& process) {
  JsonWriter json;
  json.begin_object();
  for (const auto& [name, value] : process.members) {
    if (value.kind == JsonValue::Kind::kText) json.member(name, value.text);
    if (value.kind == JsonValue::Kind::kNumber) json.member_number(name, value.number);
    if (value.kind == JsonValue::Kind::kBoolean) json.member_boolean(name, value.boolean);
  }
  json.end_object();
  return json.text();
}

}  // namespace

const Command kTreeCommand = {
    .name = "tree",
    .arguments = "[PID]",
    .summary = "the process tree, with ancestors that are gone",
    .manual =
        "Show the processes that run, each below the one that started it, as the daemon heard it from the "
        "kernel: also "
        "where that one is gone, which\n"
        ".Xr ps 1\n"
        "no longer knows.\n"
        "With a\n"
        ".Ar PID\n"
        "that process alone, with its ancestors and descendants.\n",
    .options = tree_of_host_options(),
    .run = run_command<DaemonOptions, tree>,
};

}  // namespace detectd
