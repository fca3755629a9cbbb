// A program that is started for each alert, which is on its standard input. No shell: what an event holds is never part
// of a command line.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/result.h"
#include "src/alerts/sink.h"

namespace detectd {

struct CommandUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name, home;
};
// Errc::kNotFound where there is none of that name; root is Errc::kUsage.
Result<CommandUser> find_command_user(const std::string& name);

struct CommandOptions {
  std::vector<std::string> command;  // an absolute path, and arguments
  std::optional<CommandUser> user;   // none: as who runs detectd, which then is not root
  int64_t timeout_ns = 30'000'000'000;
};
// An environment of PATH, LANG, HOME, USER and LOGNAME; output goes nowhere; no privileges are left and none can be
// gained. One that takes longer is ended with all that it started in its session's process group.
std::unique_ptr<Sink> make_command_sink(CommandOptions options);

}  // namespace detectd
