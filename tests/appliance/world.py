"""The sessions of an appliance, as a function of the clock.

A World is made from a seed and has no other state: the form of a session at a time
t follows from its script, so that a test may move the clock back and forth. The
delay of reports (some minutes on a real appliance) is part of that function: at
time t a session looks as it was at t - lag.
"""

import bisect
import hashlib
import math
import random
import threading
from collections import OrderedDict
from urllib.parse import quote

import cast
import xmltext
from script import Script

SCRIPTS_KEPT = 1000         # scripts in memory; others are made again when needed


class Session:
    """The outline of one session; its Script has the content."""

    __slots__ = ("lsid", "lseq", "gs", "start", "stop", "planned", "ends",
                 "lag", "index", "recorded", "count")

    def __init__(self, index, lsid, start, planned, lseq, gs):
        self.index, self.lsid, self.lseq, self.gs = index, lsid, lseq, gs
        self.start, self.planned = start, planned
        self.stop = start + planned     # None: open until end() is called
        self.ends = True        # False: closes abnormally, no end_time ever
        self.lag = 0
        self.recorded = True
        self.count = None       # number of events; None: random


class View:
    """The state of one session at one time."""

    __slots__ = ("session", "script", "seen", "state", "events", "members",
                 "counts", "external_key", "media")

    @property
    def end_time(self):
        return self.session.stop if self.state == "closed" else None


