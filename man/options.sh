#!/bin/sh
# The OPTIONS section of detectd(8) comes from the program's own table. PRINTER is build/*/tests/print_options.
#   man/options.sh --check PRINTER   whether the page has it; else what differs
#   man/options.sh --write PRINTER   puts it there
set -eu
usage() { echo 'usage: man/options.sh --check|--write PRINTER' >&2; exit 2; }
[ $# = 2 ] || usage
printer=$(realpath "$2")
cd "$(dirname "$0")"
page=detectd.8

whole_page() {
  "$printer" | awk -v page="$page" '
    { list = list $0 "\n" }
    END {
      while ((getline line < page) > 0) {
        if (line ~ /^\.\\" END of options.sh/) inside = 0
        if (!inside) print line
        if (line ~ /^\.\\" BEGIN of options.sh/) { printf "%s", list; inside = 1 }
      }
    }'
}

case $1 in
  --check)
    if ! whole_page | diff -u "$page" -; then
      echo "man/$page does not say what src/detectd/option_table.cc does: run man/options.sh --write $2" >&2
      exit 1
    fi ;;
  --write)
    text=$(whole_page)
    printf '%s\n' "$text" >"$page" ;;
  *) usage ;;
esac
