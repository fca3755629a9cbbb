#!/usr/bin/env bash
# The daemon as a program that runs for months (TRUST.md): what it refuses, what it says of what it did not see, how it takes
# signals, other rules and an end, and whether the shipped rules find live what they are for.
#   daemon_test.sh DETECTD DETECTCTL ATTACK
set -uo pipefail
detectd=$(realpath "$1") detectctl=$(realpath "$2") attack=$(realpath "$3")
here=$(dirname "$(realpath "$0")")
shipped=$here/../../rules
work=$(mktemp -d)
mkfifo "$work/never"
chmod 755 "$work"
# shellcheck source=tests/live/support.sh
. "$here/support.sh"
need_live
cp "$attack" "$work/attack"
cp "$(command -v bash)" "$work/true"
: >"$work/detectd.toml"
run() { "$work/attack" "$@" >/dev/null 2>"$work/attack.said" </dev/null; }
# verify WHAT CONDITION...: a command that says whether it holds.
verify() {
  local what=$1
  shift
  if "$@"; then pass; else flunk "$what"; fi
}
hits_of() { grep -cF "\"name\":\"$1\"" "$work/hits"; }
has_hit() { grep -F -- "$2" "$work/hits" | grep -F "\"name\":\"$1\"" >/dev/null; }
events() { jq -ne "$1" "$work/capture.jsonl" >/dev/null; }  # of all in the capture

