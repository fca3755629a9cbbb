#!/usr/bin/env bash
# The service as it is installed: what systemd says of its unit, and whether the daemon can do its work with the file system,
# capabilities, limits and system calls that the unit leaves it.
#   unit_test.sh CMAKE BUILD_DIRECTORY
set -uo pipefail
if ((EUID == 0)) && [[ -z ${OWN_MOUNTS-} ]] && unshare --mount true 2>/dev/null; then
  OWN_MOUNTS=1 exec unshare --mount --propagation slave "$0" "$@"
fi
cmake=$1 build=$(realpath "$2")
here=$(dirname "$(realpath "$0")")
detectd=$build/src/detectd detectctl=$build/src/detectctl attack=$build/tests/attack confine=$build/tests/confine
work=$(mktemp -d)
mkfifo "$work/never"
chmod 755 "$work"
# shellcheck source=tests/live/support.sh
. "$here/support.sh"
# What is mounted below is nobody's to remove, whatever went wrong before.
clean() {
  [[ -z $daemon ]] || kill -KILL "$daemon"
  jobs -p | xargs -r kill 2>/dev/null
  wait
  cd /
  umount "$work/own" "$work/tree" 2>/dev/null
  if grep -qF " $work/" /proc/self/mountinfo; then echo "left, with mounts: $work"; else rm -rf --one-file-system "$work"; fi
}
trap clean EXIT
# To look for leaks at its end a program traces itself, which the unit does not allow.
export ASAN_OPTIONS=detect_leaks=0
verify() {  # WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then pass; else flunk "$what"; fi
}

command -v systemd-analyze >/dev/null || skip_all 'no systemd-analyze, which judges units and knows its groups of system calls'
tree=$work/tree root=$work/root own=$work/own
mkdir "$tree" "$root" "$own"
unit=$work/detectd.service
cp "$build/packaging/detectd.service" "$unit"

judged() { systemd-analyze security --offline=yes --threshold="$1" "$unit" >"$work/judged" 2>&1; }
verdict() { tail -n 1 "$work/judged"; }
verify "the unit's exposure is 3.2 at most" judged 32
mkdir "$unit.d"
cp "$here/../../packaging/deny.conf" "$unit.d"
verify "with what denying execs needs it is 4.0 at most" judged 40
verify 'and more than without' grep -q 'CAP_SYS_ADMIN.*administrator privileges' "$work/judged"
cp "$here/../../packaging/alert-command.conf" "$unit.d"
verify 'with all drop-ins too' judged 40
rm -r "$unit.d"
sed 's,^ExecStart=.*,ExecStart=/bin/true,;/^Documentation=/d;/^ExecReload=/d' "$unit" >"$work/known.service"
verify 'systemd knows every directive of the unit' test -z "$(systemd-analyze verify "$work/known.service" 2>&1)"

need_live
skip_service() { skip "the service, run: $1"; finish; exit; }
[[ -n ${OWN_MOUNTS-} ]] || skip_service 'no mount namespace'
grep -qx 'CMAKE_INSTALL_PREFIX:PATH=/usr' "$build/CMakeCache.txt" || skip_service 'it is configured for another prefix than /usr'
installed() {
  mount -t tmpfs -o size=1g,mode=755 detectd-test "$tree" && mount -t tmpfs -o size=16m,mode=755 detectd-test "$own" || return
  DESTDIR=$tree "$cmake" --install "$build" >"$work/installed" || return
  mkdir -p "$tree"/{var/lib,var/log,run}/detectd
  { grep -v '^detectd-control:' /etc/group; echo 'detectd-control:x:4321:'; } >"$tree/etc/group"
}
installed 2>"$work/why" || skip_service "no file systems for it: $(<"$work/why")"
state=$tree/var/lib/detectd
# Nothing lies over /usr/bin, whose programs are to be what they are; so this one stands beside the daemon.
cp "$tree/usr/bin/detectctl" "$tree/usr/sbin"
read -ra reload < <(sed -n 's,^ExecReload=/usr/bin,/usr/sbin,p' "$unit")

launch() { INSTALLED=$tree timeout 20 "$here/launch_unit.sh" "$confine" "$root" "$unit" "$@" </dev/null >"$work/launched" 2>&1; }
not() { ! "$@"; }
# What the launcher takes away is gone: else the rest would prove nothing.
launch /bin/true || { flunk "the launcher: $(<"$work/launched")"; finish; exit; }
while IFS='|' read -r what command; do
  verify "the unit does not allow: $what" not launch /bin/bash -c "$command"
