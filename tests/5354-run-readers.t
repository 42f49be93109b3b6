#!/bin/sh
# praic-run: several readers of one log, a transfer added later, a command that gets
# nothing twice, -n, and the look-back.
. "${0%/*}/lib.sh"
. "$top/tests/appliance.sh"
. "$top/tests/run.sh"

# Yesterday: praic-conf takes the real time, which must not be before the one used here.
start=$(($(date +%s) / 86400 * 86400 - 86400))
appliance_start --sessions 14 --span 3 --recording-size 1K-2K --now $start --clock fixed \
	--end $((start - 7200))
settings
now=$start
impatient
mkdir dir
files_too session,recording
cat >command <<END
exec praic-uniq -d "$work/seen.db" -- sh -c 'cat >>"$work/command.rec"'
END
"$conf" destination add pipe exec "command=sh $work/command" >out 2>&1
"$conf" transfer add night pra pipe session >out 2>&1 || fail "a command" out
asked() {
	wc -l <"$appliance_dir/log" | tr -d ' '
}
sql "UPDATE job SET mark = NULL, swept = $start"

# One fetch, three readers.
step 0 "fetch once" fetch pra session
before=$(asked)
for transfer in 1 2 3; do
	step 0 "reader $transfer" store $transfer session
done
check "readers send no requests" test "$(asked)" = "$before"
all_stored "the database has all sessions"
appliance_control truth --form sessions --no-hashes | awk '$2 == "closed"' | wc -l >want
find dir -name '*.xml' | wc -l >got
same "the directory has all that have ended" want got
awk -F '\t' '$1 == "R" && $2 == "session" { print $4 }' command.rec | sort >got
appliance_control truth --form sessions --no-hashes | cut -f 1 | sort >want
same "the command has each once" want got

# A destination that is down does not affect the others.
stub praic-tosql <<'END'
echo "praic-tosql: the database is down" >&2
exit 69
END
for n in 1 2 3; do
	now=$((now + 1200))
	appliance_control clock $now >clock.out
	appliance_control add 1 --length 60 >added.out
	now=$((now + 600))
	appliance_control clock $now >clock.out
	step 0 "fetch a new session" fetch pra session
	step 69 "the database is down" store 1 session
	step 0 "the directory is not affected" store 2 session
	step 0 "nor is the command" store 3 session
done
is "the one that is down has a backlog" "SELECT backlog > 0 FROM job_view WHERE transfer_id = 1" 1
is "the others have none" "SELECT DISTINCT backlog FROM job_view WHERE transfer_id IN (2, 3) AND data = 'session'" 0
unstub praic-tosql

# -n prints the commands that would run; they can be pasted into a shell.
step 0 "-n" -n store 1 session
silent "prints no message"
cp out printed
check "prints a line for each file" test "$(wc -l <printed)" -eq "$(sql "SELECT backlog FROM job_view WHERE transfer_id = 1")"
runs=$(sql "SELECT runs FROM job WHERE transfer_id = 1")
sh -e printed >out 2>err || fail "pasted, they fail" err
all_stored "pasted, they store the backlog"
is "and note nothing" "SELECT runs FROM job WHERE transfer_id = 1" "$runs"
step 0 "the next run stores it again" store 1 session
all_stored "with the same result"
sqlite3 sessions.db "SELECT count(*) FROM session" >got
appliance_control truth --form sessions --no-hashes | wc -l >want
same "each session is stored once" want got
step 0 "-n of a fetch" -n fetch pra session
check "prints a pipe that writes records" sh -c "sh -e out 2>pasted.err | tail -n 1 | grep -q '^Z'"
step 0 "-n of recordings" -n fetch pra file
cp out printed
step 0 "-n of a command" -n store 3 session
sh -e printed >pasted.rec 2>err || fail "recordings, pasted" err
check "pasted, it fetches recordings" test -n "$(ls spool/1/files)"
step 0 "the next run finds them in the spool" fetch pra file
step 0 "and stores them" store 2 file
appliance_control truth --form recordings | awk '$2 == "recording" { print $5 }' | sort >want
find dir -type f ! -name '*.xml' ! -name '.*' -exec sha256sum {} + | cut -d ' ' -f 1 | sort >got
same "each once" want got

