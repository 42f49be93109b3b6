"""The expected output of praic-tojson, computed from the record stream.

    json-of.py RECORDS JSON [ecs]

Makes the object of each session from the rows by the rules of the manual page, and
compares it with the output as Python's json reads it, including the order of names.
"""
import json
import re
import sys

ARRAYS = (("user", "users"), ("team", "teams"), ("customer", "customers"),
          ("custom_attribute", "custom_attributes"),
          ("session_event", "events"), ("recording", "recordings"),
          ("file", "files"))
INT = set("""duration@user gs_number user_id display_number lseq instance
    file_transfers file_moves file_deletes public_site_id jump_group_id
    jumpoint_id team_id bytes seq event_seq performed_by_gs_number
    destination_gs_number""".split())
BOOL = {"is_owner", "is_primary", "invited", "rpat_support", "over"}
PLAIN = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}


def value(table, column, text):
    if text == "\\N":
        return None
    if column in BOOL:
        return text == "1"
    if column in INT or column + "@" + table in INT:
        return int(text)
    return re.sub(r"\\(.)", lambda m: PLAIN[m[1]], text)


def objects(stream):
    heads, rows = {}, None
    for line in stream:
        f = line.rstrip("\n").split("\t")
        if f[0] == "praic-records":
            heads = {}
        elif f[0] == "H":
            heads[f[1]] = f[2:]
        elif f[0] == "S":
            rows = {t: [] for t in heads}
        elif f[0] == "R":
            rows[f[1]].append({c: value(f[1], c, v)
                               for c, v in zip(heads[f[1]], f[2:])})
        elif f[0] == "E":
            o = rows["session"][0]
            if "over" not in heads["session"]:      # a stream of praic 1.0
                o["over"] = o.get("end_time") is not None or any(
                    e["type"] == "Session End" for e in rows.get("session_event", ()))
            for table, name in ARRAYS:
                if table in heads:
                    o[name] = rows[table]
            for e in o.get("events", ()):
                for table, name in (("session_event_data", "data"),
                                    ("system_information",) * 2):
                    e[name] = [{c: v for c, v in r.items()
                                if c != "event_seq"}
                               for r in rows[table]
                               if r["event_seq"] == e["seq"]]
            yield o


def declared(got, want):
    """Remove the nulls of columns that the stream does not have."""
    if isinstance(got, list) and isinstance(want, list):
        return [declared(g, w) for g, w in zip(got, want)] + got[len(want):]
    if isinstance(got, dict) and isinstance(want, dict):
        return {k: declared(v, want.get(k)) for k, v in got.items()
                if k in want or v is not None}
    return got


def main():
    records = open(sys.argv[1], encoding="utf-8", newline="\n")
    lines = open(sys.argv[2], encoding="utf-8", newline="\n")
    n = 0
    # With ECS fields, the object "praic".
    ecs = len(sys.argv) > 3
    for want in objects(records):
        line = lines.readline()
        if not line.endswith("\n"):
            sys.exit("session %d: no line of its own" % (n + 1))
        got = json.loads(line)
        if ecs:
            got = got["praic"]
        got = declared(got, want)
        if got != want or json.dumps(got) != json.dumps(want):
            print(json.dumps(want)[:2000])
            print(json.dumps(got)[:2000])
            sys.exit("session %d is another" % (n + 1))
        n += 1
    if lines.read() != "":
        sys.exit("more than the sessions")
    print(n, "sessions")


if __name__ == "__main__":
    main()
