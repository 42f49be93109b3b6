"""Faults on demand. Each fault is a function here.

    @fault("name", option=default, ...)
    def _(f, app, request, answer):
        '''One line, which is the help text.'''

is called with the answer that would be sent, and changes it or returns
another. With before=True it is called before the request is handled (answer is
None), and the Answer that it returns is sent instead. The default of an option
determines its type. f.rng is seeded. The options of every fault:

    match=WORD,...   only these requests: the name of a report (any case), token,
                     backup, command, api (all but tokens), any, a path that
                     begins with '/', or NAME=VALUE of a parameter
    after=N          not the first N of them
    times=N          only N times
    every=K          only each K-th of them
    probability=P    0 to 1, by the appliance's seed
"""

import gzip
import random
import shlex
import threading
import time
from email.utils import formatdate

import answer as answers
from answer import Answer, json_answer, page

COMMON = {"match": "api", "after": 0, "times": 0, "every": 1,
          "probability": 1.0}
KINDS = {}


class Kind:
    def __init__(self, name, function, before, defaults):
        self.name, self.function, self.before = name, function, before
        self.match = defaults.pop("match", "api")
        self.defaults = defaults
        self.help = " ".join(function.__doc__.split())


def fault(name, before=False, **defaults):
    def register(function):
        KINDS[name] = Kind(name, function, before, defaults)
        return function
    return register


class Fault:
    """An active fault, with its options and the number of times it happened."""

    def __init__(self, number, text, seed):
        try:
            words = shlex.split(text)
        except ValueError as e:
            raise ValueError("%s: %s" % (text, e)) from None
        if not words or words[0] not in KINDS:
            raise ValueError("no such fault: %s (see: python3 tests/appliance "
                             "faults)" % (words[0] if words else "''"))
        self.number, self.text = number, text
        self.kind = KINDS[words[0]]
        known = {**COMMON, **self.kind.defaults, "match": self.kind.match}
        for word in words[1:]:
            name, equals, value = word.partition("=")
            name = name.replace("-", "_")
            if name not in known or not equals:
                raise ValueError("%s: no such option: %s (it knows %s)" % (
                    words[0], word, ", ".join(sorted(known))))
            try:
                known[name] = type(known[name])(value)
            except ValueError:
                raise ValueError("%s: %s: not a number" % (words[0], word)) \
                    from None
        for name, value in known.items():
            setattr(self, name, value)
        if self.every < 1:
            raise ValueError("every=%d: at least 1" % self.every)
        self.rng = random.Random("fault:%s:%d:%s" % (seed, number, text))
        self.seen = self.fired = 0

    def matches(self, request):
        for word in self.match.split(","):
            if word == "any" or word == "api" and request.route != "token":
                return True
            if word.startswith("/"):
                if request.path.startswith(word):
                    return True
            elif "=" in word:
                name, _, value = word.partition("=")
                if request.params.get(name) == value:
                    return True
            elif word.lower() == request.route.lower():
                return True
        return False

    def strikes(self, request):
        if self.times and self.fired >= self.times \
                or not self.matches(request):
            return False
        self.seen += 1
        if self.seen <= self.after or (self.seen - self.after) % self.every:
            return False
        if self.probability < 1 and self.rng.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def state(self):
        return {"number": self.number, "fault": self.text, "seen": self.seen,
                "fired": self.fired}


class Faults:
    def __init__(self, seed):
        self.seed = seed
        self.active, self.number = [], 0
        self.lock = threading.Lock()

    def add(self, text):
        with self.lock:
            self.number += 1
            self.active.append(Fault(self.number, text, self.seed))
            return self.number

    def clear(self, which=None):
        """Remove all faults, or that with this number, or those with this name."""
        with self.lock:
            before = len(self.active)
            self.active = [f for f in self.active if which is not None
                           and which not in (str(f.number), f.kind.name)]
            return before - len(self.active)

    def striking(self, request):
        with self.lock:
            return [f for f in self.active if f.strikes(request)]

    def state(self):
        with self.lock:
            return [f.state() for f in self.active]


def listing():
    """The text of `python3 tests/appliance faults`."""
    out = []
    for name, kind in KINDS.items():
        options = " ".join("%s=%s" % (k, v if v != "" else "''")
                           for k, v in kind.defaults.items())
        out.append("%-18s %s%s\n" % (name, kind.help, options and
                                     "\n%18s [%s]" % ("", options)))
    return "".join(out) + "\nFor every fault: %s\n" % " ".join(
        "%s=%s" % (k, v) for k, v in COMMON.items())


# statuses

