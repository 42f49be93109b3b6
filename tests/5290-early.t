#!/bin/sh
# praic-sched and a report with a document that stops early, while what reads
# its records has reasons of its own to say "try later": neither is taken for
# the other.  With the filters themselves; only praic-fetch is played.
. "${0%/*}/lib.sh"
. "$top/tests/sched.sh"
sched_settings

# praic-fetch gives the file "report"; asked for recordings, it does what
# fetch.do says, and else lists one of each session.
stub praic-fetch <<'X'
case "$*" in
*recordings*) ;;
*) cat "$work/report"; exit ;;
esac
echo "$*" >>"$work/asked"
for last; do :; done
case $last in
*.rec) cat "$last" ;;
*) cat ;;
esac >"$work/listed"
[ ! -e "$work/fetch.do" ] || . "$work/fetch.do"
awk 'BEGIN {
	FS = OFS = "\t"
	print "praic-records", 1
	print "H", "session", "host_name", "lsid"
	print "H", "file", "kind", "instance", "name", "extension", "media_type", "bytes",
	    "sha256", "fetched_at"
}
$1 == "E" {
	print "S", "one.example.com", $2
	print "R", "file", "recording", "\\N", $2 ".flv", "flv", "x", 2, "x", "\\N"
	print "R", "session", "one.example.com", $2
	print "E", $2, 2, 0
}
$1 == "Z" {
	print
	left = $3
	whole = 1
}
END { exit !whole ? 75 : left > 0 ? 65 : 0 }' "$work/listed"
X
session() {
	cat <<X
<session lsid="$1"><session_type>support</session_type><start_time timestamp="1700000000"/>
<end_time timestamp="1700000100"/><session_recording_download_url>https://x/y
</session_recording_download_url></session>
X
}
# report UNTIL: two documents; the second one ends in the middle of its last
# session, and yet its frame is whole.
report() {
	{
		{
			echo '<?xml version="1.0"?><session_list>'
			session "first-$1"
			echo '</session_list>'
		} | frame one.example.com
		{
			echo '<?xml version="1.0"?><session_list>'
			session "second-$1"
			session "cut-$1" | head -n 1
		} | frame one.example.com
		printf '<?praic-end documents="2" until="%s"?>\n' "$1"
	} >report
}
# kept N, waits N: files in failed/, and in new/
kept() {
	find "spool/$1/failed" -type f | wc -l
}
waits() {
	find "spool/$1/new" -type f | wc -l
}
stored() {
	sqlite3 -cmd '.timeout 20000' store.db "SELECT lsid FROM session ORDER BY lsid"
}

mkdir files
sql "INSERT INTO site (name, host, client_id, secret) VALUES ('one', 'one.example.com', 'x', 'env:X');
	INSERT INTO destination (name, kind, connection, timeout) VALUES ('db', 'sql', '$work/store.db', '1');
	INSERT INTO destination (name, kind, directory) VALUES ('dir', 'fs', '$work/files');
	INSERT INTO destination (name, kind, command) VALUES ('cmd', 'exec', '. $work/cmd.sh')"
sched_schedule db 60
sched_schedule dir 60
sched_schedule cmd 60
sched_schedule films 60
sched_transfer 1 1 1 session
sched_transfer 2 1 2 session
sched_transfer 3 1 3 session
sched_transfer 4 1 3 recording
now=1767258000
sql "UPDATE transfer_kind SET mark = $now, swept = $now"

report $((now + 1))
"$split" report >records 2>err
check "praic-split takes it for malformed" test $? -eq 65
check "after two sessions" test "$(grep -c '^E' records)" -eq 2
check "and gives an end mark" grep -q "^Z" records

# SQLite, locked by somebody else for longer than praic-tosql waits.
grep -e '^praic-records' -e ^H records >head.rec
{ cat head.rec; printf 'Z\t0\t0\n'; } >empty.rec
run 0 "an empty database" "$tosql" -d store.db empty.rec
cat >hold.py <<'X'
import os, sqlite3, time
db = sqlite3.connect("store.db", isolation_level=None)
db.execute("BEGIN IMMEDIATE")
open("held", "w").close()
while os.path.exists("held"):
    time.sleep(0.05)
