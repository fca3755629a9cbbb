#!/usr/bin/env bash
# Receivers of alerts that are gone, or stopped, while a daemon that is killed twice records hits: all of them arrive, in
# order, those that come twice with the same id; and the loop that judges takes no longer than with receivers that answer.
#   alerts_test.sh DETECTD DETECTCTL [HITS] [SECONDS]
# So many hits while receivers are down, within so many seconds (default: 60, as fast as they come), and a third more with
# all of them up. `./dev bench alerts` is 5,000 in ten minutes.
set -uo pipefail
detectd=$(realpath "$1") detectctl=$(realpath "$2")
hits=${3:-60} seconds=${4:-0}
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
mkfifo "$work/never"
chmod 755 "$work"
# shellcheck source=tests/live/support.sh
. "$here/support.sh"
need_live
for program in python3 openssl sqlite3 jq; do
  command -v "$program" >/dev/null || skip_all "needs $program"
done

# A directory of our own for the lock: for minutes nobody else should have to wait for it.
prefix=(unshare --mount --propagation private bash -c 'mkdir -p /run/detectd && mount -t tmpfs none /run/detectd && exec "$@"' -)
"${prefix[@]}" true 2>/dev/null || prefix=()

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
http_port=$(free_port) syslog_port=$(free_port)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=receiver \
  -addext 'subjectAltName=IP:127.0.0.1' -keyout "$work/key.pem" -out "$work/ca.pem" 2>/dev/null
cat >"$work/detectd.toml" <<TOML
[control]
path = "$work/control"
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
[[alert]]
type = "command"
command = ["/bin/sh", "-c", "cat >>$work/open/command.told"]
user = "nobody"
level = "critical"
[[alert]]
type = "unix_socket"
path = "$work/lines"
level = "critical"
TOML
mkdir -m 777 "$work/open"
# Whatever else runs here meanwhile.
mark=marked-for-alerts-$$
cat >"$work/rule.toml" <<RULE
[[rule]]
id = "00000000-0000-4000-8000-000000000001"
name = "marked"
title = "A marked program"
level = "low"
on = "exec"
[rule.detection]
a."process.args" = "$mark"
condition = "a"
RULE

start() { start_daemon --rules "$work/rule.toml" --output none; }
ask() { sqlite3 "file:$work/hits.db?mode=ro" "$1" 2>/dev/null; }
marked() { ask "SELECT count(*) FROM hits WHERE rule = 'marked'"; }
stored() { (($(marked) >= $1)); }
# One that ended before it was read is no hit; so another is run.
stored_at_last() { stored "$1" || { /bin/true "$mark"; return 1; }; }
told() { [[ $(ask "SELECT count(*) FROM sink WHERE settled_n >= (SELECT max(n) FROM hits WHERE rule = 'marked')") == 6 ]]; }
pause=$(awk "BEGIN {print $seconds / $hits}")
# provoke NUMBER: so many hits, in their part of the time; then all of them are stored.
provoke() {
  local i before
  before=$(marked)
  for ((i = 0; i < $1; ++i)); do
    /bin/true "$mark"
    ((seconds == 0)) || read -rt "$pause" <>"$work/never" || true
  done
  until_holds stored_at_last "$((${before:-0} + $1))" || flunk "hits are stored, however receivers fare: $(marked) of $((before + $1))"
}
# note_turns NAME: what the daemon tells of its loop so far.
note_turns() {
  until_there "$work/control"
  "$detectctl" status --json --socket "$work/control" 2>/dev/null |
    jq -r --arg name "$1" '.counts | [$name, ."turns of judging", ."half of turns within us", ."99 % of turns within us", ."longest turn in us"] | @tsv' >>"$work/turns"
}
slowest() { awk -F'\t' -v name="$1" '$1 ~ name && $4 > most {most = $4} END {print most + 0}' "$work/turns"; }
json_lines() { (($(grep -c '"type":"hit"' "$work/alerts.json") >= $(marked))); }

receivers=()
receive() { python3 "$here/receiver.py" "$@" & receivers+=("$!"); }
trap '[[ -z $daemon ]] || kill -KILL "$daemon"; kill -CONT "${receivers[@]}" 2>/dev/null; kill "${receivers[@]}" 2>/dev/null; rm -rf "$work"' EXIT

