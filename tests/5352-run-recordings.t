#!/bin/sh
# praic-run: recordings that are refused, late, expired or lost.
. "${0%/*}/lib.sh"
. "$top/tests/appliance.sh"
. "$top/tests/run.sh"

start=$(($(date +%s) / 86400 * 86400))
appliance_start --sessions 14 --span 2 --recording-size 1K-2K --now $start --clock fixed \
	--end $((start - 7200))
settings
mkdir dir
files_too recording,shell,screen
impatient
now=$start
day() {
	now=$((now + ${1:-86400}))
	appliance_control clock $now >clock.out
}
# two sessions with a recording
appliance_control truth --form recordings | awk '$2 == "recording" { print $1 }' | sort -u >lsids
refused=$(sed -n 1p lsids)
late=$(sed -n 2p lsids)
states() {
	sql "SELECT state, count(*) FROM recording ${1-} GROUP BY 1 ORDER BY 1"
}

step 0 "fetch sessions" fetch pra session
total=$(sql "SELECT count(*) FROM recording")
of_refused=$(sql "SELECT count(*) FROM recording WHERE lsid = '$refused'")
of_late=$(sql "SELECT count(*) FROM recording WHERE lsid = '$late'")
appliance_control fault add status code=404 match=lsid="$refused" >fault.out
appliance_control fault add internal-error match=lsid="$late" >fault.out
appliance_control fault add internal-error match=lsid="$refused" after=10000 >fault.out

step 65 "some recordings are refused, some fail for now" fetch pra file
says "the message has the reason" "of session $refused: HTTP 404"
is "all others are fetched" "SELECT count(*) FROM recording WHERE state = 'came'" $((total - of_refused - of_late))
is "refused recordings are tried again after a day" \
	"SELECT DISTINCT state, tries, next, reason LIKE '%HTTP 404%' FROM recording WHERE lsid = '$refused'" \
	"owed	1	$((now + 86400))	1"
is "failed ones after a back-off" \
	"SELECT DISTINCT state, tries, next, reason LIKE '%500%' FROM recording WHERE lsid = '$late'" \
	"owed	1	$((now + 60))	1"
is "the job has not failed and is due with the next recording" \
	"SELECT code, next, last_success FROM job WHERE step = 'fetch' AND data = 'file'" "	$((now + 60))	"
step 0 "store the fetched ones" store 2 file
day 60
step 69 "a run in which all due recordings fail" fetch pra file
is "is a failure with the reason" "SELECT code, program, reason LIKE '%500%', since FROM job
	WHERE step = 'fetch' AND data = 'file'" "69	praic-fetch	1	$now"
appliance_control fault clear >fault.out
appliance_control fault add status code=404 match=lsid="$refused" >fault.out
day 3600
step 0 "when they can be fetched" fetch pra file
is "the failure ends" "SELECT code, reason, next FROM job WHERE step = 'fetch' AND data = 'file'" \
	"		$((start + 86400))"
is "the refused ones still wait" "SELECT count(*) FROM recording WHERE state = 'owed'" "$of_refused"
step 0 "store the others" store 2 file
is "all others are fetched" "SELECT count(*) FROM recording WHERE state = 'came'" $((total - of_refused))

# Some days, and then they have expired.
for n in 1 2 3 4; do
	day
	praic_run fetch pra file >out 2>err
	echo "$? $(sql "SELECT count(*) FROM recording WHERE state = 'owed' AND lsid = '$refused'")" >>days
done
uniq -c days | tr -s ' ' >got
echo " 4 77 $of_refused" >want
same "each day they are refused, and nothing is lost" want got
is "the job fails since the first day" "SELECT failures, since FROM job WHERE step = 'fetch' AND data = 'file'" "5	$((start + 3660 + 86400))"
is "last_success stays where it was" "SELECT last_success FROM job WHERE step = 'fetch' AND data = 'file'" ""
is "they are still owed" "SELECT count(*) FROM recording WHERE state = 'owed'" "$of_refused"
appliance_control set recording-retention 1 >set.out
appliance_control fault clear >fault.out
day
step 65 "when they have expired" fetch pra file
says "the loss is reported" "recordings lost: $of_refused"
is "they are lost, not mailed yet, not acknowledged" \
	"SELECT state, reported, acked, count(*) FROM recording WHERE lsid = '$refused'" "lost			$of_refused"
