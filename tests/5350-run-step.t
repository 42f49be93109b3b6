#!/bin/sh
# praic-run: each step, with an appliance.
. "${0%/*}/lib.sh"
. "$top/tests/appliance.sh"
. "$top/tests/run.sh"

appliance_start --sessions 30 --span 3 --end "$(($(date +%s) - 86400))" --recording-size 1K-4K --backup-size 5000
settings
"$conf" setting set retention-days=10 >out 2>&1
mkdir dir

# Errors of the arguments.
step 64 "no arguments"
step 64 "an unknown step" sweep pra session
step 64 "too many arguments" fetch pra session now
step 78 "an unknown site" fetch nowhere session
says "is named" "fetch nowhere session: there is no such job"
is "nothing is noted" "SELECT count(*) FROM run" 0

# Sessions.
step 0 "fetch sessions" fetch pra session
silent "prints no message"
is "the job has succeeded" "SELECT runs, failures, code, next, mark > 0, oldest, swept IS NOT NULL,
	sessions > 20, rows > 0, bytes > 0, good_start = last_start, last_success >= last_start
	FROM job WHERE step = 'fetch'" "1	0			1	0	1	1	1	1	1	1"
is "the history has the run" "SELECT name, code, reason, sessions > 20 FROM run" "fetch pra session	0		1"
last=$(sql "SELECT last FROM job WHERE step = 'fetch'")
is "the log has a row for each file" "SELECT count(*) FROM log WHERE until > since AND bytes > 0" "$last"
check "and the files exist" test "$(find spool/1/session -name '*.rec' | wc -l)" -eq "$last"
check "no temporary file is left" test -z "$(ls spool/1/session/tmp)"
step 0 "store sessions" store 1 session
silent "prints no message"
all_stored "all are stored"
is "the job has nothing left to do" "SELECT position = $last, next, code, last_success IS NOT NULL
	FROM job WHERE step = 'store'" "1			1"
is "log rows that all have read are removed" "SELECT count(*) FROM log" 0
check "with their files" test -z "$(find spool/1/session -type f)"
step 0 "storing again does nothing" store 1 session

# New sessions.
appliance_control add 2 | grep -o '[0-9a-f]\{32\}' >added
appliance_control clock +60 >clock.out
step 0 "fetch new sessions" fetch pra session
step 0 "store them" store 1 session
all_stored "all are stored"
is "sessions in progress are noted" "SELECT count(*) >= 2 FROM open_session" 1
while read -r lsid; do appliance_control end "$lsid" >end.out; done <added
appliance_control clock +60 >clock.out
step 0 "fetch them when they have ended" fetch pra session
step 0 "store them" store 1 session
is "they are not noted any more" "SELECT count(*) FROM open_session WHERE lsid IN ('$(sed -n 1p added)', '$(sed -n 2p added)')" 0
sqlite3 sessions.db "SELECT count(*) FROM session WHERE end_time IS NOT NULL AND lsid IN ('$(sed -n 1p added)', '$(sed -n 2p added)')" >got
echo 2 >want
same "the end times are stored" want got

# A failure, its reason, and its back-off.
appliance_control clock +2000 >clock.out
step 0 "fetch the rest" fetch pra session
step 0 "store it" store 1 session
now=1800000000
"$conf" setting set retention-days=90 >out 2>&1
sql "UPDATE job SET next = 1800000000, asked = 1800000000 WHERE step = 'fetch'"
appliance_control fault set status code=403 >fault.out
step 77 "an appliance that refuses" fetch pra session
tail -n 1 err >last
says "the last line is the reason" "praic-run: fetch pra session: praic-fetch: pra" last
is "noted with a back-off" "SELECT code, program, reason <> '', since, wait, next, tries, failures
	FROM job WHERE step = 'fetch'" "77	praic-fetch	1	1800000000	60	1800000060	1	1"
is "last_success is unchanged" "SELECT last_success < 1800000000 FROM job WHERE step = 'fetch'" 1
now=1800000060
step 77 "a second failure" fetch pra session
is "doubles the wait; since is unchanged" "SELECT since, wait, next, tries
	FROM job WHERE step = 'fetch'" "1800000000	120	1800000180	2"