done <<'DENIED'
to write to /etc|touch /etc/detectd/detectd.toml
to write to /usr|touch /usr/sbin/detectd
to write to a home|touch /root/zz
to set a kernel parameter|echo 60 >/proc/sys/vm/swappiness
to mount|mount -t tmpfs none /tmp
a namespace|unshare --net true
a set-uid file|cp /bin/true /var/lib/detectd/su && chmod u+s /var/lib/detectd/su
to become another user|setpriv --reuid 65534 --clear-groups true
a device of the kernel|ls /dev/kmsg
DENIED
verify 'it allows: to write where its state is' launch /bin/touch /var/lib/detectd/zz
verify 'and for itself alone' test -e "$state/zz" -a "$(stat -c %a "$state/zz")" = 600

cp "$attack" "$own/attack"
cp /bin/sleep "$own/victim"
cp /bin/true "$own/forbidden"
chmod 755 "$own"/*
rule() {  # NUMBER NAME ON WHAT [RESPONSE]
  printf '[[rule]]\nid = "00000000-0000-4000-8000-0000000000e%s"\nname = "%s"\ntitle = "%s"\nlevel = "high"\non = "%s"\n' "$1" "$2" "$2" "$3"
  [[ -z ${5-} ]] || printf 'response = { action = "%s" }\n' "$5"
  printf '[rule.detection]\n%s\ncondition = "a"\n\n' "$4"
}
argument='a."process.name" = ["true", "cat"]
a."process.args" = '
rules=$tree/etc/detectd/rules/test.toml
{
  rule 1 marked exec "$argument\"zzunit\""
  rule 2 ended exec "a.\"process.executable\" = \"$own/victim\"" kill
  rule 3 refused exec_check "a.\"process.executable\" = \"$own/forbidden\"" deny
} >"$rules"
printf '[enrich]\nhash = true\n[response]\nmode = "enforce"\ndeny_paths = ["%s"]\n' "$own" >"$tree/etc/detectd/detectd.d/50-test.toml"
chmod 644 "$rules" "$tree/etc/detectd/detectd.d/50-test.toml"

hits() { "$detectctl" hits list --db "$state/hits.db" --json --allow-incomplete 2>"$work/hits.said"; }
is_hit() { hits | jq -se "any(.[]; $1)" >/dev/null; }  # CONDITION: on some hit
start() {  # UNIT
  "$attack" notified "$tree/run/detectd/notify" >"$work/notified" &
  listener=$!
  until_there "$tree/run/detectd/notify"
  start_command env INSTALLED="$tree" NOTIFY_SOCKET=/run/detectd/notify WATCHDOG_USEC=30000000 "$here/launch_unit.sh" "$confine" "$root" "$1"
}
stop() {
  stop_daemon TERM
  kill "$listener"
  wait "$listener" 2>/dev/null
  rm -f "$tree/run/detectd/notify"
}
status_of() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$daemon/status"; }
# Of the receiving thread; 1 is SCHED_FIFO.
is_realtime() { cat "/proc/$daemon"/task/*/stat | sed 's/.*) //' | awk '$39 == 1 {found = 1} END {exit !found}'; }

