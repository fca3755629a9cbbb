#!/usr/bin/env bash
# Programs that the kernel tells of (eBPF): each with its own arguments, however short it runs; and what is done where the
# kernel does not.
#   told_test.sh DETECTD DETECTCTL ATTACK FIRST_WRITE
# `A && pass || flunk`: pass never fails. Texts for other shells stand in single quotes.
# shellcheck disable=SC2015,SC2016,SC2119
set -uo pipefail
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
mkfifo "$work/never" "$work/hold"
detectd=$(realpath "$1")
detectctl=$(realpath "$2")
# shellcheck source=tests/live/support.sh
. "$here/support.sh"
need_live
cp "$3" "$work/attack"
cp "$4" "$work/at_once"
cp "$(command -v tail)" "$work/linger"
: >"$work/detectd.toml"
cat >"$work/rule.toml" <<'RULE'
[[rule]]
id = "11111111-2222-4333-8444-555555555501"
name = "last"
title = "Last"
level = "low"
on = "exec"
[rule.detection]
last."process.args" = "zzlast"
condition = "last"
RULE
# Until what was done last is a hit, so that all before it has been judged.
settle() {
  "$work/at_once" zzlast >/dev/null
  until_lines "$work/hits" 1 '"type":"hit"' || flunk 'the last program is a hit'
}
# execs MARK: of the capture, those with an argument that begins so.
execs() { jq -c --arg mark "$1" 'select(.event.action == "exec" and any((.process.args // [])[]; startswith($mark)))' "$work/capture.jsonl"; }

start_daemon --no-db --rules "$work/rule.toml" --output json --source ebpf --capture "$work/capture.jsonl" ||
  { grep -qE 'eBPF.*(CAP_BPF|processors|BTF)' "$work/said" && skip_all "the kernel does not tell of programs here: $(tail -n 1 "$work/said")"; flunk 'the daemon does not start'; }

# Each ends with its second instruction.
for ((i = 0; i < 1000; ++i)); do "$work/at_once" "zzshort-$i-"; done >/dev/null
# Three programs of one process each.
for ((i = 0; i < 200; ++i)); do env -- nice /bin/true "zzchain-$i-"; done
# More than a record holds: what fits, whole; of more than is kept, head and tail.
long=$(printf '%0100000d' 0)
"$work/at_once" "zzlong-1" "$long" "end" >/dev/null
"$work/at_once" "zzlong-2" "$long" "$long" "end" >/dev/null
# It calls itself otherwise with its first instructions.
"$work/attack" spoof-now zz16 20 <"$work/hold" >"$work/spoofed" 2>&1 &
spoofer=$!
exec {hold}<>"$work/hold"
until_lines "$work/spoofed" 20 ready
# A tracer holds it until what was read would be his own.
"$work/attack" held-exec zz22 >/dev/null || flunk 'held-exec'
# While the daemon stands still: what is read later is not what was there.
# stay MARK NAME [ARGUMENT...]: until it says that it is ready; false where the host has not what it takes.
held=()
stay() {
  "$work/attack" "$2" "$1" "${@:3}" >"$work/ready.$1" 2>&1 </dev/null {hold}>&- &
  local stays=$!
  until_holds grep -qE 'ready|skip' "$work/ready.$1" || return 1
  held+=("$stays")
  grep -q ready "$work/ready.$1"
}
stands_still() { grep -q 'State:.*stopped' "/proc/$daemon/status"; }
kill -STOP "$daemon"
until_holds stands_still
moved=0 faulting=0
stay zz17 mmmap || moved=$?
stay zz20 unreadable "$(printf '%32000s' '' | tr ' ' x)" || flunk "TRUST 20: $(<"$work/ready.zz20")"
stay zz21 uffd || faulting=$?
stay zz19 envspill || flunk "TRUST 19: $(<"$work/ready.zz19")"
stay zz2 reuse || flunk "TRUST 2: $(<"$work/ready.zz2")"
number=$(sed 's/ready \([0-9]*\) .*/\1/' "$work/ready.zz2")
kill -CONT "$daemon"
(cd / && exec -a zzname "$work/at_once" zzplace <&- >/dev/null)
settle
exec {hold}>&-
wait "$spoofer"
kill -KILL "${held[@]}" "$(sed 's/.* //' "$work/ready.zz2")" 2>/dev/null
wait "${held[@]}" 2>/dev/null
# While it is read, not behind it: a daemon that ends reads all that is there.
"$work/at_once" zzstop >/dev/null
stop_daemon
[[ $status == 0 ]] && pass || flunk "it ends in order: $status"

seen=$(execs zzshort- | jq -r '.process.args[1]' | sort -u | wc -l)
((seen == 1000)) && pass || flunk "$seen of 1000 programs that end at once have their arguments"
execs zzshort- | jq -e -s 'all(.[]; .detectd.source == "ebpf" and .detectd.lag_us == 0 and .detectd.missing == null
  and .process.name == "at_once" and .process.user.id == 0 and (.process.start | length > 0) and (.process.Ext.stdin | type == "object"))' >/dev/null &&
  pass || { flunk 'nothing of them is missing'; execs zzshort- | jq -c '.detectd' | sort | uniq -c | sort -rn | head -n 3; }
# The name is that of the arguments, of all three.
execs zzchain- | jq -r '(.process.args[0] | split("/")[-1]) + " " + .process.name' | sort | uniq -c | awk '{print $1, $2, $3}' >"$work/chains"
diff "$work/chains" - <<<$'200 env env\n200 nice nice\n200 true true' >/dev/null && pass || { flunk 'each program of a chain has its own arguments'; cat "$work/chains"; }
execs zzlong-1 | jq -e '.process.args_count == 4 and (.process.args[2] | length) == 100000 and .process.args[3] == "end" and .detectd.argv_truncated == null' >/dev/null &&
  pass || flunk 'long arguments are whole'
