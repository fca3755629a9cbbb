#!/usr/bin/env bash
# What it costs to watch a host on which little happens: detectd with the shipped rules while ten programs a second begin,
# without and with a rule that asks for connections.
#   idle.sh DETECTD STORM [SECONDS]        as root; of each of the two, 300 by default
#
# cpu     of one processor, in percent
# forks   a second, of the host, those of others too
set -uo pipefail
(($# >= 2)) || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
detectd=$(realpath "$1") storm=$(realpath "$2") seconds=${3:-300}
here=$(dirname "$(realpath "$0")")
((EUID == 0)) || { echo 'idle.sh: watching needs root' >&2; exit 1; }
work=$(mktemp -d)
pid=
trap '[[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null; rm -rf "$work"' EXIT
: >"$work/detectd.toml"
cat >"$work/connections.toml" <<'RULE'
[[rule]]
id = "00000000-0000-4000-8000-000000000001"
name = "far_port"
title = "far_port"
level = "low"
on = ["connection_attempted", "connection_accepted"]
[rule.detection]
a."destination.port" = 1
condition = "a"
RULE
ticks=$(getconf CLK_TCK)
used() {
  local stat
  stat=$(<"/proc/$pid/stat")
  read -r -a stat <<<"${stat##*) }"
  echo $((stat[11] + stat[12]))
}
forked() { awk '$1 == "processes" {print $2}' /proc/stat; }

printf '%-12s %6s %7s\n' connections cpu forks
for connections in off on; do
  rules=(--rules "$here/../../rules")
  [[ $connections == off ]] || rules+=(--rules "$work/connections.toml")
  : >"$work/said"
  "$detectd" --config "$work/detectd.toml" "${rules[@]}" --no-db --output json >"$work/out" 2>"$work/said" &
  pid=$!
  until grep -q 'watching with' "$work/said"; do kill -0 "$pid" 2>/dev/null || { cat "$work/said"; exit 1; }; sleep 0.1; done
  # What it costs to begin is not what it costs to go on.
  "$storm" exec zzm 20 --rate 10 >"$work/storm"
  before=$(used) forks=$(forked)
  "$storm" exec zzm $((seconds * 10)) --rate 10 >"$work/storm"
  after=$(used) forks=$(($(forked) - forks))
  kill -TERM "$pid"
  wait "$pid" 2>/dev/null
  pid=
  awk -v t=$((after - before)) -v k="$ticks" -v s="$(jq .seconds "$work/storm")" -v f="$forks" -v c="$connections" \
    'BEGIN {printf "%-12s %6.2f %7.1f\n", c, 100 * t / k / s, f / s}'
done
