#!/usr/bin/env bash
# The examples of the manual pages, run as they stand there: commands (`$ ...`) over captures of examples/, and the items of
# rules that detectd-rules(5) shows. An example that the table below does not know fails, so does a row that no page has.
#   examples_test.sh PROGRAMS    the directory of both programs
set -uo pipefail
programs=$(realpath -e "$1") || exit 2
root=$(realpath -e "$(dirname "${BASH_SOURCE[0]}")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
export TZ=UTC LC_ALL=C SOURCE_DATE_EPOCH=1795348800 COLUMNS=120

# What the examples speak of: where it comes from.
captures=$root/examples/captures
cp -r "$root/rules" rules
gzip -c "$captures/web-to-root.jsonl" >web01.jsonl.gz
gzip -c "$captures/ptrace-root.jsonl" >web02.jsonl.gz
zstd -q "$captures/web-to-root.jsonl" -o web01.jsonl.zst 2>/dev/null || cp "$captures/web-to-root.jsonl" web01.jsonl.zst
cp "$captures/admin-hour.jsonl.zst" clean.jsonl.zst
mkdir -p sigma/rules etc/detectd/rules
cp -r "$root/tests/golden/detectctl_import_sigma/sigma/linux" sigma/rules/
sed 's/%admins%/%Administrators%/' "$root/tests/golden/detectctl_import_sigma_refused/sigma/placeholder.yml" >sigma/rules/placeholder.yml
echo root >admins.txt
"$programs/detectd" --replay web01.jsonl.gz --rules rules --db hits.db --output none --quiet || exit 1

# The places of a host are below this directory: /etc/detectd, and the database where nobody names another.
detectd() { "$programs/detectd" "$@"; }
detectctl() {
  local -a words=("${@//\/etc\/detectd/$work/etc/detectd}")
  [[ $1 == hits ]] && words+=(--db "$work/hits.db")
  "$programs/detectctl" "${words[@]}"
}

# PAGE, exit status, what must be printed, COMMAND
table() {
  cat <<'TABLE'
detectctl.1	0	^checked [0-9]* rules: 0 errors, 0 warnings	detectctl check rules
detectctl.1	0	 critical 	detectctl hits list --since yesterday --level critical
detectctl.1	0	[*] .*_	detectctl hits tree 17
detectctl.1	0	^imported 3 rules into 4 files	detectctl import sigma sigma/rules -o /etc/detectd/rules/sigma --list Administrators=admins.txt
detectctl.1	0	^checked [0-9]* rules?: 0 errors	detectctl check /etc/detectd/rules/sigma
detectctl.1	0	0 failed|passed	detectctl check --deny warnings rules && detectctl test --threshold 90 --junit results.xml rules
detectctl.1	0	%|coverage	detectctl test --coverage rules
detectctl.1	0	^setuid_search.toml written	detectctl new setuid_search --from-event web01.jsonl.gz:97
detectctl.1	0	^like_hit_17.toml written	detectctl new like_hit_17 --from-hit 17 --db hits.db
detectctl.1	0	^0 files of 1 formatted	detectctl fmt like_hit_17.toml
detectctl.1	0	^0 files of 1 would be formatted	detectctl fmt --check setuid_search.toml
detectctl.1	1	^  no  < +process.name	detectctl why web_server_spawns_shell web01.jsonl.gz:20 rules
detectctl.1	0	^answer  yes	detectctl why download_then_execute 7 rules --db hits.db --on web01.jsonl.gz
detectctl.1	1	^  2 of 4   sudo_rights_listed	detectctl why web01.jsonl.gz:20 rules
detectctl.1	1	^web_server_spawns_shell: 2 gained	detectctl diff /etc/detectd/rules rules --on web01.jsonl.gz
detectctl.1	0	^correlation discovery_burst	detectctl rules graph rules
detectctl.1	0		detectctl rules export --navigator rules > layer.json
detectctl.1	0	seen by	detectctl mutate web_server_spawns_shell rules
detectd-mutators.7	0	seen by	detectctl mutate web_server_spawns_shell rules
detectd-mutators.7	0		detectctl mutate --quiet --no-hints --threshold 85 rules
detectctl.1	0	would be killed .*5	detectctl hunt web_server_spawns_shell --rules rules --as kill --on web01.jsonl.gz
detectctl.1	0	^2,000 hostile events	detectctl bench --on web01.jsonl.gz --hostile rules
detectctl.1	0	newline	detectctl explain D131
detectctl.1	0	[Pp]revious	detectctl fields previous
detectd.8	0	download_piped_to_shell	detectd --replay web01.jsonl.zst --rules rules
detectd.8	0	"name":"web_server_spawns_shell"	detectd -R web01.jsonl.gz web02.jsonl.gz -r rules --only web_server_spawns_shell -o json
detectd.8	0		detectd -R clean.jsonl.zst -r rules --quiet --output none --fail-on hit
detectd.8	0	^checked [0-9]* rules: 0 errors	detectd --check --rules rules
detectd-hits.5	0	download_piped_to_shell	sqlite3 -box hits.db 'SELECT time, level, rule, process, user FROM hits'
detectd-hits.5	0	[|][0-9]	sqlite3 hits.db "SELECT user, count(*) FROM hits WHERE level = 'critical' GROUP BY user"
detectd-hits.5	0	/	sqlite3 hits.db "SELECT DISTINCT event ->> '$.process.executable' FROM hits"
TABLE
}

# The commands of a page, a line each: displayed lines, and those of literal displays, that begin with `$ `.
commands_of() {
  sed -e 's/^\.Dl \$ /$ /' "$root/man/$1" | sed -e 's/\\(dq/"/g' -e 's/\\&//g' -e 's/\\e/\\/g' |
    awk '/^\$ / || more { line = more ? $0 : substr($0, 3); sub(/^ +/, "", line); more = line ~ /\\$/; sub(/ *\\$/, "", line)
           printf "%s%s", line, more ? " " : "\n" }'
}

