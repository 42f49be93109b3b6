"""The expected output of praic-tojson --events, computed from the record stream.

    events-of.py RECORDS PLAIN ECS

Makes the object of each event from the rows by the rules of the manual page, and
compares it with the output, plain and with ECS fields.  Python's ipaddress decides
what an IP address is.
"""
import importlib.util
import ipaddress
import json
import os
import re
import sys

spec = importlib.util.spec_from_file_location(
    "json_of", os.path.join(os.path.dirname(os.path.abspath(__file__)), "json-of.py"))
sys.dont_write_bytecode = True
json_of = importlib.util.module_from_spec(spec)
spec.loader.exec_module(json_of)

JOINED = "user_name display_name public_ip private_ip host_name".split()
TABLE = {"representative": "users", "user": "users", "customer": "customers"}


def cut(v):
    """Truncate at 1024 bytes, between characters."""
    return v.encode()[:1024].decode(errors="ignore") if isinstance(v, str) else v


def person(session, kind, gs):
    for p in session.get(TABLE.get(kind), ()):
        if gs is not None and p["gs_number"] == gs:
            return {"table": TABLE[kind], **{k: cut(v) for k, v in p.items()}}
    return None


def ip(text):
    """Address and port, or nothing."""
    m = re.fullmatch(r"\[(.*)\](?::(\d+))?", text or "", re.S)
    if m is None:
        m = re.fullmatch(r"([^:]*)(?::(\d+))?", text or "", re.S)
        wanted = ipaddress.IPv4Address
        if m is None:
            m = re.fullmatch(r"(.*)()", text, re.S)
            wanted = ipaddress.IPv6Address
    else:
        wanted = ipaddress.IPv6Address
    try:
        wanted(m[1])
        if "%" in m[1] or m[2] and int(m[2]) > 65535:
            return None, None
        return m[1], int(m[2]) if m[2] else None
    except ValueError:
        return None, None


def full(d):
    """Remove empty values."""
    d = {k: full(v) if isinstance(v, dict) else v for k, v in d.items()}
    return {k: v for k, v in d.items() if v not in (None, "", [], {})}


def end(p, names):
    address, port = ip(p["public_ip"])
    return {"address": address or p["host_name"], "ip": address, "port": port,
            "domain": p["host_name"], "user": user(p) if names else None}


def user(p):
    if p["table"] != "users":
        return {}
    return {"name": p["user_name"], "full_name": p["display_name"],
            "id": None if p["user_id"] is None else str(p["user_id"])}


def ecs(session, event, by, to):
    host = next((p for p in (by, to) if p and p["table"] == "customers"), None)
    if host is None and session["customers"]:
        host = {k: cut(v) for k, v in session["customers"][0].items()}
    two = [p for p in (by, to) if p]
    kind = {"Session Start": "start", "Session End": "end"}.get(event["type"], "info")
    o = {"@timestamp": event["event_time"], "ecs": {"version": "8.11.0"},
         "observer": {"hostname": session["host_name"], "vendor": "BeyondTrust"},
         "event": {"kind": "event", "module": "praic", "dataset": "praic.event",
                   "provider": "BeyondTrust", "category": ["session"], "type": [kind],
                   "action": event["type"], "sequence": event["seq"],
                   "id": "%s/%s/%d" % (session["host_name"], session["lsid"], event["seq"])},
         "user": user(by) if by else None,
         "source": end(by, False) if by else None,
         "destination": end(to, True) if to else None,
         "host": {"name": host["host_name"] or host["display_name"],
                  "hostname": host["host_name"], "ip": [a for a in [ip(host["private_ip"])[0]] if a],
                  "os": {"full": host["operating_system"]}} if host else None,
         "related": {
             "user": sorted({p["user_name"] for p in two if p["table"] == "users" and p["user_name"]}),
             "ip": sorted({a for p in two for a in (ip(p["public_ip"])[0], ip(p["private_ip"])[0])
                           if a}),
             "hosts": sorted({p["host_name"] for p in two if p["host_name"]})}}
    return full(o)


def plain(session, event):
    o = {"host_name": session["host_name"], "lsid": session["lsid"]}
    o.update({k: v for k, v in event.items() if k not in ("data", "system_information")})
    data = {}
    for row in event["data"]:
        data.setdefault(row["name"] or "", []).append(row["value"])
    o["data"] = {k: v[0] if len(v) == 1 else v for k, v in data.items()}
    o["system_information"] = event["system_information"]
    people = []
    for role in ("performed_by", "destination"):
        p = person(session, event[role + "_type"], event[role + "_gs_number"])
        people.append(p)
        o.update({role + "_" + f: p[f] if p else None for f in JOINED})
    return o, people


def main():
    records, one, two = (open(n, encoding="utf-8", newline="\n") for n in sys.argv[1:4])
    n = 0
    for session in json_of.objects(records):
        for event in session.get("events", ()):
            want, people = plain(session, event)
            pairs = [(want, one)]
            pairs.append(({**ecs(session, event, *people), "praic": want}, two))
            for expected, lines in pairs:
                line = lines.readline()
                came = json.loads(line)
                if "praic" in came:
                    came["praic"] = came.pop("praic")       # its position does not matter
                if not line.endswith("\n") or json.dumps(came) != json.dumps(expected):
                    print(json.dumps(expected)[:3000])
                    print(line[:3000])
                    sys.exit("event %d is another" % (n + 1))
            n += 1
    if one.read() or two.read():
        sys.exit("more than the events")
    print(n, "events")


if __name__ == "__main__":
    main()
