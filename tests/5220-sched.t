#!/bin/sh
# praic-sched with a stub for praic-run: order and times of jobs, reports of failures,
# signals, locks, mails.
. "$(dirname "$0")/lib.sh"
. "$top/tests/sched.sh"
sched_settings
sched_stub_run
stub praic-mail <<'END'
case " $* " in *" --dry-run "*) exit 0 ;; esac
[ ! -e "$work/mail.do" ] || . "$work/mail.do"
{ echo "$*"; cat; } >>"$work/mails"
END
now=1767258000 # 2026-01-01T09:00:00Z
TZ=UTC
export TZ
"$conf" site add one host=one.example.com client-id=x secret=env:X
"$conf" destination add db sql connection="$work/x.db"
"$conf" destination add dir fs directory="$work"
"$conf" destination add pipe exec command=cat
"$conf" schedule add minute every=1m
"$conf" schedule add other every=1m
"$conf" schedule disable other
"$conf" transfer add minute one db session >/dev/null
"$conf" transfer add minute one dir session,recording,backup >/dev/null
"$conf" transfer add other one pipe session >/dev/null
sql "UPDATE schedule SET created = $now; UPDATE job SET next = NULL, asked = NULL, last = 0"

# ran LINE...: the jobs started since the last call, in this order
ran() {
	: >want
	for line; do echo "$line" >>want; done
	touch ran
	same "started: $*" want ran
	: >ran
}
lacks() {
	! grep -qF -- "$2" "$1"
}
# job STEP DATA COLUMN: a column of the first such job
job() {
	sql "SELECT ifnull($3, '-') FROM job WHERE step = '$1' AND data = '$2' ORDER BY id LIMIT 1"
}
# awaits COMMAND...: wait up to ten seconds for the command to succeed
awaits() {
	tries=0
	until "$@" || [ $tries -gt 200 ]; do
		tries=$((tries + 1))
		sleep 0.05
	done
}

run 64 "-1 with -n" "$sched" -1 -n
run 64 "--now without -1" "$sched" --now 5
run 0 "--help" "$sched" --help

# Due jobs.
echo 'case $1 in fetch) last=1 sessions=12 ;; esac' >run.do
run 0 "a first pass" "$sched" -1 --now $now
silent "prints no message"
silent "and no output" out
sort ran >ran.sorted
printf '%s\n' "backup 2" "fetch one session" "store 1 session" "store 2 session" >want
same "a new schedule is due: all of its jobs, and the fetch that they need" \
	want ran.sorted
check "a disabled schedule is not run" test "$(sql "SELECT position FROM job WHERE transfer_id = 3")" \
	-eq 0
: >ran
run 0 "again within the minute" "$sched" -1 --now $((now + 59))
ran
run 0 "the next minute, with -v" "$sched" -1 -v --now $((now + 60))
says "-v prints the result of each step" "fetch one session: 12 sessions, 2.0 s" out
check "on standard output" test "$(wc -l <out)" -eq 1
: >ran
run 0 "the clock is set back" "$sched" -1 --now $((now + 1))
ran
{
	echo "BEGIN IMMEDIATE;"
	touch locking
	sleep 1.5
	echo "COMMIT;"
} | sqlite3 "$PRAIC_SETTINGS" &
awaits test -e locking
sleep 0.5
run 0 "another process writes while a schedule is due" "$sched" -1 --now $((now + 120))
check "the schedule waits for it" grep -q "fetch one session" ran
wait
: >ran
now=$((now + 36000))
run 0 "after ten hours" "$sched" -1 --now $now
says "one run replaces all missed ones" "makes up for 597 that were missed" log/scheduler-2026-01-01.log
: >ran
sql "INSERT INTO recording (site_id, host_name, lsid, kind, session, state, noted, named)
	VALUES (1, 'one', 'x', 'recording', '', 'owed', $now, $now)"
run 0 "an owed recording" "$sched" -1 --now $((now + 60))
check "is fetched" grep -q "fetch one file" ran
awk '/fetch one session/ { session = NR } /fetch one file/ { file = NR }
	END { exit !(session < file) }' ran
