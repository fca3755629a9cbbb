#!/usr/bin/env bash
# The life of the package on a Debian of its own: installed, started, upgraded with its hits, removed, purged. As root, with
# debootstrap and the mirror that apt uses here; what was downloaded is kept for the next time.
#   life_cycle.sh PACKAGE.deb CONFINE CACHE_DIRECTORY
# Nothing is ever mounted below the directory that is removed at the end: packages are installed by a plain chroot, and the
# service is launched in a mount namespace of its own.
set -uo pipefail
package=$(realpath "$1") confine=$(realpath "$2") cache=$3
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
mkfifo "$work/never"
# shellcheck source=tests/live/support.sh
. "$here/../live/support.sh"
root=$work/debian
detectd=$root/usr/sbin/detectd
clean() {
  [[ -z $daemon ]] || kill -KILL "$daemon"
  jobs -p | xargs -r kill 2>/dev/null
  wait
  cd /
  if grep -qF " $work/" /proc/self/mountinfo; then echo "left, with mounts: $work"; else rm -rf --one-file-system "$work"; fi
}
trap clean EXIT
verify() {  # WHAT COMMAND...
  local what=$1
  shift
  if "$@" >"$work/output" 2>&1; then
    pass
  else
    flunk "$what"
    tail -n 15 "$work/output"
  fi
}
not() { ! "$@"; }

((EUID == 0)) || skip_all 'the life of the package: needs root'
for tool in debootstrap systemd-analyze jq; do
  command -v "$tool" >/dev/null || skip_all "the life of the package: no $tool"
done
# shellcheck source=/dev/null
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' | sed -n "s/^$codename main //p" | head -n 1)
[[ -n $mirror ]] || skip_all "the life of the package: apt knows no mirror of $codename"
base=$cache/$codename.tar
mkdir -p "$cache" "$root"
if [[ ! -e $base ]]; then
  echo "debootstrap $codename"
  debootstrap --variant=minbase "$codename" "$work/new" "$mirror" >"$work/debootstrap" 2>&1 ||
    skip_all "the life of the package: debootstrap: $(tail -n 1 "$work/debootstrap")"
  tar -C "$work/new" -c . >"$base.part" && mv "$base.part" "$base"
  rm -rf --one-file-system "$work/new"
fi
tar -C "$root" -x -f "$base" || exit 1
chmod 755 "$work" "$root"

