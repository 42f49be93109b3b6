#!/bin/sh
# Use of the settings: -s and -D of the filters, test, check, status, metrics, dump, load.
. "${0%/*}/lib.sh"
. "$top/tests/appliance.sh"

PRAIC_SETTINGS=$work/settings.db
PATH=${bin}fetch:${bin}split:${bin}tosql:${bin}tofs:${bin}sched/mail:$PATH
export PRAIC_SETTINGS PATH
db() {
	sqlite3 -batch -noheader "$PRAIC_SETTINGS" "$@"
}
appliance_start --clock fixed --sessions 20 --span 5 --seed 11

"$conf" init >out
pipe 0 "a site with its secret in the database" "$PRAIC_SECRET_FILE" \
	"$conf" site add access host="$PRAIC_HOST" client-id="$PRAIC_CLIENT_ID" ca-file="$PRAIC_CA"
run 0 "its test" "$conf" site test access
run 0 "praic-fetch -s" "$fetch" -s access sessions --since 6d
cp out by-name.xml
run 0 "praic-fetch with all options" "$fetch" --host "$PRAIC_HOST" --client-id "$PRAIC_CLIENT_ID" \
	--ca-file "$PRAIC_CA" --secret "file:$PRAIC_SECRET_FILE" sessions --since 6d
"$split" by-name.xml >want
"$split" out >got
same "gives the same output" want got
run 0 "an option after -s" "$fetch" -s access --name other.example.com \
	sessions --since 6d
check "overrides the setting" grep -q 'praic-site other.example.com' out
run 78 "no such site" "$fetch" -s nowhere check
says "is named" '"nowhere"'
run 64 "a secret as an argument" "$fetch" -s access --secret plain:hunter22 check
check "is not repeated" sh -c '! grep -q hunter22 err'
chmod 644 "$PRAIC_SETTINGS"
for stage in "$fetch -s access check" "$tosql -D store" "$tofs -D files"; do
	# shellcheck disable=SC2086
	run 78 "settings that others may read: ${stage##*/}" $stage
	says "the message says what to do" "chmod 600"
done
chmod 600 "$PRAIC_SETTINGS"

echo wrong >lines
pipe 0 "a wrong secret" lines "$conf" site set access secret=-
run 77 "is refused by the appliance" "$conf" site test access
check "and not in the message" sh -c '! grep -q wrong err'
run 0 "a reference to the right secret" "$conf" site set access secret="file:$PRAIC_SECRET_FILE"
run 0 "works" "$conf" site test access

"$split" by-name.xml >sessions.rec
mkdir files
run 0 "a database" "$conf" destination add store sql connection="$work/store.db" \
	system-information=no
run 0 "files" "$conf" destination add files fs directory="$work/files" format='session=%LSID%.xml'
run 0 "a command" "$conf" destination add cmd exec command="cat >$work/cmd.rec"
pipe 0 "-D: a database" sessions.rec "$tosql" -D store
check "has the sessions" [ "$(sqlite3 store.db 'SELECT count(*) > 0 FROM session')" -eq 1 ]
check "without system information, as set" \
	[ "$(sqlite3 store.db 'SELECT count(*) FROM system_information')" -eq 0 ]
check "which the stream has" grep -q '^R	system_information' sessions.rec
pipe 0 "-D: files" sessions.rec "$tofs" -D files
check "are named by the format of the settings" [ -z "$(find files -name "${PRAIC_HOST%:*}*")" ]
check "one for each session that has ended" [ "$(find files -name '*.xml' | wc -l)" -eq \
	"$(sqlite3 store.db 'SELECT count(*) FROM session WHERE end_time IS NOT NULL')" ]
pipe 78 "praic-tosql with an fs destination" sessions.rec "$tosql" -D files
says "names the kind" "of the kind fs"
pipe 78 "praic-tofs with an sql destination" sessions.rec "$tofs" -D store
pipe 78 "an unknown destination" sessions.rec "$tofs" -D nowhere

"$conf" schedule add 'nightly "x"' every=1d at=03:30
run 0 "check" "$conf" check
cut -f 1-3 out >got
printf '%s\tok\n' 'setting	spool' 'setting	log-directory' 'site	access' 'destination	cmd' \
	'destination	files' 'destination	store' 'schedule	nightly "x"' >want
