#!/bin/sh
# praic-sched with filters that do as they are told: what it does when they
# fail, hang, or are killed.  With real ones: 5230-sched-pipe.t.
. "$(dirname "$0")/lib.sh"
. "$top/tests/sched.sh"
sched_settings

# fetch gives an empty or a small report, and notes what it was asked for;
# each filter does what the file NAME.do says, before.
stub praic-fetch <<'END'
echo "$*" >>"$work/asked"
case "$*" in *recordings*) [ -e "$work/fetch.do" ] || cat >/dev/null ;; esac
[ ! -e "$work/fetch.do" ] || . "$work/fetch.do"
until=$(cat "$work/appliance.now")
case " $* " in *" --until "*) until=${*##*--until }; until=${until%% *} ;; esac
case "$*" in
*sessions*) printf '<?praic-site a bytes="15"?>\n<session_list/>\n<?praic-end documents="1" until="%s"?>\n' \
	"$until" ;;
*) printf 'praic-records\t1\nH\tsession\thost_name\tlsid\nH\tfile\tkind\nZ\t0\t0\n' ;;
esac
END
stub praic-split <<'END'
[ ! -e "$work/split.do" ] || . "$work/split.do"
for last; do :; done
case " $* " in
*" -n "*) printf 'praic-records\t1\nH\tsession\thost_name\tlsid\nZ\t0\t0\n' ;;
*) cat "$last" ;;
esac
END
stub praic-tosql <<'END'
for last; do :; done
case $last in
*.rec) cat "$last" ;;
*) cat ;;
esac >"$work/took"
[ ! -e "$work/tosql.do" ] || . "$work/tosql.do"
echo took >>"$work/stored"
END
stub praic-tofs <<'END'
cat >/dev/null
[ ! -e "$work/tofs.do" ] || . "$work/tofs.do"
echo "$*" >>"$work/filed"
END
stub praic-mail <<'END'
for last; do :; done
[ ! -e "$work/mail.do" ] || . "$work/mail.do"
{ echo "$*"; cat "$last"; } >>"$work/mails"
END
now=1767258000	# 2026-01-01T09:00:00Z
echo $((now + 5)) >appliance.now
sql "INSERT INTO site (name, host, client_id, secret) VALUES ('one', 'one.example.com', 'x', 'env:X');
	INSERT INTO destination (name, kind, connection) VALUES ('db', 'sql', '$work/x.db');
	INSERT INTO destination (name, kind, directory) VALUES ('dir', 'fs', '$work')"
sched_schedule minute 60
sched_transfer 1 1 1 session
sql "UPDATE transfer_kind SET mark = $now, swept = $now"

at() {
	now=$((1767258000 + $1))
	echo "$now" >appliance.now
}
asked() {
	if [ -e asked ]; then wc -l <asked; else echo 0; fi
}

run 64 "what it does not know" "$sched" -1 -n
run 64 "--now is for one pass" "$sched" --now 5
run 0 "--help" "$sched" --help

run 0 "a first pass" "$sched" -1 --now $now
silent "says nothing"
echo "-s one sessions --since $((now - 900))" >want
same "asks from the mark less the overlap on" want asked
check "the mark is what the appliance said" test "$(sql "SELECT mark FROM transfer_kind")" -eq \
	$((now + 5))
check "the time it began is noted" test "$(sql "SELECT last_start FROM transfer_kind")" -eq $now
check "the destination has it" test "$(wc -l <stored)" -eq 1
check "nothing is left in the spool" test "$(find spool/1/new spool/1/tmp -type f | wc -l)" -eq 0
run 0 "again at once" "$sched" -1 --now $((now + 30))
check "nothing was due" test "$(asked)" -eq 1
run 0 "a minute later" "$sched" -1 --now $((now + 60))
check "it was" test "$(asked)" -eq 2
run 0 "the clock is set back" "$sched" -1 --now $((now + 1))
check "nothing runs again" test "$(asked)" -eq 2
at 36000
run 0 "after ten hours" "$sched" -1 --now $now
check "one run makes up for all" test "$(asked)" -eq 3
says "which is told" "598 runs were missed" "$(echo log/scheduler-*)"
run 0 "and no other follows" "$sched" -1 --now $now
check "none did" test "$(asked)" -eq 3