inside() { chroot "$root" /usr/bin/env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@" </dev/null; }
# What it depends on comes from the mirror; where the network is gone, that says so.
cp --remove-destination "$(realpath /etc/resolv.conf)" "$root/etc/resolv.conf"
inside apt-get update -qq >"$work/apt" 2>&1 || skip_all "the life of the package: apt-get update: $(tail -n 1 "$work/apt")"
depends=$(dpkg-deb -f "$package" Depends | tr ',' '\n' | sed 's/|.*//; s/(.*//' | tr -d ' ')
# shellcheck disable=SC2086
inside apt-get install -y -qq --no-install-recommends $depends >"$work/apt" 2>&1 ||
  { flunk "what it depends on: $(tail -n 3 "$work/apt")"; finish; exit; }
find "$root" -xdev | sort >"$work/before"

# shellcheck disable=SC2016
version() { inside dpkg-query -W -f '${Version} ${Status}' detectd; }
cp "$package" "$root/root/detectd.deb"
echo 'install'
verify 'it installs' inside dpkg -i /root/detectd.deb
verify 'it is configured' grep -q 'install ok installed' <(version)
verify 'the unit is enabled' test -L "$root/etc/systemd/system/multi-user.target.wants/detectd.service"
verify 'systemd is content with the unit' inside systemd-analyze verify --man=no detectd.service
verify 'commands have a user' inside getent passwd detectd
verify 'the control socket has a group' inside getent group detectd-control
verify 'rules and configuration are sound' inside detectd --check
verify 'the manual is there' test -e "$root/usr/share/man/man8/detectd.8.gz"
verify 'files are as they were packed' inside dpkg --verify detectd

# As systemd does it before it starts the service.
directories() { install -d -m 700 "$root/var/lib/detectd" && install -d -m 750 "$root/var/log/detectd" && install -d "$root/run/detectd"; }
directories
rule() {
  printf '[[rule]]\nid = "00000000-0000-4000-8000-0000000000f%s"\nname = "%s"\ntitle = "%s"\nlevel = "high"\non = "exec"\n' "$1" "$2" "$2"
  printf '[rule.detection]\na."process.name" = "true"\na."process.args" = "%s"\ncondition = "a"\n\n' "$3"
}
rule 1 of_the_site zzlife >"$root/etc/detectd/rules/site.toml"
launch() { start_command "$here/../live/launch_unit.sh" "$confine" "$root" "$root/lib/systemd/system/detectd.service"; }
hits() { inside detectctl hits list --json --allow-incomplete 2>>"$work/hits.said" | jq -r 'select(.type == "hit") | .rule.name'; }
number_of() { hits | grep -cx of_the_site; }
are() { (($(number_of) == $1)); }

"$detectd" --probe >"$work/probe" 2>&1
lives=
if launch; then
  lives=1
  pass
  for _ in 1 2 3; do /bin/true zzlife; done
  verify 'three hits are found' until_holds are 3
  stop_daemon TERM
  verify "the service stops in order: $status" test "$status" = 0
elif grep -q 'no live source\|needs root\|run detectd on the host' "$work/said" "$work/probe"; then
  skip "the service, started: $(tail -n 1 "$work/said")"
else
  flunk "the service does not start: $(tail -n 5 "$work/said")"
fi

echo 'upgrade'
sed -i 's/^#keep = .*/keep = "180d"/' "$root/etc/detectd/detectd.toml"
dpkg-deb -R "$package" "$work/next"
sed -i 's/^Version: .*/Version: 99.0/' "$work/next/DEBIAN/control"
echo '# newer' >>"$work/next/usr/share/detectd/rules/discovery/network_scan.toml"
(cd "$work/next" && find usr lib -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
dpkg-deb --root-owner-group -b "$work/next" "$root/root/next.deb" >/dev/null
verify 'a higher version installs' inside dpkg -i /root/next.deb
verify 'it is the higher one' grep -q '^99.0 install ok installed' <(version)
verify 'rules are the new ones' grep -q newer "$root/usr/share/detectd/rules/discovery/network_scan.toml"
verify 'a changed configuration stays' grep -q '^keep = "180d"' "$root/etc/detectd/detectd.toml"
verify 'rules of the site stay' test -e "$root/etc/detectd/rules/site.toml"
if [[ -n $lives ]]; then
  verify 'hits stay' are 3
  verify 'the service starts again' launch
  /bin/true zzlife
  verify 'and finds more' until_holds are 4
  stop_daemon TERM
  verify 'the database is sound' inside detectctl db check
fi

echo 'remove, purge'
verify 'it is removed' inside dpkg -r detectd
verify 'the programs go' not test -e "$root/usr/sbin/detectd" -o -e "$root/usr/bin/detectctl" -o -e "$root/usr/share/detectd"
verify 'hits stay where it is only removed' test -z "$lives" -o -e "$root/var/lib/detectd/hits.db"
verify 'and the configuration' test -e "$root/etc/detectd/detectd.toml"
rm "$root/etc/detectd/rules/site.toml"
verify 'it is purged' inside dpkg -P detectd
find "$root" -xdev | sort >"$work/after"
# dpkg's own log and status, the users, and what this script brought.
comm -13 "$work/before" "$work/after" | grep -vE "^$root/(root/(detectd|next)\.deb|var/log/(dpkg\.log|alternatives\.log)|var/lib/dpkg/(status-old|.*-old|info/.*-new)|etc/(passwd|group|shadow|gshadow)-?|etc/\.pwd\.lock|run/systemd.*|var/cache/ldconfig.*)$" >"$work/left"
verify "nothing is left: $(head -n 5 "$work/left" | sed "s,^$root,," | tr '\n' ' ')" test ! -s "$work/left"
verify 'dpkg knows it no more' not inside dpkg -s detectd
finish
