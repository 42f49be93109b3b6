#!/usr/bin/env python3
"""
A week of an appliance in simulated time: sessions begin, last for hours or days,
end, close abnormally, and appear late in reports.  During the passes of
praic-sched, processes are killed and requests refused at random.

    week.py DIR DAYS STEP BEGIN	DIR/settings.db exists; this program starts and
				stops DIR/appliance

PRAIC_SEED repeats a week (but the times of kills depend on the speed of the
machine).  Afterwards the appliance still runs (DIR/pid), with its clock some days
after the end of the last session.  This program checks the number of requests; the
caller checks the stored data.  Exit status 1 and a message on standard output if an
undisturbed pass failed or something was requested too often.
"""
import collections
import fcntl
import glob
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "appliance"))
import control          # noqa: E402: of the appliance

# In the future: praic-tofs saves sessions in progress that began more than a week ago
# by this machine's clock, and the test must not have any.
BEGIN = int(sys.argv[4])
DAY = 86400
LATE = 600              # maximum delay of reports: less than the overlap

KINDS = ("fault", "kills", "dead_appliance", "refusal", "locked_database", "no_directory", "term",
         "full_disk", "wrong_clock")

# Faults of reports: a pass has one kind at most.
FAULTS = ["unavailable", "internal-error", "reset percent=70", "hang-up", "short-body",
          "truncated match=AccessSession",
          "html-login", "json-error", "empty-body", "rate-limit seconds=0",
          "forget-tokens", "no-token match=token", "xml-error", "cut-chunked",
          "malformed match=AccessSession"]


class Appliance:
    def __init__(self, directory, seed, days, sessions):
        self.directory, self.now, self.port = directory, BEGIN, 0
        self.words = ["--sessions", str(sessions), "--seed", str(seed), "--late", str(LATE),
                      "--span", str(days), "--end", str(BEGIN + days * DAY),
                      "--recording-size", "300-4000"]
        self.by_hand = []       # sessions that last for days
        self.process = None

    def start(self):
        for name in ("ready", "port"):
            if os.path.exists(os.path.join(self.directory, name)):
                os.unlink(os.path.join(self.directory, name))
        self.process = subprocess.Popen(        # the caller ends it
            [sys.executable, os.path.join(TOP, "tests", "appliance"), "--quiet",
             "--dir", self.directory, "--port", str(self.port), "--clock", "fixed",
             "--now", str(self.now)] + self.words, start_new_session=True)
        while not os.path.exists(os.path.join(self.directory, "ready")):
            if self.process.poll() is not None:
                sys.exit("the appliance did not start")
            time.sleep(0.02)
        with open(os.path.join(self.directory, "port"), encoding="ascii") as f:
            self.port = int(f.read())
        with open("pid", "w", encoding="ascii") as f:
            f.write("%d\n" % self.process.pid)
        for s in self.by_hand:
            self.ask("add", **s)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ask(self, verb, **more):
        return control.ask(self.directory, {"do": verb, **more})

    def clock(self, now):
        self.now = now
        self.ask("clock", set=now)


def long_sessions(rng, days):
    """Sessions that last for days, are open at the start, close abnormally, or stay open."""
    def lsid():
        return "%032x" % rng.getrandbits(128)

    end = BEGIN + days * DAY
    for i in range(14):
        start = BEGIN + int(rng.uniform(-3, days - 2) * DAY)
        length = int(rng.uniform(0.5, 5) * DAY)
        yield {"start": start, "length": min(length, end - start), "lsid": lsid(),
               "events": rng.randint(5, 30), "lag": rng.choice((0, 0, rng.randint(1, LATE))),
               "abnormal": i % 3 == 1}
    # Older than the look-back when they end or close abnormally; and one that stays open.
    for abnormal in (False, True):
        yield {"start": BEGIN - 3 * DAY, "length": 3 * DAY + int(days * 0.8 * DAY),
               "lsid": lsid(), "events": 20, "abnormal": abnormal}
    yield {"start": BEGIN - 4 * DAY, "lsid": lsid(), "events": 9}


