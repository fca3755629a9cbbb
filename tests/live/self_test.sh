#!/usr/bin/env bash
# What a daemon says of itself and of what it was shown: arguments that are not those of the exec, pids that were used again,
# reloads that take protection away, events that take long to judge (TRUST.md).
#   self_test.sh DETECTD ATTACK RENAMED
# Texts for other shells stand in single quotes.
# shellcheck disable=SC2016,SC2119
set -uo pipefail
detectd=$(realpath "$1") attack=$(realpath "$2") renamed=$(realpath "$3")
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
mkfifo "$work/never" "$work/hold" "$work/hold18"
chmod 755 "$work"
# shellcheck source=tests/live/support.sh
. "$here/support.sh"
need_live
cp "$attack" "$work/attack"
cp "$renamed" "$work/renamed"
: >"$work/detectd.toml"
held=()
trap '[[ -z $daemon ]] || kill -KILL "$daemon"; ((${#held[@]} == 0)) || kill -KILL "${held[@]}" 2>/dev/null; rm -rf "$work"' EXIT

verify() {  # WHAT CONDITION...
  local what=$1
  shift
  if "$@"; then pass; else flunk "$what"; fi
}
rule() {  # NUMBER NAME ARGUMENT
  cat <<RULE
[[rule]]
id = "00000000-0000-4000-8000-0000000000$1"
name = "$2"
title = "$2"
level = "low"
on = "exec"
[rule.detection]
a."process.name" = "true"
a."process.args" = "$3"
condition = "a"

RULE
}
captured() { jq -ne "$1" "$work/capture.jsonl" >/dev/null; }  # of all events, once they are all there
count() { grep -F -- "$1" "$work/capture.jsonl" | jq -c "select($2)" 2>/dev/null | wc -l; }
counts() { (($(count "$1" "$2") >= $3)); }
hit() { grep -qF "\"name\":\"detectd.$1\"" "$work/hits"; }
hits() { grep -cF "\"name\":\"detectd.$1\"" "$work/hits"; }

# stay MARK COMMAND...: runs it until it says that it is ready, and lets it be. $stays is its pid, $ready what it said.
stay() {
  local mark=$1
  shift
  "$@" >"$work/ready.$mark" 2>"$work/said.$mark" </dev/null &
  stays=$!
  local i
  for ((i = 0; i < 200; ++i)); do
    if grep -q ready "$work/ready.$mark" 2>/dev/null; then
      ready=$(<"$work/ready.$mark")
      held+=("$stays")
      return 0
    fi
    kill -0 "$stays" 2>/dev/null || break
    read -rt 0.1 <>"$work/never" || true
  done
  return 1
}

