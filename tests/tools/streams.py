#!/usr/bin/env python3
"""
Loads random record streams with praic-tosql and checks the result.

    streams.py SEED RUNS DB-ARGUMENT COMMAND...

Each run makes a few inputs: streams of sessions in several states, in random order
and repeated, most of them damaged in one of the ways of DAMAGE.  COMMAND runs with
the inputs as operands.  Its exit code, its counts and the rows in the database must
follow from praic-records(5) and praic-tosql(1), whose rules are implemented here
again without code of praic.  DB-ARGUMENT is a database for storage.py; it is not
emptied between the runs.
"""
import datetime
import random
import re
import subprocess
import sys

from columns import NOT_STORED, TABLES
from storage import CHILDREN, INTS, Mssql, Sqlite

TABLES = {t: c.split() for t, c in TABLES.items()}
TIMES = {"start_time", "end_time", "event_time"}
BOOLS = {"is_owner", "is_primary", "invited", "rpat_support", "over"}
TEXTS = ["", "a", " blanks ", "\\", "\\N", "\t\n\r", "|", "'; DROP TABLE session; --", "ü", "🙂" * 3,
         "\u202e\u0085\x7f", "\ufffd\ufffc\U0010ffff", "e\u0301", "a\\tb", "%s%n", "x" * 300,
         "NULL", "0", "2024-01-01T00:00:00Z"]
LONG = ["y" * 70000, "日本" * 50000]
NUMBERS = ["0", "1", "-1", "9223372036854775807", "-9223372036854775808", "42"]
STAMPS = ["2024-02-29T23:59:59Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
          "1900-03-01T12:00:00Z"]
random.seed(int(sys.argv[1]))
# Some T-SQL servers do not accept NUL.
MSSQL = sys.argv[3].startswith("mssql:")
rnd = random


# Writing streams.
def escape(v):
    if v is None:
        return "\\N"
    for raw, shown in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        v = v.replace(raw, shown)
    return v


def kind_of(table, column):
    if column in TIMES:
        return "time"
    if column in BOOLS:
        return "bool"
    return "int" if column in INTS or (table, column) == ("user", "duration") else "text"


def odd_value(table, column):
    if rnd.random() < 0.2:
        return None
    kind = kind_of(table, column)
    if kind == "text":
        return rnd.choice(TEXTS)
    return rnd.choice({"time": STAMPS, "bool": ["0", "1"], "int": NUMBERS}[kind])


def session_lines(heads, key, ended, events, variant):
    """A session as lines; the same arguments give the same content."""
    saved = rnd.getstate()
    rnd.seed(repr((key, ended, events, variant)))
    rows = []

    def row(table, **known):
        rows.append((table, {c: known[c] if c in known else odd_value(table, c)
                             for c in TABLES[table]}))

    for n in range(1, events + 1):
        row("session_event", seq=str(n))
        for k in range(1, rnd.randrange(4)):
            row("session_event_data", event_seq=str(rnd.randint(1, n)), seq=str(k))
        if rnd.random() < 0.2:
            row("system_information", event_seq=str(n))
    for table in ("user", "team", "customer", "custom_attribute", "recording"):
        for _ in range(rnd.randrange(3)):
            row(table)
    if rnd.random() < 0.05:
        row("custom_attribute", value=rnd.choice(LONG))
    row("session", host_name=key[0], lsid=key[1],
        end_time=rnd.choice(STAMPS) if ended else None)
    rnd.setstate(saved)
    lines = ["S\t%s\t%s" % (escape(key[0]), escape(key[1]))]
    for table, values in rows:
        if table in heads:
            lines.append("\t".join(["R", table] + [escape(values.get(c)) for c in heads[table]]))
    count = len(lines) - 1
    text = '<session lsid="x">ü\n</session>'
    if rnd.random() < 0.3:
        cut = rnd.randrange(len(text))
        at = rnd.randint(1, len(lines))
        lines[at:at] = ["X\t" + escape(text[:cut]), "X\t" + escape(text[cut:])]
    lines.append("E\t%s\t%d\t%d" % (escape(key[1]), count, len(text.encode())))
    return lines