same "tests everything" want got
check "a schedule without transfers is reported" grep -q 'it has no transfers' out
mkdir place
"$conf" destination add place fs directory="$work/place"
run 0 "a destination's test" "$conf" destination test place
check "leaves no file there" test -z "$(ls -A place)"
db "UPDATE destination SET existing = 1 WHERE name = 'place'"
run 73 "a used destination that is empty" "$conf" destination test place
"$conf" destination remove place
mv files elsewhere
"$conf" destination set cmd command='no-such-program --flag'
run 127 "check, with a missing directory and a missing program" "$conf" check
check "the filter's reason is shown" grep -q '^destination	files	failed	73	.*/files: there is no such directory' out
check "the missing program is named" grep -q '^destination	cmd	failed	127	.*no-such-program' out
run 73 "destination test of the missing directory" "$conf" destination test files
mv elsewhere files
chmod 500 files
without=
[ "$(id -u)" -ne 0 ] || without="setpriv --bounding-set=-dac_override"
# shellcheck disable=SC2086
run 73 "destination test of a directory that cannot be written" $without "$conf" destination test files
says "gives the reason" "cannot write there: Permission denied"
chmod 700 files
"$conf" destination set cmd command="cat >$work/cmd.rec"
TZ=Europe/Wien run 78 "check, with a zone that nobody knows" "$conf" check
check "names the schedule" grep -q '^schedule	nightly "x"	failed' out
cp spool/id id
echo 1 >spool/id
run 78 "check, with a spool of other settings" "$conf" check
check "is reported" grep -q '^setting	spool	failed	78	.*another settings database' out
mv id spool/id

# A secret in the environment is passed only to the filter that needs it.
mkdir bin
cat >bin/praic-fetch <<'END'
#!/bin/sh
env >"$work/seen"
END
chmod +x bin/praic-fetch
"$conf" site add other host=other.example.com client-id=x secret=env:OTHER_SECRET
"$conf" destination add server sql connection="Server=localhost,1;Database=b;User Id=u" \
	password=env:DATABASE_SECRET 2>err
OTHER_SECRET=one DATABASE_SECRET=two PATH=$work/bin:$PATH run 0 "a site's test" "$conf" site test other
check "gets its own secret" grep -q '^OTHER_SECRET=one' seen
check "and no other" sh -c '! grep -q DATABASE_SECRET seen'
"$conf" site add twin host=twin.example.com client-id=x secret=env:OTHER_SECRET
for site in other twin; do
	OTHER_SECRET=one PATH=$work/bin:$PATH run 0 "a secret that two sites share: $site" \
		"$conf" site test $site
	check "is passed on" grep -q '^OTHER_SECRET=one' seen
done
"$conf" site remove twin
"$conf" site remove other
"$conf" destination remove server

# status and metrics for a made-up state of the scheduler.
"$conf" transfer add 'nightly "x"' access store session >out
"$conf" transfer add 'nightly "x"' access files shell,backup >out
run 0 "status without failures" "$conf" status
now=$(date +%s)
site=$(db "SELECT id FROM site")
db "UPDATE job SET mark = $now - 86400 * 80 - 60, last = 3, last_success = $now - 3600
	WHERE step = 'fetch' AND data = 'session';
UPDATE job SET tries = 4, code = 77, program = 'praic-tosql', since = $now - 600, wait = 480,
	next = $now + 60, reason = 'the door is shut', runs = 20, failures = 5, rows = 17
	WHERE step = 'store' AND data = 'session';
INSERT INTO log VALUES ($site, 'session', 3, 1, 2, 5, 4096, 'x');
INSERT INTO recording VALUES ($site, 'h', 'l1', 'shell', 2, 'R', $now - 86400 * 83 - 60, 1, 'owed', NULL,
	1, 9, 1, 'later', $now, NULL, NULL);
UPDATE schedule SET last_due = $now"
run 77 "status exits with the worst code" "$conf" status
cut -f 1 out | tr '\n' ' ' >got
printf 'program schedule job job job job job ' >want
same "names the type of each line" want got
run 77 "status as JSON" "$conf" --json status
check "schedules" jq -e '.schedules[0] | .schedule == "nightly \"x\"" and .every == 86400 and
	.at == "03:30" and (.next_due | endswith("T03:30:00Z"))' out
