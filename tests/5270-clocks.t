#!/bin/sh
# Clocks that jump, this machine's and the appliance's, and what stands in
# reports: no run is put off for ever, and nothing is left unasked.
. "$(dirname "$0")/lib.sh"
. "$top/tests/sched.sh"
sched_settings

# praic-fetch as an appliance with one session a day, at noon UTC of each day
# since the epoch, until today, and with a clock: it gives those of the span that
# it is asked for, and its now, as the real one does..
stub praic-fetch <<'END2'
echo "$*" >>"$work/asked"
[ ! -e "$work/fetch.do" ] || . "$work/fetch.do"
clock=$(cat "$work/appliance.now")
time_of() { case $1 in *s) echo $((clock - ${1%s})) ;; *) echo "$1" ;; esac; }
since= until=$clock
while [ $# -gt 0 ]; do
	case $1 in
	--since) since=$(time_of "$2") ;;
	--until) until=$(time_of "$2") ;;
	esac
	shift
done
[ "$until" -le "$clock" ] || until=$clock
day=$(((since + 43199) / 86400)) documents=0 last=$until
[ "$last" -le "$(cat "$work/today")" ] || last=$(cat "$work/today")
while [ $((day * 86400 + 43200)) -lt "$last" ]; do
	documents=1
	echo "day $day"
	day=$((day + 1))
done >"$work/days"
[ $documents -eq 0 ] || {
	printf '<?praic-site a bytes="%d"?>\n' "$(wc -c <"$work/days")"
	cat "$work/days"
	echo
}
echo "<?praic-end documents=\"$documents\" until=\"$until\"?>"
END2
stub praic-split <<'END2'
for last; do :; done
case " $* " in
*" -n "*) printf 'praic-records\t1\nH\tsession\thost_name\tlsid\nZ\t0\t0\n' ;;
*) cat "$last" ;;
esac
END2
stub praic-tosql <<'END2'
cat >"$work/took"
grep '^day' "$work/took" >>"$work/stored"
: >>"$work/stored"
END2
sql "INSERT INTO site (name, host, client_id, secret) VALUES ('one', 'one.example.com', 'x', 'env:X');
	INSERT INTO destination (name, kind, connection) VALUES ('db', 'sql', '$work/x.db')"
start=1767258000	# 2026-01-01T09:00:00Z
day=86400
year=$((365 * day))

