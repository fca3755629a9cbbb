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
# shellcheck source=bench/live/support.sh
source "$here/support.sh"
need_root
work=$(mktemp -d)
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
forked() { awk '$1 == "processes" {print $2}' /proc/stat; }

printf '%-12s %6s %7s\n' connections cpu forks
for connections in off on; do
  rules=(--rules "$here/../../rules")
  [[ $connections == off ]] || rules+=(--rules "$work/connections.toml")
  : >"$work/said"
  "$detectd" --config "$work/detectd.toml" "${rules[@]}" --no-db --output json >"$work/out" 2>"$work/said" &
  pid=$!
  until_watching "$work/said"
  # What it costs to begin is not what it costs to go on.
  "$storm" exec zzm 20 --rate 10 >"$work/storm"
  before=$(cpu_seconds "$pid") forks=$(forked)
  "$storm" exec zzm $((seconds * 10)) --rate 10 >"$work/storm"
  after=$(cpu_seconds "$pid") forks=$(($(forked) - forks))
  kill -TERM "$pid"
  wait "$pid" 2>/dev/null
  pid=
  awk -v a="$before" -v b="$after" -v s="$(jq .seconds "$work/storm")" -v f="$forks" -v c="$connections" \
    'BEGIN {printf "%-12s %6.2f %7.1f\n", c, 100 * (b - a) / s, f / s}'
done
