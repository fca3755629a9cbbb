#!/usr/bin/env bash
# What it costs a storm of execs to be judged before they happen: with detectd beside it that only watches, that is told
# of execs before (dry-run), and that every exec waits for (enforce), by turns. Only a file system of its own is watched.
# Medians of RUNS runs.
#   deny.sh DETECTD STORM [RUNS]        as root
#
# seconds     that COUNT (20,000) execs from 4 parents took
# slower      beside those without a collector
# judged      execs that had a verdict, late: that went on because it did not come in time, in percent
set -uo pipefail
(($# >= 2)) || { sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }
detectd=$(realpath "$1") storm=$(realpath "$2") runs=${3:-3} count=${COUNT:-20000}
# shellcheck source=bench/live/support.sh
source "$(dirname "$(realpath "$0")")/support.sh"
need_root
work=$(mktemp -d)
fs=$work/fs
trap '[[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null; umount "$fs" 2>/dev/null; rm -rf "$work"' EXIT
mkdir "$fs"
mount -t tmpfs -o size=16m detectd-bench "$fs" || exit 1
cp /bin/true "$fs/true"

rule() {  # rule KIND
  cat <<RULE
[[rule]]
id = "00000000-0000-4000-8000-0000000000d1"
name = "forbidden"
title = "Forbidden"
level = "high"
on = "$1"
response = { action = "$2" }
[rule.detection]
file."process.executable" = "$fs/forbidden"
argument."process.args" = "zzforbidden"
condition = "file and argument"
RULE
}
rule exec alert >"$work/watch.toml"
rule exec_check deny >"$work/deny.toml"
modes=(alone watch dry-run enforce)

start() {  # start MODE
  local mode=$1 rules=deny
  [[ $mode == watch ]] && { mode=dry-run; rules=watch; }
  cat >"$work/detectd.toml" <<CONFIG
[rules]
paths = ["$work/$rules.toml"]
[response]
mode = "$mode"
deny_paths = ["$fs"]
CONFIG
  : >"$work/said"
  unlocked "$detectd" --config "$work/detectd.toml" --db "$work/hits.db" --output none --stats >"$work/out" 2>"$work/said" &
  pid=$!
  until_watching "$work/said"
}
stated() { sed -n "s/^$1  *//p" "$work/said" | tr -d , | tail -n 1; }

for ((run = 0; run < runs; ++run)); do
  for mode in "${modes[@]}"; do
    [[ $mode == alone ]] || start "$mode"
    "$storm" exec zzm "$count" --parents 4 --program "$fs/true" | jq .seconds >>"$work/seconds.$mode"
    [[ $mode == alone ]] && continue
    kill -TERM "$pid"
    wait "$pid" 2>/dev/null
    pid=
    stated 'execs judged before' >>"$work/judged.$mode"
    stated 'execs whose time was up' >>"$work/late.$mode"
  done
done
alone=$(median <"$work/seconds.alone")
percent() { [[ -s $1 ]] && awk -v n="$(median <"$1")" -v c="$count" 'BEGIN {printf "%.2f", 100 * n / c}' || echo -; }
printf '%-6s %-9s %8s %7s %7s %6s\n' storm detectd seconds slower judged late
for mode in "${modes[@]}"; do
  seconds=$(median <"$work/seconds.$mode")
  printf '%-6s %-9s %8.2f %7s %7s %6s\n' A4 "$mode" "$seconds" "$(awk -v a="$seconds" -v b="$alone" 'BEGIN {printf "%.2f", a / b}')" \
    "$(percent "$work/judged.$mode")" "$(percent "$work/late.$mode")"
done
