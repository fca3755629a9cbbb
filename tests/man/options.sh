#!/bin/sh
# The options of a page come from the program's own tables: of detectd.8 PRINTER is build/*/tests/print_options, of
# detectctl.1 build/*/tests/print_commands.
#   tests/man/options.sh --check PRINTER PAGE   whether the page has them; else what differs
#   tests/man/options.sh --write PRINTER PAGE   puts them there
set -eu
usage() { echo 'usage: tests/man/options.sh --check|--write PRINTER PAGE' >&2; exit 2; }
[ $# = 3 ] || usage
printer=$(realpath "$2")
page=$3
cd "$(dirname "$0")/../../man"

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
      echo "man/$page does not say what the program's table does: run tests/man/options.sh --write $2 $page" >&2
      exit 1
    fi ;;
  --write)
    text=$(whole_page)
    printf '%s\n' "$text" >"$page" ;;
  *) usage ;;
esac
