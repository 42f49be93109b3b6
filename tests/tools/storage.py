#!/usr/bin/env python3
"""
What a storage database must hold after record streams were loaded, worked
out without any of praic's code; and whether it does.

    storage.py check DB STREAM...     compare; what differs is printed, exit 1
    storage.py dump DB [--no-ids]     all rows, a line each, in a fixed order

Only whole streams of good sessions are understood here.
"""
import sqlite3
import sys

INTS = set("""seq event_seq instance gs_number user_id team_id public_site_id jump_group_id
jumpoint_id display_number lseq file_transfers file_moves file_deletes is_owner is_primary invited
rpat_support performed_by_gs_number destination_gs_number""".split())
TIMES = {"start_time", "end_time", "event_time"}
OF_EVENTS = {"session_event_data", "system_information"}
CHILDREN = ["user", "team", "customer", "custom_attribute", "session_event",
            "session_event_data", "system_information", "recording"]


def value(table, column, text):
    if text == "\\N":
        return None
    out, i = [], 0
    while i < len(text):
        if text[i] == "\\":
            i += 1
            out.append({"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}[text[i]])
        else:
            out.append(text[i])
        i += 1
    text = "".join(out)
    if column in INTS or (table, column) == ("user", "duration"):
        return int(text)
    if column in TIMES:
        return text.replace("T", " ").rstrip("Z")
    return text


def read(path):
    """The sessions of a stream: (key, {table: [{column: value}]})."""
    heads, session = {}, None
    with open(path, encoding="utf-8", newline="\n") as f:
        for line in f:
            fields = line.rstrip("\n").split("\t")
            if fields[0] == "praic-records":
                heads = {}
            elif fields[0] == "H":
                heads[fields[1]] = fields[2:]
            elif fields[0] == "S":
                key = tuple(value("", "", x) for x in fields[1:3])
                session = {}
            elif fields[0] == "R" and fields[1] in heads:
                row = {c: value(fields[1], c, v) for c, v in zip(heads[fields[1]], fields[2:])}
                session.setdefault(fields[1], []).append(row)
            elif fields[0] == "E":
                yield key, session


def events(s):
    return len(s.get("session_event", []))


def knows_less(new, old):
    ended = [s["session"][0]["end_time"] is not None for s in (new, old)]
    if ended[0] != ended[1]:
        return ended[1]
    return events(new) < events(old)


def wanted(paths):
    store = {}
    for path in paths:
        for key, session in read(path):
            if key not in store or not knows_less(session, store[key]):
                store[key] = session
    return store


def stored(db, table, sid):
    if table in OF_EVENTS:
        q = ("SELECT d.*, e.seq AS link_seq FROM %s d JOIN session_event e"
             " ON e.id = d.session_event_id WHERE e.session_id = ? ORDER BY d.id" % table)
    else:
        q = 'SELECT * FROM "%s" WHERE session_id = ? ORDER BY id' % table
    cur = db.execute(q, (sid,))
    names = [d[0] for d in cur.description]
    return [dict(zip(names, row)) for row in cur]


def compare(db, store):
    bad = []
    cur = db.execute("SELECT * FROM session")
    names = [d[0] for d in cur.description]
    rows = {(r["host_name"], r["lsid"]): r for r in (dict(zip(names, x)) for x in cur)}
    if set(rows) != set(store):
        bad.append("sessions: %d stored, %d wanted" % (len(rows), len(store)))
    total = {t: 0 for t in CHILDREN}
    for key, want in store.items():
        if key not in rows:
            continue
        for c, v in want["session"][0].items():
            if rows[key].get(c, "no such column") != v:
                bad.append("%s: session.%s is %r, not %r" % (key, c, rows[key].get(c), v))
        for t in CHILDREN:
            got, wish = stored(db, t, rows[key]["id"]), want.get(t, [])
            total[t] += len(got)
            if len(got) != len(wish):
                bad.append("%s: %d rows of %s, not %d" % (key, len(got), t, len(wish)))
            for g, w in zip(got, wish):
                for c, v in w.items():
                    if g.get(c, "no such column") != v or type(g[c]) is not type(v):
                        bad.append("%s: %s.%s is %r, not %r" % (key, t, c, g.get(c), v))
                if t in OF_EVENTS and g["link_seq"] != w["event_seq"]:
                    bad.append("%s: %s belongs to event %s" % (key, t, g["link_seq"]))
    for t in CHILDREN:
        n = db.execute('SELECT count(*) FROM "%s"' % t).fetchone()[0]
        if n != total[t]:
            bad.append("%s: %d rows belong to nobody" % (t, n - total[t]))
    for what in ("foreign_key_check", "integrity_check"):
        for row in db.execute("PRAGMA " + what):
            if row != ("ok",):
                bad.append("%s: %s" % (what, row))
    return bad


def dump(db, ids):
    for t in ["session"] + CHILDREN:
        cur = db.execute('SELECT * FROM "%s" ORDER BY id' % t)
        keep = [i for i, d in enumerate(cur.description)
                if ids or not (d[0] == "id" or d[0].endswith("_id") and d[0].startswith("session"))]
        lines = [t + " " + repr([row[i] for i in keep]) for row in cur]
        print("\n".join(lines if ids else sorted(lines)))


def main():
    db = sqlite3.connect("file:%s?mode=ro" % sys.argv[2], uri=True)
    if sys.argv[1] == "dump":
        dump(db, "--no-ids" not in sys.argv)
        return 0
    bad = compare(db, wanted(sys.argv[3:]))
    print("\n".join(bad[:20]))
    return 1 if bad else 0


sys.exit(main())
