#!/usr/bin/env python3
"""
A stand-in for SQL Server on loopback, for tests without a real one: it implements
TDS 7.4 of [MS-TDS] with logins, TLS and bulk copies, and answers the statements of
praic-tosql as a server with an empty database would.  It knows no other SQL.

    tds-server.py --log FILE [--certificate PEM --key PEM] [--tls on|off|1.0]
                  [--address A] [--browser INSTANCE] [--password P] [--database D] [--port-file FILE]
                  [--tds 7.3|7.4] [--room COLUMN=CHARACTERS] [--vendor FILE]
                  [--fault 'REGEX=NUMBER:TEXT[:SEVERITY[:PROCEDURE]]']...
                  [--fault 'REGEX=close'|'REGEX=reset'|'REGEX=hang'|'REGEX=count']
                  [--fault 'REGEX=value NUMBER'] [--once]

With --browser there is an SQL Server Browser at UDP port 1434 that knows the
instance.  The log has one JSON value per line: ["login", {...}], ["sql", text],
["bulk", table, [[column, ...], [value, ...], ...]].  A fault happens at statements
that match its REGEX: the first one with --once, else all.  The n-th login counts as
a statement "login n".  --tds is the version of the server.  --room limits the texts
of a column beyond its type.  --vendor FILE has existing tables (CREATE TABLE
dbo.[NAME] (...) GO), of which types and options are checked.  count: the server
reports one row less than were inserted.  value: it answers with that number.
"""
import argparse
import json
import os
import re
import socket
import ssl
import struct
import sys
import threading
import time

PRELOGIN, LOGIN, SQL, BULK, ATTENTION, REPLY = 0x12, 0x10, 0x01, 0x07, 0x06, 0x04
COLLATION = b"\x09\x04\xd0\x00\x34"
log_lock = threading.Lock()


class Gone(Exception):
    pass


class Reset(Exception):
    pass


def b_varchar(text):
    return bytes([len(text)]) + text.encode("utf-16-le")


def us_varchar(text):
    return struct.pack("<H", len(text)) + text.encode("utf-16-le")


def done(count=None, error=False):
    status = (0x10 if count is not None else 0) | (0x02 if error else 0)
    return struct.pack("<BHHQ", 0xFD, status, 0xC1, count or 0)


def error(number, text, severity=16, procedure=""):
    body = struct.pack("<IBB", number, 1, severity) + us_varchar(text) + b_varchar("stand-in")
    body += b_varchar(procedure) + struct.pack("<I", 1)
    return b"\xaa" + struct.pack("<H", len(body)) + body


def metadata(columns):
    out = b"\x81" + struct.pack("<H", len(columns))
    for name, kind in columns:
        out += struct.pack("<IH", 0, 0x09)
        if kind == "int":
            out += b"\x26\x04"
        elif kind == "bigint":
            out += b"\x26\x08"
        else:
            size = 0xFFFF if kind == "max" else 2 * kind
            out += b"\xe7" + struct.pack("<H", size) + COLLATION
        out += b_varchar(name)
    return out


def numbers(rows):
    """A result of BIGINT columns; None is NULL."""
    width = len(rows[0]) if rows else 1
    out = metadata([("c%d" % i, "bigint") for i in range(width)])
    for row in rows:
        out += b"\xd1"
        for v in row:
            out += b"\x00" if v is None else b"\x08" + struct.pack("<q", v)
    return out + done(len(rows))


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if self.at + n > len(self.data):
            raise ValueError("the data end too early")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))[0]

    def left(self):
        return len(self.data) - self.at


