"""The appliance behind the HTTP server: clock, tokens, permissions, routes."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections import OrderedDict, deque
from urllib.parse import parse_qsl

import answer
import extras
import reports
from answer import Answer
from faults import Faults
from media import Media
from report import Writer
from world import World

MOST_TOKENS = 30            # per account; one more makes the oldest invalid
CACHED = 128 << 20          # bytes of finished session XML that are kept

REPORTS = {
    "Session": reports.sessions,
    "SessionListing": reports.listing,
    "SessionSummary": reports.summary,
    "SessionRecording": reports.recording("recording"),
}
COMMON = {
    "CommandShellRecording": reports.recording("shell"),
    "EndpointLicenseUsage": extras.licences,
    "JumpItem": extras.jump_items,
    "Syslog": extras.syslog,
    "VaultAccountActivity": extras.vault,
}
PRA = {**{"Access" + k: v for k, v in REPORTS.items()}, **COMMON,
       "Team": extras.team, "UserRecording": reports.recording("recording")}
RS = {**{"Support" + k: v for k, v in REPORTS.items()}, **COMMON,
      "SupportTeam": extras.team,
      "ShowMyScreenRecording": reports.recording("screen"),
      "LicenseUsage": extras.licences, "ArchiveListing": extras.archive_listing,
      "Archive": extras.archive, "SupportCustExitSurvey": extras.nothing,
      "SupportRepExitSurvey": extras.nothing,
      "PresentationSession": extras.nothing,
      "PresentationSessionListing": extras.nothing}
PRA["ArchiveListing"], PRA["Archive"] = extras.archive_listing, extras.archive


class Request:
    """One request; headers is a case-insensitive mapping."""

    __slots__ = ("method", "target", "path", "params", "headers", "body",
                 "route", "edition", "ignore_range", "recording")

    def __init__(self, method, target, path, params, headers, body):
        self.method, self.target, self.path = method, target, path
        self.params, self.headers, self.body = params, headers, body
        self.edition, self.ignore_range, self.recording = 0, False, None
        self.route = {"/oauth2/token": "token", "/api/command": "command",
                      "/api/backup": "backup"}.get(path, path)
        if path == "/api/reporting":
            self.route = params.get("generate_report", "report")


class Clock:
    """The appliance's time in whole seconds: real, shifted, or fixed."""

    def __init__(self, now, mode, offset):
        real = time.time()
        self.offset = (now - real if now is not None else 0) + offset
        self.standing = None
        if mode == "fixed":
            self.standing = int(real + self.offset)

    def now(self):
        if self.standing is not None:
            return self.standing
        return int(time.time() + self.offset)

    def set(self, value):
        """Set to UNIX seconds, change by +N or -N seconds, or `run' or `fixed'."""
        now = self.now()
        if value == "run":
            if self.standing is not None:
                self.offset, self.standing = now - time.time(), None
        elif value == "fixed":
            self.standing = now
        else:
            then = int(value)
            if value[:1] in "+-":
                then += now
            self.offset += then - now
            if self.standing is not None:
                self.standing = then


class Tokens:
    """Valid tokens of the account; each has a number, for the log."""

    def __init__(self, clock):
        self.clock = clock
        self.lock = threading.Lock()
        self.count = 0
        self.valid = OrderedDict()      # token: (number, valid until)

    def take(self, life):
        with self.lock:
            self.count += 1
            token = secrets.token_hex(20)
            self.valid[token] = (self.count, self.clock.now() + life)
            while len(self.valid) > MOST_TOKENS:
                self.valid.popitem(last=False)
            return token, self.count

    def number(self, header):
        """The number of the token in an Authorization header, or None."""
        scheme, _, token = (header or "").partition(" ")
        with self.lock:
            known = self.valid.get(token.strip())
        if scheme.lower() != "bearer" or not known \
                or self.clock.now() >= known[1]:
            return None
        return known[0]

    def forget(self):
        with self.lock:
            self.valid.clear()


class Rate:
    """Are there more than this number of requests in one second?"""

    def __init__(self):
        self.times, self.lock = deque(), threading.Lock()

    def left(self, limit):
        now = time.monotonic()
        with self.lock:
            while self.times and self.times[0] <= now - 1:
                self.times.popleft()
            if len(self.times) >= limit:
                return -1
            self.times.append(now)
            return limit - len(self.times)


