#!/usr/bin/env bash
# What a replay costs: CPU time of the whole process on one thread, median of five runs, with 100 generated rules.
# Captures are given as arguments; without any: the admin day ten times over where it is at hand, and a generated one.
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${RUNS:-5}
rules=${RULES:-100}
bin=build/release
dir=build/bench
mkdir -p "$dir"

# The days of the copies are years apart, so that time goes on.
admin_day_ten_times() {
  local year
  for year in {2026..2035}; do gzip -dc "$1" | sed "s/\"2026-/\"$year-/g"; done
}

captures=("$@")
if ((${#captures[@]} == 0)); then
  day=../shared/data/ecs/admin-day-open.jsonl.gz
  if [[ -e $day ]]; then
    [[ -e $dir/admin-day-x10.jsonl ]] || admin_day_ten_times "$day" >"$dir/admin-day-x10.part"
    [[ -e $dir/admin-day-x10.jsonl ]] || mv "$dir/admin-day-x10.part" "$dir/admin-day-x10.jsonl"
    captures+=("$dir/admin-day-x10.jsonl")
  fi
  "$bin/bench/detectd-generate" --events 1000000 --hit-rules "$rules" >"$dir/generated.jsonl"
  captures+=("$dir/generated.jsonl")
fi
"$bin/bench/detectd-generate" --rules "$rules" >"$dir/rules.toml"

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
echo "machine: ${cpu:-unknown processor}, $(nproc) cores, Linux $(uname -r), $(g++ --version | head -n 1)"
for capture in "${captures[@]}"; do
  reader=(cat)
  case $capture in
    *.gz) reader=(gzip -dc) ;;
    *.zst) reader=(zstd -qdc) ;;
  esac
  # This also brings the file into memory.
  events=$("${reader[@]}" "$capture" | wc -l)
  echo "$(basename "$capture"): $events lines, $(stat -c %s "$capture" | numfmt --to=iec-i --suffix=B), $rules rules, 1 thread"
  "$bin/bench/detectd-measure" "$runs" "$events" \
    "$bin/src/detectd" --replay "$capture" --rules "$dir/rules.toml" --output none --threads 1 --quiet
done
