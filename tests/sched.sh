# shellcheck shell=sh
# For the tests of praic-sched; after lib.sh.
#
#	sched_settings		a settings database, spool and logs below $work
#	sql STATEMENT		asks or changes it
#	sched_site NAME HOST CA ID SECRETFILE
#	sched_schedule NAME PERIOD [AT]		ids count from 1, as with all of these
#	sched_transfer SCHEDULE SITE DESTINATION KIND...
#	stub NAME < SCRIPT	a filter of this name comes first in $PATH

sched_settings() {
	PRAIC_SETTINGS=$work/settings.db
	export PRAIC_SETTINGS
	rm -rf "$work/settings.db" "$work/spool" "$work/log"
	"$conf" init >init.out || {
		echo "Bail out! no settings database"
		exit 1
	}
	mkdir -p stubs
	PATH=$work/stubs:$(dirname "$fetch"):$(dirname "$split"):$(dirname "$tosql"):$(dirname \
		"$tofs"):$(dirname "$mail"):$PATH
	export PATH
	sql "INSERT INTO setting VALUES ('spool-floor', '0')"
}

sql() {
	sqlite3 -batch -separator '	' -cmd '.timeout 20000' "$PRAIC_SETTINGS" \
		"PRAGMA foreign_keys = ON; $1"
}

sched_site() {
	sql "INSERT INTO site (name, host, ca_file, client_id, secret)
		VALUES ('$1', '$2', '$3', '$4', 'file:$5')"
}

sched_schedule() {
	sql "INSERT INTO schedule (name, period, at, created) VALUES ('$1', $2,
		${3:-NULL}, ${created:-1767258000})"
}

sched_transfer() {
	sql "INSERT INTO transfer (schedule_id, site_id, destination_id) VALUES ($1, $2, $3)"
	shift 3
	for sched_kind; do
		sql "INSERT INTO transfer_kind (transfer_id, kind)
			SELECT max(id), '$sched_kind' FROM transfer"
	done
}

stub() {
	{
		echo '#!/bin/sh'
		cat
	} >"stubs/$1"
	chmod +x "stubs/$1"
}
