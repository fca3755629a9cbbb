// What an operator asks about mutes, carried out on the database of hits: by the thread that serves the control socket,
// since a database may keep one waiting.
#pragma once

#include <string>
#include <vector>

#include "engine/result.h"
#include "engine/rule_set.h"
#include "src/control/daemon_status.h"
#include "src/store/mutes.h"

namespace detectd {

// The rule of that id or name; Errc::kUsage, with a spelling hint, where none runs.
struct MutedRule {
  std::string id, name;
};
Result<MutedRule> find_rule_to_mute(const RuleSet& rules, const std::string& id_or_name);

// Each opens the database `path` for itself. What is returned are lines for who asked (control/protocol.h).
Result<std::string> mute_rule(const std::string& path, const Mute& mute);
Result<std::string> unmute_rule(const std::string& path, const MutedRule& rule, int64_t now_ns,
                                const std::string& by);
Result<std::string> list_of_mutes(const std::string& path, int64_t now_ns);
// For a status; empty where it can not be read.
std::vector<MuteStatus> mutes_that_hold(const std::string& path, int64_t now_ns);

}  // namespace detectd
