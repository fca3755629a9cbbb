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

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7b05"
name = "argv_changed"
title = "A process changed its arguments"
description = "A second after its exec a program showed other arguments than at first. Servers do so to show what they are at; who does it to look harmless has just been seen as what it was."
level = "low"
tags = ["attack.defense-evasion", "attack.t1564.010"]
on = "health"
suppress = { by = ["process.executable"], for = "1h" }
[rule.detection]
changed."event.reason" = "argv_changed"
condition = "changed"

[[rule]]
id = "290274b6-a005-4380-b88e-e55dcf0cf2b4"
name = "executable_changed"
title = "A process claims to run another file"
description = "A second after its exec /proc named another file as its program, without an exec (PR_SET_MM_EXE_FILE). Programs that restore processes from a file do so (CRIU), and who wants to pass as another program."
level = "high"
tags = ["attack.defense-evasion", "attack.t1036"]
on = "health"
suppress = { by = ["process.executable"], for = "1h" }
[rule.detection]
changed."event.reason" = "executable_changed"
condition = "changed"

[[rule]]
id = "ac451c44-b2f4-45df-9aba-bbb6ccb6f79f"
name = "proc_mount"
title = "Something is mounted over processes in /proc"
description = "A mount on the directory of a process hides it from ps, top and whoever else reads /proc. detectd reads a procfs of its own and sees it all the same. There is no honest reason to."
level = "high"
tags = ["attack.defense-evasion", "attack.t1564"]
on = "health"
[rule.detection]
mounted."event.reason" = "proc_mount"
condition = "mounted"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7b06"
name = "clock_set"
title = "The wall clock was set"
description = "By more than two seconds. The order of events and the windows of correlations do not follow it; times that people read do."
level = "medium"
on = "health"
[rule.detection]
set."event.reason" = "clock_set"
condition = "set"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7b07"
name = "fewer_rules"
title = "More than a fifth of the rules is gone"
description = "A reload loaded a rule set that is smaller by more than 20 percent. It is in force."
level = "high"
tags = ["attack.defense-evasion", "attack.t1562.001"]
on = "health"
[rule.detection]
fewer."event.reason" = "fewer_rules"
condition = "fewer"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7b08"
name = "reload_refused"
title = "A reload was refused"
description = "Rules or configuration have mistakes, are open to others, or leave no rule at all. The rules of before go on."
level = "medium"
on = "health"
[rule.detection]
refused."event.reason" = "reload_refused"
condition = "refused"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7b09"
name = "processes_unlisted"
title = "Running processes could not be listed"
description = "At the start, or after a loss. What runs since before is not known: it has no lineage, and no rule about running processes sees it."
level = "medium"
on = "health"
[rule.detection]
unlisted."event.reason" = "processes_unlisted"
condition = "unlisted"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7b0a"
name = "priority_lost"
title = "The receive thread lost its priority"
description = "It ran for seconds without a pause, and the safeguard (RLIMIT_RTTIME) took it out of real time until it had caught up. Command lines of short programs may be missing."
level = "medium"
on = "health"
[rule.detection]
lost."event.reason" = "priority_lost"
condition = "lost"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7b14"
name = "stuck"
title = "Reading a process does not come to an end"
description = "For seconds, as from a file system that does not answer. Nothing that happens meanwhile is judged before it goes on; the watchdog of the service is not fed."
level = "high"
tags = ["attack.defense-evasion", "attack.t1562.001"]
on = "health"
[rule.detection]
stuck."event.reason" = "stuck"
condition = "stuck"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7b15"
name = "untold"
title = "The kernel stopped handing programs over"
description = "By eBPF, eight in a row. They are read from /proc until it goes on: some that end at once have no command line. Somebody may have detached detectd's program."
level = "medium"
tags = ["attack.defense-evasion", "attack.t1562.001"]
on = "health"
[rule.detection]
untold."event.reason" = "untold"
condition = "untold"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7b16"
name = "unanswered"
title = "A file system is slow, or does not answer"
description = "Programs on it have no hash, so that no rule about hashes sees them. Who may mount a file system of his own can arrange that."
level = "medium"
tags = ["attack.defense-evasion", "attack.t1562.001"]
on = "health"
[rule.detection]
unanswered."event.reason" = "unanswered"
condition = "unanswered"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7b0c"
name = "forged"
title = "Somebody forges events"
description = "Messages came on the kernel's channel that somebody else had sent. They were dropped. To send them takes CAP_NET_ADMIN, and there is no honest reason to."
level = "high"
tags = ["attack.defense-evasion", "attack.t1562.006"]
on = "health"
[rule.detection]
forged."event.reason" = "forged"
condition = "forged"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7b0d"
name = "fork_rate"
title = "Processes are created very fast"
description = "More than 2,000 a second. A fork bomb leaves no room for others, and who wants to be overlooked may hide in one."
level = "medium"
tags = ["attack.impact", "attack.t1499"]
on = "health"
[rule.detection]
fast."event.reason" = "fork_rate"
condition = "fast"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7b0b"
name = "slow_event"
title = "An event took long to judge"
description = "Longer than engine.slow_event. Nothing was skipped; but many of them keep the events behind them waiting, and somebody may mean to."
level = "low"
on = "health"
[rule.detection]
slow."event.reason" = "slow_event"
condition = "slow"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7b0e"
name = "mode_changed"
title = "Responses were switched on or off"
description = "By detectctl mode, until detectd starts again. The message says who asked. Off, rules only tell: who wants to be left alone by them wants that."
level = "high"
tags = ["attack.defense-evasion", "attack.t1562.001"]
on = "health"
[rule.detection]
changed."event.reason" = "mode_changed"
condition = "changed"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7b12"
name = "muted"
title = "A rule was muted, or is no longer"
description = "By detectctl mute: its hits are kept, and nobody is told of them for a time. The message says who asked, and why."
level = "medium"
tags = ["attack.defense-evasion", "attack.t1562.006"]
on = "health"
[rule.detection]
muted."event.reason" = ["muted", "unmuted"]
condition = "muted"

