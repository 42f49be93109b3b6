#!/bin/sh
# praic-run: a changed spool, a full disk, a share that is not mounted, a directory that
# was restored from an older copy.
. "${0%/*}/lib.sh"
. "$top/tests/appliance.sh"
. "$top/tests/run.sh"

appliance_start --sessions 12 --span 2 --recording-size 1K-2K --end "$(($(date +%s) - 86400))"
settings
mkdir dir
files_too session,recording,shell,screen
impatient
last() {
	sql "SELECT last FROM job WHERE step = 'fetch' AND data = '$1'"
}

# The spool's id.
cp settings.db settings.kept
step 0 "fetch sessions" fetch pra session
"$conf" init >out 2>&1
mv spool/id id.kept
step 78 "a spool without its id" store 1 session
says "is not touched" "nothing in it is touched"
echo 12345 >spool/id
step 78 "nor is that of others" store 1 session
says "both are named" "its id is 12345, theirs is $(cat id.kept)"
check "nothing is stored" test ! -e sessions.db
mv id.kept spool/id
sql "DELETE FROM setting WHERE name = 'spool-id'"
step 78 "settings without an id" store 1 session
sql "INSERT INTO setting VALUES ('spool-id', '$(cat spool/id)')"
step 0 "with the right id" store 1 session
all_stored "all sessions are stored"

# A spool that was removed: several jobs make it anew at the same time.
mv spool spool.was
jobs=
for i in 1 2 3 4 5 6 7 8 9 10; do
	rm -rf spool
	for job in 1 2 3 4 5 6; do
		"$praic_run" -n store $((job % 2 + 1)) session >out &
		jobs="$jobs $!"
	done
	wait $jobs
done 2>err
silent "no job fails because another one makes the spool, too"
same "it has its number" spool/id spool.was/id
rm -rf spool
mv spool.was spool

# A store that makes no ledger, as all its sessions are in progress.
stub praic-tofs <<'END'
case $* in *print-head*) echo "praic-tofs: no ledger" >&2; exit 66 ;; esac
END
cp settings.db settings.new
sql "UPDATE job SET position = 0 WHERE step = 'store'; UPDATE destination SET existing = 0"
cp -r spool spool.new
step 0 "a store that makes no ledger" store 2 session
silent "prints no message"
unstub praic-tofs
rm -rf spool
mv spool.new spool
cp settings.new settings.db

# Settings that are older than the spool.
cp settings.db settings.new
cp settings.kept settings.db
step 0 "older settings fetch everything again" fetch pra session
is "the log begins with number 1" "SELECT min(number) FROM log" 1
step 0 "store in the database" store 1 session
step 0 "store in the directory" store 2 session
all_stored "the database has all sessions once"
check "files that no row names are removed" test -z "$(find spool/1/session -name '*.rec')"

# A missing and a changed file of the log.
step 0 "fetch recordings" fetch pra file
step 0 "store them" store 2 file
for what in missing changed; do
	rm -f sessions.db
	sql "UPDATE job SET mark = NULL WHERE step = 'fetch'; UPDATE destination SET existing = 0"
	step 0 "$what: a fetch" fetch pra session
	file=spool/1/session/$(last session).rec
	if [ $what = missing ]; then rm "$file"; else sed -i 's/[0-9]\{9\}/123456789/' "$file"; fi
	step 65 "$what: the file is not stored" store 1 session
	says "$what: and named" "$(last session).rec"
	is "$what: its span is due to be fetched again" "SELECT next <= unixepoch(), mark < unixepoch() - 80000,
		(SELECT count(*) FROM log) FROM job WHERE step = 'fetch' AND data = 'session'" "1	1	0"
	is "$what: it is recorded until it is acknowledged" "SELECT count(*), reported, acked FROM left_out
		WHERE instance = $(last session)" "1		"
	is "$what: the store job has not failed" "SELECT code FROM job WHERE transfer_id = 1" ""
	step 0 "$what: the other reader skips it" store 2 session
	step 0 "$what: fetch again" fetch pra session
	step 0 "$what: store in the database" store 1 session
	step 0 "$what: store in the directory" store 2 session
	all_stored "$what: all sessions are stored"
done
sql "UPDATE recording SET state = 'owed', next = NULL, number = NULL"
owed=$(sql "SELECT count(*) FROM recording")
step 0 "fetch recordings again" fetch pra file
: >"spool/1/file/$(last file).rec"
step 65 "an empty file of recordings" store 2 file
is "they are owed again" "SELECT state, count(*) FROM recording" "owed	$owed"
is "and due" "SELECT next <= unixepoch() FROM job WHERE step = 'fetch' AND data = 'file'" 1
step 0 "fetch them again" fetch pra file
step 0 "store them" store 2 file
all_files "all are stored"

