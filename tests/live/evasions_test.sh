#!/usr/bin/env bash
# What mutators claim is true: each evasion of two harmless tests is run here as it is claimed, what the kernel tells of it
# is compared with the claim, and what it prints with what the test's own command prints.
#   evasions_test.sh DETECTD DETECTCTL
# shellcheck disable=SC2119
set -uo pipefail
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
mkfifo "$work/never"
chmod 755 "$work"
cp "$1" "$work/detectd" && export detectd=$work/detectd
cp "$2" "$work/detectctl" && detectctl=$work/detectctl
# shellcheck source=tests/live/support.sh
. "$here/support.sh"
need_live
command -v python3 >/dev/null || skip_all 'needs python3 to run programs by other names'
for program in /usr/bin/tail /usr/bin/dash /usr/bin/bash /usr/bin/cat; do
  [[ -x $program ]] || skip_all "no $program"
done
: >"$work/detectd.toml"

cat >"$work/rule.toml" <<'RULE'
[[rule]]
id = "11111111-2222-4333-8444-555555555501"
name = "wanted"
title = "Wanted"
level = "low"
on = "exec"

[rule.detection]
any."process.pid|gte" = 0
none."process.pid|null" = true
condition = "any or none"

[[rule.test]]
name = "tool"
match = true
event.process = { name = "tail", executable = "/usr/bin/tail", args = ["tail", "-q", "-n", "1", "/etc/ld.so.conf"], parent = { name = "u", executable = "/usr/bin/u" } }

[[rule.test]]
name = "dash"
match = true
event.process = { name = "dash", executable = "/usr/bin/dash", args = ["sh", "-c", "tail -q -n 1 /etc/ld.so.conf | cat -n; cat -n /etc/hostname"], parent = { name = "u", executable = "/usr/bin/u" } }

[[rule.test]]
name = "bash"
match = true
event.process = { name = "bash", executable = "/usr/bin/bash", args = ["bash", "-c", "tail -q -n 1 /etc/ld.so.conf; cat -n /etc/hostname"], parent = { name = "u", executable = "/usr/bin/u" } }
RULE
"$detectctl" check --quiet "$work/rule.toml" || { flunk 'the rule is good'; finish; exit; }
"$detectctl" mutate --json wanted "$work/rule.toml" >"$work/claims" || flunk 'all tests hit'

start_daemon --no-db --rules "$work/rule.toml" --output none --capture "$work/capture" || { flunk 'the daemon does not start'; finish; exit; }
cat >"$work/run.py" <<'PYTHON'
import ctypes, json, os, shutil, sys
libc = ctypes.CDLL(None)
work = sys.argv[1]
place = work + '/u'
os.mkdir(place)
HEX = '\ufffd'
real = lambda text: text.replace('/home/u', place).encode('utf-8').replace(HEX.encode(), b'\xff')
ran = []

def prepare(mutator, program, text):
    shutil.rmtree(place)
    os.makedirs(real('/home/u/' + HEX))
    os.mkdir(real('/home/u/\n\t'))
    for directory in (HEX, '\n\t'):
        for name in {os.path.basename(program), 'sh', 'tail'}:
            target = program if name == os.path.basename(program) else '/usr/bin/' + name
            os.symlink(target, real(f'/home/u/{directory}/{name}'))
    os.symlink('/etc', place + '/l7')
    {'renamed-copy': lambda: shutil.copy(program, place + '/u7'), 'hard-link': lambda: hard_link(program),
     'symbolic-link': lambda: os.symlink(program, place + '/u7')}.get(mutator, lambda: None)()
    if text is not None:
        with open(place + '/u7.sh', 'w') as script: script.write(text)

def hard_link(program):
    try: os.link(program, place + '/u7')
    except OSError: shutil.copy(program, place + '/u7')  # another file system: the event is the same

