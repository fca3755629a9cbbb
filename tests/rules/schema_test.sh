#!/usr/bin/env bash
# The JSON Schema of the rule language takes every shipped rule, and what the tests' rule files hold that `check` takes; it
# refuses what misses a key or has one too many.
#   schema_test.sh DETECTCTL
set -uo pipefail
detectctl=$(realpath -e "$1") || exit 2
root=$(realpath -e "$(dirname "${BASH_SOURCE[0]}")/../..")
python3 -c 'import jsonschema, tomllib' 2>/dev/null || {
  echo 'skipped: no python3 with tomllib and jsonschema (Debian: python3-jsonschema)'
  exit 0
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$detectctl" rules export --schema >"$work/schema.json" || exit 1
good=()
while IFS= read -r file; do
  "$detectctl" check --quiet "$file" >/dev/null 2>&1 && good+=("$file")
done < <(find "$root/rules" "$root/tests/golden" "$root/tests/rules/warnings" -name '*.toml' ! -name 'detectd*.toml' ! -name 'config*.toml' | sort)
exec python3 - "$work/schema.json" "${good[@]}" <<'PYTHON'
import datetime, json, sys, tomllib
import jsonschema

schema = json.load(open(sys.argv[1]))
validator_class = jsonschema.validators.validator_for(schema)
validator_class.check_schema(schema)
validator = validator_class(schema)
failed = 0

def load(text):
    as_json = lambda value: value.isoformat() if isinstance(value, (datetime.date, datetime.datetime)) else str(value)
    return json.loads(json.dumps(tomllib.loads(text), default=as_json))

def problems(text):
    return list(validator.iter_errors(load(text)))

for path in sys.argv[2:]:
    for problem in problems(open(path, encoding='utf-8').read()):
        failed += 1
        print(f'FAILED: {path}: {"/".join(map(str, problem.absolute_path))}: {problem.message[:200]}')

rule = '''[[rule]]
id = "3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11"
title = "A shell"
level = "high"
on = "exec"
detection = { shell = { "process.name|endswith" = "sh" }, condition = "shell" }
'''
if problems(rule):
    failed += 1
    print('FAILED: a plain rule is refused:', problems(rule)[0].message)
bad = [('level = "high"', 'level = "bad"'), ('title', 'titel'), ('"exec"', '"execve"'), ('on = "exec"', ''), ('endswith', 'endwith'),
       ('condition = "shell"', 'other = "shell"'), ('3f1e', 'zzzz'), ('id = ', 'name = "A B"\nid = '), ('on =', 'suppress = { by = "x" }\non ='),
       ('on =', 'response = { action = "shoot" }\non =')]
for old, new in bad:
    assert old in rule
    if not problems(rule.replace(old, new, 1)):
        failed += 1
        print(f'FAILED: taken though `{old}` became `{new}`')
print(f'{len(sys.argv) - 2} files and {len(bad)} mistakes, {failed} failed')
sys.exit(failed != 0)
PYTHON
