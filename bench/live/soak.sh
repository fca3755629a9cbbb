#!/usr/bin/env bash
# A daemon that watches for a long time: ordinary work (git, compiler, find, tar, shells) with a storm each minute, and now
# and then something that the shipped rules are about. Its memory must stay where it was, nothing may be lost, and its
# complete capture, replayed, must give the same hits.
#   soak.sh DETECTD STORM [MINUTES]        as root
#
# A line a minute: resident memory in MiB, CPU seconds, threads, descriptors, events and hits so far.
set -uo pipefail
(($# >= 2)) || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
detectd=$(realpath "$1") storm=$(realpath "$2") minutes=${3:-30}
here=$(dirname "$(realpath "$0")")
((EUID == 0)) || { echo 'soak.sh: watching needs root' >&2; exit 1; }
[[ $minutes =~ ^[1-9][0-9]*$ ]] || { echo "soak.sh: minutes are a number, not $minutes" >&2; exit 2; }
work=$(mktemp -d "${TMPDIR:-/tmp}/soak.XXXXXX")
pid='' working=''
cleanup() {
  touch "$work/enough"
  [[ -z $working ]] || wait "$working"
  [[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' TERM INT

# Marked programs, so that a correlation has something to count.
cat >"$work/rules.toml" <<'RULES'
[[rule]]
id = "00000000-0000-4000-8000-000000000001"
name = "soak_mark"
title = "A marked program"
level = "low"
on = "exec"
[rule.detection]
a."process.name" = "true"
a."process.args" = "zzsoak"
condition = "a"

[[correlation]]
id = "00000000-0000-4000-8000-000000000002"
name = "soak_three_marks"
title = "Three marked programs in a minute"
level = "medium"
type = "event_count"
rules = ["soak_mark"]
group-by = ["process.user.id"]
timespan = "1m"
generate = true
condition.gte = 3
RULES
: >"$work/detectd.toml"
cp /bin/sh "$work/sh"
cp /usr/bin/env "$work/nginx"

# A project of ten files, its history, what compilers and shells do with it.
prepare_project() {
  mkdir "$work/project"
  local i
  for i in 0 1 2 3 4 5 6 7 8 9; do
    printf '#include <stdio.h>\nint f%d(void) { return printf("%d\\n"); }\n' "$i" "$i" >"$work/project/f$i.c"
  done
  # shellcheck disable=SC2016
  printf 'objects := $(patsubst %%.c,%%.o,$(wildcard *.c))\nall: lib.a\nlib.a: $(objects)\n\tar rc $@ $^\nclean:\n\trm -f *.o lib.a\n' >"$work/project/Makefile"
}
git_here() { git -C "$work/project" -c user.name=soak -c user.email=soak@localhost -c init.defaultBranch=main -c gc.auto=0 "$@"; }
ordinary_round() {
  local round=$1
  [[ -d $work/project/.git ]] || git_here init -q
  echo "$round" >"$work/project/round"
  git_here add -A && git_here commit -qm "round $round"
  git_here log --oneline | head -n 3
  git_here status --short
  make -s -C "$work/project" all
  make -s -C "$work/project" clean
  find /usr/share/doc -maxdepth 2 -name 'copyright' -newer /etc/passwd -exec basename {} \; | sort | uniq -c | tail -n 2
  tar -c -C "$work" project | gzip -1 | gunzip | tar -t | wc -l
  # shellcheck disable=SC2016
  sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do echo "$i" | sed "s/1/one/" | grep -c one; done | paste -sd+ | tr -d "\n"'
  for _ in 1 2 3; do /bin/true zzsoak; done
  # A web server's shell, by name.
  "$work/nginx" "$work/sh" -c 'true; true' || true
}
work_until_enough() {
  local round=0
  while [[ ! -e $work/enough ]]; do
    ordinary_round $((++round))
    sleep 1
  done
  echo "$round" >"$work/rounds"
}
storms=('exec zzm 4000 --parents 4' 'pipe zzm 400' 'bomb zzm 3000' 'chain zzm 600' 'exec zzm 3000 --rate 500')
storm_of() {  # MINUTE
  # shellcheck disable=SC2086
  timeout 60 "$storm" ${storms[$1 % ${#storms[@]}]} >/dev/null
}

# The lock of a daemon that runs on this host already is left alone.
unshare --mount --propagation private bash -c 'mkdir -p /run/detectd && mount -t tmpfs none /run/detectd && exec "$@"' - \
  "$detectd" --config "$work/detectd.toml" --rules "$here/../../rules" --rules "$work/rules.toml" --db "$work/hits.db" \
  --output json --capture "$work/capture.jsonl.zst" --capture-max 4MiB --stats >"$work/hits" 2>"$work/said" &
pid=$!
for ((i = 0; i < 200; ++i)); do
  grep -q 'watching with' "$work/said" && break
  kill -0 "$pid" 2>/dev/null || break
  sleep 0.1
done
grep -q 'watching with' "$work/said" || { cat "$work/said" >&2; exit 1; }

ticks=$(getconf CLK_TCK)
rss_mib() { awk '/^VmRSS/ {printf "%.1f\n", $2 / 1024}' "/proc/$pid/status"; }
cpu_s() { local stat; stat=$(<"/proc/$pid/stat"); read -r -a stat <<<"${stat##*) }"; awk -v t=$((stat[11] + stat[12])) -v k="$ticks" 'BEGIN {printf "%.1f\n", t / k}'; }

prepare_project
work_until_enough >/dev/null 2>"$work/complaints" &
working=$!
renice -n 5 "$working" >/dev/null
printf '%6s %8s %8s %8s %6s %9s %6s\n' minute rss peak cpu files captured hits
for ((minute = 1; minute <= minutes; ++minute)); do
  next=$((SECONDS + 60))
  storm_of "$minute"
  # Three looks a minute, the median of which counts: not the moment behind a storm.
  for look in 1 2 3; do
    until ((SECONDS >= next - 60 + look * 20)); do sleep 1; done
    kill -0 "$pid" 2>/dev/null || { echo "detectd ended after $minute minutes" >&2; tail -n 20 "$work/said" >&2; exit 1; }
    rss_mib
  done | sort -g | sed -n 2p >>"$work/rss"
  kill -0 "$pid" 2>/dev/null || exit 1
  printf '%6d %8s %8s %8s %6d %9s %6d\n' "$minute" "$(tail -n 1 "$work/rss")" "$(awk '/^VmHWM/ {printf "%.1f", $2 / 1024}' "/proc/$pid/status")" \
    "$(cpu_s)" "$(find "/proc/$pid/fd" -type l | wc -l)" "$(cat "$work"/capture*.zst | wc -c)" "$(grep -c '"type":"hit"' "$work/hits")"
done
touch "$work/enough"
wait "$working"
working=
kill -TERM "$pid"
wait "$pid"
status=$?
pid=

failures=0
must() {  # WHAT COMMAND...
  if "${@:2}"; then echo "ok: $1"; else echo "NOT: $1"; ((++failures)); fi
}
digest() { tail -n 1 "$1" | jq -r .hits_digest; }
live=$(digest "$work/hits")
"$detectd" --config "$work/detectd.toml" --replay "$work"/capture*.zst --rules "$here/../../rules" --rules "$work/rules.toml" --output json \
  --allow-incomplete >"$work/again" 2>"$work/said.again"
again=$(digest "$work/again")
hits=$(grep -c '"type":"hit"' "$work/hits")
correlations=$(grep '"type":"hit"' "$work/hits" | grep -c '"name":"soak_three_marks"')
lost=$(tail -n 1 "$work/hits" | jq '.lost // 0')
# The first third is for filling tables and caches; that of the database, up to 8 MiB, goes on as it grows.
read -r early late < <(awk -v n="$minutes" 'NR > n / 3 && NR <= 2 * n / 3 {a += $1; ++i} NR > 2 * n / 3 {b += $1; ++j} END {printf "%.1f %.1f\n", a / (i ? i : 1), b / j}' "$work/rss")
echo
echo "events: $(zstd -dc "$work"/capture*.zst | wc -l), of these execs $(zstd -dc "$work"/capture*.zst | grep -c '"action":"exec"'); parts of the capture: $(find "$work" -name 'capture*.zst' | wc -l); rounds of work: $(cat "$work/rounds" 2>/dev/null)"
must "the daemon ended in order, with $status" test "$status" = 0
must "$lost events lost" test "$lost" = 0
((minutes < 6)) || must "memory is flat: $early MiB in the second third, $late in the last" awk -v a="$early" -v b="$late" 'BEGIN {exit !(b <= a * 1.1 + 1)}'
must "$hits hits, at least 20" test "$hits" -ge 20
must "$correlations of them of a correlation" test "$correlations" -ge 1
must "digests: live $live, replayed $again" test "${live/null/}" = "$again"
jq -r 'select(.type == "hit") | .rule.name' "$work/hits" | sort | uniq -c | sort -rn | head -n 20
((failures == 0)) || head -n 60 "$work/said"
((failures == 0))
