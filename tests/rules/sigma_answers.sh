#!/usr/bin/env bash
# The public Sigma rules, imported, give the answers that two other evaluators agree on. Needs ../shared/sigma beside the
# repository (rules, captures, answers), which is not part of it; skipped where that is absent.
set -euo pipefail
programs=$1
shared=$(realpath -m "$(dirname "${BASH_SOURCE[0]}")/../../../shared/sigma")
[[ -d $shared ]] || { echo "skipped: $shared is not there"; echo '0 passed, 0 failed, 5 skipped'; exit 0; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0

verdict() {
  if [[ $2 == "$3" ]]; then
    ((++passed))
  else
    printf '%s:\n  expected: %s\n  got:      %s\n' "$1" "$2" "$3"
    ((++failed))
  fi
}

mkdir "$dir/sigma"
tar -xzf "$shared/sigmahq-rules.tar.gz" -C "$dir/sigma"
status=0
"$programs/detectctl" import sigma "$dir/sigma" --output "$dir/rules" --json >"$dir/report" || status=$?
verdict 'all rules are converted but those with placeholders that lack a list' \
  '6 [3755,25,3755] ["D038"]' \
  "$status $(jq -ce 'select(.type == "summary") | [.rules, .refused, .files]' "$dir/report") $(
    jq -sc 'map(select(.type == "mistake").code) | unique' "$dir/report")"

status=0
"$programs/detectd" --check --rules "$dir/rules" >"$dir/check" 2>/dev/null || status=$?
verdict 'all converted rules load' '0 checked 3,755 rules: 0 errors' "$status $(head -n 1 "$dir/check" | cut -d, -f1,2)"

# answers CAPTURE ANSWERS PRODUCT: the capture's hits of that product's rules about started processes, as `rule id, event
# number from 0`. Rules of other products see events that do not name theirs; the answers do not speak of them.
answers() {
  grep -rlE "^logsource = \{ category = \"process_creation\", product = \"$3\"" "$dir/rules" | xargs sed -n 's/^id = "\(.*\)"/\1/p' |
    sort >"$dir/ids"
  "$programs/detectd" --replay "$shared/$1" --rules "$dir/rules" --output json --no-db 2>/dev/null |
    jq -r 'select(.type == "hit") | "\(.rule.id)\t\(.capture.line - 1)"' | sort | join -t $'\t' - "$dir/ids" >"$dir/got" || true
  sort "$shared/$2" >"$dir/want"
  verdict "$1 against $2" "$(wc -l <"$dir/want") matches, 0 missing, 0 too many" \
    "$(wc -l <"$dir/got") matches, $(comm -23 "$dir/want" "$dir/got" | wc -l) missing, $(comm -13 "$dir/want" "$dir/got" | wc -l) too many"
}
answers corpus-open.jsonl.gz expected-linux-open.tsv linux
answers corpus-witness-linux.jsonl.gz expected-witness-linux.tsv linux
answers corpus-windows.jsonl.gz expected-windows.tsv windows

printf '%d passed, %d failed, 0 skipped\n' "$passed" "$failed"
((failed == 0))
