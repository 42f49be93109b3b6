#!/bin/sh
# Five days of an appliance's life in simulated time, with praic-sched -1 and
# the filters themselves; each process is killed or refused something at random:
# tests/tools/week.py.  At the end the stores hold what the appliance has, in its
# final form, once; three transfers cost one fetch.  PRAIC_LONG=1: a fortnight, in
# smaller steps.
. "$(dirname "$0")/lib.sh"
. "$top/tests/appliance.sh"
. "$top/tests/sched.sh"
sched_settings
at_exit='[ ! -e pid ] || kill -9 "$(cat pid)" 2>/dev/null'
days=5 minutes=480
[ -z "${PRAIC_LONG-}" ] || days=14 minutes=60
begin=$(date +%s)
since=$(date -u -d "@$((begin - 30 * 86400))" +%Y-%m-%dT%H:%M:%SZ)
export minutes since

mkdir files latest appliance
# Short retries, to save time.
stub praic-fetch <<'END'
exec "$fetch" --timeout 1s --rate 0 "$@"
END
stub praic-tosql <<'END'
exec "$tosql" --timeout 1 "$@"
END
cat >settings.sh <<'END2'
. ./appliance/env
"$conf" site add pra host="localhost:$(cat port)" host-name=pra.example.net ca-file="$PRAIC_CA" \
	client-id="$PRAIC_CLIENT_ID" secret="file:$PRAIC_SECRET_FILE"
"$conf" destination add db sql connection="$PWD/store.db"
"$conf" destination add files fs directory="$PWD/files"
"$conf" destination add latest fs directory="$PWD/latest" conflict=overwrite in-progress=yes
"$conf" destination add command exec \
	command="praic-uniq -d $PWD/uniq.db -- sh -c 'cat >>$PWD/command.rec'"
[ -n "${PRAIC_LONG-}" ] || "$conf" setting set sweep-days=4
"$conf" schedule add often every="${minutes}m"
"$conf" schedule add seldom every="$((2 * minutes))m"
"$conf" schedule add daily every=1d
"$conf" transfer add often pra db session since=$since >ids
"$conf" transfer add often pra files session,recording since=$since >ids
"$conf" transfer add seldom pra latest session since=$since >ids
"$conf" transfer add daily pra command session since=$since >ids
END2

: >store.db	# to have something to lock
run 0 "days go by, and nothing is asked for without a reason" \
	python3 "$top/tests/tools/week.py" "$work" "$days" $((minutes * 60)) "$begin"
sed 's/^#* */# /' out
[ "$got" -le 1 ] || exit 1
appliance_dir=$work/appliance

# The expected data, from one undisturbed run.
. appliance/env
run 0 "an undisturbed run" "$fetch" --host "$PRAIC_HOST" --name pra.example.net --ca-file "$PRAIC_CA" \
	--client-id "$PRAIC_CLIENT_ID" --secret "file:$PRAIC_SECRET_FILE" sessions \
	--since "$since" --until "$(appliance_control clock | sed -n 's/.*"now": \([0-9]*\).*/\1/p')"
cp out clean.xml
run 0 "is split" "$split" clean.xml
cp out clean.rec
mkdir clean-files clean-latest
run 0 "stored in a database" "$tosql" -d clean.db clean.rec
run 0 "in files" "$tofs" -d clean-files clean.rec
run 0 "and in files with sessions in progress" "$tofs" -p -d clean-latest clean.rec
appliance_truth >truth
sqlite3 -separator '	' store.db "select lsid, coalesce(strftime('%s', end_time), '-'),
	(select count(*) from session_event e where e.session_id = s.id),
	(select count(*) from \"user\" u where u.session_id = s.id) from session s
	order by lsid" >got
same "the database has the appliance's $(wc -l <truth) sessions, each once" truth got
for db in clean store; do
	python3 "$top/tests/tools/storage.py" dump $db.db --no-ids >$db.txt
done
same "in their final form, with all rows" clean.txt store.txt
for folder in files latest; do
	(cd clean-$folder && find . -name '*.xml' | sort | xargs sha256sum) >want
	(cd $folder && find . -name '*.xml' | sort | xargs sha256sum) >got
	same "$folder has exactly the $(wc -l <want) expected files" want got
	run 0 "they agree with their ledger" "$tofs" --verify -d $folder
done
appliance_control truth --form recordings | awk '$2 == "recording" { print $5 }' | sort >want
find files -type f ! -name '*.xml' ! -name '.praic*' -exec sha256sum {} + | cut -d ' ' -f 1 |
	sort >got
same "all $(wc -l <want) recordings, each once" want got
# Recordings stay in the spool for a day after they were stored.
find spool/[0-9]*/ -type f ! -path '*/failed/*' ! -path '*/files/*' >left
silent "no other file is left in the spool" left
sql "SELECT name, code, reason FROM job_view WHERE code IS NOT NULL OR backlog > 0" >left
silent "no job fails" left
sql "SELECT * FROM recording WHERE state <> 'came'" >left
silent "all recordings were fetched" left
# Malformed reports were fetched again.
sql "SELECT * FROM left_out WHERE program <> 'praic-split' OR code <> 'malformed'" >left
silent "nothing else is left out" left
# The command's input: concatenated streams.
"$tosql" -d command.db command.rec 2>err
check "the command got complete streams" test $? -eq 0
python3 "$top/tests/tools/storage.py" dump command.db --no-ids >command.txt
same "with all sessions" clean.txt command.txt
awk -F '\t' '$1 == "S" { s = $3 } { t = t "\n" $0 } $1 == "E" {
	if (t in seen) print s; seen[t] = 1; t = "" } $1 == "S" { t = $0 }' command.rec >left
[ ! -s left ] || echo "# the command got $(sort -u left | wc -l) sessions twice, after it was killed"
done_testing