# A transfer that is added later gets older data; the others are not affected.
wc -l <command.rec >before
cp sessions.db before.db
"$conf" destination add late sql "connection=$work/late.db" >out 2>&1
"$conf" transfer add night pra late session >out 2>&1 || fail "one more" out
step 0 "a fetch" fetch pra session
step 0 "the new transfer" store 4 session
all_stored "gets all older sessions" late.db
for transfer in 1 2 3; do
	step 0 "reader $transfer" store $transfer session
done
all_stored "the database has no session twice"
awk -F '\t' '$1 == "R" && $2 == "session"' command.rec | wc -l >got
awk -F '\t' '$1 == "R" && $2 == "session"' command.rec | sort -u | wc -l >want
same "the command gets no session twice" want got
"$conf" destination add new sql "connection=$work/new.db" >out 2>&1
"$conf" transfer add night pra new session since=now >out 2>&1 || fail "another" out
step 0 "a fetch" fetch pra session
step 0 "a transfer with since=now" store 5 session
check "gets at most the overlap" test "$(stored_lsids new.db 2>/dev/null | wc -l)" -le 1
is "all have read the whole log" "SELECT count(*) FROM log, job_view WHERE backlog > 0 AND transfer_id > 4" 0

# The look-back runs once a day and finds sessions that changed late.
for transfer in 1 2 3 4 5; do praic_run store $transfer session >out 2>&1; done
is "the look-back ran today" "SELECT swept >= $start FROM job WHERE step = 'fetch' AND data = 'session'" 1
now=$((now + 86400))
appliance_control clock $now >clock.out
mark=$(sql "SELECT mark FROM job WHERE step = 'fetch' AND data = 'session'")
stub praic-fetch <<END
case "\$*" in
*--until*) $fetch --dry-run "\$@" || exit; echo "praic-fetch: pra: the past is not to be had" >&2; exit 69 ;;
esac
exec $fetch --timeout 1 --rate 0 "\$@"
END
step 0 "a look-back that fails" fetch pra session
says "is told" "the look-back failed: praic-fetch: pra: the past is not to be had"
is "the job is a success, and what is new goes on" "SELECT code, next, mark > $mark, sweep_reason,
	sweep_next, sweep_since FROM job WHERE step = 'fetch' AND data = 'session'" \
	"		1	pra: the past is not to be had	$((now + 60))	$now"
now=$((now + 30))
appliance_control clock $now >clock.out
step 0 "its own back-off" fetch pra session
silent "delays the next try"
for n in 60 120; do
	now=$((now + n))
	appliance_control clock $now >clock.out
	praic_run fetch pra session >out 2>err
done
is "and doubles" "SELECT sweep_wait, code FROM job WHERE step = 'fetch' AND data = 'session'" "240	"
impatient
praic_run store 1 session >out 2>err
rm -f sessions.db
sql "UPDATE destination SET existing = 0"
now=$((now + 3600))
appliance_control clock $now >clock.out
step 0 "when it succeeds" fetch pra session
silent "no message is printed"
is "the failure is cleared" "SELECT swept >= $now - 60, sweep_reason, sweep_wait, sweep_next, sweep_since
	FROM job WHERE step = 'fetch' AND data = 'session'" "1				"
step 0 "its sessions are stored" store 1 session
all_stored "the database has all sessions"

# Clocks that are set back.
sql "UPDATE job SET mark = mark + 40 * 86400 WHERE step = 'fetch' AND data = 'session'"
step 0 "a mark ahead of the appliance's clock" fetch pra session
is "is set back, and a look-back runs" "SELECT mark <= $now, swept >= $now - 60 FROM job
	WHERE step = 'fetch' AND data = 'session'" "1	1"
is "over a week" "SELECT min(since) <= $now - 7 * 86400 + 60 OR min(since) = (SELECT oldest FROM job WHERE step = 'fetch' AND data = 'session') FROM log" 1

# Fetched too late: the expired span is reported.
appliance_control clock +$((100 * 86400)) >clock.out
now=$((now + 100 * 86400))
step 65 "100 days without a fetch" fetch pra session
says "what was lost is told" "were not fetched in time: the appliance keeps its data for 28 days"
is "and known until it is acknowledged" "SELECT code, kind, acked FROM left_out" "lost	session	"
is "the job goes on" "SELECT code, mark > $now - 3600 FROM job WHERE step = 'fetch' AND data = 'session'" "	1"
done_testing
