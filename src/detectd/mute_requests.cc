#include "src/detectd/mute_requests.h"

#include <string_view>

#include "engine/diagnostic.h"
#include "engine/json_writer.h"
#include "engine/timestamp.h"
#include "src/control/protocol.h"
#include "src/text.h"

namespace detectd {
namespace {

std::string name_of(const Rule& rule) {
  if (!rule.name.empty()) return rule.name;
  return rule.title.empty() ? rule.id : rule.title;
}

}  // namespace

Result<MutedRule> find_rule_to_mute(const RuleSet& rules, const std::string& id_or_name) {
  std::vector<std::string_view> known;
  std::optional<MutedRule> found;
  const auto look = [&](const auto& compiled) {
    const Rule& rule = *compiled.rule;
    if (rule.id == id_or_name || rule.name == id_or_name) found = MutedRule{rule.id, name_of(rule)};
    known.push_back(rule.name);
  };
  for (const CompiledRule& rule : rules.rules()) look(rule);
  for (const CompiledCorrelation& rule : rules.correlations()) look(rule);
  if (found) return *found;
  const std::string hint = did_you_mean(id_or_name, known);
  return Error{Errc::kUsage, "no rule " + quoted(id_or_name) + " runs" + (hint.empty() ? "" : "; " + hint)};
}

Result<std::string> mute_rule(const std::string& path, const Mute& mute) {
  Result<Database> database = Database::open(path, Database::Access::kWrite);
  if (!database) return std::move(database).error();
  const Result<int64_t> number = add_mute(*database, mute);
  if (!number) return number.error();
  return text_line(mute.name + " is muted until " + format_rfc3339(mute.end_ns, 0) +
                   ": its hits are kept, and nobody is told of them");
}

Result<std::string> unmute_rule(const std::string& path, const MutedRule& rule, int64_t now_ns,
                                const std::string& by) {
  Result<Database> database = Database::open(path, Database::Access::kWrite);
  if (!database) return std::move(database).error();
  const Result<bool> lifted = lift_mute(*database, rule.id, now_ns, by);
  if (!lifted) return lifted.error();
  if (!*lifted) return Error{Errc::kUsage, rule.name + " is not muted"};
  return text_line(rule.name + " is no longer muted");
}

Result<std::string> list_of_mutes(const std::string& path, int64_t now_ns) {
  const Result<Database> database = Database::open(path, Database::Access::kRead);
  if (!database) return database.error();
  const auto mutes = list_mutes(*database, WhichMutes::kHolding, now_ns);
  if (!mutes) return mutes.error();
  std::string lines;
  for (const Mute& mute : *mutes) {
    JsonWriter json;
    json.begin_object();
    json.member("type", "mute");
    json.member("rule", mute.name);
    json.member("rule_id", mute.rule);
    json.member("since", format_rfc3339(mute.begin_ns));
    json.member("until", format_rfc3339(mute.end_ns));
    json.member("reason", mute.reason);
    json.member("by", mute.made_by);
    json.member_number("hits", static_cast<int64_t>(mute.hits));
    json.end_object();
    lines += json.text() + "\n";
  }
  return lines;
}

std::vector<MuteStatus> mutes_that_hold(const std::string& path, int64_t now_ns) {
  std::vector<MuteStatus> told;
  const Result<Database> database = Database::open(path, Database::Access::kRead);
  if (!database) return told;
  const auto mutes = list_mutes(*database, WhichMutes::kHolding, now_ns);
  if (!mutes) return told;
  for (const Mute& mute : *mutes) {
    told.push_back({.rule = mute.name, .until_ns = mute.end_ns, .reason = mute.reason, .by = mute.made_by});
  }
  return told;
}

}  // namespace detectd
