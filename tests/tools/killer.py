#!/usr/bin/env python3
"""
Kills a loader at random times and checks the database meanwhile.

    killer.py DB KILLS STREAM COMMAND...

DB is an SQLite file, or mssql:CONNECTION-STRING-FILE[,CA-FILE] of a database
with tables and without sessions.  COMMAND runs with STREAM as its input and is
killed after a random part of the time that a whole run takes, repeatedly; when
everything is loaded, the database is reset.  After KILLS kills it runs to its
end.  Meanwhile a reader looks for incomplete sessions: with make-records.py the
length of a session gives the number of its events, and each session has two
users, two recordings, a team, a customer and an attribute.
"""
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

from storage import Mssql

CHILDREN = {"[user]": 2, "recording": 2, "team": 1, "customer": 1, "custom_attribute": 1}


def half(prefix, seconds):
    """The number of incomplete sessions, in SQL."""
    count = "(SELECT COUNT(*) FROM " + prefix + "%s AS c WHERE c.session_id = s.id)"
    return ("SELECT COUNT(*) FROM %ssession AS s WHERE (s.end_time IS NOT NULL AND %s <> (%s - 60) / 7)"
            % (prefix, count % "session_event", seconds)
            + " OR (s.end_time IS NULL AND %s <> (SELECT MAX(c.seq) FROM %ssession_event AS c"
            " WHERE c.session_id = s.id))" % (count % "session_event", prefix)
            + "".join(" OR %s <> %d" % (count % t, n) for t, n in CHILDREN.items()))


class SqliteStore:
    HALF = half("", "(strftime('%s', s.end_time) - strftime('%s', s.start_time))")

    def __init__(self, path):
        self.path, self.saved = path, path + ".saved"
        if os.path.exists(path):
            shutil.copy(path, self.saved)

    def look(self):
        """The number of incomplete sessions; None if it cannot be read."""
        if not os.path.exists(self.path):
            time.sleep(0.01)
            return None
        try:
            con = sqlite3.connect("file:%s?mode=rw" % self.path, uri=True, timeout=30)
            found = con.execute(self.HALF).fetchone()[0]
            con.close()
            return found
        except sqlite3.OperationalError as e:
            if "no such table" not in str(e) and "unable to open" not in str(e):
                raise
            return None

    def reset(self):
        for name in (self.path, self.path + "-wal", self.path + "-shm"):
            if os.path.exists(name):
                os.remove(name)
        if os.path.exists(self.saved):
            shutil.copy(self.saved, self.path)


class MssqlStore:
    HALF = half("dbo.", "DATEDIFF(SECOND, s.start_time, s.end_time)")

    def __init__(self, arguments):
        self.server = Mssql(arguments)
        # By default SQL Server reads the tables at different times.
        self.level = ""
        try:
            self.server.ask("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON\n")
            self.level = "SET TRANSACTION ISOLATION LEVEL SNAPSHOT\nGO\n"
        except subprocess.CalledProcessError:
            print("no snapshot isolation")

    def look(self):
        return int(self.server.ask(self.level + self.HALF)[0][0])

    def reset(self):
        self.server.ask("DELETE FROM dbo.session")


name, kills, stream, command = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
store = MssqlStore(name[6:].split(",")) if name.startswith("mssql:") else SqliteStore(name)
looks, seen, stop = 0, [], False
resetting = threading.Lock()


def watch():
    global looks
    while not stop:
        with resetting:
            try:
                found = store.look()
                looks += found is not None
            except (sqlite3.Error, subprocess.CalledProcessError) as e:
                found = str(e)
        if found:
            seen.append(found)
        time.sleep(0.02)


def reset():
    with resetting:
        store.reset()


def load(seconds):
    with open(stream, "rb") as f:
        p = subprocess.Popen(command, stdin=f)
        try:
            return p.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            return None


seed = int(os.environ.get("PRAIC_SEED", time.time()))
random.seed(seed)
print("PRAIC_SEED=%d" % seed)
# The duration of a whole run, from the current state of the database.
began = time.monotonic()
code = load(600)
whole = time.monotonic() - began
reset()
watcher = threading.Thread(target=watch)
watcher.start()
killed = 0
while killed < kills:
    if load(random.uniform(0, whole)) is None:
        killed += 1
    else:
        reset()
code = load(600) or code
stop = True
watcher.join()
print("%d killed in loads of %.1f s, %d checks" % (killed, whole, looks))
if code != 0 or seen or looks < 3:
    print("exit %s; incomplete sessions: %s" % (code, seen[:5]))
    sys.exit(1)