check "after the reports" test $? -eq 0
: >ran
sql "UPDATE recording SET next = $now + 3600; UPDATE job SET next = $now WHERE data = 'file'"
run 0 "a recording that waits for an hour" "$sched" -1 --now $((now + 61))
ran
sql "UPDATE recording SET next = $now + 90000"
run 0 "a recording with a wait that is too long, from a wrong clock" "$sched" -1 --now $((now + 62))
ran "fetch one file" "store 2 file"
sql "DELETE FROM recording; UPDATE job SET next = NULL"
sql "UPDATE job SET next = $now + 3000 WHERE step = 'backup'"
run 0 "a job in its back-off" "$sched" -1 --now $((now + 63))
ran
sql "UPDATE job SET next = $now + 4000 WHERE step = 'backup'"
run 0 "a back-off that is too long, from a wrong clock" "$sched" -1 --now $((now + 64))
ran "backup 2"
sql "UPDATE job SET sweep_next = $now WHERE step = 'fetch' AND data = 'session'"
echo 'sql "UPDATE job SET sweep_next = NULL"' >run.do
run 0 "a look-back whose back-off has ended" "$sched" -1 --now $((now + 65))
ran "fetch one session"

# A fetch that takes longer than its period is due again when it ends.
now=$((now + 120))
sql "INSERT INTO recording (site_id, host_name, lsid, kind, session, state, noted, named)
	VALUES (1, 'one', 'x', 'recording', '', 'owed', $now, $now)"
cat >run.do <<'END'
case $* in
"fetch one session")
	last=1
	echo >>again
	[ "$(wc -l <again)" -gt 3 ] || sql "UPDATE job SET next = $now - $(wc -l <again) WHERE $job"
	;;
"fetch one file") sql "UPDATE recording SET state = 'came'" ;;
esac
END
run 0 "a fetch of reports that is always due" "$sched" -1 --now "$now"
awk '/fetch one session/ { session = NR } /fetch one file/ { file = NR }
	END { exit !(file > 1 && file < session) }' ran
check "does not delay recordings" test $? -eq 0
sql "DELETE FROM recording"
: >ran

# Failures.
now=$((now + 120))
cat >run.do <<'END'
case "$*" in "fetch one session") code=69 reason="praic-fetch: one: no answer" ;; esac
END
run 69 "an appliance out of reach" "$sched" -1 --now $now
echo "praic-sched: fetch one session: praic-fetch: one: no answer (69)" >want
same "gives one line with job and reason" want err
: >ran
run 75 "again at once" "$sched" -1 --now $((now + 1))
echo "praic-sched: fetch one session: it failed and waits until 2026-01-01 19:05:00 UTC: \
praic-fetch: one: no answer" >want
same "says until when the job waits" want err
ran
run 69 "a minute later" "$sched" -1 --now $((now + 60))
check "waits twice as long" test "$(job fetch session next)" -eq $((now + 180))
: >ran
run 75 "a due schedule during the back-off" "$sched" -1 --now $((now + 120))
check "does not shorten it" lacks ran "fetch one session"
check "but is noted" test "$(job fetch session asked)" -eq $((now + 120))
: >ran
run 69 "-r ignores the back-off" "$sched" -r minute --now $((now + 121))
check "and runs the job" grep -q "fetch one session" ran
: >run.do
run 0 "when the job succeeds" "$sched" -r minute --now $((now + 122))
check "its row has no code" test "$(job fetch session code)" = -
run 78 "-r with an unknown schedule" "$sched" -r nothing
says "the message says what to do" "praic-conf schedule list"
run 78 "-r with a disabled schedule" "$sched" -r other
says "is reported" "is disabled"
: >ran
echo 'case "$*" in "backup 2") code=65 reason="praic-tofs: one file is left out" ;; esac' >run.do
run 65 "a file that is left out" "$sched" -r minute --now $((now + 240))
says "is reported with its reason" "backup 2 (one to dir): praic-tofs: one file is left out (65)"
echo 'case $1 in backup) echo "praic-run: words" >&2; exit 74 ;; esac' >run.do
now=$((now + 300))
run 74 "a praic-run that could not write its result" "$sched" -r minute --now $now
says "is reported with its last message" "backup 2 (one to dir): praic-run: words (74)"
sql "SELECT code, reason, wait, next - $now FROM job WHERE step = 'backup'" >got
printf '74\tpraic-run: words\t60\t60\n' >want
same "and noted with a back-off" want got
check "and in the history" test "$(sql "SELECT count(*) FROM run WHERE code = 74")" -eq 1
echo 'case $1 in backup) kill -9 $$ ;; esac' >run.do
run 70 "a praic-run that is killed" "$sched" -r minute --now $((now + 1))
says "is told" "signal 9 ended the process (70)"
check "waits twice as long" test "$(job backup backup wait)" -eq 120
echo 'case $1 in backup) exit 75 ;; esac' >run.do
runs=$(job backup backup runs)
run 75 "a job that another process runs" "$sched" -r minute --now $((now + 2))
says "is reported with -r" "another praic-run is doing it"
check "and is not a failure" test "$(job backup backup runs)" -eq "$runs"
: >run.do
run 0 "a run without failures" "$sched" -r minute --now $((now + 3))
: >ran

