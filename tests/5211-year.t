#!/bin/sh
# A year of schedules by praic-sched itself, in simulated time: both nights of
# daylight saving, missed weeks, clocks that are set back (tests/tools/year.py).
# Each rule by itself: 5210-due.t.
. "$(dirname "$0")/lib.sh"
. "$top/tests/sched.sh"
sched_settings

for zone in Europe/Vienna America/New_York Australia/Lord_Howe Antarctica/Troll Africa/Casablanca; do
	run 0 "a year in $zone" python3 "$top/tests/tools/year.py" $zone "$PRAIC_SETTINGS"
	sed 's/^/# /' out
done
done_testing
