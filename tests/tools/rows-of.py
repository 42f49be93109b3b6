"""Checks that the rows of a record stream follow praic-records(5).

    rows-of.py check REPORT RECORDS
    rows-of.py make SEED SESSIONS

check reads the report with Python's parser, makes the rows of each session by the
rules of the page, without code of praic, and compares rows and order: an event
before its data, users and teams late, the session last.  make writes a report of
random sessions with elements in any order, repeated, unknown, empty, missing or
misplaced, and with all kinds of values.
"""
import base64
import datetime
import random
import re
import sys
import xml.etree.ElementTree as ET

BLANKS = " \t\r\n"
LAST = {"user": 1, "team": 1, "session": 2}
SIGNED = "download_url", "view_url"


# ---- values ----

def number(text):
    text = (text or "").strip(BLANKS)
    if not re.fullmatch(r"[+-]?[0-9]+", text) or not -2**63 <= int(text) < 2**63:
        return None
    return str(int(text))


def truth(text):
    return {"1": "1", "true": "1", "0": "0", "false": "0"}.get(
        (text or "").strip(BLANKS))


def moment(seconds):
    if not -62167219200 <= seconds <= 253402300799:
        return None
    if seconds < -62135596800:      # the year 0, which Python does not support
        return "0000-" + moment(seconds + 146097 * 86400)[5:]
    at = datetime.datetime(1, 1, 1) + datetime.timedelta(seconds=seconds + 62135596800)
    return "%04d-%s" % (at.year, at.strftime("%m-%dT%H:%M:%SZ"))


def time(stamp, text):
    stamp, text = ((v or "").strip(BLANKS) for v in (stamp, text))
    m = re.fullmatch(r"([+-]?[0-9]+)(\.[0-9]+)?", stamp)
    if m and len(m[1]) < 19 and moment(int(m[1])):
        return moment(int(m[1]))
    m = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?"
                     r"(Z|[+-]\d\d:\d\d)?", text)
    if not m:
        return None
    try:
        at = datetime.datetime(*map(int, m.groups()[:6]))
    except ValueError:
        return None
    zone = m[7] or "Z"
    offset = 0 if zone == "Z" else int(zone[1:3]) * 60 + int(zone[4:])
    if zone[0] == "-":
        offset = -offset
    return moment(int((at - datetime.datetime(1, 1, 1)).total_seconds())
                  - offset * 60 - 62135596800)


