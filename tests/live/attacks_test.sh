#!/usr/bin/env bash
# What attackers do to be overlooked (TRUST.md), against a daemon that watches this host: every row by what stands in its
# capture. Rows whose kernel feature is not to be had are skipped, with the reason.
#   attacks_test.sh DETECTD ATTACK
# `A && pass || flunk`: pass never fails. Texts for other shells stand in single quotes.
# shellcheck disable=SC2012,SC2015,SC2016,SC2119,SC2217,SC2288
set -uo pipefail
detectd=$(realpath "$1") attack=$(realpath "$2")
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
mkfifo "$work/never"
chmod 755 "$work"
# shellcheck source=tests/live/support.sh
. "$here/support.sh"
need_live
cp "$attack" "$work/attack"
: >"$work/detectd.toml"

# Running before the daemon does.
sleep 1000 >/dev/null 2>&1 </dev/null &
early=$!

# Named as docker names one; of which hierarchy, each kernel and systemd has its own mind.
container=$(sha256sum <<<"$work" | cut -d' ' -f1) group=
for hierarchy in /sys/fs/cgroup/unified /sys/fs/cgroup /sys/fs/cgroup/systemd; do
  [[ -e $hierarchy/cgroup.procs ]] && mkdir "$hierarchy/docker-$container.scope" 2>/dev/null && group=$hierarchy/docker-$container.scope && break
done
# A group goes when the last of its processes has.
leave_group() {
  local until=$((SECONDS + 20))
  while [[ -n $group && -d $group ]] && ! rmdir "$group" 2>/dev/null && ((SECONDS < until)); do read -rt 0.05 <>"$work/never" || true; done
}
trap '[[ -z $daemon ]] || kill -KILL "$daemon"; end_held; leave_group; rm -rf "$work"' EXIT
start_daemon --no-db --rules "$here/../../rules" --output json --capture "$work/capture.jsonl" ||
  { cat "$work/said"; flunk 'the daemon does not start'; finish; exit; }

