#!/usr/bin/env python3
"""
Measures the speed of praic-tosql with SQL Server, compared with freebcp of the same
rows into plain heap tables of the same server, and with a loop of one-row INSERTs.

    tosql-mssql.py          PRAIC_TEST_MSSQL names a file with a connection string
                            (without quotes in it), PRAIC_TEST_MSSQL_CA its CA

The name of the database must contain "test", because its tables are dropped.  Exits
with 1 if a target is missed.
"""
import os
import sqlite3
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOSQL = TOP + "/tosql/praic-tosql"
QUERY = TOP + "/tests/tools/mssql-query"
TABLES = ["session", "user", "team", "customer", "custom_attribute", "session_event",
          "session_event_data", "system_information", "recording"]
missed = 0

if "PRAIC_TEST_MSSQL" not in os.environ:
    print("no T-SQL server: PRAIC_TEST_MSSQL is not set, nothing was measured")
    sys.exit(0)
conn = os.path.abspath(os.environ["PRAIC_TEST_MSSQL"])
ca = os.environ.get("PRAIC_TEST_MSSQL_CA")
with open(conn, encoding="utf-8") as f:
    pairs = dict(p.split("=", 1) for p in f.read().strip().split(";") if p)
key = {k.strip().lower(): v for k, v in pairs.items()}
host, _, port = key["server"].removeprefix("tcp:").partition(",")


def ask(sql):
    return subprocess.run([QUERY, conn] + ([ca] if ca else []), input=sql, check=True,
                          stdout=subprocess.PIPE, encoding="utf-8").stdout


def drop(names):
    ask("".join("IF OBJECT_ID(N'dbo.[%s]', N'U') IS NOT NULL DROP TABLE dbo.[%s]\nGO\n" % (n, n)
                for n in names))


def wipe():
    ask("IF OBJECT_ID(N'dbo.endpoint') IS NOT NULL DROP VIEW dbo.endpoint\n")
    drop(TABLES[::-1] + ["praic_schema"])


def load(stream):
    began = time.monotonic()
    subprocess.run([TOSQL, "-d", "@" + conn] + (["--ca-file", ca] if ca else []) + [stream],
                   check=True)
    return time.monotonic() - began


def freebcp():
    """Seconds and rows; None if it fails."""
    with open("freetds.conf", "w") as f:
        f.write("[bench]\n\thost = %s\n\tport = %s\n\ttds version = 7.4\n\tencryption = %s\n"
                "\tclient charset = UTF-8\n" % (host, port or 1433, "require"))
        if ca:
            f.write("\tca file = %s\n" % ca)
    env = dict(os.environ, FREETDSCONF=os.path.abspath("freetds.conf"))
    db, seconds, total = sqlite3.connect("rows.db"), 0, 0
    drop(["heap_" + t for t in TABLES])
    for t in TABLES:
        types = [(c[1], c[2]) for c in db.execute('PRAGMA table_info("%s")' % t)]
        ask("CREATE TABLE dbo.heap_%s (%s)" % (t, ", ".join("[%s] %s NULL" % (
            c, "BIGINT" if k == "INTEGER" else "NVARCHAR(MAX)") for c, k in types)))
        n = 0
        with open("rows.dat", "w", encoding="utf-8", newline="") as f:
            for row in db.execute('SELECT * FROM "%s" ORDER BY id' % t):
                f.write("\x1f".join("" if v is None else str(v) for v in row) + "\x1e\n")
                n += 1
        if n == 0:
            continue
        began = time.monotonic()
        r = subprocess.run(
            ["freebcp", "dbo.heap_" + t, "in", "rows.dat", "-c", "-t", "\x1f", "-r", "\x1e\n",
             "-S", "bench", "-U", key["user id"], "-P", key["password"], "-D", key["database"],
             "-b", "20000"], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", errors="replace")
        seconds += time.monotonic() - began
        if int(ask("SELECT COUNT(*) FROM dbo.heap_" + t)) != n:
            print("freebcp: %s: %s" % (t, r.stdout.strip()[-200:]))
            return None
        total += n
    drop(["heap_" + t for t in TABLES])
    return total / seconds


def row_by_row(n=3000):
    ask("CREATE TABLE dbo.heap_loop (id BIGINT NULL, name NVARCHAR(450) NULL, value NVARCHAR(MAX))")
    sql = "".join("INSERT INTO dbo.heap_loop VALUES (%d, N'windowName', N'some text to store')\nGO\n"
                  % i for i in range(n))
    began = time.monotonic()
    ask(sql)
    seconds = time.monotonic() - began
    drop(["heap_loop"])
    return n / seconds


def report(what, rate, than=None, factor=None):
    global missed
    line = "%-50s %9.0f rows a second" % (what, rate)
    if than is not None:
        ok = rate >= factor * than
        missed += not ok
        line += ", %.2f of it, %g wanted: %s" % (rate / than, factor, "ok" if ok else "MISSED")
    print(line, flush=True)


if "test" not in ask("SELECT DB_NAME()").lower():
    sys.exit('the database has no "test" in its name')
with tempfile.TemporaryDirectory(prefix="praic-bench.",
                                 dir=os.environ.get("TMPDIR", "/var/tmp")) as d:
    os.chdir(d)
    subprocess.run("python3 %s/tests/bench/make-sessions.py 6200 | %s/split/praic-split >big.rec &&"
                   " %s -d rows.db big.rec" % (TOP, TOP, TOSQL), shell=True, check=True)
    subprocess.run("sed '/^[SRXEZ]\t/d' big.rec >none.rec && printf 'Z\\t0\\t0\\n' >>none.rec",
                   shell=True, check=True)
    rows = int(subprocess.check_output(["grep", "-c", "^R", "big.rec"]))
    # The best of three runs of each, in turn, because the machine may be busy.
    ours, theirs, loop = 0, 0, 0
    for _ in range(3):
        # The tables exist before each run.
        wipe()
        load("none.rec")
        ours = max(ours, rows / load("big.rec"))
        again = load("big.rec")
        wipe()
        rate = freebcp()
        theirs = None if rate is None or theirs is None else max(theirs, rate)
        loop = max(loop, row_by_row())
    if theirs is None:
        print("freebcp does not work with this server")
    else:
        report("freebcp into heap tables", theirs)
    report("one-row INSERTs", loop)
    report("praic-tosql, against freebcp", ours, theirs, 0.5)
    report("praic-tosql, against one-row INSERTs", ours, loop, 20)
    print("%-50s %9.2f s" % ("the same %d rows again, nothing changed" % rows, again))
    os.chdir("/")
sys.exit(1 if missed else 0)
