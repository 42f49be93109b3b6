#!/bin/sh
# praic-sched with the filters themselves, an appliance and a mail server:
# everything arrives once, whatever is killed or refused on the way.
. "$(dirname "$0")/lib.sh"
. "$top/tests/appliance.sh"
. "$top/tests/sched.sh"
. "$top/tests/smtp.sh"
sched_settings
appliance_start --clock fixed --sessions 60 --span 5 --seed 11
smtp_start mails starttls
at_exit='smtp_stop; kill $appliance_pid 2>/dev/null; wait $appliance_pid 2>/dev/null'

sched_site one "$PRAIC_HOST" "$PRAIC_CA" "$PRAIC_CLIENT_ID" "$PRAIC_SECRET_FILE"
mkdir files
sql "INSERT INTO destination (name, kind, connection) VALUES ('db', 'sql', '$work/store.db');
	INSERT INTO destination (name, kind, directory) VALUES ('dir', 'fs', '$work/files')"
created=$(($(date +%s) - 10))
sched_schedule all 60
sched_transfer 1 1 1 session
sched_transfer 1 1 2 session recording shell screen backup
sql "UPDATE transfer_kind SET mark = $((created - 8 * 86400))"

stored() {
	sqlite3 -separator '	' store.db "select lsid, coalesce(strftime('%s', end_time), '-'),
		(select count(*) from session_event e where e.session_id = s.id),
		(select count(*) from \"user\" u where u.session_id = s.id) from session s
		order by lsid"
}

run 0 "the next runs, and the pipelines" "$sched" -n
grep -v '^#' out >pipes
check "six pipelines" test "$(wc -l <pipes)" -eq 6
head -n 1 pipes >pipe.sh
run 0 "the first one, pasted into a shell" sh pipe.sh
appliance_truth >truth
stored >got
same "stores what there is" truth got
rm -f store.db

# Killed at random, each stage and the scheduler, until a run goes through.
for delay in 0.2 0.5 0.9 1.2 1.6 2.0; do
	"$sched" -r all 2>err &
	pid=$!
	sleep $delay
	for victim in $(ps -o pid= --ppid $pid); do
		kill -9 "$victim" 2>/dev/null
	done
	wait $pid
done
for try in 1 2 3 4 5; do
	"$sched" -r all 2>err
	code=$?
	[ $code -ne 0 ] || break
	sleep 1
done
check "after six kills a run goes through ($try)" test $code -eq 0
stored >got
same "the store has all of the appliance's sessions, each once" truth got
find spool/*/new spool/*/tmp spool/2/files -type f >left
silent "nothing is left in the spool" left
appliance_control truth --form recordings >recordings
find files -name '*.flv' -o -name '*.mp4' -o -name '*.zip' >got
sqlite3 store.db 'select count(*) from session where end_time is not null' >ended
find files -name '*.xml' | wc -l >got.xml
run 0 "the files agree with their ledger" "$tofs" --verify -d files
check "an XML file for each session that has ended" test "$(cat got.xml)" -ge "$(cat ended)"
cp truth before

# New sessions, and one that ends.
appliance_control add 3 --length 1 >added
appliance_control clock +60 >clock
run 0 "a run" "$sched" -r all
appliance_truth >truth
stored >got
same "brings what is new" truth got
sql "SELECT kind, sessions >= 3, rows > sessions, bytes > 0, left_out FROM run
	WHERE step = 'store' AND transfer_id = 1 ORDER BY id DESC LIMIT 1" >got
printf 'session\t1\t1\t1\t0\n' >want
same "the history has sessions, rows and bytes of what was stored" want got
check "there was something new" sh -c '! cmp -s before truth'

# A real mail about a real refusal.
printf 'pässwörd\n' >password
chmod 600 password
sql "INSERT INTO setting VALUES ('notify-server', '127.0.0.1'), ('notify-port', '$smtp_port'),
	('notify-ca-file', '$work/ca.pem'), ('notify-user', 'praic'),
	('notify-password', 'file:$work/password'), ('notify-from', 'praic@example.com'),
	('notify-to', 'a@example.com,B <b@example.com>')"
chmod 755 "$PRAIC_SECRET_FILE"
run 78 "a secret that others may read" "$sched" -r all
check "there is a mail" test -e mails/1.eml
echo "praic@example.com a@example.com,b@example.com praic tls" >want
same "to both, by TLS and login" want mails/1.env
python3 "$top/tests/tools/mail-check.py" parse mails/1.eml >mail
says "which tells what to do" "chmod 600 it" mail
says "once for all" "failed" mail
chmod 600 "$PRAIC_SECRET_FILE"
run 0 "mended" "$sched" -r all
python3 "$top/tests/tools/mail-check.py" parse mails/2.eml >mail
says "that is a mail, too" "well again" mail
check "and there are two in all" test ! -e mails/3.eml

if [ -z "${PRAIC_OUT-}" ]; then
	sql "UPDATE schedule SET last_due = $(($(date +%s) + 50))"
	python3 - >cpu <<'END'
import os
times = []
for _ in range(20):
    pid = os.posix_spawn(os.environ["sched"], ["praic-sched", "-1"], os.environ)
    _, status, r = os.wait4(pid, 0)
    assert status == 0
    times.append(r.ru_utime + r.ru_stime)
# What else the machine does makes it more, never less.
print(int(min(times) * 1000))
END
	check "a pass with nothing due takes $(cat cpu) ms of CPU, less than 10" \
		test "$(cat cpu)" -lt 10
fi
done_testing
