#!/bin/sh
# praic-tojson writes one JSON object for each complete session, with the values of
# the records.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

python3 "$top/tests/appliance" generate --bytes 600K --order shuffled >big.xml
for file in "$data"/split/*.xml "$top"/tests/fuzz/corpus/*.xml big.xml; do
	name=${file##*/}
	"$split" -H def.example "$file" >rec 2>rec.err
	# praic-split exits with 64 or 75 if it did not write a complete stream.
	code=$?
	[ $code -ne 64 ] || [ -s rec ] || continue
	[ $code -ne 64 ] || code=75
	pipe $code "$name" rec "$tojson"
	check "  the same content" python3 "$top/tests/tools/json-of.py" rec out
	cat out >>all.json
	pipe $code "  ecs" rec "$tojson" -f ecs
	check "  the same content below praic" python3 "$top/tests/tools/json-of.py" rec out ecs
done

check "jq reads the output" sh -c 'jq -c .lsid <all.json >lsids && [ "$(wc -l <lsids)" -eq "$(wc -l <all.json)" ]'
run 0 "the report of one session" "$tojson" "$data/split/pra.rec"
mv out pra.json
check "  jq selects its chat messages" test "$(jq -r '.events[] | select(.type == "Chat Message") |
	.performed_by + ": " + .data[0].name' <pra.json)" = "Ines Brandão (OT): body"
cat >import.sql <<'END'
create table j(o text);
.mode ascii
.separator "\001" "\n"
.import all.json j
select count(*), sum(json_valid(o)) from j;
END
sqlite3 :memory: <import.sql >valid 2>err
lines=$(wc -l <all.json)
check "SQLite reads the output" test "$(tr '\001' ' ' <valid)" = "$lines $lines"

run 0 "ECS fields of a session" "$tojson" --format ecs "$data/split/pra.rec"
jq -c '[."@timestamp", .event.start, .event.end, .event.duration, .event.action, .user, .source,
	.destination, .host, .related, .observer.hostname]' <out | head -n 1 >got
cat >want <<'END'
["2025-03-31T09:15:00Z","2025-03-31T09:15:00Z","2025-03-31T10:15:03Z",3603000000000,"session",{"name":"ibrandao","full_name":"Ines Brandão (OT)","id":"8"},{"address":"2001:db8:44::2","ip":"2001:db8:44::2","port":61002},{"address":"198.51.100.7","ip":"198.51.100.7","port":40112,"domain":"PUMP-07"},{"name":"PUMP-07","hostname":"PUMP-07","ip":["10.7.0.7"],"os":{"full":"Windows 10 IoT Enterprise (1809)"}},{"user":["ibrandao","k.mori@vendor.example"],"ip":["10.7.0.7","172.20.1.1","192.0.2.200","192.168.44.2","198.51.100.7","2001:db8:44::2","203.0.113.50"],"hosts":["PUMP-07","nb-ines","osaka-3"]},"access.example.com"]
END
same "  are these" want got

# Streams of files, and several streams in one file.
cat >files.rec <<'END'
praic-records	1
H	session	host_name	lsid
H	file	kind	instance	name	extension	media_type	bytes	sha256	fetched_at
S	h	a
R	file	shell	2	x.cast	cast	\N	9007199254740993	00	2025-03-31T09:15:00Z
R	session	h	a
E	a	2	0
Z	1	0
END
run 0 "a stream of files" "$tojson" files.rec
check "  gives a files array" test "$(jq -c '.files[0] | [.kind, .instance, .name, .media_type]' <out)" = \
	'["shell",2,"x.cast",null]'
says "  with numbers beyond 2^53 unchanged" '"bytes":9007199254740993,' out
check "  and no other arrays" test "$(jq -c 'has("users")' <out)" = false
cat "$data/split/pra.rec" files.rec >two.rec
run 0 "two streams in one file, and another file" "$tojson" two.rec "$data/split/pra.rec"
check "  have five sessions" test "$(wc -l <out)" -eq 5

# The rules for readers of record streams.
pipe 75 "an empty input" /dev/null "$tojson"
run 64 "XML" "$tojson" big.xml
run 64 "an unknown format" "$tojson" -f xml files.rec
run 66 "a missing file" "$tojson" nowhere files.rec
check "  the other file is read" test "$(wc -l <out)" -eq 1
sed 's/^E	a	2/E	a	3/' files.rec >count.rec
run 65 "a wrong count of rows" "$tojson" count.rec
check "  nothing of that session" test ! -s out
cat >apart.rec <<'END'
praic-records	1
H	session	host_name	lsid
H	session_event	seq	type
H	session_event_data	event_seq	seq	name	value
S	h	a
R	session_event	1	A
R	session_event	2	B
R	session_event_data	1	1	n	v
R	session	h	a
E	a	4	0
S	h	b
R	session_event	1	A
R	session_event_data	1	1	n	v
R	session	h	b
E	b	3	0
Z	2	0
END
run 65 "data that do not stand behind their event" "$tojson" apart.rec
check "  the next session stands" test "$(jq -r .lsid <out)" = b
check "a cut at and around each line end, and within lines: 75, and only whole sessions" python3 - "$tojson" two.rec <<'END'
import os, subprocess, sys
whole = open(sys.argv[2], "rb").read()
for flags in ([], ["-e", "-f", "ecs"]):
    run = lambda b: subprocess.run([sys.argv[1], *flags], input=b, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
    all_ = run(whole)
    assert all_.returncode == 0
    ends = [n for n, byte in enumerate(whole) if byte == 10]
    if flags and not os.environ.get("PRAIC_LONG"):
        ends = ends[::3]
    for n in sorted({*range(0, len(whole), 29), *(e + d for e in ends for d in (0, 1, 2) if e + d < len(whole))}):
        if n == whole.index(b"\npraic-records") + 1:
            continue    # the first stream is complete there
        p = run(whole[:n])
        ended = whole[:n].count(b"\nE\t")
        ended -= n > 0 and whole[:n].rpartition(b"\n")[2][:2] == b"E\t"
        if p.returncode != 75 or not all_.stdout.startswith(p.stdout) or \
                p.stdout and not p.stdout.endswith(b"\n"):
            sys.exit("cut at %d: exit %d" % (n, p.returncode))
        if not flags and p.stdout.count(b"\n") != ended:
            sys.exit("cut at %d: %d sessions" % (n, p.stdout.count(b"\n")))
END

"$split" -H h big.xml >big.rec
"$tojson" big.rec >/dev/full 2>err
check "a full disk: 74" test $? -eq 74
says "  is reported" "standard output"
check "a closed pipe: 74" test "$( ("$tojson" big.rec; echo $? >&3) 3>&1 >/dev/full 2>err)" = 74
done_testing
