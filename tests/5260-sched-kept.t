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
<?praic-site one.example.com?>
<session_list><session lsid="$1"><session_type>support</session_type>
<start_time timestamp="1700000000"/><end_time timestamp="1700000100"/><session_details>
<event timestamp="1700000001" event_type="Chat Message"><body>x</$2></event>
</session_details></session></session_list>
X
}
# report UNTIL LSID TAG [LSID TAG]...
report() {
	until=$1
	shift
	n=0
	while [ $# -gt 0 ]; do
		document "$1" "$2"
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
done_testing
