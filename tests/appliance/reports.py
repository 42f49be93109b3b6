"""The reports about sessions: selection and form.

Each function takes the appliance and the request and returns an Answer. The
smaller reports (teams, vault, archives, licences) are in extras.py.
"""

import calendar
import re
import time

import answer
from answer import Answer
from report import DECLARATION, opening, xmlns
from xmltext import esc, esc_value

PIECE = 1 << 18         # bytes gathered before they are handed to TLS


class Refused(Exception):
    """Carries the key of the text of an <error>."""


def day(text):
    """UNIX time of the first second of YYYY-MM-DD, taken as UTC."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise Refused("criteria")
    try:
        return calendar.timegm(time.strptime(text, "%Y-%m-%d"))
    except ValueError:
        raise Refused("criteria") from None


def window(params):
    """(which, first, length) of a request's span; length 0 is until now.

    If there are several pairs, seconds take precedence over days, and the start
    over the end; the behaviour of a real appliance is not documented.
    """
    for name in ("start_time", "end_time", "start_date", "end_date"):
        if name in params:
            break
    else:
        raise Refused("criteria")
    length = params.get("duration", "")
    if not re.fullmatch(r"\d{1,10}", length):
        raise Refused("duration")
    length = int(length)
    if name.endswith("_date"):
        return name[:-5], day(params[name]), length * 86400
    if not re.fullmatch(r"\d{1,12}", params[name]):
        raise Refused("criteria")
    return name[:-5], int(params[name]), length


def select(app, request):
    """The sessions of a request; raises Refused."""
    p, now, keep = request.params, app.clock.now(), app.options.retention
    if "lsid" in p or "lsids" in p:
        names = [x.strip() for x in
                 (p.get("lsids") or p.get("lsid", "")).split(",")]
        some = [app.world.find(x, now, keep) for x in dict.fromkeys(names)]
        some = [s for s in some if s is not None]
        if not some:
            raise Refused("lsid")
        return some
    which, first, length = window(p)
    some = (app.world.began if which == "start" else app.world.ended)(
        now, keep, first, length)
    if not some:
        raise Refused("sessions")
    return some


def too_much(app, request, found):
    """Whether the request exceeds the configured limits."""
    o = app.options
    if o.size_limit and found > o.size_limit:
        return True
    if o.window_limit and not ("lsid" in request.params
                               or "lsids" in request.params):
        _, first, length = window(request.params)
        if length == 0:
            length = max(0, app.clock.now() - first)
        return length > o.window_limit
    return False


def overload(app):
    kind = app.options.limit_answer
    if kind == "error":
        out = answer.error_text("The report is too large.",
                                app.options.namespace)
    elif kind == "500":
        out = answer.json_answer(500, {"error": "Internal Server Error",
                                       "message": "Report timed out"})
    else:
        out = answer.page(504)
        if kind in ("reset", "close"):
            out.mute = kind
    out.wait = app.options.limit_delay
    return out


def sessions(app, request):
    """AccessSession, SupportSession."""
    try:
        some = select(app, request)
    except Refused as e:
        return answer.error(str(e), app.options)
    if too_much(app, request, len(some)):
        return overload(app)
    now = app.clock.now()
    pieces, size, part, held = [], 0, [opening("session_list",
                                               app.options.namespace)
                                       .encode()], 0
    for s in some:
        one = app.session_xml(s, now)
        part.append(one)
        held += len(one)
        if held >= PIECE:
            pieces.append(b"".join(part))
            size += len(pieces[-1])
            part, held = [], 0
    part.append(b"</session_list>\n\n\n")
    pieces.append(b"".join(part))
    size += len(pieces[-1])
    return app.announced(Answer(200, answer.XML, pieces, size), "reports")


def listing(app, request):
    """AccessSessionListing, SupportSessionListing."""
    p = {k: v for k, v in request.params.items() if not k.startswith("lsid")}
    request.params = p
    try:
        some = select(app, request)
    except Refused as e:
        return answer.error(str(e), app.options)
    if too_much(app, request, len(some)):
        return overload(app)
    now = app.clock.now()
    out = [DECLARATION, "<session_summary_list%s>\n"
           % xmlns(app.options.namespace)]
    for s in some:
        v = app.world.view(s, now)
        key = 'external_key="%s"' % esc_value(v.external_key) \
            if v.external_key else ""
        out.append('<session_summary lsid="%s" has_recording="%d" %s />\n'
                   % (esc_value(s.lsid), bool(v.media), key))
    out.append("</session_summary_list>\n")
    return app.xml("".join(out))


def summary(app, request):
    """AccessSessionSummary, SupportSessionSummary: totals for each user.

    No real answer has been published; the root is documented.
    """
    wanted = request.params.get("report_type")
    if wanted not in ("user", "rep", "team", "site"):
        return answer.error("report", app.options)
    try:
        some = select(app, request)
    except Refused as e:
        return answer.error(str(e), app.options)
    if too_much(app, request, len(some)):
        return overload(app)
    now, totals = app.clock.now(), {}
    for s in some:
        v = app.world.view(s, now)
        for m in {m.user.id: m for m in v.members}.values():
            row = totals.setdefault(m.user.id, [m.user.private, 0, 0])
            row[1] += 1
            row[2] += max(0, v.seen - m.join)
    rows = ['<summary type="%s" id="%d" name="%s">\n'
            '    <total_sessions>%d</total_sessions>\n'
            '    <total_seconds>%d</total_seconds>\n</summary>\n'
            % (wanted, i, esc_value(r[0]), r[1], r[2])
            for i, r in sorted(totals.items())]
    return app.xml("%s<summary_list%s>\n%s</summary_list>\n" % (
        DECLARATION, xmlns(app.options.namespace), "".join(rows)))


def recording(kind):
    """A function that answers with the recordings of one kind."""

    def send(app, request):
        lsid = request.params.get("lsid", "")
        instance = None
        if kind != "recording":
            instance = request.params.get("instance", "0")
            if not re.fullmatch(r"\d{1,6}", instance):
                return answer.error("recording", app.options)
            instance = int(instance)
        now, o = app.clock.now(), app.options
        s = app.world.find(lsid, now, 1e9)
        if s is None:
            return answer.error("lsid", o)
        keep = o.retention if o.recording_retention is None \
            else o.recording_retention
        v = app.world.view(s, now)
        if (kind, instance) not in v.media:
            return answer.error("recording", o)
        if s.stop < now - keep * 86400:
            return answer.error("expired", o)
        return ranged(app, request, app.media.open(
            s.lsid, kind, instance, request.edition), esc(s.lsid))

    return send


def ranged(app, request, rec, name):
    """A recording, or the part that the Range header names."""
    request.recording = rec
    headers = {"Content-Disposition": 'attachment; filename="%s.%s"'
               % (name, app.media.extension)}
    first, last, status = 0, rec.size, 200
    if app.options.ranges:
        headers["Accept-Ranges"] = "bytes"
        headers["ETag"] = rec.etag
        part = re.fullmatch(r"bytes=(\d*)-(\d*)",
                            request.headers.get("Range", "").strip())
        only_if = request.headers.get("If-Range")
        if part and part[1] + part[2] and only_if in (None, rec.etag) \
                and not request.ignore_range:
            if part[1]:
                first = int(part[1])
                if part[2]:
                    last = min(last, int(part[2]) + 1)
            else:
                first = max(0, rec.size - int(part[2]))
            if first >= last:
                out = Answer.of(416, "text/plain", "")
                out.headers["Content-Range"] = "bytes */%d" % rec.size
                return out
            status = 206
            headers["Content-Range"] = "bytes %d-%d/%d" % (first, last - 1,
                                                           rec.size)
    out = Answer(status, app.media.type, rec.chunks(first, last),
                 last - first, headers)
    out.wait = app.options.first_byte
    return app.announced(out, "recordings")
