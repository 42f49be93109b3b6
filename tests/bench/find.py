#!/usr/bin/env python3
"""
Measures the speed of praic-find.  Run by make bench.

    find.py [--sessions N] [--store FILE]
    find.py --records N FIRST	write the record stream of N sessions, from number FIRST on

The store has N sessions (default: 100,000) of 11 rows each, whose words have the
frequencies of a language.  Measured are the time and size of the first index, searches
for a word in a thousand events and a phrase in one, compared with LIKE '%word%' in the
same run, and a search after 1,000 new sessions.  --store uses this store, or makes it,
and keeps it.  Exits with 1 if a target is missed.
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
            # Some events have a word of their own.
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


def sh(command):
    return subprocess.run(command, shell=True, check=True, stdout=subprocess.PIPE, text=True).stdout


def timed(command, rounds=5):
    took = []
    for _ in range(rounds):
        began = time.monotonic()
        out = sh(command)
        took.append(time.monotonic() - began)
    return statistics.median(took), out


def load(store, sessions, first):
    with subprocess.Popen([TOSQL, "-d", store], stdin=subprocess.PIPE, text=True) as p:
        records(sessions, first, p.stdin)
        p.stdin.close()
        assert p.wait() == 0


def option(name, otherwise):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else otherwise


def main(directory):
    missed = 0

    def report(what, seconds, target, unit="s"):
        nonlocal missed
        ok = target is None or seconds <= target
        missed += not ok
        print("%-44s %9.3f %s%s" % (what, seconds, unit, "" if target is None else
              "  %g wanted: %s" % (target, "ok" if ok else "MISSED")), flush=True)

    sessions = int(option("--sessions", 100000))
    store = option("--store", directory + "/sessions.db")
    index = directory + "/index"
    if not os.path.exists(store):
        load(store, sessions, 1)
    sessions = int(sh("sqlite3 '%s' 'SELECT count(*) FROM session'" % store))
    find = "%s -d '%s' --index '%s' " % (FIND, store, index)
    print("%d sessions" % sessions)
    report("first index", timed(find + "-l xyzzy", 1)[0], None)
    report("index", os.path.getsize(index) / 1e6, None, "MB")
    report("store", os.path.getsize(store) / 1e6, None, "MB")
    # Each thousand sessions have a word of their own.
    word = "needle%d" % (sessions // 2000)
    lsid = sh("sqlite3 '%s' 'SELECT lsid FROM session WHERE id = %d'" % (
        store, sessions // 2000 * 1000 + 500)).strip()
    text = sh("sqlite3 '%s' \"SELECT value FROM session s JOIN session_event v ON v.session_id = s.id"
              " JOIN session_event_data d ON d.session_event_id = v.id WHERE s.lsid = '%s' AND"
              " d.name = 'body'\"" % (store, lsid)).split()
    phrase = " ".join(text[-4:])
    few, out = timed(find + "'\"%s\"'" % phrase)
    assert lsid in out, (phrase, lsid, out)
    report("a phrase in one event", few, 0.05)
    many, out = timed(find + "-l " + word)
    assert len(out.splitlines()) == 1000, len(out.splitlines())
    report("-l, a word in 1,000 events", many, 0.05)
    report("a word in 1,000 events, with their text", timed(find + word)[0], None)
    like, out = timed("sqlite3 '%s' \"SELECT count(DISTINCT v.session_id) FROM session_event_data d JOIN"
                      " session_event v ON v.id = d.session_event_id WHERE d.value LIKE '%%%s%%'\"" % (
                          store, word), 3)
    assert int(out) == 1000, out
    report("sqlite3 LIKE '%word%'", like, None)
    print("%-44s %9.4f of it" % ("-l, a word in 1,000 events", many / like))
    took = []
    for n in range(3):
        load(store, 1000, 900000001 + random.randrange(10**8) * 10 + n)
        took.append(timed(find + "-l " + phrase.split(" ", maxsplit=1)[0], 1)[0])
    report("with 1,000 new sessions", statistics.median(took), 1)
    return 1 if missed else 0


if "--records" in sys.argv:
    at = sys.argv.index("--records")
    records(int(sys.argv[at + 1]), int(sys.argv[at + 2]), sys.stdout)
    sys.exit(0)
for needed in (TOSQL, FIND):
    if not os.access(needed, os.X_OK):
        sys.exit("%s: run make first" % needed)
with tempfile.TemporaryDirectory(prefix="praic-bench.", dir=os.environ.get("TMPDIR", "/var/tmp")) as d:
    sys.exit(main(d))
