#!/usr/bin/env python3
"""
A year of praic-sched -1 --now in a time zone: passes at intervals of minutes, hours
and weeks, of minutes in the nights when the clock changes; and clocks that are set
back.  After each pass the database must have exactly the runs that follow from the
rules of praic-sched(8).

    year.py ZONE SETTINGS		environment: sched (the program), PRAIC_SEED
"""
import bisect
import os
import random
import sqlite3
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

ZONE = ZoneInfo(sys.argv[1])
DAY = 86400
BEGIN = int(datetime(2026, 1, 1, 10, 0, 20, tzinfo=timezone.utc).timestamp())
# period, time of day in minutes or None
SCHEDULES = [(60, None), (5400, None), (DAY, None), (DAY, 150), (DAY, 120), (DAY, 60), (DAY, 90),
             (2 * DAY, 179), (7 * DAY, 150), (3 * DAY, 0), (DAY, 1439)]


def instant(day, minutes):
    """UNIX time of a local time: the first of two; the end of a gap."""
    local = datetime(day.year, day.month, day.day, minutes // 60, minutes % 60, tzinfo=ZONE)
    while True:
        utc = local.astimezone(timezone.utc)
        if utc.astimezone(ZONE).replace(tzinfo=None) == local.replace(tzinfo=None):
            return int(utc.timestamp())
        local += timedelta(minutes=1)


def due_times(period, at, end):
    if at is None:
        return list(range(BEGIN, end + 1, period))
    day = datetime.fromtimestamp(BEGIN, ZONE).date()
    if instant(day, at) < BEGIN:
        day += timedelta(days=1)
    due = []
    while not due or due[-1] <= end:
        due.append(instant(day, at))
        day += timedelta(days=period // DAY)
    return due


def changes(year):
    """The times at which the offset changes."""
    t = int(datetime(year, 1, 1, tzinfo=timezone.utc).timestamp())
    found = []
    for hour in range(t, t + 366 * DAY, 3600):
        a, b = (datetime.fromtimestamp(x, ZONE).utcoffset() for x in (hour, hour + 3600))
        if a != b:
            found.append(hour + 3600)
    return found


def looks(rng):
    t, end, nights = BEGIN, BEGIN + 366 * DAY, changes(2026)
    while t < end:
        yield t
        if any(-9000 < t - n < 9000 for n in nights):
            t += rng.choice((60, 60, 300, 900, 1500))
        else:
            t += rng.choice((61, 3600, 7 * 3600, DAY, 4 * DAY, 4 * DAY, 16 * DAY))
            for n in nights:            # do not skip such a night
                if t - 9000 > n > t - 17 * DAY and n not in looks.seen:
                    t = n - 8000
            looks.seen |= {n for n in nights if n < t + 9000}
        if rng.random() < 0.1:          # the clock is set back for some time
            back = rng.choice((60, 3600, 7200, 12 * 3600))
            yield t
            yield t - back
            yield t - back // 2


looks.seen = set()


def main():
    seed = int(os.environ.get("PRAIC_SEED") or time.time_ns() % 1000000)
    print("PRAIC_SEED=%d" % seed)
    rng = random.Random(seed)
    db = sqlite3.connect(sys.argv[2], isolation_level=None, timeout=30)
    db.execute("DELETE FROM schedule")
    for i, (period, at) in enumerate(SCHEDULES):
        db.execute("INSERT INTO schedule (id, name, every, at, created) VALUES (?, ?, ?, ?, ?)",
                   (i + 1, "schedule %d" % i, period, at, BEGIN))
    due = [due_times(p, at, BEGIN + 400 * DAY) for p, at in SCHEDULES]
    last = [None] * len(SCHEDULES)
    environment = dict(os.environ, TZ=sys.argv[1])
    passes = runs = back = 0
    for t in looks(rng):
        back += passes > 0 and t < before
        before = t
        for i, times in enumerate(due):
            since = BEGIN - 1 if last[i] is None else last[i]
            # A due time after the last run and not after now?
            if bisect.bisect_right(times, t) > bisect.bisect_right(times, since):
                last[i] = t
                runs += 1
        subprocess.run([os.environ["sched"], "-1", "--now", str(t)], check=True, env=environment)
        passes += 1
        got = [r[0] for r in db.execute("SELECT last_due FROM schedule ORDER BY id")]
        for i, (g, w) in enumerate(zip(got, last)):
            if g != w:
                print("at %d (%s), every %d s at %s: last run %s, not %s" % (
                    t, datetime.fromtimestamp(t, ZONE), *SCHEDULES[i], g, w))
                return 1
    print("%d passes, %d of them with a clock that was set back, %d runs" % (passes, back, runs))
    return 0


sys.exit(main())