# A journald that stopped: its socket is there, and nobody reads.
receive journal "$work/journal" "$work/journal.told"
journal=$!
until_there "$work/journal"
kill -STOP "$journal"
part=$((hits / 3))
began=$(date +%s)
start || skip_all "the daemon does not start: $(tail -n 1 "$work/said")"
provoke "$part"
note_turns 'down 1'
stop_daemon KILL
start || flunk 'the daemon starts after the first SIGKILL'
provoke "$part"
note_turns 'down 2'
stop_daemon KILL
start || flunk 'the daemon starts after the second SIGKILL'
provoke "$((hits - 2 * part))"
note_turns 'down 3'
if until_holds json_lines; then pass; else flunk 'TRUST 80: receivers that are down delay no other'; fi
printf 'receivers were down for %d s of %d hits\n' "$(($(date +%s) - began))" "$(marked)"

receive http "$http_port" "$work/webhook.told"
receive syslog "$syslog_port" "$work/syslog.told" "$work/ca.pem" "$work/key.pem"
receive lines "$work/lines" "$work/lines.told"
kill -CONT "$journal"
# What waits longer is tried more seldom, up to every five minutes.
began=$(date +%s) patience=$((40 + seconds))
if until_holds told; then pass; else flunk "every sink is told all: $(ask 'SELECT * FROM sink')"; fi
printf 'all was told %d s after they came back\n' "$(($(date +%s) - began))"
patience=20
stop_daemon TERM
if ((status == 0 || status == 6)); then pass; else flunk "the daemon ends with $status: $(tail -n 3 "$work/said")"; fi

start || flunk 'the daemon starts with receivers that are up'
provoke "$part"
note_turns up
if until_holds told; then pass; else flunk "every sink is told what comes while it is up: $(ask 'SELECT * FROM sink')"; fi
timeout 120 "$detectctl" selftest --socket "$work/control" --detectd "$detectd" >"$work/selftest" 2>&1 </dev/null
for kind in webhook syslog journal json_file command unix_socket; do
  if grep -q "^alerts  *ok  *$kind ($kind) has it after" "$work/selftest"; then pass; else flunk "a self-test follows its hit to $kind: $(<"$work/selftest")"; fi
done
if grep -q '"detectd.selftest"' "$work/open/command.told"; then pass; else flunk 'a command is told of a self-test, whatever its level'; fi
stop_daemon TERM
printf 'turns of judging: receivers, turns, half within us, 99 %% within us, longest us\n'
cat "$work/turns"
if (($(wc -l <"$work/turns") == 4)); then pass; else flunk 'the daemon tells how long its turns are'; fi
# Of few turns the slowest is one in a hundred, which whatever else runs here decides.
if ((seconds == 0)); then
  :
elif (($(slowest down) <= 2 * $(slowest up) + 1000)); then
  pass
else
  flunk 'TRUST 80: receivers that are down make the loop no slower'
fi

jq -r 'select(.type == "hit") | "\(.n) \(.id)"' "$work/alerts.json" >"$work/json_file.told"
ask "SELECT n, id FROM hits WHERE rule IN ('marked', 'detectd.selftest') ORDER BY n" | tr '|' ' ' >"$work/wanted"
for sink in webhook syslog journal json_file; do
  if diff <(sort -un -k 1,1 "$work/$sink.told") "$work/wanted" >"$work/diff"; then pass; else flunk "$sink is told every hit: $(head -n 5 "$work/diff")"; fi
  # Each with one id, and new ones in order: what is repeated was told before.
  if [[ $(sort -u "$work/$sink.told" | wc -l) == $(wc -l <"$work/wanted") ]]; then pass; else flunk "$sink: a hit that is told twice has one id"; fi
  if awk '!($1 in seen) {if ($1 < last) exit 1; last = $1; seen[$1] = 1}' "$work/$sink.told"; then pass; else flunk "$sink is told in order"; fi
  printf '%s: %d hits, %d told\n' "$sink" "$(wc -l <"$work/wanted")" "$(wc -l <"$work/$sink.told")"
done
finish
