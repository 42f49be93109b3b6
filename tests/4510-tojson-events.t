#!/bin/sh
# praic-tojson with hostile text, long sessions and --events: each value is compared
# with the value that Python reads from the records.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

# both NAME RECORDS: check sessions and events, plain and ECS
both() {
	run 0 "$1" "$tojson" "$2"
	mv out sessions.json
	check "  sessions" python3 "$top/tests/tools/json-of.py" "$2" sessions.json
	run 0 "  ecs" "$tojson" -f ecs "$2"
	check "  sessions below praic" python3 "$top/tests/tools/json-of.py" "$2" out ecs
	run 0 "  events" "$tojson" --events "$2"
	mv out plain.json
	run 0 "  events, ecs" "$tojson" -e -f ecs "$2"
	mv out ecs.json
	check "  events of both forms" python3 "$top/tests/tools/events-of.py" "$2" plain.json ecs.json
}

python3 "$top/tests/appliance" generate --bytes 400K --seed 3 --marks h.example >report.xml
"$split" report.xml >report.rec
both "a report" report.rec
check "jq reads the events" test "$(jq -c 'select(.event.id == "")' <ecs.json | wc -l)" -eq 0
check "each event id is unique" test -z "$(jq -r .event.id <ecs.json | sort | uniq -d)"
# Fields of ECS that must be IP addresses.
jq -r '.source.ip, .destination.ip, .related.ip[]?, .host.ip[]? | select(. != null)' <ecs.json >ips
check "addresses are IP addresses" python3 -c '
import ipaddress
n = [ipaddress.ip_address(line.rstrip("\n")) for line in open("ips")]
assert len(n) > 100'

cat >hostile.py <<'END'
import sys
H = """praic-records\t1
H\tsession\thost_name\tlsid\ttype\tstart_time\tend_time\tlseq
H\tuser\tgs_number\tuser_id\tuser_name\tdisplay_name\tpublic_ip\tprivate_ip\tis_primary\thost_name\toperating_system
H\tcustomer\tgs_number\tdisplay_name\tpublic_ip\tprivate_ip\thost_name\toperating_system\tuser_name
H\tsession_event\tseq\ttype\tevent_time\tperformed_by\tperformed_by_type\tdestination\tdestination_type\tperformed_by_gs_number\tdestination_gs_number
H\tsession_event_data\tevent_seq\tseq\tname\tvalue
H\tsystem_information\tevent_seq\tcategory\tinformation
"""
def esc(v):
    if v is None:
        return "\\N"
    for a, b in ("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"):
        v = str(v).replace(a, b)
    return v
class Out:
    def __init__(self, name):
        self.f = open(name, "w", encoding="utf-8", newline="\n")
        self.f.write(H)
        self.n = 0
    def session(self, lsid, rows, start="2025-01-01T00:00:00Z", end=None):
        rows = rows + [("session", "h\u2028.example", lsid, "support", start, end, 2**63 - 1)]
        self.f.write("S\th\u2028.example\t%s\n" % esc(lsid))
        for r in rows:
            self.f.write("R\t" + r[0] + "".join("\t" + esc(v) for v in r[1:]) + "\n")
        self.f.write("E\t%s\t%d\t0\n" % (esc(lsid), len(rows)))
        self.n += 1
    def end(self):
        self.f.write("Z\t%d\t0\n" % self.n)
        self.f.close()
    def event(self, seq, *rest):
        return ("session_event", seq) + rest + (None,) * (8 - len(rest))

# Characters that XML allows: all below U+0800 and a sample of the others, with all
# lengths of text between escapes.
o = Out("text.rec")
chars = [chr(c) for c in [9, 10, 13] + list(range(0x20, 0x800)) + list(range(0x800, 0x110000, 97))
         if not 0xd800 <= c < 0xe000 and c not in (0xfffe, 0xffff)]