# The look-back, once a day.
at 90000
run 0 "a day later" "$sched" -1 --now $now
tail -n 1 asked >got
echo "-s one sessions --since $((1767258000 + 36000 - 7 * 86400))" >want
same "the last seven days are asked for" want got
at 90060
sql "INSERT INTO open_session VALUES (1, 'a', 'x', $((now - 40 * 86400)))"
run 0 "and then" "$sched" -1 --now $now
tail -n 1 asked >got
echo "-s one sessions --since $((1767258000 + 90000 - 900))" >want
same "no more" want got
sql "UPDATE transfer_kind SET swept = 0"
mark=$(sql "SELECT mark FROM transfer_kind")
at 90120
rm asked
run 0 "a session that is open for 40 days" "$sched" -1 --now $now
since=$((90060 - 60 + 1767258000 + 60 - 40 * 86400))
sed -n 's/.*--since \([0-9]*\).*/\1/p' asked | head -n 1 >got
echo "$((now - 60 - 40 * 86400))" >want
same "is reached by the look-back" want got
check "in steps that overlap" test "$(asked)" -eq 3
sql "DELETE FROM open_session"

# Failures: what was asked, what is kept, how long it waits.
echo 'echo "praic-fetch: one: no answer" >&2; exit 69' >fetch.do
at 90180
run 69 "an appliance out of reach" "$sched" -1 --now $now
sql "SELECT step, times, wait, retry_at - $now, code, stage, reason FROM failure" >got
printf 'fetch\t1\t60\t60\t69\tpraic-fetch\tpraic-fetch: one: no answer\n' >want
same "is noted" want got
check "what came of it is gone" test "$(find spool/1/tmp -type f | wc -l)" -eq 0
check "the client's log has the filters' words" grep -q \
	'transfer 1 session fetch praic-fetch: one: no answer' log/client-2026-01-02.log
check "counts as a run" test "$(sql "SELECT last_run FROM schedule")" -eq $now
check "the mark stands" test "$(sql "SELECT mark FROM transfer_kind")" -eq $((now - 60))
for wait in 120 240 480 960 1920 3600 3600; do
	now=$(sql "SELECT retry_at FROM failure")
	run 0 "too early" "$sched" -1 --now $((now - 1))
	run 69 "again" "$sched" -1 --now $now
	check "then it waits $wait s" test "$(sql "SELECT retry_at FROM failure")" -eq $((now + wait))
done
rm fetch.do
echo $((now + 2000)) >appliance.now
run 0 "-r does not wait" "$sched" -r minute --now $((now + 2000))
check "all is well" test "$(sql "SELECT count(*) FROM failure")" -eq 0
run 78 "-r of what is not there" "$sched" -r other
now=$((now + 2060))
echo 'echo "praic-tosql: db: no connection" >&2; exit 75' >tosql.do
: >asked
run 75 "a destination out of reach" "$sched" -1 --now $now
check "what was fetched waits" test "$(find spool/1/new/session -name '*.xml' | wc -l)" -eq 1
check "and the mark has moved" test "$(sql "SELECT mark FROM transfer_kind")" -eq \
	"$(cat appliance.now)"
check "the backlog is noted" test "$(sql "SELECT backlog_files FROM transfer_kind")" -eq 1
rm stored
run 75 "a retry" "$sched" -1 --now $((now + 60))
run 0 "before the end of the back-off, what is due is fetched" "$sched" -1 --now $((now + 130))
check "three wait" test "$(find spool/1/new/session -name '*.xml' | wc -l)" -eq 3
rm tosql.do
run 0 "a HUP's doing: back-offs end" sqlite3 "$PRAIC_SETTINGS" \
	"UPDATE failure SET wait = NULL, retry_at = NULL"
