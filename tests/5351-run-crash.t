#!/bin/sh
# praic-run is killed at each call that changes a disk, one after the other (of SQLite's
# fdatasync at each fourth; PRAIC_LONG=1: at each).  After the next runs the destinations
# have all data of the appliance, once, and the spool is empty.

# On /dev/shm if it exists: the test makes hundreds of commits.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
. "${0%/*}/lib.sh"
. "$top/tests/appliance.sh"
. "$top/tests/run.sh"
case ${PRAIC_OUT-} in
*asan*)
	echo '1..0 # SKIP faults are preloaded, which sanitizers do not allow'
	exit 0
	;;
esac

appliance_start --sessions 8 --span 1 --recording-size 100-200 --backup-size 1000 \
	--end "$(($(date +%s) - 86400))"
settings
"$conf" setting set retention-days=10 >out 2>&1
files_too session,recording,shell,screen,backup
mkdir dir

# A stub for praic-fetch replays one recorded answer of the appliance.
"$fetch" -s pra sessions --since 10d >report 2>err || fail "a report" err
sed '$s/until="[0-9]*"/until="'"$(date +%s)"'"/' report >report.now
mkdir recorded recorded-backup
"$split" report | "$uniq" | "$fetch" -s pra recordings -d recorded >recorded.rec 2>err ||
	fail "recordings" err
"$fetch" -s pra backup -d recorded-backup >backup.rec 2>err || fail "a backup" err
stub praic-fetch <<END
case "\$*" in
*" sessions --since "*s) cat "$work/report.now" ;;
*" sessions "*) echo '<?praic-end documents="0" until="$(date +%s)"?>' ;;
*" backup "*)
	echo x >>"$work/backups"
	cp "$work"/recorded-backup/* "\$5"
	cat "$work/backup.rec"
	;;
*)
	for list; do :; done
	if grep -q '^R.recording' "\$list"; then
		cp -r "$work"/recorded/. "\$5"
		cat "$work/recorded.rec"
	else
		printf 'praic-records\t1\nZ\t0\t0\n'
	fi
	;;
esac
END
appliance_control truth --form sessions --no-hashes | cut -f 1 | sort >sessions.want
appliance_control truth --form recordings | cut -f 5 | sort >files.want
check "there are sessions and recordings" test "$(wc -l <sessions.want)" -ge 6 -a "$(wc -l <files.want)" -ge 6

all_steps() {
	"$praic_run" fetch pra session && "$praic_run" fetch pra file &&
		"$praic_run" store 1 session && "$praic_run" store 2 session &&
		"$praic_run" store 2 file && "$praic_run" backup 2
}

# The state before each step, of a run without faults.
save() {
	rm -rf "template/$1"
	mkdir -p "template/$1"
	cp -a settings.db spool dir "template/$1"
	[ ! -e sessions.db ] || cp sessions.db "template/$1"
}

begin() {
	rm -rf spool sessions.db* dir settings.db* backups
	cp -a template/"$1"/* .
}

# wrong WHEN: print what is wrong
wrong() {
	stored_lsids | cmp -s - sessions.want || echo "$1: the database has not all sessions"
	find dir -name '*.xml' | sort | cmp -s - xml.want ||
		echo "$1: the directory has not each session once"
	find dir -type f ! -name '*.xml' ! -name '*.nsb' ! -name '.*' ! -name '*.tsv' ! -name '*.db*' \
		-exec sha256sum {} + | cut -d ' ' -f 1 | sort | cmp -s - files.want ||
		echo "$1: the directory has not each recording once"
	[ "$(find dir -name '*.nsb' | wc -l)" -eq 1 ] || echo "$1: not one backup"
	find spool/1 -type f ! -path '*/files/*' ! -path '*/tmp/*' | sed "s/^/$1: left: /"
	sql "SELECT '$1: ' || name || ': ' || reason FROM job_view WHERE code IS NOT NULL"
	sql "SELECT '$1: left out: ' || reason FROM left_out"
	sql "SELECT '$1: ' || name || ': it has not read the whole log' FROM job_view WHERE backlog <> 0"
	sql "SELECT '$1: a log row' FROM log"
	sql "SELECT '$1: a recording is ' || state FROM recording WHERE state <> 'came'"
}

n=0
for step in "fetch pra session" "fetch pra file" "store 1 session" "store 2 session" "store 2 file" \
	"backup 2"; do
	n=$((n + 1))
	save "$n $step"
	# shellcheck disable=SC2086
	"$praic_run" $step >out 2>&1 || fail "$step" out
done
find dir -name '*.xml' | sort >xml.want
check "the directory has sessions" test -s xml.want
wrong "without a fault" >wrong
silent "without a kill everything is stored" wrong

# killed NUMBER STEP CALL N: fails if there are fewer than N such calls
killed() {
	begin "$1 $2"
	: >mark
	# shellcheck disable=SC2086
	FAULT_PROGRAM=praic-run FAULT_MARK=$work/mark FAULT="$3:$4:kill" LD_PRELOAD=$faults \
		"$praic_run" $2 >out 2>&1
	[ -s mark ] || return 1
	for lock in spool/lock/*; do flock "$lock" true; done
	all_steps >out 2>&1 || echo "$2, $3 $4: afterwards: $(cat out)" >>wrong
	wrong "$2, $3 $4" >>wrong
}

all=0
every=4
[ -z "${PRAIC_LONG-}" ] || every=1
n=0
for step in "fetch pra session" "fetch pra file" "store 1 session" "store 2 session" "store 2 file" \
	"backup 2"; do
	n=$((n + 1))
	: >wrong
	times=0
	for call in fsync fdatasync renameat unlinkat unlink; do
		i=1
		while killed "$n" "$step" $call $i; do
			times=$((times + 1))
			# most of these calls are SQLite's, several for each commit
			[ $call = fdatasync ] && i=$((i + every)) || i=$((i + 1))
		done
	done
	silent "$step, killed $times times: nothing is lost or stored twice" wrong
	all=$((all + times))
done
check "number of kills: $all" test $all -ge 50
done_testing
