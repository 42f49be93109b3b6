#!/usr/bin/env python3
"""
How fast is praic-find?  Run by make bench, after make.

    find.py [--sessions N] [--store FILE]
    find.py --records N FIRST	only the record stream of N sessions, from number FIRST on

A store of N sessions (100,000 unless told; 11 rows each), whose words have the
frequencies of a language; its first index, and the size of that; a rare word
and one in a thousand events, against LIKE '%word%' in the same run; and an
update after 1,000 new sessions.  --store: this store, made if it is not there,
and kept.  Exits with 1 when a target is missed.
"""
import hashlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOSQL, FIND = TOP + "/tosql/praic-tosql", TOP + "/find/praic-find"
sys.path.insert(0, TOP + "/tests/tools")
from columns import TABLES  # noqa: E402

VOCABULARY = 50000
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "ar", "en", "is")]


def vocabulary():
    rnd = random.Random(1)
    words = ["".join(rnd.choices(SYLLABLES, k=rnd.randint(1, 4))) for _ in range(VOCABULARY)]
    total, weights = 0.0, []
    for rank in range(1, VOCABULARY + 1):
        total += 1 / rank
        weights.append(total)
    return words, weights


def records(sessions, first, out):
    words, weights = vocabulary()
    rnd = random.Random(first)

    def text(n):
        return " ".join(rnd.choices(words, cum_weights=weights, k=n))

    def when(t):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))

    out.write("praic-records\t1\n")
    for table, columns in TABLES.items():
        out.write("\t".join(("H", table, *columns.split())) + "\n")
    nothing = "\t\\N" * 7
    for i in range(first, first + sessions):
        lsid = hashlib.md5(b"%d" % i).hexdigest()
        endpoint, user, start = "srv-%04d" % (i % 5000), "user%d" % (i % 200), 1500000000 + i * 97
        by = "%s\trepresentative\t%s\tcustomer\t2\t1" % (user.title(), endpoint)
        lines = [
            "customer\t1\t\\N\t\\N\t%s\t\\N\t\\N\t198.51.100.23:50677\t10.20.30.40\t%s\t\\N\t0\tadmin"
            % (endpoint, endpoint),
            "session_event\t1\tChat Message\t%s\t%s" % (when(start + 5), by),
            # One in so many says a word that nobody else says.
            "session_event_data\t1\t1\tbody\t%s needle%d" % (text(12), i // 1000),
            "session_event\t2\tSession Foreground Window Changed\t%s\t%s" % (when(start + 9), by),
            "session_event_data\t2\t1\texeName\tC:\\\\Windows\\\\%s.exe" % text(1),
            "session_event_data\t2\t2\twindowName\t%s" % text(4),
            "session_event_data\t2\t3\tfilesize\t%d" % rnd.randrange(1 << 30),
            "custom_attribute\tTicket\tticket\tCHG-%05d" % i,
            "recording\trecording\t\\N",
            "user\t2\t12\t%s\t%s\t\\N\t1012\t203.0.113.9\t\\N\t1\t1\t60\t\\N\tLinux\t0"
            % (user, user.title()),
            "session\taccess.example.com\t%s\tsupport\t%s\t%s\t00:01:00\t0\tCHG-%05d\t1\tDefault"
            "\t%d%s\t1" % (lsid, when(start), when(start + 60), i, i, nothing)]
        out.write("S\taccess.example.com\t%s\nR\t%s\nE\t%s\t%d\t0\n" % (
            lsid, "\nR\t".join(lines), lsid, len(lines)))
    out.write("Z\t%d\t0\n" % sessions)
    out.flush()
