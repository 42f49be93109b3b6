#!/bin/sh
# The times at which schedules are due: praic-sched(8), "When".
. "$(dirname "$0")/lib.sh"
due=${bin}tests/tools/due

# Each line has TZ, schedule, last run, clock and expected next run, as local times with
# offsets (- for none); created is the time when the schedule was made.
cases=0
while read -r zone created period at last now want why; do
	case $zone in '' | '#'*) continue ;; esac
	seconds() {
		[ "$1" = - ] && echo - || date -u -d "$1" +%s
	}
	got=$(TZ=$zone "$due" next "$(seconds "$created")" "$period" "$at" "$(seconds "$last")" \
		"$(seconds "$now")")
	cases=$((cases + 1))
	if [ "$got" = "$(seconds "$want")" ]; then
		pass "$zone $period $at: $why"
	else
		TZ=$zone date -d "@$got" +%FT%T%:z >was
		fail "$zone $period $at: $why: not $want" was
	fi
done <<'END'
# a period of seconds: a grid that starts when the schedule was made
UTC 2026-01-01T10:00:20Z 60 - - 2026-01-01T10:00:20Z 2026-01-01T10:00:20Z a new one runs at once
UTC 2026-01-01T10:00:20Z 60 - 2026-01-01T10:00:21Z 2026-01-01T10:00:21Z 2026-01-01T10:01:20Z then a minute later
UTC 2026-01-01T10:00:20Z 60 - 2026-01-01T10:01:20Z 2026-01-01T10:01:20Z 2026-01-01T10:02:20Z a run on the second
UTC 2026-01-01T10:00:20Z 60 - 2026-01-01T10:01:55Z 2026-01-01T10:01:56Z 2026-01-01T10:02:20Z a late run does not move the next
UTC 2026-01-01T10:00:20Z 60 - 2026-01-01T10:01:20Z 2026-01-08T09:00:00Z 2026-01-01T10:02:20Z a week missed: due since then
UTC 2026-01-01T10:00:20Z 60 - 2026-01-08T09:00:00Z 2026-01-08T09:00:00Z 2026-01-08T09:00:20Z one run for all missed ones
UTC 2026-01-01T10:00:00Z 604800 - 2026-01-01T10:00:03Z 2026-01-05T00:00:00Z 2026-01-08T10:00:00Z seven days
UTC 2026-01-01T10:00:00Z 5400 - 2026-01-01T11:30:00Z 2026-01-01T11:31:00Z 2026-01-01T13:00:00Z ninety minutes
Europe/Vienna 2026-03-28T12:00:00Z 86400 - 2026-03-28T12:00:00Z 2026-03-28T12:00:01Z 2026-03-29T12:00:00Z a day without a time is 24 hours
# days at a time of day
UTC 2026-01-01T10:00:00Z 86400 02:00 - 2026-01-01T10:00:00Z 2026-01-02T02:00:00Z a new one waits for its time
UTC 2026-01-01T02:00:00Z 86400 02:00 - 2026-01-01T02:00:00Z 2026-01-01T02:00:00Z or runs, if it is that time
UTC 2026-01-01T01:59:59Z 604800 02:00 - 2026-01-01T10:00:00Z 2026-01-01T02:00:00Z its first day is the next possible one
UTC 2026-01-01T10:00:00Z 604800 02:00 - 2026-01-01T10:00:00Z 2026-01-02T02:00:00Z also with seven days
UTC 2026-01-01T10:00:00Z 604800 02:00 2026-01-02T02:00:30Z 2026-01-05T00:00:00Z 2026-01-09T02:00:00Z then every seventh day
UTC 2026-01-01T10:00:00Z 172800 02:00 2026-01-02T02:00:30Z 2026-01-03T02:00:00Z 2026-01-04T02:00:00Z every second day
UTC 2026-01-01T10:00:00Z 86400 02:00 2026-01-05T14:00:00Z 2026-01-05T14:00:00Z 2026-01-06T02:00:00Z a late run at 14:00
UTC 2026-01-01T10:00:00Z 172800 02:00 2026-01-03T01:00:00Z 2026-01-03T03:00:00Z 2026-01-04T02:00:00Z a run by hand in between
Europe/Vienna 2026-01-01T10:00:00Z 86400 00:00 2026-06-01T22:30:00Z 2026-06-01T22:31:00Z 2026-06-02T22:00:00Z midnight of the place
# spring: 02:00 to 03:00 does not exist on 29 March 2026 in Vienna, 8 March in New York
Europe/Vienna 2026-01-01T10:00:00Z 86400 02:30 2026-03-28T02:30+01:00 2026-03-28T12:00Z 2026-03-29T03:00+02:00 runs at the end of the gap
Europe/Vienna 2026-01-01T10:00:00Z 86400 02:00 2026-03-28T02:00+01:00 2026-03-28T12:00Z 2026-03-29T03:00+02:00 the gap's first second
Europe/Vienna 2026-01-01T10:00:00Z 86400 02:59 2026-03-28T02:59+01:00 2026-03-28T12:00Z 2026-03-29T03:00+02:00 its last minute
Europe/Vienna 2026-01-01T10:00:00Z 86400 03:00 2026-03-28T03:00+01:00 2026-03-28T12:00Z 2026-03-29T03:00+02:00 its end
Europe/Vienna 2026-01-01T10:00:00Z 86400 01:59 2026-03-28T01:59+01:00 2026-03-28T12:00Z 2026-03-29T01:59+01:00 just before it
Europe/Vienna 2026-01-01T10:00:00Z 86400 02:30 2026-03-29T03:00+02:00 2026-03-29T12:00Z 2026-03-30T02:30+02:00 and the day after as ever
America/New_York 2026-01-01T10:00:00Z 86400 02:30 2026-03-07T02:30-05:00 2026-03-07T12:00Z 2026-03-08T03:00-04:00 runs at the end of the gap
America/New_York 2026-01-01T10:00:00Z 86400 01:30 2026-03-07T01:30-05:00 2026-03-07T12:00Z 2026-03-08T01:30-05:00 before it
# autumn: 02:00 to 03:00 comes twice on 25 October in Vienna, 01:00 to 02:00 on 1 November in New York
Europe/Vienna 2026-01-01T10:00:00Z 86400 02:30 2026-10-24T02:30+02:00 2026-10-24T12:00Z 2026-10-25T02:30+02:00 the first of the two
Europe/Vienna 2026-01-01T10:00:00Z 86400 02:30 2026-10-25T02:30+02:00 2026-10-25T01:00Z 2026-10-26T02:30+01:00 and not the second
Europe/Vienna 2026-01-01T10:00:00Z 86400 02:00 2026-10-24T02:00+02:00 2026-10-24T12:00Z 2026-10-25T02:00+02:00 its first second
Europe/Vienna 2026-01-01T10:00:00Z 86400 03:00 2026-10-24T03:00+02:00 2026-10-24T12:00Z 2026-10-25T03:00+01:00 its end
America/New_York 2026-01-01T10:00:00Z 86400 01:30 2026-10-31T01:30-04:00 2026-10-31T12:00Z 2026-11-01T01:30-04:00 the first of the two
America/New_York 2026-01-01T10:00:00Z 86400 01:30 2026-11-01T01:30-04:00 2026-11-01T06:30Z 2026-11-02T01:30-05:00 and not the second
# other zones: a change of half an hour; a day that does not exist; large offsets
Australia/Lord_Howe 2026-01-01T10:00:00Z 86400 02:15 2026-10-03T02:15+10:30 2026-10-03T12:00+10:30 2026-10-04T02:30+11:00 a gap of half an hour
Pacific/Apia 2011-12-01T10:00:00Z 86400 12:00 2011-12-29T12:00-10:00 2011-12-29T12:01-10:00 2011-12-31T00:00+14:00 the day that was left out
Pacific/Kiritimati 2026-01-01T10:00:00Z 86400 06:00 2026-01-05T06:00+14:00 2026-01-05T06:01+14:00 2026-01-06T06:00+14:00 14 hours east
# the clock is set back
UTC 2026-01-01T10:00:00Z 300 - 2026-01-02T10:30:00Z 2026-01-02T10:00:00Z 2026-01-02T10:35:00Z by half an hour: nothing again
UTC 2026-01-01T10:00:00Z 86400 02:00 2026-01-05T02:00:00Z 2026-01-04T23:00:00Z 2026-01-06T02:00:00Z over midnight
UTC 2026-01-01T10:00:00Z 604800 02:00 2026-01-09T02:00:00Z 2026-01-04T23:00:00Z 2026-01-16T02:00:00Z by days, of seven
UTC 2026-01-01T10:00:00Z 300 - 2036-01-02T10:30:00Z 2026-01-02T10:02:00Z 2026-01-02T10:05:00Z a clock that was ten years ahead
UTC 2036-01-01T10:00:00Z 300 - - 2026-01-02T10:02:00Z 2026-01-02T10:02:00Z and made the schedule then
UTC 2036-01-01T10:00:00Z 86400 02:00 - 2026-01-02T10:02:00Z 2026-01-03T02:00:00Z and made a schedule with a time of day
END
check "the table was read" test "$cases" -eq 41

