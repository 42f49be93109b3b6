#!/bin/sh
# scripts/praic-test, the API Tester: sites, spans, sessions, saved files,
# destinations, kinds of data, and its report of what arrived.
. "${0%/*}/lib.sh"
. "$top/tests/appliance.sh"

PRAIC_SETTINGS=$work/settings.db
PATH=${bin}fetch:${bin}split:${bin}uniq:${bin}tosql:${bin}tofs:${bin}sched:${bin}sched/run:${bin}sched/conf:${bin}sched/mail:$PATH
export PRAIC_SETTINGS PATH
tester=$top/scripts/praic-test
appliance_start --clock fixed --sessions 30 --span 5 --seed 5 \
	--recording-size 1K-3K --backup-size 5000

run 0 "-h" "$tester" -h
says "prints the options" "-d DESTINATION" out
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

run 64 "no arguments" "$tester"
run 64 "no span" "$tester" -s one
says "is reported" "since when"
run 64 "both a span and sessions" "$tester" -s one -f 2d -l abc
run 64 "an unknown kind" "$tester" -s one -f 2d -k keys
says "is named" "keys: the kinds of data are"
run 64 "files with a span" "$tester" -f 2d some.xml
run 64 "recordings of files, without a site" "$tester" -k recording some.xml
run 78 "an unknown destination" "$tester" -s one -f 2d -d nowhere
says "is named, and nothing fetched" '"nowhere"'
run 78 "an unknown site" "$tester" -s nowhere -f 2d
check "no report was requested so far" sh -c '! grep -q AccessSession appliance/log'

since=6d
sessions=$(appliance_truth | wc -l)
run 0 "a span to three destinations" "$tester" -s one -f $since -d store -d files -d 'a command'
closed=$(appliance_truth | awk -F '\t' '$2 != "-"' | wc -l)
says "prints the number of fetched sessions" "    $sessions sessions, " out
says "prints the number of stored sessions" "$sessions stored, " out
check "the database has them" test "$(sqlite3 store.db 'SELECT count(*) FROM session')" -eq "$sessions"
grep -c '^    pra.example.net-support-.*\.xml$' out >got
echo "$closed" >want
same "prints the names of the files" want got
check "the files exist" test "$(find files -name '*.xml' | wc -l)" -eq "$closed"
says "reports that the command succeeded" "one to a command, session: ok" out
check "the command read the whole stream" grep -q '^Z' cmd.rec
run 0 "the same span again" "$tester" -s one -f $since -d store -d files
says "stores nothing in the database" "sessions read: 0 stored, " out
says "and nothing in the directory" "0 files stored, " out

lsid=$(appliance_truth | awk -F '\t' '$2 != "-" { print $1; exit }')
run 0 "one session without a destination" "$tester" -s one -l "$lsid"
says "is counted" "1 sessions, " out
run 66 "a session that does not exist" "$tester" -s one -l 00000000000000000000000000000000
says "is reported" "there is no session" out

run 0 "recordings, shells, and a backup" "$tester" -s one -f $since \
	-k recording,shell,screen,backup -d files
appliance_control truth --form recordings | awk '{ print $5 }' | sort >want
find files -type f ! -name '*.xml' ! -name '*backup*' ! -name '.praic*' -exec sha256sum {} + |
	cut -d ' ' -f 1 | sort >got
same "all recordings are stored" want got
check "and the backup" test "$(find files -name '*-backup-*' | wc -l)" -eq 1
check "one line for each kind" test "$(grep -c '^one to files, ' out)" -eq 4
run 64 "recordings into a database" "$tester" -s one -f $since -k recording -d store
says "are refused" "a database stores sessions only" out

run 77 "two sites, one of which refuses" "$tester" -s refused -s one -f $since -d store
says "the failed site is named" "refused: failed (77)" out
says "with the reason" "the client id or the secret is wrong" out
says "the other site is served" "one to store, session: ok" out

# Saved files.
"$fetch" -s one sessions --since $since --until 2d >saved.xml
sed 's/<?praic-[^>]*?>//' saved.xml >nameless.xml
rm -f store.db*
run 0 "a saved file" "$tester" -d store saved.xml
check "is stored" test "$(sqlite3 store.db 'SELECT count(*) > 0 FROM session')" -eq 1
run 64 "a saved file that names no site" "$tester" -d store nameless.xml
rm -f store.db*
run 0 "the same file with -s" "$tester" -s one -d store nameless.xml
sqlite3 store.db 'SELECT DISTINCT host_name FROM session' >got
echo pra.example.net >want
same "has the host name of that site" want got
run 0 "recordings of a saved file" "$tester" -s one -k recording -d files saved.xml
run 66 "a file that does not exist" "$tester" -d store missing.xml
says "is reported" "missing.xml: failed (66)" out
head -c 3000 saved.xml >cut.xml
run 75 "a truncated file" "$tester" -d store cut.xml
rm -r files
run 73 "a destination whose directory is missing" "$tester" -s one -f $since -d files
says "is reported" "one to files, session: failed (73)" out
check "no temporary directory is left" sh -c '! ls -d praic-test.*'
done_testing
