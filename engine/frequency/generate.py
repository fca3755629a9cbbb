#!/usr/bin/env python3
"""Writes common_grams.inc: four bytes that are common in what ordinary hosts run.

usage: generate.py CAPTURE.jsonl... > common_grams.inc

Of each exec its command line, executable and name are taken, in lower case and between two NULs. A line
of the table is GRAMS(level, text): each four bytes of the text are in one of 2^level to one of
2^(level+1) such values.
"""
import collections
import json
import math
import sys

LAST_LEVEL = 8
PER_LINE = 20


def values(path):
    for line in open(path, encoding="utf-8", errors="replace"):
        event = json.loads(line)
        if event.get("event", {}).get("action") != "exec":
            continue
        process = event.get("process", {})
        for name in ("command_line", "executable", "name"):
            if process.get(name):
                yield ("\0" + process[name][:4096].lower() + "\0").encode("utf-8", "replace")


def literal(gram):
    # Octal of three digits, so that a digit behind it is no part of it.
    plain = lambda byte: 0x20 <= byte < 0x7F and byte not in b'"\\?'
    return "".join(chr(byte) if plain(byte) else "\\%03o" % byte for byte in gram)


counts = collections.Counter()
total = 0
for path in sys.argv[1:]:
    for value in values(path):
        total += 1
        counts.update({value[i : i + 4] for i in range(len(value) - 3)})
levels = collections.defaultdict(list)
for gram, count in counts.items():
    levels[int(-math.log2(count / total))].append(gram)
print("// Made by generate.py of %d values. Do not edit." % total)
for level in range(LAST_LEVEL + 1):
    grams = sorted(levels[level])
    for i in range(0, len(grams), PER_LINE):
        print('GRAMS(%d, "%s")' % (level, "".join(map(literal, grams[i : i + PER_LINE]))))
