#!/usr/bin/env bash
# TRUST 101: a file system of 1 MiB fills while a replay records. The spill takes what the database can not, nothing that was
# printed is lost, and all of it is in the database once there is room.
#   full_disk_test.sh DETECTD DETECTCTL GENERATE
set -euo pipefail
detectd=$1 detectctl=$2 generate=$3
skip() { printf 'skipped: %s\n0 passed, 0 failed, 1 skipped\n' "$1"; exit 0; }
((EUID == 0)) || skip 'needs root to mount a file system of 1 MiB'
work=$(mktemp -d)
mkdir "$work/disk"
mount -t tmpfs -o size=1m tmpfs "$work/disk" 2>/dev/null || { rm -rf "$work"; skip 'no tmpfs can be mounted here'; }
trap 'umount "$work/disk"; rm -rf "$work"' EXIT

"$generate" --events 120 --pids 30 >"$work/events.jsonl"
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
replay() { "$detectd" --replay "$work/events.jsonl" --rules "$work/rules.toml" --output json --db "$work/disk/hits.db"; }
fail() { echo "$1"; cat "$work/said"; exit 1; }

# Room for the reserve of the spill, an eighth, and a little for the database.
head -c $((660 << 10)) /dev/zero >"$work/disk/ballast"
status=0
replay >"$work/printed" 2>"$work/said" || status=$?
((status == 5)) || fail "the exit status was $status, not 5"
grep -q '^warning\[D405\]: .*the disk is full; .*hits go to .*hits\.spill' "$work/said" || fail 'nothing was said of the spill'
grep -q 'wait in .*hits\.spill' "$work/said" || fail 'nothing was said of hits that wait'
sed -n 's/^{"type":"hit","id":"\([0-9a-f]*\)".*}$/\1/p' "$work/printed" | sort >"$work/acknowledged"
[[ -s $work/acknowledged ]] || fail 'no hit was printed'
"$detectctl" db check --db "$work/disk/hits.db" >"$work/said" 2>&1 && fail 'db check does not tell of the spill'
grep -q 'wait in' "$work/said" || fail 'db check says something else'

rm "$work/disk/ballast"
replay >"$work/printed" 2>"$work/said" || fail 'a replay with room failed'
grep -q 'are in the database now' "$work/said" || fail 'the spill was not brought in'
"$detectctl" db check --db "$work/disk/hits.db" >"$work/said" 2>&1 || fail 'the database is not sound'
"$detectctl" hits list --db "$work/disk/hits.db" --columns id --quiet --allow-incomplete | sort >"$work/stored"
missing=$(comm -23 "$work/acknowledged" "$work/stored" | wc -l)
((missing == 0)) || fail "$missing hits that were printed are not in the database"
[[ ! -e $work/disk/hits.spill ]] || fail 'the spill was left behind'
echo "$(wc -l <"$work/acknowledged") hits printed on a full disk, none missing"