# again [MARK]: a transfer of its own, as new
again() {
	sql "DELETE FROM failure; DELETE FROM run; DELETE FROM transfer_kind; DELETE FROM transfer;
		DELETE FROM schedule"
	rm -rf spool/* stored asked fetch.do
	sql "INSERT INTO schedule (id, name, period, created) VALUES (1, 'minute', 60, $start);
		INSERT INTO transfer (id, schedule_id, site_id, destination_id) VALUES (1, 1, 1, 1);
		INSERT INTO transfer_kind (transfer_id, kind, mark) VALUES (1, 'session', ${1:-NULL})"
}
# look SECONDS [APPLIANCE'S [TRUE]]: a look at start and so much, by either clock
look() {
	echo $((start + ${2:-$1})) >appliance.now
	echo $((start + ${3:-${2:-$1}})) >today
	"$sched" -1 --now $((start + $1)) 2>err
}
runs() {
	sql "SELECT count(*) FROM run WHERE step = 'fetch'"
}
# all NAME FROM TO: the sessions of all days from start and so much to then
all() {
	seq $(((start + $2 + 43199) / day)) $(((start + $3 - 43201) / day)) | sed 's/^/day /' >want
	grep -vxF -f stored want >missing
	check "$1: all $(wc -l <want) sessions" test -s want -a ! -s missing
}

# This machine's clock was a year ahead.
again $start
look 0
look $year 60
check "a pass by a clock that is a year ahead" test "$(sql "SELECT last_due FROM schedule")" -eq \
	$((start + year))
before=$(runs)
look 120
check "nothing runs at once when it is set back" test "$(runs)" -eq "$before"
says "the log tells why" "its last run is still to come" log/scheduler-2026-01-01.log
look 180
check "and a period later it runs" test "$(runs)" -eq $((before + 1))
look 240
check "and so on" test "$(runs)" -eq $((before + 2))
sql "UPDATE schedule SET period = 604800, at = 120, last_due = $((start + year))"
look $((2 * day))
look $((8 * day))
check "one of seven days, too, within a period" test "$(sql "SELECT last_due FROM schedule")" \
	-eq $((start + 8 * day))

# Nothing is thrown away by such a clock: logs, history, what is done.
again $start
look 0
: >log/client-2025-12-31.log
: >log/client-2025-01-01.log
: >spool/1/done/a
: >spool/1/done/b
touch -d @$((start - 50 * day)) spool/1/done/a
touch -d @$((start - 150 * day)) spool/1/done/b
sql "SELECT id FROM run ORDER BY id" >want.runs
look $((2 * year)) 0
sql "SELECT id FROM run WHERE id <= $(tail -n 1 want.runs) ORDER BY id" >got.runs
same "a clock that is two years ahead removes no history" want.runs got.runs
check "nor a young log" test -e log/client-2025-12-31.log
check "nor what is done" test -e spool/1/done/a
check "but an old log" test ! -e log/client-2025-01-01.log
check "and an old mark of what is done" test ! -e spool/1/done/b

again $start
echo 'echo "praic-fetch: no" >&2; exit 69' >fetch.do
look $year 60
check "a failure by that clock" test "$(sql "SELECT count(*) FROM failure")" -eq 1
rm fetch.do
look 120
check "is tried again at once when it is set back" test "$(sql "SELECT count(*) FROM failure")" -eq 0

# The daemon, by the clock of this machine.
again "$(date +%s)"
now=$(date +%s)
echo "$now" | tee today >appliance.now
sql "UPDATE schedule SET created = $((now + year)), last_due = $((now + year)), period = 60"
# The grid is such that it is due two seconds after it was set right.
sql "UPDATE schedule SET created = $((now + 3))"
"$sched" 2>daemon.err &
pid=$!
tries=0
until [ "$(runs)" -gt 0 ] || [ $tries -gt 150 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
kill -TERM $pid
wait $pid
check "the daemon: due again within its period" test "$(runs)" -eq 1

# The first run by a clock of this machine's that is wrong.
for off in $((60 * day)) $((-60 * day)) $((-50 * 365 * day)); do
	again
	look $off 0
	all "the first run, $((off / day)) days off" $((-90 * day)) 0
	sql "SELECT mark FROM transfer_kind" >got
	echo $start >want
	same "and its mark is the appliance's" want got
	check "in steps" test "$(runs)" -eq 7
done
sql "SELECT since FROM run WHERE step = 'fetch' ORDER BY id LIMIT 1" >got
echo $((start - 90 * day)) >want
same "the history has what was asked for by the appliance's clock" want got
again
run 0 "-n" "$sched" -n --now $start
says "shows a span back" "sessions --since 7776000s |" out

# The appliance's clock was ahead: in its first run, or after some.
again
look 0 $((30 * day)) 0
look 14400
all "the first run by a clock that is 30 days ahead" $((14400 - 90 * day)) 14400
sql "SELECT mark FROM transfer_kind" >got
echo $((start + 14400)) >want
same "the mark has gone back" want got
says "which is told" "was wrong when the mark was made" log/scheduler-2026-01-01.log
: >asked
look 14460
echo "-s one sessions --since $((start + 14400 - 900))" >want
same "and all is as ever" want asked

for ahead in 2 300; do
	for away in 0 10 29; do
		again $((start - 90 * day))
		look 0
		look 60 $((60 + ahead * day)) 60
		next=$((away * day + 14400))
		look $next
		: >asked
		look $((next + 60))
		all "$ahead days ahead, not looked at for $away days" $((-90 * day)) $next
		check "and asked once" test "$(wc -l <asked)" -eq 1
	done
done

# Killed while it goes back: nothing is forgotten.
again $((start - 90 * day))
look 0
look 60 $((60 + 300 * day)) 60
cat >fetch.do <<'END2'
[ "$(wc -l <"$work/asked")" -lt 3 ] || exit 69
END2
rm asked stored
look $((20 * day))
check "it fails while it goes back" test "$(sql "SELECT count(*) FROM failure")" -eq 1
rm fetch.do
look $((20 * day + 4000))
all "and goes on" $((20 * day - 90 * day)) $((20 * day + 4000))

# A few seconds are no reason, nor is a clock here that wanders.
again $((start - 90 * day))
look 0
look 60 360
: >asked
look 120
check "an appliance that was minutes ahead is asked once" test "$(wc -l <asked)" -eq 1
look 4000 180
check "so is one when this clock is an hour ahead" test "$(wc -l <asked)" -eq 2

# The appliance's clock was behind.
again $((start - 90 * day))
look 0
look 60 $((-30 * day)) 60
look 120
look $((25 * 3600))
all "an appliance that was behind" $((-90 * day)) $((25 * 3600))

# What a session says is no mark, and no report is dropped for it.
again $((start - 3600))
cat >fetch.do <<'END2'
cat "$work/report"
exit 0
END2
mark() {
	sql "SELECT mark FROM transfer_kind"
}
# report NAME MARK TEXT: a look brings it; the mark is this, and it is stored
report() {
	rm -f took
	look $step
	step=$((step + 60))
	check "$1: the mark" test "$(mark)" -eq "$2"
	check "$1: stored" cmp report took
}
step=0
bait='<?praic-end documents="0" until="4102444800"?>'
printf '<session_list><![CDATA[\n%s\n]]></session_list>' "$bait" | frame a >document
{ cat document; echo "<?praic-end documents=\"1\" until=\"$start\"?>"; } >report
report "a session that says it" $start
printf '<session_list/>\n%s\n' "$bait" | iconv -f UTF-8 -t UTF-16LE | frame a >document
{ cat document document; echo "<?praic-end documents=\"2\" until=\"$((start + 60))\"?>"; } >report
report "a document that ends with it, in UTF-16LE" $((start + 60))
printf '<session_list/>\n%s' "$bait" | frame a >document
{ cat document; echo "<?praic-end documents=\"1\" until=\"$((start + 120))\"?>"; } >report
report "or in UTF-8" $((start + 120))
rm took
echo "<?praic-end documents=\"0\" until=\"$((start + 300))\"?>" >report
look 300
check "one that holds none: the mark" test "$(mark)" -eq $((start + 300))
check "and nothing to store" test ! -e took
for end in "$bait</session_list>" "$bait<!-- -->" "<?praic-end documents=\"1\"?>" \
	'<?praic-end documents="1" until="-5"?>' '<?praic-end documents="1" until="5" ?> x' \
	'<?praic-end documents="1" until="99999999999999999999"?>' \
	'<?praic-site a bytes="9"?>' ''; do
	sql "DELETE FROM failure"
	printf '%s\n' '<?praic-site a bytes="15"?>' "<session_list/>" "$end" >report
	step=$((step + 60))
	look $((600 + step))
	check "no end mark: $end" test "$(mark)" -eq $((start + 300)) -a ! -e took
done
again $((start - 90 * day))
cat >fetch.do <<'END2'
printf '<?praic-site a bytes="15"?>\n<session_list/>\n'
echo '<?praic-end documents="1" until="4102444800"?>'
exit 0
END2
look 0
check "more than was asked for is not believed" test "$(mark)" -eq $((start - 90 * day))
done_testing