rule() {  # rule NUMBER NAME ARGUMENT: of a `true` that has it, not of the grep that looks for it
  cat <<RULE
[[rule]]
id = "00000000-0000-4000-8000-00000000000$1"
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
# A `true` with these arguments that stays until it was surely read, however busy the host is.
# shellcheck disable=SC2016  # it is the other's argument
marked() { "$work/true" -c 'read -rt 0.3 <>"$0" || :' "$work/never" "$@"; }
three_times() {
  rule 7 one_of_three zzthree
  cat <<'RULE'
[[correlation]]
id = "00000000-0000-4000-8000-000000000008"
name = "three_times"
title = "Three times"
level = "low"
type = "event_count"
rules = ["one_of_three"]
group-by = ["user.id"]
timespan = "10m"
condition.gte = 3
RULE
}

# refused WHAT STATUS TEXT COMMAND...: ends with that status, and says that on standard error.
refused() {
  local what=$1 wanted=$2 text=$3 code=0
  shift 3
  timeout 20 "$@" >"$work/refused.out" 2>"$work/refused" </dev/null || code=$?
  if ((code == wanted)) && grep -qF -- "$text" "$work/refused"; then
    pass
  else
    flunk "$what: exit status $code"
    head -n 5 "$work/refused"
  fi
}

refusals() {
  mkdir -p "$work/rules.d"
  rule 1 first zzfirst >"$work/rules.d/first.toml"
  printf '[rules]\npaths = ["%s"]\n' "$work/rules.d" >"$work/rules.conf"
  local -a quick=("$detectd" --no-db --timeout 1s --output none)

  chmod 666 "$work/rules.d/first.toml"
  refused 'TRUST 93: a rule file that others can write' 3 'error[D070]' "${quick[@]}" --config "$work/rules.conf"
  chmod 644 "$work/rules.d/first.toml"
  chmod 777 "$work/rules.d"
  refused 'TRUST 93: a directory that others can write' 3 'error[D070]' "${quick[@]}" --config "$work/rules.conf"
  chmod 755 "$work/rules.d"
  chown 65534 "$work/rules.d/first.toml"
  refused 'TRUST 93: a rule file of another' 3 'error[D070]' "${quick[@]}" --config "$work/rules.conf"
  rm "$work/rules.d/first.toml"
  rule 1 first zzfirst >"$work/loose.toml"
  chmod 666 "$work/loose.toml"
  ln -s ../loose.toml "$work/rules.d/first.toml"
  refused 'TRUST 94: a link to a rule file that others can write' 3 'error[D070]' "${quick[@]}" --config "$work/rules.conf"
  chmod 644 "$work/loose.toml"
  refused 'TRUST 94: a link to a good one is as good' 7 'stopped by --timeout' "${quick[@]}" --config "$work/rules.conf"
  rm "$work/rules.d/first.toml"

  rule 1 first zzfirst >"$work/rules.d/first.toml"
  chmod 644 "$work/rules.d/first.toml"
  mkdir "$work/conf" "$work/conf/detectd.d"
  cp "$work/rules.conf" "$work/conf/detectd.toml"
  : >"$work/conf/detectd.d/more.toml"
  chmod 644 "$work/conf/detectd.toml" "$work/conf/detectd.d/more.toml"
  local -a configured=("${quick[@]}" --config "$work/conf/detectd.toml")
  refused 'TRUST 93: a configuration that only root can write is taken' 7 'stopped by --timeout' "${configured[@]}"
  chmod 666 "$work/conf/detectd.toml"
  refused 'TRUST 93: a configuration that others can write' 3 'error[D209]' "${configured[@]}"
  chmod 644 "$work/conf/detectd.toml"
  chown 65534 "$work/conf/detectd.d/more.toml"
  refused 'TRUST 93: a drop-in of another' 3 'error[D209]' "${configured[@]}"
  rm -r "$work/conf" "$work/rules.d/first.toml"

  local row text
  while IFS='|' read -r row text; do
    printf '%b' "$text" >"$work/bad.conf"
    refused "bad input $row: $text" 3 "error[D20$((row - 33))]" "${quick[@]}" --config "$work/bad.conf"
  done <<'CONFIGURATIONS'
33|[store]\npth = "/x"\n
34|[source]\nreceive_buffer = "64MB"\n
35|[store]\npath = "hits.db"\n
36|[response]\nmode = "dry"\n
CONFIGURATIONS
  refused 'bad input 37: no such configuration' 5 'No such file' "${quick[@]}" --config "$work/absent.conf"
  cp "$detectd" "$work/detectd"
  install -m 600 /dev/null "$work/closed.conf"
  refused 'bad input 37: a configuration that may not be read' 5 'Permission denied' \
    setpriv --reuid 65534 --regid 65534 --clear-groups "$work/detectd" --check --config "$work/closed.conf"

  local -a watch=("${quick[@]}" --config "$work/detectd.toml" --rules "$shipped")
  in_namespace() {  # WHAT TEXT OPTION...
    local what=$1 text=$2
    shift 2
    if ! unshare "$@" true 2>"$work/attack.said"; then skip "TRUST 88: $what: $(<"$work/attack.said")"; return; fi
    refused "TRUST 88: $what" 5 "$text" unshare "$@" "${watch[@]}" --capture "$work/refused.jsonl"
    verify "TRUST 88: $what: nothing is left behind" test ! -e "$work/refused.jsonl"
    rm -f "$work/refused.jsonl"
  }
  in_namespace 'in a pid namespace' 'run detectd on the host' --pid --fork
  in_namespace 'in a pid namespace with its own /proc' 'run detectd on the host' --pid --fork --mount-proc
  in_namespace 'as nobody of a user namespace' 'needs root' --user
  in_namespace 'as root of a user namespace' 'run detectd outside of it' --user --map-root-user

  # A procfs of our own has no such options; without the right to one, they hold for us too.
  local -a hidden=(unshare --mount bash -c 'mount -t proc -o hidepid=2,gid=65533 proc /proc && exec "$@"' -)
  if "${hidden[@]}" true 2>"$work/attack.said"; then
    refused 'TRUST 87: hidepid hides nothing from root' 7 'watching with' "${hidden[@]}" "${watch[@]}"
    refused 'TRUST 87: hidepid, where we are told apart' 5 'hidepid' "${hidden[@]}" \
      setpriv --bounding-set -sys_admin,-sys_ptrace --inh-caps -sys_admin,-sys_ptrace "${watch[@]}"
  else
    skip "TRUST 87: $(<"$work/attack.said")"
  fi
  local -a masked=(unshare --mount bash -c 'mount -t tmpfs none /proc/1 && exec "$@"' -)
  if "${masked[@]}" true 2>"$work/attack.said"; then
    refused 'TRUST 87: a mask over /proc hides nothing from our own' 7 'watching with' "${masked[@]}" "${watch[@]}"
    refused 'TRUST 87: a masked /proc' 5 'masked /proc' "${masked[@]}" setpriv --bounding-set -sys_admin --inh-caps -sys_admin "${watch[@]}"
  else
    skip "TRUST 87: masked /proc: $(<"$work/attack.said")"
  fi
}

has_shell() {
  grep -F '"reverse_shell"' "$work/hits" |
    jq -se 'any(.[]; .event.process.name == "bash" and .event.process.Ext.stdin.destination.ip == "127.0.0.1")' >/dev/null
}
# The four kinds of rule, live, with the shipped rules; and the capture judged again.
kinds() {
  three_times >"$work/three.toml"
  chmod 644 "$work/three.toml"
  cp "$attack" "$work/nginx"
  cp "$attack" "$work/helper" && chmod 4755 "$work/helper"
  sleep 1000 &
  local root_process=$! traced=0
  start_daemon --no-db --rules "$shipped" --rules "$work/three.toml" --output json --capture "$work/capture.jsonl" ||
    { flunk 'the daemon does not start'; cat "$work/said"; return; }
  # What its streams are is read after the exec; a real one lives to be asked.
  mkfifo "$work/hold"
  "$work/attack" reverse-shell zzreverse <"$work/hold" >/dev/null 2>&1 &
  local shell=$! hold
  exec {hold}>"$work/hold"
  verify 'a reverse shell over loopback' until_holds has_shell
  exec {hold}>&-
  wait "$shell"
  "$work/nginx" run zz /bin/sh -c ': zzweb'
  setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps +sys_ptrace --ambient-caps +sys_ptrace "$work/attack" trace zz "$root_process" \
    2>"$work/attack.said" || traced=$?
  # A process without any right over the other; the kernel says nothing of what it denies.
  local denied=0
  run drop zz "$work/attack" trace zz "$root_process" || denied=$?
  "$work/attack" drop zz /usr/bin/env "$work/helper" become-root zzroot
  for _ in 1 2 3; do marked zzthree; done
  marked zzlast
  until_in "$work/capture.jsonl" zzlast
  stop_daemon
  kill "$root_process"
  verify "the daemon ends with 0 on TERM, not $status" test "$status" = 0
  verify "a web server's shell" has_hit web_server_spawns_shell zzweb
  if ((traced == 0)); then
    verify 'ptrace of a root process by one of an ordinary user' has_hit ptrace_of_privileged_process "\"pid\":$root_process"
  else
    skip "ptrace with CAP_SYS_PTRACE: $(<"$work/attack.said")"
  fi
  ((denied == 77)) && skip 'ptrace without any right is denied, and the kernel tells of no attempt'
  verify 'a set-uid helper that nobody knows' has_hit unknown_setuid_escalation zzroot
  verify 'a correlation, live' test "$(grep '"type":"hit"' "$work/hits" | grep -c '"name":"three_times"')" = 1
  local live again
  live=$(tail -n 1 "$work/hits" | jq -r .hits_digest)
  again=$("$detectd" --replay "$work/capture.jsonl" --rules "$shipped" --rules "$work/three.toml" --output json --allow-incomplete \
    2>"$work/replay" | tail -n 1 | jq -r .hits_digest)
  verify "live $live, its capture replayed $again" test "${live/null/}" = "$again"
  rm "$work/capture.jsonl"
}

# One that owns the host's lock: messages to systemd, other rules, state, a kill.
service() {
  if [[ -e /run/detectd/lock ]] && ! flock --nonblock /run/detectd/lock true; then
    skip "a daemon, its lock, reload and kill: another detectd watches here: $(</run/detectd/lock)"
    return
  fi
  three_times >"$work/rules.d/three.toml"
  rule 1 first zzfirst >"$work/rules.d/first.toml"
  chmod 644 "$work"/rules.d/*
  "$work/attack" notified "$work/notify" 10000 >"$work/notified" &
  local listener=$!
  prefix=(env NOTIFY_SOCKET="$work/notify" WATCHDOG_USEC=10000000)
  until_there "$work/notify"
  start_daemon --config "$work/rules.conf" --db "$work/hits.db" --output json || { flunk 'the daemon does not start'; cat "$work/said"; return; }
  verify 'READY=1' until_in "$work/notified" 'READY=1'
  verify 'WATCHDOG=1' until_in "$work/notified" 'WATCHDOG=1'
  refused 'bad input 38: a second daemon' 5 "another detectd (pid $daemon, since 2" "$detectd" --config "$work/rules.conf" --db "$work/second.db" --timeout 1s
  verify 'bad input 38: it leaves no database behind' test ! -e "$work/second.db"

  marked zzfirst
  marked zzthree
  marked zzthree
  verify 'a rule hits' until_in "$work/hits" zzfirst
  rule 2 second zzsecond | head -n 6 >"$work/rules.d/second.toml"
  kill -HUP "$daemon"
  verify 'TRUST 96: a half-written rule file is told of' until_said 'the rules that were loaded before go on'
  verify 'RELOADING=1' until_in "$work/notified" 'RELOADING=1'
  marked zzfirst zzagain
  verify 'TRUST 96: the rules of before go on' until_in "$work/hits" zzagain
  mkdir "$work/away" && mv "$work"/rules.d/*.toml "$work/away"
  kill -HUP "$daemon"
  verify 'TRUST 97: nor is nothing loaded instead of rules' until_said 'there is no rule to run'
  mv "$work"/away/*.toml "$work/rules.d"
  rule 2 second zzsecond >"$work/rules.d/second.toml"
  chmod 666 "$work/rules.d/second.toml"
  kill -HUP "$daemon"
  verify 'TRUST 93: nor is a file loaded that others can write' until_said 'error[D070]'
  chmod 644 "$work/rules.d/second.toml"
  chmod 666 "$work/rules.conf"
  kill -HUP "$daemon"
  verify 'TRUST 93: nor a configuration' until_said 'error[D209]'
  chmod 644 "$work/rules.conf"
  kill -HUP "$daemon"
  verify 'whole, it is loaded' until_said 'generation 2'
  marked zzsecond
  verify 'and hits' until_in "$work/hits" zzsecond
  verify 'what a correlation had counted before is not forgotten' test "$(hits_of three_times)" = 0
  marked zzthree zzthird
  verify 'three in all' until_in "$work/hits" '"name":"three_times"'

  # Two files take turns at one name, one of them anybody's: what was checked is what is read.
  rule 3 evil zzswap >"$work/evil.toml" && chmod 666 "$work/evil.toml"
  local i
  for ((i = 0; i < 200; ++i)); do
    cp -p "$work/evil.toml" "$work/next" && mv "$work/next" "$work/rules.d/swap.toml"
    rule 3 good zzgood >"$work/next" && chmod 644 "$work/next" && mv "$work/next" "$work/rules.d/swap.toml"
    ((i % 10)) || kill -HUP "$daemon"
  done
  # While all this is loaded a program that ends at once may have ended before it is read: it is run until it is seen.
  swapped() { /bin/true zzswap; /bin/true zzfirst zzswapped; grep -qF zzswapped "$work/hits"; }
  verify 'after 20 reloads the rules are at work' until_holds swapped
  verify 'TRUST 95: no rule of a file that others can write ever ran' test "$(hits_of evil)" = 0

  kill -USR1 "$daemon"
  verify 'USR1: the state is told' until_said 'events from the kernel'
  # One that stands still says nothing any more, and is ended by who started it.
  local pid=$daemon
  verify 'TRUST 81: while it gets on, nobody ends it' test "$(grep -c '^killed' "$work/notified")" = 0
  kill -STOP "$daemon"
  verify 'TRUST 81: one that stands still is ended' until_in "$work/notified" "killed $pid,"
  wait "$daemon" 2>/dev/null
  wait "$reader"
  daemon=
  # One that can not start meanwhile takes nothing away.
  refused 'a daemon without a database to write' 5 'error' "$detectd" --config "$work/rules.conf" --db "$work/never" --timeout 1s
  start_daemon --config "$work/rules.conf" --db "$work/hits.db" --capture "$work/capture.jsonl" --output json ||
    { flunk 'the daemon does not start after a kill'; cat "$work/said"; return; }
  verify "TRUST 82: a daemon that was killed (pid $pid) is told of" until_in "$work/hits" '"name":"detectd.killed"'
  stop_daemon
  verify "TRUST 82: the run is incomplete, exit status 6, not $status" test "$status" = 6
  verify 'TRUST 82: the interval stands in the capture' events '[inputs | select(.event.action == "lost" and .event.reason == "killed" and .event.start < .event.end)] | length == 1'
  verify 'STOPPING=1' until_in "$work/notified" 'STOPPING=1'
  rm "$work/capture.jsonl"

  start_daemon --config "$work/rules.conf" --db "$work/hits.db" --output json
  stop_daemon
  verify "who ended in order is not told of: exit status $status" test "$status" = 0
  prefix=()
  kill "$listener"
  wait "$listener" 2>/dev/null
  "$detectctl" hits list --db "$work/hits.db" --columns rule,command_line --quiet --allow-incomplete >"$work/listed"
  verify 'the hits of three runs are in the database, those of a rule that came later too' \
    test "$(grep -E '^(first|second|three_times|detectd.killed)( |$)' "$work/listed" | sort -u | wc -l)" = 6
}

# A capture in parts: together they are what was judged, also where a correlation counts from one into another.
parts() {
  three_times >"$work/three.toml"
  chmod 644 "$work/three.toml"
  start_daemon --no-db --rules "$work/three.toml" --output json --capture "$work/part.jsonl.zst" --capture-max 64KiB ||
    { flunk 'the daemon does not start'; cat "$work/said"; return; }
  local -i i
  for ((i = 0; i < 3; ++i)); do
    marked zzthree
    run flood zzparts 1500
  done
  marked zzthree zzfourth
  until_in "$work/hits" '"name":"three_times"'
  stop_daemon
  local -a files=("$work"/part*.zst)
  verify "the capture has parts: ${#files[@]}" test "${#files[@]}" -ge 3
  local live again code=0
  live=$(tail -n 1 "$work/hits" | jq -r .hits_digest)
  again=$("$detectd" --replay "${files[@]}" --rules "$work/three.toml" --output json --allow-incomplete 2>"$work/replay" | tail -n 1 | jq -r .hits_digest)
  verify "live $live, its parts replayed $again" test "${live/null/}" = "$again"
  "$detectd" --replay "${files[-1]}" --rules "$work/three.toml" --output none 2>"$work/replay" || code=$?
  verify "a part by itself can be replayed: exit status $code" test "$code" = 0
  # Started again, as by systemd: it goes on behind them, and writes to none of them.
  local before after
  before=$(sha256sum "${files[@]}")
  if start_daemon --no-db --rules "$work/three.toml" --output json --capture "$work/part.jsonl.zst"; then
    marked zzthree zzonce
    stop_daemon
    local -a more=("$work"/part*.zst)
    after=$(sha256sum "${files[@]}")
    verify 'a second run writes one file more' test "${#more[@]}" = $((${#files[@]} + 1))
    verify 'and leaves those of the first as they were' test "$before" = "$after"
    code=0
    "$detectd" --replay "${more[@]}" --rules "$work/three.toml" --output none --allow-incomplete 2>"$work/replay" || code=$?
    verify "all of them are replayed together: exit status $code" test "$code" = 0
    files=("${more[@]}")
  else
    flunk 'a second run with the same capture does not start'
    cat "$work/said"
  fi
  rm "${files[@]}"
}

# The kernel's queue overflows while the daemon stands still.
overrun() {
  "$work/attack" count zz >"$work/counted" 2>"$work/attack.said" &
  local counter=$! line
  until_in "$work/counted" counting
  printf '[source]\nreceive_buffer = "256KiB"\n' >"$work/small.conf"
  start_daemon --config "$work/small.conf" --no-db --rules "$work/rules.d" --output json --log-format json --stats --capture "$work/capture.jsonl" ||
    { flunk 'the daemon does not start'; cat "$work/said"; return; }
  marked zzfirst zzbegin
  until_in "$work/hits" zzbegin
  kill -USR1 "$counter" "$daemon"
  until_said '"type":"state"'
  kill -STOP "$daemon"
  run forks zzforks 20000
  kill -CONT "$daemon"
  verify 'TRUST 81: a loss is an alert' until_in "$work/hits" '"name":"detectd.lost"'
  until_in "$work/capture.jsonl" '"overrun"'
  marked zzfirst zzafter
  verify 'TRUST 74: what comes later is seen' until_in "$work/hits" zzafter
  kill -USR1 "$counter" "$daemon"
  until_lines "$work/counted" 3
  until_lines "$work/said" 2 '"type":"state"'
  stop_daemon
  kill "$counter"
  wait "$counter" 2>/dev/null
  verify "TRUST 74: incomplete, exit status 6, not $status" test "$status" = 6
  verify 'TRUST 74: all processes are looked at again' events '[inputs | select(.event.action == "already_running" and .event.reason == "overrun")] | length > 0'
  local told lost sent received
  told=$(jq -n '[inputs | select(.event.action == "lost") | .detectd.lost] | add' "$work/capture.jsonl")
  lost=$(grep '"type":"state"' "$work/said" | tail -n 1 | jq .events_lost_by_the_kernel)
  verify "TRUST 74: of $lost lost events $told are told of" test "$told" = "$lost"
  verify 'TRUST 74: the summary says as many' test "$(tail -n 1 "$work/hits" | jq .lost)" = "$lost"
  # Both were asked at nearly, not exactly, the same time.
  sent=$(($(sed -n 3p "$work/counted" | cut -d' ' -f1) - $(sed -n 2p "$work/counted" | cut -d' ' -f1)))
  received=$(grep '"type":"state"' "$work/said" | head -n 2 | jq -s '(.[1].events_from_the_kernel + .[1].events_lost_by_the_kernel) - (.[0].events_from_the_kernel + .[0].events_lost_by_the_kernel)')
  if grep -q lossy "$work/counted"; then
    skip 'TRUST 74: sums: the counter itself lost events'
  else
    verify "TRUST 74: received and lost are $received, what the kernel sent $sent" test $((received - sent < 400 && sent - received < 400 && sent >= 40000)) = 1
  fi
  echo "overrun: $lost lost and $((received - lost)) received of $sent"
  rm "$work/capture.jsonl"
}

storm() {
  start_daemon --db "$work/storm.db" --rules "$shipped" --rules "$work/storm.toml" --output json ||
    { flunk 'the daemon does not start'; cat "$work/said"; return; }
  "$work/attack" flood zzstorm 1000000 >/dev/null 2>&1 &
  local one=$!
  "$work/attack" flood zzstorm 1000000 >/dev/null 2>&1 &
  local two=$! begin took
  until_lines "$work/hits" 2000
  begin=$(date +%s%N)
  stop_daemon
  took=$((($(date +%s%N) - begin) / 1000000))
  kill "$one" "$two"
  wait "$one" "$two" 2>/dev/null
  verify "TERM in a storm: exit status $status" test $((status == 0 || status == 6)) = 1
  verify "TERM in a storm: it took $took ms" test $((took < 5000)) = 1
  sed -n 's/^{"type":"hit","id":"\([0-9a-f]*\)".*}$/\1/p' "$work/hits" | sort >"$work/acknowledged"
  "$detectctl" hits list --db "$work/storm.db" --columns id --quiet --allow-incomplete --limit 10000000 | sort >"$work/stored"
  verify 'TERM in a storm: every hit that was printed is in the database' \
    test "$(comm -23 "$work/acknowledged" "$work/stored" | wc -l)" = 0
  echo "storm: ended in $took ms with $status, $(wc -l <"$work/acknowledged") hits"
}

ends() {
  prefix=(env --default-signal=INT)
  start_daemon --no-db --rules "$shipped" --output none
  stop_daemon INT
  verify "INT: exit status 130, not $status" test "$status" = 130
  # shellcheck disable=SC2016
  prefix=(bash -c 'ulimit -n 64; exec "$@"' -)
  start_daemon --no-db --rules "$shipped" --rules "$work/rules.d" --output json --capture "$work/capture.jsonl" ||
    { flunk 'TRUST 85: the daemon does not start with 64 descriptors'; cat "$work/said"; return; }
  run flood zzmany 2000
  marked zzfirst zzfew
  verify 'TRUST 85: with 64 descriptors it watches' until_in "$work/hits" zzfew
  stop_daemon
  verify "TRUST 85: and ends in order, exit status $status" test "$status" = 0
  prefix=()
  rm "$work/capture.jsonl"
}

rule 9 storm zzstorm | sed 's/process.args"/process.args|startswith"/' >"$work/storm.toml"
chmod 644 "$work/storm.toml"
refusals
kinds
service
parts
overrun
if [[ -e /run/detectd/lock ]] && ! flock --nonblock /run/detectd/lock true; then
  skip 'TERM in a storm: another detectd has the lock'
else
  storm
fi
ends
finish
