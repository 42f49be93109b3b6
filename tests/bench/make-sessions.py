#!/usr/bin/env python3
"""
Session XML for benchmarks: make-sessions.py SESSIONS [EVENTS [FIRST]]

Writes a session_list as an appliance sends it, with about EVENTS events per session
(default: 65, which gives about 117 rows).  The output is reproducible.
"""
import hashlib
import random
import sys
import time
from xml.sax.saxutils import escape, quoteattr

sessions = int(sys.argv[1])
per_session = int(sys.argv[2]) if len(sys.argv) > 2 else 65
first = int(sys.argv[3]) if len(sys.argv) > 3 else 1
out = open(sys.stdout.fileno(), "w", encoding="utf-8", newline="", buffering=1 << 20)

WORDS = ("cmd.exe powershell.exe C:\\Windows\\System32 \\\\srv-7\\c$ notepad Untitled Prüfstand "
         "Zoë Åström 協力会社 🙂 SELECT * FROM orders; ticket CHG-2041 sshd postgres "
         "/var/log/auth.log rm -rf ./cache <none> A&B").split(" ")
PEOPLE = (("zastrom", "Zoë Åström"), ("t.yamada@vendor.example", "山田太郎 🙂"),
          ("o'brien", "Łukasz O'Brien"), ("admin", "Admin"))


def stamp(name, t):
    return '<%s timestamp="%d">%s</%s>\n' % (
        name, t, time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(t)), name)


def words(rnd, n):
    return " ".join(rnd.choices(WORDS, k=n))


def event(rnd, who, endpoint, t):
    kind = rnd.randrange(4)
    by = '<performed_by type="representative" gsnumber="2">%s</performed_by>\n' % escape(who)
    to = '<destination type="customer" gsnumber="1">%s</destination>\n' % endpoint
    if kind == 0:
        name, body = "Chat Message", by + to + "<body>%s</body>\n" % escape(words(rnd, 12))
    else:
        values = (
            (("exeName", rnd.choice(WORDS)), ("windowName", words(rnd, 4))),
            (("text", words(rnd, 8)), ("instance", "0")),
            (("filename", "report-%d.txt" % rnd.randrange(999)),
             ("filesize", str(rnd.randrange(1 << 40)))))[kind - 1]
        name = ("Session Foreground Window Changed", "Remote Shell Event", "File Download")[kind - 1]
        body = by + to + "<data>\n%s</data>\n" % "".join(
            "<value name=%s value=%s />\n" % (quoteattr(k), quoteattr(v)) for k, v in values)
    return '<event timestamp="%d" event_type="%s" >\n%s</event>\n' % (t, name, body)


def session(i):
    rnd = random.Random(i)
    n = rnd.randint(per_session // 2, per_session * 3 // 2)
    start, length = 1700000000 + i * 97, 60 + n * 7
    endpoint = "srv-%03d" % (i % 500)
    (login, name), (login2, name2) = rnd.sample(PEOPLE, 2)
    person = ('<representative gsnumber="%d" id="%d">\n<username>%s</username>\n'
              "<display_name>%s</display_name>\n<public_display_name>%s</public_display_name>\n"
              "<private_display_name>%s</private_display_name>\n<public_ip>203.0.113.9:41286"
              "</public_ip>\n<private_ip>192.168.7.21</private_ip>\n<hostname>nb-7</hostname>\n"
              "<os>Ubuntu 24.04.1 LTS (noble)</os>\n<session_owner>%d</session_owner>\n"
              "<seconds_involved>%d</seconds_involved>\n</representative>\n")
    out.write('<session lsid="%s">\n<session_type>support</session_type>\n<lseq>%d</lseq>\n'
              % (hashlib.md5(b"%d" % i).hexdigest(), i))
    out.write(stamp("start_time", start) + stamp("end_time", start + length))
    out.write("<duration>00:%02d:%02d</duration>\n<external_key>CHG-%05d</external_key>\n"
              % (length // 60 % 60, length % 60, i))
    out.write('<custom_attributes>\n<custom_attribute display_name="Ticket" code_name="ticket">'
              "CHG-%05d</custom_attribute>\n</custom_attributes>\n" % i)
    out.write("<session_chat_view_url>https://access.example.com/session_download?lsid=%d"
              "</session_chat_view_url>\n<file_transfer_count>3</file_transfer_count>\n" % i)
    out.write('<primary_customer gsnumber="1">%s</primary_customer>\n'
              '<jump_group type="shared" id="7">Rechenzentrum Süd</jump_group>\n'
              '<jumpoint id="3">jp-1</jumpoint>\n<primary_rep gsnumber="2" id="12">%s'
              "</primary_rep>\n" % (endpoint, escape(name)))
    out.write('<customer_list>\n<customer gsnumber="1">\n<username>SRV\\svc_pra</username>\n'
              "<public_ip>198.51.100.23:50677</public_ip>\n<private_ip>10.20.30.40</private_ip>\n"
              "<hostname>%s</hostname>\n<os>Windows Server 2022</os>\n</customer>\n"
              "</customer_list>\n<rep_list>\n" % endpoint)
    out.write(person % (2, 12, escape(login), escape(name), escape(name), escape(name), 1, length))
    out.write(person % (3, 31, escape(login2), escape(name2), "", escape(name2), 0, 45))
    out.write("</rep_list>\n<session_details>\n")
    for k in range(n):
        out.write(event(rnd, name, endpoint, start + k * 7))
    out.write("</session_details>\n</session>\n")


out.write('<?xml version="1.0" encoding="UTF-8"?>\n<?praic-site access.example.com?>\n'
          '<session_list xmlns="http://www.beyondtrust.com/sra/namespaces/API/reporting">\n')
for number in range(first, first + sessions):
    session(number)
out.write('</session_list>\n')
out.flush()
