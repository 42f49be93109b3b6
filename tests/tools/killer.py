#!/usr/bin/env python3
"""
Kills a loader at random moments, and watches the database meanwhile.

    killer.py DB KILLS STREAM COMMAND...

COMMAND is run with STREAM as its input, and killed after a random part of the
time that the whole takes, again and again; when all is loaded, it begins anew
with the database as it was.  After KILLS kills it runs to its end.  All the
while a reader looks for sessions that are not whole: make-records.py lets a session's length tell
how many events it must have, and each has two users, two recordings, a
team, a customer and an attribute.
"""
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

db, kills, stream, command = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
HALF = """
SELECT count(*) FROM session AS s WHERE
  (SELECT count(*) FROM session_event AS e WHERE e.session_id = s.id) <>
    coalesce((strftime('%s', end_time) - strftime('%s', start_time) - 60) / 7,
      (SELECT max(seq) FROM session_event AS e WHERE e.session_id = s.id))
  OR (SELECT count(*) FROM user AS c WHERE c.session_id = s.id) <> 2
  OR (SELECT count(*) FROM recording AS c WHERE c.session_id = s.id) <> 2
  OR (SELECT count(*) FROM team AS c WHERE c.session_id = s.id) <> 1
  OR (SELECT count(*) FROM customer AS c WHERE c.session_id = s.id) <> 1
  OR (SELECT count(*) FROM custom_attribute AS c WHERE c.session_id = s.id) <> 1
"""
looks, seen, stop = 0, [], False
resetting = threading.Lock()


def watch():
    global looks
    while not stop:
        if not os.path.exists(db):
            time.sleep(0.01)
            continue
        resetting.acquire()
        try:
            con = sqlite3.connect("file:%s?mode=rw" % db, uri=True, timeout=30)
            half = con.execute(HALF).fetchone()[0]
            looks += 1
            if half:
                seen.append(half)
            con.close()
        except sqlite3.OperationalError as e:
            if "no such table" not in str(e) and "unable to open" not in str(e):
                seen.append(str(e))
        resetting.release()
        time.sleep(0.02)


def reset():
    with resetting:
        for name in (db, db + "-wal", db + "-shm"):
            if os.path.exists(name):
                os.remove(name)
        if os.path.exists(saved):
            shutil.copy(saved, db)


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
# How long does it take, from what is there now?
saved = db + ".saved"
if os.path.exists(db):
    shutil.copy(db, saved)
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
print("%d killed, %d looks" % (killed, looks))
if code != 0 or seen or looks < 3:
    print("exit %s; half sessions: %s" % (code, seen[:5]))
    sys.exit(1)