# The commands that -n prints can be pasted into a shell.
"$conf" site rename one "one's own"
run 0 "a dry run with a blank in a name" "$sched" -n
: >ran
grep 'praic-run fetch .*own.* session' out | sh -e >got 2>&1
echo "fetch one's own session" >want
same "can be pasted" want ran
"$conf" site rename "one's own" one
: >ran

# Jobs of one destination run one at a time.
"$conf" schedule enable other
for site in two three; do
	"$conf" site add $site host=$site.example.com client-id=x secret=env:X
	"$conf" transfer add other $site pipe session >/dev/null
done
sql "UPDATE schedule SET created = 1"
cat >run.do <<'END'
case $1 in
fetch) last=1 ;;
store)
	mkdir "$work/store.busy" || touch "$work/two-at-once"
	sleep 0.3
	rmdir "$work/store.busy"
	;;
esac
END
run 0 "three stores into one command" "$sched" -r other
check "run one at a time" test ! -e two-at-once
check "all three" test "$(grep -c store ran)" -eq 3
: >ran
cat >run.do <<'END'
mkdir "$work/busy" 2>/dev/null || touch "$work/two-at-once"
sleep 0.3
rmdir "$work/busy" 2>/dev/null
case $1 in fetch) last=1 ;; esac
END
run 0 "three sites" "$sched" -r other
check "are fetched at the same time" test -e two-at-once
rm -f two-at-once
"$conf" setting set parallel=1
run 0 "parallel=1" "$sched" -r other
check "runs one at a time" test ! -e two-at-once
"$conf" setting unset parallel
"$conf" schedule disable other
: >run.do

# Mails.
"$conf" setting set notify-server=mail.example.com notify-from=a@example.com notify-to=b@example.com
now=$(sql "SELECT max(last_due) FROM schedule")
now=$((now + 60))
sql "UPDATE job SET next = NULL"
mails() {
	[ -e mails ] && grep -c -- --subject mails || :
}
run 0 "a pass without failures" "$sched" -1 --now $now
check "sends no mail" test ! -e mails
cat >run.do <<'END'
case "$*" in "fetch one session") code=77 reason="praic-fetch: one: refused" ;;
"backup 2") code=69 reason="praic-fetch: one: no answer" ;; esac
END
run 77 "two failures" "$sched" -r minute --now $now
host=$(uname -n)
cat >want <<END
--subject praic on $host: 1 failed
FAILED: fetch one session
    since $(date -d "@$now" '+%Y-%m-%d %H:%M:%S UTC'), exit code 77
    praic-fetch: one: refused