check "the number of due times, with missed ones" test "$("$due" count 0 300 - 600 3599)" = 9
check "the number of due times, with none missed" test "$("$due" count 0 300 - 600 900)" = 1
check "the same for days" test "$(TZ=Europe/Vienna "$due" count 1767225600 86400 02:30 1774600000 \
	1775000000)" = 4

# A year, looked at every minute or ten, against an independent calculation.
begin=$(date -u -d 2026-01-01T09:17:31Z +%s)
end=$((begin + 366 * 86400))
while read -r zone period at step; do
	TZ=$zone "$due" run "$begin" "$period" "$at" "$begin" "$end" "$step" >got
	python3 "$top/tests/tools/due-oracle.py" "$zone" "$begin" "$period" "$at" "$begin" "$end" \
		"$step" >want
	same "a year of $zone, every $period s at $at: $(wc -l <got) runs" want got
done <<'END'
Europe/Vienna 600 - 300
Europe/Vienna 420 - 70
Europe/Vienna 3600 - 600
Europe/Vienna 86400 - 600
Europe/Vienna 86400 02:30 60
Europe/Vienna 86400 02:00 600
Europe/Vienna 86400 23:59 600
Europe/Vienna 172800 02:30 600
Europe/Vienna 259200 00:00 600
Europe/Vienna 604800 02:59 600
America/New_York 300 - 600
America/New_York 86400 02:30 60
America/New_York 86400 01:30 600
America/New_York 86400 01:00 600
America/New_York 432000 02:00 600
America/New_York 604800 02:30 600
Australia/Lord_Howe 86400 01:45 600
America/St_Johns 86400 00:01 600
Asia/Kathmandu 86400 05:45 600
END

# A clock that jumps hours back, days ahead and back again.
"$due" clock 0 600 - 0 60 600 1200 1210 610 900 1199 1799 1800 90000 90001 88000 90599 90600 >got
printf '%s\n' 0 600 1200 1800 90000 90600 >want
same "a clock that jumps re-runs nothing" want got
# A last run or a schedule made by a clock that was a year ahead: the schedule is due
# again within a period.
year=$((366 * 86400))
"$due" clock 0 600 - 0 60 $year 700 1100 1200 1799 1800 >got
printf '%s\n' 0 $year 1200 1800 >want
same "a clock that was a year ahead: by minutes" want got
day=86400
TZ=UTC "$due" clock 0 $((2 * day)) 02:00 0 7200 $year $((3 * day)) $((4 * day)) $((4 * day + 7200)) \
	$((5 * day)) $((6 * day + 7200)) >got
printf '%s\n' 7200 $year $((4 * day + 7200)) $((6 * day + 7200)) >want
same "a clock that was a year ahead: by days" want got
TZ=UTC "$due" clock $year $day 02:00 0 600 7200 $((day + 7199)) $((day + 7200)) >got
printf '%s\n' 7200 $((day + 7200)) >want
same "a schedule made by a clock that was a year ahead" want got
done_testing