def shown(raw):
    """Bytes as text, with U+FFFD for invalid ones."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]",
                  "\ufffd", raw.decode("utf-8", "replace"))


# ---- elements ----

def name_of(e):
    return e.tag.rpartition("}")[2]


def text_of(e):
    return None if e is None else (e.text or "") + "".join(c.tail or "" for c in e)


def all_of(e, *names):
    return [] if e is None else [c for c in e if name_of(c) in names]


def first(e, *names):
    return next(iter(all_of(e, *names)), None)


def text(e, *names):
    return text_of(first(e, *names))


def attribute(e, name):
    return None if e is None else e.get(name)


def either(*values):
    """The first that is not empty, else any."""
    return next((v for v in values if v), next(
        (v for v in values if v is not None), None))


# ---- rows ----

def same_key(a, b):
    a, b = ((v or "").strip(BLANKS) for v in (a, b))
    return number(a) is not None and number(a) == number(b)


def is_primary(own, key, of_session):
    if own is not None:
        return truth(text_of(own))
    return "1" if same_key(key, of_session) else "0"


def session_row(host, s):
    site, group, point = (first(s, n) for n in ("public_site", "jump_group", "jumpoint"))
    start, end = first(s, "start_time"), first(s, "end_time")
    row = [host, s.get("lsid"), text(s, "session_type"),
           time(attribute(start, "timestamp"), text_of(start)),
           time(attribute(end, "timestamp"), text_of(end)),
           text(s, "duration"), number(text(s, "file_transfer_count")),
           text(s, "external_key")]
    row += ["1", "Default"] if site is None else [number(site.get("id")), text_of(site)]
    row += [number(text(s, n)) for n in ("lseq", "file_move_count", "file_delete_count")]
    for e, names in (group, ["type"]), (point, []):
        of = number(attribute(e, "id"))
        values = [of, text_of(e)] + [attribute(e, n) for n in names]
        row += [None] * len(values) if of == "-1" else values
    over = row[4] is not None or any(
        e.get("event_type") == "Session End"
        for of in all_of(s, "session_details") for e in all_of(of, "event"))
    return row + ["1" if over else "0"]


def user_row(e, primary):
    return [number(e.get("gsnumber")), number(e.get("id")), text(e, "username"),
            either(text(e, "private_display_name"), text(e, "display_name")),
            text(e, "public_display_name"), number(text(e, "display_number")),
            text(e, "public_ip"), text(e, "private_ip"), truth(text(e, "session_owner")),
            is_primary(first(e, "primary_rep", "primary_user"), e.get("gsnumber"), primary),
            number(text(e, "seconds_involved")), text(e, "hostname"), text(e, "os"),
            "0" if first(e, "invited") is None else truth(text(e, "invited"))]


def team_row(e, primary):
    own = text_of(e)
    return [number(e.get("id")), text(e, "name") or (own if own.strip(BLANKS) else ""),
            is_primary(first(e, "primary_team"), e.get("id"), primary)]


def customer_row(e):
    info = first(e, "info")
    issue = first(info, "issue")
    return [number(e.get("gsnumber")), attribute(issue, "id") or text_of(issue),
            text(info, "details"), either(text(info, "name"), text(e, "username")),
            text(info, "company"), text(info, "company_code"), text(e, "public_ip"),
            text(e, "private_ip"), text(e, "hostname"), text(e, "os"),
            "0" if first(e, "rpat_support") is None else truth(text(e, "rpat_support")),
            text(e, "username")]


def data_of(event):
    """Each name and value, in order."""
    parties = set()
    for e in event:
        n = name_of(e)
        if n == "data":
            for v in all_of(e, "value"):
                yield v.get("name"), text_of(v) if v.get("value") is None else v.get("value")
        elif n in ("body", "filename", "filesize"):
            yield n, text_of(e)
        elif n == "encoded_body":
            packed = re.sub("[%s]" % BLANKS, "", text_of(e))
            if re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", packed) and len(packed) % 4 == 0:
                yield "body", shown(base64.b64decode(packed))
            yield n, text_of(e)
        elif n == "files":
            for f in all_of(e, "file"):
                for v in all_of(f, "filename", "filesize"):
                    yield name_of(v), text_of(v)
        elif n in ("performed_by", "destination"):
            parties.add(n)
        elif n != "system_information" and len(e) == 0 and text_of(e).strip(BLANKS):
            yield n, text_of(e)


def escape(value):
    for c, entity in ("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"):
        value = value.replace(c, entity)
    return value


def head_of(cell, position, heads):
    fields = [(attribute(h, "id"), attribute(h, "name")) for h in heads]
    tried = False
    for i, n in enumerate(("id", "name")):
        if cell.get(n) and any(f[i] for f in fields):
            tried = True
            guess = position if position < len(heads) else 0
            order = heads[guess:] + heads[:guess]
            for h in order:
                if h.get(n) == cell.get(n):
                    return h
    return heads[position] if not tried and position < len(heads) else None


def information(category):
    heads = all_of(first(category, "description"), "field")
    out = ""
    for data in all_of(category, "data"):
        for row in all_of(data, "row"):
            out += "<row>"
            for i, cell in enumerate(all_of(row, "field")):
                h = head_of(cell, i, heads)
                name = cell.get("name") or cell.get("id") or "" if h is None else \
                    h.get("name") or text_of(h) or h.get("id") or ""
                out += '<field name="%s">%s</field>' % (escape(name), escape(text_of(cell)))
            out += "</row>"
    return out


def recordings(s):
    if any((text_of(e) or "").strip(BLANKS) and e is first(s, name_of(e)) or
           (text_of(e) or "").strip(BLANKS)
           for e in all_of(s, "session_recording_download_url", "session_recording_view_url")):
        yield "recording", None
    for kind, name in ("shell", "command_shell_recording"), ("screen", "show_my_screen_recording"):
        for of in all_of(s, name + "s"):
            for e in all_of(of, name):
                if (e.get("instance") or "").strip(BLANKS) or any(
                        text_of(a).strip(BLANKS) for a in all_of(e, *SIGNED)):
                    yield kind, number(e.get("instance"))


def rows_of(host, s):
    rows = [["session", *session_row(host, s)]]
    primary = either(*(attribute(first(s, n), "gsnumber") for n in
                       ("primary_rep", "primary_user")))
    for of in all_of(s, "rep_list", "user_list"):
        rows += [["user", *user_row(e, primary)] for e in all_of(of, "representative", "user")]
    team = attribute(first(s, "primary_team"), "id")
    for of in all_of(s, "team_list"):
        rows += [["team", *team_row(e, team)] for e in all_of(of, "team")]
    for of in all_of(s, "customer_list"):
        rows += [["customer", *customer_row(e)] for e in all_of(of, "customer")]
    for of in all_of(s, "custom_attributes"):
        rows += [["custom_attribute", e.get("display_name"), e.get("code_name"), text_of(e)]
                 for e in all_of(of, "custom_attribute")]
    events = [e for of in all_of(s, "session_details") for e in all_of(of, "event")]
    for seq, e in enumerate(events, 1):
        by, to = first(e, "performed_by"), first(e, "destination")
        rows.append(["session_event", str(seq), e.get("event_type"),
                     time(e.get("timestamp"), None), text_of(by), attribute(by, "type"),
                     text_of(to), attribute(to, "type"), number(attribute(by, "gsnumber")),
                     number(attribute(to, "gsnumber"))])
        data = [d for d in data_of(e) if d[0] not in SIGNED]
        rows += [["session_event_data", str(seq), str(i), *d] for i, d in enumerate(data, 1)]
        for of in all_of(e, "system_information"):
            rows += [["system_information", str(seq), c.get("name"), information(c)]
                     for c in all_of(of, "category")]
    rows += [["recording", *r] for r in recordings(s)]
    return rows


# ---- comparing ----

def unescape(value):
    return None if value == "\\N" else re.sub(
        r"\\(.)", lambda m: {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}[m[1]], value)


def in_order(rows):
    """Are the rows in the order of the page?"""
    events, late = 0, 0
    for r in rows:
        if LAST.get(r[0], 0) < late:
            return False
        late = LAST.get(r[0], 0)
        if r[0] == "session_event":
            events += 1
            if r[1] != str(events):
                return False
        elif r[0] in ("session_event_data", "system_information") and r[1] != str(events):
            return False
    return rows[-1][0] == "session"


def check(report, records):
    root = ET.parse(report).getroot()
    for e in root.iter():       # prefixes are ignored; the first element is used
        given = list(e.attrib.items())
        e.attrib.clear()
        for name, v in given:
            e.attrib.setdefault(name.rpartition("}")[2], v)
    want = [s for s in root if name_of(s) == "session" and s.get("lsid")]
    got, rows = [], []
    for line in open(records, encoding="utf-8", newline="\n"):
        fields = line.rstrip("\n").split("\t")
        if fields[0] == "S":
            host, rows = unescape(fields[1]), []
        elif fields[0] == "R":
            rows.append([fields[1]] + [unescape(f) for f in fields[2:]])
        elif fields[0] == "E":
            got.append((host, rows))
    if len(got) != len(want):
        sys.exit("%d sessions instead of %d" % (len(got), len(want)))
    for s, (host, rows) in zip(want, got):
        ours = rows_of(host, s)
        key = lambda r: [(v is not None, v or "") for v in r]
        a, b = sorted(ours, key=key), sorted(rows, key=key)
        if a != b:
            print("session %r:" % s.get("lsid"))
            for r in a:
                if r not in b:
                    print("  wanted", r)
            for r in b:
                if r not in a:
                    print("  got   ", r)
            sys.exit(1)
        if not in_order(rows):
            sys.exit("session %r: rows in another order" % s.get("lsid"))
    print(len(got), "sessions,", sum(len(r) for _, r in got), "rows")


# ---- making ----

NUMBERS = ["0", "1", "7", "-1", "+3", "007", " 5\n", "", " ", "x", "1.0", "-0",
           "9223372036854775807", "-9223372036854775808", "9223372036854775808",
           "99999999999999999999999999", "\u0663", "1 2", "--1", "0x1f"]
TRUTHS = ["0", "1", "true", "false", "", " 1 ", "TRUE", "yes", "2", "-1"]
TEXTS = ["", " ", "a", "Zo\u00eb \u65e5\u672c \U0001f642", "two\nlines", "tab\there", "back\\slash \\N",
         "<b>&amp;</b>", "]]>", " blanks ", "Unknown", "\\", "quote \" and '", "a\rb", "\u00a0\u2028"]
STAMPS = ["0", "1764634190", "", " 7 ", "-5", "5.9", "soon", "253402300799", "253402300800",
          "99999999999999999999", "2025-01-01T00:00:00Z", "+5", "5.", ".5", "-62135596800"]
TIMES = ["", "2024-12-03T15:26:05+00:00", "2024-12-03T15:26:05Z", "2024-02-29T23:59:59-11:30",
         "2023-02-29T00:00:00Z", "2024-12-03T15:26:05", "2024-12-03T15:26:05.75+05:30", "never",
         " 2024-12-03T15:26:05+00:00\n", "2024-13-01T00:00:00Z", "9999-12-31T23:59:59Z"]
BASE64 = ["", "aGVsbG8=", "aGVs\nbG8=", "aGVsbG8", "a===", "gICA4oKC8J+Y4oLArf/+fg==", "G1szMW1y",
          "aGVs*G8=", "////", "7aCA8J+Zgu+/vw==", "AA==", "4oI="]
N, B, T = NUMBERS, TRUTHS, TEXTS
FIELD = ("field", {"id": ["", "a", "b", "c"], "name": ["", "a", "n", "<"]}, T, [])
STRAY = ("unknown", {"id": N}, T, [("event", {}, T, []), ("lseq", {}, N, [])])


def leaves(names, values):
    return [(n, {}, values, []) for n in names.split()]


PERSON = leaves("username public_ip private_ip hostname os", T)
NAMED_PARTY = {"type": T, "gsnumber": N}
RECORDED = ({"instance": N}, [""], leaves("download_url view_url", T))
EVENT = ("event", {"timestamp": STAMPS, "event_type": T}, [""], [
    ("performed_by", NAMED_PARTY, T, []), ("destination", NAMED_PARTY, T, []),
    ("data", {}, [""], [("value", {"name": T + ["download_url", "view_url"], "value": T}, T, [])] * 3
     + [STRAY]),
    *leaves("body filename filesize note download_url view_url value", T), STRAY,
    ("encoded_body", {}, BASE64, []),
    ("files", {}, T, [("file", {}, T, leaves("filename filesize sha256", T))] * 2),
    ("system_information", {}, [""], [("category", {"name": T}, [""], [
        ("description", {}, [""], [FIELD] * 3),
        *[("data", {}, [""], [("row", {}, [""], [FIELD] * 4)] * 2)] * 2])] * 2)])
USERS = [(n, {"gsnumber": N, "id": N}, T, PERSON + leaves(
    "private_display_name display_name public_display_name", T) + leaves(
    "display_number seconds_involved", N) + leaves("session_owner primary_rep primary_user invited",
                                                   B)) for n in ("representative", "user")]
SESSION = [
    *leaves("session_type duration external_key session_chat_view_url", T),
    *leaves("session_recording_download_url session_recording_view_url", T),
    *leaves("lseq file_transfer_count file_move_count file_delete_count", N),
    ("start_time", {"timestamp": STAMPS}, TIMES, []), ("end_time", {"timestamp": STAMPS}, TIMES, []),
    ("public_site", {"id": N}, T, []), ("jump_group", {"id": N, "type": T}, T, []),
    ("jumpoint", {"id": N}, T, []), STRAY,
    ("primary_rep", {"gsnumber": N, "id": N}, T, []), ("primary_team", {"id": N}, T, []),
    ("custom_attributes", {}, T, [("custom_attribute", {"display_name": T, "code_name": T}, T,
                                   [STRAY])] * 2),
    ("command_shell_recordings", {}, T, [("command_shell_recording", *RECORDED)] * 2),
    ("show_my_screen_recordings", {}, T, [("show_my_screen_recording", *RECORDED)] * 2),
    ("rep_list", {}, T, USERS + USERS + [STRAY]), ("user_list", {}, T, USERS),
    ("team_list", {}, T, [("team", {"id": N}, T, leaves("name", T) + leaves("primary_team", B))] * 3),
    ("customer_list", {}, T, [("customer", {"gsnumber": N}, T, PERSON + leaves("rpat_support", B) + [
        ("info", {}, T, leaves("name company company_code details", T) + [
            ("issue", {"id": T}, T, [])])] * 2)] * 2),
    ("session_details", {}, T, [EVENT] * 4 + [STRAY]), ("session_details", {}, T, [EVENT]),
]


def references(r, value, quote):
    out = ""
    for c in value:
        if c in "<&\r" or c == quote or (c in "\t\n" and quote):
            out += "&#%d;" % ord(c)
        elif c == ">" or r.random() < 0.02:
            out += r.choice(["&#%d;", "&#x%x;"]) % ord(c)
        else:
            out += c
    return out


def put_text(r, value):
    if value and "]]>" not in value and "\r" not in value and r.random() < 0.15:
        return "<![CDATA[%s]]>" % value
    if len(value) > 1 and r.random() < 0.1:
        return references(r, value[:1], "") + r.choice(["<!-- in -->", "<?in it?>"]) \
            + references(r, value[1:], "")
    return references(r, value, "")


def put(r, kind, prefix):
    name, attributes, values, children = kind
    parts = [put(r, c, prefix) for c in children if r.random() < 0.6]
    parts += [put(r, r.choice(children), prefix)] if children and r.random() < 0.1 else []
    r.shuffle(parts)
    parts.append(put_text(r, r.choice(values)) if r.random() < 0.8 else "")
    if parts[-1] and r.random() < 0.2:
        r.shuffle(parts)
    written = [(n, r.choice(v)) for n, v in attributes.items() if r.random() < 0.8]
    if r.random() < 0.05:
        written.append(("xsi:type", "other"))
    r.shuffle(written)
    out = "<" + prefix + name
    for n, v in written:
        q = r.choice("\"'")
        out += r.choice([" ", "\n\t"]) + n + r.choice(["=", " = "]) + q + references(r, v, q) + q
    inside = r.choice(["", "\n"]).join(parts)
    return out + (r.choice(["/>", "></%s%s>" % (prefix, name)]) if inside == "" else
                  ">%s</%s%s>" % (inside, prefix, name))


def make(seed, sessions):
    r = random.Random(seed)
    print('<?xml version="1.0" encoding="UTF-8"?>\n<session_list '
          'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:p="urn:p" '
          'xmlns="http://www.beyondtrust.com/sra/namespaces/API/reporting">')
    for i in range(sessions):
        prefix = r.choice(["", "", "p:"])
        whole = put(r, ("session", {}, T, SESSION), prefix)
        name = "<" + prefix + "session"
        print(name + ' lsid="%08x"' % i + r.choice(["", ' xmlns:p="urn:other"'])
              + whole[len(name):])
    print("</session_list>")


if sys.argv[1] == "make":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    make(int(sys.argv[2]), int(sys.argv[3]))
else:
    check(sys.argv[2], sys.argv[3])