# What `detectctl selftest` runs.
[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7b0f"
name = "selftest"
title = "detectctl selftest"
description = "Somebody with root's rights tried out whether hits arrive."
level = "informational"
on = "exec"
[rule.detection]
marked."process.args|startswith" = "detectd-selftest-"
marked."process.user.id" = 0
condition = "marked"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7c01"
name = "alerts_wait"
title = "Alerts do not arrive"
description = "For a minute a receiver of alerts did not take them. They wait in the database and are tried again; other receivers go on."
level = "medium"
on = "health"
[rule.detection]
waiting."event.reason" = "alerts_wait"
condition = "waiting"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7c02"
name = "alerts_lost"
title = "Alerts were not told"
description = "Hits were too old to be told when their receiver came back, or it refused them for good. They are in the database."
level = "high"
on = "health"
[rule.detection]
lost."event.reason" = "alerts_lost"
condition = "lost"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7c03"
name = "disk_low"
title = "The disk of the hits is nearly full"
description = "Less than 64 MiB, or a tenth of it, is left. The oldest hits make room for new ones."
level = "medium"
on = "health"
[rule.detection]
low."event.reason" = "disk_low"
condition = "low"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7c04"
name = "disk_full"
title = "The disk of the hits is full"
description = "The database takes no hits. They wait in the spill, which was allocated beforehand. Who fills a disk may want to leave no traces."
level = "high"
on = "health"
[rule.detection]
full."event.reason" = "disk_full"
condition = "full"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7c05"
name = "silent"
title = "No process began for long"
description = "The kernel still tells of events, and for source.silent_after of no process. Few hosts are that quiet."
level = "low"
on = "health"
[rule.detection]
silent."event.reason" = "silent"
condition = "silent"

# About responses: the responder itself makes their hits, no event of the kernel does.
[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7a0d"
name = "response_budget"
title = "A response was held back: the budget is spent"
description = "A rule asked for more responses than [response] allows, or all rules together did. Until some of the time has passed hits are only told. A rule that is careless, or somebody who provokes it, is found by the hits with the outcome `refused: budget`."
level = "high"
on = "health"
[rule.detection]
spent."event.reason|startswith" = "response_budget"
condition = "spent"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7a0e"
name = "response_pending"
title = "A process was told to end, and stays"
description = "A second after its signal a process was still there: it waits for a disk or a file system and can not be interrupted, somebody traces it, or its tree starts processes faster than they can be stopped."
level = "high"
on = "health"
[rule.detection]
pending."event.reason" = "response_pending"
condition = "pending"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7a0f"
name = "response_unknown"
title = "Nobody knows what became of a response"
description = "The last detectd ended between writing down what it would do to a process and hearing that it was done. It may have got its signal or not; no second one is sent. responses.log has the process."
level = "high"
on = "health"
[rule.detection]
unknown."event.reason" = "response_unknown"
condition = "unknown"

[[rule]]
id = "5d1f0f54-6a0e-4b52-9d0b-0f4b4c3a7a10"
name = "not_denied"
title = "An exec was not denied in time"
description = "A rule denies this exec, and it went on: the verdict came after response.deny_deadline. The host is very busy, detectd was stopped, or somebody keeps it from judging."
level = "high"
on = "exec_check"
[rule.detection]
late."event.reason" = "refused: deadline"
condition = "late"
)toml";

}  // namespace

SourcePtr builtin_rules() {
  auto source = std::make_shared<SourceFile>();
  source->path = "<built-in>";
  source->text = kRules;
  return source;
}

}  // namespace detectd
