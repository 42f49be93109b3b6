#!/bin/sh
# praic-sched with everything behind it, on an appliance: one fetch for all
# destinations, schedules that differ, failures that end.
. "$(dirname "$0")/lib.sh"
. "$top/tests/appliance.sh"
. "$top/tests/sched.sh"
sched_settings
TZ=Europe/Vienna
export TZ
# 03:30 in Vienna is the night's last quarter past something.
now=$(date -d 'tomorrow 03:30' +%s)
appliance_start --clock fixed --now "$now" --end "$now" --sessions 60 --span 5 --seed 5 \
	--recording-size 1K-3K
at_exit='kill $appliance_pid $pid 2>/dev/null; wait 2>/dev/null'
pid=
# Patience is not what is tested.
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

# at SECONDS: both clocks
at() {
	now=$1
	appliance_control clock "$now" >/dev/null
}
# Questions for reports since the last look, sorted
questions() {
	tail -n "+$seen" appliance/log | jq -c '.parameters |
		select(.generate_report == "AccessSession" and .duration != "1") | {start_time, end_time, duration}' | sort
	seen=$(($(wc -l <appliance/log) + 1))
}
seen=1
truth() {
	appliance_truth | wc -l
}

# The destination of the first one is not there.
run 73 "three transfers" "$sched" -1 -v --now "$now"
cp out told
cp err failed
questions >asked
uniq -d asked >twice
silent "each report is asked for once" twice
check "there were some" test -s asked
check "the files have the sessions" test "$(find files -name '*.xml' | wc -l)" -eq \
	"$(appliance_truth | awk -F '\t' '$2 != "-"' | wc -l)"
appliance_control truth --form recordings | awk '$2 != "screen" { print $5 }' | sort >want
find files -type f ! -name '*.xml' ! -name '.praic*' -exec sha256sum {} + | cut -d ' ' -f 1 |
	sort >got
same "and all recordings" want got
check "the command has all" test "$(grep -c '^S' new.rec)" -eq "$(truth)"
says "one line for each that did something" "store 2 session (pra to files): $(truth) sessions" told
check "no more than one for each" test "$(grep -c '^store' told)" -eq "$(grep '^store' told | sort -u |
	wc -l)"
says "and one for the failure" "store 1 session (pra to db): " failed
says "with the reason" "missing/store.db" failed
check "what it has not read is kept" test "$(find spool/1/session -name '*.rec' | wc -l)" -gt 0

# It comes back.
mkdir missing
at $((now + 3700))
run 0 "when it is there" "$sched" -1 --now "$now"
check "it gets all of it" test "$(sqlite3 missing/store.db 'SELECT count(*) FROM session')" -eq \
	"$(truth)"
check "and nothing is kept but for the nightly one" test "$(sql "SELECT group_concat(transfer_id)
	FROM job_view WHERE step = 'store' AND backlog > 0")" = 3
check "once" test "$(sqlite3 missing/store.db 'SELECT count(*) - count(DISTINCT lsid) FROM session')" \
	-eq 0
questions >asked
uniq -d asked >twice
silent "again each report is asked for once" twice

# The night: the fetch fails first.
sql "UPDATE schedule SET enabled = name = 'nightly'"
"$conf" transfer list >/dev/null
at $((now - 3700 + 86400))
echo 'case "$*" in *sessions*) echo "praic-fetch: pra: no answer" >&2; exit 69 ;; esac' >fetch.do
run 69 "a night when the appliance does not answer" "$sched" -1 --now "$now"
check "what is stored is no success yet" test "$(sql "SELECT count(*) FROM job
	WHERE next IS NOT NULL AND transfer_id = 3")" -eq 1
rm fetch.do
run 75 "half a minute later it waits" "$sched" -1 --now $((now + 30))
run 0 "a minute later it does" "$sched" -1 --now $((now + 60))
check "the store is through, too" test "$(sql "SELECT count(*) FROM job WHERE next IS NOT NULL AND
	transfer_id = 3")" -eq 0
check "for what the fetch brought" test "$(sql "SELECT good_start FROM job WHERE step = 'fetch' AND
	data = 'session'")" -eq $((now + 60))
check "and it is well" test "$(sql "SELECT count(*) FROM job WHERE code IS NOT NULL")" -eq 0
awk '$1 == "S" { text = "" } { text = text "\n" $0 } $1 == "E" { if (text in seen) print text; seen[text] = 1 }
	' new.rec >twice
silent "the command behind praic-uniq -d saw nothing twice" twice

# A schedule that is due again and again while a fetch takes longer.
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
check "and what they bring is stored" test "$(sql "SELECT count(*) FROM run WHERE name LIKE 'store 1%'
	AND started >= unixepoch() - 20")" -ge 2
kill -TERM $pid
wait $pid
check "then it ends" test $? -eq 0
done_testing
