#!/usr/bin/env bash
# How much of what happens is seen, live: storms of processes whose arguments are numbered, watched by detectd and, in the
# same run one after the other, by what Debian has besides. Medians of RUNS runs.
#   live.sh DETECTD STORM [RUNS]        as root
#
# execs       execs with their own command line, of those that happened, in percent
# ids         of those, with executable, user and start (detectd alone says them)
# unmarked    arguments of another program that detectd took for those of the event, and did not say so
# detectd writes a capture, which is scored; watching is the same without one, for what it costs. Both with eBPF where it
# can be had; connector and by-proc are the same two without it.
# cpu, rss    seconds of the collector, MiB at most
# slower      the storm's time beside that without a collector, in this run
set -uo pipefail
(($# >= 2)) || { sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
detectd=$(realpath "$1") storm=$(realpath "$2") runs=${3:-3}
here=$(dirname "$(realpath "$0")")
# shellcheck source=bench/live/support.sh
source "$here/support.sh"
need_root
work=$(mktemp -d)
trap '[[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null; rm -rf "$work"' EXIT
: >"$work/detectd.toml"
cc -O2 -static -nostdlib -o "$work/at_once" "$here/at_once.c" 2>/dev/null || echo 'note: no C compiler: T4 is left out'

scenarios=(A4 S500 PIPE BOMB CHAIN)
[[ -x $work/at_once ]] && scenarios=(A4 T4 S500 PIPE BOMB CHAIN)
declare -A words=(
  [A4]='exec zzm 20000 --parents 4'
  [T4]="exec zzm 20000 --parents 4 --program $work/at_once"
  [S500]='exec zzm 5000 --rate 500'
  [PIPE]='pipe zzm 2000'
  [BOMB]='bomb zzm 5000'
  [CHAIN]='chain zzm 3000'
)
declare -A wanted=([A4]=20000 [T4]=20000 [S500]=5000 [PIPE]=6000 [BOMB]=5000 [CHAIN]=9000)

start_detectd() {
  "$detectd" --source "${1:-auto}" --config "$work/detectd.toml" --rules "$here/../../rules" --no-db --output json --capture "$work/seen" >"$work/out" 2>"$work/said" &
  pid=$!
  until_said 'watching with' "$work/said"
}
# As a daemon runs: of a capture all is read, without one what rules look at.
start_watching() {
  "$detectd" --source "${1:-auto}" --config "$work/detectd.toml" --rules "$here/../../rules" --no-db --output json >"$work/out" 2>"$work/said" &
  pid=$!
  until_said 'watching with' "$work/said"
}
start_connector() { start_detectd connector; }
start_by-proc() { start_watching connector; }
start_forkstat() { forkstat -l -e exec,fork >"$work/seen" 2>"$work/said" & pid=$!; sleep 1; }
start_extrace() { extrace -o "$work/seen" >"$work/said" 2>&1 & pid=$!; sleep 1; }
# Its tracepoints are names in a file system that not every host has mounted.
start_bpftrace() {
  unshare --mount --propagation private bash -c 'mountpoint -q /sys/kernel/tracing || mount -t tracefs none /sys/kernel/tracing; exec "$@"' - \
    bpftrace -e 'BEGIN { printf("ready\n") } tracepoint:syscalls:sys_enter_execve { join(args->argv) } tracepoint:sched:sched_process_fork { printf("fork\n") }' \
    >"$work/seen" 2>"$work/said" &
  pid=$!
  until_said ready "$work/seen"
}

marks() { grep -oE 'zzm-[0-9]{6}[abc]?' "$1"; }
# score TOOL SCENARIO: percent of execs (of forks for BOMB)
score() {
  local seen
  [[ $1 != watching && $1 != by-proc ]] || { echo -; return; }
  [[ $1 != connector ]] || set -- detectd "$2"
  case $2 in
    BOMB)
      case $1 in
        detectd) seen=$(grep -c '"action":"fork"' "$work/seen") ;;
        forkstat) seen=$(grep -c ' fork .*child' "$work/seen") ;;
        bpftrace) seen=$(grep -c '^fork' "$work/seen") ;;
        *) echo -; return ;;
      esac
      ((seen > ${wanted[$2]})) && seen=${wanted[$2]} ;;
    CHAIN)
      # Each of the three programs of a pid has its own first argument.
      if [[ $1 == detectd ]]; then
        seen=$(jq -r 'select(.event.action == "exec") | .process.args // [] | select(.[-1] // "" | startswith("zzm-")) | .[0] + " " + .[-1]' "$work/seen" | sort -u | wc -l)
      else
        seen=$(grep -cE 'zzm-[0-9]{6}' "$work/seen")
      fi
      ((seen > ${wanted[$2]})) && seen=${wanted[$2]} ;;
    PIPE) seen=$(marks "$work/seen" | grep '[abc]$' | sort | uniq -c | wc -l)
      [[ $1 == detectd ]] && seen=$(jq -r 'select(.event.action == "exec") | .process.args // [] | select(length == 2) | .[1]' "$work/seen" | grep -c '^zzm-') ;;
    *) seen=$(marks "$work/seen" | sort -u | wc -l)
      [[ $1 == detectd ]] && seen=$(jq -r 'select(.event.action == "exec") | .process.args // [] | .[1] // empty' "$work/seen" | grep '^zzm-' | sort -u | wc -l) ;;
  esac
  awk -v s="$seen" -v w="${wanted[$2]}" 'BEGIN {printf "%.2f\n", 100 * s / w}'
}
# Of detectd's execs with a mark: none of the three is said to be missing; what is not on the line is the parent's still.
identified() {
  jq -r 'select(.event.action == "exec" and ((.process.args // [])[-1] // "" | tostring | startswith("zzm-")))
    | (.detectd.missing // []) as $missing
    | if any($missing[]; . == "process.executable" or . == "process.user.id" or . == "process.start") then 0 else 1 end' "$work/seen" |
    awk '{n++; s += $1} END {printf n ? "%.2f\n" : "-\n", 100 * s / n}'
}
# Arguments that do not belong to the executable beside them.
unmarked() {
  jq -r 'select(.event.action == "exec" and ((.process.args // [])[-1] // "" | tostring | startswith("zzm-")) and .process.executable)
    | (.process.args[0] | split("/")[-1]) + " " + (.process.executable | split("/")[-1])' "$work/seen" |
    awk '$1 != $2 && !($1 == "sh" && $2 == "dash") && !($1 == "true" && $2 == "coreutils")' | wc -l
}
lost() { jq -s '[.[] | select(.event.action == "lost")] | map(.detectd.lost // 0) | add // 0' "$work/seen"; }

tools=(detectd watching connector by-proc)
for tool in ${PEERS-forkstat extrace bpftrace}; do command -v "$tool" >/dev/null && tools+=("$tool"); done
printf '%-6s %-9s %8s %7s %9s %6s %7s %6s %7s\n' storm tool execs ids unmarked lost cpu rss slower
for scenario in "${scenarios[@]}"; do
  # shellcheck disable=SC2086
  alone=$(for ((i = 0; i < runs; ++i)); do "$storm" ${words[$scenario]} | jq .seconds; done | median)
  for tool in "${tools[@]}"; do
    rm -f "$work"/result.*
    for ((i = 0; i < runs; ++i)); do
      rm -f "$work/seen" "$work/said" "$work/out"
      "start_$tool" || { echo "$scenario $tool does not start: $(tail -n 1 "$work/said")"; continue 2; }
      # shellcheck disable=SC2086
      "$storm" ${words[$scenario]} | jq .seconds >>"$work/result.seconds"
      sleep 1
      cpu=$(cpu_seconds "$pid") rss=$(memory_mib "$pid" VmHWM)
      kill -TERM "$pid"
      wait "$pid" 2>/dev/null
      pid=
      echo "$cpu" >>"$work/result.cpu"
      echo "$rss" >>"$work/result.rss"
      score "$tool" "$scenario" >>"$work/result.execs"
      if [[ $tool == detectd || $tool == connector ]]; then
        identified >>"$work/result.ids"
        unmarked >>"$work/result.unmarked"
        lost >>"$work/result.lost"
      fi
    done
    result() { if [[ -e $work/result.$1 ]]; then median <"$work/result.$1"; else echo -; fi; }
    printf '%-6s %-9s %8s %7s %9s %6s %7s %6s %7s\n' "$scenario" "$tool" "$(result execs)" "$(result ids)" "$(result unmarked)" "$(result lost)" \
      "$(result cpu)" "$(result rss)" "$(awk -v a="$(result seconds)" -v b="$alone" 'BEGIN {printf "%.2f", a / b}')"
  done
done