def stream(keys):
    heads = {t: list(c) for t, c in TABLES.items()}
    if rnd.random() < 0.3:
        for c in heads.values():
            rnd.shuffle(c)
    if rnd.random() < 0.2:
        for t in rnd.sample(CHILDREN, 2):
            heads[t].insert(rnd.randrange(len(heads[t])), "of_a_later_version")
    lines = ["praic-records\t1"] + ["\t".join(["H", t] + c) for t, c in heads.items()]
    if rnd.random() < 0.2:
        lines.insert(rnd.randint(1, 9), "H\tunheard_of\tx\ty")
        heads["unheard_of"] = ["x", "y"]
    n = rnd.randrange(6)
    for _ in range(n):
        ended = rnd.random() < 0.7
        lines += session_lines(heads, rnd.choice(keys), ended, rnd.randrange(4), rnd.randrange(3))
    lines.append("Z\t%d\t0" % n)
    return [line.encode() for line in lines]


# The kinds of damage: each function takes and returns a list of lines.
def any_of(lines, *marks):
    found = [i for i, x in enumerate(lines) if x[:2] in marks]
    return rnd.choice(found) if found else None


def change(mark, how):
    def damage(lines):
        i = any_of(lines, mark)
        if i is not None:
            lines[i] = how(lines[i])
        return lines
    return damage


def field(mark, values):
    """Change one of the fields after the table's name."""
    def how(line):
        f = line.split(b"\t")
        f[rnd.randrange(2 if mark == b"R\t" else 1, len(f))] = rnd.choice(values)
        return b"\t".join(f)
    return change(mark, how)


def take_out(*marks):
    def damage(lines):
        i = any_of(lines, *marks)
        return lines if i is None else lines[:i] + lines[i + 1:]
    return damage


def double(*marks):
    def damage(lines):
        i = any_of(lines, *marks)
        return lines if i is None else lines[:i + 1] + lines[i:]
    return damage


def put_in(*what):
    def damage(lines):
        i = rnd.randint(1, len(lines))
        return lines[:i] + [rnd.choice(what)] + lines[i:]
    return damage


def move(lines):
    i, k = any_of(lines, b"R\t"), any_of(lines, b"R\t", b"S\t", b"E\t")
    if i is not None:
        lines.insert(k, lines.pop(i))
    return lines