class Appliance:
    def __init__(self, options, client_id, secret):
        self.options = options
        self.client_id, self.secret = client_id, secret
        self.port = 0           # set by the server
        self.clock = Clock(options.now, options.clock, options.clock_offset)
        self.tokens = Tokens(self.clock)
        self.rate = Rate()
        end = options.end if options.end is not None else self.clock.now()
        self.world = World(options, end)
        self.media = Media(options.seed, options.recording_size,
                           options.container)
        self.faults = Faults(options.seed)
        for text in options.fault:
            self.faults.add(text)
        self.reports = RS if options.product == "rs" else PRA
        self.cache, self.cached = OrderedDict(), 0
        self.lock = threading.Lock()

    # for the routes

    def may(self, what):
        return what.lower() not in [d.lower() for d in self.options.deny]

    def announced(self, out, what):
        """Make the answer chunked, if that is set for its kind."""
        out.chunked = self.options.chunked in ("all", what)
        return out

    def xml(self, text):
        return self.announced(Answer.of(200, answer.XML, text), "reports")

    def file(self, kind, name, content):
        return self.announced(Answer.of(200, kind, content, {
            "Content-Disposition": 'attachment; filename="%s"' % name}),
            "recordings")

    def session_xml(self, session, now):
        """UTF-8 of one <session>; cached for those that will not change."""
        o = self.options
        if not self.world.complete(session, now):
            return Writer(self.world, o.order).session(
                self.world.view(session, now)).encode()
        key = (session.lsid, session.stop, session.ends, o.order)
        with self.lock:
            done = self.cache.get(key)
            if done is not None:
                self.cache.move_to_end(key)
                return done
        done = Writer(self.world, o.order).session(
            self.world.view(session, now)).encode()
        with self.lock:
            if key not in self.cache:
                self.cache[key] = done
                self.cached += len(done)
            while self.cached > CACHED:
                self.cached -= len(self.cache.popitem(last=False)[1])
        return done

    # requests

    def respond(self, request):
        """(Answer, names of the faults that happened)."""
        striking = self.faults.striking(request)
        names = [f.kind.name for f in striking]
        out = None
        for f in striking:
            if f.kind.before:       # all are called; the first answer is used
                said = f.kind.function(f, self, request, None)
                out = out or said
        if out is None:
            out = self.answer(request)
        for f in striking:
            if not f.kind.before:
                f.kind.function(f, self, request, out)
        return out, names

    def answer(self, request):
        if request.route == "token":
            return self.token(request)
        if request.path == "/check_health":
            return Answer.of(200, answer.HTML, "OK\n")
        if not request.path.startswith("/api/"):
            return answer.page(404)
        if self.options.rate:
            left = self.rate.left(self.options.rate)
            if left < 0:
                return answer.json_answer(
                    429, {"error": "too_many_requests", "message":
                          "Too many requests"},
                    {"X-RateLimit-Limit": str(self.options.rate),
                     "X-RateLimit-Remaining": "0"})
        number = self.tokens.number(request.headers.get("Authorization"))
        if number is None:
            return answer.denied()
        out = self.call(request)
        out.token = number
        if self.options.rate:
            out.headers["X-RateLimit-Limit"] = str(self.options.rate)
            out.headers["X-RateLimit-Remaining"] = str(left)
        return out

    def call(self, request):
        """A request with a valid token."""
        if request.path not in ("/api/reporting", "/api/command",
                                "/api/backup"):
            return answer.page(404)
        if not self.may(request.route):
            return answer.page(self.options.deny_status)
        if request.path == "/api/command":
            return extras.command(self, request)
        if request.path == "/api/backup":
            return extras.backup(self, request)
        report = self.reports.get(request.route)
        if report is None:
            return answer.error("report", self.options)
        return report(self, request)

    def token(self, request):
        if request.method != "POST":
            return answer.page(405)
        if request.params.get("grant_type") != "client_credentials":
            return answer.json_answer(400, {
                "error": "unsupported_grant_type",
                "message": "The authorization grant type is not supported by "
                           "the authorization server."})
        scheme, _, word = request.headers.get("Authorization", "") \
            .partition(" ")
        try:
            given = base64.b64decode(word.strip(), validate=True)
        except binascii.Error:
            given = b""
        # The id and the secret are not percent-decoded.
        wanted = ("%s:%s" % (self.client_id, self.secret)).encode()
        if scheme.lower() != "basic" or not hmac.compare_digest(given, wanted):
            return answer.invalid_client()
        token, number = self.tokens.take(self.options.token_life)
        out = answer.json_answer(200, {
            "access_token": token, "expires_in": self.options.token_life,
            "token_type": "bearer"}, {"Cache-Control": "no-store"})
        out.token = number
        return out

    def truth(self, at=None, hashes=True):
        """All sessions that reports have at this time, as they are then."""
        now = self.clock.now() if at is None else at
        out = []
        for s in self.world.known(now, self.options.retention):
            v = self.world.view(s, now)
            some = []
            for kind, instance in v.media:
                r = self.media.open(s.lsid, kind, instance)
                some.append({"kind": kind, "instance": instance,
                             "size": r.size, "sha256":
                             r.sha256() if hashes else None})
            out.append({
                "lsid": s.lsid, "state": v.state, "start_time": s.start,
                "end_time": v.end_time, "lseq": s.lseq,
                "events": len(v.events), "users": len(v.members),
                "external_key": v.external_key,
                "file_transfers": v.counts[0], "file_moves": v.counts[1],
                "file_deletes": v.counts[2], "recordings": some})
        return out


def parameters(query, kind, body):
    """Names and values of a query and of a body, decoded; the last wins."""
    out = dict(parse_qsl(query, keep_blank_values=True))
    kind = kind.partition(";")[0].strip().lower()
    try:
        if kind == "application/json":
            value = json.loads(body or b"{}")
            if isinstance(value, dict):
                out.update((k, v if isinstance(v, str) else json.dumps(v))
                           for k, v in value.items())
        elif kind == "application/x-www-form-urlencoded":
            out.update(parse_qsl(body.decode(), keep_blank_values=True))
    except ValueError:
        pass                # a body that cannot be read has no parameters
    return out


def client_id(seed):
    return hashlib.sha1(("client:%s" % seed).encode()).hexdigest()
