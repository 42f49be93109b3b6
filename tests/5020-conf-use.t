#!/bin/sh
# The settings in use: -s and -D of the filters, test, check, status, metrics.
. "${0%/*}/lib.sh"
. "$top/tests/appliance.sh"

PRAIC_SETTINGS=$work/settings.db
PATH=${bin}fetch:${bin}split:${bin}tosql:${bin}tofs:${bin}sched:$PATH
export PRAIC_SETTINGS PATH
db() {
	sqlite3 -batch -noheader "$PRAIC_SETTINGS" "$@"
}
appliance_start --clock fixed --sessions 20 --span 5 --seed 11

"$conf" init >out
pipe 0 "a site, its secret in the database" "$PRAIC_SECRET_FILE" \
	"$conf" site add access host="$PRAIC_HOST" client-id="$PRAIC_CLIENT_ID" ca-file="$PRAIC_CA"
run 0 "its test" "$conf" site test access
run 0 "-s" "$fetch" -s access sessions --since 6d
cp out by-name.xml
run 0 "is the same" "$fetch" --host "$PRAIC_HOST" --client-id "$PRAIC_CLIENT_ID" \
	--ca-file "$PRAIC_CA" --secret "file:$PRAIC_SECRET_FILE" sessions --since 6d
"$split" by-name.xml >want
"$split" out >got
same "as all the options" want got
run 0 "an option after it changes it" "$fetch" -s access --name other.example.com \
	sessions --since 6d
check "for this run" grep -q 'praic-site other.example.com' out
run 78 "no such site" "$fetch" -s nowhere check
says "is named" '"nowhere"'
run 64 "a secret cannot be smuggled in" "$fetch" -s access --secret plain:hunter22 check
check "nor repeated" sh -c '! grep -q hunter22 err'
chmod 644 "$PRAIC_SETTINGS"
for stage in "$fetch -s access check" "$tosql -D store" "$tofs -D files"; do
	# shellcheck disable=SC2086
	run 78 "settings that others may read: ${stage##*/}" $stage
	says "says what to do" "chmod 600"
done
chmod 600 "$PRAIC_SETTINGS"

echo wrong >lines
pipe 0 "a wrong secret is stored" lines "$conf" site set access secret=-
run 77 "and refused by the appliance" "$conf" site test access
check "its words do not hold it" sh -c '! grep -q wrong err'
run 0 "by reference" "$conf" site set access secret="file:$PRAIC_SECRET_FILE"
run 0 "it is right again" "$conf" site test access

"$split" by-name.xml >sessions.rec
mkdir files
run 0 "a database" "$conf" destination add store sql connection="$work/store.db" \
	system-information=no
run 0 "files" "$conf" destination add files fs directory="$work/files" format-session='%LSID%.xml'
run 0 "a command" "$conf" destination add cmd exec command="cat >$work/cmd.rec"
pipe 0 "-D: a database" sessions.rec "$tosql" -D store
check "has the sessions" [ "$(sqlite3 store.db 'SELECT count(*) > 0 FROM session')" -eq 1 ]
check "without system information" \
	[ "$(sqlite3 store.db 'SELECT count(*) FROM system_information')" -eq 0 ]
check "which there was" grep -q '^R	system_information' sessions.rec
pipe 0 "-D: files" sessions.rec "$tofs" -D files
check "by their format" [ -z "$(find files -name "${PRAIC_HOST%:*}*")" ]
check "as many as have ended" [ "$(find files -name '*.xml' | wc -l)" -eq \
	"$(sqlite3 store.db 'SELECT count(*) FROM session WHERE end_time IS NOT NULL')" ]
pipe 78 "a destination of another kind" sessions.rec "$tosql" -D files
says "is named with its kind" "of the kind fs"
pipe 78 "and the other way round" sessions.rec "$tofs" -D store
pipe 78 "none" sessions.rec "$tofs" -D nowhere

