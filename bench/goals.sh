#!/usr/bin/env bash
# The goals for speed, and what this build reaches on this machine.
#   goals.sh [quick] [--save FILE] [--compare FILE]
set -euo pipefail

options=() quick=
if [[ ${1:-} == quick ]]; then
  quick=yes
  options+=(--quick)
  shift
fi
# Names of files are those of where the command was given.
while (($#)); do
  case $1 in
    --save | --compare) options+=("$1" "$(realpath -m "${2:?$1 needs a file}")") ; shift 2 ;;
    *) echo "usage: goals.sh [quick] [--save FILE] [--compare FILE]" >&2 ; exit 2 ;;
  esac
done
cd "$(dirname "$0")/.."
bin=build/release
dir=build/bench/goals
shared=$(realpath -m ../shared)
mkdir -p "$dir"
trap 'rm -rf "$dir/sigma" "$dir/imported" "$dir/linux" "$dir/day.jsonl"' EXIT

# The public Sigma rules, and a capture of a day: rows that need them are left out where they are not.
if [[ -e $shared/sigma/sigmahq-rules.tar.gz ]]; then
  mkdir -p "$dir/sigma" "$dir/linux"
  tar -xzf "$shared/sigma/sigmahq-rules.tar.gz" -C "$dir/sigma"
  "$bin/src/detectctl" import sigma "$dir/sigma" --output "$dir/imported" >"$dir/import.log" 2>&1 || true
  (cd "$dir/imported" && find . -path '*/linux/*' -name '*.toml' -exec cp --parents {} ../linux \;)
  options+=(--sigma "$dir/imported" --linux "$dir/linux")
fi
if [[ -e $shared/data/ecs/admin-day-open.jsonl.gz ]]; then
  for _ in 1 2 3 4 5 6 7 8 9 10; do gzip -dc "$shared/data/ecs/admin-day-open.jsonl.gz"; done >"$dir/day.jsonl"
  options+=(--day "$dir/day.jsonl")
fi

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
virtual=$(grep -ow -m 1 hypervisor /proc/cpuinfo) || true
machine="${cpu:-unknown processor}, $(nproc) cores${virtual:+ of a virtual machine}, Linux $(uname -r | cut -d. -f1,2), g++ $(g++ -dumpfullversion)${quick:+, in a hurry}, load $(cut -d' ' -f1 /proc/loadavg), $(date -u +%Y-%m-%d)"
echo "machine: $machine"
"$bin/bench/detectd-bench" --dir "$dir" --detectd "$bin/src/detectd" --machine "$machine" "${options[@]}"