praic-conf status shows the state, praic-conf log the messages of the filters.
praic-conf status shows losses until praic-conf ack.
END
same "the permanent one is mailed at once, the temporary one is not" want mails
run 77 "five minutes later" "$sched" -r minute --now $((now + 300))
check "they are not mailed again" test "$(mails)" -eq 1
run 77 "after a quarter of an hour" "$sched" -r minute --now $((now + 900))
check "the temporary one is mailed" grep -q "FAILED: backup 2 (one to dir)" mails
run 77 "after a day" "$sched" -r minute --now $((now + 87400))
check "both are mailed again" test "$(grep -c "STILL FAILING" mails)" -eq 2
: >run.do
echo 'exit 75' >mail.do
run 0 "both succeed, but the mail cannot be sent" "$sched" -r minute --now $((now + 87500))
says "which is reported" 'mail "'
check "the mail is still to be sent" test "$(sql "SELECT count(*) FROM job WHERE reported IS NOT NULL")" -eq 2
rm mail.do
run 0 "when mail works again" "$sched" -r minute --now $((now + 87900))
check "it reports that both succeed" test "$(grep -c "WELL AGAIN" mails)" -eq 2
check "and is noted as sent" test "$(sql "SELECT count(*) FROM job WHERE reported IS NOT NULL")" -eq 0
sql "UPDATE job SET sweep_since = $now, sweep_reason = 'no past' WHERE step = 'fetch' AND data = 'session'
	AND site_id = 1"
for i in 60 61; do
	run 0 "a look-back that fails for some time" "$sched" -r minute --now $((now + 87840 + i))
done
check "is mailed once" test "$(grep -c "FAILED: look-back of fetch one session" mails)" -eq 1
sql "UPDATE job SET sweep_since = NULL, sweep_reason = NULL"
run 0 "when it succeeds" "$sched" -r minute --now $((now + 87940))
check "that is mailed" grep -q "WELL AGAIN: look-back of fetch one session" mails
before=$(mails)
sql "INSERT INTO recording (site_id, host_name, lsid, kind, session, state, noted, named, reason)
	VALUES (1, 'one', 'l''1', 'recording', '', 'lost', 1, $now, 'refused');
	INSERT INTO left_out (site_id, transfer_id, program, host_name, lsid, kind, code, reason, first,
	last) VALUES (1, 1, 'praic-tosql', 'one', 'l2', 'session', 'too-long', 'it is too long', 1, 1),
	(1, NULL, 'praic-run', '', '', 'session', 'lost', 'a week', 1, 1)"
for i in 1 2; do
	run 0 "lost recordings and left-out sessions" "$sched" -r minute --now $((now + 87960))
	check "are mailed once" test "$(mails)" -eq $((before + 1))
done
says "by name" "LOST: one: session l'1, recording" mails
says "with the reason" "praic-tosql: it is too long" mails
says "in the subject" "2 lost, 1 left out" mails
check "a span by its site" grep -qx "LOST: one: session" mails
before=$(mails)
sql "INSERT INTO recording (site_id, host_name, lsid, kind, session, state, noted, named, tries, reason)
	VALUES (1, 'one', 'l3', 'recording', '', 'owed', $now, $now, 1, 'no permission'),
	(1, 'one', 'l4', 'recording', '', 'owed', $now, $now, 0, NULL)"
for i in 1 2; do
	run 0 "a recording that is refused" "$sched" -r minute --now $((now + 86000 + 2960))
	check "is mailed once, when it is owed for more than a day" test "$(mails)" -eq $((before + 1))
done
says "with the reason" "session l3: no permission" mails
sql "UPDATE recording SET tries = 1 WHERE lsid = 'l4'"
run 0 "another one" "$sched" -r minute --now $((now + 88990))
check "is mailed a day later" test "$(mails)" -eq $((before + 1))
sql "UPDATE recording SET tries = 0 WHERE lsid = 'l4'"
says "and not one that was not asked for" "LEFT OUT: one: recordings owed for more than a day: 1" mails
sql "UPDATE job SET code = 65, reason = 'the backup was left out', since = $now,
	next = $((now + 90000)) WHERE step = 'backup'"
run 75 "a job that fails with 65" "$sched" -1 --now $((now + 89000))
says "is mailed, too" "the backup was left out" mails
"$conf" setting unset notify-server
sql "DELETE FROM recording; DELETE FROM left_out; UPDATE job SET next = NULL"