# A missing and a changed recording in the spool.
rm -rf dir
mkdir dir
sql "UPDATE recording SET state = 'owed', next = NULL, number = NULL; UPDATE destination SET existing = 0, head = NULL WHERE id = 2"
rm -rf spool/1/files
step 0 "fetch all recordings again" fetch pra file
# shellcheck disable=SC2012
one=$(ls spool/1/files | sed -n 1p)
# shellcheck disable=SC2012
two=$(ls spool/1/files | sed -n 2p)
rm "spool/1/files/$one"
printf x | dd of="spool/1/files/$two" bs=1 conv=notrunc 2>dd.out
step 65 "one is missing, one was changed" store 2 file
is "these two are owed" "SELECT count(*) FROM recording WHERE state = 'owed'" 2
is "and not recorded as left out" "SELECT count(*) FROM left_out WHERE program = 'praic-tofs'" 0
step 0 "fetch them again" fetch pra file
step 0 "store them" store 2 file
all_files "all are stored"

# Too little space.
"$conf" setting set spool-floor=1000T >out 2>&1 || fail "a floor" out
step 74 "less free space than the floor" fetch pra session
says "is reported" "setting spool-floor"
step 0 "store jobs go on" store 1 session
"$conf" setting set spool-floor=0 spool-cap=1K >out 2>&1
sql "UPDATE recording SET state = 'owed', next = NULL, number = NULL"
dd if=/dev/zero of=spool/1/files/filler bs=4k count=4 2>dd.out
step 0 "a spool larger than its cap: reports are fetched" fetch pra session
step 74 "recordings are not" fetch pra file
says "which is reported" "setting spool-cap"
rm spool/1/files/filler
"$conf" setting set spool-cap=50G >out 2>&1
step 0 "with a larger cap recordings are fetched" fetch pra file
step 0 "and stored" store 2 file

# A share that is not mounted.
mv dir away
mkdir dir
cp sessions.db away.db
rm sessions.db
sql "UPDATE job SET mark = NULL WHERE step = 'fetch' AND data = 'session'; UPDATE recording SET state = 'owed', next = NULL, number = NULL"
step 0 "fetch sessions again" fetch pra session
step 0 "fetch recordings again" fetch pra file
step 73 "a database whose share is not mounted" store 1 session
says "is named" "sessions.db"
step 73 "a directory whose share is not mounted" store 2 file
says "is named" "$work/dir"
check "nothing is written" test -z "$(ls -A dir)" -a ! -e sessions.db
rmdir dir
mv away dir
mv away.db sessions.db
step 0 "when the database is mounted" store 1 session
step 0 "when the directory is mounted" store 2 file
all_stored "all sessions are stored"
all_files "all recordings are stored"

# A directory that lost the files stored last.
cp -a dir older
again() {
	sql "UPDATE recording SET state = 'owed', next = NULL, number = NULL WHERE lsid IN
		(SELECT lsid FROM recording ORDER BY lsid LIMIT 1)"
	praic_run fetch pra file >out 2>&1
}
praic_run store 2 session >out 2>&1
appliance_control add 1 --length 60 >added.out
appliance_control clock +2000 >clock.out
praic_run fetch pra session >out 2>&1
step 0 "store a new session" store 2 session
rm -rf dir
mv older dir
again
step 65 "a directory restored from an older copy" store 2 file
is "is reported" "SELECT program, code FROM left_out WHERE program = 'praic-tofs'" "praic-tofs	head"
again
step 0 "once" store 2 file
sql "UPDATE left_out SET acked = 1 WHERE program = 'praic-tofs'"
cp -a dir older
appliance_control add 1 --length 60 >added.out
appliance_control clock +2000 >clock.out
praic_run fetch pra session >out 2>&1
step 0 "store another session" store 2 session
rm -rf dir
mv older dir
again
step 65 "an older copy again, after the first was acknowledged" store 2 file
is "is reported again" "SELECT count(*) FROM left_out WHERE program = 'praic-tofs' AND acked IS NULL" 1
again
step 0 "once" store 2 file
praic_run store 1 session >out 2>&1

# A report of which something was left out is kept once.
stub praic-split <<END
while [ \$# -gt 1 ]; do
	[ "\$1" = --left-out ] && printf 'pra.example.net\tabc\tsession\t\\\\N\ttoo-long\tit is too long\n' >"\$2"
	shift
done
$split "\$1"
echo "praic-split: session abc left out: it is too long" >&2
exit 65
END
sql "UPDATE job SET mark = NULL, last_success = NULL WHERE step = 'fetch' AND data = 'session'"
step 65 "a report of which something is left out" fetch pra session
says "gives the reason" "praic-run: fetch pra session: it is too long"
check "is kept" test "$(find spool/1/failed -name 'session-*.xml' | wc -l)" -eq 1
is "recorded" "SELECT program, host_name, lsid, kind, instance, code, reason FROM left_out WHERE lsid = 'abc'" \
	"praic-split	pra.example.net	abc	session	-1	too-long	it is too long"
is "counted, and not a failure" "SELECT left_out, code, last_success IS NOT NULL FROM job WHERE step = 'fetch' AND data = 'session'" "1		1"
sql "UPDATE job SET mark = NULL WHERE step = 'fetch' AND data = 'session'"
step 65 "the same report again" fetch pra session
check "is not kept twice" test "$(find spool/1/failed -name 'session-*.xml' | wc -l)" -eq 1
unstub praic-split
step 0 "store the other sessions" store 1 session
all_stored "all sessions are stored"
done_testing
