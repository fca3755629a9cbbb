// Scripts that complete command lines in a shell, made of the tables of commands and options.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "src/detectctl/command.h"

namespace detectd {

// What is completed: the sub-commands of detectctl, and the options of detectd.
struct CompletionTables {
  std::span<const Command* const> commands;
  std::span<const OptionRow> common;   // options of every command
  std::span<const OptionRow> detectd;  // of the daemon
};

std::string bash_completion(const CompletionTables& tables);
std::string zsh_completion(const CompletionTables& tables);
std::string fish_completion(const CompletionTables& tables);

}  // namespace detectd
