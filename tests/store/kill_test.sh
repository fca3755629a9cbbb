#!/usr/bin/env bash
# TRUST 103: a replay that records is killed at random moments. Each time the database must be sound, and hold every hit that was
# printed: with --db a hit is printed only once it is stored. The moments are drawn from a fixed seed.
#   kill_test.sh DETECTD DETECTCTL GENERATE [ROUNDS]
set -euo pipefail
detectd=$1 detectctl=$2 generate=$3 rounds=${4:-50}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
RANDOM=20261120

"$generate" --events 6000 --pids 500 >"$work/events.jsonl"
cat >"$work/rules.toml" <<'RULE'
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
replay() { exec "$detectd" --replay "$work/events.jsonl" --rules "$work/rules.toml" --output json --quiet --db "$work/hits.db"; }

begin=$(date +%s%N)
(replay) >"$work/all"
whole_us=$((($(date +%s%N) - begin) / 1000))
all=$(grep -c '^{"type":"hit"' "$work/all")
rm "$work"/hits.*

cut_short=0
for ((round = 1; round <= rounds; ++round)); do
  # Most rounds go on with the database of the round before: half written, or with a spill beside it.
  ((round % 5)) || rm -f "$work"/hits.*
  (replay) >"$work/printed" &
  pid=$!
  us=$((RANDOM * 32768 + RANDOM)) us=$((us % whole_us))
  sleep "$(printf '%d.%06d' $((us / 1000000)) $((us % 1000000)))"
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || ((++cut_short))
  # The last line may be cut; a hit is acknowledged with its newline.
  sed -n 's/^{"type":"hit","id":"\([0-9a-f]*\)".*}$/\1/p' "$work/printed" | sort >"$work/acknowledged"
  [[ -e $work/hits.db && -s $work/hits.db ]] || {
    [[ ! -s $work/acknowledged ]] || { echo "round $round: hits were printed, and there is no database"; exit 1; }
    continue
  }
  "$detectctl" db check --db "$work/hits.db" >"$work/check" 2>&1 || {
    # A file that was just created may have no schema yet.
    grep -q 'D402' "$work/check" && [[ ! -s $work/acknowledged ]] && continue
    echo "round $round: db check:"; cat "$work/check"; exit 1
  }
  "$detectctl" db verify --db "$work/hits.db" >"$work/check" 2>&1 || { echo "round $round: db verify:"; cat "$work/check"; exit 1; }
  "$detectctl" hits list --db "$work/hits.db" --columns id --quiet --allow-incomplete | sort >"$work/stored"
  missing=$(comm -23 "$work/acknowledged" "$work/stored" | wc -l)
  ((missing == 0)) || { echo "round $round: $missing hits that were printed are not in the database"; exit 1; }
done
# What was left behind does not stand in the way of a whole run.
(replay) >"$work/printed"
stored=$("$detectctl" hits list --db "$work/hits.db" --columns id --quiet --allow-incomplete | grep -c '^[0-9a-f]\{32\}$')
((stored == all)) || { echo "a whole run after $rounds kills stored $stored of $all hits"; exit 1; }
((cut_short > 0)) || { echo 'no run was cut short: the test tests nothing'; exit 1; }
echo "$rounds rounds, $cut_short of them cut short, no printed hit missing"