@fault("rate-limit", before=True, form="seconds", seconds=1)
def _(f, app, request, answer):
    """429; form=seconds|date|none is the form of Retry-After."""
    out = json_answer(429, {"error": "too_many_requests",
                            "message": "Too many requests"},
                      {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0"})
    if f.form == "date":
        # an absolute time by the appliance's clock, as its Date header is
        out.headers["Retry-After"] = formatdate(app.clock.now() + f.seconds,
                                                usegmt=True)
    elif f.form == "seconds":
        out.headers["Retry-After"] = str(f.seconds)
    return out


@fault("internal-error", before=True)
def _(f, app, request, answer):
    """500 with a JSON body."""
    return json_answer(500, {"error": "Internal Server Error",
                             "message": "An internal error has occurred",
                             "number": 17})


@fault("unavailable", before=True, retry_after="")
def _(f, app, request, answer):
    """503 with an HTML page; retry-after=TEXT sends that header."""
    out = page(503)
    if f.retry_after:
        out.headers["Retry-After"] = f.retry_after
    return out


@fault("status", before=True, code=502)
def _(f, app, request, answer):
    """Any status (code=N) with an HTML page."""
    return page(f.code)


@fault("timeout", before=True, seconds=2.0)
def _(f, app, request, answer):
    """504 after some seconds."""
    out = page(504)
    out.wait = f.seconds
    return out


@fault("redirect", before=True, to="same", code=302)
def _(f, app, request, answer):
    """Redirect to the same host, to another name of the server (to=other), or
    to any to=URL."""
    target = request.target
    if f.to == "other":
        asked = request.headers.get("Host", "").rpartition(":")[0]
        name = "127.0.0.1" if asked != "127.0.0.1" else "localhost"
        target = "https://%s:%d%s" % (name, app.port, target)
    elif f.to != "same":
        target = f.to
    out = page(f.code)
    out.headers["Location"] = target
    return out


# tokens

@fault("forget-tokens", before=True, times=1)
def _(f, app, request, answer):
    """Make all tokens invalid before this request."""
    app.tokens.forget()


@fault("no-token", match="token")
def _(f, app, request, answer):
    """The token request is answered with 200 and JSON without a token."""
    answer.replace(json_answer(200, {"token_type": "bearer"}))


@fault("bad-client", before=True, match="token")
def _(f, app, request, answer):
    """The token request is refused: 401 invalid_client."""
    return answers.invalid_client()


# the connection

def _part(f, answer):
    """The number of bytes of the body that are sent before the fault."""
    if f.at >= 0:
        return f.at
    if answer.length is None:
        return len(answer.body()) * f.percent // 100
    return answer.length * f.percent // 100


@fault("reset", at=-1, percent=50)
def _(f, app, request, answer):
    """Reset the connection in mid-body, after at=BYTES or percent=N."""
    answer.stop, answer.then = _part(f, answer), "reset"


@fault("hang-up", how="close")
def _(f, app, request, answer):
    """Close the connection without an answer; how=close|reset."""
    answer.mute = f.how


@fault("short-body", at=-1, percent=50)
def _(f, app, request, answer):
    """Close properly in mid-body, with a larger Content-Length."""
    if answer.length is None:
        answer.body()
    answer.stop, answer.then, answer.chunked = _part(f, answer), "close", False


@fault("cut-chunked", at=-1, percent=50)
def _(f, app, request, answer):
    """A chunked body without its last chunks, the connection closed."""
    answer.stop, answer.then, answer.chunked = _part(f, answer), "close", True


@fault("stall", at=-1, percent=50, seconds=5.0)
def _(f, app, request, answer):
    """Stop sending in mid-body for some seconds, then go on."""
    answer.stop, answer.then = _part(f, answer), "stall"
    answer.pause = f.seconds


@fault("slow-start", seconds=2.0, where="header")
def _(f, app, request, answer):
    """Wait before the first byte; where=header|body."""
    if f.where == "body":
        answer.wait_body = f.seconds
    else:
        answer.wait = f.seconds


@fault("drip", bytes=512, seconds=0.05)
def _(f, app, request, answer):
    """Send some bytes, sleep, and repeat."""
    answer.drip = (max(1, f.bytes), f.seconds)


# the body

@fault("xml-error", text="An error has occurred.")
def _(f, app, request, answer):
    """200 and an <error> document with this text."""
    answer.replace(answers.error_text(f.text, app.options.namespace))


@fault("database", text="The database is not available.")
def _(f, app, request, answer):
    """200 and an <error>, but only where times in the question make sense:
    parameters are looked at before the database is."""
    if all(v.isdigit() for k, v in request.params.items()
           if k in ("start_time", "end_time")):
        answer.replace(answers.error_text(f.text, app.options.namespace))


@fault("child-error", root="session_list", text="An error has occurred.")
def _(f, app, request, answer):
    """200 and the right root with an <error> in it, as documented."""
    answer.replace(Answer.of(
        200, answers.XML, "%s<%s%s>\n<error>%s</error>\n</%s>\n" % (
            answers.DECLARATION, f.root, answers.xmlns(app.options.namespace),
            answers.esc(f.text), f.root)))


@fault("empty-root", root="session_list")
def _(f, app, request, answer):
    """200 and an empty root: the documented form of 'nothing found'."""
    answer.replace(Answer.of(200, answers.XML, "%s<%s%s></%s>\n" % (
        answers.DECLARATION, f.root, answers.xmlns(app.options.namespace),
        f.root)))


@fault("nothing-found", language="en", what="sessions")
def _(f, app, request, answer):
    """'Nothing found' for what=sessions|team|vault|archive, language=en|fr|de."""
    answer.replace(answers.error_text(answers.text(f.what, f.language),
                                      app.options.namespace))


@fault("error-as-video", which="expired", type="video/x-flv")
def _(f, app, request, answer):
    """An <error> document with a video's Content-Type."""
    answer.replace(answers.error(f.which, app.options))
    answer.type = f.type


@fault("json-error", status=200, error="access_denied")
def _(f, app, request, answer):
    """JSON {"error": ...}; the default status is 200."""
    answer.replace(json_answer(f.status, {"error": f.error,
                                          "message": "The request failed"}))


@fault("html-login")
def _(f, app, request, answer):
    """200 and an HTML login page."""
    answer.replace(Answer.of(200, answers.HTML, (
        "<!DOCTYPE html>\n<html><head><title>Login</title></head><body>\n"
        '<form method="post" action="/login"><input name="user"><input '
        'type="password" name="pass"></form>\n</body></html>\n')))


@fault("empty-body")
def _(f, app, request, answer):
    """200 and an empty body."""
    answer.replace(Answer.of(200, answer.type, ""))


@fault("body", file="", type="text/xml; charset=UTF-8")
def _(f, app, request, answer):
    """200 and the bytes of file=PATH for any request; type=TEXT."""
    with open(f.file, "rb") as body:
        answer.replace(Answer.of(200, f.type.replace("_", " "), body.read()))


@fault("wrong-type", type="text/plain")
def _(f, app, request, answer):
    """The right body under a wrong Content-Type; type=none leaves it out."""
    answer.type = None if f.type == "none" else f.type


@fault("truncated", bytes=-1, percent=60)
def _(f, app, request, answer):
    """A truncated body with the matching Content-Length: XML without its end."""
    whole = answer.body()
    keep = len(whole) * f.percent // 100 if f.bytes < 0 else f.bytes
    answer.pieces, answer.length = [whole[:keep]], len(whole[:keep])


@fault("malformed", percent=50)
def _(f, app, request, answer):
    """The whole body, with an unmatched tag in the middle."""
    whole = answer.body()
    at = whole.find(b"\n", len(whole) * f.percent // 100) + 1
    answer.pieces = [whole[:at], b"</nowhere>\n", whole[at:]]
    answer.length = len(whole) + 11


@fault("trailing-junk", text="<!--")
def _(f, app, request, answer):
    """The whole body, and more data after it."""
    answer.pieces = [answer.body(), f.text.encode()]
    answer.length += len(f.text.encode())


@fault("control-characters", every_bytes=4096)
def _(f, app, request, answer):
    """Bytes that XML forbids, and bytes that are not UTF-8, in event texts."""
    whole, step = answer.body(), max(1, f.every_bytes)
    out, at = [], 0
    while True:
        cut = whole.find(b'value="', at + step)
        if cut < 0:
            break
        out += [whole[at:cut + 7], f.rng.choice(
            (b"\x01", b"\x1b[0m", b"\xff", b"\xc3(", b"\xed\xa0\x80", b"&#8;"))]
        at = cut + 7
    answer.pieces = out + [whole[at:]]
    answer.length = sum(map(len, answer.pieces))


@fault("gzip", header="yes")
def _(f, app, request, answer):
    """A gzipped body that was not requested; header=no omits the encoding."""
    whole = gzip.compress(answer.body(), 1, mtime=0)
    answer.pieces, answer.length = [whole], len(whole)
    if f.header == "yes":
        answer.headers["Content-Encoding"] = "gzip"


@fault("flood", megabytes=0)
def _(f, app, request, answer):
    """A very long body after a valid beginning (0: without end)."""
    begin = answer.body()[:200]

    def pieces():
        yield begin
        sent, block = 0, b" " * (1 << 20)
        while not f.megabytes or sent < f.megabytes:
            yield block
            sent += 1
    answer.pieces, answer.length, answer.chunked = pieces(), None, True


@fault("wrong-date", seconds=86400, send="yes")
def _(f, app, request, answer):
    """A Date header that is wrong by some seconds; send=no leaves it out."""
    answer.date = f.seconds if f.send == "yes" else None


# resuming

@fault("other-content", before=True)
def _(f, app, request, answer):
    """The recording has changed: other bytes, length and ETag."""
    request.edition = 1


@fault("ignore-range", before=True)
def _(f, app, request, answer):
    """Answer a Range with 200 and everything."""
    request.ignore_range = True


@fault("wrong-range", shift=7)
def _(f, app, request, answer):
    """206 with other bytes than requested, as Content-Range says."""
    if answer.status != 206:
        return
    first, rest = answer.headers["Content-Range"][6:].split("-")
    rec = request.recording
    first = max(0, int(first) - f.shift)
    answer.headers["Content-Range"] = "bytes %d-%s" % (first, rest)
    last = int(rest.split("/")[0]) + 1
    answer.pieces, answer.length = rec.chunks(first, last), last - first


@fault("sleep", before=True, seconds=1.0)
def _(f, app, request, answer):
    """Take some seconds to make the answer (other requests are served)."""
    time.sleep(f.seconds)
