#!/bin/sh
# praic-sched beside others: schedulers, -1 and -r at once, clocks that are
# set back, users; and what its filters inherit.
. "$(dirname "$0")/lib.sh"
. "$top/tests/sched.sh"
sched_settings

# praic-fetch tells when two of one transfer are at work, and what it inherits.
stub praic-fetch <<'END'
mkdir "$work/at-work" || echo twice >>"$work/twice"
echo run >>"$work/runs"
[ -e "$work/seen.env" ] || { env >"$work/seen.env"; ls -l /proc/self/fd >"$work/seen.fd"; }
[ ! -e "$work/fetch.do" ] || . "$work/fetch.do"
sleep 0.1
rmdir "$work/at-work"
printf '<?praic-site a bytes="15"?>\n<session_list/>\n<?praic-end documents="1" until="%s"?>\n' \
	"$(date +%s)"
END
stub praic-split <<'END'
for last; do :; done
case " $* " in
*" -n "*) printf 'praic-records\t1\nH\tsession\thost_name\tlsid\nZ\t0\t0\n' ;;
*) cat "$last" ;;
esac
END
stub praic-tosql <<'END'
cat >/dev/null
END
# wait_for COMMAND...: until it does well, ten seconds at most
wait_for() {
	tries=0
	until "$@" 2>/dev/null || [ $tries -gt 100 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
}
sql "INSERT INTO site (name, host, client_id, secret) VALUES ('one', 'one.example.com', 'x', 'env:X');
	INSERT INTO destination (name, kind, connection) VALUES ('db', 'sql', '$work/x.db')"
created=$(($(date +%s) - 30))
sched_schedule minute 60
sched_transfer 1 1 1 session
now=$(date +%s)
sql "UPDATE transfer_kind SET mark = $now, swept = $now"

NOTIFY_SOCKET=$work/nobody "$sched" 2>daemon.err &
daemon=$!
wait_for sh -c 'grep -q "started, process" log/scheduler-*'
others=
for i in 1 2 3 4 5; do
	sql "UPDATE schedule SET last_due = NULL"
	"$sched" -1 2>>once.err &
	others="$others $!"
	"$sched" -r minute 2>>named.err &
	others="$others $!"
	"$sched" -r minute 2>>named.err &
	others="$others $!"
	kill -HUP $daemon
	"$sched" -r minute 2>>named.err
	sleep 0.2
done
kill -TERM $daemon
# shellcheck disable=SC2086
wait $daemon $others
check "a daemon, -1 and -r at once: $(wc -l <runs) runs" test "$(wc -l <runs)" -ge 2
check "none beside another" test ! -e twice
says "who came too late was told" "another process is at it" named.err

# Their three, and the lock, which is held as long as they live.  Whatever the
# tests' own shell has open is no business of praic's.
sed -n 's/.* \([0-9]*\) -> \(.*\)/\1 \2/p' seen.fd | grep -v -e '^[012] ' -e '/proc/' \
	-e stubs/praic-fetch | sed 's/^[0-9]* //' >got
ls -l /proc/$$/fd | sed -n 's/.* -> //p' >ours
grep -vxF -f ours got >got.beyond
echo "$work/spool/1/lock" >want
same "filters inherit one more descriptor, the lock's" want got.beyond
check "and nothing of systemd's" sh -c '! grep -e ^NOTIFY_ -e ^WATCHDOG_ seen.env'

# Killed alone, the scheduler leaves a process that goes on; another scheduler
# may begin at once, and leaves that transfer alone.
echo ': >"$work/began"; sleep 3' >fetch.do
sql "UPDATE schedule SET last_due = NULL"
"$sched" 2>daemon.err &
daemon=$!
wait_for test -e began
kill -9 $daemon
wait $daemon 2>/dev/null
runs=$(wc -l <runs)
"$sched" 2>second.err &
daemon=$!
run 75 "what is left of a killed scheduler has its transfer" "$sched" -r minute
check "another scheduler runs meanwhile" kill -0 $daemon
kill -TERM $daemon
wait $daemon
check "and ends well" test $? -eq 0
check "nothing ran twice" test "$(wc -l <runs)" -eq "$runs" -a ! -e twice
wait_for flock -n spool/1/lock true
rm -f fetch.do
run 0 "then it is free again" "$sched" -r minute
check "and the history has no run that never ends" test "$(sql "SELECT count(*) FROM run
	WHERE code IS NULL")" -eq 0

# All processes of a terminal are told at once, and by the scheduler again:
# that is one order to stop, and the filters have their time.
cat >fetch.do <<'END'
trap 'sleep 0.5; echo graceful >"$work/graceful"; exit 75' TERM
: >"$work/began"
i=0
while [ $i -lt 100 ]; do sleep 0.1; i=$((i + 1)); done
END
rm -f began
"$sched" -r minute 2>err &
pid=$!
wait_for test -e began
worker=$(ps -o pid= --ppid $pid | tr -d ' ')
kill -TERM $pid "$worker"
wait $pid
check "told together, all end with 0" test $? -eq 0
check "in peace" test -e graceful
rmdir at-work
rm -f fetch.do

# The clock was a year ahead when something failed.
echo 'exit 77' >fetch.do
run 77 "a failure, by a clock that is a year ahead" "$sched" -r minute --now \
	$((now + 366 * 86400))
rmdir at-work
rm fetch.do
: >runs
sql "UPDATE schedule SET last_due = NULL"
run 0 "the clock is right again" "$sched" -1 --now $((now + 100))
check "and it is tried at once" test "$(wc -l <runs)" -eq 1
check "and over" test "$(sql "SELECT count(*) FROM failure")" -eq 0

# Others, and root.
chmod 777 spool
run 78 "a spool that others may write to" "$sched" -r minute
says "says what to do" "chmod go-w it"
check "is a failure that can be seen" test "$(sql "SELECT count(*) FROM failure
	WHERE reason LIKE '%the spool cannot be used'")" -eq 1
chmod 700 spool
if [ "$(id -u)" -eq 0 ]; then
	chown 1 spool
	run 78 "another user's spool" "$sched" -r minute
	says "is not root's, either" "run praic-sched as that one"
	chown 0 spool
fi
run 0 "its own" "$sched" -r minute

# A HUP while it has hardly begun: it still reads its time zone, from a pipe.
sql "UPDATE schedule SET enabled = 0"
mkfifo zone
rm -f log/scheduler-*
TZ=$work/zone "$sched" 2>daemon.err &
daemon=$!
exec 3>zone
kill -HUP $daemon
exec 3>&-
wait_for sh -c 'cat log/scheduler-* | grep -q "HUP: the settings"'
check "an early HUP does not end it" kill -0 $daemon
check "and is heeded" sh -c 'cat log/scheduler-* | grep -q "HUP: the settings"'
kill -TERM $daemon
wait $daemon
check "then it ends with 0" test $? -eq 0
check "nothing fails" test "$(sql "SELECT count(*) FROM failure")" -eq 0
done_testing
