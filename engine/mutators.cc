#include "engine/mutators.h"

#include <algorithm>
#include <array>

#include "engine/process.h"

namespace detectd {
namespace {

constexpr size_t kMaxChildren = 32;

bool is_shell(std::string_view name) {
  constexpr std::array<std::string_view, 9> kShells = {"sh",  "bash",  "dash", "ash",  "zsh",
                                                       "ksh", "ksh93", "mksh", "rbash"};
  return std::find(kShells.begin(), kShells.end(), name) != kShells.end();
}

// The argument behind -c, also of `bash -lc`.
size_t find_text(const ExecRun& run) {
  size_t i = 1;
  if (run.name == "busybox") {
    if (run.args.size() < 2 || !(is_shell(run.args[0]) || is_shell(run.args[1])))
      return MutationInput::kNoText;
    if (!is_shell(run.args[0])) ++i;
  } else if (!is_shell(run.name)) {
    return MutationInput::kNoText;
  }
  for (; i + 1 < run.args.size(); ++i) {
    const std::string& arg = run.args[i];
    if (arg.size() < 2 || arg.front() != '-' || arg.starts_with("--")) break;
    if (arg.back() == 'c' && arg.find_first_not_of("abefhiklmnprtuvxc", 1) == std::string::npos) return i + 1;
  }
  return MutationInput::kNoText;
}

ExecRun run_of(std::span<const std::string> words) {
  ExecRun run;
  run.args.assign(words.begin(), words.end());
  run.name = last_path_part(run.args.front());
  run.executable =
      run.args.front().find('/') == std::string::npos ? "/usr/bin/" + run.name : run.args.front();
  return run;
}

// Where a program only starts another one, with no option between.
bool starts_next(std::string_view name) {
  constexpr std::array<std::string_view, 6> kStarters = {"command", "doas", "env", "exec", "nohup", "sudo"};
  return std::find(kStarters.begin(), kStarters.end(), name) != kStarters.end();
}

std::ptrdiff_t count_clear(const std::vector<ShellCommand>& commands) {
  return std::count_if(commands.begin(), commands.end(),
                       [](const ShellCommand& command) { return command.clear; });
}

// Those of the changed text, where it can be read as well as the original one: it does the same.
std::vector<ShellCommand> commands_of(const MutationInput& input, const ExecRun& changed) {
  if (changed.args.size() != input.run.args.size()) return input.commands;
  std::vector<ShellCommand> commands = shell_commands(changed.args[input.text]);
  return count_clear(commands) < count_clear(input.commands) ? input.commands : commands;
}

// The programs that the commands start, in order.
void append_children(const MutationInput& input, std::vector<Event>& events) {
  const Event shell = events.back();
  const auto shell_run = exec_run_of(shell);
  if (!shell_run) return;
  const std::vector<ShellCommand> commands = commands_of(input, *shell_run);
  const bool is_text =
      std::find(shell_run->args.begin(), shell_run->args.end(), "-c") != shell_run->args.end();
  const bool becomes_last = is_text && (input.run.name == "bash" || shell_run->name == "busybox");
  size_t number = 1000;
  for (const ShellCommand& command : commands) {
    if (!command.clear || command.words.empty()) continue;
    std::vector<std::string> words;
    for (const ShellWord& word : command.words) words.push_back(word.value);
    ExecRun parent = *shell_run;
    // A single command needs no process of its own; behind -c of bash and busybox the last one neither.
    const bool last = &command == &commands.back() && !command.piped;
    bool forked = commands.size() > 1 && !(last && becomes_last);
    std::span<const std::string> rest = words;
    while (!rest.empty() && !rest.front().empty() && events.size() < kMaxChildren) {
      const std::string& name = rest.front();
      const bool starter = starts_next(name) && rest.size() > 1 && rest[1].find_first_of("-=") != 0 &&
                           rest[1].find('=') == std::string::npos;
      if (!is_shell_builtin(name)) {
        const ExecRun run = run_of(rest);
        events.push_back(forked ? child_with_run(shell, parent, run, number) : with_run(shell, run));
        number += 2;
        if (name == "sudo") {
          parent = run;
          forked = true;
        }
      }
      if (!starter) break;
      rest = rest.subspan(1);
    }
  }
}

}  // namespace

MutationInput make_mutation_input(const Event& event, ExecRun run) {
  MutationInput input{.event = event, .run = std::move(run), .text = MutationInput::kNoText, .commands = {}};
  input.text = find_text(input.run);
  if (input.text != MutationInput::kNoText) input.commands = shell_commands(input.shell_text());
  return input;
}

std::span<const Mutator> mutators() {
  static const std::vector<Mutator> all = [] {
    std::vector<Mutator> joined;
    for (const auto& group : {program_mutators(), wrapper_mutators(), argument_mutators(), shell_mutators()})
      joined.insert(joined.end(), group.begin(), group.end());
    return joined;
  }();
  return all;
}

const Mutator* find_mutator(std::string_view name) {
  const auto all = mutators();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Mutator& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

Mutation mutate(const Mutator& mutator, const MutationInput& input) {
  Mutation mutation = mutator.apply(input);
  if (!mutation.events.empty() && input.text != MutationInput::kNoText)
    append_children(input, mutation.events);
  return mutation;
}

}  // namespace detectd