run 0 "when it is there again" "$sched" -1 --now $((now + 131))
check "all are stored" test "$(wc -l <stored)" -eq 3
check "nothing waits" test "$(find spool/1/new/session -name '*.xml' | wc -l)" -eq 0

# Bad data is kept once and does not stop what comes after it.
echo 'echo "praic-split: session abc at byte $$: bad" >&2; cat "$1"; exit 65' >split.do
echo 'exit 65' >tosql.do
now=$((now + 300))
run 65 "bad data" "$sched" -1 --now $now
now=$((now + 60))
run 65 "again" "$sched" -1 --now $now
check "are kept once" test "$(find spool/1/failed -type f | wc -l)" -eq 1
check "and gone from the queue" test "$(find spool/1/new -type f | wc -l)" -eq 0
check "no back-off" test "$(sql "SELECT count(*) FROM failure")" -eq 0
echo 'echo "praic-split: out of memory" >&2; exit 75' >split.do
echo 'exit 75' >tosql.do
now=$((now + 60))
run 75 "75 of praic-split is another time's" "$sched" -1 --now $now
check "and the report waits" test "$(find spool/1/new/session -type f | wc -l)" -eq 1
rm split.do
: >tosql.do
sql "UPDATE failure SET wait = NULL, retry_at = NULL"
run 0 "when there is some" "$sched" -1 --now $((now + 1))
echo 'kill -9 $$' >tosql.do
now=$((now + 60))
before=$(sql "SELECT last_run FROM schedule")
run 70 "a filter that is killed" "$sched" -1 --now $now
check "does not count as a run" test "$(sql "SELECT last_run FROM schedule")" -eq "$before"
sql "SELECT code, signal, stage FROM failure" >got
printf '70\t9\tpraic-tosql\n' >want
same "and is noted with its signal" want got
rm tosql.do
run 0 "then stored" "$sched" -r minute --now $((now + 1))

# A stage that hangs; orders to stop; locks.
now=$(date +%s)
echo "$now" >appliance.now
sql "INSERT INTO setting VALUES ('stage-time', '1');
	UPDATE transfer_kind SET mark = $now, swept = $now"
