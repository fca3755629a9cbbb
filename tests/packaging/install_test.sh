#!/usr/bin/env bash
# What `cmake --install` puts where, and whether it works from there.
#   install_test.sh CMAKE BUILD_DIRECTORY
set -uo pipefail
cmake=$1 build=$(realpath "$2")
source_dir=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
verify() {  # WHAT COMMAND...
  local what=$1
  shift
  if "$@" >"$work/output" 2>&1; then
    ((++passed))
  else
    printf 'FAILED: %s\n' "$what"
    head -n 10 "$work/output"
    ((++failed))
  fi
}
says() { grep -qF -- "$1" <<<"$("${@:2}" 2>&1)"; }  # TEXT COMMAND...
nothing() { [[ -z $("$@") ]]; }

if ! grep -qx 'CMAKE_INSTALL_PREFIX:PATH=/usr' "$build/CMakeCache.txt"; then
  printf 'skipped: %s is configured for another prefix than /usr\n0 passed, 0 failed, 1 skipped\n' "$build"
  exit 0
fi
root=$work/root
DESTDIR=$root "$cmake" --install "$build" >"$work/installed" 2>&1 || { cat "$work/installed"; exit 1; }

for file in usr/sbin/detectd usr/bin/detectctl usr/lib/systemd/system/detectd.service usr/lib/sysusers.d/detectd.conf \
  etc/detectd/detectd.toml usr/share/doc/detectd/LICENSE usr/share/doc/detectd/README.md usr/share/doc/detectd/examples/detectd.toml \
  usr/share/doc/detectd/examples/deny.conf usr/share/doc/detectd/examples/alert-command.conf; do
  verify "$file is installed" test -f "$root/$file"
done
for directory in etc/detectd/rules etc/detectd/detectd.d; do
  verify "$directory is there, and empty" test -d "$root/$directory" -a -z "$(ls "$root/$directory")"
done
for page in "$source_dir"/man/*.[1-8]; do
  verify "the manual page $(basename "$page")" cmp "$page" "$root/usr/share/man/man${page##*.}/$(basename "$page")"
done
for file in bash-completion/completions/detectctl bash-completion/completions/detectd zsh/vendor-completions/_detectctl fish/vendor_completions.d/detectctl.fish; do
  verify "completions: $file" grep -q detectctl "$root/usr/share/$file"
done
# shellcheck disable=SC2016
verify 'bash reads them' bash -c '. "$1" && complete -p detectctl detectd' - "$root/usr/share/bash-completion/completions/detectctl"
verify 'all rules' diff -r "$source_dir/rules" "$root/usr/share/detectd/rules"
verify 'all examples' diff -r --exclude='*.conf' "$source_dir/examples" "$root/usr/share/doc/detectd/examples"
verify 'nothing elsewhere' nothing find "$root" -type f -not -path "$root/usr/*" -not -path "$root/etc/detectd/*"
verify 'nothing that others can write' nothing find "$root" -not -type l -perm /022
verify 'no text names the place where it was built' nothing grep -rIlF -e "$build" -e "$source_dir" "$root"
verify 'the programs look for no library there' nothing sh -c "readelf -d '$root'/usr/*bin/* | grep -E 'R(UN)?PATH'"
verify 'the unit starts what is installed' grep -qx 'ExecStart=/usr/sbin/detectd' "$root/usr/lib/systemd/system/detectd.service"

detectd=$root/usr/sbin/detectd detectctl=$root/usr/bin/detectctl config=$root/etc/detectd/detectd.toml
rules=$root/usr/share/detectd/rules examples=$root/usr/share/doc/detectd/examples
version=$(sed -n 's/^project(detectd VERSION \([0-9.]*\).*/\1/p' "$source_dir/CMakeLists.txt")
verify 'detectd tells its version' says "$version" "$detectd" --version
verify 'detectctl too' says "$version" "$detectctl" --version
verify 'the configuration is sound' "$detectd" --check --config "$config" --rules "$rules"
verify 'the installed rules pass their tests' "$detectctl" test --quiet "$rules"
verify 'an installed capture has hits' says '"name":"reverse_shell"' "$detectd" --replay "$examples/captures/web-to-root.jsonl" --rules "$rules" --output json
verify 'the example of a configuration is sound' "$detectd" --check --config "$examples/detectd.toml" --rules "$rules"

# print-config says where each value is from; the values are to be the same.
values() { "$detectd" --config "$1" --print-config | sed 's/  # .*//'; }
# But for the group, which only an installation has.
: >"$work/empty.toml"
sed '/^group = /d; s/^#\([a-z_]* = \)/\1/' "$config" >"$work/uncommented.toml"
verify 'what is commented is a setting' test "$("$detectd" --config "$work/uncommented.toml" --print-config | grep -c uncommented.toml)" -ge 8
verify 'what stands in the configuration as a comment is the default' \
  diff <(values "$work/empty.toml") <(values "$work/uncommented.toml")

printf '[store]\nkeep = "7d"\n' >"$config"
DESTDIR=$root "$cmake" --install "$build" >"$work/installed" 2>&1
verify 'installed again, a configuration that was written stays' grep -q 7d "$config"

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