run 0 "check" "$conf" check
cut -f 1-3 out >got
printf '%s\tok\n' 'setting	spool' 'setting	log-directory' 'site	access' 'destination	cmd' \
	'destination	files' 'destination	store' >want
same "tries everything" want got
rm -r files
run 73 "check, with a directory gone" "$conf" check
check "names it" grep -q '^destination	files	failed	73' out
mkdir files

# What status and metrics say of a state that the scheduler left.
"$conf" schedule add 'nightly "x"' every=1d at=03:30
"$conf" transfer add 'nightly "x"' access store session >out
"$conf" transfer add 'nightly "x"' access files backup >out
now=$(date +%s)
db "UPDATE transfer_kind SET mark = $now - 86400 * 80, last_success = $now - 3600,
	backlog_files = 3, backlog_bytes = 4096, backlog_since = $now - 7200 WHERE kind = 'session';
INSERT INTO failure (transfer_id, kind, step, since, times, retry_at, reason)
	VALUES (1, 'session', 'store', $now - 600, 4, $now + 60, 'the door is shut');
INSERT INTO run (transfer_id, schedule, site, destination, kind, step, started, seconds, code, rows)
	VALUES (1, 'a', 'b', 'c', 'session', 'store', $now - 660, 1.5, 0, 17),
	(1, 'a', 'b', 'c', 'session', 'store', $now - 600, 2.5, 75, 18),
	(1, 'a', 'b', 'c', 'session', 'store', $now, NULL, NULL, NULL);
UPDATE schedule SET last_run = $now, last_due = $now"
run 0 "status as JSON" "$conf" --json status
check "schedules" jq -e '.schedules[0] | .schedule == "nightly \"x\"" and .every == 86400 and
	.at == "03:30" and (.next_run | endswith("T03:30:00Z"))' out
check "transfers" jq -e '.transfers | length == 2 and (.[0] | .kind == "session" and
	.backlog_files == 3 and .reason == "store: the door is shut" and
	.left > 86400 * 9 and .left <= 86400 * 10)' out
check "the scheduler is not running" jq -e '.programs[0].running == false' out
run 0 "status in a pipe" "$conf" status
cut -f 1 out | tr '\n' ' ' >got
printf 'program program schedule transfer transfer ' >want
same "says what each line is" want got
flock "$work/spool/scheduler.lock" "$conf" --json status >out
check "with its lock held, the scheduler is running" jq -e '.programs[0].running' out

metric() {
	grep "^$1{" out | grep "kind=\"session\"" | sed 's/.*} //'
}
run 0 "metrics" "$conf" metrics
for pair in praic_backlog_files:3 praic_run_rows:18 praic_run_seconds:2.5 praic_run_code:75 \
	"praic_mark_timestamp_seconds:$((now - 86400 * 80))"; do
	metric "${pair%:*}" >got
	printf '%s\n' "${pair#*:}" >want
	same "${pair%:*}" want got
done
check "the lag" [ "$(metric praic_mark_lag_seconds)" -ge 6912000 ]
check "what is left of the retention" [ "$(metric praic_retention_left_seconds)" -le 864000 ]
check "what fails" grep -q '^praic_failing{transfer="1",.*step="store"} 1$' out
check "labels are escaped" grep -qF 'schedule="nightly \"x\""' out
check "each name has its head once" sh -c \
	'[ "$(grep -c "^# TYPE" out)" -eq "$(grep "^# TYPE" out | sort -u | wc -l)" ]'
cp out want
run 0 "into a file" "$conf" metrics "$work/m.prom"
cut -d' ' -f1 want >a
cut -d' ' -f1 m.prom >b
same "the same, under its name" a b
check "which anybody may read" [ "$(stat -c %a m.prom)" = 644 ]
run 73 "not into a directory that is not there" "$conf" metrics "$work/no/m.prom"
run 74 "a full disk" sh -c '"$1" status >/dev/full' - "$conf"
run 74 "a full disk, again" sh -c '"$1" metrics >/dev/full' - "$conf"
done_testing
