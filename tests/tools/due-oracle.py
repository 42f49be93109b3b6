"""The runs of a schedule by the rules of praic-sched(8), computed independently with
Python's zoneinfo: due-oracle.py ZONE CREATED PERIOD AT FROM TO STEP."""
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo


def instant(zone, day, hour, minute):
    """UNIX time of a local time; the end of the gap if it does not exist."""
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    for _ in range(24 * 60 + 1):
        utc = local.astimezone(timezone.utc)
        if utc.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
            return int(utc.timestamp())
        local += timedelta(minutes=1)  # wall clock arithmetic
    raise SystemExit("no such time")


def main():
    zone = ZoneInfo(sys.argv[1])
    created, period = int(sys.argv[2]), int(sys.argv[3])
    at = sys.argv[4]
    start, end, step = map(int, sys.argv[5:8])
    if at == "-":
        due = list(range(created, end + 1, period))
    else:
        hour, minute = map(int, at.split(":"))
        day = datetime.fromtimestamp(created, zone).date()
        if instant(zone, day, hour, minute) < created:
            day += timedelta(days=1)
        due = []
        while (when := instant(zone, day, hour, minute)) <= end:
            due.append(when)
            day += timedelta(days=period // 86400)
    runs = []
    for t in due:
        # the first step at or after the due time
        seen = start if t <= start else start + -(-(t - start) // step) * step
        if seen <= end and (not runs or runs[-1] != seen):
            runs.append(seen)
    print("\n".join(map(str, runs)))


main()
