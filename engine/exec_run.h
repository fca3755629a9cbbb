// What an event says of a program that was started, to be read, changed and written back as one: what follows from it
// (name, command line, number of arguments) is left to be derived anew.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/event.h"

namespace detectd {

struct ExecRun {
  std::string executable;  // where the event does not say: /usr/bin and its name
  std::string name;
  std::vector<std::string> args;  // never empty

  // What it was called: the last part of its first argument.
  std::string called() const;
};

// Nothing of an event that names no program. A command line without arguments is split at its blanks, but for the text
// behind a shell's -c.
std::optional<ExecRun> exec_run_of(const Event& event);

void set_args(Event& event, std::span<const std::string> args);
// Another file; what the event says of the old one (inode, owner, hash ...) is taken out.
void set_program(Event& event, const std::string& executable);

// The same process runs `run` instead.
Event with_run(const Event& event, const ExecRun& run);
// The process was not started by its parent but by `between`, which the parent had started. `number` tells processes
// apart.
void put_between(Event& event, const ExecRun& between, size_t number);
// The parent, and all before it, are `parent` alone.
void set_only_parent(Event& event, const ExecRun& parent, size_t number);
// `run` as a child of the event's process, which runs `parent`.
Event child_with_run(const Event& event, const ExecRun& parent, const ExecRun& run, size_t number);

// What is read of arguments that are longer than is read: the first 128 KiB and the last 16, and of many the first
// 3,584 and the last 512. False where all are read.
bool cut_args(std::vector<std::string>& args);

}  // namespace detectd
