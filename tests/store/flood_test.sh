#!/usr/bin/env bash
# TRUST 79: one rule hits a million times. With `suppress` that is a row an hour, each with how often, its first and its last;
# and nothing of it is missing in the digest over all hits.
#   flood_test.sh DETECTD DETECTCTL [EVENTS]
set -uo pipefail
detectd=$1 detectctl=$2 events=${3:-1000000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
verify() {  # WHAT COMMAND...
  local what=$1
  shift
  "$@" || { printf 'FAILED: %s\n' "$what"; ((++failed)); }
}

# 100 a second, of one program under ever new pids.
awk -v events="$events" 'BEGIN {
  for (i = 0; i < events; ++i) {
    s = int(i / 100)
    printf "{\"@timestamp\":\"2026-01-%02dT%02d:%02d:%02d.%03d000000Z\",\"event\":{\"action\":\"exec\"},\"process\":{\"pid\":%d,\"executable\":\"/bin/true\",\"name\":\"true\",\"args\":[\"true\"]}}\n",
      int(s / 86400) + 1, int(s / 3600) % 24, int(s / 60) % 60, s % 60, (i % 100) * 10, 1000 + i % 30000
  }
}' >"$work/flood.jsonl"
rule() {
  printf '[[rule]]\nid = "3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b79"\nname = "flood"\ntitle = "A flood"\nlevel = "low"\non = "exec"\n%s\n[rule.detection]\na."process.name" = "true"\ncondition = "a"\n' "$1"
}
rule 'suppress = { by = ["process.executable"], for = "1h" }' >"$work/suppressed.toml"
rule '' >"$work/plain.toml"
replay() { "$detectd" --replay "$work/flood.jsonl" --rules "$work/$1.toml" --output json --quiet "${@:2}"; }

replay suppressed --db "$work/hits.db" >"$work/told"
"$detectctl" hits list --db "$work/hits.db" --json --allow-incomplete 2>"$work/said" | jq -c 'select(.type == "hit")' >"$work/listed"
hours=$(((events + 359999) / 360000))
verify 'a row for each hour' test "$(wc -l <"$work/listed")" = "$hours"
verify 'which together count every hit' test "$(jq -s 'map(.count) | add' "$work/listed")" = "$events"
verify 'with the first' test "$(jq -r .first "$work/listed" | sort | head -n 1)" = 2026-01-01T00:00:00.000000000Z
verify 'and the last' test "$(jq -r .last "$work/listed" | sort | tail -n 1)" = "$(tail -n 1 "$work/flood.jsonl" | jq -r '."@timestamp"')"
digest() { tail -n 1 "$1" | jq -r .hits_digest; }
replay plain | tail -n 1 >"$work/plain"
verify 'the digest is that of all hits' test "$(digest "$work/told")" = "$(digest "$work/plain")"
((failed == 0)) && echo "5 passed"
exit $((failed != 0))