X
python3 hold.py &
holder=$!
at_exit='kill $holder 2>/dev/null'
tries=0
until [ -e held ] || [ $tries -gt 100 ]; do tries=$((tries + 1)); sleep 0.1; done
run 75 "a database that is busy" "$sched" -r db --now $now
check "the report waits" test "$(waits 1)" -eq 1
sql "SELECT code, stage FROM failure WHERE transfer_id = 1" >got
printf '75\tpraic-tosql\n' >want
same "it is the database's failure" want got
sql "SELECT program, code FROM run_stage ORDER BY run_id DESC, number LIMIT 2" >got
printf 'praic-split\t65\npraic-tosql\t75\n' >want
same "as the history has it" want got
report $((now + 2))
run 75 "and the next report" "$sched" -r db --now $((now + 2))
check "waits behind it" test "$(waits 1)" -eq 2
rm held
wait $holder
report $((now + 3))
run 65 "when the database is free" "$sched" -r db --now $((now + 3))
check "nothing waits" test "$(waits 1)" -eq 0
for i in 1 2 3; do echo "first-$((now + i))"; done >want
for i in 1 2 3; do echo "second-$((now + i))"; done >>want
stored >got
same "all that is whole is stored" want got
cat spool/1/failed/* >all
for i in 1 2 3; do says "what was cut of report $i is kept" "cut-$((now + i))" all; done
check "it is no failure" test "$(sql "SELECT count(*) FROM failure")" -eq 0
find spool/1/tmp -type f >left
silent "nothing is left behind" left

# A directory that is not there, and then is.
report $((now + 1))
mv files away
run 73 "a directory that is gone" "$sched" -r dir --now $now
check "the report waits" test "$(waits 2)" -eq 1
mv away files
report $((now + 2))
run 65 "when it is back" "$sched" -r dir --now $((now + 2))
find files -name '*.xml' | sed 's/.*-\([a-z]*-[0-9]*\)\.xml/\1/' | sort >got
for i in 1 2; do echo "first-$((now + i))"; done >want
for i in 1 2; do echo "second-$((now + i))"; done >>want
same "it has all that is whole" want got
check "nothing waits" test "$(waits 2)" -eq 0

# A command: busy, killed, too slow, and told to stop, each at the second
# time, too.
report $((now + 1))
echo 'cat >/dev/null; exit 75' >cmd.sh
run 75 "a command that is busy" "$sched" -r cmd --now $now
check "the report waits" test "$(waits 3)" -eq 1
report $((now + 2))
echo 'cat >/dev/null; kill -9 $$' >cmd.sh
run 70 "one that is killed" "$sched" -r cmd --now $((now + 2))
check "the reports wait" test "$(waits 3)" -eq 2
cat >cmd.sh <<'X'
cat >"$work/in"
tail -n 1 "$work/in" | grep -q '^Z' || exit 75
kill -9 $$
X
run 70 "one that is killed when it has an end mark" "$sched" -r cmd --now $((now + 3))
sql "INSERT INTO setting VALUES ('stage-time', '2')"
report $((now + 4))
cat >cmd.sh <<'X'
trap 'exit 75' TERM
cat >/dev/null
sleep 30 &
wait
X
run 75 "one that takes too long" "$sched" -r cmd --now $((now + 4))
check "they still wait" test "$(waits 3)" -ge 2
check "and nothing is given up" test "$(kept 3)" -eq 0
sql "DELETE FROM setting WHERE name = 'stage-time'"
sed 's/^cat/: >"$work\/began"; &/' cmd.sh >cmd.new
mv cmd.new cmd.sh
"$sched" -r cmd --now $((now + 5)) 2>err &
pid=$!
tries=0
until [ -e began ] || [ $tries -gt 100 ]; do tries=$((tries + 1)); sleep 0.1; done
kill -TERM $pid
wait $pid
check "told to stop, it ends with 0" test $? -eq 0
check "nothing is given up" test "$(kept 3)" -eq 0
: >took
cat >cmd.sh <<'X'
cat >"$work/in"
cat "$work/in" >>"$work/took"
X
report $((now + 6))
run 65 "then it takes them" "$sched" -r cmd --now $((now + 6))
check "nothing waits" test "$(waits 3)" -eq 0
check "the four different reports are kept" test "$(kept 3)" -eq 4
sed -n 's/^E.\(second-[0-9]*\).*/\1/p' took | sort -u >got
for i in 1 2 4 6; do echo "second-$((now + i))"; done >want
same "it has had each of them" want got
tail -n 1 in >got
printf 'Z\t2\t1\n' >want
same "with an end mark, and what is missing" want got

# praic-fetch, which reads these records for their recordings.
echo 'cat >>"$work/filed"' >cmd.sh
echo 'exit 75' >fetch.do
report $((now + 1))
run 75 "an appliance that has no time for recordings" "$sched" -r films --now $now
check "was asked with an end mark, too" grep -q '^Z' listed
check "their report waits" test "$(waits 4)" -eq 1
check "and is not given up" test "$(kept 4)" -eq 0
rm fetch.do
report $((now + 2))
run 65 "when it has" "$sched" -r films --now $((now + 2))
check "nothing waits" test "$(waits 4)" -eq 0
check "the reports are kept" test "$(kept 4)" -eq 2
check "and all recordings have come" test "$(grep '^E' filed | sort -u | wc -l)" -eq 4
check "nothing fails" test "$(sql "SELECT count(*) FROM failure")" -eq 0
done_testing
