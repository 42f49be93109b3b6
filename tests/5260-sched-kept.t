#!/bin/sh
# praic-sched: what is left out is kept, whatever it is and whoever left it
# out; one bad thing holds up no other.
. "$(dirname "$0")/lib.sh"
. "$top/tests/sched.sh"
sched_settings

# praic-fetch gives the file "report", and does what fetch.do says before.
stub praic-fetch <<'X'
[ ! -e "$work/fetch.do" ] || . "$work/fetch.do"
cat "$work/report"
X
# a document with one session, whose tag BODY ends as TAG
document() {
	cat <<X
<?xml version="1.0"?>
<session_list><session lsid="$1"><session_type>support</session_type>
<start_time timestamp="1700000000"/><end_time timestamp="1700000100"/><session_details>
<event timestamp="1700000001" event_type="Chat Message"><body>x</$2></event>
</session_details><session_recording_download_url>https://x/y
</session_recording_download_url></session></session_list>
X
}
# report UNTIL LSID TAG [LSID TAG]...
report() {
	until=$1
	shift
	n=0
	while [ $# -gt 0 ]; do
		document "$1" "$2" | frame one.example.com
		n=$((n + 1))
		shift 2
	done >report
	printf '<?praic-end documents="%d" until="%s"?>\n' $n "$until" >>report
}
# kept N: how many files failed/ has
kept() {
	find "spool/$1/failed" -type f | wc -l
}

mkdir files
sql "INSERT INTO site (name, host, client_id, secret) VALUES ('one', 'one.example.com', 'x', 'env:X');
	INSERT INTO destination (name, kind, directory) VALUES ('dir', 'fs', '$work/files');
	INSERT INTO destination (name, kind, command) VALUES ('cmd', 'exec', '. $work/cmd.sh');
	INSERT INTO setting VALUES ('notify-server', 'mail.example.com')"
stub praic-mail <<'X'
for last; do :; done
cat "$last" >>"$work/mails"
X
sched_schedule files 60
sched_schedule cmd 60
sched_transfer 1 1 1 session
sched_transfer 2 1 2 session
now=1767258000
sql "UPDATE transfer_kind SET mark = $now, swept = $now"

# Two reports whose last complaint is the same; what it is about is not.
report $((now + 1)) aaaa bodi zzzz bodi
run 65 "a report with two bad sessions" "$sched" -r files --now $now
report $((now + 2)) bbbb bodi zzzz bodi
run 65 "another, with the same last words" "$sched" -r files --now $((now + 2))
check "both are kept" test "$(kept 1)" -eq 2
cat spool/1/failed/* >all
says "the one" 'lsid="aaaa"' all
says "and the other" 'lsid="bbbb"' all
check "nothing waits" test "$(find spool/1/new -type f | wc -l)" -eq 0
report $((now + 3)) bbbb bodi zzzz bodi
run 65 "the same once more, with another end mark" "$sched" -r files --now $((now + 3))
check "is kept once" test "$(kept 1)" -eq 2
check "and told once" test "$(grep -c 'LEFT OUT' mails)" -eq 2

# A session may say what an end mark says: the sum goes on behind it.
for other in eeee ffff; do
	document dddd bodi | sed 's/x<.bodi>/<![CDATA[\n<?praic-end documents="1" until="5"?>\n]]>&/' |
		frame one.example.com >baited
	report $((now + 3)) $other body
	cat baited report | sed 's/documents="1" until="17/documents="2" until="17/' >both
	mv both report
	run 65 "a session that holds an end mark, and then $other" "$sched" -r files \
		--now $((now + 3))
	says "$other" "lsid=\"$other\"" report
done
check "both of them are kept" test "$(kept 1)" -eq 4

# What cannot be kept stays where it is.
report $((now + 4)) cccc bodi
rm -r spool/1/failed
: >spool/1/failed
run 74 "there is no room for what is bad" "$sched" -r files --now $((now + 4))
rm spool/1/failed
check "it waits" test "$(find spool/1/new/session -type f | wc -l)" -eq 1
mkdir spool/1/failed
report $((now + 5)) dddd body
run 65 "and is kept the next time" "$sched" -r files --now $((now + 5))
check "one file" test "$(kept 1)" -eq 1
check "nothing waits" test "$(find spool/1/new -type f | wc -l)" -eq 0

# A command says no more than that something was bad.
echo 'cat >/dev/null; exit 65' >cmd.sh
report $((now + 1)) eeee body
run 65 "a command that has left something out" "$sched" -r cmd --now $now
report $((now + 2)) ffff body
run 65 "and again" "$sched" -r cmd --now $((now + 2))
cat spool/2/failed/* >all
says "the first is kept" 'lsid="eeee"' all
says "and the second" 'lsid="ffff"' all

# Bad data is no reason to take a busy destination's word for success.
echo 'cat >/dev/null; exit 75' >cmd.sh
report $((now + 3)) gggg bodi hhhh body
run 75 "a bad session, and a destination that is busy" "$sched" -r cmd --now $((now + 3))
check "the report waits" test "$(find spool/2/new/session -type f | wc -l)" -eq 1
echo 'cat >>$work/took' >cmd.sh
report $((now + 4)) iiii body
run 65 "when it is not" "$sched" -r cmd --now $((now + 4))
says "the good session arrives" "hhhh" took
check "nothing waits" test "$(find spool/2/new -type f | wc -l)" -eq 0

# Somebody is left in the background who holds what he was given.
cat >cmd.sh <<'X'
cat >/dev/null
sleep 60 &
echo $! >>"$work/left"
X
at_exit='kill $(cat "$work/left") 2>/dev/null'
report $((now + 5)) jjjj body
run 0 "a command that leaves a process behind" timeout 30 "$sched" -r cmd --now $((now + 5))
report $((now + 6)) kkkk body
run 0 "which does not hold the lock, either" timeout 30 "$sched" -r cmd --now $((now + 6))
check "both are still there" sh -c 'kill -0 $(cat left)'
cat >cmd.sh <<'X'
cat >/dev/null
(trap "" TERM; : >"$work/began"; exec sleep 60) &
echo $! >>"$work/left"
wait
X
report $((now + 7)) llll body
"$sched" -r cmd --now $((now + 7)) 2>err &
pid=$!
tries=0
until [ -e began ] || [ $tries -gt 100 ]; do tries=$((tries + 1)); sleep 0.1; done
kill -TERM $pid
tries=0
while kill -0 $pid 2>/dev/null && [ $tries -lt 100 ]; do tries=$((tries + 1)); sleep 0.1; done
check "TERM ends it, though one in the background does not heed it" test $tries -lt 100
wait $pid
check "with 0" test $? -eq 0
# shellcheck disable=SC2046
kill -9 $(cat left)

# Of one session the recording never comes.  The stub, asked for recordings,
# lists those of the sessions it reads until the one that is named in "bad";
# then it is in the middle of the next, and gives up.
stub praic-fetch <<'X'
case "$*" in
*recordings*) ;;
*) cat "$work/report"; exit ;;
esac
awk -v bad="$(cat "$work/bad")" -v code="$(cat "$work/code")" 'BEGIN {
	FS = OFS = "\t"
	print "praic-records", 1
	print "H", "session", "host_name", "lsid"
	print "H", "file", "kind", "instance", "name", "extension", "media_type", "bytes",
	    "sha256", "fetched_at"
}
$1 == "E" && $2 == bad {
	print "S", "one.example.com", $2
	printf "R\tfile\trecord"
	failed = 1
	exit
}
$1 == "E" {
	print "S", "one.example.com", $2
	print "R", "file", "recording", "\\N", $2 ".flv", "flv", "x", 2, "x", "\\N"
	print "R", "session", "one.example.com", $2
	print "E", $2, 2, 0
	n++
}
END {
	if (failed)
		exit code
	print "Z", n + 0, 0
}'
X
sql "INSERT INTO site (name, host, client_id, secret) VALUES ('two', 'two.example.com', 'x', 'env:X')"
echo 'cat >$work/last; grep "^E" <$work/last >>$work/took' >cmd.sh
sched_schedule films 60
sched_transfer 3 2 2 recording
sql "UPDATE transfer_kind SET mark = $now, swept = $now WHERE transfer_id = 3"
echo mm >bad
echo 69 >code
# took LSID: how often the destination has had it
took() {
	grep -c "^E	$1	" took
}
: >took
report $((now + 10)) kk body ll body mm body nn body
run 69 "one recording that does not come" "$sched" -r films --now $((now + 10))
took kk >got
took ll >>got
took nn >>got
printf '1\n1\n0\n' >want
same "what came before it is stored" want got
tail -n 1 last >got
printf 'Z\t2\t0\n' >want
same "by records with an end mark" want got
check "its report waits" test "$(find spool/3/new/recording -type f -name '*.late' | wc -l)" -eq 1
report $((now + 20)) oo body
run 69 "and the next report" "$sched" -r films --now $((now + 20))
check "is not held up" test "$(took oo)" -eq 1
check "one waits" test "$(find spool/3/new/recording -type f | wc -l)" -eq 1
check "the back-off grows once in each pass" test "$(sql "SELECT wait FROM failure
	WHERE transfer_id = 3")" -eq 120
# Five reports with nothing but it: they do not keep the sixth from its turn.
for i in 1 2 3 4 5; do
	report $((now + 20 + i)) mm body
	"$sched" -r films --now $((now + 20 + i)) 2>>err
done
report $((now + 30)) pp body
for i in 1 2 3; do
	[ "$(took pp)" -eq 0 ] || break
	"$sched" -r films --now $((now + 30 + i)) 2>>err
done
check "a sixth report comes to its turn" test "$(took pp)" -eq 1
echo 77 >code
run 77 "a refusal is one for all" "$sched" -r films --now $((now + 40))
check "the history has the one that was tried" test "$(sql "SELECT count(*) FROM run
	WHERE transfer_id = 3 AND step = 'fetch' AND code = 77")" -eq 1
: >bad
report $((now + 50)) qq body
run 0 "when it comes" "$sched" -r films --now $((now + 50))
check "it is stored" test "$(took mm)" -gt 0
check "and what came after it" test "$(took nn)" -eq 1
check "nothing waits" test "$(find spool/3/new/recording -type f | wc -l)" -eq 0
check "nothing fails" test "$(sql "SELECT count(*) FROM failure WHERE recovered IS NULL
	AND transfer_id = 3")" -eq 0

# What is due does not wait for the back-off of what is late; that does.
sql "DELETE FROM failure; UPDATE schedule SET enabled = name = 'films';
	INSERT INTO transfer_kind (transfer_id, kind, mark, swept) SELECT transfer_id, 'shell', mark,
	swept FROM transfer_kind WHERE transfer_id = 3"
echo mm >bad
echo 69 >code
: >took
report $((now + 100)) ma body mm body
run 69 "one recording does not come" "$sched" -1 --now $((now + 120))
late() {
	find spool/3/new/recording -type f -name '*.late' | wc -l
}
tries() {
	sql "SELECT count(*) FROM run WHERE transfer_id = 3 AND kind = 'recording' AND code = 69"
}
check "its report is late" test "$(late)" -eq 1
retry() {
	sql "SELECT retry_at FROM failure WHERE transfer_id = 3 AND kind = 'recording'"
}
sql "UPDATE failure SET wait = 3600, retry_at = $((now + 3720))"
once=$(tries)
for i in 1 2 3 4 5; do
	report $((now + 120 + 60 * i)) n$i body
	run 0 "minute $i" "$sched" -1 --now $((now + 120 + 60 * i))
	check "what comes meanwhile is stored" test "$(took n$i)" -gt 0
done
check "the late one has not been tried" test "$(tries)" -eq "$once"
check "and waits" test "$(late)" -eq 1
check "it is still a failure" test "$(retry)" -eq $((now + 3720))
report $((now + 480)) na body mm body
run 69 "a new report of it" "$sched" -1 --now $((now + 480))
check "is tried once" test "$(tries)" -eq $((once + 1))
check "and makes the back-off no longer" test "$(retry)" -eq $((now + 3720))
report $((now + 540)) nb body
run 0 "one of others" "$sched" -1 --now $((now + 540))
check "is stored" test "$(took nb)" -gt 0
check "both are late" test "$(late)" -eq 2
run 69 "when the back-off ends" "$sched" -1 --now $((now + 3720))
check "both are tried" test "$(tries)" -eq $((once + 3))
check "then it is as long again" test "$(retry)" -eq $((now + 3720 + 3600))
echo 77 >code
report $((now + 3780)) nc body mm body
run 77 "a refusal, meanwhile" "$sched" -1 --now $((now + 3780))
report $((now + 3840)) nd body
run 0 "holds up all of its kind" "$sched" -1 --now $((now + 3840))
check "which wait" test "$(took nd)" -le 1 -a "$(find spool/3/new/recording -name '*.xml' |
	wc -l)" -eq 2
: >bad
run 0 "and when all is well" "$sched" -r films --now $((now + 3900))
check "all of them are stored" test "$(took mm)" -gt 0 -a "$(took nd)" -gt 1
check "nothing is late" test "$(late)" -eq 0
check "nothing waits" test "$(find spool/3/new -type f | wc -l)" -eq 0
check "nothing fails" test "$(sql "SELECT count(*) FROM failure WHERE recovered IS NULL
	AND transfer_id = 3")" -eq 0

# Killed between the two names: what is late, and stored, is not fetched again.
echo mm >bad
echo 69 >code
report $((now + 4000)) mm body
run 69 "late once more" "$sched" -r films --now $((now + 4000))
name=$(find spool/3/new/recording -name '*.late')
cp last "${name%.late}.rec"
: >bad
run 0 "its records are there" "$sched" -r films --now $((now + 4001))
check "nothing is late" test "$(late)" -eq 0
check "and it was not fetched again" test "$(sql "SELECT count(*) FROM run WHERE transfer_id = 3
	AND kind = 'recording' AND step = 'fetch' AND since IS NULL AND started = $((now + 4001))")" -eq 1
sql "UPDATE schedule SET enabled = 1; DELETE FROM transfer_kind WHERE kind = 'shell'"

# Somebody has tidied up.
rm -r log
run 0 "without the directory of the logs" "$sched" -r films --now $((now + 60))
silent "nothing is said"
check "it is made anew" test -s "log/scheduler-2026-01-01.log"

# What waits, and is removed by somebody, is missed.  Another kind is no reason.
echo 'cat >/dev/null; exit 75' >cmd.sh
report $((now + 8)) rr body
run 75 "a destination out of reach" "$sched" -r cmd --now $((now + 70))
run 64 "the kind that waits stays" "$conf" transfer set 2 kinds=backup
says "and it says why" "2 files in its spool wait"
run 0 "one beside it may come" "$conf" transfer set 2 kinds=session,backup
run 0 "and go" "$conf" transfer set 2 kinds=session
"$conf" check >out 2>err
check "nothing is missed" sh -c '! grep -q waited err'
rm -r spool/2
"$conf" check >out 2>err
says "it is missed" "transfer 2: 2 files waited" err
done_testing
