#!/bin/sh
# praic-run: each step, on an appliance.
. "${0%/*}/lib.sh"
. "$top/tests/appliance.sh"
. "$top/tests/run.sh"

appliance_start --sessions 30 --span 3 --end "$(($(date +%s) - 86400))" --recording-size 1K-4K --backup-size 5000
settings
mkdir dir

# What is wrong with the words.
step 64 "no words"
step 64 "a step that is none" sweep pra session
step 64 "too many words" fetch pra session now
step 78 "a site that is none" fetch nowhere session
says "is named" "fetch nowhere session: there is no such job"
is "and nothing is noted" "SELECT count(*) FROM run" 0

# Sessions.
step 0 "sessions are fetched" fetch pra session
silent "and nothing is said"
is "the job is well" "SELECT runs, failures, code, next, mark > 0, oldest, swept IS NOT NULL,
	sessions > 20, rows > 0, bytes > 0, good_start = last_start, last_success >= last_start
	FROM job WHERE step = 'fetch'" "1	0			1	0	1	1	1	1	1	1"
is "and history knows it" "SELECT name, code, reason, sessions > 20 FROM run" "fetch pra session	0		1"
last=$(sql "SELECT last FROM job WHERE step = 'fetch'")
is "the log has a row for each file" "SELECT count(*) FROM log WHERE until > since AND bytes > 0" "$last"
check "and the files are there" test "$(find spool/1/session -name '*.rec' | wc -l)" -eq "$last"
check "nothing else is left" test -z "$(ls spool/1/session/tmp)"
step 0 "and stored" store 1 session
silent "and nothing is said"
all_stored "all of them"
is "nothing is left to do" "SELECT position = $last, next, code, last_success IS NOT NULL
	FROM job WHERE step = 'store'" "1			1"
is "what all have read goes" "SELECT count(*) FROM log" 0
check "with its files" test -z "$(find spool/1/session -type f)"
step 0 "storing again does nothing" store 1 session

# What is new.
appliance_control add 2 | grep -o '[0-9a-f]\{32\}' >added
appliance_control clock +60 >clock.out
step 0 "sessions that are new" fetch pra session
step 0 "are stored" store 1 session
all_stored "too"
is "one that is not over is known" "SELECT count(*) >= 2 FROM open_session" 1
while read -r lsid; do appliance_control end "$lsid" >end.out; done <added
appliance_control clock +60 >clock.out
step 0 "when it is over" fetch pra session
step 0 "it is stored" store 1 session
is "and known no more" "SELECT count(*) FROM open_session WHERE lsid IN ('$(sed -n 1p added)', '$(sed -n 2p added)')" 0
sqlite3 sessions.db "SELECT count(*) FROM session WHERE end_time IS NOT NULL AND lsid IN ('$(sed -n 1p added)', '$(sed -n 2p added)')" >got
echo 2 >want
same "with its end" want got

# A failure, its reason, and its back-off.
appliance_control clock +2000 >clock.out
step 0 "all that there is" fetch pra session
step 0 "is stored" store 1 session
now=1800000000
sql "UPDATE job SET next = 1800000000, asked = 1800000000 WHERE step = 'fetch'"
appliance_control fault set status code=403 >fault.out
step 77 "an appliance that refuses" fetch pra session
tail -n 1 err >last
says "the last line is the reason" "praic-run: fetch pra session: praic-fetch: pra" last
is "noted with a back-off" "SELECT code, program, reason <> '', since, wait, next, tries, failures
	FROM job WHERE step = 'fetch'" "77	praic-fetch	1	1800000000	60	1800000060	1	1"
is "last_success stays" "SELECT last_success < 1800000000 FROM job WHERE step = 'fetch'" 1
now=1800000060
step 77 "again" fetch pra session
is "is waited for twice as long, since the first one" "SELECT since, wait, next, tries
	FROM job WHERE step = 'fetch'" "1800000000	120	1800000180	2"
check "the client log has the filter's words" grep -q 'fetch pra session: praic-fetch: pra' log/client-*.log
now=1800000180
sql "UPDATE job SET next = 1800000100, asked = 1800000100 WHERE transfer_id = 1"
appliance_control fault clear >fault.out
step 0 "it succeeds" fetch pra session
is "nothing is left of the failure" "SELECT code, program, reason, since, wait, next, tries, failures
	FROM job WHERE step = 'fetch'" "						0	2"
is "a store that was asked for before has nothing more to wait for" "SELECT next, last_success
	FROM job WHERE transfer_id = 1" "	1800000180"
sql "UPDATE job SET next = 1800000500, asked = 1800000500, last_success = 5 WHERE transfer_id = 1"
step 0 "one that was asked for since" fetch pra session
is "waits for a fetch that begins later, and all that came is stored" \
	"SELECT next, last_success FROM job WHERE transfer_id = 1" "1800000500	1800000180"
appliance_control add 1 --length 60 >added.out
appliance_control clock +2000 >clock.out
sql "UPDATE job SET next = NULL, asked = 1800000180 WHERE transfer_id = 1"
step 0 "a fetch, in whose first second a store was asked for and over" fetch pra session
is "lets it read what came" "SELECT next FROM job WHERE transfer_id = 1" 1800000180
step 0 "which it does" store 1 session
# somebody asks while it runs
stub praic-fetch <<END
sqlite3 -cmd '.timeout 20000' "$PRAIC_SETTINGS" "UPDATE job SET next = 1800000190 WHERE step = 'fetch'"
exec $fetch "\$@"
END
step 0 "a fetch during which it is asked for again" fetch pra session
unstub praic-fetch
is "is due again" "SELECT next FROM job WHERE step = 'fetch'" 1800000190
sql "UPDATE job SET next = NULL, asked = NULL"
now=