DAMAGE = {
    "nothing": lambda lines: lines,
    "no H": take_out(b"H\t"),
    "H twice": double(b"H\t"),
    "H without columns": change(b"H\t", lambda x: b"\t".join(x.split(b"\t")[:2])),
    "H with a column twice": change(b"H\t", lambda x: x + b"\t" + x.split(b"\t")[2]),
    "H with an empty name": change(b"H\t", lambda x: x + b"\t"),
    "H with a column more": change(b"H\t", lambda x: x + b"\tmore"),
    "H of bytes": change(b"H\t", lambda x: x + b"\t\xff"),
    "H later": lambda lines: lines[:1] + lines[2:] + lines[1:2],
    "no S": take_out(b"S\t"),
    "S twice": double(b"S\t"),
    "S with three": change(b"S\t", lambda x: x + b"\tx"),
    "S with one": change(b"S\t", lambda x: x.rsplit(b"\t", 1)[0]),
    "S of another key": field(b"S\t", [b"other", b"", b"\\N", b"\\x", b"\xff\xfe"]),
    "no R": take_out(b"R\t"),
    "R twice": double(b"R\t"),
    "R elsewhere": move,
    "R with a value more": change(b"R\t", lambda x: x + b"\tx"),
    "R with a value less": change(b"R\t", lambda x: x.rsplit(b"\t", 1)[0]),
    "R of no table": change(b"R\t", lambda x: b"R\tno_such_table\t1"),
    "R alone": put_in(b"R\t", b"R\tsession"),
    "R, bad escapes": field(b"R\t", [b"\\", b"\\n\\", b"\\Nx", b"x\\N", b"\\0", b"\\T"]),
    "R, bad UTF-8": field(b"R\t", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80",
                                   b"\xe2\x82", b"\xf0\x80\x80\x80", b"\0", b"\x1b",
                                   b"\xef\xbf\xbe"]),
    "R, other values": field(b"R\t", [b"\\N", b"x", b"", b"1", b"-1", b"+1", b"1e3", b" 1", b"0x1",
                                      b"9223372036854775808", b"2024-02-30T00:00:00Z",
                                      b"2024-12-03T15:26:05z", b"2024-12-03 15:26:05",
                                      b"1" if MSSQL else b"\0"]),
    "no E": take_out(b"E\t"),
    "E twice": double(b"E\t"),
    "E, other values": field(b"E\t", [b"x", b"0", b"99", b"\\N", b"", b"-1",
                                      b"18446744073709551616"]),
    "X, no text": field(b"X\t", [b"a\\", b"\xff", b"\\N", b"a\tb"]),
    "no X": lambda lines: [x for x in lines if x[:2] != b"X\t"],
    "one X less": take_out(b"X\t"),
    "X too long": change(b"X\t", lambda x: x + b"x" * 40000),
    "no Z": take_out(b"Z\t"),
    "Z twice": double(b"Z\t"),
    "Z, other values": field(b"Z\t", [b"x", b"0", b"99", b""]),
    "Z with three": change(b"Z\t", lambda x: x + b"\t0"),
    "a line of nothing": put_in(b"", b"#", b"Q\tx", b"R", b"<?xml?>", b"r\tteam\t1\ta\t0"),
    "a mark in the middle": put_in(b"praic-records\t1"),
    "a mark of 2 in the middle": put_in(b"praic-records\t2"),
    "another mark": lambda lines: [rnd.choice([b"praic-records\t2", b"praic-records", b"",
                                               b"PRAIC-RECORDS\t1", b"praic-records 1"])] + lines[1:],
    "no session_event": lambda lines: [x for x in lines if b"\tsession_event\t" not in x],
    "lines end in CR LF": lambda lines: [x + b"\r" for x in lines],
    "lines in disorder": lambda lines: rnd.sample(lines, len(lines)),
}


# The expected result.
class Bad(Exception):
    pass


def text(b):
    try:
        text = b.decode()
    except UnicodeDecodeError:
        raise Bad("no UTF-8")
    if re.search("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", text):
        raise Bad("a character that XML forbids")
    return text


def plain(s):
    if s == "\\N":
        return None
    if re.search(r"\\(?![tnr\\])", re.sub(r"\\\\", "", s)):
        raise Bad("a bad escape")
    return re.sub(r"\\(.)", lambda m: {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}[m[1]], s)


def typed(table, column, v):
    kind = kind_of(table, column)
    if v is None or kind == "text":
        return v
    if kind == "time":
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", v):
            raise Bad("no time")
        try:
            datetime.datetime.strptime(v, "%Y-%m-%dT%H:%M:%SZ")
        except ValueError:
            raise Bad("no time")
        return v.replace("T", " ").rstrip("Z")
    if not re.fullmatch("[01]" if kind == "bool" else r"-?[0-9]+", v) or not -2**63 <= int(v) < 2**63:
        raise Bad("no number")
    return int(v)


def count(b):
    if not re.fullmatch(rb"[0-9]+", b) or int(b) >= 2**64:
        raise Bad("no count")
    return int(b)


class Stop(Exception):
    def __init__(self, code):
        super().__init__()
        self.code = code