as_installed() {
  start "$unit" || { flunk 'the service does not start'; cat "$work/said"; return; }
  verify 'READY=1' until_in "$work/notified" 'READY=1'
  verify 'WATCHDOG=1' until_in "$work/notified" 'WATCHDOG=1'
  verify 'it has seven capabilities' test "$(status_of CapEff)" = 000000c000881024
  verify 'and no more to get' test "$(status_of CapBnd) $(status_of NoNewPrivs)" = '000000c000881024 1'
  if grep -q '^BPF  *ok ' "$work/probe"; then
    verify 'the kernel tells it of programs' test "$(grep -c 'programs are read from /proc' "$work/said")" = 0
  else
    skip "what the kernel tells of programs: $(grep '^BPF' "$work/probe")"
  fi
  verify 'what takes it out of real time comes before what ends it' grep -qE '^Max realtime timeout +3000000 +10000000 ' "/proc/$daemon/limits"
  verify 'its system calls are filtered' test "$(status_of Seccomp)" = 2
  verify 'that it cannot refuse execs is told' until_said 'execs are not judged before they happen'
  if ! chrt --fifo 1 true 2>/dev/null; then
    skip 'a realtime thread: none is to be had here'
  else
    verify 'one thread is above all others' is_realtime
  fi
  local shell hold
  mkfifo "$work/hold"
  # It stays until it was looked at: who ends at once takes along what was not read yet.
  setpriv --reuid 65534 --regid 65534 --clear-groups /bin/cat - zzunit <"$work/hold" >/dev/null 2>&1 &
  shell=$!
  exec {hold}>"$work/hold"
  verify 'an exec of another user is seen, with nothing missing' until_holds is_hit \
    '.rule.name == "marked" and .event.process.user.id == 65534 and (.event.detectd.missing // []) == []'
  verify 'and the hash of what it runs' is_hit \
    ".rule.name == \"marked\" and .event.process.hash.sha256 == \"$(sha256sum </bin/cat | cut -d' ' -f1)\""
  exec {hold}>&-
  wait "$shell" 2>/dev/null
  "$attack" reverse-shell zzreverse <"$work/hold" >/dev/null 2>&1 &
  shell=$!
  exec {hold}>"$work/hold"
  verify "whose descriptor is which connection is seen: a reverse shell" until_holds is_hit \
    '.rule.name == "reverse_shell" and .event.process.Ext.stdin.destination.ip == "127.0.0.1"'
  exec {hold}>&-
  wait "$shell"
  local victim=0
  { setpriv --reuid 65534 --regid 65534 --clear-groups timeout --foreground 20 "$own/victim" 1000 || victim=$?; } 2>/dev/null
  verify "a process of another user is ended: $victim" test "$victim" = 137
  verify 'and that is written down' until_holds is_hit '.rule.name == "ended" and .response.outcome == "killed"'

  verify 'the control socket is its group'"'"'s' until_holds test "$(stat -c '%g %a' "$tree/run/detectd/control")" = '4321 660'
  rule 4 later exec "$argument\"zzlater\"" >>"$rules"
  verify 'it reloads its rules, as the unit says' launch "${reload[@]}"
  verify 'which are others' until_said 'generation 2'
  /bin/true zzlater
  verify 'and runs them' until_holds is_hit '.rule.name == "later"'
  stop
  verify "it stops in order: $status" test "$status" = 0
  verify 'its hits are for root alone' test "$(stat -c '%a %u' "$state/hits.db")" = '600 0'
  verify 'nothing failed meanwhile' not grep -iE '^(error|warning)' <(grep -vE 'execs are not judged|no procfs of our own' "$work/said")
}

with_denying() {
  start "$unit,$here/../../packaging/deny.conf" || { flunk 'with deny.conf the service does not start'; cat "$work/said"; return; }
  verify 'with deny.conf execs wait for a verdict' until_said 'execs wait for a verdict'
  verify 'and one is refused' until_holds not "$own/forbidden" 2>/dev/null
  verify 'which is a hit' until_holds is_hit '.rule.name == "refused" and .response.outcome == "denied"'
  stop
  verify "with deny.conf it stops in order: $status" test "$status" = 0
  verify 'who had stopped in order is not told of as killed' not is_hit '.rule.name == "detectd.killed"'
}

with_command() {
  local open=$tree/run/detectd/open id
  # Where somebody else than root may write.
  mkdir -m 777 "$open"
  : >"$open/told" && chmod 666 "$open/told"
  printf '[[alert]]\ntype = "command"\nuser = "nobody"\nrules = ["marked"]\ncommand = ["/bin/sh", "-c", "{ id -un; grep -E ^Cap[EP] /proc/self/status; cat; } >>/run/detectd/open/told"]\n' \
    >"$tree/etc/detectd/detectd.d/60-alerts.toml"
  chmod 644 "$tree/etc/detectd/detectd.d/60-alerts.toml"
  start "$unit,$here/../../packaging/alert-command.conf" || { flunk 'with alert-command.conf the service does not start'; cat "$work/said"; return; }
  /bin/true zzunit
  verify 'with alert-command.conf a command is told of a hit' until_in "$open/told" '"name":"marked"'
  verify 'TRUST 110: it is run as another user' grep -qx nobody "$open/told"
  verify 'TRUST 110: without a capability' not grep -qE '^Cap...:.*[1-9a-f]' "$open/told"
  id=$(jq -r 'select(.type == "hit") | .id' <(grep '^{' "$open/told") | head -n 1)
  verify 'by the id that it is stored with' is_hit ".id == \"$id\""
  stop
  verify "with alert-command.conf it stops in order: $status" test "$status" = 0
  # Without the drop-in nobody can become that user: it says so, and watches on.
  start "$unit" || { flunk 'without alert-command.conf the service does not start'; cat "$work/said"; return; }
  /bin/true zzunit
  verify 'without the drop-in alerts to a command fail, and are told to' until_said 'alerts to command: '
  stop
  rm "$tree/etc/detectd/detectd.d/60-alerts.toml"
}

as_installed
with_command
if grep -q '^fanotify  *ok ' "$work/probe"; then
  with_denying
else
  skip "with deny.conf: no exec can be denied here: $(grep '^fanotify' "$work/probe")"
fi
finish
