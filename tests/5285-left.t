#!/bin/sh
# praic-sched: a run that is due is done, though what was at it then did less,
# or was another pass that was stopped; and whatever code a command ends with,
# it is told for what it is.
. "${0%/*}/lib.sh"
. "$top/tests/sched.sh"
sched_settings

# wait_for COMMAND...: until it does well, twenty seconds at most
wait_for() {
	tries=0
	until "$@" 2>/dev/null || [ $tries -gt 200 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
}
is_due() {
	test "$(sql "SELECT count(*) FROM transfer WHERE due IS NOT NULL")" -eq "$1"
}

stub praic-fetch <<'X'
echo "$2" >>"$work/began"
while [ -e "$work/hold" ]; do sleep 0.05; done
sed "s/UNTIL/$(cat "$work/now")/" "$work/report"
X
frame one.example.com >report <<'X'
<?xml version="1.0"?>
<session_list><session lsid="aa"><session_type>support</session_type>
<start_time timestamp="1700000000"/><end_time timestamp="1700000100"/></session></session_list>
X
echo '<?praic-end documents="1" until="UNTIL"?>' >>report
# at TIME: by all clocks, and nothing is to be made up for
at() {
	now=$1
	echo "$now" >now
	sql "UPDATE transfer_kind SET mark = $now, swept = $now"
}
: >began
at 1767258000
sql "INSERT INTO site (name, host, client_id, secret) VALUES ('one', 'one.example.com', 'x', 'env:X');
	INSERT INTO destination (name, kind, command) VALUES ('cmd', 'exec', '. $work/cmd.sh')"
sched_schedule week 604800
sched_transfer 1 1 1 session

# What a command ends with is any number; those that praic-sched's own
# processes end with have no other meaning for that.
for code in 1 100 101 128 193 229 255; do
	at $((now + 604800))
	echo "cat >/dev/null; exit $code" >cmd.sh
	sql "DELETE FROM failure"
	"$sched" -1 --now $now >out 2>err
	got=$?
	check "a command that ends with $code is no success" test $got -ne 0
	check "the history has it" test "$(sql "SELECT code FROM run WHERE step = 'store'
		ORDER BY id DESC LIMIT 1")" -eq $code
	check "its back-off is there" test "$(sql "SELECT count(*) FROM failure
		WHERE retry_at = $now + 60")" -eq 1
	check "in the stead of what was due" is_due 0
done

# The daemon is at work on what failed when its transfer comes due: that asks
# for nothing new, and the next run is a week away.
go_on() {
	now=$(date +%s)
	at "$now"
	sql "UPDATE schedule SET last_due = $now, created = $now;
		UPDATE transfer SET due = NULL; DELETE FROM failure"
	: >began
}
go_on
rm -f spool/1/new/session/*
sed "s/UNTIL/$now/" report >spool/1/new/session/0000000900.xml
cat >cmd.sh <<'X'
cat >/dev/null
echo store >>"$work/began"
while [ -e "$work/hold" ]; do sleep 0.05; done
X
: >hold
sql "INSERT INTO failure (transfer_id, kind, step, since, code, wait, retry_at)
	VALUES (1, 'session', 'store', $now, 75, 60, $now)"
"$sched" 2>err &
pid=$!
wait_for test -s began
check "it stores what failed" test "$(cat began)" = store
sql "UPDATE schedule SET last_due = NULL"
kill -USR1 $pid
wait_for is_due 1
check "and comes due" is_due 1
rm hold
wait_for is_due 0
kill -TERM $pid
wait $pid
check "it is done as soon as that has ended" is_due 0
printf 'store\none\nstore\n' >want
same "and asks for what is new" want began

# A pass that somebody began beside the daemon claims a run, and is stopped.
go_on
echo 'cat >/dev/null' >cmd.sh
"$sched" 2>err &
pid=$!
wait_for sh -c 'cat log/scheduler-* | grep -q "started, process '$pid'"'
kill -STOP $pid
: >hold
sql "UPDATE schedule SET last_due = last_due - 604800"
"$sched" -1 2>err2 &
other=$!
wait_for test -s began
kill -TERM $other
wait $other
check "it ends with 0" test $? -eq 0
check "what it had begun is due" is_due 1
rm hold
: >began
kill -CONT $pid
kill -USR1 $pid
wait_for is_due 0
kill -TERM $pid
wait $pid
check "and done by the daemon" is_due 0
check "once" test "$(wc -l <began)" -eq 1

# Another process is at it when it comes due, and does nothing.
go_on
sql "UPDATE schedule SET last_due = last_due - 604800"
exec 3>spool/1/lock
flock 3
run 0 "a pass, while another process is at it" "$sched" -1
run 75 "which -r tells" "$sched" -r week
exec 3>&-
check "leaves it due" is_due 1
run 0 "the next one" "$sched" -1
check "does it" test "$(wc -l <began)" -eq 1
check "and it is due no more" is_due 0

# The settings say nothing of use any more when the first of two has ended.
sql "INSERT INTO site (name, host, client_id, secret) VALUES ('two', 'two.example.com', 'x', 'env:X');
	INSERT INTO setting VALUES ('parallel', '1')"
sched_transfer 1 2 1 session
at $((now + 604800))
: >began
cat >cmd.sh <<'X'
cat >/dev/null
sqlite3 -cmd '.timeout 20000' "$PRAIC_SETTINGS" \
	"UPDATE setting SET value = 'x' WHERE name = 'parallel'"
X
run 78 "a second transfer that cannot begin is no success" "$sched" -r week --now $now
check "there was one" test "$(wc -l <began)" -eq 1

# Somebody ends a transfer's process, and nothing else.
cat >cmd.sh <<'X'
cat >/dev/null
kill -TERM "$(ps -o ppid= $$ | tr -d ' ')"
exec sleep 30
X
sql "UPDATE setting SET value = '16' WHERE name = 'parallel'; DELETE FROM transfer WHERE site_id = 2"
run 75 "a transfer that was told to stop has not been done" timeout 60 "$sched" -r week --now $now

# A destination was out of reach, and that was mailed; the first that it takes
# when it is back leaves something out.  Both go into the next mail.
stub praic-mail <<'X'
for last; do :; done
cat "$last" >>"$work/mails"
X
rm -f spool/1/new/session/* spool/2/new/session/*
at $((now + 604800))
sql "DELETE FROM failure; UPDATE transfer SET due = NULL;
	INSERT INTO setting VALUES ('notify-server', 'mail.example.com')"
echo 'cat >/dev/null; exit 78' >cmd.sh
run 78 "a destination that does not work" "$sched" -r week --now $now
says "is told" "FAILED: " mails
: >mails
echo 'cat >/dev/null; echo "session bb is bad" >&2; exit 65' >cmd.sh
run 65 "when it does, something is left out" "$sched" -r week --now $((now + 60))
says "the one is over" "OVER: " mails
says "and the other is told" "session bb is bad" mails
: >mails
run 65 "the same once more" "$sched" -r week --now $((now + 120))
check "is not told again" test ! -s mails
done_testing
