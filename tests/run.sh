# shellcheck shell=sh
# lib.sh and appliance.sh set the variables used here.
# shellcheck disable=SC2154
# Functions for the tests of praic-run.  Source lib.sh and appliance.sh first.
#
#	settings		make a settings database: site pra, schedule night,
#				destination db (sql) that gets sessions
#	files_too KIND,...	add destination dir (fs), which gets these kinds
#	sql STATEMENT		read or change the settings database
#	is NAME STATEMENT VALUE	check that the statement returns the value
#	step CODE NAME ARGUMENT...	run praic-run, at $now if that is set
#	impatient		make praic-fetch give up after a second
#	all_stored NAME [FILE]	check that the database has all sessions of the
#				appliance

praic_run=${bin}sched/run/praic-run
now=

settings() {
	PRAIC_SETTINGS=$work/settings.db
	export PRAIC_SETTINGS
	rm -rf "$work/settings.db" "$work/spool" "$work/log" "$work/sessions.db" "$work/dir"
	mkdir -p stubs
	PATH=$work/stubs:$(for program in "$fetch" "$split" "$uniq" "$tosql" "$tofs"; do
		printf '%s:' "$(dirname "$program")"
	done)$PATH
	export PATH
	{
		"$conf" init &&
			"$conf" setting set "spool=$work/spool" "log-directory=$work/log" spool-floor=0 \
			retention-days=28 &&
			"$conf" site add pra "host=$PRAIC_HOST" host-name=pra.example.net \
				"client-id=$PRAIC_CLIENT_ID" "secret=file:$PRAIC_SECRET_FILE" \
				"ca-file=$PRAIC_CA" &&
			"$conf" destination add db sql "connection=$work/sessions.db" &&
			"$conf" schedule add night every=1d at=03:00 &&
			"$conf" transfer add night pra db session
	} >settings.out 2>&1 || {
		sed 's/^/# /' settings.out
		echo "Bail out! no settings"
		exit 1
	}
}

files_too() {
	{
		"$conf" destination add dir fs "directory=$work/dir" &&
			"$conf" transfer add night pra dir "$1"
	} >settings.out 2>&1 || {
		sed 's/^/# /' settings.out
		echo "Bail out! no files"
		exit 1
	}
}

sql() {
	sqlite3 -batch -separator '	' -cmd '.timeout 20000' "$PRAIC_SETTINGS" \
		"PRAGMA foreign_keys = ON; $1"
}

is() {
	sql "$2" >got 2>&1
	printf '%s\n' "$3" >want
	same "$1" want got
}

praic_run() {
	"$praic_run" ${now:+--now "$now"} "$@"
}

step() {
	step_code=$1 step_name=$2
	shift 2
	run "$step_code" "$step_name" "$praic_run" ${now:+--now "$now"} "$@"
}

stored_lsids() {
	sqlite3 -batch "${1:-sessions.db}" 'SELECT lsid FROM session ORDER BY lsid'
}

all_stored() {
	appliance_control truth --form sessions --no-hashes | cut -f 1 | sort >want
	stored_lsids "${2:-sessions.db}" >got 2>&1
	same "$1" want got
}

# all_files NAME: the digests of the stored recordings are those of the appliance's.
all_files() {
	appliance_control truth --form recordings | cut -f 5 | sort >want
	find dir -type f ! -name '*.xml' ! -name '*.nsb' ! -name '.*' -exec sha256sum {} + |
		cut -d ' ' -f 1 | sort >got
	same "$1" want got
}

stub() {
	{
		echo '#!/bin/sh'
		cat
	} >"stubs/$1"
	chmod +x "stubs/$1"
}

# Replace praic-fetch with one that gives up after a second; retries are tested elsewhere.
impatient() {
	stub praic-fetch <<-END
		exec $fetch --timeout 1 --rate 0 "\$@"
	END
}

unstub() {
	rm -f "stubs/$1"
}
