#!/usr/bin/env bash
# Connections that are polled beside the connector, and watching by polling /proc alone.
#   sources_test.sh DETECTD ATTACK
# `A && pass || flunk`: pass never fails. Texts for other shells stand in single quotes.
# shellcheck disable=SC2015,SC2119
set -uo pipefail
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
mkfifo "$work/never"
chmod 755 "$work"
cp "$1" "$work/detectd" && detectd=$work/detectd
cp "$2" "$work/listener"
# shellcheck source=tests/live/support.sh
. "$here/support.sh"
need_live
: >"$work/detectd.toml"

rule() {  # rule KINDS FIELD VALUE
  printf '[[rule]]\nid = "11111111-2222-4333-8444-555555555501"\nname = "wanted"\ntitle = "Wanted"\nlevel = "low"\non = %s\n[rule.detection]\nwanted."%s" = %s\ncondition = "wanted"\n' "$@"
}
# hit EXPRESSION: in jq, of one of the hits.
hit() { jq -ne "[inputs | select(.type == \"hit\")] | any(.[]; $1)" "$work/hits" >/dev/null 2>&1; }
# until_hit COMMAND CHECK...: runs the command again and again, at most 20 s, until the check holds.
until_hit() {
  local i
  for ((i = 0; i < 200; ++i)); do
    eval "$1"
    read -rt 0.1 <>"$work/never" || true
    "${@:2}" && return
  done
  return 1
}

rule '["connection_attempted"]' destination.port 45672 >"$work/rule.toml"
start_daemon --no-db --rules "$work/rule.toml" --output json || flunk 'the daemon does not start'
polled_connection=".event.process.pid == $$ and .event.detectd.source == \"sock_diag\" and (.lineage | length > 0)"
until_hit 'exec 3<>/dev/udp/127.0.0.1/45672' hit "$polled_connection" &&
  pass || flunk 'a connection is a hit, with its process and the lineage of that'
exec 3<&-
stop_daemon

start_daemon --no-db --rules "$work/rule.toml" --output json --source procfs --capture "$work/polled.jsonl" || flunk 'the daemon does not poll'
until_hit 'exec 3<>/dev/udp/127.0.0.1/45672' hit "$polled_connection" &&
  pass || flunk 'a connection is a hit with --source procfs too, with its process'
exec 3<&-
stop_daemon
live=$(tail -n 1 "$work/hits" | jq -r .hits_digest)
again=$("$detectd" --replay "$work/polled.jsonl" --rules "$work/rule.toml" --output json --allow-incomplete 2>"$work/replay" | tail -n 1 | jq -r .hits_digest)
[[ -n ${live/null/} && $live == "$again" ]] && pass || flunk "what was polled, live $live, its capture replayed $again"

rule '["connection_accepted"]' process.name '"listener"' >"$work/rule.toml"
mkfifo "$work/hold"
listeners=()
# Each accepts one connection, and keeps it until all may end. Those that come before the first look are no news.
listen() { "$work/listener" reverse-shell zzaccepted <"$work/hold" {hold}>&- >/dev/null 2>&1 & listeners+=("$!"); }
accepted() {
  hit ".event.event.action == \"connection_accepted\" and (.event.process.pid | IN($(IFS=,; echo "${listeners[*]}"))) and .event.source.ip == \"127.0.0.1\" and .event.detectd.source == \"sock_diag\""
}
for source in auto procfs; do
  listeners=()
  exec {hold}<>"$work/hold"
  start_daemon --no-db --rules "$work/rule.toml" --output json --source "$source" || flunk "the daemon does not start with --source $source"
  until_hit listen accepted &&
    pass || { flunk "an accepted connection is a hit, with its process, with --source $source"; head -n 2 "$work/hits"; }
  exec {hold}>&-
  # It has what was open when it was started.
  stop_daemon
  wait "${listeners[@]}"
done

unshare -pf true 2>/dev/null && {
  unshare -pf "$detectd" --config "$work/detectd.toml" --no-db --rules "$work/rule.toml" 2>"$work/said"
  [[ $? == 5 ]] && grep -q -- '--source procfs' "$work/said" && pass || flunk 'TRUST 88: who can not see the host is told of polling'
} || skip 'TRUST 88: no pid namespace of our own'

command -v setpriv >/dev/null || { skip 'needs setpriv to watch as an ordinary user'; finish; exit; }
as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
cp "$(command -v sleep)" "$work/nap"
printf '#!/bin/sh\nexec %s %s "$@"\n' "${as_nobody[*]}" "$work/detectd" >"$work/unprivileged" && chmod 755 "$work/unprivileged"
detectd=$work/unprivileged
rule '["exec", "end"]' process.name '"nap"' >"$work/rule.toml"
"$detectd" --config "$work/detectd.toml" --no-db --rules "$work/rule.toml" 2>"$work/said"
[[ $? == 5 ]] && grep -q -- '--source procfs' "$work/said" && pass || flunk 'an ordinary user is told of polling'
start_daemon --no-db --rules "$work/rule.toml" --output json --source procfs || flunk 'an ordinary user can not poll'
until_said 'polling /proc every 100 ms' && pass || flunk 'polling says what it does not see'
# One that was there at the first look has only an end.
until_hit "${as_nobody[*]} $work/nap 0.5" hit '.event.process.args[1]? == "0.5" and .event.process.user.id == 65534' &&
  pass || { flunk 'polling sees a process of its user'; head -n 3 "$work/hits"; }
stop_daemon
[[ $status == 6 ]] && pass || flunk "what was polled is incomplete: status $status"
jq -e -s '.[0].type == "lost" and .[0].event.event.reason == "polling"' "$work/hits" >/dev/null && pass ||
  flunk 'polling begins with a loss that nobody can count'
finish
