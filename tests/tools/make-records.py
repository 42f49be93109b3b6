#!/usr/bin/env python3
"""
Writes record streams of invented sessions, for the tests and benchmarks of
praic-tosql.  The same arguments give the same bytes.

    make-records.py [--sessions N] [--first I] [--events E] [--xml]
                    [--host NAME] [--state ended|open|grown] [--big BYTES]

--first I     number the sessions from I on
--xml         with X lines, whose content is invented
--state       open: no end time, half of the events; grown: a few more events
--big BYTES   the last session has this many bytes of event data
"""
import argparse
import hashlib
import random
import sys
import time

from columns import TABLES

WORDS = ("cmd.exe powershell.exe C:\\Windows\\System32 \\\\srv-7\\c$ notepad - Untitled "
         "Prüfstand Zoë Åström 協力会社 🙂 SELECT * FROM orders; tab\there line\nbreak "
         "ticket CHG-2041 sshd postgres /var/log/auth.log rm -rf ./cache").split(" ")
PEOPLE = (("zastrom", "Zoë Åström"), ("t.yamada@vendor.example", "山田太郎 🙂"),
          ("o'brien", "Łukasz O'Brien"), ("admin", "Admin"))


def field(v):
    if v is None:
        return "\\N"
    v = str(v)
    if "\\" in v or "\t" in v or "\n" in v or "\r" in v:
        v = (v.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
             .replace("\r", "\\r"))
    return v


def when(t):
    return None if t is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


def session(i, a, write):
    rnd = random.Random(i)
    lsid = hashlib.md5(b"%d" % i).hexdigest()
    start = 1700000000 + i * 97
    events = rnd.randint(a.events // 2, a.events * 3 // 2) if a.events > 1 else a.events
    if a.state == "open":
        events //= 2
    if a.state == "grown":
        events += 3
    end = None if a.state == "open" else start + 60 + events * 7
    rows = 0

    def row(table, *values):
        nonlocal rows
        rows += 1
        write("\t".join(("R", table, *map(field, values))) + "\n")

    write("S\t%s\t%s\n" % (a.host, lsid))
    names = rnd.sample(PEOPLE, 2)
    endpoint = "srv-%03d" % (i % 500)
    row("customer", 1, None, "", endpoint, None, None, "198.51.100.23:50677", "10.20.30.40",
        endpoint, "Windows Server 2022 Standard (21H2)", 0, "SRV\\svc_pra")
    for n in range(1, events + 1):
        what = rnd.randrange(4)
        who = names[n % 2][1]
        t = when(start + n * 7)
        if what == 0:
            row("session_event", n, "Chat Message", t, who, "representative", endpoint,
                "customer", 2, 1)
            row("session_event_data", n, 1, "body", " ".join(rnd.choices(WORDS, k=12)))
        elif what == 1:
            row("session_event", n, "Session Foreground Window Changed", t, endpoint, "customer",
                None, None, 1, None)
            row("session_event_data", n, 1, "exeName", rnd.choice(WORDS))
            row("session_event_data", n, 2, "windowName", " ".join(rnd.choices(WORDS, k=4)))
        elif what == 2:
            row("session_event", n, "Remote Shell Event", t, who, "representative", endpoint,
                "customer", 2, 1)
            row("session_event_data", n, 1, "text", " ".join(rnd.choices(WORDS, k=8)))
            row("session_event_data", n, 2, "instance", rnd.randrange(3))
        else:
            row("session_event", n, "File Download", t, who, "representative", endpoint,
                "customer", 2, 1)
            row("session_event_data", n, 1, "filename", "report-%d.txt" % n)
            row("session_event_data", n, 2, "filesize", rnd.randrange(1 << 40))
            row("session_event_data", n, 3, "comment", "")
        if n == 1:
            for category in ("General", "Drives"):
                row("system_information", n, category, '<row><field name="Drive">C:</field>'
                    '<field name="Percent Used">%d</field></row>' % rnd.randrange(100))
    if a.big and i == a.first + a.sessions - 1:
        n, line = events, "x" * 97 + "ü\t"
        for k in range(1, a.big // 1000 + 1):
            row("session_event_data", n, 100 + k, "text", line * 10)
    row("custom_attribute", "Ticket", "ticket", "CHG-%05d" % i)
    row("recording", "recording", None)
    row("recording", "shell", 0)
    row("user", 2, 12, names[0][0], names[0][1], names[0][1], 1012, "[2001:db8::7]:41286",
        "Unknown", 1, 1, 60 + events * 7, None, "Ubuntu 24.04.1 LTS (noble)", 0)
    row("user", 3, 31, names[1][0], names[1][1], "", 1031, "203.0.113.9", "172.16.0.5", 0, 0, 45,
        "tokyo-07", "macOS 15.2", 1)
    row("team", 4, "DBA", 1)
    row("session", a.host, lsid, "support", when(start), when(end),
        "00:%02d:%02d" % (events // 60 % 60, events % 60), events % 5, "CHG-%05d" % i, 1,
        "Default", i, 1, 0, 7, "Rechenzentrum Süd – DB", "shared", None, None,
        int(end is not None))
    size = 0
    if a.xml:
        text = '<session lsid="%s">%s</session>' % (lsid, "<event/>" * events * 30)
        size = len(text.encode())
        for at in range(0, len(text), 32000):
            write("X\t" + text[at:at + 32000] + "\n")
    write("E\t%s\t%d\t%d\n" % (lsid, rows, size))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--sessions", type=int, default=10)
    p.add_argument("--first", type=int, default=1)
    p.add_argument("--events", type=int, default=40)
    p.add_argument("--xml", action="store_true")
    p.add_argument("--host", default="access.example.com")
    p.add_argument("--state", choices=("ended", "open", "grown"), default="ended")
    p.add_argument("--big", type=int, default=0)
    a = p.parse_args()
    out = open(sys.stdout.fileno(), "w", encoding="utf-8", newline="", buffering=1 << 20)
    out.write("praic-records\t1\n")
    for table, columns in TABLES.items():
        out.write("\t".join(("H", table, *columns.split())) + "\n")
    for i in range(a.first, a.first + a.sessions):
        session(i, a, out.write)
    out.write("Z\t%d\t0\n" % a.sessions)
    out.flush()


main()