def run(key, executable, args, directory='/', stdin=None, memory=False):
    output = f'{work}/output'
    pid = os.fork()
    if pid == 0:
        os.chdir(directory)
        source = os.open('/dev/null', os.O_RDONLY)
        if stdin is not None:
            with open(f'{work}/input', 'w') as file: file.write(stdin)
            source = os.open(f'{work}/input', os.O_RDONLY)
        os.dup2(source, 0)
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.dup2(os.open(work + '/errors', os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        path = real(executable)
        if memory:
            # Without close-on-exec: bash looks at what it runs from.
            descriptor = os.memfd_create('u7', 0)
            with open(executable, 'rb') as file: os.write(descriptor, file.read())
            path = f'/proc/self/fd/{descriptor}'.encode()
        # Python's own refuses an empty first argument.
        words = [real(arg) for arg in args]
        libc.execv(path, (ctypes.c_char_p * (len(words) + 1))(*words, None))
        os._exit(127)
    status = os.waitpid(pid, 0)[1]
    ran.append({'key': key, 'pid': pid, 'status': status})
    return status, open(output, 'rb').read()

def whole_long(args, test):
    return ['tail'] + ['-q'] * 66666 + args[1:] if test == 'tool' else None

# Of short programs on a busy host one or the other ends before it is read: what was seen as claimed once is.
for round in range(3):
    base = {}
    for line in open(work + '/claims'):
        claim = json.loads(line)
        if claim['type'] != 'evasion': continue
        key = claim['test'] + '/' + claim['mutator']
        if not claim['applies']: continue
        first = claim['events'][0]['process']
        mutator, test = claim['mutator'], claim['test']
        program = {'tool': '/usr/bin/tail', 'dash': '/usr/bin/dash', 'bash': '/usr/bin/bash'}[test]
        words = {'tool': ['tail', '-q', '-n', '1', '/etc/ld.so.conf'],
                 'dash': ['sh', '-c', 'tail -q -n 1 /etc/ld.so.conf | cat -n; cat -n /etc/hostname'],
                 'bash': ['bash', '-c', 'tail -q -n 1 /etc/ld.so.conf; cat -n /etc/hostname']}[test]
        if test not in base: base[test] = run(test + '/itself', program, words)[1]
        executable, args = first['executable'], first['args']
        why = None
        if mutator == 'systemd-run': why = 'needs systemd'
        elif not os.path.exists(executable) and not executable.startswith(('/home/u', '/memfd')): why = 'no ' + executable
        elif mutator == 'long-arguments' and test != 'tool': why = 'a text of 120 KiB is cut: what was run can not be told from the claim'
        if why is not None:
            ran.append({'key': key, 'skipped': why})
            continue
        prepare(mutator, program, words[2] if test != 'tool' else None)
        if mutator == 'long-arguments': args = whole_long(words, test)
        to_run = args[0] if '/' in args[0] and os.path.exists(real(args[0])) and 'shell' != mutator[:5] else executable
        directory = '/usr/bin' if mutator == 'program-relative-path' else '/'
        stdin = {'shell-input': words[-1], 'xargs': words[-1]}.get(mutator)
        if mutator == 'xargs' and test != 'tool': stdin = "'" + words[-1] + "'"
        if mutator == 'program-relative-path': to_run = executable
        if mutator == 'memory-file': to_run = program
        status, output = run(key, to_run, args, directory, stdin, mutator == 'memory-file')
        ran[-1]['same'] = output == base[test]
        ran[-1]['output'] = repr(output[:100])
json.dump({'pid': os.getpid(), 'ran': ran}, open(work + '/ran', 'w'))
PYTHON
mkdir "$work/empty"
LC_ALL=C.UTF-8 python3 "$work/run.py" "$work" || flunk 'all evasions are run'
: # the last of them is read by now or while the daemon ends
stop_daemon

python3 - "$work" <<'PYTHON' >"$work/verdicts"
import gzip, json, sys
work = sys.argv[1]
place = work + '/u'
run = json.load(open(work + '/ran'))
started = [one for one in run['ran'] if 'pid' in one]
# Which of them a process descends from, by its fork, the last one of that pid: pids are used again.
parents, images, owners, execs, begun = {}, {}, {}, [[] for _ in started], 0
for line in open(work + '/capture', encoding='utf-8'):
    event = json.loads(line)
    if 'process' not in event: continue
    process, action = event['process'], event['event']['action']
    if action == 'fork':
        pid, parent = process['pid'], process['parent']['pid']
        parents[pid], owners[pid] = parent, owners.get(parent)
        images[pid] = images.get(parent, '?')
        if parent == run['pid'] and begun < len(started) and pid == started[begun]['pid']:
            owners[pid], begun = begun, begun + 1
    if action != 'exec': continue
    event['by'] = images.get(parents.get(process['pid']), '?')
    images[process['pid']] = process.get('executable', '?')
    owner = owners.get(process['pid'])
    if owner is not None: execs[owner].append(event)

def mapped(value): return value.replace(place, '/home/u')

def told(event, claim):
    process = event['process']
    executable = mapped(process.get('executable', '?')).split(' (deleted)')[0]
    wrapped = claim.get('parent', {}).get('executable', '/usr/bin/u') != '/usr/bin/u'
    parent = mapped(event['by']).split(' (deleted)')[0] if wrapped else ''
    return (executable, tuple(mapped(arg) for arg in process.get('args', [])), parent)

def said(claim):
    parent = claim.get('parent', {}).get('executable', '')
    return (claim['executable'], tuple(claim['args']), parent if parent != '/usr/bin/u' else '')

claims = {}
for line in open(work + '/claims'):
    claim = json.loads(line)
    if claim['type'] == 'evasion' and claim['applies']:
        claims[claim['test'] + '/' + claim['mutator']] = [event['process'] for event in claim['events']]
def problem_of(one, found):
    if not one['same']: return f'does not do the same: status {one["status"]}, {one["output"]}'
    wanted, left = claims[one['key']], list(found)
    for claim in wanted:
        match = next((event for event in left if told(event, claim) == said(claim)), None)
        if match is None:
            return f'no exec as claimed: {str(said(claim))[:300]}; there are {[str(told(event, claim))[:300] for event in left][:4]}'
        left.remove(match)
    if left: return f'an exec that is not claimed: {[e["process"].get("args") for e in left][:3]}'
    return None

problems = {}
for one in run['ran']:
    if 'skipped' in one: problems.setdefault(one['key'], []).append(one['skipped'])
for one, found in zip(started, execs):
    if one['key'] in claims: problems.setdefault(one['key'], []).append(problem_of(one, found))
skipped = {one['key'] for one in run['ran'] if 'skipped' in one}
for key, found in problems.items():
    if key in skipped: print(f'skip\t{key}: {found[0]}')
    elif None in found: print(f'pass\t{key}')
    else: print(f'flunk\t{key}: {found[0]}')
PYTHON
while IFS=$'\t' read -r verdict text; do
  if [[ $verdict == pass ]]; then pass; else "$verdict" "$text"; fi
done <"$work/verdicts"
finish