chars += list("\u2028\u2029\u202e\u2066\ufeff\ufffd\U0010ffff")
rows = [o.event(1, "".join(chars[:40]), None, "\\", "\\\\u0041", '"', "\t")]
rows += [("session_event_data", 1, i + 1, "n%d" % (i % 7), "".join(chars[i * 60:i * 60 + 60]))
         for i in range(len(chars) // 60 + 1)]
rows += [("system_information", 1, c, "".join(reversed(chars[i * 40:i * 40 + 40])))
         for i, c in enumerate('"\\\n\r/\u2028')]
rows.append(o.event(2, "runs"))
for n in range(70):
    for at in {0, n // 2, n}:
        for c in '"\\\n\t':
            rows.append(("session_event_data", 2, len(rows), '"' * (n % 3) + str(n),
                         "x" * at + c + "y" * (n - at)))
o.session('a"\\\t', rows)
o.end()

# Users and customers: the same number in both tables and twice in one table, all
# kinds of addresses, long names.
ips = ["192.0.2.1:443", "192.0.2.2", "[2001:db8::1]:65535", "[2001:db8::2]", "2001:db8::3",
       "Unknown", "", None, "192.0.2.300:1", "192.0.2.1:65536", "192.0.2.1:", "[192.0.2.1]:1",
       "[2001:db8::1", "[fe80::1%eth0]:5", "fe80::1%eth0", "2001:db8::1::2", "01.2.3.4", "1.2.3",
       "::", ":", "[]:", "::ffff:192.0.2.9", "192.0.2.1:00080", "192.0.2.1:-1", " 192.0.2.1",
       "192.0.2.1 ", "192.0.2.1\n", "host.example:22", "\u0661.1.1.1", "[" * 2000, "1" * 3000]
o = Out("people.rec")
for k, (start, end) in enumerate([("2025-01-01T00:00:00Z", "2025-01-01T00:00:01Z"),
                                  ("2025-01-02T00:00:00Z", "2025-01-01T00:00:00Z"), (None, None),
                                  ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")]):
    rows = [("customer", i, "customer %d" % i, ip, ips[-i], ["c%d" % i, None, ""][i % 3], "os", None)
            for i, ip in enumerate(ips[k:])]
    rows += [o.event(i + 1, ["Session Start", "Session End", "Chat Message"][i % 3],
                     "2025-01-01T00:00:%02dZ" % i, "p", a, "d", b, i, len(ips) - i)
             for i, (a, b) in enumerate(
                 (a, b) for a in ("representative", "customer", "everyone", None, "system", "user")
                 for b in ("customer", "representative", "", "Customer"))]
    rows.append(o.event(100, "none", None, "p", "representative", "d", "customer", None, 999))
    rows += [("user", i % 20, i, "user%d" % i, ["x", "\u00e4" * 600, "y" * 1023 + "\u20ac", ""][i % 4],
              ips[-1 - i], ip, int(i == k + 3), None if i % 5 == 0 else "h%d" % i, "os" * i)
             for i, ip in enumerate(ips)]
    rows.append(("user", None, None, None, None, None, None, None, None, None))
    o.session("p%d" % k, rows, start, end)
o.end()

# More than the buffer in memory: in each array, in one event, in one value.
o = Out("long.rec")
big = "0123456789\"\\\u00e4" * 1000
o.session("events", [r for i in range(1, 300) for r in (
    o.event(i, "e", None, "p", "customer", None, None, 1, None),
    ("session_event_data", i, 1, "body", big + str(i)),
    ("system_information", i, str(i), "x"))] + [("customer", 1) + ("c",) * 6])
o.session("event", [o.event(1, "e")] + [r for i in range(250) for r in (
    ("session_event_data", 1, i, "name%d" % (i % 250), big + str(i)),
    ("system_information", 1, str(i), big[:5000]))] + [o.event(2, "e")])
o.session("value", [o.event(1, "e"), ("session_event_data", 1, 1, "body", big * 600),
                    ("session_event_data", 1, 2, "body", "\u20ac\"" * 1500000),
                    ("session_event_data", 1, 3, "other", None)])
o.session("small", [o.event(1, "e"), ("session_event_data", 1, 1, "a", "b")])
o.end()

# Many rows of moderate size: memory stays small.
o = Out("less.rec")
o.session("rows", [r for i in range(1, 4000) for r in (
    o.event(i, "e"), ("session_event_data", i, 1, "body", big[:5000] + str(i)))])
o.session("data", [o.event(1, "e")] + [("session_event_data", 1, i, "name%d" % (i % 250), big[:5000])
                                       for i in range(4000)])
o.end()

# Too many names or users for one object: the session is left out.
o = Out("names.rec")
o.session("names", [o.event(1, "e")] + [("session_event_data", 1, i, "n%d" % i, "v")
                                        for i in range(257)])
o.session("long names", [o.event(1, "e")] + [("session_event_data", 1, i, "%d" % i + "n" * 2**18, "v")
                                             for i in range(4)])
o.session("people", [("customer", i) + ("c" * 1024,) * 6 for i in range(1400)])
o.session("fine", [o.event(1, "e")] + [("session_event_data", 1, i, "n%d" % i, "v")
                                       for i in range(256)])
o.end()

# Numbers that JSON would not take.
o = Out("numbers.rec")
o.session("n", [o.event("007", "e"), ("session_event_data", "7", "-0", "a", "b"),
                o.event("-9223372036854775808", "e"), o.event("000", "e"), o.event("0", "e")])
o.end()
END
python3 hostile.py
both "text" text.rec
both "people" people.rec
both "a session longer than memory" long.rec
both "numbers" numbers.rec
run 0 "many rows" "$tojson" less.rec
case ${PRAIC_OUT-} in
*asan*) ;;
*)
	for flags in "" "-e" "-e -f ecs"; do
		# shellcheck disable=SC2086
		"$top/tests/tools/measure" cost "$tojson" $flags long.rec >/dev/null
		# The reader holds a line of 8 MB in memory twice.
		check "  in bounded memory: $(cat cost) KiB ($flags)" test "$(sed 's/ .*//' cost)" -lt 35000
	done
	for flags in "" "-e" "-e -f ecs"; do
		# shellcheck disable=SC2086
		"$top/tests/tools/measure" cost "$tojson" $flags less.rec >/dev/null
		check "  16 MiB: $(cat cost) KiB ($flags)" test "$(sed 's/ .*//' cost)" -le 16384
	done
	;;
esac
run 73 "a TMPDIR that does not exist" env TMPDIR=/nowhere "$tojson" long.rec
says "  is named" "/nowhere"
run 0 "short sessions need no temporary file" env TMPDIR=/nowhere "$tojson" report.rec

run 65 "too many names, too many users" "$tojson" -e names.rec
check "  the others are written" test "$(jq -r .lsid <out)" = fine
check "  a message for each session left out" test "$(grep -c 'left out' err)" -eq 3
run 0 "without --events they are written" "$tojson" names.rec
check "  all four" test "$(wc -l <out)" -eq 4

# The example with jq of the manual page.
run 0 "repeated names" "$tojson" -e "$data/split/events.rec"
jq -c 'select(.data.filename != null) | [.data.filename] | flatten' <out >got
check "  are arrays to jq" grep -q '","' got
done_testing
