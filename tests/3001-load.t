#!/bin/sh
# praic-tosql into SQLite: each session is stored once and completely.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/storage.sh
. "$top/tests/storage.sh"

make_records --sessions 30 --xml >thirty.rec
run 0 "a first load" "$tosql" -d a.db thirty.rec
silent "prints no message"
check "every row is stored" storage check a.db thirty.rec
storage dump a.db >first.txt
run 0 "a second load" "$tosql" -d a.db thirty.rec
storage dump a.db >second.txt
same "changes nothing, including ids" first.txt second.txt
pipe 0 "from standard input" thirty.rec "$tosql" -d sqlite:b.db
storage dump b.db >piped.txt
same "stores the same" first.txt piped.txt
check "only the owner may read the database" test "$(stat -c %a a.db)" = 600

# Columns in another order, tables and columns of a later version, no X.
python3 - thirty.rec >other.rec <<'END'
import sys
for line in open(sys.argv[1], encoding="utf-8", newline="\n"):
    f = line.rstrip("\n").split("\t")
    if f[0] == "X":
        continue
    if f[0] == "H":
        f[2:] = f[:1:-1] + ["later"]
        line = "\t".join(f) + "\n"
        if f[1] == "recording":
            line += "H\tunheard_of\tx\n"
    elif f[0] == "R":
        line = "\t".join(f[:2] + f[:1:-1] + ["a value"]) + "\n"
    elif f[0] == "E":
        line = "R\tunheard_of\t1\nE\t%s\t%d\t0\n" % (f[1], int(f[2]) + 1)
    sys.stdout.write(line)
END
run 0 "columns in another order" "$tosql" -v -d a.db other.rec
says "change nothing" "0 stored, 30 unchanged"

# An older copy of a session does not replace a newer one.
make_records --sessions 30 --state open >open.rec
make_records --sessions 30 --state grown >grown.rec
run 0 "a copy without an end time" "$tosql" -v -d a.db open.rec
says "is older" "30 sessions read: 0 stored, 0 unchanged, 30 older than stored, 0 left out"
run 0 "a copy with more events" "$tosql" -v -d a.db grown.rec
says "is newer" "30 stored"
check "and stored" storage check a.db grown.rec
run 0 "a copy with fewer events" "$tosql" -v -d a.db thirty.rec
says "is older" "30 older"
run 0 "a copy with fewer events and --force" "$tosql" -v --force -d a.db thirty.rec
says "is stored" "30 stored"
check "every row of it" storage check a.db thirty.rec
sql a.db 'SELECT id, lsid FROM session ORDER BY id' >ids1
sql b.db 'SELECT id, lsid FROM session ORDER BY id' >ids2
same "a session keeps its id" ids2 ids1
check "an id is not used again" test "$(sql a.db 'SELECT min(id) FROM session_event')" -gt \
	"$(sql b.db 'SELECT max(id) FROM session_event')"
sed 's/CHG-00007/CHG-x/' thirty.rec >changed.rec
run 0 "a copy with as many events and other content" "$tosql" -v -d a.db changed.rec
says "is newer" "1 stored, 29 unchanged"
check "and stored" storage check a.db changed.rec
run 0 "open sessions into an empty database" "$tosql" -d c.db open.rec
run 0 "open, ended and open copies in one input" "$tosql" -v -d c.db open.rec thirty.rec open.rec
says "each is compared with the stored copy" "30 stored, 30 unchanged, 30 older"
check "the ended copies are stored" storage check c.db thirty.rec
cat open.rec thirty.rec grown.rec thirty.rec >four.rec
run 0 "four copies of each session in a concatenated stream" "$tosql" -v -d d.db four.rec
says "each is compared" "120 sessions read: 90 stored, 0 unchanged, 30 older"
check "the newest is stored" storage check d.db grown.rec

# Keys are compared byte by byte.
make_records --sessions 1 >one.rec
lsid=$(sed -n 's/^S	[^	]*	//p' one.rec)
upper=$(echo "$lsid" | tr a-f A-F)
sed "s/$lsid/$upper/" one.rec >upper.rec
sed "s/$lsid/$lsid /" one.rec >blank.rec
run 0 "keys that differ in case or blanks" "$tosql" -d keys.db one.rec upper.rec blank.rec
check "are three sessions" test "$(count keys.db)" = 3
make_records --sessions 1 --host other.example.com >host.rec
run 0 "the same lsid of another host" "$tosql" -d keys.db host.rec
check "is another session" test "$(count keys.db)" = 4