# The signal has stopped a thread only when it says so.
stands_still() { ! grep -L '^State:.T' /proc/"$daemon"/task/*/status | grep -q .; }

said_or_gone() { [[ -s $2 ]] || ! kill -0 "$1" 2>/dev/null; }  # PID FILE

# Without an exec another program, and out of sight of those who read /proc.
disguise() {
  local code=0 disguised hidden
  "$work/renamed" /bin/cat zz18 <"$work/hold18" >"$work/ready.zz18" 2>"$work/said.zz18" &
  disguised=$!
  held+=("$disguised")
  local hold18
  exec {hold18}>"$work/hold18"
  until_in "$work/hits" '"name":"disguised"'
  exec {hold18}>&-
  until_holds said_or_gone "$disguised" "$work/ready.zz18"
  if [[ -s $work/ready.zz18 ]]; then
    verify 'TRUST 18: a program that is another one without an exec is told of' until_in "$work/hits" 'now said to run /usr/bin/cat'
    verify 'TRUST 18: that is a hit' hit executable_changed
    verify 'TRUST 18: the exec says what ran' \
      until_holds captured '[inputs | select(.process.args[-1]? == "zz18" and .event.action == "exec")] | .[0].process.executable | endswith("/renamed")'
  else
    wait "$disguised" || code=$?
    skip "TRUST 18: $(<"$work/said.zz18")"
  fi
  sleep 1000 &
  hidden=$!
  held+=("$hidden")
  if mount --bind "$work" "/proc/$hidden" 2>"$work/said.mount"; then
    verify 'TRUST 86: a mount over a process in /proc is told of' until_in "$work/hits" "mounted on /proc/$hidden,"
    umount "/proc/$hidden"
  else
    skip "TRUST 86: $(<"$work/said.mount")"
  fi
}

arguments() {
  # A hit is told at once, what is captured now and then.
  cat >"$work/disguised.toml" <<'RULE'
[[rule]]
id = "00000000-0000-4000-8000-000000000018"
name = "disguised"
title = "disguised"
level = "low"
on = "exec"
[rule.detection]
a."process.name" = "renamed"
condition = "a"
RULE
  # They are about reading: what the kernel tells is not to be written over (told_test.sh).
  start_daemon --no-db --source connector --rules "$here/../../rules" --rules "$work/disguised.toml" --output json --capture "$work/capture.jsonl" ||
    { flunk 'the daemon does not start'; cat "$work/said"; return; }

  # While the daemon runs, its reading races with the writing.
  local runs=100 spoofer hold
  "$work/attack" spoof-now zz16 "$runs" <"$work/hold" >"$work/spoofed" 2>&1 &
  spoofer=$!
  exec {hold}>"$work/hold"
  until_lines "$work/spoofed" "$runs" ready
  until_holds counts zz16 '.event.action == "exec" and .process.args[1] == "spoofed"' "$runs"
  local honest fake told
  # Not of the grep of this script.
  honest=$(count zz16-real '.event.action == "exec" and .process.args[1:] == ["spoofed", "zz16-real"]')
  fake=$(count zz16-fake '.event.action == "exec" and .process.args[1:] == ["spoofed", "zz16-fake"]')
  until_holds counts zz16-fake '.event.reason == "argv_changed"' "$honest"
  exec {hold}>&-
  wait "$spoofer"
  told=$(count zz16-fake '.event.reason == "argv_changed"')
  echo "arguments that are written over at once: of $runs $honest seen as they were, $fake as they were made, $told told of"
  verify 'TRUST 16: every exec has arguments' test $((honest + fake)) = "$runs"
  verify 'TRUST 16: arguments are read before they can be written over' test "$honest" -ge $((runs / 2))
  verify 'TRUST 16: of all that were seen as they were, the change is told' test "$told" = "$honest"
  verify 'TRUST 16: a change is a hit' hit argv_changed
  verify 'TRUST 16: with the arguments of now' grep -q '"name":"detectd.argv_changed".*now they are: attack spoofed zz16-fake' "$work/hits"

  disguise

  # While it stands still, they win.
  local moved=0 hidden=0 faulting=0 reused=0 ticked=0
  kill -STOP "$daemon"
  until_holds stands_still
  stay zz17 "$work/attack" mmmap zz17 || moved=$?
  stay zz20 "$work/attack" unreadable zz20 "$(printf '%32000s' '' | tr ' ' x)" || hidden=$?
  stay zz20f "$work/attack" uffd zz20f || faulting=$?
  local fault_pid=$stays
  stay zz19 "$work/attack" envspill zz19 || flunk "TRUST 19: $(<"$work/said.zz19")"
  stay zz2 "$work/attack" reuse zz2 || reused=$?
  local old=zz2-old-${ready#ready } new=zz2-new-${ready#ready }
  old=${old% *} new=${new% *}
  held+=("${ready##* }")
  stay zz4 "$work/attack" reuse zz4 tick || ticked=$?
  local old_tick=zz4-old-${ready#ready } new_tick=zz4-new-${ready#ready }
  old_tick=${old_tick% *} new_tick=${new_tick% *}
  held+=("${ready##* }")
  kill -CONT "$daemon"
  /bin/true zzlast
  until_in "$work/capture.jsonl" zzlast
  ((moved != 0)) || verify 'TRUST 17: arguments that were moved are told of' until_holds counts zz17-fake '.event.reason == "argv_changed"' 1
  # The capture is whole once it has ended.
  stop_daemon
  verify "the daemon ends with 0, not $status" test "$status" = 0
  kill -KILL "${held[@]}" 2>/dev/null
  wait "${held[@]}" 2>/dev/null
  held=()

  if ((moved == 0)); then
    verify 'TRUST 17: arguments that were moved are not trusted' \
      captured '[inputs | select(.event.action == "exec" and .process.args == ["zz17-fake"] and (.detectd.missing | index("process.args")))] | length == 1'
  else
    skip "TRUST 17: $(<"$work/said.zz17")"
  fi
  verify 'TRUST 19: who runs on into the environment is seen' \
    captured '[inputs | select(.event.action == "exec" and .process.name == "attack" and .process.args == ["attack envspill zz19 "])] | length == 1'
  verify 'TRUST 19: and nothing of the environment is kept' bash -c '! grep -qF zz19-secret "$0"/capture.jsonl "$0"/hits "$0"/said' "$work"
  if ((hidden == 0)); then
    verify 'TRUST 20: what can be read of closed arguments is shown, and not trusted' \
      captured '[inputs | select(.event.action == "exec" and .process.args[2]? == "zz20" and (.detectd.missing | index("process.args")) and .process.name == "attack")] | length == 1'
  else
    flunk "TRUST 20: $(<"$work/said.zz20")"
  fi
  if ((faulting == 0)); then
    verify 'TRUST 20: arguments behind userfaultfd are missing, and hold up nobody' \
      captured "[inputs | select(.event.action == \"exec\" and .process.pid == $fault_pid and .process.args == null and (.detectd.missing | index(\"process.args\")) and .process.name == \"attack\")] | length == 1"
  else
    skip "TRUST 20: userfaultfd: $(<"$work/said.zz20f")"
  fi
  reuses() {  # ROW WHAT OLD NEW
    # Not the grep of this script that looks for it.
    local pid with=".event.action == \"exec\" and .process.args[3]? == \"$4\""
    verify "TRUST $1: $2: the newcomer has its own arguments, and the one before has not" test "$(count "$4" "$with")" = 1
    pid=$(grep -F -- "$4" "$work/capture.jsonl" | jq -r "select($with) | .process.pid")
    verify "TRUST $1: $2: the exec before is told, and has none" \
      captured "[inputs | select(.event.action == \"exec\" and .process.pid == $pid)] | length >= 2 and (.[-2] | .process.args == null and (.detectd.missing | index(\"process.args\")) and (.detectd.missing | index(\"process.executable\")))"
  }
  if ((reused == 0)); then
    reuses 2 'a pid that was used again before its exec was read' "$old" "$new"
  else
    skip "TRUST 2: $(<"$work/said.zz2")"
  fi
  if ((ticked == 0)); then
    reuses 4 'within one tick of the clock' "$old_tick" "$new_tick"
  else
    skip "TRUST 4: $(<"$work/said.zz4")"
  fi
}

reloads() {
  mkdir "$work/rules.d"
  local i
  for i in {10..29}; do rule "$i" "rule_$i" "zz$i" >"$work/rules.d/$i.toml"; done
  chmod 644 "$work"/rules.d/*
  printf '[rules]\npaths = ["%s"]\n' "$work/rules.d" >"$work/reload.conf"
  start_daemon --config "$work/reload.conf" --no-db --output json --log-format text --only rule_10 --only rule_11 --only rule_12 --only rule_13 ||
    { flunk 'the daemon does not start'; cat "$work/said"; return; }
  mkdir "$work/away"
  mv "$work/rules.d/10.toml" "$work/away"
  kill -HUP "$daemon"
  verify 'a rule that --only names and that is gone: the rules of before go on' until_said 'no rule has the id or name `rule_10`'
  verify '--only leaves the built-in rules on' until_holds hit reload_refused
  stop_daemon
  mv "$work/away/10.toml" "$work/rules.d"

  start_daemon --config "$work/reload.conf" --no-db --output json || { flunk 'the daemon does not start'; cat "$work/said"; return; }
  mv "$work"/rules.d/1[0-3].toml "$work/away"
  kill -HUP "$daemon"
  until_said 'generation 2'
  /bin/true zz14
  until_in "$work/hits" zz14
  verify 'TRUST 97: a fifth fewer rules raise nothing' test "$(hits fewer_rules)" = 0
  mv "$work"/rules.d/1[4-7].toml "$work/away"
  kill -HUP "$daemon"
  verify 'TRUST 97: more than a fifth are told' until_said 'of 16 rules a reload left 12'
  verify 'TRUST 97: and a hit' until_holds hit fewer_rules
  /bin/true zz18
  verify 'TRUST 97: they are in force' until_in "$work/hits" zz18

  mkdir "$work/rest" && mv "$work"/rules.d/*.toml "$work/rest"
  kill -HUP "$daemon"
  verify 'TRUST 97: an empty set is refused' until_said 'there is no rule to run'
  verify 'TRUST 97: and a hit' until_holds hit reload_refused
  verify 'TRUST 97: which says why' grep -q 'there is no rule to run; the rules that were loaded before go on' "$work/hits"
  /bin/true zz19
  verify 'TRUST 97: the set of before goes on' until_in "$work/hits" zz19
  mv "$work"/rest/*.toml "$work/rules.d"

  local before
  before=$(hits reload_refused)
  rule 99 broken zz99 | head -n 6 >"$work/rules.d/99.toml"
  chmod 644 "$work/rules.d/99.toml"
  kill -HUP "$daemon"
  refusals() { (($(hits reload_refused) > before)); }
  verify 'TRUST 96: a half-written rule file is a hit' until_holds refusals
  rm "$work/rules.d/99.toml"

  before=$(hits reload_refused)
  printf '[rules]\npaths = ["%s"]\n[store]\nkep = "1d"\n' "$work/rules.d" >"$work/reload.conf"
  kill -HUP "$daemon"
  verify 'TRUST 112: a broken configuration is refused at a reload' until_said 'unknown key `store.kep`'
  verify 'TRUST 112: and is a hit' until_holds refusals
  printf '[rules]\npaths = ["%s"]\n[store]\nkeep = "1d"\n[source]\nheartbeat = "2s"\n[[alert]]\ntype = "journal"\n' "$work/rules.d" >"$work/reload.conf"
  kill -HUP "$daemon"
  verify 'what a reload can not change is told' \
    until_said 'changed in the configuration, and without effect until detectd is started again: source.heartbeat, store.keep'
  /bin/true zz20
  verify 'and the rules are loaded' until_in "$work/hits" zz20
  stop_daemon
  verify "the daemon ends with 0, not $status" test "$status" = 0

  local code=0
  "$detectd" --config "$work/reload.conf" --no-db --skip detectd.lost --timeout 1s 2>"$work/refused" || code=$?
  verify 'a built-in rule can not be skipped' grep -q 'detectd.lost is built in and always runs' "$work/refused"
  verify "that is a mistake of the command line: exit status $code" test "$code" = 2
}

# Patterns that have to walk through long arguments.
slow() {
  local i
  for i in {10..59}; do
    rule "$i" "slow_$i" zz | sed "s/a.\"process.args\" = .*/a.\"process.command_line|re\" = '[a-w]{$i}[x-z]*[0-9]'/"
  done >"$work/slow.toml"
  printf '[engine]\nslow_event = "1ms"\n' >"$work/slow.conf"
  start_daemon --config "$work/slow.conf" --no-db --rules "$work/slow.toml" --output json || { flunk 'the daemon does not start'; cat "$work/said"; return; }
  for i in 1 2 3 4 5; do "$work/attack" longarg zzslow; done
  verify 'TRUST 75: an event that took long to judge is told' until_said 'took longer to judge than engine.slow_event, the slowest'
  verify 'TRUST 75: and a hit' until_holds hit slow_event
  stop_daemon
  verify 'TRUST 75: at most once a minute' test "$(hits slow_event)" -le 2
}