class World:
    def __init__(self, options, end):
        """Options: those of options.py that describe sessions."""
        self.seed = options.seed
        self.product = options.product
        self.site = options.site
        self.late = options.late
        self.dirty = options.dirty
        self.cast = cast.Cast(self.seed)
        self.lock = threading.Lock()
        self.scripts = OrderedDict()
        self.version = 0        # counts changes by control commands
        self._sysinfo = {}
        self._urls = hashlib.sha256(("urls:%s" % self.seed).encode())
        self.sessions = self._make(options.sessions, options.span, end)
        self.by_lsid = {s.lsid: s for s in self.sessions}

    # making sessions

    def _make(self, count, days, end):
        rng = random.Random("world:%s" % self.seed)
        length = int(days * 86400)
        out = []
        for i in range(count):
            lsid = "%032x" % rng.getrandbits(128)
            planned = int(math.exp(rng.gauss(6.6, 1.1))) + 5
            planned = min(planned, 36000)
            start = end - int(rng.random() * length) - planned
            s = Session(i, lsid, start, planned, 0, 0)
            if i % 33 == 4:         # still going on at `end`
                s.start = end - 30 - int(rng.random() * 3600)
                s.planned = end - s.start + 60 + int(rng.random() * 10800)
                s.stop = s.start + s.planned
            elif i % 41 == 7:
                s.ends = False
            s.recorded = rng.random() < 0.7
            if self.late and rng.random() < 0.4:
                s.lag = 1 + int(rng.random() * self.late)
            out.append(s)
        out.sort(key=lambda s: (s.start, s.lsid))
        for i, s in enumerate(out):
            self._number(s, i)
        return out

    @staticmethod
    def _number(session, i):
        session.index = i
        session.lseq = 1 + i - (i % 97 == 96)       # not quite unique
        session.gs = 20 + i * 7 % 200000            # repeats after some time

    def add(self, start, length=None, lsid=None, ends=True, events=None,
            recorded=True, lag=0):
        """Add a session. Without a length it stays open until end()."""
        with self.lock:
            self.version += 1
            i = len(self.sessions)
            if lsid is None:
                lsid = hashlib.sha256(("added:%s:%d" % (self.seed, i))
                                      .encode()).hexdigest()[:32]
            if lsid in self.by_lsid:
                raise ValueError("there is a session %s already" % lsid)
            s = Session(i, lsid, start, length or 14400, 0, 0)
            self._number(s, i)
            if length is None:
                s.stop = None
            s.ends, s.count, s.recorded, s.lag = ends, events, recorded, lag
            self.by_lsid[lsid] = s
            some = list(self.sessions)
            bisect.insort(some, s, key=lambda x: (x.start, x.lsid))
            self.sessions = some    # readers keep the old list
            return s

    def end(self, lsid, when, ends=True):
        """Stop a session at a time of the appliance's clock."""
        with self.lock:
            s = self.by_lsid[lsid]
            if when < s.start:
                raise ValueError("%s began only at %d" % (lsid, s.start))
            self.version += 1
            s.stop, s.ends = when, ends
            return s

    # for scripts

    def media_urls(self, session, mode, instance=None):
        """(name, text) of instance, download_url and view_url, with signatures."""
        h = self._urls.copy()
        h.update(("%s:%s:%s" % (session.lsid, mode, instance)).encode())
        which = "l=%s;h=%s;t=sd;m=%s" % (session.lsid, h.hexdigest()[:40], mode)
        if instance is not None:
            which += ";i=%d" % instance
        url = "https://%s/session_download?lsid=%s&dl_action=%s" % (
            self.site, quote(which, safe=""), mode)
        pairs = (("download_url", url), ("view_url", url + "&view=1"))
        if instance is None:
            return pairs
        return (("instance", str(instance)),) + pairs

    def sysinfo(self, categories):
        """XML of some categories; cached, because there are few combinations."""
        key = tuple(id(c) for c in categories)
        text = self._sysinfo.get(key)
        if text is None:
            text = self._sysinfo[key] = xmltext.system_information(categories)
        return text

    # queries

    def script(self, session):
        with self.lock:
            script = self.scripts.get(session.lsid)
            if script is not None:
                self.scripts.move_to_end(session.lsid)
                return script
        script = Script(self, session, session.count)
        with self.lock:
            self.scripts[session.lsid] = script
            while len(self.scripts) > SCRIPTS_KEPT:
                self.scripts.popitem(last=False)
        return script

    @staticmethod
    def state(session, t):
        """unknown, open, closed or lost (closed abnormally), as seen at t."""
        seen = t - session.lag
        if seen < session.start:
            return "unknown"
        if session.stop is None or seen < session.stop:
            return "open"
        return "closed" if session.ends else "lost"

    def complete(self, session, t):
        """Whether the session does not change after t."""
        return session.stop is not None and t - session.lag >= session.stop

    def view(self, session, t):
        v = View()
        v.session = session
        v.state = self.state(session, t)
        v.script = script = self.script(session)
        seen = t - session.lag
        stop = math.inf if session.stop is None else session.stop
        v.seen = min(seen, stop)
        v.events = [e for e in script.events if e[0] <= v.seen]
        if v.state in ("closed", "lost"):
            v.events += script.closing(session.stop, session.ends)
        v.members = [m for m in script.members if m.join <= v.seen] \
            or script.members[:1]
        tags = [e[1] for e in v.events if e[1]]
        v.counts = tuple(tags.count(k) for k in ("transfer", "move", "delete"))
        key = script.external_key
        v.external_key = key[1] if key and key[0] <= v.seen else ""
        v.media = self._media(v) if v.state == "closed" else []
        return v

    @staticmethod
    def _media(v):
        """(kind, instance) of the recordings; abnormally closed sessions have none."""
        out = [("recording", None)] if v.session.recorded else []
        for kind, times in (("shell", v.script.shells),
                            ("screen", v.script.screens)):
            out += [(kind, i) for i, at in enumerate(times) if at <= v.seen]
        return out

    def known(self, t, retention):
        """Sessions that reports have at t, by start time."""
        oldest = t - retention * 86400
        return [s for s in self.sessions
                if s.start <= t - s.lag
                and (s.stop is None or s.stop >= oldest)]

    def find(self, lsid, t, retention):
        s = self.by_lsid.get(lsid)
        if s is None or t - s.lag < s.start:
            return None
        if s.stop is not None and s.stop < t - retention * 86400:
            return None
        return s

    def began(self, t, retention, first, length):
        """Sessions that began in [first, first + length), including open ones."""
        last = math.inf if length == 0 else first + length
        return [s for s in self.known(t, retention)
                if first <= s.start < last]

    def ended(self, t, retention, first, length):
        """Properly closed sessions that ended in [first, first + length)."""
        last = math.inf if length == 0 else first + length
        return [s for s in self.known(t, retention)
                if s.ends and s.stop is not None and first <= s.stop < last
                and t - s.lag >= s.stop]
