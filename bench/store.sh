#!/usr/bin/env bash
# What recording costs, and how long questions to a large database take. Each event is an exec and a hit: the worst there can be.
#   store.sh [HITS]     default 1000000; the capture goes through a pipe, the database needs some 2 KiB a hit
set -euo pipefail
cd "$(dirname "$0")/.."

hits=${1:-1000000}
bin=build/release
dir=build/bench
mkdir -p "$dir"
rm -f "$dir"/hits.*

cat >"$dir/every-exec.toml" <<'RULE'
[[rule]]
id = "3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11"
name = "every_exec"
title = "Every exec"
level = "low"
on = "exec"
[rule.detection]
a."process.executable|exists" = true
condition = "a"
RULE
# A third of what is generated is exec.
execs() { "$bin/bench/detectd-generate" --events "$((3 * $1))" | grep -v '"action":"\(fork\|end\)"'; }
replay() { "$bin/src/detectd" --replay "$1" --rules "$dir/every-exec.toml" --output none --quiet "${@:2}"; }
# ask COMMAND...: the median of five, the first of which warms the file up.
ask() {
  local times=()
  TIMEFORMAT=%R
  for _ in 1 2 3 4 5; do times+=("$({ time "$bin/src/detectctl" "$@" --db "$dir/hits.db" --quiet --allow-incomplete >/dev/null; } 2>&1)"); done
  printf '%-60s %s s\n' "detectctl $*" "$(printf '%s\n' "${times[@]}" | sort -n | sed -n 3p)"
}

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
echo "machine: ${cpu:-unknown processor}, $(nproc) cores, Linux $(uname -r), $(g++ --version | head -n 1)"
execs 200000 >"$dir/execs.jsonl"
lines=$(wc -l <"$dir/execs.jsonl")
echo "recording: $lines events, all of them hits"
# The median of five, with a new database each time: what is there already costs less.
# shellcheck disable=SC2016  # for the inner shell
measure() {
  "$bin/bench/detectd-measure" 5 "$lines" sh -c 'rm -f "$0"/hits.*; exec "$@"' "$dir" \
    "$bin/src/detectd" --replay "$dir/execs.jsonl" --rules "$dir/every-exec.toml" --output none --quiet "$@"
}
for threads in 1 2; do
  echo "threads $threads, with --db:"
  measure --threads "$threads" --db "$dir/hits.db"
  echo "threads $threads, without:"
  measure --threads "$threads"
done

rm -f "$dir"/hits.*
echo "a database of about $hits hits"
execs "$hits" | replay - --db "$dir/hits.db"
"$bin/src/detectctl" db stats --db "$dir/hits.db"
middle=$("$bin/src/detectctl" hits list --db "$dir/hits.db" --limit 1 --columns n --quiet --allow-incomplete | tail -n 1 | tr -d ' ')
middle=$((middle / 2))
since=$("$bin/src/detectctl" hits show "$middle" --db "$dir/hits.db" --allow-incomplete | sed -n 's/^time *//p')
ask hits list --since "$since" --limit 100
ask hits list --limit 100 --rule every_exec
ask hits top
ask hits top --since "$since"
ask hits top --group-by user
ask hits tree "$middle"
ask hits timeline