check "jobs" jq -e '.jobs | length == 5 and (map(select(.job == "store 1 session"))[0] |
	.waiting == 3 and .reason == "the door is shut" and .moves == "access to store" and .tries == 4)' out
check "the time left for sessions is counted from the mark" jq -e '.jobs |
	map(select(.job == "fetch access session"))[0].left == 86400 * 9' out
check "and for recordings from the oldest owed one" jq -e '.jobs |
	map(select(.job == "fetch access file"))[0].left == 86400 * 6' out
check "recordings that are refused are named" jq -e '.jobs |
	map(select(.job == "fetch access file"))[0].reason ==
	"1 owed for more than a day; one of session l1: later"' out
check "the scheduler is not running" jq -e '.scheduler[0].running == false' out
flock "$work/spool/scheduler.lock" "$conf" --json status >out
check "with its lock held, the scheduler is running" jq -e '.scheduler[0].running' out
TZ=Europe/Vienna python3 "$top/tests/tools/terminal.py" -- "$conf" status | tr -d '\r' >out
check "at most 80 columns on a terminal" awk 'length > 80 { exit 1 }' out
for length in 1 2 3 4 5 6 7 8; do	# lines that end at each column
	db "UPDATE site SET name = substr('access-12345678', 1, 7 + $length)"
	TZ=Europe/Vienna python3 "$top/tests/tools/terminal.py" -- "$conf" status
done | tr -d '\r' >all
db "UPDATE site SET name = 'access'"
check "with names of any length" awk 'length > 80 { exit 1 }' all
check "a reason is on a line of its own" grep -qx '    the door is shut' out
check "times have a time zone" grep -qE '[0-9]:[0-9][0-9] (CET|CEST)' out
db "UPDATE job SET code = NULL WHERE step = 'store'"
run 65 "they alone are no success" "$conf" status
db "UPDATE job SET code = 77 WHERE step = 'store' AND data = 'session'"
db "UPDATE job SET code = 69, since = $now, last_success = NULL WHERE step = 'fetch'"
run 77 "a job that never succeeded" "$conf" --json status
check "has no time left" jq -e '.jobs | map(select(.left == 0)) | length == 2' out
run 0 "disable" "$conf" schedule disable 'nightly "x"'
run 0 "failures of a disabled schedule do not count" "$conf" status
"$conf" schedule enable 'nightly "x"'

db "UPDATE recording SET state = 'lost', reason = 'it expired';
INSERT INTO left_out (site_id, transfer_id, program, host_name, lsid, kind, code, reason, first, last)
	VALUES ($site, 1, 'praic-tosql', 'h', 'l2', 'session', 'too-long', 'a value is too long', 1, 2),
	($site, NULL, 'praic-run', 'h', '', 'session', 'lost', 'sessions of three days', 1, 2);
UPDATE job SET code = NULL, reason = NULL, since = NULL, tries = 0"
run 65 "lost recordings and left-out sessions" "$conf" status
grep '^lost' out | cut -f 2,6,11 >got
printf '%s\n' 'lost	session	sessions of three days' 'left out	session	a value is too long' \
	'lost	shell	it expired' | sort >want
sort got >got.sorted
same "are shown" want got.sorted
"$conf" metrics >out
check "and counted in metrics" grep -q '^praic_lost_recordings{site="access"} 1$' out
run 0 "ack" "$conf" ack
says "prints how many" "3 acknowledged" out
run 0 "status after ack" "$conf" status
check "does not show them" sh -c '! grep -q ^lost out'
run 0 "ack again" "$conf" ack
says "acknowledges none" "0 acknowledged" out

db "UPDATE recording SET state = 'owed', next = $now + 9999;
	UPDATE job SET next = $now + 9999, asked = NULL"
run 0 "retry" "$conf" retry fetch access file
db "SELECT name FROM job_view WHERE next <= strftime('%s', 'now') AND asked = next" >got
echo 'fetch access file' >want
same "makes one job due" want got
check "and its recordings" [ "$(db "SELECT count(*) FROM recording WHERE next IS NULL")" = 1 ]
run 78 "no such job" "$conf" retry fetch nowhere file

