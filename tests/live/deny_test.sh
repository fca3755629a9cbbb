#!/usr/bin/env bash
# Execs that are refused before they happen: the forbidden ones all of them, no other one, and none of them waits when
# the daemon does not answer. Only a file system of this test's own is watched, so that nothing else on the host waits.
#   deny_test.sh DETECTD ATTACK FIRST_WRITE
set -uo pipefail
detectd=$(realpath "$1") attack=$(realpath "$2") first_write=$(realpath "$3")
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
mkfifo "$work/never"
chmod 755 "$work"
# shellcheck source=tests/live/support.sh disable=SC2016
. "$here/support.sh"
fs=$work/fs
# Before the directory goes: a daemon that was left would wait for nobody, but the file system would stay.
trap '[[ -z $daemon ]] || kill -KILL "$daemon"; umount "$fs" 2>/dev/null; rm -rf "$work"' EXIT
need_live
grep -q '^fanotify  *ok ' "$work/probe" || skip_all "no exec can be denied here: $(grep '^fanotify' "$work/probe")"
# A daemon that runs on this host already is left alone: the lock of this one is elsewhere.
prefix=(unshare --mount --propagation private bash -c 'mkdir -p /run/detectd && mount -t tmpfs none /run/detectd && exec "$@"' -)
"${prefix[@]}" true 2>"$work/why" || skip_all "no mount namespace: $(<"$work/why")"
mkdir "$fs"
mount -t tmpfs -o size=16m,mode=755 detectd-test "$fs" 2>"$work/mount" || skip_all "no file system of its own: $(<"$work/mount")"
cp "$first_write" "$fs/first_write"
{ cat "$first_write"; echo renamed; } >"$fs/renamed"
cp /bin/true "$fs/forbidden"
cp /bin/true "$fs/allowed"
cp /bin/true "$fs/protected"
cp /bin/sleep "$fs/sleep"
cp "$attack" "$fs/attack"
printf '#!%s\n' "$fs/allowed" >"$fs/script"
printf '#!%s\n' "$fs/forbidden" >"$fs/script_of_forbidden"
chmod 755 "$fs"/*

cat >"$work/rules.toml" <<RULES
[[rule]]
id = "00000000-0000-4000-8000-0000000000d1"
name = "forbidden_program"
title = "A forbidden program"
level = "high"
on = "exec_check"
response = { action = "deny" }
[rule.detection]
file."process.executable" = ["$fs/forbidden", "$fs/first_write", "$fs/script", "$fs/protected"]
condition = "file"

[[rule]]
id = "00000000-0000-4000-8000-0000000000d2"
name = "forbidden_argument"
title = "A forbidden argument of a program that may run"
level = "high"
on = "exec_check"
response = { action = "deny" }
[rule.detection]
file."process.executable" = "$fs/allowed"
argument."process.args" = "zzforbidden"
parent."process.parent.name" = "attack"
condition = "file and argument and parent"

[[rule]]
id = "00000000-0000-4000-8000-0000000000d3"
name = "forbidden_to_nobody"
title = "A program that one user may not run"
level = "high"
on = "exec_check"
response = { action = "deny" }
[rule.detection]
file."process.executable" = "$fs/allowed"
user."process.user.id" = 65534
condition = "file and user"

[[rule]]
id = "00000000-0000-4000-8000-0000000000d5"
name = "forbidden_content"
title = "A file whose content is known, under any name"
level = "high"
on = "exec_check"
response = { action = "deny" }
[rule.detection]
file."process.hash.sha256" = "$(sha256sum <"$fs/renamed" | cut -d ' ' -f 1)"
condition = "file"
RULES
configure() {  # configure MODE
  cat >"$work/detectd.toml" <<CONFIG
[rules]
paths = ["$work/rules.toml"]
[enrich]
hash = true
[response]
mode = "$1"
deny_paths = ["$fs"]
deny_deadline = "300ms"
protect_executables = ["$fs/attack", "$fs/protected"]
CONFIG
}
# execs MARK COUNT PROGRAM: what became of them is $came; what they wrote is in $work/written.
execs() { came=$(timeout -k 5 120 "$fs/attack" execs "$@" 2>&1 >"$work/written" </dev/null); }
expect() {  # expect WHAT PATTERN
  # shellcheck disable=SC2254
  case $came in $2) pass ;; *) flunk "$1: $came" ;; esac
}
hits_of() { grep -cF "\"name\":\"$1\"" "$work/hits"; }
# outcome RULE OUTCOME: how many hits have it
outcome() { grep -F "\"name\":\"$1\"" "$work/hits" | grep -cF "\"outcome\":\"$2\""; }
verify() {
  local what=$1
  shift
  if "$@"; then pass; else flunk "$what"; fi
}
slowest() { came=${came#*slowest }; came=${came% ms}; ((came < $1)); }

configure enforce
start_daemon --db "$work/hits.db" --output json || { cat "$work/said"; flunk 'the daemon did not start'; finish; exit; }
verify 'it says that execs can be denied' grep -qF 'rules can deny them' "$work/said"

# Bystanders all the time.
timeout -k 5 120 "$fs/attack" execs bystander 300 "$fs/allowed" >/dev/null 2>"$work/bystanders" </dev/null &
bystanders=$!
execs mark 1000 "$fs/first_write"
expect '1000 of 1000 execs of a forbidden program get EPERM' 'refused 1000 ran 0 other 0 *'
verify 'not a byte was written by a program whose first instruction writes' test ! -s "$work/written"
wait "$bystanders"
came=$(<"$work/bystanders")
expect 'bystanders run' 'refused 0 ran 300 other 0 *'
for i in 1 2 3 4; do
  timeout -k 5 120 "$fs/attack" execs mark 100 "$fs/forbidden" >/dev/null 2>"$work/at_once.$i" </dev/null &
  at_once[i]=$!
done
wait "${at_once[@]}"
came="$(cut -d ' ' -f 1-6 "$work"/at_once.? | sort -u) "
expect 'forbidden programs, four at once' 'refused 100 ran 0 other 0 '
execs mark 20 "$fs/forbidden"
expect 'a forbidden program with a loader' 'refused 20 ran 0 other 0 *'
execs mark 20 "$fs/script"
expect 'a forbidden script' 'refused 20 ran 0 other 0 *'
execs mark 20 "$fs/script_of_forbidden"
expect 'a script whose interpreter is forbidden' 'refused 20 ran 0 other 0 *'
execs mark 20 "$fs/renamed"
expect 'a forbidden content under another name' 'refused 20 ran 0 other 0 *'
execs zzforbidden 20 "$fs/allowed"
expect 'a forbidden argument' 'refused 20 ran 0 other 0 *'
execs zzharmless 20 "$fs/allowed"
expect 'another argument' 'refused 0 ran 20 other 0 *'
came=$(timeout -k 5 60 setpriv --reuid=65534 --regid=65534 --clear-groups "$fs/attack" execs mark 5 "$fs/allowed" 2>&1 </dev/null)
expect 'a user who may not' 'refused 5 ran 0 other 0 *'
execs mark 20 "$fs/protected"
expect 'TRUST 7: what is protected is not refused, whatever a rule says' 'refused 0 ran 20 other 0 *'
until_lines "$work/hits" 1460 '"name":"forbidden_program"' || :
verify 'each refusal is a hit, and says so' test "$(outcome forbidden_program denied)" = 1460
verify 'no hit says otherwise' test "$(hits_of forbidden_program)" = 1460
verify 'the level is in the hit' grep -qF '"outcome":"denied"' "$work/hits"

# A daemon that is stopped answers nothing; its guard does, when the time is up.
kill -STOP "$daemon"
execs mark 3 "$fs/allowed"
expect 'SIGSTOP: an exec goes on' 'refused 0 ran 3 other 0 *'
stopped=${came#*slowest }
verify "SIGSTOP: no exec waits longer than the deadline of 300 ms, and what a busy machine adds: $came" slowest 1000
execs mark 3 "$fs/first_write"
expect 'SIGSTOP: a forbidden one too' 'refused 0 ran 3 other 0 *'
verify "SIGSTOP: nor does a forbidden one: $came" slowest 1000
kill -CONT "$daemon"
until_in "$work/hits" '"outcome":"refused: deadline"'
verify 'what was allowed for its time was up is a hit that says so' test "$(outcome forbidden_program 'refused: deadline')" = 3
execs mark 20 "$fs/first_write"
expect 'SIGCONT: it refuses again' 'refused 20 ran 0 other 0 *'

# The guard itself is stopped: the daemon ends it, and says so.
guard=$(pgrep -x -P "$daemon" detectd-guard)
verify 'the guard is a process of its own' test "$(<"/proc/$guard/comm")" = detectd-guard
verify 'the guard holds nothing of the daemon' test "$(find "/proc/$guard/fd" -type l | wc -l)" -le 5
kill -STOP "$guard"
execs mark 1 "$fs/allowed"
expect 'a guard that is stopped: an exec goes on' 'refused 0 ran 1 other 0 *'
verify "a guard that is stopped holds no exec for long: $came" slowest 5000
until_said 'no longer judged before they happen'
until_holds has_lines "$work/said" 2 'rules can deny them'
execs mark 5 "$fs/first_write"
expect 'the daemon starts another guard' 'refused 5 ran 0 other 0 *'

# Rehearsal, by a reload: nothing is refused, all is told.
configure_and_reload() {
  configure "$1"
  kill -HUP "$daemon"
  until_holds has_lines "$work/said" "$2" 'loaded again'
}
configure_and_reload dry-run 1
before=$(outcome forbidden_program 'refused: dry-run')
execs mark 10 "$fs/first_write"
expect 'dry-run refuses nothing' 'refused 0 ran 10 other 0 *'
dry() { (($(outcome forbidden_program 'refused: dry-run') == before + 10)); }
until_holds dry
verify 'dry-run says what would have been refused' dry
configure_and_reload enforce 2
execs mark 5 "$fs/first_write"
expect 'enforce again' 'refused 5 ran 0 other 0 *'

# Killed as hard as can be: nothing is refused, nothing waits, nobody is left.
guard=$(pgrep -x -P "$daemon" detectd-guard)
stop_daemon KILL
execs mark 20 "$fs/first_write"
expect 'SIGKILL: execs go on' 'refused 0 ran 20 other 0 *'
verify "SIGKILL: at once: $came" slowest 1500
gone() { ! test -e "/proc/$guard"; }
verify 'SIGKILL: the guard ends with the daemon' until_holds gone

# A host where no exec can be denied.
cat >>"$work/rules.toml" <<RULES
[[rule]]
id = "00000000-0000-4000-8000-0000000000d4"
name = "falls_back"
title = "Falls back to an alert"
level = "high"
on = "exec_check"
response = { action = "deny", fallback = "alert" }
[rule.detection]
file."process.executable" = "$fs/sleep"
condition = "file"
RULES
sed -i "s#^deny_paths.*#deny_paths = [\"$work/nowhere\"]#" "$work/detectd.toml"
start_daemon --db "$work/hits.db" --output json || flunk 'the daemon did not start where no exec can be denied'
verify 'it says that execs cannot be denied' grep -qF 'not judged before they happen' "$work/said"
execs mark 3 "$fs/first_write"
expect 'nothing is refused there' 'refused 0 ran 3 other 0 *'
"$fs/sleep" 0.2
verify 'a rule falls back' until_in "$work/hits" '"name":"falls_back"'
stop_daemon
verify 'a clean end' test "$status" = 0

# Who rehearses refuses nothing, nor who keeps nothing on record, whatever the configuration says.
configure enforce
for options in "--dry-run --db $work/hits.db" --no-db; do
  # shellcheck disable=SC2086
  start_daemon $options --output json || flunk "the daemon did not start with $options"
  execs mark 3 "$fs/first_write"
  expect "nothing is refused with $options" 'refused 0 ran 3 other 0 *'
  verify "and $options says what would be" until_lines "$work/hits" 3 '"outcome":"refused: dry-run"'
  stop_daemon
done

# What was refused live is what the capture says, replayed.
configure enforce
start_daemon --db "$work/hits.db" --output json --capture "$work/capture.jsonl" || flunk 'the daemon did not start again'
execs mark 10 "$fs/first_write"
execs zzforbidden 10 "$fs/allowed"
until_lines "$work/hits" 10 '"name":"forbidden_argument"'
stop_daemon
"$detectd" --replay "$work/capture.jsonl" --rules "$work/rules.toml" --output json >"$work/replayed" 2>/dev/null
digest() { tail -n 1 "$1" | grep -o '"hits_digest":"[0-9a-f]*"'; }
verify 'a replay of the capture has the same hits' test "$(digest "$work/hits")" = "$(digest "$work/replayed")"
verify 'and tells that they were refused' test "$(grep -cF '"outcome":"denied"' "$work/replayed")" = 20
echo "while the daemon was stopped an exec took $stopped at most, of a deadline of 300 ms"
finish
