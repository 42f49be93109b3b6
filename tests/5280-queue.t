#!/bin/sh
# praic-sched with more to do than it may do at once, and what becomes of the
# rest when it is stopped, or killed, or cannot write down what happened: a
# run that was due stays due until it was done.
. "${0%/*}/lib.sh"
. "$top/tests/sched.sh"
sched_settings

# praic-fetch notes who begins, and how many are at work; it is at work for as
# long as there is a file "hold".
stub praic-fetch <<'X'
echo "$2" >>"$work/began"
mkdir "$work/at-work/$2" || echo "$2 twice" >>"$work/twice"
ls "$work/at-work" | wc -l >>"$work/many"
sleep 0.1
while [ -e "$work/hold" ]; do sleep 0.05; done
rmdir "$work/at-work/$2"
printf '<?praic-end documents="0" until="%s"?>\n' "$(cat "$work/now")"
X
mkdir at-work
now=1767258000
echo $now >now
sql "INSERT INTO destination (name, kind, command) VALUES ('cmd', 'exec', 'cat >/dev/null');
	INSERT INTO setting VALUES ('parallel', '2')"
sched_schedule week 604800
sched_schedule other 604800
for i in 1 2 3 4 5; do
	sql "INSERT INTO site (name, host, client_id, secret) VALUES ('s$i', 's$i.example.com', 'x', 'env:X')"
	sched_transfer 1 $i 1 session
done
sched_transfer 2 1 1 session
sql "UPDATE transfer_kind SET mark = $now, swept = $now; UPDATE schedule SET last_due = $now
	WHERE name = 'other'"
