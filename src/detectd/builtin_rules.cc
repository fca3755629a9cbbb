#include "src/detectd/builtin_rules.h"

#include <memory>
#include <string>

namespace detectd {
namespace {

constexpr std::string_view kRules = R"toml(
[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7a01"
name = "lost"
title = "Events were lost"
description = "The kernel had more events than could be taken, or more came than could be judged. What happened meanwhile was not seen; all processes were looked at afterwards."
level = "medium"
on = "lost"
[rule.detection]
lossy."event.reason" = ["overrun", "queue"]
condition = "lossy"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7a02"
name = "blind"
title = "No events came"
description = "The kernel no longer told of processes, not even of those that detectd starts itself to find that out. Who can do this to a host wants to do something else there."
level = "high"
on = "lost"
[rule.detection]
blind."event.reason" = "blind"
condition = "blind"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7a04"
name = "killed"
title = "detectd did not end in order"
description = "The last detectd of this boot was killed, crashed or was stopped so hard that it could not say so. Until this one began nobody watched."
level = "high"
tags = ["attack.defense-evasion", "attack.t1562.001"]
on = "lost"
[rule.detection]
killed."event.reason" = "killed"
condition = "killed"
)toml";

}  // namespace

SourcePtr builtin_rules() {
  auto source = std::make_shared<SourceFile>();
  source->path = "<built-in>";
  source->text = kRules;
  return source;
}

}  // namespace detectd
