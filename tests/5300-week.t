#!/bin/sh
# A week of an appliance's life in simulated time, praic-sched -1 and the
# filters themselves, and everything that takes part killed or refused at
# random: tests/tools/week.py.  At the end the stores hold what the appliance
# has, in its final form, once.  PRAIC_LONG=1: a fortnight, in smaller steps.
. "$(dirname "$0")/lib.sh"
. "$top/tests/appliance.sh"
. "$top/tests/sched.sh"
sched_settings
at_exit='[ ! -e pid ] || kill -9 "$(cat pid)" 2>/dev/null'
days=7 minutes=480
[ -z "${PRAIC_LONG-}" ] || days=14 minutes=60
begin=$(date +%s)
since=$(date -u -d "@$((begin - 30 * 86400))" +%Y-%m-%dT%H:%M:%SZ)
export minutes since

mkdir files latest appliance
cat >settings.sh <<'END2'
. ./appliance/env
port=$(cat port)
# The appliance's log tells by the name that was asked whose question it was.
for host in localhost 127.0.0.1; do
	"$conf" site add "$host" host="$host:$port" host-name=pra.example.net ca-file="$PRAIC_CA" \
		client-id="$PRAIC_CLIENT_ID" secret="file:$PRAIC_SECRET_FILE" retry-time=1s rate=0
done
"$conf" destination add db sql connection="$PWD/store.db" timeout=1
"$conf" destination add files fs directory="$PWD/files"
"$conf" destination add latest fs directory="$PWD/latest" conflict=overwrite in-progress=yes
[ -n "${PRAIC_LONG-}" ] || "$conf" setting set sweep-days=4
"$conf" schedule add database every="${minutes}m"
"$conf" schedule add files every="${minutes}m"
"$conf" transfer add database localhost db session since=$since >ids
"$conf" transfer add files 127.0.0.1 files session,recording since=$since >ids
"$conf" transfer add files 127.0.0.1 latest session since=$since >ids
END2

: >store.db	# to have something to lock
run 0 "a week goes by, and nothing is asked for without a reason" \
	python3 "$top/tests/tools/week.py" "$work" "$days" $((minutes * 60)) "$begin"
sed 's/^#* */# /' out
[ "$got" -le 1 ] || exit 1
appliance_dir=$work/appliance

# What there is, by one run that nobody disturbs.
. appliance/env
run 0 "a clean run" "$fetch" --host "$PRAIC_HOST" --name pra.example.net --ca-file "$PRAIC_CA" \
	--client-id "$PRAIC_CLIENT_ID" --secret "file:$PRAIC_SECRET_FILE" sessions \
	--since "$since" --until "$(appliance_control clock | sed -n 's/.*"now": \([0-9]*\).*/\1/p')"
cp out clean.xml
run 0 "is read" "$split" clean.xml
cp out clean.rec
mkdir clean-files clean-latest
run 0 "into a database" "$tosql" -d clean.db clean.rec
run 0 "and files" "$tofs" -d clean-files clean.rec
run 0 "with those in progress" "$tofs" -p -d clean-latest clean.rec
appliance_truth >truth
sqlite3 -separator '	' store.db "select lsid, coalesce(strftime('%s', end_time), '-'),
	(select count(*) from session_event e where e.session_id = s.id),
	(select count(*) from \"user\" u where u.session_id = s.id) from session s
	order by lsid" >got
same "the database has the appliance's $(wc -l <truth) sessions, each once" truth got
for db in clean store; do
	python3 "$top/tests/tools/storage.py" dump $db.db --no-ids >$db.txt
done
same "in their final form, to the last row" clean.txt store.txt
for folder in files latest; do
	(cd clean-$folder && find . -name '*.xml' | sort | xargs sha256sum) >want
	(cd $folder && find . -name '*.xml' | sort | xargs sha256sum) >got
	same "so do the files ($folder), $(wc -l <want) of them, and no other" want got
	run 0 "they agree with their ledger" "$tofs" --verify -d $folder
done
appliance_control truth --form recordings | awk '$2 == "recording" { print $5 }' | sort >want
find files -type f ! -name '*.xml' ! -name '.praic*' -exec sha256sum {} + | cut -d ' ' -f 1 |
	sort >got
same "all $(wc -l <want) recordings, each once" want got
find spool/*/new spool/*/tmp spool/*/files -type f >left
silent "nothing is left in the spool" left
sqlite3 "$PRAIC_SETTINGS" "SELECT * FROM failure WHERE recovered IS NULL AND code <> 65" >left
silent "and nothing fails" left
done_testing
