// Which field, and which kinds of events, a rule means by a name.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/fields.h"
#include "engine/rule.h"

namespace detectd {

// The kinds that the events of a rule with a logsource come as; empty where no source feeds it, `reason` then
// says so. A rule for Linux's audit log is one about `exec` if it asks for nothing but the record EXECVE and its
// a0, a1 ...
struct LogsourceKinds {
  KindSet kinds;
  std::string reason;
};
LogsourceKinds kinds_of(const Rule& rule);

// Sigma's name of a field to ours (`Image` to `process.executable`); the name itself where Sigma
// has none.
std::string_view translate_sigma_field(std::string_view name);

// Rewrites those items of a rule with Sigma's taxonomy whose field is not one here; leaves all others.
// `Initiated` is the kind of the event: true is connection_attempted, false connection_accepted. An item that
// asks for anything else stays as it is: its field is then unknown. Of Linux's audit log `type` EXECVE is the
// kind as well, and `a1` the second element of process.args.
Item translate_sigma_item(const Item& item, const std::optional<Logsource>& logsource);

// A field of the table, of [fields], or of `labels.`; those beyond the table are added to the schema.
struct FieldLookup {
  std::optional<FieldId> id;
  bool full = false;  // it is known, but the schema has no room for it
};
FieldLookup look_up_field(std::string_view name, const RuleDocument& document, Schema& schema);

// Empty, or why a rule does not run: what its author or a site says of it.
std::string why_not_run(const Rule& rule);

// Where a name is not known: a field of the table that is spelt nearly like it, as a help text.
std::string suggest_field(std::string_view name);

}  // namespace detectd
