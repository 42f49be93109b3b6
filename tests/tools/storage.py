#!/usr/bin/env python3
"""
Computes, without code of praic, what a storage database must contain after record
streams were loaded, and compares.

    storage.py check DB STREAM...     compare; print differences and exit with 1
    storage.py dump DB [--no-ids]     print all rows, one per line, in a fixed order

DB is an SQLite file, or mssql:CONNECTION-STRING-FILE[,CA-FILE].  The streams must be
complete and without faults.
"""
import os
import sqlite3
import subprocess
import sys

from columns import NOT_STORED

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
                row = {c: value(fields[1], c, v) for c, v in zip(heads[fields[1]], fields[2:])
                       if c != NOT_STORED}
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


class Sqlite:
    def __init__(self, path):
        self.db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)

    def rows(self, table):
        cur = self.db.execute('SELECT * FROM "%s" ORDER BY id' % table)
        names = [d[0] for d in cur.description]
        return [dict(zip(names, row)) for row in cur]

    def faults(self):
        for what in ("foreign_key_check", "integrity_check"):
            for row in self.db.execute("PRAGMA " + what):
                if row != ("ok",):
                    yield "%s: %s" % (what, row)


class Mssql:
    """The rows by mssql-query with these arguments."""

    def __init__(self, arguments):
        self.command = [os.path.join(os.environ["bin"], "tests/tools/mssql-query"), *arguments]

    def ask(self, sql):
        out = subprocess.run(self.command, input=sql, stdout=subprocess.PIPE, check=True,
                             encoding="utf-8").stdout
        return [line.split("\t") for line in out.split("\n")[:-1]]

    def rows(self, table):
        columns = self.ask("SELECT COLUMN_NAME, DATA_TYPE FROM INFORMATION_SCHEMA.COLUMNS WHERE "
                           "TABLE_SCHEMA = N'dbo' AND TABLE_NAME = N'%s' ORDER BY "
                           "ORDINAL_POSITION" % table)
        select = ", ".join(("CONVERT(NVARCHAR(19), [%s], 120)" if t.startswith("datetime") else "[%s]") % c
                           for c, t in columns)
        numbers = {c for c, t in columns if t in ("bigint", "int", "bit")}
        return [{c: None if v == "\\N" else int(v) if c in numbers else value("", "", v)
                 for (c, _), v in zip(columns, row)}
                for row in self.ask("SELECT %s FROM dbo.[%s] ORDER BY id" % (select, table))]

    def faults(self):
        return []


def compare(db, store):
    bad = []
    rows = {(r["host_name"], r["lsid"]): r for r in db.rows("session")}
    if set(rows) != set(store):
        bad.append("sessions: %d stored, %d wanted" % (len(rows), len(store)))
    keys = {r["id"]: key for key, r in rows.items()}
    event = {}
    got = {key: {t: [] for t in CHILDREN} for key in rows}
    for t in CHILDREN:
        for r in db.rows(t):
            if t in OF_EVENTS:
                key, seq = event.get(r["session_event_id"], (None, None))
                if seq != r["event_seq"]:
                    bad.append("%s %d: belongs to event %s" % (t, r["id"], seq))
            else:
                key = keys.get(r["session_id"])
            if t == "session_event":
                event[r["id"]] = (key, r["seq"])
            if key is None:
                bad.append("%s %d: belongs to nobody" % (t, r["id"]))
            else:
                got[key][t].append(r)
    for key in set(store) & set(rows):
        got[key]["session"] = [rows[key]]
        for t in ["session"] + CHILDREN:
            have, want = got[key][t], store[key].get(t, [])
            if len(have) != len(want):
                bad.append("%s: %d rows of %s, not %d" % (key, len(have), t, len(want)))
            for g, w in zip(have, want):
                for c, v in w.items():
                    if g.get(c, "no such column") != v or type(g[c]) is not type(v):
                        bad.append("%s: %s.%s is %.99r, not %.99r" % (key, t, c, g.get(c), v))
    return bad + list(db.faults())


def dump(db, ids):
    for t in ["session"] + CHILDREN:
        lines = [t + " " + repr({c: v for c, v in row.items() if ids or not (
            c == "id" or c.endswith("_id") and c.startswith("session"))}) for row in db.rows(t)]
        print("\n".join(lines if ids else sorted(lines)))


def main():
    name = sys.argv[2]
    db = Mssql(name[6:].split(",")) if name.startswith("mssql:") else Sqlite(name)
    if sys.argv[1] == "dump":
        dump(db, "--no-ids" not in sys.argv)
        return 0
    bad = compare(db, wanted(sys.argv[3:]))
    print("\n".join(bad[:20]))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
