#!/usr/bin/env bash
# The rules that are found by their keys, on any number of threads, give the hits of the plain evaluator, which asks each
# rule by itself of every event: on generated events, captures, and events made to be hostile to the rules.
#
#   same_hits.sh PROGRAMS            what fits into a test
#   same_hits.sh PROGRAMS --full     14,000 rules (10,000 generated, the shipped, the public Sigma rules) and the shipped
#                                    ones on the captures of ../shared, a million events with 1,000 rules, the Sigma
#                                    rules for Linux on ten million events: a quarter of an hour and 9 GB in TMPDIR
#
# PROGRAMS: a build directory. What needs ../shared beside the repository is skipped where that is absent.
set -euo pipefail
build=$(realpath -e "$1")
full=${2:-}
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
shared=$(realpath -m "$root/../shared")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0 skipped=0

# same WHAT RULES HOSTILE_EVENTS CAPTURE...
# That nothing matched in any of the captures would be the same, too, and say nothing.
same() {
  local what=$1 rules=$2 hostile=$3 digest capture threads told got hits=0 good=1
  shift 3
  "$build/tests/detectd-compare" "$rules" "$hostile" "$@" >"$dir/plain" || good=0
  while read -r digest capture; do
    [[ $digest != - ]] || { echo "$what: $capture has too many hits for a digest"; good=0; }
    [[ $digest =~ ^[0-9a-f]{64}$ ]] || continue
    for threads in 1 2 4; do
      told=$("$build/src/detectd" --replay "$capture" --rules "$rules" --output json --no-db --threads "$threads" 2>/dev/null |
        tail -n 1) || true
      got=$(sed -n 's/.*"hits_digest":"\([0-9a-f]*\)".*/\1/p' <<<"$told")
      hits=$((hits + $(sed -n 's/.*"type":"summary","events":[0-9]*,"hits":\([0-9]*\),.*/\1/p' <<<"$told") + 0))
      [[ $got == "$digest" ]] || { echo "$what: $capture on $threads threads: $got instead of $digest"; good=0; }
    done
  done <"$dir/plain"
  ((hits > 0)) || { echo "$what: no capture has a hit, so nothing is shown"; good=0; }
  echo "$what: $(tail -n 1 "$dir/plain")"
  if ((good)); then ((++passed)); else ((++failed)); fi
}

events=20000 rules=300 hostile=200
if [[ $full == --full ]]; then events=1000000 rules=1000 hostile=2000; fi
"$build/bench/detectd-generate" --rules "$rules" >"$dir/rules.toml"
"$build/bench/detectd-generate" --events "$events" --hit-rules "$rules" >"$dir/events.jsonl"
same "$rules rules on generated events" "$dir/rules.toml" "$hostile" "$dir/events.jsonl"
same 'the shipped rules on the examples' "$root/rules" "$hostile" "$root"/examples/captures/*.jsonl*

if [[ $full == --full && -d $shared/data ]]; then
  mapfile -t captures < <(find "$shared/data" -name '*.jsonl*' | sort)
  mkdir "$dir/sigma"
  tar -xzf "$shared/sigma/sigmahq-rules.tar.gz" -C "$dir/sigma"
  "$build/src/detectctl" import sigma "$dir/sigma" --output "$dir/imported" >"$dir/told" 2>&1 || true
  # Generated rules alone hold for no event that was recorded.
  mkdir "$dir/many"
  cp -r "$root/rules" "$dir/many/shipped"
  cp -r "$dir/imported" "$dir/many/imported"
  "$build/bench/detectd-generate" --rules 10000 >"$dir/many/generated.toml"
  usable=()
  for capture in "${captures[@]}"; do
    "$build/src/detectd" --replay "$capture" --rules "$root/rules" --output none --no-db --quiet >"$dir/told" 2>&1 && usable+=("$capture")
  done
  same 'the shipped rules on all captures' "$root/rules" 2000 "${usable[@]}"
  same 'the public Sigma rules on their captures' "$dir/imported" 2000 "$shared"/sigma/corpus-*.jsonl.gz
  same 'all of them and 10,000 generated ones on all captures' "$dir/many" 200 "${usable[@]}" "$shared"/sigma/corpus-*.jsonl.gz
  mkdir "$dir/linux"
  (cd "$dir/imported" && find . -path '*/linux/*' -name '*.toml' -exec cp --parents {} "$dir/linux" \;)
  rm "$dir/events.jsonl"
  "$build/bench/detectd-generate" --events 10000000 >"$dir/events.jsonl"
  same 'the public Sigma rules for Linux on ten million events' "$dir/linux" 2000 "$dir/events.jsonl"
elif [[ $full == --full ]]; then
  echo "skipped: $shared is not there"
  ((++skipped))
fi

printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
((failed == 0))
