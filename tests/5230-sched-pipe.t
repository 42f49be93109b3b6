#!/bin/sh
# praic-sched with all programs and an appliance: one fetch for all destinations,
# different schedules, temporary failures.
. "$(dirname "$0")/lib.sh"
. "$top/tests/appliance.sh"
. "$top/tests/sched.sh"
sched_settings
TZ=Europe/Vienna
export TZ
now=$(date -d 'tomorrow 03:30' +%s)
appliance_start --clock fixed --now "$now" --end "$now" --sessions 60 --span 5 --seed 5 \
	--recording-size 1K-3K
at_exit='kill $appliance_pid $pid 2>/dev/null; wait 2>/dev/null'
pid=
# Short retries, to save time.
stub praic-fetch <<'END'
[ ! -e "$work/fetch.do" ] || . "$work/fetch.do"
exec "$fetch" --timeout 1s --rate 0 "$@"
END
mkdir files
"$conf" site add pra host="$PRAIC_HOST" ca-file="$PRAIC_CA" host-name=pra.example.net \
	client-id="$PRAIC_CLIENT_ID" secret="file:$PRAIC_SECRET_FILE"
"$conf" destination add db sql connection="$work/missing/store.db"
"$conf" destination add files fs directory="$work/files"
"$conf" destination add new exec command="praic-uniq -d $work/seen.db -- sh -c 'cat >>$work/new.rec'"
"$conf" schedule add often every=1m
"$conf" schedule add hourly every=1h
"$conf" schedule add nightly every=1d at=03:30
"$conf" transfer add often pra db session since=10d >/dev/null
"$conf" transfer add hourly pra files session,recording,shell since=10d >/dev/null
"$conf" transfer add nightly pra new session since=10d >/dev/null
sql "UPDATE schedule SET created = $now - 40000; UPDATE job SET next = NULL"

# at SECONDS: set both clocks
at() {
	now=$1
	appliance_control clock "$now" >/dev/null
}
# The requests for reports since the last call, sorted
questions() {
	tail -n "+$seen" appliance/log | jq -c '.parameters |
		select(.generate_report == "AccessSession" and .duration != "1") | {start_time, end_time, duration}' | sort
	seen=$(($(wc -l <appliance/log) + 1))
}
seen=1
truth() {
	appliance_truth | wc -l
}

# The destination of the first transfer is missing.
run 73 "three transfers" "$sched" -1 -v --now "$now"
cp out told
cp err failed
questions >asked
uniq -d asked >twice
silent "each report is requested once" twice
check "there were requests" test -s asked
check "the files have the sessions" test "$(find files -name '*.xml' | wc -l)" -eq \
	"$(appliance_truth | awk -F '\t' '$2 != "-"' | wc -l)"
appliance_control truth --form recordings | awk '$2 != "screen" { print $5 }' | sort >want
find files -type f ! -name '*.xml' ! -name '.praic*' -exec sha256sum {} + | cut -d ' ' -f 1 |
	sort >got
same "and all recordings" want got
check "the command has all sessions" test "$(grep -c '^S' new.rec)" -eq "$(truth)"
says "-v prints a line for each job that stored something" "store 2 session (pra to files): $(truth) sessions" told
check "and no more than one" test "$(grep -c '^store' told)" -eq "$(grep '^store' told | sort -u |
	wc -l)"
says "a line for the failure" "store 1 session (pra to db): " failed
says "with the reason" "missing/store.db" failed
check "files that it has not read are kept" test "$(find spool/1/session -name '*.rec' | wc -l)" -gt 0

# The destination is available again.
mkdir missing
at $((now + 3700))
run 0 "when the destination is available" "$sched" -1 --now "$now"
check "it gets all sessions" test "$(sqlite3 missing/store.db 'SELECT count(*) FROM session')" -eq \
	"$(truth)"
check "only files for the nightly transfer are kept" test "$(sql "SELECT group_concat(transfer_id)
	FROM job_view WHERE step = 'store' AND backlog > 0")" = 3
check "no session is stored twice" test "$(sqlite3 missing/store.db 'SELECT count(*) - count(DISTINCT lsid) FROM session')" \
	-eq 0
questions >asked
uniq -d asked >twice
silent "each report is requested once again" twice

# The nightly schedule: the fetch fails first.
sql "UPDATE schedule SET enabled = name = 'nightly'"
"$conf" transfer list >/dev/null
at $((now - 3700 + 86400))
echo 'case "$*" in *sessions*) echo "praic-fetch: pra: no answer" >&2; exit 69 ;; esac' >fetch.do
run 69 "a night when the appliance does not answer" "$sched" -1 --now "$now"
check "the store job has not succeeded yet" test "$(sql "SELECT count(*) FROM job
	WHERE next IS NOT NULL AND transfer_id = 3")" -eq 1
rm fetch.do
run 75 "half a minute later the fetch waits" "$sched" -1 --now $((now + 30))
run 0 "a minute later it succeeds" "$sched" -1 --now $((now + 60))
check "the store job succeeds" test "$(sql "SELECT count(*) FROM job WHERE next IS NOT NULL AND
	transfer_id = 3")" -eq 0
check "up to the end of the fetch" test "$(sql "SELECT good_start FROM job WHERE step = 'fetch' AND
	data = 'session'")" -eq $((now + 60))
check "no job has failed" test "$(sql "SELECT count(*) FROM job WHERE code IS NOT NULL")" -eq 0
awk '$1 == "S" { text = "" } { text = text "\n" $0 } $1 == "E" { if (text in seen) print text; seen[text] = 1 }
	' new.rec >twice
silent "the command behind praic-uniq -d got no session twice" twice

# A schedule that is always due while a fetch is running.
"$conf" schedule enable often
"$conf" schedule disable nightly
cat >fetch.do <<'END'
case "$*" in
*sessions*)
	mkdir "$work/fetching" 2>/dev/null || echo >>"$work/two"
	sleep 3
	rmdir "$work/fetching"
	echo >>"$work/fetched"
	;;
esac
END
sql "UPDATE schedule SET created = 1, last_due = unixepoch() - 60; UPDATE job SET mark = $now"
sql "UPDATE job SET swept = $now"
"$sched" 2>daemon.err &
pid=$!
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do
	sql "UPDATE schedule SET last_due = unixepoch() - 70"
	kill -HUP $pid
	sleep 1
done
check "fetches go on: $(wc -l <fetched)" test "$(wc -l <fetched)" -ge 3
check "one at a time" test ! -e two
check "and their data are stored" test "$(sql "SELECT count(*) FROM run WHERE name LIKE 'store 1%'
	AND started >= unixepoch() - 20")" -ge 2
kill -TERM $pid
wait $pid
check "the scheduler exits with 0" test $? -eq 0
done_testing