# Who attaches to the daemon, whatever it does then.
traced() {
  start_daemon --no-db --rules "$here/../../rules/defense-evasion/tracer_of_detectd.toml" --output json ||
    { flunk 'the daemon does not start'; cat "$work/said"; return; }
  "$work/attack" trace zz "$daemon" 2>"$work/said.trace"
  case $? in
    0) verify 'TRUST 83: who traces detectd is a hit, of the highest level' \
      until_in "$work/hits" '"name":"tracer_of_detectd","title":"Somebody traces detectd","level":"critical"' ;;
    *) skip "TRUST 83: $(<"$work/said.trace")" ;;
  esac
  stop_daemon
}

# With as much memory as the unit leaves it: it sheds, and counts, before the kernel ends it.
memory() {
  local limit_mib group='' forks
  limit_mib=$(sed -n 's/^MemoryMax=\([0-9]*\)M$/\1/p' "$here/../../examples/detectd.service")
  verify 'TRUST 84: the unit has a limit, and others are ended first' \
    grep -qx 'OOMScoreAdjust=-900' "$here/../../examples/detectd.service"
  if group=/sys/fs/cgroup/memory/detectd-test-$$ && mkdir "$group" 2>/dev/null; then
    echo "${limit_mib}M" >"$group/memory.limit_in_bytes"
  elif group=/sys/fs/cgroup/detectd-test-$$ && mkdir "$group" 2>/dev/null && [[ -w $group/memory.max ]]; then
    echo "${limit_mib}M" >"$group/memory.max"
  else
    rmdir "$group" 2>/dev/null
    group=
  fi
  [[ -z $group ]] || prefix=(bash -c 'echo 0 >"$0/cgroup.procs" && exec "$@"' "$group")
  start_daemon --db "$work/memory.db" --rules "$work/slow.toml" --output json ||
    start_daemon --no-db --rules "$work/slow.toml" --output json || { flunk 'the daemon does not start'; cat "$work/said"; return; }
  prefix=()
  # Arguments of two megabytes, and more of all than a queue takes while nobody reads it.
  for forks in 1 2; do
    kill -STOP "$daemon"
    for i in {1..20}; do "$work/attack" longarg zzmemory; done
    "$work/attack" forks zz 20000
    kill -CONT "$daemon"
    verify 'TRUST 84: what there was no room for is counted and told' until_lines "$work/hits" "$forks" '"type":"lost"'
  done
  local most
  most=$(awk '/^VmHWM/ {print int($2 / 1024)}' "/proc/$daemon/status")
  verify "TRUST 84: of $limit_mib MiB $most were used at most" test "$most" -lt "$limit_mib"
  stop_daemon
  verify "TRUST 84: it was not ended, but stops in order: $status" test "$status" = 6
  [[ -n $group ]] || { skip 'TRUST 84: in a control group: none with a limit is to be had'; return; }
  gone() { rmdir "$group" 2>/dev/null; }
  until_holds gone
}

arguments
reloads
slow
traced
memory
finish