# Whatever happens to a row's attack, its mark tells which it was.
run() { "$work/attack" "$@" >/dev/null 2>"$work/attack.said"; }
declare -A unable
# try ROW COMMAND...: remembers why a row can not be tried here
try() {
  local row=$1 code=0
  shift
  "$@" >/dev/null 2>"$work/attack.said" </dev/null || code=$?
  ((code != 77)) || unable[$row]=$(tail -n 1 "$work/attack.said")
}
# All of them, those too that were not found in time: whoever is left keeps open what this test writes to.
end_held() { grep -lzxF "HELD_BY=$work" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 | xargs -r kill -KILL 2>/dev/null; }
# hold MARK COMMAND...: what is told of a process after its exec takes a moment; so it stays until the daemon has ended.
# COMMAND ends up as `tail -f /dev/null MARK`, whatever tail is called there.
hold() {
  [[ $round == 1 ]] || return 0
  local mark=$1 file words
  shift
  HELD_BY=$work "$@" >/dev/null 2>&1 </dev/null &
  local job=$! until=$((SECONDS + 20))
  while ((SECONDS < until)); do
    for file in /proc/[0-9]*/cmdline; do
      mapfile -d '' -t words <"$file" || continue
      [[ ${#words[@]} == 4 && ${words[2]} == /dev/null && ${words[3]} == "$mark" ]] || continue
      return
    done 2>/dev/null
    kill -0 "$job" 2>/dev/null || return 77
    read -rt 0.05 <>"$work/never" || true
  done
  return 77
}
in_group() { [[ -n $group ]] && bash -c 'echo 0 >"$0/cgroup.procs" && exec tail -f /dev/null "$1"' "$group" "$1" || return 77; }
in_mounts() { unshare --mount --propagation private bash -c "$1" || return 77; }

# Programs that nobody else runs, amid as many as two processes can start.
flood_with_needles() {
  local one two i
  "$work/attack" flood zzhay 1000000 >/dev/null 2>&1 &
  one=$!
  "$work/attack" flood zzhay 1000000 >/dev/null 2>&1 &
  two=$!
  for i in {0..19}; do "$work/hard" "zz72-$i" >/dev/null 2>&1; done
  kill "$one" "$two"
  wait "$one" "$two" 2>/dev/null
}

# Twice: of the shortest programs one in a thousand ends before anybody can look.
attack_all() {
  local round=$1
  try 5 run chain zz5 10
  cp /bin/true "$work/x (deleted)" && "$work/x (deleted)" zz40
  bash -c 'cp /bin/bash "$0/bye" && exec "$0/bye" -c "rm \"$0/bye\"; exec /proc/self/exe -c : zz41"' "$work"
  cp -f /bin/true "$work/kthreadd" && "$work/kthreadd" zz21
  run argc0 zz24 "$work/attack"
  run longarg zz25
  run manyargs zz26
  run memfd zz38
  run memfd-path zz39
  loader=$(readelf -l /bin/true 2>/dev/null | sed -n 's/.*interpreter: \(.*\)]/\1/p')
  [[ -n $loader ]] || loader=$(ls /lib64/ld-linux-*.so.2 /lib/ld-linux-*.so.* 2>/dev/null | head -n 1)
  "$loader" /bin/true zz42
  (exec -a kworker /bin/true zz43)
  ln -sf /bin/sh "$work/updater" && "$work/updater" -c ': zz44'
  ln -f /bin/true "$work/hard" 2>/dev/null || ln -f "$work/attack" "$work/hard"
  "$work/hard" zz45 >/dev/null 2>&1
  try 48 hold zz48 in_mounts "mount --bind /usr/bin/tail /bin/true && exec /bin/true -f /dev/null zz48"
  # From here, by the root of one that is elsewhere.
  try 48b in_mounts "mount -t tmpfs none /srv && cp /bin/true /srv/zz48 && nsenter --mount=/proc/$$/ns/mnt \"/proc/\$\$/root/srv/zz48\" zz48b || exit 77; true"
  mkdir -p "$work/root"
  try 49 hold zz49 in_mounts "mount --rbind / '$work/root' && exec chroot '$work/root' /usr/bin/tail -f /dev/null zz49"
  mkdir -p "$work/lazy"
  try 50 in_mounts "mount -t tmpfs none '$work/lazy' && cp /bin/bash '$work/lazy/zzd' && cd '$work/lazy' && umount -l '$work/lazy' && ./zzd -c : zz50"
  [[ -n $group ]] || unable[52]='no control group of its own'
  try 52 hold zz52 in_group zz52
  try 51 hold zz51 run pidns zz51
  printf '#!/bin/sh\n: "$1"\n' >"$work/script" && chmod 755 "$work/script" && "$work/script" zz53
  run doublefork zz56
  run cloneparent zz57
  run subreaper zz58
  run thread-exec zz59
  run threads zz60
  run leader-ends zz60leader
  run spawn zz61
  run flood zz62 1000
  flood_with_needles
  run traceme zz63
  try 64 run inject zz64
  cp --remove-destination /usr/bin/tail "$work/capable"
  if setcap cap_net_raw=ep "$work/capable" 2>"$work/attack.said"; then
    try 65 hold zz65 "$work/attack" drop zz "$work/capable" -f /dev/null zz65
  else
    unable[65]=$(<"$work/attack.said")
  fi
  try 66 hold zz66 run userns zz66
  cp "$attack" "$work/helper" && chmod 4755 "$work/helper"
  # By way of another program: an id change right before an exec is taken for the exec's.
  "$work/attack" drop zz /usr/bin/env "$work/helper" become-root zz67
  run comm zz22 'a) R 1 1 zz'
  run comm-flood zz71 600000
  run forks zz73 5000
  try 86 in_mounts "mkdir -p '$work/empty' && bash -c 'mount --bind $work/empty /proc/\$\$ 2>/dev/null; exec /bin/true zz86'"
  try 89 run forge zz89
  try 90 run acks zz90
  run trace zz "$early"
}
attack_all 1
attack_all 2

stop_daemon
# As the first of its pid namespace one of them hears no other signal.
kill -KILL "$early"
end_held
((status == 0)) && pass || { flunk "the daemon ended with $status"; cat "$work/said"; }

# row NUMBER TITLE MARK EXPRESSION: in jq, of one of the execs with that argument.
row() {
  if [[ -n ${unable[$1]-} ]]; then skip "TRUST $1: $2: ${unable[$1]}"; return; fi
  if grep -F -- "$3" "$work/capture.jsonl" |
    jq -se --arg mark "$3" --arg container "$container" "[.[] | select(.event.action == \"exec\" and .process.name != \"attack\" and ((.process.args // []) | index(\$mark)))] | any(.[]; try ($4) catch false)" >/dev/null; then
    pass
  else
    flunk "TRUST $1: $2"
    grep -F -- "$3" "$work/capture.jsonl" | head -n 3 | cut -c 1-900
  fi
}
# found ROW TITLE EXPRESSION: of all events.
found() { if jq -ne "$3" "$work/capture.jsonl" >/dev/null; then pass; else flunk "TRUST $1: $2"; fi; }
# hit ROW TITLE RULE MARK
hit() { if grep -F -- "$4" "$work/hits" | grep -F "\"name\":\"$3\"" >/dev/null; then pass; else flunk "TRUST $1: $2"; fi; }

found 15 'what runs already is told of, and has no exec' \
  "[inputs | select(.process.pid == $early)] | (map(.event.action) | index(\"exec\") == null) and .[0].event.action == \"already_running\" and .[0].event.reason == \"start\""
jq -e -s --argjson pid "$early" 'all(.[]; .event.process.pid != $pid)' "$work/hits" >/dev/null && pass ||
  flunk 'TRUST 15: what runs already is no hit'
hit 21 "a program that is called as a kernel thread is a hit" kernel_thread_name_taken zz21
row 22 'a name that looks like numbers of /proc/PID/stat spoils nothing' zz22 '.process.start != null'
row 5 'the last of a chain of programs has its own arguments' zz5-0 '.process.name == "true"'
hit 23 "a kernel thread's name with an executable is a hit" kernel_thread_masquerade zz38
found 24 'no argument is one empty one' \
  '[inputs | select(.event.action == "exec" and .process.args == [""])] | length > 0'
row 25 'the end of 2 MiB of arguments is seen, and that they are cut' zz25 '.detectd.argv_truncated == true and .process.args[-1] == "zz25"'
row 26 'of 100,000 arguments a part is kept, and said so' zz26 '.detectd.argv_truncated == true and (.process.args | length) <= 4096'
row 38 'a program in memory is known as one' zz38 '.process.Ext.memfd == true and .process.args[0] == "[kworker/u8:1]"'
row 39 'whatever its path' zz39 '.process.Ext.memfd == true'
row 40 'a file may be called (deleted)' zz40 '.process.Ext.deleted == false and (.process.executable | endswith("x (deleted)"))'
row 41 'a deleted program is one, and its path has no such ending' zz41 '.process.Ext.deleted == true and (.process.executable | endswith("/bye"))'
row 42 'what ld.so runs is known' zz42 '.process.Ext.effective_executable == "/bin/true"'
row 43 'a chosen name stands beside the executable' zz43 '.process.Ext.argv0 == "kworker" and .process.name == "true"'
row 44 'a link to a shell is the shell' ': zz44' '.process.name | test("sh$")'
row 45 'a hard link is told by its count' zz45 '.process.Ext.links > 1'
row 48 'a path that is another file for us is not trusted' zz48 '.process.Ext.mount_namespace != null and (.detectd.missing | index("process.executable"))'
row 48b 'nor is one that only leads there elsewhere' zz48b '.process.executable == "/srv/zz48" and (.detectd.missing | index("process.executable"))'
row 49 'another root is told' zz49 '.process.Ext.root | endswith("/root")'
row 50 'a path on a file system that is gone is not trusted' zz50 '.detectd.missing | index("process.executable")'
row 51 'a pid of another namespace stands beside ours' zz51 '.process.vpid != .process.pid'
row 52 'a container is known by the control group, with what runs it' zz52 '(.container.id | startswith($container[0:12])) and .container.runtime == "docker"'
row 53 'the script behind its interpreter is known' zz53 '.process.Ext.effective_executable | endswith("/script")'
# An exec does not repeat its parent: the fork before it tells. Of each program that has the mark, the fork of its parent
# was by ATTACK itself.
jq -r 'if .event.action == "fork" then "fork \(.process.pid) \(.process.parent.pid)"
  elif .event.action == "exec" and ((.process.args // [])[-1] // "" | test("^zz5[678]$")) then "exec \(.process.pid) \(.process.args[-2:] | join(" "))"
  else empty end' "$work/capture.jsonl" >"$work/forks"
by_fork() {  # ROW TITLE MARK ATTACK GENERATIONS
  awk -v mark="$3" -v attack="$4" -v generations="$5" '
    $1 == "fork" {parent[$2] = $3; next}
    $4 != mark {next}
    $3 == attack {attacks[$2] = 1}
    $3 == "true" {++programs; by = $2; for (i = 0; i < generations; ++i) by = parent[by]; if (!(by in attacks)) ++others}
    END {exit !programs || others}' "$work/forks" && pass || flunk "TRUST $1: $2"
}
by_fork 56 'the parent is that of the fork, not of PPid' zz56 doublefork 2
by_fork 57 'a child that is given to the grandfather is told of as his' zz57 cloneparent 1
by_fork 58 'nor a subreaper' zz58 subreaper 2
row 59 'an exec by another thread is one of the process, which lives on' zz59 '.process.name == "true"'
row 60 'after 20,000 threads a process is seen' zz60 'true'
found 60 'threads are no processes' '[inputs | select(.event.action == "fork")] | length < 20000'
found 61 'vfork and posix_spawn are as fork' \
  '[inputs | select(.event.action == "exec" and .process.args == ["true", "zz61"])] | length >= 3'
row 63 'a process that lets itself be traced is seen' zz63 'true'
found 63 'no event tells of the tracing: the kernel has none' \
  '[inputs] as $all | [$all[] | select((.process.args // [])[1:] == ["traceme", "zz63"]) | .process.pid] as $attacks
   | ($attacks | length > 0) and all($all[]; .event.action != "ptrace" or (.process.pid as $pid | $attacks | index($pid) | not))'
row 64 'a process that another wrote into is seen' zz64 'true'
[[ -n ${unable[64]-} ]] || found 64 'no event tells of the writing: the kernel has none' \
  '[inputs | select((.process.args // []) | index("inject")) | .event.action] | unique - ["end", "exec", "fork"] == []'
row 65 'capabilities of the file are seen' zz65 '.process.thread.capabilities.effective | index("CAP_NET_RAW")'
row 66 'who is root in a user namespace alone is told apart, and has become nobody' zz66 \
  ".process.Ext.user_namespace != null and .process.Ext.user_namespace != $(stat -Lc %i /proc/self/ns/user) and .detectd.escalated != true"
# Where the program ended before its ids could be read, only the change tells them.
row 67 'a set-uid exec carries the id change before it' zz67 \
  '.process.Ext.setuid == true and .detectd.escalated == true and .process.user.id != 65534'
for i in {0..19}; do row 71 "needle $i is found in a flood of names" "zz71-$i" 'true'; done
needles=$(jq -r 'select(.event.action == "exec") | .process.args[1]? // empty | select(startswith("zz72-"))' "$work/capture.jsonl" | sort -u | wc -l)
((needles == 20)) && pass || flunk "TRUST 72: in a flood of programs $needles of 20 others have their own arguments"
row 73 'after 5,000 forks a process is seen' zz73 'true'
found 73 'all of them' '[inputs | select(.event.action == "fork")] | length >= 5000'
row 86 'what is mounted over /proc/PID hides nobody' zz86 '.process.name == "true"'
row 89 'forged messages are not believed' zz89 'true'
[[ -n ${unable[89]-} ]] || found 89 'none of them is an event' \
  '[inputs | select(.event.action == "exec" and ((.process.args // []) | index("forge")))] | length == 2'
[[ -n ${unable[89]-} ]] || { grep -qF '"name":"detectd.forged"' "$work/hits" && pass || flunk 'TRUST 89: they are a hit'; }
row 90 'acknowledgements to others are not taken for ours' zz90 'true'
found 83 'who traces a process is seen' "[inputs | select(.event.action == \"ptrace\" and .Target.process.pid == $early)] | length >= 1"
found 74 'nothing was lost' '[inputs | select(.event.action == "lost")] | length == 0'
seen=$(jq -r 'select(.event.action == "exec") | .process.args[1]? // empty | select(startswith("zz62-"))' "$work/capture.jsonl" | sort -u | wc -l)
execs=$(jq -r 'select(.event.action == "exec") | .process.args[1]? // "missing"' "$work/capture.jsonl" | grep -c '^zz62-\|^missing$')
((execs >= 2000)) && pass || flunk "TRUST 72: of two floods of 1,000 short programs $execs are events"
((seen >= 990)) && pass || flunk "TRUST 62: of 1,000 short programs $seen have their command line"

# The capture, judged again, gives what was judged live.
live=$(tail -n 1 "$work/hits" | jq -r '.hits_digest')
again=$("$detectd" --replay "$work/capture.jsonl" --rules "$here/../../rules" --output json --allow-incomplete 2>"$work/said" | tail -n 1 | jq -r '.hits_digest')
[[ -n $live && $live == "$again" ]] && pass || { flunk "live $live, its capture replayed $again"; cat "$work/said"; }
finish
