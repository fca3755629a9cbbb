#!/usr/bin/env bash
# How much of known attacks the shipped rules see, and how little of ordinary work. Needs ../shared beside the repository
# (command lines by source, a capture of a day of administration), which is not part of it; skipped where that is absent.
#
#   detection_rates.sh PROGRAMS [RULES]    PROGRAMS is the directory of both programs; the rules are the shipped ones
set -euo pipefail
programs=$1
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
rules=${2:-$root/rules}
corpus=$(realpath -m "$root/../shared/sigma/corpus-open.jsonl.gz")
day=$(realpath -m "$root/../shared/data/ecs/admin-day-open.jsonl.gz")
for file in "$corpus" "$day"; do
  [[ -f $file ]] || { echo "skipped: $file is not there"; echo '0 passed, 0 failed, 4 skipped'; exit 0; }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0

# share WHAT HITS OF least|most PERCENT
share() {
  local mark=''
  if { [[ $4 == least ]] && ((100 * $2 >= $5 * $3)); } || { [[ $4 == most ]] && ((100 * $2 <= $5 * $3)); }; then
    ((++passed))
  else
    ((++failed))
    mark='  FAILED'
  fi
  awk -v what="$1" -v hits="$2" -v of="$3" -v bound="at $4 $5 %" -v mark="$mark" \
    'BEGIN { printf "%-49s %3d of %d, %.1f %% (%s)%s\n", what, hits, of, 100 * hits / of, bound, mark }'
}

# Each line of the corpus is a case of its own: two hours between them keep one from being folded into another.
zcat "$corpus" | jq -c '. + {"@timestamp": (input_line_number * 7200 | todate)}' >"$dir/corpus.jsonl"
"$programs/detectd" --replay "$dir/corpus.jsonl" --rules "$rules" --output json --no-db --quiet >"$dir/hits" 2>"$dir/messages" || {
  cat "$dir/messages" >&2
  exit 1
}

# lines SOURCE KIND: how many there are.  hit SOURCE KIND [high]: how many of them are hit.
lines() { jq -r --arg source "$1" --arg kind "$2" 'select(."label.source" == $source and ."label.kind" == $kind) | 1' "$dir/corpus.jsonl" | wc -l; }
hit() {
  jq -r --arg source "$1" --arg kind "$2" --arg level "${3:-}" 'select(.type == "hit")
    | select(.event."label.source" == $source and .event."label.kind" == $kind)
    | select($level == "" or (.rule.level | IN("high", "critical"))) | .capture.line' "$dir/hits" | sort -u | wc -l
}
attacks=$(lines atomic-red-team attack)
benign=$(lines live-trace benign-capture)
share 'attacks of Atomic Red Team, at any level' "$(hit atomic-red-team attack)" "$attacks" least 40
share 'attacks of Atomic Red Team, high or critical' "$(hit atomic-red-team attack high)" "$attacks" least 12
share 'command lines of ordinary work, high or critical' "$(hit live-trace benign-capture high)" "$benign" most 1

"$programs/detectd" --replay "$day" --rules "$rules" --output json --no-db --quiet >"$dir/day" 2>"$dir/messages" || {
  cat "$dir/messages" >&2
  exit 1
}
jq -r 'select(.type == "hit" and (.rule.level | IN("high", "critical")) and .event.labels.phase != "audit-tools")
  | [.["@timestamp"], .rule.level, .rule.name, .event.labels.phase, .event.process.command_line] | @tsv' "$dir/day" >"$dir/alarms"
if (($(wc -l <"$dir/alarms") <= 20)); then ((++passed)); else ((++failed)); fi
printf 'a day of administration: %d hits, %d high or critical outside audit-tools (<= 20)\n' \
  "$(jq -r 'select(.type == "hit") | 1' "$dir/day" | wc -l)" "$(wc -l <"$dir/alarms")"
cat "$dir/alarms"

printf '%d passed, %d failed, 0 skipped\n' "$passed" "$failed"
((failed == 0))
