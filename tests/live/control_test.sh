#!/usr/bin/env bash
# What an operator asks of a running daemon: status, reload, mode, events, processes; and what a hostile client gets.
#   control_test.sh DETECTD DETECTCTL
# `A && pass || flunk`: pass never fails. Back quotes in single ones are what is printed.
# shellcheck disable=SC2015,SC2016
set -uo pipefail
detectd=$(realpath "$1") detectctl=$(realpath "$2")
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
mkfifo "$work/never"
chmod 755 "$work"
# shellcheck source=tests/live/support.sh
. "$here/support.sh"
need_live
export TZ=UTC LC_ALL=C
socket=$work/control
ctl() { timeout 30 "$detectctl" "$@" --socket "$socket" >"$work/out" 2>"$work/err" </dev/null; }
# wants WHAT STATUS TEXT COMMAND...: ends with that status, and says that.
wants() {
  local what=$1 wanted=$2 text=$3 code=0
  shift 3
  ctl "$@" || code=$?
  if ((code == wanted)) && cat "$work/out" "$work/err" | grep -qF -- "$text"; then
    pass
  else
    flunk "$what: exit status $code"
    head -n 20 "$work/out" "$work/err"
  fi
}

rule() {  # rule NUMBER NAME
  cat <<RULE
[[rule]]
id = "00000000-0000-4000-8000-00000000000$1"
name = "$2"
title = "$2"
level = "low"
on = "exec"
[rule.detection]
a."process.name" = "true"
a."process.args" = "zz$2"
condition = "a"

RULE
}
configuration() {  # configuration MODE [LINE...]
  printf '[control]\npath = "%s"\n[store]\npath = "%s"\nspill = "%s"\n[rules]\npaths = ["%s"]\n[response]\nmode = "%s"\n' \
    "$socket" "$work/hits.db" "$work/hits.spill" "$work/rules.d" "$1" >"$work/detectd.toml"
  shift
  (($# == 0)) || printf '%s\n' "$@" >>"$work/detectd.toml"
}
mkdir "$work/rules.d"
rule 1 first >"$work/rules.d/first.toml"
configuration enforce
# Without a database no lock is taken: a daemon of this host may run meanwhile. Where none does, ours keeps hits.
options=(--output json)
if ! start_daemon "${options[@]}"; then
  options+=(--no-db)
  start_daemon "${options[@]}" || { cat "$work/said"; flunk 'the daemon starts'; finish; exit; }
fi
keeps=1
[[ " ${options[*]} " != *' --no-db '* ]] || keeps=0

wants 'a status' 0 'state      ok' status
wants 'a status as JSON' 0 '"troubles":[]' status --json
jq -e '.rules == 1 and .mode and .pid == '"$daemon" "$work/out" >/dev/null && pass || flunk 'the status is JSON'
wants 'a status as metrics' 0 'detectd_up 1' status --prometheus
# Each sample has a type before it, and a number.
awk '/^# TYPE / {type[$3] = 1; next} /^#/ {next}
     {name = $1; sub(/{.*/, "", name); if (!type[name] || $NF !~ /^[0-9.]+$/) exit 1}' "$work/out" &&
  pass || flunk 'the metrics are of the exposition format'

/bin/true zzfirst
until_in "$work/hits" '"name":"first"'
wants 'hits are counted by level' 0 '1 low' status
wants 'the process tree' 0 "($daemon)" tree
wants 'a process with its ancestors' 0 "($$)" tree "$daemon"
wants 'a process that is not there' 5 'the daemon knows no process 4194303' tree 4194303

# Its own exec, and that of timeout, may be among them.
(timeout 30 "$detectctl" events follow --socket "$socket" --kind exec --grep zzfollow --limit 4 >"$work/followed" 2>&1) &
follower=$!
follows() { /bin/true zzfollow; ! kill -0 "$follower" 2>/dev/null; }
until_holds follows && wait "$follower" && grep -q 'exec.*true(.*zzfollow' "$work/followed" && pass || flunk 'events are followed'

rule 2 second >"$work/rules.d/second.toml"
wants 'a reload' 0 'loaded again:' reload
wants 'what a reload loaded' 0 'rules      2 run; generation 2' status
printf 'id = "x"\n[[rule]\n' >"$work/rules.d/broken.toml"
wants 'a reload with a mistake' 3 'error[D' reload
grep -qF 'what ran before goes on' "$work/err" && pass || flunk 'a refused reload says what runs'
wants 'the status says that a reload was refused' 6 'the last reload was refused' status
rm "$work/rules.d/broken.toml"
rm "$work/rules.d/"*
wants 'TRUST 97: an empty rule set is refused' 3 'what ran before goes on' reload
wants 'TRUST 97: the rules of before go on' 6 'rules      2 run; generation 2' status
rule 1 first >"$work/rules.d/first.toml"
wants 'TRUST 97: a much smaller rule set is loaded, and told' 0 'of 2 rules a reload left 1' reload
until_in "$work/hits" 'detectd.fewer_rules' && pass || flunk 'TRUST 97: a hit of detectd.fewer_rules'
configuration enforce '[contrl]' 'path = "/x"'
wants 'TRUST 112: a configuration with a typo is refused' 3 'unknown section' reload
configuration enforce

if ((keeps)); then
  wants 'responses are switched off' 0 'responses: dry-run' mode dry-run
  until_in "$work/hits" 'detectd.mode_changed' && pass || flunk 'a hit of detectd.mode_changed'
  wants 'who switched them off is told' 6 'mode       dry-run, set by uid 0' status
  wants 'a reload' 0 'loaded again' reload
  wants 'a reload arms nothing that was disarmed by hand' 0 'mode       dry-run, set by' status
  wants 'and on again' 0 'responses: enforce' mode enforce
fi
if ((keeps)); then
  wants 'a rule is muted' 0 'first is muted until' mute first --for 2h --reason 'we know of it'
  wants 'mutes are listed' 0 'by uid 0' mute --list
  wants 'a status shows mutes' 0 'we know of it' status
  until_in "$work/hits" 'detectd.muted' && pass || flunk 'a hit of detectd.muted'
  wants 'and told again' 0 'first is no longer muted' unmute first
  wants 'once' 2 'first is not muted' unmute first
  wants 'no mute is left' 0 'no rule is muted' mute --list
  wants 'a mute without a reason' 2 'say why' mute first --for 2h
  wants 'a mute of what does not run' 2 'did you mean `first`' mute frist --for 2h --reason x
fi
if ((keeps)); then
  # Receivers come, change and go with a reload: all or nothing, and what was told is known by their names.
  sink() { printf '[[alert]]\ntype = "json_file"\nname = "%s"\npath = "%s"\nrules = ["first"]' "$1" "$work/$2"; }
  delivered() { ctl status --json; jq -e --arg name "$1" --argjson count "$2" '.sinks | length == 1 and .[0].name == $name and .[0].delivered >= $count' "$work/out" >/dev/null; }
  configuration enforce "$(sink log one.json)"
  wants 'a receiver comes with a reload' 0 'alerts go to log' reload
  /bin/true zzfirst
  until_holds delivered log 1 && grep -q '"type":"hit"' "$work/one.json" && pass || { flunk 'it is told what hits from then on'; cat "$work/out"; }
  configuration enforce "$(sink log two.json)" 'headers_file = "/none"'
  wants 'a receiver that makes no sense is refused with its place' 3 'detectd.toml:15:16' reload
  configuration enforce '[[alert]]' 'type = "command"' 'command = ["/none"]' 'user = "nobody"'
  wants 'TRUST 112: a program that is not there is refused with its place' 3 'detectd.toml:12:11' reload
  grep -qF 'what ran before goes on' "$work/err" && pass || flunk 'a refused receiver leaves those of before'
  /bin/true zzfirst
  until_holds delivered log 2 && pass || { flunk 'those of before go on'; cat "$work/out"; }
  configuration enforce "$(sink log two.json)"
  wants 'a receiver changes with a reload' 0 'alerts go to log' reload
  /bin/true zzfirst
  until_holds delivered log 3 && pass || { flunk 'its numbers are kept by its name'; cat "$work/out"; }
  [[ -s $work/two.json && -z $(jq -r .id "$work/one.json" "$work/two.json" | sort | uniq -d) ]] && pass || flunk 'each hit is told once'
  configuration enforce
  wants 'a receiver goes with a reload' 0 'alerts go nowhere' reload
  jq_sinks() { ctl status --json; jq -e '.sinks == []' "$work/out" >/dev/null; }
  jq_sinks && pass || flunk 'nobody is told then'
fi
configuration dry-run
wants 'a configuration that arms nothing' 0 'loaded again' reload
wants 'what is not configured can not be armed' 3 'can not be armed' mode enforce

# What looks after it.
timeout 60 "$detectctl" doctor --config "$work/detectd.toml" >"$work/out" 2>"$work/err" </dev/null
grep -q '^proc connector  *ok' "$work/out" && grep -q '^daemon  *ok  *answers at' "$work/out" &&
  grep -q '^configuration  *ok' "$work/out" && pass || { flunk 'doctor'; cat "$work/out" "$work/err"; }
chmod 666 "$work/detectd.toml"
timeout 60 "$detectctl" doctor --config "$work/detectd.toml" >"$work/out" 2>&1 </dev/null
(($? == 1)) && grep -qF "$work/detectd.toml: the configuration file is writable by others (mode 0666" "$work/out" &&
  grep -qF 'chmod go-w' "$work/out" && pass || { flunk 'doctor names the mode'; cat "$work/out"; }
chmod 644 "$work/detectd.toml"

timeout 120 "$detectctl" selftest --socket "$socket" --detectd "$detectd" >"$work/out" 2>&1 </dev/null &&
  grep -q '^event  *ok' "$work/out" && grep -q '^hit  *ok  *detectd.selftest' "$work/out" &&
  grep -q '^kill  *ok' "$work/out" && grep -q '^overrun  *ok' "$work/out" && pass || { flunk 'selftest'; cat "$work/out"; }

printf '\n[[alert]]\ntype = "webhook"\nurl = "https://alerts.example/key-4711"\n' >>"$work/detectd.toml"
timeout 120 "$detectctl" support --config "$work/detectd.toml" --socket "$socket" -o "$work/bundle.tar" >"$work/out" 2>&1 </dev/null &&
  tar -tf "$work/bundle.tar" >"$work/listed" && [[ $(grep -c . "$work/listed") -ge 6 ]] &&
  tar -xOf "$work/bundle.tar" detectd-support/status.json | jq -e '.type == "status"' >/dev/null && pass ||
  { flunk 'support'; cat "$work/out"; }
tar -xOf "$work/bundle.tar" >"$work/bundle" && ! grep -qE 'key-4711|zzfirst' "$work/bundle" && pass || flunk 'TRUST 107: a bundle has no secrets'
[[ $(stat -c %a "$work/bundle.tar") == 600 ]] && pass || flunk 'TRUST 107: a bundle is its owner'"'"'s'

# TRUST 108: whoever connects, the daemon judges on, and answers root.
chmod 777 "$work"
setpriv --reuid 65534 --regid 65534 --clear-groups timeout 10 "$detectctl" status --socket "$socket" >"$work/out" 2>"$work/err"
(($? == 5)) && grep -q 'only root may ask' "$work/err" && pass || flunk 'TRUST 108: uid 65534 is refused'
chmod 755 "$work"
if command -v python3 >/dev/null; then
  timeout 60 python3 - "$socket" <<'PY' >"$work/hostile" 2>&1
import socket, sys
held = []
for i in range(1000):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    s.connect(sys.argv[1])
    if i % 3 == 0:
        try: s.sendall(b'x' * (1 << 20))
        except OSError: pass
    elif i % 3 == 1:
        try: s.sendall(b'{"version":1,"do":"tree"}\n' * 50)
        except OSError: pass
    held.append(s)
print("held", len(held))
PY
  grep -q 'held 1000' "$work/hostile" && pass || { flunk 'TRUST 108: a thousand connections'; cat "$work/hostile"; }
else
  skip 'TRUST 108: a thousand connections need python3'
fi
/bin/true zzfirst
until_lines "$work/hits" 2 '"name":"first"' && pass || flunk 'TRUST 108: events are judged meanwhile'
answers() { ctl status || (($? == 6)); }
until_holds answers && pass || flunk 'TRUST 108: root is answered behind it'

ctl status --json
jq -e '.lost == 0' "$work/out" >/dev/null && pass || flunk 'nothing was lost meanwhile'
stop_daemon TERM
((status == 0 || status == 6)) && pass || flunk "the daemon ends in order: $status"
[[ ! -e $socket ]] && pass || flunk 'the socket is gone with the daemon'
wants 'nobody answers then' 5 'no detectd answers at' status
finish