began() {
	tries=0
	until [ -e began ] || [ $tries -gt 100 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	rm -f began
}
echo 'exec sleep 30' >fetch.do
run 75 "a stage that takes too long" "$sched" -r minute
says "is ended, with a word" "took longer than 1 s" "$(echo log/scheduler-*-*-* | tr ' ' '\n' | tail -n 1)"
sql "UPDATE setting SET value = '60' WHERE name = 'stage-time'"
echo ': >"$work/began"; exec sleep 30' >fetch.do
"$sched" -r minute 2>err &
pid=$!
began
run 75 "another scheduler, meanwhile" "$sched" -r minute -v
says "leaves it alone" "another process is at it"
kill -TERM $pid
wait $pid
check "TERM ends it with 0" test $? -eq 0
check "and is no failure" test "$(sql "SELECT times FROM failure")" -eq 1
echo 'trap "" TERM; : >"$work/began"; while :; do sleep 0.2; done' >fetch.do
"$sched" -r minute 2>err &
pid=$!
began
kill -TERM $pid
sleep 0.5
check "a stage that does not heed TERM is waited for" kill -0 $pid
kill -TERM $pid
wait $pid
check "until a second TERM" test $? -eq 0
echo 'exec sleep 5' >fetch.do
"$sched" -r minute 2>err &
pid=$!
# The scheduler itself and its process for the transfer are killed.
tries=0
until worker=$(ps -o pid= --ppid $pid | tr -d " ") && [ -n "$worker" ] &&
	stage=$(ps -o pid= --ppid "$worker" | tr -d " ") && [ -n "$stage" ] || [ $tries -gt 100 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
kill -9 $pid "$worker"
wait $pid 2>/dev/null
tries=0
while kill -0 "$stage" 2>/dev/null && [ $tries -lt 50 ]; do tries=$((tries + 1)); sleep 0.1; done
check "when all are killed, no stage is left" test $tries -lt 50
rm fetch.do
: >stored
run 0 "and the next run does it" "$sched" -r minute
check "all of it" test "$(wc -l <stored)" -eq 1

# Disk.
sql "UPDATE setting SET value = '9000000000000000000' WHERE name = 'spool-floor'"
: >asked
run 74 "too little disk" "$sched" -r minute
check "nothing is asked for" test "$(asked)" -eq 0
sql "SELECT reason LIKE '%spool-floor%' FROM failure" >got
echo 1 >want
same "it says why" want got
sql "UPDATE setting SET value = '0' WHERE name = 'spool-floor'"
run 0 "enough" "$sched" -r minute

# The cap counts what any transfer has in the spool, failed/ as well.
mkdir -p spool/99/failed
head -c 5000 /dev/zero >spool/99/failed/x.rec
all=$(find spool -type f -exec cat {} + | wc -c)
sql "INSERT INTO setting VALUES ('spool-cap', '$all')"
run 0 "a spool that is full just so" "$sched" -r minute
echo >>spool/99/failed/x.rec
run 74 "and one byte more" "$sched" -r minute
check "says so" test "$(sql "SELECT count(*) FROM failure
	WHERE reason LIKE '%the spool holds $((all + 1)) bytes%spool-cap%'")" -eq 1
rm -r spool/99
sql "DELETE FROM setting WHERE name = 'spool-cap'"
run 0 "with room again" "$sched" -r minute

# What praic-tosql leaves out it keeps itself: once, told once, and no failure.
rm -rf spool/1/failed/*
sql "INSERT INTO setting VALUES ('notify-server', 'mail.example.com')"
cat >tosql.do <<'END'
while [ "$1" != --reject ]; do shift; done
echo bad >"$2/host-lsid-12345678.rec"
echo "praic-tosql: db: 1 session left out" >&2
exit 65
END
rm -f mails
for try in 1 2; do
	run 65 "a session left out" "$sched" -r minute
	ls spool/1/failed >got
	echo host-lsid-12345678.rec >want
	same "is there, and not the report it came in" want got
done
check "one mail tells of it" test "$(grep -c 'LEFT OUT' mails)" -eq 1
"$conf" --json status >out
check "nothing fails" jq -e '.transfers | all(.reason == null and .failing_since == null)' out
echo 'exit 75' >mail.do
rm -rf spool/1/failed/*
run 65 "left out, and no mail goes" "$sched" -r minute
"$conf" --json status >out
check "is no failure, either" jq -e '.transfers | all(.reason == null and .failing_since == null)' out
"$conf" metrics >out
check "nor in the metrics" sh -c '! grep -q "^praic_failing{.* 1$" out'
rm tosql.do mail.do
sql "DELETE FROM setting WHERE name = 'notify-server'; DELETE FROM failure"

# Kinds do not hold each other up.
sched_schedule files 60
sched_transfer 2 1 2 session recording backup
sql "UPDATE transfer_kind SET mark = $now, swept = $now WHERE transfer_id = 2"
echo 'case "$*" in *backup*) echo "praic-fetch: refused" >&2; exit 77 ;; *recordings*) cat >/dev/null ;; esac' >fetch.do
: >asked
run 77 "a backup is refused" "$sched" -r files
check "sessions and recordings are stored" test "$(wc -l <filed)" -eq 2
sql "SELECT kind, step, code FROM failure" >got
printf 'backup\tfetch\t77\n' >want
same "only the backup waits" want got
rm fetch.do
run 0 "the next time" "$sched" -r files
check "nothing fails" test "$(sql "SELECT count(*) FROM failure")" -eq 0
sql "SELECT count(DISTINCT kind || step) FROM run WHERE transfer_id = 2 AND code = 0" >got
echo 6 >want
same "the history has all of it" want got

# Recordings alone: a report that comes does not end their back-off.
sched_schedule films 60
sched_transfer 3 1 2 recording
sql "UPDATE transfer_kind SET mark = $now, swept = $now WHERE transfer_id = 3"
echo 'case "$*" in *recordings*) cat >/dev/null; exit 69 ;; esac' >fetch.do
run 69 "recordings are refused" "$sched" -r films
run 69 "again" "$sched" -r films
check "the back-off grows" test "$(sql "SELECT wait FROM failure WHERE transfer_id = 3")" -eq 120
check "their reports wait" test "$(find spool/3/new/recording -name '*.late' | wc -l)" -eq 2
rm fetch.do
run 0 "then" "$sched" -r films
check "all are done" test "$(find spool/3/new -type f | wc -l)" -eq 0
check "and nothing fails" test "$(sql "SELECT count(*) FROM failure")" -eq 0

# What praic-fetch leaves out of the recordings is told then, and spoils no
# other: their file of records has an end mark without it.
cat >fetch.do <<'END'
case "$*" in *recordings*)
	cat >/dev/null
	echo "praic-fetch: session x: no recording" >&2
	for name in a b; do echo "$name" >"${work:?}/spool/3/files/$name.flv"; done
	: >"$work/spool/3/files/.a.info"
	printf 'praic-records\t1\nH\tsession\thost_name\tlsid\n'
	printf 'H\tfile\tkind\tinstance\tname\textension\tmedia_type\tbytes\tsha256\tfetched_at\n'
	printf 'S\th\tl\nR\tsession\th\tl\n'
	for name in a b; do printf 'R\tfile\trecording\t\\N\t%s.flv\tflv\tx\t2\tx\t\\N\n' $name; done
	printf 'E\tl\t3\t0\nZ\t1\t7\n'
	exit 65 ;;
esac
END
cat >tofs.do <<'END'
for last; do :; done
tail -n 1 "$last" >"$work/tofs.end"
END
run 65 "a recording is left out" "$sched" -r films
printf 'Z\t1\t0\n' >want
same "of the others all are stored" want tofs.end
find spool/3/files -type f >left
silent "and none of them stays in the spool" left
check "they are known as done" test -e spool/3/done/a.flv -a -e spool/3/done/b.flv
check "the report that names it is kept" test "$(find spool/3/failed -name '*.xml' | wc -l)" -eq 1
sql "SELECT sessions, rows, files, bytes, left_out FROM run WHERE step = 'fetch' AND
	number IS NOT NULL AND since IS NULL ORDER BY id DESC LIMIT 1" >got
printf '1\t3\t2\t4\t7\n' >want
same "the history has the numbers" want got
sql "SELECT sessions, rows, code, left_out FROM run WHERE step = 'store' AND transfer_id = 3
	ORDER BY id DESC LIMIT 1" >got
printf '1\t3\t0\t0\n' >want
same "of storing, too" want got
echo 'exit 65' >tofs.do
run 65 "refused by the destination" "$sched" -r films
check "a recording stays" test -s spool/3/files/a.flv -a -s spool/3/done/a.flv
rm fetch.do tofs.do
sql "DELETE FROM failure"
sql "UPDATE schedule SET enabled = 0 WHERE name = 'films'"

# Metrics.
stub praic-conf <<'END'
echo "$*" >"$work/metrics.args"
END
sql "INSERT INTO setting VALUES ('metrics', '$work/praic.prom')"
run 0 "with metrics" "$sched" -r minute
echo "metrics $work/praic.prom" >want
same "praic-conf writes them after a run" want metrics.args
sql "DELETE FROM setting WHERE name = 'metrics'"

# Mails.
sql "INSERT INTO setting VALUES ('notify-server', 'mail.example.com')"
at 2000000
echo 'echo "praic-fetch: one: no such account" >&2; exit 77' >fetch.do
run 77 "a refusal" "$sched" -r files --now $now
says "is mailed" "2 failed" mails
says "with its reason" "no such account" mails
run 77 "again" "$sched" -r files --now $((now + 60))
check "and not twice" test "$(grep -c FAILED mails)" -eq 2
run 77 "a day later" "$sched" -r files --now $((now + 86400))
says "a reminder" "STILL FAILING" mails
rm fetch.do
run 0 "when it is over" "$sched" -r files --now $((now + 90000))
says "that, too" "OVER: schedule" mails
check "and nothing remains" test "$(sql "SELECT count(*) FROM failure")" -eq 0
mails=$(grep -c settings mails)
echo 'exit 69' >fetch.do
run 69 "an appliance out of reach" "$sched" -r files --now $((now + 90060))
check "is no mail yet" test "$(grep -c settings mails)" -eq "$mails"
run 69 "when it lasts" "$sched" -r files --now $((now + 90060 + 900))
check "it is one" test "$(grep -c settings mails)" -eq $((mails + 1))
sql "DELETE FROM failure"
echo 'exit 77' >fetch.do
echo 'exit 75' >mail.do
run 77 "a mail server out of reach" "$sched" -r files --now $((now + 100000))
check "the mail is not forgotten" test "$(sql "SELECT count(*) FROM failure WHERE reported IS NULL")" \
	-gt 0
rm mail.do fetch.do

# The daemon.
sql "DELETE FROM failure; UPDATE schedule SET created = $(date +%s), last_due = NULL;
	DELETE FROM setting WHERE name = 'notify-server'"
date +%s >appliance.now
cat >notify.py <<'END'
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("notify")
open("notify.ready", "w").close()
with open("notified", "w", buffering=1) as f:
    while True:
        word = s.recv(1000).decode()
        f.write(word + "\n")
        if word == "STOPPING=1":
            break
END
python3 notify.py &
listener=$!
tries=0
until [ -e notify.ready ] || [ $tries -gt 100 ]; do tries=$((tries + 1)); sleep 0.1; done
: >stored
NOTIFY_SOCKET=$work/notify WATCHDOG_USEC=1000000 "$sched" 2>daemon.err &
pid=$!
tries=0
until [ -s stored ] || [ $tries -gt 100 ]; do tries=$((tries + 1)); sleep 0.1; done
check "the daemon runs what is due" test -s stored
run 75 "a second one" "$sched"
says "is refused" "running for it already"
rss=$(awk '/VmRSS/ { print $2 }' "/proc/$pid/status")
case ${PRAIC_OUT-} in
*asan*) ;;
*) check "it takes $rss KiB, less than 8 MiB" test "$rss" -lt 8192 ;;
esac
kill -USR1 $pid
tries=0
until [ -s daemon.err ] || [ $tries -gt 50 ]; do tries=$((tries + 1)); sleep 0.1; done
says "USR1: what it is doing" " waiting; next look in" daemon.err
kill -HUP $pid
tries=0
until grep -q HUP log/scheduler-* && grep -q WATCHDOG notified || [ $tries -gt 50 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
kill -TERM $pid
wait $pid
check "TERM ends it with 0" test $? -eq 0
wait $listener
head -n 1 notified >got
echo READY=1 >want
same "systemd is told that it is ready" want got
says "that it lives" "WATCHDOG=1" notified
says "and that it stops" "STOPPING=1" notified
says "HUP is in the log" "HUP: the settings" "$(echo log/scheduler-* | tr ' ' '\n' | tail -n 1)"

# What nobody looks at any more.
: >log/client-2020-01-01.log
: >log/other.log
sql "INSERT INTO run (schedule, site, destination, kind, step, started)
	VALUES ('x', 'x', 'x', 'session', 'fetch', 1)"
run 0 "a pass" "$sched" -1
check "removes old logs" test ! -e log/client-2020-01-01.log
check "and nothing else" test -e log/other.log
check "and forgets old history" test "$(sql "SELECT count(*) FROM run WHERE started = 1")" -eq 0
done_testing