class Reader:
    """Read one input and pass its sessions to take, which may raise Bad."""

    def __init__(self, take):
        self.take, self.codes, self.bad = take, {0}, 0

    def read(self, data):
        lines = data.split(b"\n")
        rest, self.state, self.first = lines.pop(), "start", True
        try:
            for line in lines:
                self.line(line)
        except Stop as e:
            self.codes.add(e.code)
            if self.state == "session":
                self.drop()
            return
        if self.state == "start":
            whole = b"praic-records\t"
            if rest and not (rest + b"\t").startswith(whole[:len(rest)]):
                self.codes.add(64 if self.first else 75)
            elif self.first or rest:
                self.codes.add(75)
        else:
            self.codes.add(75)

    def drop(self):
        self.codes.add(65)
        self.bad += 1
        self.state = "spoilt"

    def start(self, line):
        if line != b"praic-records\t1":
            if not self.first and not line.startswith(b"praic-records\t"):
                raise Stop(65)
            raise Stop(64)
        self.first, self.state, self.heads, self.complete = False, "head", {}, 0

    def line(self, line):
        mark = line[:1] if line[1:2] == b"\t" else b""
        if self.state == "start":
            return self.start(line)
        if line.startswith(b"praic-records\t"):
            self.codes.add(75)
            self.state = "start"  # the truncated session comes again
            return self.start(line)
        if self.state == "head":
            if mark == b"H":
                return self.head(line)
            if mark not in (b"S", b"Z"):
                raise Stop(65)
            if "session_event" not in self.heads:
                raise Stop("no report")
            self.state = "top"
        if self.state == "session" and mark in (b"S", b"Z"):
            self.drop()
        if mark == b"S":
            return self.begin(line)
        if mark == b"Z":
            return self.end(line)
        if self.state == "spoilt" and mark in (b"R", b"X", b"E"):
            if mark == b"E":
                self.complete += 1
                self.state = "top"
            return None
        if self.state != "session" or mark not in (b"R", b"X", b"E"):
            raise Stop(65)
        try:
            {b"R": self.row, b"X": self.xml, b"E": self.commit}[mark](line)
        except Bad:
            self.drop()
            if mark == b"E":
                self.state = "top"
        return None

    def head(self, line):
        try:
            f = text(line).split("\t")[1:]
        except Bad:
            raise Stop(65)
        if len(f) < 2 or "" in f or "\\" in "".join(f) or f[0] in self.heads or \
                len(set(f[1:])) < len(f) - 1:
            raise Stop(65)
        self.heads[f[0]] = f[1:]

    def begin(self, line):
        f = line.split(b"\t")
        if len(f) != 3:
            raise Stop(65)
        self.state, self.rows, self.n, self.size, self.pieces = "session", {}, 0, 0, 0
        try:
            self.key = tuple(plain(x) for x in text(line).split("\t")[1:])
            if None in self.key or self.key[0] == "":
                raise Bad("no key")
        except Bad:
            self.drop()

    def row(self, line):
        self.n += 1
        f = line.split(b"\t")
        table = text(f[1]) if len(f) > 1 else None
        if table not in self.heads or len(f) - 2 != len(self.heads[table]):
            raise Bad("no such row")
        values = [plain(x) for x in text(line).split("\t")[2:]]
        if table not in TABLES:
            return
        row = {c: None for c in TABLES[table]}
        row.update({c: typed(table, c, v) for c, v in zip(self.heads[table], values) if c in row})
        row.pop(NOT_STORED, None)
        if table == "session":
            if "session" in self.rows:
                raise Bad("two")
            if self.key[1] == "":
                raise Bad("no lsid")
            for c, v in zip(("host_name", "lsid"), self.key):
                if c in self.heads[table] and row[c] != v:
                    raise Bad("another key")
                row[c] = v
        events = len(self.rows.get("session_event", []))
        if table == "session_event" and row["seq"] != events + 1:
            raise Bad("not numbered")
        if "event_seq" in row and not 1 <= (row["event_seq"] or 0) <= events:
            raise Bad("no event")
        self.rows.setdefault(table, []).append(row)

    def xml(self, line):
        if len(line) >= 32768 or b"\t" in line[2:]:
            raise Bad("no X")
        piece = plain(text(line[2:]))
        if piece is None:
            raise Bad("NULL")
        self.size += len(piece.encode())
        self.pieces += 1

    def commit(self, line):
        self.complete += 1
        f = line.split(b"\t")
        if len(f) != 4 or plain(text(f[1])) != self.key[1] or count(f[2]) != self.n or \
                (count(f[3]) != self.size and self.pieces) or "session" not in self.rows:
            raise Bad("a wrong E")
        self.state = "top"
        self.take(self.key, self.rows)

    def end(self, line):
        f = line.split(b"\t")
        try:
            if len(f) != 3:
                raise Bad("no Z")
            sessions, left_out = count(f[1]), count(f[2])
        except Bad:
            raise Stop(65)
        if sessions != self.complete or left_out:
            self.codes.add(65)
        self.state = "start"


