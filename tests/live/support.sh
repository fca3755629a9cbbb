# What the live tests share: a daemon of this test's own, and what it saw. Sourced; wants $detectd, $attack, $work.
# shellcheck shell=bash

passed=0 failed=0 skipped=0
pass() { ((++passed)); }
flunk() { printf 'FAILED: %s\n' "$1"; ((++failed)); }
skip() { printf 'skipped: %s\n' "$1"; ((++skipped)); }
finish() {
  printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  ((failed == 0))
}
skip_all() { printf 'skipped: %s\n0 passed, 0 failed, 1 skipped\n' "$1"; exit 0; }

need_live() {
  ((EUID == 0)) || skip_all 'needs root to watch the host'
  "$detectd" --probe >"$work/probe" 2>&1 || skip_all "no live source works here: $(tail -n 1 "$work/probe")"
}

daemon=
prefix=()  # a command that the daemon is started by, and becomes
# start_daemon OPTION...: until it says that it watches. Its messages are in $work/said, its hits in $work/hits.
start_daemon() { start_command "${prefix[@]}" "$detectd" --config "$work/detectd.toml" "$@"; }
start_command() {  # the same, of a command that is a daemon
  rm -f "$work/said.pipe"
  mkfifo "$work/said.pipe"
  "$@" >"$work/hits" 2>"$work/said.pipe" &
  daemon=$!
  exec {said}<"$work/said.pipe"
  : >"$work/said"
  local line
  while IFS= read -r line <&"$said"; do
    printf '%s\n' "$line" >>"$work/said"
    [[ $line == *'watching with'* ]] && break
  done
  cat <&"$said" >>"$work/said" &
  reader=$!
  exec {said}<&-
  [[ $line == *'watching with'* ]] && return
  wait "$daemon" "$reader"
  daemon=
  return 1
}
# stop_daemon [SIGNAL]: its exit status is $status.
stop_daemon() {
  kill -"${1:-TERM}" "$daemon" 2>/dev/null
  status=0
  wait "$daemon" || status=$?
  wait "$reader"
  daemon=
}
trap '[[ -z $daemon ]] || kill -KILL "$daemon"; jobs -p | xargs -r kill 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' TERM INT

# Each waits, at most so many seconds.
patience=20
until_holds() {
  local i
  for ((i = 0; i < patience * 10; ++i)); do
    "$@" && return
    read -rt 0.1 <>"$work/never" || true
  done
  return 1
}
until_in() { until_holds grep -qF -- "$2" "$1"; }  # FILE TEXT
until_said() { until_in "$work/said" "$1"; }
until_there() { until_holds test -e "$1"; }
has_lines() { (($(grep -cF -- "${3-}" "$1") >= $2)); }
until_lines() { until_holds has_lines "$@"; }  # FILE NUMBER [TEXT]