def born(pid):
    """(parent, start time) of a process; None if it has ended."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as f:
            words = f.read().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return int(words[1]), int(words[19])


def family(pid):
    """A process and its descendants: (pid, start time)."""
    known = {}
    for path in glob.glob("/proc/[0-9]*"):
        one = int(path.split("/")[2])
        known[one] = born(one)
    found, level = [], {pid}
    while level:
        found += [(p, known[p][1]) for p in sorted(level) if known.get(p)]
        level = {p for p, b in known.items() if b and b[0] in level}
    return found


def kill(pid, birth):
    """Kill this process, but not another one that got its id since."""
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return
    try:
        now = born(pid)
        if now and now[1] == birth:
            signal.pidfd_send_signal(fd, signal.SIGKILL)
    except ProcessLookupError:
        pass
    finally:
        os.close(fd)


class Week:
    def __init__(self, directory, days, step):
        self.seed = int(os.environ.get("PRAIC_SEED") or time.time_ns() % 1000000)
        print("PRAIC_SEED=%d" % self.seed, flush=True)
        self.rng = random.Random(self.seed)
        self.directory, self.days, self.step = directory, days, step
        self.appliance = Appliance(os.path.join(directory, "appliance"), self.seed, days,
                                   12 * days)
        self.appliance.by_hand = list(long_sessions(self.rng, days))
        self.troubled = set()   # the values of --now in disturbed passes
        self.passes = 0
        self.wrong = 0          # error of the appliance's clock
        self.counts = collections.Counter()
        self.busy = False       # processes of the last pass may still run
        self.took = collections.Counter()
        self.usual = 1.0        # seconds that a pass usually takes

    # A pass, disturbed or not.

    def sched(self, now, **more):
        self.passes += 1
        return subprocess.Popen([os.environ["sched"], "-1", "--now", str(now)],
                                stdin=subprocess.DEVNULL, stderr=self.said,
                                stdout=self.said, start_new_session=True, **more)

    def locks_free(self):
        for path in glob.glob(os.path.join(self.directory, "spool", "lock", "*")):
            with open(path, "rb") as f:
                try:
                    fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return False
        return True

    def wait_locks(self):
        until = time.monotonic() + 60
        while not self.locks_free():
            if time.monotonic() > until:
                sys.exit("a lock is held for ever")
            time.sleep(0.02)
        self.busy = False

    def calm(self, now):
        began = time.monotonic()
        busy = self.busy
        p = self.sched(now)
        code = p.wait()
        self.usual = (self.usual + time.monotonic() - began) / 2
        self.took["calm"] += time.monotonic() - began
        self.counts["calm"] += 1
        self.wait_locks()
        if busy:
            self.troubled.add(now)
        elif code not in (0, 65, 75):   # 75: a back-off of an earlier failure
            print("pass at %d: exit %d, although it was undisturbed" % (now, code))
            self.counts["failed without a reason"] += 1

    def pause(self):
        time.sleep(self.rng.uniform(0.02, self.usual * 1.1))

    def with_fault(self, now):
        fault = self.faults.pop() if self.faults else self.rng.choice(FAULTS)
        self.appliance.ask("fault", clear=True, add="%s probability=%.2f" % (
            fault, self.rng.choice((0.2, 0.5, 1))))
        self.sched(now).wait()
        self.appliance.ask("fault", clear=True)

    def with_refusal(self, now):
        what = self.rng.choice(("AccessSession", "token"))
        if what == "token":
            self.appliance.ask("tokens", forget=True)
            self.appliance.ask("fault", clear=True, add="bad-client match=token")
        else:
            self.appliance.ask("deny", what=what, deny=True)
        self.sched(now).wait()
        # praic-fetch would not retry for a minute of this machine's clock.
        shutil.rmtree(os.path.join(os.environ["XDG_RUNTIME_DIR"], "praic"), ignore_errors=True)
        self.appliance.ask("deny", what=what, deny=False)
        self.appliance.ask("fault", clear=True)

    def with_dead_appliance(self, now):
        p = self.sched(now)
        self.pause()
        self.appliance.kill()
        p.wait()
        self.appliance.start()

    def with_locked_database(self, now):
        db = sqlite3.connect(os.path.join(self.directory, "store.db"), isolation_level=None,
                             timeout=30)
        db.execute("BEGIN EXCLUSIVE")
        self.sched(now).wait()
        db.execute("ROLLBACK")
        db.close()

    def with_no_directory(self, now):
        files = os.path.join(self.directory, "files")
        p = None
        if self.rng.random() < 0.5:     # during the pass
            p = self.sched(now)
            self.pause()
        os.rename(files, files + ".gone")
        (p or self.sched(now)).wait()
        self.wait_locks()
        shutil.rmtree(files, ignore_errors=True)
        os.rename(files + ".gone", files)

    def with_full_disk(self, now):
        """Limit the size of files, or the free space of the spool."""
        if self.rng.random() < 0.5:
            limit = self.rng.choice((0, 3000, 20000, 70000))
            self.sched(now, preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_FSIZE, (limit, limit))).wait()
            return
        with sqlite3.connect("settings.db", timeout=30) as db:
            db.execute("UPDATE setting SET value = '9000000000000000000' "
                       "WHERE name = 'spool-floor'")
        self.sched(now).wait()
        with sqlite3.connect("settings.db", timeout=30) as db:
            db.execute("UPDATE setting SET value = '0' WHERE name = 'spool-floor'")

    def with_wrong_clock(self, now):
        """The appliance's clock is wrong by hours or days for some time."""
        self.wrong = self.rng.choice((-2 * DAY, -7200, 7200, DAY))
        self.appliance.clock(self.appliance.now + self.wrong)
        self.sched(now).wait()

    def with_kills(self, now):
        p = self.sched(now)
        for _ in range(self.rng.randint(1, 3)):
            self.pause()
            victims = family(p.pid)
            how = self.rng.random()
            if not victims:
                break
            if how < 0.2:
                for victim in victims:
                    kill(*victim)
            elif how < 0.4:
                kill(*victims[0])
            else:
                kill(*self.rng.choice(victims[1:] or victims))
            self.counts["processes at work"] += len(victims)
        p.wait()
        self.busy = True
        if self.rng.random() < 0.6:
            self.wait_locks()

    def with_term(self, now):
        p = self.sched(now)
        self.pause()
        p.terminate()
        if self.rng.random() < 0.5:
            p.terminate()
        p.wait()
        self.wait_locks()

    def trouble(self, now):
        if not self.deck:
            kinds = [getattr(self, "with_" + k) for k in KINDS]
            self.deck = [self.with_fault] * 3 + [self.with_kills] * 4 + kinds
            self.rng.shuffle(self.deck)
            self.rng.shuffle(kinds)
            self.deck += kinds          # each of them first
        what = self.deck.pop()
        self.troubled.add(now)
        self.counts[what.__name__] += 1
        began = time.monotonic()
        what(now)
        self.took[what.__name__] += time.monotonic() - began

    def live(self):
        self.deck, self.faults = [], FAULTS[:]
        self.rng.shuffle(self.faults)
        self.appliance.start()
        now, end, skew, deck = BEGIN, BEGIN + self.days * DAY, 0, []
        while now < end:
            if self.wrong and self.rng.random() < 0.5:
                self.wrong = 0
            self.appliance.clock(now + self.wrong)
            # This machine's clock is right, ahead, or behind; it may jump.
            if self.rng.random() < 0.15:
                skew = self.rng.choice((0, 400, -400, 3000, -DAY, 3 * DAY))
            if not deck:
                deck = [1, 1, 1, 1, 0]
                self.rng.shuffle(deck)
            if deck.pop() and now > BEGIN:
                self.trouble(now + skew)
                if self.rng.random() < 0.3:     # the back-off has ended
                    now += self.rng.randint(61, 300)
                    self.appliance.clock(now + self.wrong)
                    self.calm(now + skew)
            else:
                self.calm(now + skew)
            # Nothing runs for a while; not before each kind of trouble has been there.
            pause = self.rng.random() > 0.95 and all(self.counts["with_" + k] for k in KINDS)
            now += 5 * self.step if pause else self.step
        # The look-back of the next day finds sessions that closed abnormally; back-offs
        # of recordings take an hour.
        for now in (end + LATE, end + 4 * DAY, end + 5 * DAY, end + 5 * DAY + 7200,
                    end + 6 * DAY + 7200):
            self.appliance.clock(now)
            self.wait_locks()
            self.calm(now)
        self.last = now

    # The number of requests.

    def complain(self, text):
        print(text)
        self.counts["complaints"] += 1

    def judge(self):
        """No hour is requested more often than the disturbances explain."""
        spans = []
        with open(os.path.join(self.directory, "appliance", "log"), encoding="utf-8") as f:
            for line in f:
                if not line.endswith("\n"):
                    continue            # killed
                a = json.loads(line)
                p = a.get("parameters") or {}
                if a.get("status") == 200 and not a.get("fault") and "start_time" in p and \
                        p.get("generate_report") == "AccessSession" and p.get("duration") != "1":
                    spans.append((int(p["start_time"]),
                                  int(p["start_time"]) + int(p["duration"])))
        print("# %d requests; each second of the time was requested %.1f times" % (
            len(spans), sum(b - a for a, b in spans) / (self.last - BEGIN + 30 * DAY)))
        most = 4 + (self.last - BEGIN) // (DAY - 3600) + len(self.troubled)
        worst = max(sum(a <= x < b for a, b in spans) for x in range(BEGIN - 7 * DAY, self.last,
                                                                     3600))
        if worst > most:
            self.complain("the same hour was asked for %d times, and %d are enough" % (worst, most))
        for kind in KINDS:
            if self.counts["with_" + kind] == 0:
                self.complain("there was no trouble of the kind " + kind)


def main():
    directory, days, step = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    week = Week(directory, days, step)
    week.appliance.start()
    week.appliance.kill()
    with open(os.path.join(directory, "port"), "w", encoding="ascii") as f:
        f.write("%d\n" % week.appliance.port)
    subprocess.run(["sh", "-e", os.path.join(directory, "settings.sh")], check=True)
    began = time.monotonic()
    with open("said", "wb") as week.said:
        week.live()
    print("# %d passes in %.0f s: %s" % (week.passes, time.monotonic() - began, ", ".join(
        "%s %d" % (k.replace("_", " "), n) for k, n in sorted(week.counts.items()))))
    print("# seconds:", ", ".join("%s %.1f" % x for x in week.took.most_common()))
    week.judge()
    return 1 if week.counts["complaints"] or week.counts["failed without a reason"] else 0


if __name__ == "__main__":
    sys.exit(main())