is "the job has nothing left to do" "SELECT code, count(*) FROM job WHERE step = 'fetch' AND data = 'file'" "	1"
runs=$(sql "SELECT sum(runs) FROM job")
day 600
step 0 "the next run" fetch pra file
is "does not try them again" "SELECT count(*) FROM recording WHERE state = 'lost'" "$of_refused"

# If the site is down, no recording counts as tried.
appliance_control set recording-retention none >set.out
sql "UPDATE recording SET state = 'owed', next = NULL, tries = 0, reported = NULL WHERE state = 'came'"
owed=$(sql "SELECT count(*) FROM recording WHERE state = 'owed'")
appliance_control fault set hang-up >fault.out
rm -rf spool/1/files
step 69 "a site that is down" fetch pra file
is "all are still owed, without a try" "SELECT count(*), max(tries) FROM recording WHERE state = 'owed'" "$owed	0"
is "the job waits a minute" "SELECT next FROM job WHERE step = 'fetch' AND data = 'file'" $((now + 60))
appliance_control fault clear >fault.out
day 600
step 0 "when the site is back" fetch pra file
is "all are fetched" "SELECT count(*) FROM recording WHERE state = 'came'" "$owed"
step 0 "store them" store 2 file

# Recordings that were never requested and are older than the appliance's retention.
sql "UPDATE recording SET state = 'owed', next = NULL, tries = 0 WHERE lsid = '$late'"
day $((100 * 86400))
step 65 "100 days later" fetch pra session
says "the loss is reported" "were not fetched in time"
is "the recording is lost" "SELECT DISTINCT state FROM recording WHERE lsid = '$late'" lost

# Recordings that had expired before the first request are gone, which is not a loss.
sql "DELETE FROM recording; DELETE FROM left_out; UPDATE job SET mark = NULL, last_success = NULL WHERE step = 'fetch'"
appliance_control set retention 400 >set.out
"$conf" setting set retention-days=130 >out 2>&1
appliance_control set recording-retention 1 >set.out
rm -rf spool/1/files
step 0 "fetch old sessions" fetch pra session
step 0 "fetch their expired recordings" fetch pra file
is "they are gone" "SELECT state, count(*) FROM recording GROUP BY 1" "gone	$total"
is "and that is a success" "SELECT code, last_success FROM job WHERE step = 'fetch' AND data = 'file'" "	$now"

# At most 200 at a time, those of the oldest sessions first.
sql "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 250)
	INSERT INTO recording (site_id, host_name, lsid, kind, session, session_start, session_end,
		state, noted, named)
	SELECT site_id, host_name, printf('%032d', n), 'recording', session, $now - n, $now - n,
		'owed', $now, $now FROM n, (SELECT * FROM recording LIMIT 1)"
stub praic-fetch <<END
for list; do :; done
cp "\$list" "$work/list.rec"
exit 69
END
step 69 "250 recordings are owed" fetch pra file
unstub praic-fetch
grep -c '^R	recording' list.rec >got
awk -F '\t' '$1 == "S" { print $3 + 0 }' list.rec | sort -n | sed -n '1p; $p' >>got
printf '%s\n' 200 51 250 >want
same "200 are asked for, the oldest" want got

# praic-run tells praic-fetch to stop after an hour.  What came until then is stored.
appliance_control set recording-retention none >set.out
sql "DELETE FROM recording; UPDATE job SET mark = NULL WHERE step = 'fetch'"
step 0 "fetch the sessions again" fetch pra session
appliance_control fault add sleep seconds=100 match=lsid="$late" >fault.out
stub praic-fetch <<END
echo \$\$ >"$work/fetch.pid"
exec $fetch --rate 0 "\$@"
END
rm -f spool/1/files/*
praic_run fetch pra file >out 2>err &
pid=$!
tries=0
until [ "$(find spool/1/files -name '[!.]*' -type f | wc -l)" -ge $((total - of_late)) ] || [ $tries -gt 300 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
kill -TERM "$(cat fetch.pid)"
wait $pid
echo $? >got
echo 0 >want
same "a fetch that is ended while one recording comes" want got
is "the others came" "SELECT state, count(*), max(reason) FROM recording GROUP BY 1 ORDER BY 1" \
	"came	$((total - of_late))	
owed	$of_late	praic-fetch was told to stop before it came"
done_testing
