#!/bin/sh
# praic-run: a spool that is not as it was left; no room; a share that is not
# mounted; clocks that are set back.
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
step 0 "a fetch" fetch pra session
"$conf" init >out 2>&1
mv spool/id id.kept
step 78 "a spool without its id" store 1 session
says "is not touched" "nothing in it is touched"
echo 12345 >spool/id
step 78 "nor is that of others" store 1 session
says "both are named" "its id is 12345, theirs $(cat id.kept)"
check "nothing is stored" test ! -e sessions.db
mv id.kept spool/id
sql "DELETE FROM setting WHERE name = 'spool-id'"
step 78 "nor one by settings that know no id" store 1 session
sql "INSERT INTO setting VALUES ('spool-id', '$(cat spool/id)')"
step 0 "else it is stored" store 1 session
all_stored "all of it"

# Settings that are older than the spool.
cp settings.db settings.new
cp settings.kept settings.db
step 0 "older settings fetch all again" fetch pra session
is "as the first file" "SELECT min(number) FROM log" 1
step 0 "which are stored" store 1 session
step 0 "twice" store 2 session
all_stored "as before"
check "files that no row names are gone" test -z "$(find spool/1/session -name '*.rec')"

# A file of the log that is missing, and one that was changed.
step 0 "recordings" fetch pra file
step 0 "are stored" store 2 file
for what in missing changed; do
	rm -f sessions.db
	sql "UPDATE job SET mark = NULL WHERE step = 'fetch'; UPDATE destination SET existing = 0"
	step 0 "$what: a fetch" fetch pra session
	file=spool/1/session/$(last session).rec
	if [ $what = missing ]; then rm "$file"; else sed -i 's/[0-9]\{9\}/123456789/' "$file"; fi
	step 65 "$what: it is not stored" store 1 session
	says "$what: and told" "$(last session).rec"
	is "$what: a fetch is due that brings it again" "SELECT next <= unixepoch(), mark < unixepoch() - 80000,
		(SELECT count(*) FROM log) FROM job WHERE step = 'fetch' AND data = 'session'" "1	1	0"
	is "$what: it is told until it is acknowledged" "SELECT count(*), reported, acked FROM left_out
		WHERE instance = $(last session)" "1		"
	is "$what: it is no failure of the store" "SELECT code FROM job WHERE transfer_id = 1" ""
	step 0 "$what: the other reader passes over it" store 2 session
	step 0 "$what: it is fetched again" fetch pra session
	step 0 "$what: and stored" store 1 session
	step 0 "$what: by both" store 2 session
	all_stored "$what: all of it"
done
sql "UPDATE recording SET state = 'owed', next = NULL, number = NULL"
owed=$(sql "SELECT count(*) FROM recording")
step 0 "recordings once more" fetch pra file
: >"spool/1/file/$(last file).rec"
step 65 "an empty file of recordings" store 2 file
is "they are owed again" "SELECT state, count(*) FROM recording" "owed	$owed"
is "and due" "SELECT next <= unixepoch() FROM job WHERE step = 'fetch' AND data = 'file'" 1
step 0 "they are fetched again" fetch pra file
step 0 "and stored" store 2 file
all_files "all of them"

# A recording that is missing in the spool, and one that was changed.
rm -rf dir
mkdir dir
sql "UPDATE recording SET state = 'owed', next = NULL, number = NULL; UPDATE destination SET existing = 0, head = NULL WHERE id = 2"
rm -rf spool/1/files
step 0 "recordings, all anew" fetch pra file
# shellcheck disable=SC2012
one=$(ls spool/1/files | sed -n 1p)
# shellcheck disable=SC2012
two=$(ls spool/1/files | sed -n 2p)
rm "spool/1/files/$one"
printf x | dd of="spool/1/files/$two" bs=1 conv=notrunc 2>dd.out
step 65 "one is missing, one was changed" store 2 file
is "these are owed" "SELECT count(*) FROM recording WHERE state = 'owed'" 2
is "and not told as left out" "SELECT count(*) FROM left_out WHERE program = 'praic-tofs'" 0
step 0 "they are fetched again" fetch pra file
step 0 "and stored" store 2 file
all_files "all of them"

# No room.
"$conf" setting set spool-floor=1000T >out 2>&1 || fail "a floor" out
step 74 "less free space than the floor" fetch pra session
says "is told" "setting spool-floor"
step 0 "stores go on" store 1 session
"$conf" setting set spool-floor=0 spool-cap=1K >out 2>&1
sql "UPDATE recording SET state = 'owed', next = NULL, number = NULL"
dd if=/dev/zero of=spool/1/files/filler bs=4k count=4 2>dd.out
step 0 "more in the spool than the cap: reports are fetched" fetch pra session
step 74 "and no recordings" fetch pra file
says "which is told" "setting spool-cap"
rm spool/1/files/filler
"$conf" setting set spool-cap=50G >out 2>&1
step 0 "else they are" fetch pra file
step 0 "and stored" store 2 file

# A share that is not mounted.
mv dir away
mkdir dir
cp sessions.db away.db
rm sessions.db
sql "UPDATE job SET mark = NULL WHERE step = 'fetch' AND data = 'session'; UPDATE recording SET state = 'owed', next = NULL, number = NULL"
step 0 "sessions" fetch pra session
step 0 "and recordings" fetch pra file
step 73 "for a database whose share is not mounted" store 1 session
says "wait, with the reason" "sessions.db"
step 73 "and for a directory" store 2 file
says "wait, with the reason" "$work/dir"
check "nothing is written there" test -z "$(ls -A dir)" -a ! -e sessions.db
rmdir dir
mv away dir
mv away.db sessions.db
step 0 "once it is mounted" store 1 session
step 0 "they are stored" store 2 file
all_stored "all of them"
all_files "all of them"

# A directory that lost what was stored last.
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
step 0 "a new session" store 2 session
rm -rf dir
mv older dir
again
step 65 "a directory that is older than what was stored" store 2 file
is "is told" "SELECT program, code FROM left_out WHERE program = 'praic-tofs'" "praic-tofs	head"
again
step 0 "once" store 2 file
praic_run store 1 session >out 2>&1

# What was left out is kept once.
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
says "says why" "praic-run: fetch pra session: it is too long"
check "is kept" test "$(find spool/1/failed -name 'session-*.xml' | wc -l)" -eq 1
is "known" "SELECT program, host_name, lsid, kind, instance, code, reason FROM left_out WHERE lsid = 'abc'" \
	"praic-split	pra.example.net	abc	session	-1	too-long	it is too long"
is "counted, and no failure" "SELECT left_out, code, last_success IS NOT NULL FROM job WHERE step = 'fetch' AND data = 'session'" "1		1"
sql "UPDATE job SET mark = NULL WHERE step = 'fetch' AND data = 'session'"
step 65 "again" fetch pra session
check "it is kept once" test "$(find spool/1/failed -name 'session-*.xml' | wc -l)" -eq 1
unstub praic-split
step 0 "what is not left out" store 1 session
all_stored "is stored"
done_testing
