// Another program starts it.
#include <initializer_list>
#include <utility>

#include "engine/mutators.h"
#include "engine/process.h"

namespace detectd {
namespace {

constexpr std::string_view kGroup = "wrapper";

ExecRun wrapper(const MutationInput& input, std::initializer_list<const char*> words) {
  ExecRun run;
  for (const char* word : words) run.args.emplace_back(word);
  run.name = run.args.front();
  run.executable = "/usr/bin/" + run.name;
  run.args.insert(run.args.end(), input.run.args.begin(), input.run.args.end());
  return run;
}

// The wrapper becomes the program: one process, two execs.
Mutation becomes(const MutationInput& input, const ExecRun& run) {
  Mutation mutation;
  mutation.events.push_back(with_run(input.event, run));
  Event program = input.event;
  if (program.carries(field::kPreviousExecutable))
    program.set_text(field::kPreviousExecutable, run.executable);
  program.unset(field::kPreviousCommandLine);
  mutation.events.push_back(std::move(program));
  return mutation;
}

// The wrapper stays, and the program is its child.
Mutation starts(const MutationInput& input, const ExecRun& run) {
  Mutation mutation;
  mutation.events.push_back(with_run(input.event, run));
  Event program = input.event;
  put_between(program, run, 1);
  mutation.events.push_back(std::move(program));
  return mutation;
}

Mutation env(const MutationInput& input) { return becomes(input, wrapper(input, {"env"})); }
Mutation nice(const MutationInput& input) { return becomes(input, wrapper(input, {"nice"})); }
Mutation nohup(const MutationInput& input) { return becomes(input, wrapper(input, {"nohup"})); }
Mutation stdbuf(const MutationInput& input) { return becomes(input, wrapper(input, {"stdbuf", "-oL"})); }
Mutation setsid(const MutationInput& input) { return becomes(input, wrapper(input, {"setsid"})); }
Mutation timeout(const MutationInput& input) { return starts(input, wrapper(input, {"timeout", "1h"})); }

Mutation xargs(const MutationInput& input) {
  ExecRun run = wrapper(input, {"xargs"});
  // The last argument comes by standard input.
  if (input.run.args.size() > 1) run.args.pop_back();
  return starts(input, run);
}

Mutation find_exec(const MutationInput& input) {
  ExecRun run = wrapper(input, {"find", "/etc/hostname", "-exec"});
  run.args.emplace_back(";");
  return starts(input, run);
}

std::string as_text(const MutationInput& input) {
  std::string text;
  for (const std::string& arg : input.run.args) {
    const bool plain = !arg.empty() && arg.find_first_not_of(
                                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                           "0123456789_./:=@%+,-") == std::string::npos;
    text += (text.empty() ? "" : " ") + (plain ? arg : shell_quoted(arg));
  }
  return text;
}

ExecRun shell(std::string text) {
  return {.executable = "/usr/bin/dash", .name = "dash", .args = {"sh", "-c", std::move(text)}};
}
Mutation shell_becomes(const MutationInput& input) { return becomes(input, shell(as_text(input))); }
Mutation shell_starts(const MutationInput& input) { return starts(input, shell(as_text(input) + "; true")); }

Mutation python(const MutationInput& input) {
  ExecRun run = wrapper(input, {"python3", "-c", "import os,sys;os.execvp(sys.argv[1],sys.argv[1:])"});
  run.name = "python3.11";
  run.executable = "/usr/bin/python3.11";
  return becomes(input, run);
}

Mutation systemd_run(const MutationInput& input) {
  Mutation mutation;
  mutation.events.push_back(with_run(input.event, wrapper(input, {"systemd-run", "-q"})));
  Event program = input.event;
  set_only_parent(program,
                  {.executable = "/usr/lib/systemd/systemd", .name = "systemd", .args = {"/sbin/init"}}, 1);
  program.set_text(process_field(Leaf::kUnit), "run-u7.service");
  mutation.events.push_back(std::move(program));
  return mutation;
}

constexpr std::string_view kSame = "an exec of the wrapper, then the program's own, in the same process";
constexpr std::string_view kChild =
    "an exec of the wrapper, then the program's own: the wrapper is its parent, and its parent an ancestor";
constexpr std::string_view kOwnExec =
    "the program's own exec is as it was: ask for it, not for a shell's text";
constexpr std::string_view kAncestors = "ask process.ancestors.* instead of process.parent.*";

constexpr Mutator kMutators[] = {
    {"env", kGroup, "env PROGRAM", kSame, kOwnExec, env},
    {"nice", kGroup, "nice PROGRAM", kSame, kOwnExec, nice},
    {"nohup", kGroup, "nohup PROGRAM", kSame, kOwnExec, nohup},
    {"stdbuf", kGroup, "stdbuf -oL PROGRAM", kSame, kOwnExec, stdbuf},
    {"setsid", kGroup, "setsid PROGRAM", kSame, kOwnExec, setsid},
    {"shell-exec", kGroup, "sh -c 'PROGRAM'", kSame, kOwnExec, shell_becomes},
    {"python-exec", kGroup, "an interpreter becomes the program: os.execvp", kSame, kOwnExec, python},
    {"timeout", kGroup, "timeout 1h PROGRAM", kChild, kAncestors, timeout},
    {"xargs", kGroup, "xargs PROGRAM, the last argument on standard input", kChild, kAncestors, xargs},
    {"find-exec", kGroup, "find FILE -exec PROGRAM \\;", kChild, kAncestors, find_exec},
    {"shell-child", kGroup, "sh -c 'PROGRAM; true'", kChild, kAncestors, shell_starts},
    {"systemd-run", kGroup, "systemd-run PROGRAM",
     "an exec of systemd-run, then the program's own: a child of systemd, in a unit of its own",
     "where a rule is about who starts a program, nothing leads from systemd to who asked it; look at "
     "systemd-run",
     systemd_run},
};

}  // namespace

std::span<const Mutator> wrapper_mutators() { return kMutators; }

}  // namespace detectd
