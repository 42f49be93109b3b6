# shellcheck shell=sh
# shellcheck disable=SC2154
# Functions for the tests of praic-sched and praic-run.  Source lib.sh first.
#
#	sched_settings		make a settings database, spool and logs below $work
#	sql STATEMENT		read or change the settings database
#	stub NAME < SCRIPT	put a program of this name first in $PATH
#	sched_stub_run		replace praic-run with a stub that run.do controls

sched_settings() {
	PRAIC_SETTINGS=$work/settings.db
	export PRAIC_SETTINGS
	rm -rf "$work/settings.db" "$work/spool" "$work/log"
	"$conf" init >init.out || {
		echo "Bail out! no settings database"
		exit 1
	}
	mkdir -p stubs
	sched_path=$work/stubs
	for sched_program in "$fetch" "$split" "$uniq" "$tosql" "$tofs" "$tojson" "$conf" "$sched" \
		"$praic_run" "$mail"; do
		sched_path=$sched_path:${sched_program%/*}
	done
	PATH=$sched_path:$PATH
	export PATH
	"$conf" setting set spool-floor=0
}

sql() {
	sqlite3 -batch -separator '	' -cmd '.timeout 20000' "$PRAIC_SETTINGS" \
		"PRAGMA foreign_keys = ON; $1"
}

stub() {
	{
		echo '#!/bin/sh'
		cat
	} >"stubs/$1"
	chmod +x "stubs/$1"
}

# The stub appends its arguments to "ran" and sources run.do, which may set code,
# reason and numbers.  It then updates the job's row and the history as praic-run
# does.
sched_stub_run() {
	stub praic-run <<'END'
code=0 reason= sessions=0 last=0
[ "$1" != -v ] || shift
now=$(date +%s)
[ "$1" != --now ] || { now=$2; shift 2; }
case $1 in
fetch) job="step = 'fetch' AND data = '$3' AND site_id = (SELECT id FROM site WHERE name = '$2')" ;;
*) job="step = '$1' AND transfer_id = $2 AND data = '${3-backup}'" ;;
esac
sql() {
	sqlite3 -batch -cmd '.timeout 20000' "$PRAIC_SETTINGS" "$1"
}
next=$(sql "SELECT ifnull(next, 'NULL') FROM job WHERE $job")
echo "$*" >>"$work/ran"
[ ! -e "$work/run.do" ] || . "$work/run.do"
if [ "$code" = 0 ] || [ "$code" = 65 ]; then
	change="next = CASE WHEN next IS $next THEN NULL ELSE next END, code = NULL, reason = NULL,
		since = NULL, wait = NULL, tries = 0, last = last + $last, last_success = $now,
		position = position + ifnull((SELECT f.last FROM job AS f WHERE f.step = 'fetch' AND
			f.site_id = job.site_id AND f.data = job.data) - position, 0)"
else
	change="next = CASE WHEN next IS $next THEN $now + max(60, min(3600, 2 * ifnull(wait, 0)))
			ELSE next END, wait = max(60, min(3600, 2 * ifnull(wait, 0))),
		tries = tries + 1, code = $code, reason = '$reason', since = ifnull(since, $now)"
fi
sql "BEGIN IMMEDIATE;
	UPDATE job SET runs = runs + 1, $change WHERE $job;
	INSERT INTO run (job_id, name, started, seconds, code, reason, sessions)
	SELECT id, 'x', $now, 2, $code, nullif('$reason', ''), $sessions FROM job WHERE $job;
	COMMIT" || exit 74
exit $code
END
}
