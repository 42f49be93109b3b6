#!/bin/sh
# praic-sched runs schedules for a year of simulated time, with both changes of daylight
# saving time, downtimes of weeks, and clocks that are set back (tests/tools/year.py).
# 5210-due.t tests each rule alone.
. "$(dirname "$0")/lib.sh"
. "$top/tests/sched.sh"
sched_settings

# PRAIC_LONG=1: in each zone; else in Vienna, and in one of the others by the day.
zones="America/New_York Australia/Lord_Howe Antarctica/Troll Africa/Casablanca"
# shellcheck disable=SC2086
[ -n "${PRAIC_LONG-}" ] || zones=$(set -- $zones; shift $(($(date +%s) / 86400 % 4)); echo "$1")
for zone in Europe/Vienna $zones; do
	run 0 "a year in $zone" python3 "$top/tests/tools/year.py" $zone "$PRAIC_SETTINGS"
	sed 's/^/# /' out
done
done_testing