db "INSERT INTO run (job_id, name, started, seconds, code, reason, files) SELECT id, name, $now - 60, 1.25,
	75, 'the door is shut', 4 FROM job_view WHERE name = 'store 1 session';
	INSERT INTO run (job_id, name, started, seconds, code) SELECT id, name, $now, 2, 0
	FROM job_view WHERE name = 'fetch access file'"
run 0 "runs" "$conf" runs
cut -f 2-4 out >got
printf '%s\n' 'fetch access file	2.0	0' 'store 1 session	1.2	75' >want
same "the latest first" want got
run 0 "runs of one job" "$conf" runs store 1 session
check "shows only that job" [ "$(wc -l <out)" -eq 1 ]

db "UPDATE job SET code = 77, since = $now - 600, tries = 4, program = 'praic-tosql'
	WHERE step = 'store' AND data = 'session'"
metric() {
	grep "^$1{job=\"$2\"" out | sed 's/.*} //'
}
run 0 "metrics" "$conf" metrics
for line in 'praic_backlog:store 1 session:3' 'praic_rows_total:store 1 session:17' \
	'praic_runs_total:store 1 session:20' 'praic_failing:store 1 session:1' \
	'praic_tries:store 1 session:4' 'praic_failing:fetch access session:0' \
	"praic_mark_timestamp_seconds:fetch access session:$((now - 86400 * 80 - 60))"; do
	job=${line#*:}
	metric "${line%%:*}" "${job%:*}" >got
	printf '%s\n' "${job##*:}" >want
	same "${line%%:*} of ${job%:*}" want got
done
check "the time left" [ "$(metric praic_retention_left_seconds 'fetch access session')" -le 864000 ]
check "counters have the type counter" grep -qx '# TYPE praic_runs_total counter' out
check "labels are escaped" grep -qF 'schedule="nightly \"x\""' out
check "each name has one header" sh -c \
	'[ "$(grep -c "^# TYPE" out)" -eq "$(grep "^# TYPE" out | sort -u | wc -l)" ]'
cut -d' ' -f1 out >want
run 0 "metrics into a file" "$conf" metrics "$work/m.prom"
cut -d' ' -f1 m.prom >got
same "writes the same" want got
check "everybody may read the file" [ "$(stat -c %a m.prom)" = 644 ]
run 73 "metrics into a missing directory" "$conf" metrics "$work/no/m.prom"
run 74 "status to a full disk" sh -c '"$1" status >/dev/full' - "$conf"
run 74 "metrics to a full disk" sh -c '"$1" metrics >/dev/full' - "$conf"

# 400 days of history, a run each minute.
db "UPDATE job SET code = NULL, reason = NULL, since = NULL;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 576000)
	INSERT INTO run (job_id, name, started, seconds, code) SELECT 1, 'x', $now - i * 60, 1, 0 FROM n"
# quick MILLISECONDS COMMAND...: the best of five runs takes at most this time
quick() {
	python3 - "$@" <<'END'
import subprocess, sys, time
def one():
    start = time.monotonic()
    subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL, check=False)
    return time.monotonic() - start
best = min(one() for _ in range(5)) * 1000
print("%.1f ms" % best)
sys.exit(best > float(sys.argv[1]))
END
}
check "metrics is fast with a long history" quick 50 "$conf" metrics
check "status is fast with a long history" quick 100 "$conf" status

# Settings as text.
run 0 "dump" "$conf" dump
cp out dump
check "contains no stored secret" sh -c '! grep -q hunter22 dump'
check "but references" grep -q "secret=file:$PRAIC_SECRET_FILE" dump
run 0 "load into the same database" "$conf" load dump
run 0 "dump again" "$conf" dump
same "nothing has changed" dump out
sed -e "s,$work/spool,$work/two/spool,; s,$work/log,$work/two/log," dump >moved
PRAIC_SETTINGS=$work/two/settings.db
"$conf" init >out
run 0 "load into another database" "$conf" load moved
run 0 "dump" "$conf" dump
same "has everything" moved out
run 0 "its jobs exist" "$conf" status
printf 'site x\n\thost=x.example.com\n\tclient-id=x\n\tsecret=env:X\nsite y\n\thost=\n' >bad
run 64 "load with an error" "$conf" load bad
check "changes nothing" [ "$(db "SELECT count(*) FROM site")" = 1 ]
done_testing
