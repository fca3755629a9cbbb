// Ways to do the same and look otherwise: each turns the event of a program's start into the events that there would be
// if somebody went that way. The manual's table (detectd-mutators(7)) is made of them.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/event.h"
#include "engine/exec_run.h"
#include "engine/shell_text.h"

namespace detectd {

// An exec, as mutators want it.
struct MutationInput {
  const Event& event;
  ExecRun run;
  static constexpr size_t kNoText = static_cast<size_t>(-1);
  size_t text = kNoText;  // where the program is a shell: the argument that is its text, behind -c
  std::vector<ShellCommand> commands;

  const std::string& shell_text() const { return run.args[text]; }
};
MutationInput make_mutation_input(const Event& event, ExecRun run);

struct Mutation {
  std::vector<Event> events;
  std::string reason;  // why it does not apply; then there are no events
};

struct Mutator {
  std::string_view name;
  std::string_view group;
  std::string_view attack;  // what somebody does
  std::string_view change;  // what becomes of the event
  std::string_view hint;    // what a rule can look at instead
  // The program's own exec; those that go before it; nothing of what a shell starts.
  Mutation (*apply)(const MutationInput& input);
};

// In the order of the manual.
std::span<const Mutator> mutators();
const Mutator* find_mutator(std::string_view name);

// All events that `mutator` makes of an exec: those of a shell are followed by the programs that its text starts, as far
// as that is certain.
Mutation mutate(const Mutator& mutator, const MutationInput& input);

// The groups, a file each.
std::span<const Mutator> program_mutators();
std::span<const Mutator> wrapper_mutators();
std::span<const Mutator> argument_mutators();
std::span<const Mutator> shell_mutators();

}  // namespace detectd
