#!/usr/bin/env python3
"""
A simple loader for comparison: session XML into the storage tables with xml.etree
and executemany.  etree-loader.py DB FILE.xml

It supports one layout of the XML and does not handle stored sessions.
"""
import sqlite3
import sys
import xml.etree.ElementTree as ET

NS = "{http://www.beyondtrust.com/sra/namespaces/API/reporting}"
TABLES = {
    "session": "id host_name lsid type start_time end_time duration file_transfers external_key"
    " public_site_id public_site_name lseq jump_group_id jump_group_name jump_group_type"
    " jumpoint_id jumpoint_name",
    "user": "id session_id gs_number user_id user_name display_name public_display_name public_ip"
    " private_ip is_owner is_primary duration host_name operating_system",
    "customer": "id session_id gs_number display_name public_ip private_ip host_name"
    " operating_system user_name",
    "custom_attribute": "id session_id display_name code_name value",
    "session_event": "id session_id type event_time performed_by performed_by_type destination"
    " destination_type seq performed_by_gs_number destination_gs_number",
    "session_event_data": "id session_event_id name value event_seq seq",
}


class Loader:
    def __init__(self, path):
        self.db = sqlite3.connect(path)
        self.db.execute("PRAGMA synchronous = FULL")
        self.rows = {t: [] for t in TABLES}
        self.last = {t: self.db.execute('SELECT coalesce(max(id), 0) FROM "%s"' % t).fetchone()[0]
                     for t in TABLES}
        self.sql = {t: 'INSERT INTO "%s" (%s) VALUES (%s)' % (
            t, ", ".join(c.split()), ", ".join("?" * len(c.split()))) for t, c in TABLES.items()}

    def add(self, table, *values):
        self.last[table] += 1
        self.rows[table].append((self.last[table], *values))
        return self.last[table]

    def flush(self):
        for t, rows in self.rows.items():
            self.db.executemany(self.sql[t], rows)
            rows.clear()
        self.db.commit()


def text(e, name):
    c = e.find(NS + name)
    return None if c is None else c.text or ""


def stamp(t):
    return None if t is None else t[:19].replace("T", " ")


def session(out, e):
    group, point = e.find(NS + "jump_group"), e.find(NS + "jumpoint")
    primary = e.find(NS + "primary_rep").get("gsnumber")
    sid = out.add(
        "session", "access.example.com", e.get("lsid"), text(e, "session_type"),
        stamp(text(e, "start_time")), stamp(text(e, "end_time")), text(e, "duration"),
        int(text(e, "file_transfer_count")), text(e, "external_key"), 1, "Default",
        int(text(e, "lseq")), int(group.get("id")), group.text, group.get("type"),
        int(point.get("id")), point.text)
    for c in e.iterfind("%scustom_attributes/%scustom_attribute" % (NS, NS)):
        out.add("custom_attribute", sid, c.get("display_name"), c.get("code_name"), c.text)
    for c in e.iterfind("%scustomer_list/%scustomer" % (NS, NS)):
        out.add("customer", sid, int(c.get("gsnumber")), text(c, "username"),
                text(c, "public_ip"), text(c, "private_ip"), text(c, "hostname"), text(c, "os"),
                text(c, "username"))
    for c in e.iterfind("%srep_list/%srepresentative" % (NS, NS)):
        out.add("user", sid, int(c.get("gsnumber")), int(c.get("id")), text(c, "username"),
                text(c, "private_display_name"), text(c, "public_display_name"),
                text(c, "public_ip"), text(c, "private_ip"), int(text(c, "session_owner")),
                int(c.get("gsnumber") == primary), int(text(c, "seconds_involved")),
                text(c, "hostname"), text(c, "os"))
    for seq, ev in enumerate(e.iterfind("%ssession_details/%sevent" % (NS, NS)), 1):
        by, to = ev.find(NS + "performed_by"), ev.find(NS + "destination")
        eid = out.add(
            "session_event", sid, ev.get("event_type"), stamp(text(e, "start_time")), by.text,
            by.get("type"), to.text, to.get("type"), seq, int(by.get("gsnumber")),
            int(to.get("gsnumber")))
        n = 0
        for v in ev.iterfind("%sdata/%svalue" % (NS, NS)):
            n += 1
            out.add("session_event_data", eid, v.get("name"), v.get("value"), seq, n)
        body = text(ev, "body")
        if body is not None:
            out.add("session_event_data", eid, "body", body, seq, n + 1)


loader = Loader(sys.argv[1])
count = 0
for _, element in ET.iterparse(sys.argv[2]):
    if element.tag != NS + "session":
        continue
    session(loader, element)
    element.clear()
    count += 1
    if count % 100 == 0:
        loader.flush()
loader.flush()