check "the client log has the filter's message" grep -q 'fetch pra session: praic-fetch: pra' log/client-*.log
now=1800000180
sql "UPDATE job SET next = 1800000100, asked = 1800000100 WHERE transfer_id = 1"
appliance_control fault clear >fault.out
step 0 "a success" fetch pra session
is "clears the failure" "SELECT code, program, reason, since, wait, next, tries, failures
	FROM job WHERE step = 'fetch'" "						0	2"
is "a store job asked for before the fetch is done" "SELECT next, last_success
	FROM job WHERE transfer_id = 1" "	1800000180"
sql "UPDATE job SET next = 1800000500, asked = 1800000500, last_success = 5 WHERE transfer_id = 1"
step 0 "a store job asked for after the fetch began" fetch pra session
is "waits for a later fetch" \
	"SELECT next, last_success FROM job WHERE transfer_id = 1" "1800000500	1800000180"
appliance_control add 1 --length 60 >added.out
appliance_control clock +2000 >clock.out
sql "UPDATE job SET next = NULL, asked = 1800000180 WHERE transfer_id = 1"
step 0 "a store job asked for in the second when the fetch began" fetch pra session
is "is due" "SELECT next FROM job WHERE transfer_id = 1" 1800000180
step 0 "and stores the data" store 1 session
# a request during the run
stub praic-fetch <<END
sqlite3 -cmd '.timeout 20000' "$PRAIC_SETTINGS" "UPDATE job SET next = 1800000190 WHERE step = 'fetch'"
exec $fetch "\$@"
END
step 0 "a fetch that is asked for again while it runs" fetch pra session
unstub praic-fetch
is "is due again" "SELECT next FROM job WHERE step = 'fetch'" 1800000190
sql "UPDATE job SET next = NULL, asked = NULL"
now=
"$conf" setting set retention-days=10 >out 2>&1

# A job that another process runs.
runs=$(sql "SELECT sum(runs) FROM job")
flock spool/lock/1 sleep 3 &
sleep 0.3
step 75 "a job that another process has" fetch pra session
says "says so" "another process is doing it"
is "nothing is noted" "SELECT sum(runs) FROM job" "$runs"
wait $!

# SIGTERM.
stub praic-fetch <<END
echo \$\$ >"$work/fetch.pid"
sleep 60 &
wait
END
"$praic_run" fetch pra session 2>err &
pid=$!
until [ -s fetch.pid ]; do sleep 0.05; done
kill "$pid"
wait "$pid"
echo $? >got
echo 75 >want
same "SIGTERM ends it with 75" want got
check "and its filter" sh -c '! kill -0 "$(cat fetch.pid)"'
is "which is not a failure" "SELECT sum(runs) FROM job" "$runs"
unstub praic-fetch

# A filter that cannot be started.
stub praic-uniq <<END
: >"$work/uniq.begun"
exec $uniq "\$@"
END
sql "UPDATE job SET mark = NULL WHERE step = 'fetch' AND data = 'session'"
FAULT_PROGRAM=praic-run FAULT=fork:2:EAGAIN LD_PRELOAD=$faults run 71 "praic-split cannot be started" \
	"$praic_run" fetch pra session
says "says so" "praic-split: it cannot be started"
check "praic-uniq is not started then" test ! -e uniq.begun
unstub praic-uniq

# Recordings, and a command.
files_too recording,shell,screen
cat >command <<END
cat >>"$work/command.rec"
END
"$conf" destination add pipe exec "command=exec sh $work/command" >out 2>&1
"$conf" transfer add night pra pipe session,shell >out 2>&1 || fail "a command" out
step 0 "fetch everything again" fetch pra session
is "recordings are owed" "SELECT count(*) > 0, min(state), max(state) FROM recording" "1	owed	owed"
is "and due" "SELECT next <= unixepoch() FROM job WHERE step = 'fetch' AND data = 'file'" 1
step 0 "fetch recordings" fetch pra file
silent "prints no message"
is "all are fetched" "SELECT count(*) FROM recording WHERE state <> 'came' OR number IS NULL" 0
step 0 "store them in a directory" store 2 file
silent "prints no message"
all_files "all are stored"
step 0 "a command reads sessions" store 3 session
step 0 "and files" store 3 file
awk -F '\t' '$1 == "R" && $2 == "session" && NF > 5 { print $4 }' command.rec | sort -u >got
appliance_control truth --form sessions --no-hashes | cut -f 1 | sort >want
same "it gets all sessions" want got
awk -F '\t' '$1 == "R" && $2 == "file" { print $8 }' command.rec | sort >got
sql "SELECT count(*) FROM recording WHERE kind = 'shell'" >want
awk -F '\t' '$1 == "R" && $2 == "file" { print $3 }' command.rec | sort | uniq -c | awk '{ print $1 }' >got
same "and the files of its kind, and no others" want got
is "all have read all files" "SELECT count(*) FROM log WHERE data = 'file'" 0
step 0 "the database reads the log again" store 1 session
all_stored "no session is stored twice"

