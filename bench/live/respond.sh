#!/usr/bin/env bash
# How soon a forbidden program ends, while four parents make others as fast as they can: whether it reached its main(),
# and the time from its exec to the signal. Only programs that this script has made for itself are forbidden.
#   respond.sh DETECTD VICTIM [RUNS]        as root
#
# killed, gone   outcomes of 1,000 forbidden programs: ended by us, or by itself before
# main           of 300 others those that came to write a byte first
# median, p99    microseconds from the exec to the signal
set -uo pipefail
(($# >= 2)) || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
detectd=$(realpath "$1") victim=$(realpath "$2") runs=${3:-3}
# shellcheck source=bench/live/support.sh
source "$(dirname "$(realpath "$0")")/support.sh"
need_root
work=$(mktemp -d)
storm=
trap '[[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null; [[ -z $storm ]] || kill -KILL "$storm" 2>/dev/null; rm -rf "$work"' EXIT
for name in forbidden other quick; do cp "$victim" "$work/$name"; done
printf '[response]\nmode = "enforce"\nper_rule = "0"\ntotal = "0"\n' >"$work/detectd.toml"
printf '[[rule]]\nid = "00000000-0000-4000-8000-000000000001"\nname = "forbidden"\ntitle = "forbidden"\nlevel = "high"\non = "exec"\nresponse = { action = "kill" }\n[rule.detection]\na."process.executable" = "%s"\ncondition = "a"\n' "$work/forbidden" >"$work/rules.toml"

printf '%4s %7s %7s %6s %9s %9s %9s\n' run killed gone other main 'median us' 'p99 us'
for ((run = 1; run <= runs; ++run)); do
  rm -f "$work"/hits* "$work"/responses.log* "$work"/marks*
  unlocked "$detectd" --config "$work/detectd.toml" --db "$work/hits.db" --rules "$work/rules.toml" --output json >"$work/hits" 2>"$work/said" &
  pid=$!
  until_watching "$work/said"
  "$work/other" many "$work/quick" 1000000 4 mark /dev/null &
  storm=$!
  "$work/other" many "$work/forbidden" 1000 1 mark "$work/marks"
  "$work/other" many "$work/forbidden" 300 1 mark "$work/marks300"
  kill -KILL "$storm"
  wait "$storm" 2>/dev/null
  for link in /proc/[0-9]*/exe; do
    [[ $(readlink "$link") == "$work/other" ]] || continue
    link=${link%/exe}
    kill -KILL "${link##*/}"
  done 2>/dev/null
  kill -TERM "$pid"
  wait "$pid"
  pid='' storm=''
  touch "$work/marks300"
  jq -r 'select(.rule.name == "forbidden") | .response | "\(.outcome) \(.after_us // -1)"' "$work/hits" | sort -k2n |
    awk -v run="$run" -v main="$(wc -l <"$work/marks300")" '
      $1 == "killed" {v[++n] = $2} $1 == "gone" {++gone} $1 !~ /killed|gone/ {++other}
      END {printf "%4d %7d %7d %6d %9s %9d %9d\n", run, n, gone, other, main " of 300", v[int((n + 1) / 2)], v[int(n * 0.99 + 0.5)]}'
done