most() {
	sort -n many | tail -n 1
}
due() {
	sql "SELECT count(*) FROM transfer WHERE due IS NOT NULL"
}
last_run() {
	sql "SELECT coalesce(last_run, 0) FROM schedule WHERE name = 'week'"
}
anew() {
	rm -rf began many twice hold at-work
	mkdir at-work
	: >began
}
# at TIME: by all clocks, and nothing is to be made up for
at() {
	now=$1
	echo "$now" >now
	sql "UPDATE transfer_kind SET mark = $now, swept = $now"
}
# wait_for COMMAND...: until it does well, twenty seconds at most
wait_for() {
	tries=0
	until "$@" 2>/dev/null || [ $tries -gt 200 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
}
began() {
	test "$(wc -l <began)" -ge "$1"
}

anew
run 0 "five are due, and two may run at once" "$sched" -1 --now $now
sort began >got
printf 's1\ns2\ns3\ns4\ns5\n' >want
same "each of them has run" want got
check "two at once, and no more" test "$(most)" -eq 2
check "none is due any more" test "$(due)" -eq 0
check "the schedule has run" test "$(last_run)" -eq $now
anew
run 0 "the same by -r" "$sched" -r week --now $((now + 1))
sort began >got
same "each of them" want got
check "two at once" test "$(most)" -eq 2
sql "UPDATE setting SET value = '0' WHERE name = 'parallel'"
anew
: >hold
"$sched" -r week --now $((now + 2)) 2>err &
pid=$!
wait_for began 5
rm hold
wait $pid
check "without a limit all run at once" test "$(most)" -eq 5
sql "UPDATE setting SET value = '1' WHERE name = 'parallel'"

# One is removed while it waits.
anew
: >hold
at $((now + 604800))
"$sched" -1 --now $now 2>err &
pid=$!
wait_for began 1
check "one runs, five are due" test "$(due)" -ge 5
sql "INSERT INTO schedule (name, period, created, enabled) VALUES ('none', 60, $now, 0);
	UPDATE transfer SET schedule_id = 3 WHERE site_id = 4 AND schedule_id = 1"
rm hold
wait $pid
check "the pass goes on" test $? -eq 0
check "without what was taken away" sh -c '! grep -q s4 began'
check "with all others" test "$(sort -u began | wc -l)" -eq 4
check "none beside itself" test ! -e twice
sql "UPDATE transfer SET schedule_id = 1, due = NULL WHERE site_id = 4 AND schedule_id = 3"

# Killed with all that it has begun: the next one does what is left, though
# nothing is due for a week.
anew
: >hold
at $((now + 604800))
"$sched" -1 --now $now 2>err &
pid=$!
wait_for began 1
check "one runs" test "$(wc -l <began)" -eq 1
# Beside it another pass leaves its queue alone.
run 0 "another pass" "$sched" -1 --now $((now + 1))
check "begins nothing" test "$(wc -l <began)" -eq 1
worker=$(ps -o pid= --ppid $pid | tr -d ' ')
kill -9 $pid $worker
wait $pid 2>/dev/null
wait_for flock -n spool/1/lock true
anew
before=$(last_run)
check "what was due still is" test "$(due)" -eq 6
run 0 "the next pass" "$sched" -1 --now $((now + 60))
sort began >got
printf 's1\ns1\ns2\ns3\ns4\ns5\n' >want
same "does all of it" want got
says "and says so" "6 transfers were left undone" "$(echo log/scheduler-* | tr ' ' '\n' | tail -n 1)"
check "nothing is due" test "$(due)" -eq 0
check "and the schedules have run" test "$(last_run)" -gt "$before"
anew
run 0 "one more" "$sched" -1 --now $((now + 120))
check "begins nothing" test "$(wc -l <began)" -eq 0

# The same with the daemon, told to stop; and it does not wait for a place.
sql "UPDATE schedule SET last_due = $(date +%s), created = $(date +%s);
	UPDATE transfer SET due = $(date +%s) WHERE schedule_id = 1"
at "$(date +%s)"
: >hold
"$sched" 2>err &
pid=$!
wait_for began 1
kill -USR1 $pid
wait_for grep -q waits err
says "USR1 tells how many wait" "1 at work, 4 waiting" err
kill -TERM $pid
wait $pid
check "TERM ends it with 0" test $? -eq 0
check "all are still due" test "$(due)" -eq 5
anew
"$sched" 2>err &
pid=$!
wait_for began 5
wait_for sh -c '[ "$(sqlite3 -cmd ".timeout 20000" "$PRAIC_SETTINGS" \
	"SELECT count(*) FROM transfer WHERE due IS NOT NULL")" -eq 0 ]'
kill -TERM $pid
wait $pid
sort began >got
printf 's1\ns2\ns3\ns4\ns5\n' >want
same "the next one does them" want got
check "one at a time" test "$(most)" -eq 1
check "nothing is due" test "$(due)" -eq 0

# One that waits to store again what could not be stored, and comes due: then
# it asks for what is new, as well.
anew
: >hold
at "$(date +%s)"
sql "UPDATE schedule SET last_due = NULL, created = $now WHERE name = 'other';
	INSERT INTO failure (transfer_id, kind, step, since, code, wait, retry_at)
	VALUES (2, 'session', 'store', $now, 75, 60, $now)"
"$sched" 2>err &
pid=$!
wait_for began 1
kill -USR1 $pid
wait_for grep -q 'transfer 2 waits' err
sql "UPDATE schedule SET last_due = NULL WHERE name = 'week'"
kill -HUP $pid
wait_for sh -c '[ "$(sqlite3 -cmd ".timeout 20000" "$PRAIC_SETTINGS" \
	"SELECT count(*) FROM transfer WHERE due IS NOT NULL")" -ge 5 ]'
rm hold
wait_for began 6
wait_for sh -c '[ "$(sqlite3 -cmd ".timeout 20000" "$PRAIC_SETTINGS" \
	"SELECT count(*) FROM transfer WHERE due IS NOT NULL")" -eq 0 ]'
kill -TERM $pid
wait $pid
sort began >got
printf 's1\ns1\ns2\ns3\ns4\ns5\n' >want
same "a retry that comes due while it waits does all" want got
check "and nothing fails" test "$(sql "SELECT count(*) FROM failure")" -eq 0

# What failed, and is there no more, is no reason to begin again and again;
# nor is a transfer that somebody else is at.
begun() {
	cat log/scheduler-* | grep -c 'transfer 2 .*: begun'
}
sql "INSERT INTO failure (transfer_id, kind, step, since, code, wait, retry_at)
	VALUES (2, 'session', 'store', $now, 75, 60, $now)"
n=$(begun)
"$sched" 2>err &
pid=$!
wait_for sh -c '[ "$(sqlite3 -cmd ".timeout 20000" "$PRAIC_SETTINGS" \
	"SELECT count(*) FROM failure")" -eq 0 ]'
check "a file that somebody took away fails no more" test "$(sql "SELECT count(*) FROM failure")" -eq 0
exec 3>spool/2/lock
flock 3
sql "INSERT INTO failure (transfer_id, kind, step, since, code, wait, retry_at)
	VALUES (2, 'session', 'store', $now, 75, 60, $now)"
kill -USR1 $pid
wait_for sh -c "cat log/scheduler-* | grep -q 'transfer 2: another process is at it'"
sleep 1
exec 3>&-
kill -TERM $pid
wait $pid
check "it was begun twice, and no more" test "$(($(begun) - n))" -eq 2
sql "DELETE FROM failure"

# What can neither be done nor be noted is not done.
at $(($(date +%s) + 2 * 604800))
sql "UPDATE schedule SET enabled = name = 'other', last_due = $((now - 604800));
	CREATE TRIGGER no_run BEFORE INSERT ON run BEGIN SELECT RAISE(ABORT, 'no'); END"
anew
before=$(sql "SELECT last_run FROM schedule WHERE name = 'other'")
run 74 "the history cannot be written" "$sched" -1 --now $now
check "it is still due" test "$(due)" -eq 1
check "and has not run" test "$(sql "SELECT last_run FROM schedule WHERE name = 'other'")" -eq \
	"$before"
sql "DROP TRIGGER no_run"
run 0 "when it can be" "$sched" -1 --now $((now + 60))
check "it runs" test "$(wc -l <began)" -eq 1
check "and is not due" test "$(due)" -eq 0
sql "CREATE TRIGGER no_failure BEFORE INSERT ON failure BEGIN SELECT RAISE(ABORT, 'no'); END"
stub praic-fetch <<'X'
echo run >>"$work/began"
exit 69
X
at $((now + 604800))
run 69 "a failure that cannot be noted" "$sched" -1 --now $now
check "leaves it due" test "$(due)" -eq 1
sql "DROP TRIGGER no_failure"
run 69 "and when it can be" "$sched" -1 --now $((now + 60))
check "there is a back-off" test "$(sql "SELECT count(*) FROM failure")" -eq 1
check "in its stead" test "$(due)" -eq 0

# A settings database of the version before has no such column.
sql "ALTER TABLE transfer DROP COLUMN due; ALTER TABLE destination DROP COLUMN ca_file;
	PRAGMA user_version = 1"
run 69 "an older settings database" "$sched" -r other --now $((now + 120))
sql "PRAGMA user_version" >got
echo 3 >want
same "is brought up to date" want got
run 0 "and has the column" sqlite3 "$PRAIC_SETTINGS" "SELECT due FROM transfer"

# A new settings database counts its transfers from 1 again; what is in the
# spool of that number is another's.
mv settings.db settings.old
"$conf" init >out
sql "INSERT INTO site (name, host, client_id, secret) VALUES ('x', 'x.example.com', 'x', 'env:X');
	INSERT INTO destination (name, kind, command) VALUES ('y', 'exec', 'cat >>$work/took');
	INSERT INTO setting VALUES ('spool-floor', '0')"
sched_schedule new 60
sched_transfer 1 1 1 session
mkdir -p spool/1/new/session
{
	printf '<session_list/>' | frame old
	echo '<?praic-end documents="1" until="5"?>'
} >spool/1/new/session/0000000007.xml
run 78 "a spool of another settings database" "$sched" -r new --now $now
says "is named" "$work/spool/1: it was a transfer's of another settings database"
check "nothing of it is stored" test ! -e took -a -e spool/1/new/session/0000000007.xml
check "the failure can be seen" test "$(sql "SELECT count(*) FROM failure WHERE code = 78")" -eq 1
run 78 "and again" "$sched" -r new --now $now
mv spool/1 old
stub praic-fetch <<X
echo '<?praic-end documents="0" until="$now"?>'
X
run 0 "when it is moved away, all is well" "$sched" -r new --now $now
run 0 "and stays so" "$sched" -r new --now $now
check "nothing fails" test "$(sql "SELECT count(*) FROM failure")" -eq 0
done_testing