def bulk_rows(data):
    b = Bytes(data)
    if b.number("B") != 0x81:
        raise ValueError("bulk copy without column data")
    columns = []
    for _ in range(b.number("H")):
        b.take(6)
        kind = b.number("B")
        size = b.number("B") if kind == 0x26 else b.number("H")
        if kind == 0xE7:
            b.take(5)
        elif kind != 0x26:
            raise ValueError("type %#x in bulk copy" % kind)
        columns.append((b.take(2 * b.number("B")).decode("utf-16-le"), kind, size))
    rows = []
    while b.left():
        token = b.number("B")
        if token == 0xFD:
            break
        if token != 0xD1:
            raise ValueError("token %#x in bulk copy" % token)
        row = []
        for _, kind, size in columns:
            if kind == 0x26:
                n = b.number("B")
                row.append(int.from_bytes(b.take(n), "little", signed=True) if n else None)
            elif size == 0xFFFF:
                total = b.number("Q")
                if total == 0xFFFFFFFFFFFFFFFF:
                    row.append(None)
                    continue
                text = b""
                while True:
                    n = b.number("I")
                    if n == 0:
                        break
                    text += b.take(n)
                row.append(text.decode("utf-16-le"))
            else:
                n = b.number("H")
                row.append(None if n == 0xFFFF else b.take(n).decode("utf-16-le"))
        rows.append(row)
    return [c[0] for c in columns], rows


def column_types(text):
    out = []
    for name, kind, size in re.findall(
            r"\[?(\w+)\]? (INT|BIGINT|DATETIME2|NVARCHAR)(?:\((\d+|MAX)\))?", text):
        kind = kind.lower()
        if kind == "nvarchar":
            kind = "max" if size == "MAX" else int(size)
        out.append((name, kind))
    return out


def staged_types(text):
    """The columns of SELECT ... INTO; a name alone is a column of the key."""
    text = re.sub(r", (\[\w+\])", r", CAST(NULL AS NVARCHAR(255)) AS \1", text)
    return column_types(re.sub(r"CAST\(NULL AS (.*?)\)(?: COLLATE \w+)? AS (\[?\w+\]?)", r"\2 \1", text))


def vendor_tables(path):
    """{table: {column: (type, the rest)}} of CREATE TABLE statements."""
    out = {}
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for name, body in re.findall(r"CREATE TABLE dbo\.\[(\w+)\] \((.*?)\)\s*GO", text, re.S):
        for column in re.split(r",(?![^()]*\))", body):
            m = re.match(r"\s*\[(\w+)\] (\w+)(?:\(([\w, ]+)\))?(.*)", column, re.S)
            out.setdefault(name, {})[m[1]] = (m[2].lower(), m[3], m[4].upper())
    return out


def objection(columns, text):
    """The error that the statement for checking a table would raise."""
    for name, fits, want in re.findall(r"N'(\w+)'(?: AS name)?, N'(\|[^']*)'(?: AS fits)?, N'([^']*)'",
                                       text):
        kind, size, rest = columns.get(name, (None, None, ""))
        if "NOT NULL" in rest and want.endswith(" NULL") and not want.endswith("NOT NULL"):
            return "[%s] takes no NULL, which praic stores there: ALTER COLUMN [%s] %s NULL" % (
                name, name, kind)
        if kind and ("|%s|" % kind not in fits or (size == "MAX" and want.endswith("NOT NULL"))):
            return "[%s] is %s, which does not take what praic stores there: " \
                   "ALTER COLUMN [%s] %s" % (name, kind, name, want)
    ours = re.findall(r"N'(\w+)'", text[text.index("c.name NOT IN ("):].split(")")[0])
    for name, (kind, size, rest) in columns.items():
        if name not in ours and "NOT NULL" in rest and not re.search("IDENTITY|DEFAULT", rest):
            return "[%s] is none of praic's, takes no NULL and has no default" % name
    if "IDENTITY" not in columns.get("id", (0, 0, ""))[2]:
        return "[id] is not numbered by the server"
    return None


class Database:
    """The tables, which outlive a connection."""

    def __init__(self, vendor):
        self.vendor = vendor_tables(vendor) if vendor else {}
        self.tables = {t: {c: "max" if size == "MAX" or kind == "ntext" else int(size)
                           if kind == "nvarchar" else kind
                           for c, (kind, size, _) in columns.items()}
                       for t, columns in self.vendor.items()}
        self.version = None
        self.logins = 0
        self.before = None

    def transaction(self, text):
        """Roll back the tables of a transaction."""
        if text.startswith("BEGIN TRANSACTION"):
            self.before = {t: dict(c) for t, c in self.tables.items()}, self.version
        elif text.startswith("COMMIT"):
            self.before = None
        elif "ROLLBACK" in text and self.before:
            (self.tables, self.version), self.before = self.before, None


