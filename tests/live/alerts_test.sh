#!/usr/bin/env bash
# Receivers of alerts that are gone while a daemon that is killed twice records hits: all of them arrive, in order, those
# that come twice with the same id.
#   alerts_test.sh DETECTD [HITS] [SECONDS]     default: 60 hits, as fast as they come; SECONDS is how long that takes
set -uo pipefail
detectd=$(realpath "$1")
hits=${2:-60} seconds=${3:-0}
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
mkfifo "$work/never"
chmod 755 "$work"
# shellcheck source=tests/live/support.sh
. "$here/support.sh"
need_live
for program in python3 openssl sqlite3; do
  command -v "$program" >/dev/null || skip_all "needs $program"
done

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
http_port=$(free_port) syslog_port=$(free_port)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=receiver \
  -addext 'subjectAltName=IP:127.0.0.1' -keyout "$work/key.pem" -out "$work/ca.pem" 2>/dev/null
cat >"$work/detectd.toml" <<TOML
[store]
path = "$work/hits.db"
spill = "$work/hits.spill"
[[alert]]
type = "webhook"
url = "http://127.0.0.1:$http_port/"
rules = ["marked"]
[[alert]]
type = "syslog"
url = "tls://127.0.0.1:$syslog_port"
ca_file = "$work/ca.pem"
rules = ["marked"]
[[alert]]
type = "journal"
path = "$work/journal"
rules = ["marked"]
[[alert]]
type = "json_file"
path = "$work/alerts.json"
rules = ["marked"]
TOML
cat >"$work/rule.toml" <<RULE
[[rule]]
id = "00000000-0000-4000-8000-000000000001"
name = "marked"
title = "A marked program"
level = "low"
on = "exec"
[rule.detection]
a."process.args" = "marked-for-alerts-$$"
condition = "a"
RULE

start() { start_daemon --rules "$work/rule.toml" --output none; }
ask() { sqlite3 "file:$work/hits.db?mode=ro" "$1" 2>/dev/null; }
marked() { ask "SELECT count(*) FROM hits WHERE rule = 'marked'"; }
stored() { (($(marked) >= $1)); }
told() { [[ $(ask "SELECT count(*) FROM sink WHERE settled_n >= (SELECT max(n) FROM hits WHERE rule = 'marked')") == 4 ]]; }
# provoke NUMBER: so many hits, in their part of the time.
provoke() {
  local i
  for ((i = 0; i < $1; ++i)); do
    /bin/true marked-for-alerts-$$
    ((seconds == 0)) || read -rt "$(awk "BEGIN {print $seconds / $hits}")" <>"$work/never" || true
  done
}

receivers=()
receive() { python3 "$here/receiver.py" "$@" & receivers+=("$!"); }
trap '[[ -z $daemon ]] || kill -KILL "$daemon"; kill "${receivers[@]}" 2>/dev/null; rm -rf "$work"' EXIT

part=$((hits / 3))
start || skip_all "the daemon does not start: $(tail -n 1 "$work/said")"
provoke "$part"
until_holds stored 1
stop_daemon KILL
start || flunk 'the daemon starts after the first SIGKILL'
provoke "$part"
until_holds stored $((part + 1))
stop_daemon KILL
receive http "$http_port" "$work/webhook.told"
receive syslog "$syslog_port" "$work/syslog.told" "$work/ca.pem" "$work/key.pem"
receive journal "$work/journal" "$work/journal.told"
until_there "$work/journal"
start || flunk 'the daemon starts after the second SIGKILL'
before=$(marked)
provoke "$part"
until_holds stored $((before + part)) || flunk "hits are stored while receivers are slow: $(marked)"
if until_holds told; then pass; else flunk "every sink is told all: $(ask 'SELECT * FROM sink')"; fi
stop_daemon TERM
if ((status == 0 || status == 6)); then pass; else flunk "the daemon ends with $status: $(tail -n 3 "$work/said")"; fi

jq -r 'select(.type == "hit") | "\(.n) \(.id)"' "$work/alerts.json" >"$work/json_file.told"
ask "SELECT n, id FROM hits WHERE rule = 'marked' ORDER BY n" | tr '|' ' ' >"$work/wanted"
for sink in webhook syslog journal json_file; do
  if diff <(sort -un -k 1,1 "$work/$sink.told") "$work/wanted" >"$work/diff"; then pass; else flunk "$sink is told every hit: $(head -n 5 "$work/diff")"; fi
  # Each with one id, and new ones in order: what is repeated was told before.
  if [[ $(sort -u "$work/$sink.told" | wc -l) == $(wc -l <"$work/wanted") ]]; then pass; else flunk "$sink: a hit that is told twice has one id"; fi
  if awk '!($1 in seen) {if ($1 < last) exit 1; last = $1; seen[$1] = 1}' "$work/$sink.told"; then pass; else flunk "$sink is told in order"; fi
  printf '%s: %d hits, %d told\n' "$sink" "$(wc -l <"$work/wanted")" "$(wc -l <"$work/$sink.told")"
done
finish
