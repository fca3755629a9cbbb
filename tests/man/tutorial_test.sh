#!/usr/bin/env bash
# The commands of detectd-tutorial(7), run one after another as they stand there, and what they answer.
#   tutorial_test.sh [--write] PROGRAMS    the directory of both programs; --write puts the answers into the page
set -uo pipefail
write=0
if [[ ${1:-} == --write ]]; then write=1; shift; fi
(($#)) || { sed -n '2,3s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
programs=$(realpath -e "$1") || exit 2
root=$(realpath -e "$(dirname "${BASH_SOURCE[0]}")/../..")
page=$root/man/detectd-tutorial.7
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/run"
cp "$root/examples/captures/web-to-root.jsonl" "$work/run/web01.jsonl"
cp "$root/examples/captures/ptrace-root.jsonl" "$work/run/day.jsonl"

from_mdoc() { sed -e 's/^\\&//' -e 's/\\e/\\/g'; }
to_mdoc() { sed -e 's/\\/\\e/g' -e "s/^[.']/\\\\\\&&/"; }

run() {
  (cd "$work/run" && env -i TZ=UTC LC_ALL=C PATH="$programs:/usr/bin:/bin" timeout -k 5 60 bash -c "$1" 2>&1 </dev/null)
}

# The page with the answers that the commands give now.
answered() {
  local inside=0 pending='' line live=0
  finish() {
    [[ -n $pending ]] && run "$pending" | to_mdoc
    pending=
  }
  while IFS= read -r line; do
    if ((!inside)) || [[ $line == .Ed ]]; then
      finish
      inside=0 live=0
      [[ $line == '.Bd -literal'* ]] && inside=1
      printf '%s\n' "$line"
    elif ((live)) || [[ $line == '# '* ]]; then
      # tests/live/tutorial_test.sh runs those that need a host.
      live=1
      printf '%s\n' "$line"
    elif [[ $line == '$ '* ]]; then
      finish
      printf '%s\n' "$line"
      pending=$(from_mdoc <<<"${line#??}")
    elif [[ $line == '> '* ]]; then
      printf '%s\n' "$line"
      pending+=$'\n'$(from_mdoc <<<"${line#??}")
    fi
  done <"$page"
}

answered >"$work/page"
grep -c '^\$ ' "$page" >"$work/count"
if ((write)); then
  cat "$work/page" >"$page"
elif ! diff -u --label "man/detectd-tutorial.7" --label "what the commands answer" "$page" "$work/page"; then
  echo "run tests/man/tutorial_test.sh --write $1, and read the difference" >&2
  exit 1
fi
read -r commands <"$work/count"
echo "$commands commands"
((commands > 10))
