#!/usr/bin/env bash
# Golden tests of the command line: tests/golden/<case>/{cmd,stdout,stderr,status}. A case's `cmd` runs in its folder with
# `detectd` and `detectctl` in the PATH, the folder `shared` beside it, an empty directory in $SCRATCH, no other environment, and a clock that stands still.
# A `cmd` that ends with status 77 is skipped; what it says on standard output is the reason.
#
#   run.sh [--accept] PROGRAMS [CASE...]    PROGRAMS is the directory of both programs
#   --accept writes what the programs say now: read the diff before you commit it
set -uo pipefail

accept=0
if [[ ${1:-} == --accept ]]; then accept=1; shift; fi
(($#)) || { sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
programs=$(realpath -e "$1") || exit 2
detectd=$programs/detectd
shift
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 2
(($#)) || set -- */cmd

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir "$work/bin"
ln -s "$programs/detectd" "$programs/detectctl" "$work/bin"

passed=0 failed=0 skipped=0
for case in "$@"; do
  case=${case%/cmd}
  case=${case%/}
  got=$work/got
  rm -rf "$got" "$work/scratch"
  mkdir "$got" "$work/scratch"
  chmod 1777 "$work/scratch"
  (cd "$case" && exec env -i TZ=UTC LC_ALL=C SOURCE_DATE_EPOCH=1795348800 SCRATCH="$work/scratch" DETECTD="$detectd" \
    ${ASAN_OPTIONS:+ASAN_OPTIONS="$ASAN_OPTIONS"} PATH="$work/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    timeout -k 5 60 bash cmd) >"$got/stdout" 2>"$got/stderr" </dev/null
  echo $? >"$got/status"
  if [[ $(<"$got/status") == 77 ]]; then
    echo "skipped: $case: $(<"$got/stdout")"
    ((++skipped))
    continue
  fi
  if ((accept)); then
    cp "$got"/{stdout,stderr,status} "$case/"
    continue
  fi
  good=1
  for part in stdout stderr status; do
    diff -u --label "$case/$part (expected)" --label "$case/$part" "$case/$part" "$got/$part" || good=0
  done
  if ((good)); then ((++passed)); else ((++failed)); fi
done

((accept)) && { echo "accepted $# cases, $skipped of them skipped"; exit 0; }
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
((failed == 0))