# Exit codes of the stream.
head -n 10 thirty.rec >empty.rec
printf 'Z\t0\t0\n' >>empty.rec
run 0 "an empty stream" "$tosql" -d e.db empty.rec
check "makes the tables" test "$(sql e.db 'SELECT count(*) FROM session_event')" = 0
sed '$d' thirty.rec >cut.rec
run 75 "no end mark" "$tosql" -d f.db cut.rec
check "complete sessions are stored" storage check f.db thirty.rec
sed '$s/30	0/30	2/' thirty.rec >left.rec
run 65 "a writer that left something out" "$tosql" -d f.db left.rec
sed '0,/^R	session_event/s/^R	session_event	1/R	session_event	x/' thirty.rec >bad.rec
run 65 "a bad session" "$tosql" -v -d g.db bad.rec
says "is left out" "29 stored, 0 unchanged, 0 older than stored, 1 left out"
check "the others are stored" test "$(count g.db)" = 29
sed 's/^R	session_event	2	/R	session_event	3	/' one.rec >gap.rec
run 65 "events that are not numbered in order" "$tosql" -d g.db gap.rec
says "are refused" "not numbered"
sed 's/^R	session_event_data	2	/R	session_event_data	99	/' one.rec >orphan.rec
run 65 "data without an event" "$tosql" -d g.db orphan.rec
says "are refused" "belongs to no event"
run 66 "a missing file" "$tosql" -d h.db nowhere.rec thirty.rec
check "does not stop the others" storage check h.db thirty.rec
run 64 "XML" "$tosql" -d h.db "$top/Makefile"
run 64 "a stream without events" sh -c "grep -v session_event thirty.rec | '$tosql' -d h.db"
says "is refused" "no session report"
run 64 "no database" "$tosql" thirty.rec
run 64 "an unknown option" "$tosql" -d h.db --frobnicate
run 73 "a missing directory" "$tosql" -d nowhere/h.db thirty.rec
pipe 0 "- is standard input" thirty.rec "$tosql" -d i.db -

# A truncated stream: exit code 75, and complete sessions are stored.  Each fifth byte is
# tried, and each of an E line (PRAIC_LONG=1: each).
{
	sed -n '/^praic-records/p; /^H	session	/p; /^H	session_event	/p' one.rec |
		cut -f 1-6
	for s in a 'b\\ü'; do
		printf 'S\th\t%s\nR\tsession_event\t1\tx\t\\N\t\nR\tsession\th\t%s\t\\N\t\\N\n' \
			"$s" "$s"
		printf 'E\t%s\t2\t0\n' "$s"
	done
	printf 'Z\t2\t0\n'
} >tiny.rec
python3 - tiny.rec >want <<'END'
import os, sys
whole = open(sys.argv[1], "rb").read()
for n in range(len(whole)):
    lines = whole[:n].split(b"\n")[:-1]
    if os.environ.get("PRAIC_LONG") or n % 5 == 0 or b"\nE" in whole[max(0, n - 12):n + 2]:
        print(n, 75, sum(line.startswith(b"E\t") for line in lines))
END
cut -d ' ' -f 1 want | while read -r n; do
	rm -f cut.db*
	head -c "$n" tiny.rec | "$tosql" -d cut.db 2>err
	echo "$n $? $(sql cut.db 'SELECT count(*) FROM session_event')"
done >got
same "a truncated stream" want got
run 0 "the whole stream" "$tosql" -d cut.db tiny.rec


# A refused input makes no database.
echo '<x/>' >in.xml
printf 'praic-records\t2\n' >in.two
printf 'praic-records\t1\nH\tsession\thost_name\tlsid\nH\tfile\tkind\nZ\t0\t0\n' >in.files
for in in in.xml in.two in.files; do
	run 64 "$in is refused" "$tosql" -d refused.db $in
	check "and makes no database" test ! -e refused.db
done
run 73 "a database that cannot be made is an error at once" sh -c "sleep 5 | timeout 4 $tosql -d nowhere/x.db"
done_testing
