#!/bin/sh
# The whole pipe, from an appliance to SQLite and to files.
. "$(dirname "$0")/lib.sh"
. "$top/tests/appliance.sh"

appliance_start --clock fixed --sessions 120 --span 5 --seed 7
site="--host $PRAIC_HOST --ca-file $PRAIC_CA --client-id $PRAIC_CLIENT_ID \
	--secret file:$PRAIC_SECRET_FILE"
# shellcheck disable=SC2086
set -- $site

# dump DATABASE: print the content, including ids.
dump() {
	sqlite3 "$1" .dump
}

run 0 "fetch sessions" "$fetch" "$@" sessions --since 6d
cp out sessions.xml
run 0 "split them" "$split" sessions.xml
cp out sessions.rec
pipe 0 "store them" sessions.rec "$tosql" -d x.db
dump x.db >once
appliance_truth >truth
sqlite3 -separator '	' x.db "select lsid, coalesce(strftime('%s', end_time), '-'),
	(select count(*) from session_event e where e.session_id = s.id),
	(select count(*) from \"user\" u where u.session_id = s.id) from session s order by lsid" \
	>stored
same "all of the appliance's sessions, each once, with their events and users" truth stored

"$split" sessions.xml | "$uniq" | "$tojson" | jq -r .lsid | sort | uniq -d >twice
silent "praic-uniq writes each session once" twice
"$fetch" "$@" sessions --since 6d | "$split" | "$tosql" -d x.db
check "the whole pipe again" test $? -eq 0
dump x.db >twice
same "changes nothing, including ids" once twice

# The same file twice, and files.
"$split" sessions.xml sessions.xml | "$tosql" -d y.db
check "the same file twice in one run" test $? -eq 0
sqlite3 y.db 'select count(*) from session' >count
sqlite3 x.db 'select count(*) from session' >want
same "stores each session once" want count

# Files.
mkdir files
pipe 0 "store sessions in files" sessions.rec "$tofs" -d files
ended=$(sqlite3 x.db 'select count(*) from session where end_time is not null')
find files -name '*.xml' | wc -l | tr -d ' ' >count
echo "$ended" >want
same "a file for each session that has ended" want count
find files -name '*.xml' -exec cat {} + >all.xml
# shellcheck disable=SC2046
"$split" $(find files -name '*.xml' | sort) >again.rec
check "the files can be split again" test $? -eq 0
"$tosql" -d z.db <again.rec
sqlite3 z.db "select lsid, type, start_time, end_time, duration, external_key, lseq from session
	order by lsid" >want
sqlite3 x.db "select lsid, type, start_time, end_time, duration, external_key, lseq from session
	where end_time is not null order by lsid" >got
same "and have the sessions of the database" want got

# Truncated input: exit code 75, no incomplete session, and a rerun completes.
bytes=$(wc -c <sessions.xml)
part=$((bytes / 3))
head -c "$part" sessions.xml | "$split" 2>err | "$tosql" -d part.db 2>>err
check "truncated XML gives 75" test $? -eq 75
sqlite3 part.db "select count(*) from session s where not exists (select 1 from session_event e
	where e.session_id = s.id)" >count
echo 0 >want
same "the stored sessions are complete" want count
"$split" sessions.xml | "$tosql" -d part.db
check "the rerun" test $? -eq 0
sqlite3 part.db "select lsid, lseq, (select count(*) from session_event e where e.session_id = s.id)
	from session s order by lsid" >got
sqlite3 x.db "select lsid, lseq, (select count(*) from session_event e where e.session_id = s.id)
	from session s order by lsid" >want
same "completes the database" want got

for stage in fetch split; do
	for delay in 0.01 0.05 0.1 0.2; do
		rm -f a b k.db*
		mkfifo a b
		"$fetch" "$@" sessions --since 6d >a 2>/dev/null &
		p_fetch=$!
		"$split" <a >b 2>/dev/null &
		p_split=$!
		(
			sleep "$delay"
			if [ "$stage" = fetch ]; then kill -9 $p_fetch; else kill -9 $p_split; fi
		) 2>/dev/null &
		p_killer=$!
		"$tosql" -d k.db <b 2>err
		got=$?
		wait $p_fetch 2>/dev/null
		f=$?
		wait $p_split 2>/dev/null
		s=$?
		wait $p_killer
		killed=$f
		[ "$stage" = fetch ] || killed=$s
		if [ "$killed" -eq 137 ]; then
			check "praic-$stage killed after $delay s: the last program exits with 75" test "$got" -eq 75
		else
			check "praic-$stage had ended within $delay s" test "$got" -eq 0
		fi
		"$split" sessions.xml | "$tosql" -d k.db
		sqlite3 k.db "select lsid, lseq, (select count(*) from session_event e
			where e.session_id = s.id) from session s order by lsid" >got
		same "and a rerun completes it" want got
	done
done
done_testing
