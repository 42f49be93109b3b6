#!/usr/bin/env python3
"""
Checks that the bulk copies logged by tds-server.py have the rows of the streams.

    bulk-check.py LOG STREAM...

Texts must be unchanged.  A text that is empty or ends in a blank has a dot behind
it, and its row marks that.  Characters beyond 16 bits are two units, times have
their T, numbers are numbers, and each row names the session of its batch.
"""
import importlib.util
import json
import os
import sys

spec = importlib.util.spec_from_file_location(
    "storage", os.path.join(os.path.dirname(os.path.abspath(__file__)), "storage.py"))
storage = importlib.util.module_from_spec(spec)
spec.loader.exec_module(storage)

sessions = [s for path in sys.argv[2:] for s in storage.read(path)]
copies = {}
with open(sys.argv[1], encoding="utf-8") as f:
    for line in f:
        kind, *rest = json.loads(line)
        if kind == "trouble":
            sys.exit("the stand-in: %s" % rest)
        if kind == "bulk":
            copies.setdefault(rest[0], []).append(rest[1])
bad = []
for table in ["session"] + storage.CHILDREN:
    want = [(i, row) for i, (_, s) in enumerate(sessions) for row in s.get(table, [])]
    got = [dict(zip(copy[0], row)) for copy in copies.get(table, []) for row in copy[1:]]
    if len(got) != len(want):
        bad.append("%s: %d rows, not %d" % (table, len(got), len(want)))
    for n, (g, (i, w)) in enumerate(zip(got, want)):
        if len(copies[table]) == 1 and (g["ord"] != i or g["n"] != n + 1):
            bad.append("%s %d: ord %s, n %s" % (table, n, g["ord"], g["n"]))
        guarded = {c for i, c in enumerate(list(g)[2:]) if g["guarded"] >> i & 1}
        if guarded != {c for c, v in w.items() if isinstance(v, str)
                       and c not in storage.TIMES and (v == "" or v[-1] == " ")}:
            bad.append("%s %d: guarded are %s" % (table, n, guarded))
        for c, v in w.items():
            if isinstance(v, str) and c in storage.TIMES:
                v = v.replace(" ", "T")
            if c in guarded:
                v += "."
            if g[c] != v:
                bad.append("%s %d: %s is %.80r, not %.80r" % (table, n, c, g[c], v))
print("\n".join(bad[:20]))
sys.exit(1 if bad else 0)