# Locks when a command leaves a process behind, and when praic-run is killed.
cp command command.kept
more() {
	sql "UPDATE job SET mark = NULL WHERE step = 'fetch' AND data = 'session'"
	praic_run fetch pra session >out 2>&1
}
more
echo 'cat >/dev/null; sleep 20 >sleep.out 2>&1 & echo $! >left.pid' >command
step 0 "a command that leaves a process behind" store 3 session
more
step 0 "which does not block the next run" store 3 session
kill "$(cat left.pid)"
echo 'cat >/dev/null; trap "" TERM; : >begun; for n in 1 2 3 4 5 6 7 8 9 10; do [ -e go-on ] || sleep 1; done' >command
more
"$praic_run" store 3 session >killed.out 2>&1 &
pid=$!
until [ -e begun ]; do sleep 0.05; done
kill -9 "$pid"
wait "$pid" 2>/dev/null
step 75 "a command that runs on after praic-run was killed" store 3 session
: >go-on
flock spool/lock/destination-3 true
step 0 "after it has ended" store 3 session
cp command.kept command
echo 'cat >/dev/null; echo "command: I do not like it" >&2; exit 65' >command
for n in 1 2; do
	more
	step 65 "a command that leaves something out" store 3 session
done
is "is recorded once a day, because its sessions are not known" "SELECT count(*), program, code FROM left_out" "1	sh	left-out"
check "the file is kept" test "$(find spool/1/failed -name '3-session-*.rec' | wc -l)" -eq 1
rm -rf spool/1/failed
sql "DELETE FROM left_out"
cp command.kept command
praic_run store 1 session >out 2>&1

# A backup.
"$conf" transfer set 2 kinds=recording,shell,screen,backup >out 2>&1 || fail "backups, too" out
step 0 "a backup" backup 2
silent "prints no message"
check "is stored" test -n "$(find dir -name '*.nsb')"
check "and removed from the spool" test -z "$(find spool/1/backup -type f)"
stub praic-tofs <<'END'
echo "praic-tofs: the disk is on fire" >&2
exit 74
END
sleep 1
step 74 "a backup that cannot be stored" backup 2
says "gives the reason" "backup 2: praic-tofs: the disk is on fire"
stub praic-fetch <<'END'
echo 'praic-fetch: not again' >&2
exit 69
END
unstub praic-tofs
step 0 "is stored by the next run without another fetch" backup 2
unstub praic-fetch
is "and the job has succeeded" "SELECT code, next, last_success > 0 FROM job WHERE step = 'backup'" "		1"

# Secrets in the environment.
PRA_SECRET=$(cat "$PRAIC_SECRET_FILE")
OTHER_SECRET=hidden
export PRA_SECRET OTHER_SECRET
"$conf" site set pra secret=env:PRA_SECRET >out 2>&1 || fail "a secret of the environment" out
"$conf" setting set notify-password=env:OTHER_SECRET >out 2>&1 || fail "another" out
for program in fetch split; do
	stub praic-$program <<-END
		env | grep -o '[A-Z]*_SECRET' >"$work/$program.env"
		exec $(dirname "$(dirname "$fetch")")/$program/praic-$program "\$@"
	END
done
step 0 "a secret in the environment" fetch pra session
echo PRA_SECRET >want
same "reaches praic-fetch, and no other does" want fetch.env
check "and not praic-split" test ! -s split.env

step 0 "a dry run with nothing to do" -n store 1 session
says "says so" "nothing is waiting" out

# With this machine's clock far ahead, the appliance is not asked for ever.
"$conf" site set pra "secret=file:$PRAIC_SECRET_FILE" >out 2>&1
rm -f stubs/praic-*
run 0 "a clock that is 200 days ahead" timeout 60 "$praic_run" --now $(($(date +%s) + 200 * 86400)) \
	fetch pra session
done_testing
