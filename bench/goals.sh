#!/usr/bin/env bash
# The goals for speed, and what this build reaches on this machine.
#   goals.sh [quick] [--save FILE] [--compare FILE]
set -euo pipefail

options=()
if [[ ${1:-} == quick ]]; then
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
mkdir -p "$dir"

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
echo "machine: ${cpu:-unknown processor}, $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), Linux $(uname -r), $(g++ --version | head -n 1)"
"$bin/bench/detectd-bench" --dir "$dir" --detectd "$bin/src/detectd" "${options[@]}"