class Model:
    def __init__(self):
        self.store, self.fates = {}, {}

    def take(self, key, rows):
        old = self.store.get(key)
        fate = "stored"
        if old == rows:
            fate = "unchanged"
        elif old:
            ended = [r["session"][0]["end_time"] is not None for r in (old, rows)]
            events = [len(r.get("session_event", [])) for r in (old, rows)]
            if (ended[0], events[0]) > (ended[1], events[1]):
                fate = "older than stored"
        if fate == "stored":
            self.store[key] = rows
        self.fates[fate] += 1

    def load(self, inputs):
        self.fates = dict.fromkeys(("stored", "unchanged", "older than stored", "left out"), 0)
        codes = set()
        for data in inputs:
            r = Reader(self.take)
            r.read(data)
            stop = "no report" in r.codes
            codes |= r.codes - {"no report"} | ({64} if stop else set())
            self.fates["left out"] += r.bad
            if stop:
                break
        return next(c for c in (64, 75, 65, 0) if c in codes)


def compare(db, store):
    """The differences in the tables."""
    sessions = {r["id"]: r for r in db.rows("session")}
    keys = {i: (r["host_name"], r["lsid"]) for i, r in sessions.items()}
    got, event = {k: {"session": [sessions[i]]} for i, k in keys.items()}, {}
    for table in CHILDREN:
        for r in db.rows(table):
            key = event[r["session_event_id"]] if "session_event_id" in r else keys[r["session_id"]]
            if table == "session_event":
                event[r["id"]] = key
            got[key].setdefault(table, []).append(r)
    bad = ["session %r" % (k,) for k in set(got) ^ set(store)]
    for key in set(got) & set(store):
        for table in TABLES:
            have = [{c: r[c] for c in TABLES[table] if c != NOT_STORED} for r in got[key].get(table, [])]
            if have != store[key].get(table, []):
                bad.append("%r of %r: %.500r is not %.500r" % (table, key, have,
                                                             store[key].get(table, [])))
    return bad + list(db.faults())


def main():
    db, command, model = sys.argv[3], sys.argv[4:], Model()
    keys = [("h%d" % h, x) for h in range(2) for x in ("a", "A", "ä", "a\tb\\", "'", "k" * 128, "")]
    for run in range(int(sys.argv[2])):
        inputs, names, done = [], [], []
        for i in range(rnd.randint(1, 3)):
            data = b""
            for _ in range(rnd.choice((1, 1, 2))):
                lines = stream(keys)
                for what in rnd.sample(sorted(DAMAGE), rnd.choice((0, 1, 1, 1, 2))):
                    lines = DAMAGE[what](list(lines))
                    done.append(what)
                data += b"".join(x + b"\n" for x in lines)
            if rnd.random() < 0.1:
                data = data[:rnd.randrange(len(data))]
                done.append("cut")
            inputs.append(data)
            names.append("in.%d" % i)
            with open(names[-1], "wb") as f:
                f.write(data)
        want = model.load(inputs)
        p = subprocess.run(command + names, stderr=subprocess.PIPE)
        said = p.stderr.decode("utf-8", "replace")
        counts = ", ".join("%d %s" % (n, k) for k, n in model.fates.items())
        account = "%d sessions read: %s" % (sum(model.fates.values()), counts)
        bad = [] if p.returncode == want else ["exit %d instead of %d" % (p.returncode, want)]
        if account not in said:
            bad.append("not: " + account)
        if not bad and (run % 10 == 0 or run == int(sys.argv[2]) - 1):
            bad = compare(Mssql(db[6:].split(",")) if db.startswith("mssql:") else Sqlite(db),
                          model.store)
        if bad:
            print("run %d, %s:\n%s\n%s" % (run, done, "\n".join(bad[:5]), said[-3000:]))
            sys.exit(1)
    print("%d runs, %d sessions there" % (int(sys.argv[2]), len(model.store)))


main()
