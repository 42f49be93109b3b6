#!/usr/bin/env python3
"""
Measures the speed of praic-tosql with SQLite.  Run by make bench.

    tosql-sqlite.py [--quick] [--sessions N]

A pipe of 1.1 million rows is compared with sqlite3's .import of the same rows from CSV
files into the same tables and indexes, and with a loader in Python.  Also measured are
a second load of the same sessions, and the cost of a session in a database of 10
thousand and of a million sessions (--quick: 100 thousand).  With --sessions only the
pipe is measured, with this number of sessions instead of 6200.  Exits with 1 if a
target is missed.
"""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BENCH, TOOLS = TOP + "/tests/bench", TOP + "/tests/tools"
SPLIT, TOSQL = TOP + "/split/praic-split", TOP + "/tosql/praic-tosql"
TABLES = ["session", "user", "team", "customer", "custom_attribute", "session_event",
          "session_event_data", "system_information", "recording"]
QUICK = "--quick" in sys.argv
SESSIONS = int(sys.argv[sys.argv.index("--sessions") + 1]) if "--sessions" in sys.argv else 0
ROUNDS = 3 if SESSIONS else 5
missed = 0


def sh(command):
    subprocess.run(command, shell=True, check=True)


def clear(*dbs):
    for db in dbs:
        for name in (db, db + "-wal", db + "-shm"):
            if os.path.exists(name):
                os.remove(name)


def timed(command, before=lambda: None):
    before()
    os.sync()
    began = time.monotonic()
    sh(command)
    return time.monotonic() - began


def report(what, seconds, than=None, target=None):
    global missed
    line = "%-58s %7.2f s" % (what, seconds)
    if than is not None:
        ok = seconds <= than * target
        missed += not ok
        line += "  %5.2f of it, %.2f wanted: %s" % (
            seconds / than, target, "ok" if ok else "MISSED")
    print(line, flush=True)


def import_csv():
    clear("import.db")
    sh("sqlite3 import.db <schema.sql; sqlite3 import.db 'PRAGMA journal_mode = WAL' >/dev/null")


def one_pipe():
    sh("python3 %s/make-sessions.py %d >big.xml" % (BENCH, SESSIONS or 6200))
    sh("%s big.xml >big.rec" % SPLIT)
    sh("%s --schema sqlite >schema.sql" % TOSQL)
    sh("%s -d rows.db big.rec" % TOSQL)
    with open("import.sql", "w") as f:
        f.write("PRAGMA cache_size = -8192;\n.mode csv\n")
        for t in TABLES:
            sh('sqlite3 -csv rows.db "SELECT * FROM \\"%s\\" ORDER BY id" >%s.csv' % (t, t))
            if os.path.getsize(t + ".csv"):
                f.write(".import %s.csv %s\n" % (t, t))
    rows = int(subprocess.check_output("cat *.csv | wc -l", shell=True))
    print("%d rows, %d MB of XML" % (rows, os.path.getsize("big.xml") // 1000000))
    load = "%s big.xml | %s -d pipe.db" % (SPLIT, TOSQL)
    python = "python3 %s/etree-loader.py python.db big.xml" % BENCH
    took = {"import": [], "pipe": [], "python": [], "first": [], "again": []}
    for i in range(ROUNDS):
        took["import"].append(timed("sqlite3 import.db <import.sql", import_csv))
        took["pipe"].append(timed(load, lambda: clear("pipe.db")))
        took["first"].append(timed(TOSQL + " -d first.db big.rec", lambda: clear("first.db")))
        took["again"].append(timed(TOSQL + " -d first.db big.rec"))
        if i < 2:
            took["python"].append(timed(python, lambda: (clear("python.db"), sh(
                "sqlite3 python.db <schema.sql;"
                " sqlite3 python.db 'PRAGMA journal_mode = WAL' >/dev/null"))))
    for db in ("import.db", "python.db"):
        for t in ("session", "session_event", "session_event_data"):
            n = [subprocess.check_output(["sqlite3", d, "SELECT count(*) FROM " + t])
                 for d in (db, "pipe.db")]
            assert n[0] == n[1], (db, t, n)
    t = {k: statistics.median(v) for k, v in took.items()}
    report("sqlite3 .import of ready CSV", t["import"])
    report("python3, xml.etree and executemany", t["python"])
    report("praic-split | praic-tosql, against .import", t["pipe"], t["import"], 0.9)
    report("praic-split | praic-tosql, against Python", t["pipe"], t["python"], 0.4)
    report("ready records, first load", t["first"])
    report("ready records, second load, nothing changed", t["again"], t["first"], 0.5)
    print("%.0f rows a second" % (rows / t["pipe"]))


def growth():
    """Load 2,000 sessions into a small and a large database."""
    many = 100000 if QUICK else 1000000
    records = "python3 %s/make-records.py --events 2 --sessions %%d | %s -d %%s" % (TOOLS, TOSQL)
    sh(records % (10000, "few.db"))
    sh(records % (many, "many.db"))
    sh("python3 %s/make-records.py --sessions 2000 --first 5000001 --events 65 >add.rec" % TOOLS)
    took = {"few": [], "many": []}
    for _ in range(ROUNDS):
        for db in took:
            took[db].append(timed("%s -d copy.db add.rec" % TOSQL, lambda d=db: (
                clear("copy.db"), shutil.copy(d + ".db", "copy.db"))))
    few, more = statistics.median(took["few"]), statistics.median(took["many"])
    report("2,000 sessions more, where there are 10,000", few)
    report("2,000 sessions more, where there are %s" % format(many, ","), more, few, 1.5)


for needed in (SPLIT, TOSQL):
    if not os.access(needed, os.X_OK):
        sys.exit("%s: run make first" % needed)
with tempfile.TemporaryDirectory(prefix="praic-bench.", dir=os.environ.get("TMPDIR", "/var/tmp")) as d:
    os.chdir(d)
    one_pipe()
    if not SESSIONS:
        growth()
    os.chdir("/")
sys.exit(1 if missed else 0)
