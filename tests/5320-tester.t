#!/bin/sh
# scripts/praic-test, the API Tester: sites, spans, sessions, saved files,
# destinations, kinds of data; and that it says what arrived.
. "${0%/*}/lib.sh"
. "$top/tests/appliance.sh"

PRAIC_SETTINGS=$work/settings.db
PATH=${bin}fetch:${bin}split:${bin}uniq:${bin}tosql:${bin}tofs:${bin}sched:${bin}sched/run:${bin}sched/conf:${bin}sched/mail:$PATH
export PRAIC_SETTINGS PATH
tester=$top/scripts/praic-test
appliance_start --clock fixed --sessions 30 --span 5 --seed 5 \
	--recording-size 1K-3K --backup-size 5000

run 0 "-h" "$tester" -h
says "tells the options" "-d DESTINATION" out
run 66 "no settings database" "$tester" -s one -f 2d
"$conf" init >out
"$conf" site add one host="$PRAIC_HOST" client-id="$PRAIC_CLIENT_ID" ca-file="$PRAIC_CA" \
	secret="file:$PRAIC_SECRET_FILE" host-name=pra.example.net
"$conf" site add refused host="$PRAIC_HOST" client-id=nobody ca-file="$PRAIC_CA" \
	secret="file:$PRAIC_SECRET_FILE"
mkdir files
"$conf" destination add store sql connection="$work/store.db"
"$conf" destination add files fs directory="$work/files"
"$conf" destination add 'a command' exec command="cat >'$work/cmd.rec'"

run 64 "nothing to do" "$tester"
run 64 "no span" "$tester" -s one
says "says so" "since when"
run 64 "both a span and sessions" "$tester" -s one -f 2d -l abc
run 64 "an unknown kind" "$tester" -s one -f 2d -k keys
says "is named" "keys: the kinds of data are"
run 64 "files with a span" "$tester" -f 2d some.xml
run 64 "recordings of files, from nowhere" "$tester" -k recording some.xml
run 78 "an unknown destination" "$tester" -s one -f 2d -d nowhere
says "is named, and nothing fetched" '"nowhere"'
run 78 "an unknown site" "$tester" -s nowhere -f 2d
check "so far nobody was asked" sh -c '! grep -q AccessSession appliance/log'

since=6d
sessions=$(appliance_truth | wc -l)
run 0 "a span to three destinations" "$tester" -s one -f $since -d store -d files -d 'a command'
closed=$(appliance_truth | awk -F '\t' '$2 != "-"' | wc -l)
says "counts what came" "    $sessions sessions, " out
says "says what the database took" "$sessions stored, " out
check "which is true" test "$(sqlite3 store.db 'SELECT count(*) FROM session')" -eq "$sessions"
grep -c '^    pra.example.net-support-.*\.xml$' out >got
echo "$closed" >want
same "names the files" want got
check "which are there" test "$(find files -name '*.xml' | wc -l)" -eq "$closed"
says "and that the command did well" "one to a command, session: ok" out
check "which had all of it" grep -q '^Z' cmd.rec
run 0 "once more" "$tester" -s one -f $since -d store -d files
says "the database has it" "sessions read: 0 stored, " out
says "and the folder" "0 files stored, " out

lsid=$(appliance_truth | awk -F '\t' '$2 != "-" { print $1; exit }')
run 0 "one session, nowhere" "$tester" -s one -l "$lsid"
says "is counted" "1 sessions, " out
run 66 "one that does not exist" "$tester" -s one -l 00000000000000000000000000000000
says "is said" "there is no session" out

run 0 "recordings, shells, and a backup" "$tester" -s one -f $since \
	-k recording,shell,screen,backup -d files
appliance_control truth --form recordings | awk '{ print $5 }' | sort >want
find files -type f ! -name '*.xml' ! -name '*backup*' ! -name '.praic*' -exec sha256sum {} + |
	cut -d ' ' -f 1 | sort >got
same "all of them are there" want got
check "the backup, too" test "$(find files -name '*-backup-*' | wc -l)" -eq 1
check "a destination is asked for each kind" test "$(grep -c '^one to files, ' out)" -eq 4
run 64 "recordings into a database" "$tester" -s one -f $since -k recording -d store
says "are refused" "a database stores sessions only" out

run 77 "two sites, one of which refuses" "$tester" -s refused -s one -f $since -d store
says "says which" "refused: failed (77)" out
says "why" "the client id or the secret is wrong" out
says "and goes on with the other" "one to store, session: ok" out

# Saved files.
"$fetch" -s one sessions --since $since --until 2d >saved.xml
sed 's/<?praic-[^>]*?>//' saved.xml >nameless.xml
rm -f store.db*
run 0 "a saved file" "$tester" -d store saved.xml
check "is stored" test "$(sqlite3 store.db 'SELECT count(*) > 0 FROM session')" -eq 1
run 64 "one that says no site" "$tester" -d store nameless.xml
rm -f store.db*
run 0 "with its site" "$tester" -s one -d store nameless.xml
sqlite3 store.db 'SELECT DISTINCT host_name FROM session' >got
echo pra.example.net >want
same "has that site's name" want got
run 0 "recordings of a saved file" "$tester" -s one -k recording -d files saved.xml
run 66 "a file that is not there" "$tester" -d store missing.xml
says "is said" "missing.xml: failed (66)" out
head -c 3000 saved.xml >cut.xml
run 75 "a file that was cut" "$tester" -d store cut.xml
rm -r files
run 73 "a destination that is gone" "$tester" -s one -f $since -d files
says "is said" "one to files, session: failed (73)" out
check "nothing is left in the way" sh -c '! ls -d praic-test.*'
done_testing
