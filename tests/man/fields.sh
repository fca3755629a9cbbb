#!/bin/sh
# Prints the list of fields in detectd-events(5), in mdoc, from the table of fields.
#   tests/man/fields.sh           the list
#   tests/man/fields.sh --check   whether the page has it; else what differs
#   tests/man/fields.sh --write   puts it there
set -eu
cd "$(dirname "$0")/../../man"
page=detectd-events.5

list() {
  awk '
    BEGIN {
      type["Text"] = "text"; type["Integer"] = "integer"; type["Real"] = "number"
      type["Boolean"] = "boolean"; type["Ip"] = "address"; type["Time"] = "time"
      kinds["kEnd"] = "end"
      kinds["kChange"] = "exec , exec_check , uid_change , gid_change"
      kinds["kReported"] = "exec_check , already_running , lost , health"
      kinds["kLoss"] = "lost"
      kinds["kHealth"] = "health"
      kinds["kConnection"] = "connection_attempted , connection_accepted"
    }
    function heading(title) {
      if (open) print ".El"
      print ".Ss " title "\n.Bl -tag -width Ds"
      open = 1
    }
    /^(LEAF|FIELD)\(/ {
      leaf = /^LEAF/
      split($0, quoted, "\"")
      split(quoted[3], rest, ", *")    # nothing, type, cardinality, [lifetime,] trust, kinds
      if (leaf && !leaves++) heading("Facts of a process")
      if (!leaf && !others++) heading("Other fields")
      note = type[rest[2]]
      if (note == "") { print "fields.sh: unknown type " rest[2] > "/dev/stderr"; exit 1 }
      if (rest[3] == "Many") note = note ", list"
      if (rest[leaf ? 5 : 4] == "Process") note = note ", own word"
      print ".It Va " (leaf ? "process." : "") quoted[2] " Pq " note
      print toupper(substr(quoted[4], 1, 1)) substr(quoted[4], 2) "."
      kind = rest[leaf ? 6 : 5]
      if (kind in kinds) print "Only of\n.Cm " kinds[kind] " ."
    }
    END { if (open) print ".El" }
  ' ../engine/field_table.def
}

whole_page() {
  list | awk -v page="$page" '
    { list = list $0 "\n" }
    END {
      while ((getline line < page) > 0) {
        if (line ~ /^\.\\" END of fields.sh/) inside = 0
        if (!inside) print line
        if (line ~ /^\.\\" BEGIN of fields.sh/) { printf "%s", list; inside = 1 }
      }
    }'
}

case ${1:-} in
  '') list ;;
  --check)
    if ! whole_page | diff -u "$page" -; then
      echo "man/$page does not say what engine/field_table.def does: run tests/man/fields.sh --write" >&2
      exit 1
    fi ;;
  --write)
    text=$(whole_page)
    printf '%s\n' "$text" >"$page" ;;
  *) echo 'usage: tests/man/fields.sh [--check | --write]' >&2; exit 2 ;;
esac