ran=0 failed=0 skipped=0
fail() { echo "$1"; ((++failed)); }
for page in detectctl.1 detectd.8 detectd-hits.5 detectd-rules.5 detectd-events.5 detectd-mutators.7; do
  while IFS= read -r command; do
    row=$(table | awk -F '\t' -v page="$page" -v command="${command//\\/\\\\}" '$1 == page && $4 == command')
    [[ -n $row ]] || { fail "$page: the table does not know: $command"; continue; }
    echo "$row" >>used
    if [[ $command == sqlite3* ]] && ! command -v sqlite3 >/dev/null; then
      echo "skipped: sqlite3 is not installed: $command"
      ((++skipped))
      continue
    fi
    IFS=$'\t' read -r _ want pattern _ <<<"${row/$'\t\t'/$'\t.\t'}"
    # Read from nothing, and no example changes this shell.
    (eval "$command") >out 2>&1 </dev/null
    got=$?
    ((got == want)) || { fail "$page: status $got, not $want: $command"; head -n 5 out; continue; }
    [[ $pattern == . ]] || grep -Eq -- "$pattern" out || { fail "$page: nothing like '$pattern' is printed: $command"; head -n 5 out; continue; }
    ((++ran))
  done < <(commands_of "$page")
done
while IFS= read -r row; do fail "no page has this any more: $row"; done < <(table | grep -Fxv -f used)

# Items: each in a rule of its own. What begins otherwise are parts of correlations.
items=0
printf '[lists]\nshells = ["sh", "bash"]\n' >items.toml
while IFS= read -r item; do
  kind='exec'
  [[ $item == '"destination.'* ]] && kind=connection_attempted
  printf '\n[[rule]]\nid = "00000000-0000-4000-8000-%012d"\ntitle = "t"\nlevel = "low"\non = "%s"\n[rule.detection]\ns.%s\ncondition = "s"\n' \
    $((++items)) "$kind" "$item" >>items.toml
done < <(sed -n 's/^\.Dl \(\\(dq.* = .*\)$/\1/p' "$root/man/detectd-rules.5" | sed -e 's/\\(dq/"/g' -e 's/\\e/\\/g')
detectctl check items.toml >out 2>&1 || { fail 'an item of detectd-rules(5) is a mistake:'; grep -A 3 '^error' out; }
((items >= 15)) || fail "only $items items were found in detectd-rules(5)"

# Configurations, with every kind of receiver of alerts.
for configuration in "$root"/examples/*.toml; do
  detectd --check --config "$configuration" --rules "$root/rules" >out 2>&1 || { fail "$configuration has mistakes:"; cat out; }
done
kinds=$(detectd --print-config --config "$root/examples/alerts.toml" | sed -n 's/^type = "\([a-z_]*\)".*/\1/p' | sort -u | tr '\n' ' ')
[[ $kinds == 'command journal json_file syslog unix_socket webhook ' ]] || fail "examples/alerts.toml shows only: $kinds"

echo "$ran commands and $items items of the manual ran, $failed failed, $skipped skipped"
((failed == 0))
