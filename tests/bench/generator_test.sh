#!/usr/bin/env bash
# The generator keeps its word: every event it made for a rule hits that rule and no other, and nothing else hits.
set -euo pipefail
detectd=$1
generate=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# With few pids, so that they are reused all the time; 200 events for 100 rules.
"$generate" --rules 100 >"$dir/rules.toml"
"$generate" --events 20050 --pids 64 --hit-share 0.01 --hit-rules 100 >"$dir/events.jsonl"
"$detectd" --replay "$dir/events.jsonl" --rules "$dir/rules.toml" --output json --no-db >"$dir/hits.jsonl"

jq -r 'select(.type == "hit") | .rule.name' "$dir/hits.jsonl" | sort | uniq -c | sed 's/^ *//' >"$dir/got"
for rule in {0..99}; do printf '2 generated_%05d\n' "$rule"; done >"$dir/want"
diff -u "$dir/want" "$dir/got"

jq -ce 'select(.type == "summary") | [.events, .hits, .skipped, .complete]' "$dir/hits.jsonl" >"$dir/got"
echo '[20050,200,0,true]' >"$dir/want"
diff -u "$dir/want" "$dir/got"