class Connection:
    def __init__(self, sock, args, database):
        self.sock, self.args, self.database = sock, args, database
        self.tls = None
        self.stage, self.staged = {}, {}
        self.bulk = None

    # bytes
    def receive(self, n):
        out = b""
        while len(out) < n:
            more = self.sock.recv(n - len(out))
            if not more:
                raise Gone
            out += more
        return out

    def read(self, n):
        if self.tls is None:
            return self.receive(n)
        out = b""
        while len(out) < n:
            try:
                more = self.tls.read(n - len(out))
                if not more:
                    raise Gone
                out += more
            except ssl.SSLWantReadError:
                data = self.sock.recv(65536)
                if not data:
                    raise Gone
                self.incoming.write(data)
        return out

    def write(self, data):
        if self.tls is None:
            self.sock.sendall(data)
        else:
            self.tls.write(data)
            self.sock.sendall(self.outgoing.read())

    # packets
    def message(self):
        kind, out = None, b""
        while True:
            kind, status, length = struct.unpack(">BBH", self.read(8)[:4])
            out += self.read(length - 8)
            if status & 1:
                return kind, out

    def reply(self, data, kind=REPLY):
        size = 4096 - 8
        parts = [data[i:i + size] for i in range(0, len(data), size)] or [b""]
        for i, part in enumerate(parts):
            last = 1 if i == len(parts) - 1 else 0
            self.write(struct.pack(">BBHHBB", kind, last, len(part) + 8, 0, (i + 1) & 255, 0) + part)

    def log(self, *what):
        with log_lock, open(self.args.log, "a", encoding="utf-8") as f:
            f.write(json.dumps(what, ensure_ascii=False) + "\n")

    # login
    def prelogin(self):
        kind, data = self.message()
        if kind != PRELOGIN:
            raise Gone
        offer = 2 if self.args.tls == "off" else 3
        options = [(0, b"\x10\x00\x00\x00\x00\x00"), (1, bytes([offer])), (2, b"\x00"), (3, b""),
                   (4, b"\x00")]
        at, head, body = 5 * len(options) + 1, b"", b""
        for token, value in options:
            head += struct.pack(">BHH", token, at + len(body), len(value))
            body += value
        self.reply(head + b"\xff" + body)
        if self.args.tls != "off":
            self.handshake()

    def handshake(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        if self.args.tls == "1.0":
            context.set_ciphers("DEFAULT@SECLEVEL=0")
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
        context.load_cert_chain(self.args.certificate, self.args.key)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
                finished = True
            except ssl.SSLWantReadError:
                finished = False
            except ssl.SSLError as e:
                self.log("tls", str(e))
                raise Gone
            data = self.outgoing.read()
            if data:
                self.reply(data, PRELOGIN)
            if finished:
                self.tls = tls
                return
            kind, data = self.message()
            self.incoming.write(data)

    def login(self):
        kind, data = self.message()
        if kind != LOGIN:
            raise Gone
        names = ("host", "user", "password", "application", "server", "", "library", "language",
                 "database")
        found = {"encrypted": self.tls is not None, "tds": "%08x" % struct.unpack_from("<I", data, 4)}
        for i, name in enumerate(names):
            at, n = struct.unpack_from("<HH", data, 36 + 4 * i)
            raw = data[at:at + 2 * n]
            if name == "password":
                raw = bytes((x ^ 0xA5) >> 4 | ((x ^ 0xA5) & 15) << 4 for x in raw)
            if name:
                found[name] = raw.decode("utf-16-le")
        self.log("login", found)
        if found["password"] != self.args.password:
            self.reply(error(18456, "Login failed for user '%s'." % found["user"], 14) +
                       done(error=True))
            raise Gone
        if found["database"] != self.args.database:
            self.reply(error(4060, 'Cannot open database "%s" requested by the login.'
                             % found["database"], 11) + error(18456, "Login failed.", 14) +
                       done(error=True))
            raise Gone
        self.database.logins += 1
        fault = self.fault("login %d" % self.database.logins)
        if fault:
            self.reply(fault)
            raise Gone
        tds = {"7.4": b"\x74\x00\x00\x04", "7.3": b"\x73\x0b\x00\x03"}[self.args.tds]
        ack = b"\x01" + tds + b_varchar("stand-in") + b"\x10\x00\x00\x00"
        size = b"\x04" + b_varchar("4096") + b_varchar("4096")
        place = b"\x01" + b_varchar(self.args.database) + b_varchar("master")
        self.reply(b"\xe3" + struct.pack("<H", len(place)) + place +
                   b"\xad" + struct.pack("<H", len(ack)) + ack +
                   b"\xe3" + struct.pack("<H", len(size)) + size + done())

    # statements
    def fault(self, text):
        for f in list(self.args.fault):
            pattern, _, what = f.partition("=")
            if not re.search(pattern, text):
                continue
            if self.args.once:
                self.args.fault.remove(f)
            if what == "close":
                raise Gone
            if what == "reset":
                raise Reset
            if what == "hang":
                time.sleep(3600)
            if what == "count":
                return "count"
            if what.startswith("value "):
                return numbers([(int(what[6:]),)])
            number, words, severity, procedure = (what.split(":") + ["16", ""][
                max(0, what.count(":") - 1):])[:4]
            self.staged = {}
            return error(int(number), words, int(severity), procedure) + done(error=True)
        return None

    def answer(self, text):
        fault = self.fault(text)
        if isinstance(fault, bytes):
            return fault
        less = 1 if fault == "count" else 0
        db = self.database
        db.transaction(text)
        m = re.search(r"SET FMTONLY ON select \* from #praic_(\w+)", text)
        if m:
            return metadata(self.stage[m[1]]) + done()
        m = re.match(r"insert bulk #praic_(\w+)", text, re.I)
        if m:
            self.bulk = m[1]
            return done()
        if "CREATE TABLE #praic_todo" in text:
            for columns, name in re.findall(r"SELECT TOP \(0\) (.*?) INTO #praic_(\w+) FROM", text):
                self.stage[name] = staged_types(columns)
            return done()
        m = re.search(r"CREATE TABLE dbo\.\[?(\w+)\]? \((.*)\)", text, re.S)
        if m:
            db.tables.setdefault(m[1], dict(column_types(m[2])))
            return done()
        m = re.search(r"INSERT INTO dbo.praic_schema .*VALUES \((\d+)\)", text)
        if m:
            db.version = int(m[1])
            return done(1)
        if text.startswith("DECLARE @o INT"):
            name = re.search(r"OBJECT_ID\(N'dbo\.\[(\w+)\]'", text)[1]
            wrong = objection(db.vendor[name], text) if name in db.vendor else None
            return error(50000, "column dbo.[%s].%s" % (name, wrong)) + done(error=True) \
                if wrong else done()
        for table, name, kind in re.findall(
                r"ALTER TABLE dbo\.\[(\w+)\] ADD (\[\w+\]) (\w+(?:\(\w+\))?)", text):
            for column, what in column_types("%s %s" % (name, kind)):
                db.tables[table].setdefault(column, what)
        if text.startswith("SELECT k.t"):
            rows, (other, room) = [], self.args.room.split("=")
            for t, n, table, name in re.findall(r"SELECT (\d+), (\d+), N'(\w+)', N'(\w+)'", text):
                kind = int(room) if name == other else db.tables[table][name]
                wide = kind if isinstance(kind, int) else -1 if kind == "max" else None
                rows.append((int(t), int(n), wide))
            return numbers(rows)
        if "OBJECT_ID(N'dbo.praic_schema', N'U') IS NULL THEN 0" in text:
            return numbers([(int(db.version is not None), int("session" in db.tables),
                             int("session" in db.tables))])
        if "MAX(version)" in text:
            return numbers([(db.version,)])
        if "sp_getapplock" in text:
            return numbers([(0,)])
        if text.startswith("SELECT ord, fate"):
            return numbers([(row[0], 0) for row in self.staged.get("session", [])])
        if text.startswith("DELETE t OUTPUT"):
            return numbers([])
        if text.startswith("TRUNCATE"):
            self.staged = {}
        m = re.match(r"INSERT INTO dbo\.\[(\w+)\] .* FROM #praic_(\w+)", text)
        if m:
            return done(len(self.staged.get(m[2], [])) - less)
        return done(0)

    def serve(self):
        self.prelogin()
        self.login()
        while True:
            kind, data = self.message()
            if kind == ATTENTION:
                self.reply(struct.pack("<BHHQ", 0xFD, 0x20, 0, 0))
            elif kind == SQL:
                skip = struct.unpack_from("<I", data)[0]
                text = data[skip:].decode("utf-16-le")
                self.log("sql", text)
                self.reply(self.answer(text))
            elif kind == BULK:
                columns, rows = bulk_rows(data)
                self.log("bulk", self.bulk, [columns] + rows)
                fault = self.fault("bulk " + self.bulk)
                self.staged[self.bulk] = rows
                self.reply(fault if isinstance(fault, bytes) else
                           done(len(rows) - (1 if fault else 0)))
            else:
                raise ValueError("message of type %#x" % kind)

    def run(self):
        try:
            self.serve()
        except Reset:
            # Reset the connection; data in transit are lost.
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.tls = None
        except (Gone, ConnectionError):
            pass
        except Exception as e:
            self.log("trouble", repr(e))
            raise
        finally:
            if self.tls is not None:
                try:
                    self.tls.unwrap()
                except ssl.SSLError:
                    pass
                try:
                    self.sock.sendall(self.outgoing.read())
                except OSError:
                    pass
            self.sock.close()
            self.database.transaction("ROLLBACK")


def browse(sock, args, port):
    """SQL Server Browser: the port of an instance; the first request is ignored."""
    asked = 0
    while True:
        question, address = sock.recvfrom(1024)
        asked += 1
        with log_lock, open(args.log, "a", encoding="utf-8") as f:
            f.write(json.dumps(["browser", question.decode("latin-1")]) + "\n")
        if asked > 1 and question == b"\x04" + args.browser.encode() + b"\0":
            text = b"ServerName;STAND-IN;InstanceName;%s;IsClustered;No;Version;16.0;tcp;%d;;" % (
                args.browser.encode(), port)
            sock.sendto(b"\x05" + struct.pack("<H", len(text)) + text, address)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--log", required=True)
    p.add_argument("--certificate")
    p.add_argument("--key")
    p.add_argument("--tls", choices=("on", "off", "1.0"), default="on")
    p.add_argument("--address", default="127.0.0.1")
    p.add_argument("--browser")
    p.add_argument("--tds", choices=("7.3", "7.4"), default="7.4")
    p.add_argument("--room", default="none=0")
    p.add_argument("--vendor")
    p.add_argument("--password", default="Passw0rd")
    p.add_argument("--database", default="store")
    p.add_argument("--port-file", required=True)
    p.add_argument("--fault", action="append", default=[])
    p.add_argument("--once", action="store_true")
    args = p.parse_args()
    server = socket.create_server((args.address, 0))
    if args.browser:
        browser = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        browser.bind((args.address, 1434))
        threading.Thread(target=browse, args=(browser, args, server.getsockname()[1]),
                         daemon=True).start()
    open(args.log, "a").close()
    with open(args.port_file + ".tmp", "w") as f:
        f.write("%d\n" % server.getsockname()[1])
    os.rename(args.port_file + ".tmp", args.port_file)
    database = Database(args.vendor)
    # The server ends with the test that started it.
    parent = os.getppid()
    server.settimeout(0.5)
    while os.getppid() == parent:
        try:
            sock, _ = server.accept()
        except TimeoutError:
            continue
        sock.settimeout(60)
        threading.Thread(target=Connection(sock, args, database).run, daemon=True).start()


try:
    main()
except KeyboardInterrupt:
    sys.exit(0)
