#!/usr/bin/env bash
# The part of detectd-tutorial(7) for operators: its commands (`# ...`), one after another as they stand there, on a host that
# has detectd as a package would install it. Of each answer every line must be given, but for numbers, times and lengths: what
# else this host does meanwhile may be told besides. systemd is stood in for by what it would run.
#   tutorial_test.sh DETECTD DETECTCTL CONFIGURATION    the configuration of the package
# `A && pass || flunk`: pass never fails.
# shellcheck disable=SC2015
set -uo pipefail
if ((EUID == 0)) && [[ -z ${OWN_MOUNTS-} ]] && unshare --mount true 2>/dev/null; then
  OWN_MOUNTS=1 exec unshare --mount --propagation private "$0" "$@"
fi
detectd=$(realpath "$1") detectctl=$(realpath "$2") configuration=$(realpath "$3")
here=$(dirname "$(realpath "$0")")
page=$here/../../man/detectd-tutorial.7
work=$(mktemp -d)
mkfifo "$work/never"
chmod 755 "$work"
# shellcheck source=tests/live/support.sh
. "$here/support.sh"
need_live
[[ -n ${OWN_MOUNTS-} ]] || skip_all 'no mount namespace, for a file system as of an installed detectd'
command -v jq >/dev/null || skip_all 'needs jq'
grep -qF /usr/share/detectd/rules "$configuration" || skip_all 'it is configured for another prefix than /usr'

# Of the host only the places are needed, and only if they were not there, for the time of this test.
places=(/etc/detectd /usr/share/detectd /var/lib/detectd /var/log/detectd /run/detectd) made=()
clean() {
  [[ -z $daemon ]] || kill -KILL "$daemon"
  jobs -p | xargs -r kill 2>/dev/null
  wait
  umount "${places[@]}" /dev/shm 2>/dev/null
  ((${#made[@]} == 0)) || rmdir "${made[@]}" 2>/dev/null
  rm -rf "$work"
}
trap clean EXIT
for place in "${places[@]}"; do
  [[ -d $place ]] || { mkdir "$place" && made+=("$place"); }
  mount -t tmpfs -o mode=755 detectd-test "$place" 2>"$work/why" || skip_all "no file system of its own: $(<"$work/why")"
done
mount -t tmpfs detectd-test /dev/shm
chmod 700 /var/lib/detectd
mkdir /etc/detectd/{detectd.d,rules}
cp -r "$here/../../rules" /usr/share/detectd
cp "$configuration" /etc/detectd/detectd.toml
chmod -R u=rwX,go=rX /etc/detectd /usr/share/detectd

mkdir "$work/bin"
ln -s "$detectd" "$work/bin/detectd"
ln -s "$detectctl" "$work/bin/detectctl"
cat >"$work/bin/systemctl" <<'SYSTEMCTL'
#!/bin/sh
case $1 in
  is-active) detectctl status --allow-incomplete >/dev/null && echo active ;;
  reload) exec detectctl reload >/dev/null ;;
  *) exit 1 ;;
esac
SYSTEMCTL
chmod 755 "$work/bin/systemctl"
start_command "$detectd" || { flunk 'the daemon does not start'; cat "$work/said"; finish; exit; }

run() { env -i TZ=UTC LC_ALL=C PATH="$work/bin:/usr/bin:/bin" timeout -k 5 60 bash >"$work/answer" 2>&1 <<<"$1"; }
# Without what is another one each time.
plain() {
  sed -E -e 's/sha256:[0-9a-f]*/DIGEST/; s/20[0-9]{2}-[0-9-]+T[0-9:.]+Z/TIME/g; s/[0-9][0-9,.]* (ms|us|s)\b/LENGTH/g; s/[0-9][0-9,.]*/N/g' \
    -e 's/^(hits  *N since the start).*/\1/; s/^N hits since .*/N hits since/; s/^.* (> bash\(N\) root)$/\1/; s/ +/ /g; s/ $//'
}
answered() {
  run "$1"
  plain <"$work/answer" >"$work/got"
  local line
  while IFS= read -r line; do
    grep -qxF -- "$line" "$work/got" || { missing=$line; return 1; }
  done < <(plain <"$work/wanted")
}
commands=0
check() {
  local command=$1
  [[ -n $command ]] || return
  ((++commands))
  if [[ $command == *'hits tree '* ]]; then
    local number
    number=$("$detectctl" hits list --rule program_from_memory --json --allow-incomplete | jq -r 'select(.type == "hit") | .n' | head -n 1)
    command=$(sed -E "s/hits tree [0-9]+/hits tree ${number:-0}/" <<<"$command")
  fi
  # A digest comes with the next minute.
  patience=20
  [[ $command != *digest.json* ]] || patience=80
  if [[ ! -s $work/wanted ]]; then
    if run "$command"; then pass; else flunk "$command: $(<"$work/answer")"; fi
  elif until_holds answered "$command"; then
    pass
  else
    flunk "$command: not told: $missing"
    cat "$work/answer"
  fi
}

from_mdoc() { sed -e 's/^\\&//' -e 's/\\e/\\/g'; }
inside=0 pending=
: >"$work/wanted"
while IFS= read -r line; do
  case $line in
    '.Bd -literal'*) inside=1 ;;
    '# '*) ((inside)) && { check "$pending"; pending=$(from_mdoc <<<"${line#??}"); : >"$work/wanted"; } ;;
    '>' | '> '*) [[ -n $pending ]] && pending+=$'\n'$(from_mdoc <<<"${line:2}") ;;
    .Ed) check "$pending"; inside=0 pending= ;;
    *) [[ -n $pending ]] && from_mdoc <<<"$line" >>"$work/wanted" ;;
  esac
done <"$page"
((commands > 10)) && pass || flunk "the page has commands for operators: $commands"
stop_daemon TERM
((status == 0 || status == 6)) && pass || flunk "the daemon ends in order: $status"
finish