execs zzlong-2 | jq -e '.detectd.argv_truncated == true and .process.args[-1] == "end" and .process.args[1] == "zzlong-2"' >/dev/null &&
  pass || flunk 'of very long ones there is the head and the tail'
# TRUST 16, but for the part that is a race without.
honest=$(execs zz16-real | wc -l) fake=$(execs zz16-fake | jq -c 'select(.process.args[1] == "spoofed")' | wc -l)
((honest == 20 && fake == 0)) && pass || flunk "TRUST 16: of 20 programs that write over their arguments $honest have those of the exec, $fake others"
execs zz22-real | jq -e '.process.args == ["true", "zz22-real"] and .detectd.missing == null' >/dev/null && pass ||
  flunk 'TRUST 16: a program that a tracer holds behind its exec has the arguments of the exec'
# own MARK: of the program with that argument there is one exec, with all of its arguments, and nothing is missing.
own() { execs "$1" | jq -e -s --arg mark "$1" '[.[] | select(any(.process.args[]; . == $mark))] | length == 1 and .[0].detectd.missing == null and .[0].process.args == $ARGS.positional' --args "${@:2}" >/dev/null; }
((moved == 0)) && { own zz17 "$work/attack" mmmap zz17 && pass || flunk 'TRUST 17: arguments that were moved later are those of the exec'; } || skip "TRUST 17: $(<"$work/ready.zz17")"
own zz20 "$work/attack" unreadable zz20 "$(printf '%32000s' '' | tr ' ' x)" && pass || flunk 'TRUST 20: arguments that were closed later are those of the exec'
((faulting == 0)) && { own zz21 "$work/attack" uffd zz21 && pass || flunk 'TRUST 20: arguments behind userfaultfd are those of the exec'; } || skip "TRUST 20: $(<"$work/ready.zz21")"
execs zz19 | jq -e -s 'length == 2 and all(.[]; .process.args[1:] == ["envspill", "zz19"] and .detectd.missing == null)' >/dev/null && pass || flunk 'TRUST 19: nothing runs on into the environment'
for which in old.true new.tail; do
  execs "zz2-${which%.*}-$number" | jq -e -s --arg name "${which#*.}" 'length == 1 and .[0].process.name == $name' >/dev/null &&
    pass || flunk "TRUST 2: of two processes with one pid the ${which%.*} one has its own arguments"
done
execs zzplace | jq -e --arg file "$work/at_once" '.process.args[0] == "zzname" and .process.working_directory == "/" and .process.executable == $file
  and .process.Ext.stdin.type == "none" and .process.Ext.stdout.type == "null"' >/dev/null && pass || { flunk 'name, place and streams are told'; execs zzplace; }
execs zzstop | grep -q . && pass || flunk 'a daemon that ends has read all that was there'

# What is asked for beside: of a program that runs on.
printf '[enrich]\nhash = true\nenv = ["ZZTOLD"]\n[control]\npath = "%s"\n' "$work/control" >"$work/detectd.toml"
start_daemon --no-db --rules "$work/rule.toml" --output json --source ebpf || flunk 'the daemon does not start with hashes'
ZZTOLD=yes "$work/linger" -f /dev/null zzlast </dev/null >/dev/null 2>&1 &
lingers=$!
until_lines "$work/hits" 1 '"type":"hit"'
kill "$lingers" 2>/dev/null
wait "$lingers" 2>/dev/null
hash=$(sha256sum "$work/linger" | cut -d' ' -f1)
jq -e -n --arg hash "$hash" 'first(inputs | select(.type == "hit")) | .event.process.hash.sha256 == $hash and any(.event.process.env_vars[]; . == "ZZTOLD=yes")' "$work/hits" >/dev/null &&
  pass || { flunk 'hash and variables are read'; head -n 1 "$work/hits" | cut -c1-600; }
"$detectctl" status --socket "$work/control" >"$work/status" 2>&1
grep -q ebpf "$work/status" && pass || { flunk 'status says where programs come from'; head -n 5 "$work/status"; }
stop_daemon
: >"$work/detectd.toml"

# Where loading is not allowed.
command -v setpriv >/dev/null || { skip 'needs setpriv to go without CAP_BPF'; finish; exit; }
without='-bpf,-perfmon,-sys_admin'
prefix=(setpriv --bounding-set "$without" --inh-caps "$without")
"${prefix[@]}" "$detectd" --config "$work/detectd.toml" --no-db --rules "$work/rule.toml" --source ebpf 2>"$work/said" >/dev/null
denied=$?
[[ $denied == 5 ]] && grep -q 'CAP_BPF' "$work/said" && pass || { flunk "--source ebpf without the right to it is an error that says so: $denied"; cat "$work/said"; }
rm -f "$work/capture.jsonl"
start_daemon --no-db --rules "$work/rule.toml" --output json --capture "$work/capture.jsonl" || flunk 'the daemon does not start without CAP_BPF'
grep -q 'programs are read from /proc' "$work/said" && pass || { flunk 'auto says that it goes without'; cat "$work/said"; }
"$work/linger" -f /dev/null zzlast </dev/null >/dev/null 2>&1 &
lingers=$!
until_lines "$work/hits" 1 '"type":"hit"'
kill "$lingers" 2>/dev/null
wait "$lingers" 2>/dev/null
stop_daemon
execs zzlast | jq -e '.detectd.source == "connector"' >/dev/null && pass || flunk 'and reads programs itself'
finish