# A job that another process has.
runs=$(sql "SELECT sum(runs) FROM job")
flock spool/lock/1 sleep 3 &
sleep 0.3
step 75 "a job that another process has" fetch pra session
says "says so" "another process is at it"
is "nothing is noted" "SELECT sum(runs) FROM job" "$runs"
wait $!

# Told to stop.
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
same "told to stop, it ends with 75" want got
check "and its filter has ended" sh -c '! kill -0 "$(cat fetch.pid)"'
is "that is no failure" "SELECT sum(runs) FROM job" "$runs"
unstub praic-fetch

# Recordings, and a command.
files_too recording,shell,screen
cat >command <<END
cat >>"$work/command.rec"
END
"$conf" destination add pipe exec "command=exec sh $work/command" >out 2>&1
"$conf" transfer add night pra pipe session,shell >out 2>&1 || fail "a command" out
step 0 "all is fetched once more" fetch pra session
is "recordings are owed" "SELECT count(*) > 0, min(state), max(state) FROM recording" "1	owed	owed"
is "and due" "SELECT next <= unixepoch() FROM job WHERE step = 'fetch' AND data = 'file'" 1
step 0 "they are fetched" fetch pra file
silent "and nothing is said"
is "all came" "SELECT count(*) FROM recording WHERE state <> 'came' OR number IS NULL" 0
step 0 "stored in a directory" store 2 file
silent "and nothing is said"
all_files "all of them"
step 0 "a command reads sessions" store 3 session
step 0 "and files" store 3 file
awk -F '\t' '$1 == "R" && $2 == "session" && NF > 5 { print $4 }' command.rec | sort -u >got
appliance_control truth --form sessions --no-hashes | cut -f 1 | sort >want
same "it has all sessions" want got
awk -F '\t' '$1 == "R" && $2 == "file" { print $8 }' command.rec | sort >got
sql "SELECT count(*) FROM recording WHERE kind = 'shell'" >want
awk -F '\t' '$1 == "R" && $2 == "file" { print $3 }' command.rec | sort | uniq -c | awk '{ print $1 }' >got
same "and the files of its kind, and no others" want got
is "all are past all files" "SELECT count(*) FROM log WHERE data = 'file'" 0
step 0 "the database has none of it twice" store 1 session
all_stored "as before"

# The locks: of a command that leaves a process behind, and of a praic-run that
# is killed.
cp command command.kept
more() {
	sql "UPDATE job SET mark = NULL WHERE step = 'fetch' AND data = 'session'"
	praic_run fetch pra session >out 2>&1
}
more
echo 'cat >/dev/null; sleep 20 >sleep.out 2>&1 & echo $! >left.pid' >command
step 0 "a command that leaves a process behind" store 3 session
more
step 0 "which holds up nobody" store 3 session
kill "$(cat left.pid)"
echo 'cat >/dev/null; trap "" TERM; : >begun; for n in 1 2 3 4 5 6 7 8 9 10; do [ -e go-on ] || sleep 1; done' >command
more
"$praic_run" store 3 session >killed.out 2>&1 &
pid=$!
until [ -e begun ]; do sleep 0.05; done
kill -9 "$pid"
wait "$pid" 2>/dev/null
step 75 "a command goes on after praic-run was killed" store 3 session
: >go-on
flock spool/lock/destination-3 true
step 0 "when it has ended" store 3 session
cp command.kept command
echo 'cat >/dev/null; echo "command: I do not like it" >&2; exit 65' >command
for n in 1 2; do
	more
	step 65 "a command that leaves something out" store 3 session
done
is "is told once a day, for nobody knows what it was" "SELECT count(*), program, code FROM left_out" "1	sh	left-out"
check "and the file is kept" test "$(find spool/1/failed -name '3-session-*.rec' | wc -l)" -eq 1
rm -rf spool/1/failed
sql "DELETE FROM left_out"
cp command.kept command
praic_run store 1 session >out 2>&1

# A backup.
"$conf" transfer set 2 kinds=recording,shell,screen,backup >out 2>&1 || fail "backups, too" out
step 0 "a backup" backup 2
silent "says nothing"
check "is stored" test -n "$(find dir -name '*.nsb')"
check "and nothing of it is left" test -z "$(find spool/1/backup -type f)"
stub praic-tofs <<'END'
echo "praic-tofs: the disk is on fire" >&2
exit 74
END
sleep 1
step 74 "one that cannot be stored" backup 2
says "says why" "backup 2: praic-tofs: the disk is on fire"
stub praic-fetch <<'END'
echo 'praic-fetch: not again' >&2
exit 69
END
unstub praic-tofs
step 0 "is stored next time, and not fetched again" backup 2
unstub praic-fetch
is "a backup that is stored is a success" "SELECT code, next, last_success > 0 FROM job WHERE step = 'backup'" "		1"

# Secrets of the environment.
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
step 0 "a secret of the environment" fetch pra session
echo PRA_SECRET >want
same "reaches praic-fetch, and no other does" want fetch.env
check "and not praic-split" test ! -s split.env
done_testing