# The daemon.
cat >notify.py <<'END'
import socket
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
awaits test -e notify.ready
sql "UPDATE schedule SET created = $(date +%s) - 86400, last_due = NULL"
: >ran
NOTIFY_SOCKET=$work/notify WATCHDOG_USEC=2000000 "$sched" 2>daemon.err &
pid=$!
awaits grep -q "store 1 session" ran
check "the daemon runs what is due" grep -q "fetch one session" ran
run 75 "a second one" "$sched"
says "is refused" "already running for it"
awaits grep -q WATCHDOG notified
rss=$(awk '/VmRSS/ { print $2 }' "/proc/$pid/status")
case ${PRAIC_OUT-} in
*asan*) ;;
*) check "it takes $rss KiB, less than 6 MiB" test "$rss" -lt 6144 ;;
esac
silent "it prints no message" daemon.err
echo 'case $1 in backup) code=77 reason="praic-fetch: refused" ;; esac' >run.do
sql "UPDATE job SET next = 1 WHERE step = 'backup'"
kill -HUP $pid
awaits grep -q "refused" daemon.err
echo "praic-sched: backup 2 (one to dir): praic-fetch: refused (77)" >want
same "a failure gives one line" want daemon.err
: >run.do
sql "UPDATE job SET next = $(date +%s) + 3000 WHERE step = 'backup'"
: >ran
kill -HUP $pid
awaits grep -q backup ran
check "HUP ends a back-off" grep -q backup ran
says "and is logged" "HUP: all back-offs end" "$(echo log/scheduler-* | tr ' ' '\n' | tail -n 1)"
echo 'echo $$ >"$work/began"; trap "echo >\"$work/told\"; exit 75" TERM; while :; do sleep 0.1; done' >run.do
sql "UPDATE job SET next = 1 WHERE step = 'backup'"
kill -HUP $pid
awaits test -s began
kill -TERM $pid
wait $pid
check "TERM ends it with 0" test $? -eq 0
check "and ends the jobs" test -e told
check "which is not a failure" test "$(job backup backup code)" = -
wait $listener
head -n 1 notified >got
echo READY=1 >want
same "it notifies systemd that it is ready" want got
says "that it is alive" "WATCHDOG=1" notified
says "and that it stops" "STOPPING=1" notified
rm -f began
echo 'trap "" TERM; echo $$ >"$work/began"; while :; do sleep 0.1; done' >run.do
"$sched" -r minute 2>err &
pid=$!
awaits test -s began
kill -TERM $pid
sleep 0.5
check "the daemon waits for a job that ignores TERM" kill -0 $pid
kill -TERM $pid
wait $pid
check "until a second TERM" test $? -eq 0
awaits sh -c '! kill -0 "$(cat began)" 2>/dev/null'
check "which kills the job" sh -c '! kill -0 "$(cat began)" 2>/dev/null'
: >run.do

# Old logs and history; the cost of a pass.
: >log/client-2020-01-01.log
: >log/other.log
sql "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 576000)
	INSERT INTO run (job_id, name, started, seconds, code) SELECT 1, 'x', unixepoch() - 60 * i, 1, 0
	FROM n; INSERT INTO run (name, started, seconds, code) VALUES ('x', 1, 1, 0)"
run 0 "a pass" "$sched" -1
check "removes old logs" test ! -e log/client-2020-01-01.log
check "and no other file" test -e log/other.log
check "and removes old history" test "$(sql "SELECT count(*) FROM run WHERE started = 1")" -eq 0
sql "UPDATE schedule SET last_due = unixepoch() + 50; UPDATE job SET next = NULL"
best=100
for i in 1 2 3 4 5; do
	"${bin}tests/tools/measure" measured "$sched" -1
	ms=$(cut -d ' ' -f 2 measured)
	[ "$ms" -ge $best ] || best=$ms
done
case ${PRAIC_OUT-} in
*asan*) ;;
*) check "with 400 days of history a pass with nothing due takes $best ms, less than 10" test $best -lt 10 ;;
esac
done_testing
