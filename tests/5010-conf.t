#!/bin/sh
# praic-conf: valid and refused values, and secrets that are not shown.
. "${0%/*}/lib.sh"

PRAIC_SETTINGS=$work/settings.db
PATH=${bin}fetch:${bin}split:${bin}tosql:${bin}tofs:${bin}sched/mail:$PATH
export PRAIC_SETTINGS PATH
db() {
	sqlite3 -batch -noheader "$PRAIC_SETTINGS" "$@"
}
# is NAME QUERY VALUE: the query returns the value
is() {
	db "$2" >got 2>&1
	printf '%s\n' "$3" >want
	same "$1" want got
}
terminal() {
	python3 "$top/tests/tools/terminal.py" "$@"
}

run 66 "without a settings database" "$conf" site list
says "the message says what to do" "praic-conf init"
run 0 "init" "$conf" init
run 64 "no arguments" "$conf"
run 64 "an unknown verb" "$conf" site destroy x
says "is named" "site destroy: there is no such command"

# Sites.
echo 's3cr=t " two' >secret
pipe 0 "a site, with its secret from standard input" secret \
	"$conf" site add access host=HTTPS://pra.example.com/ client-id=abc123 \
	nothing='no data' nothing='keine Daten' timeout=2m
silent "prints no message"
is "https:// and the slash are removed; the secret is unchanged" \
	"SELECT host, client_id, secret, timeout FROM site" 'pra.example.com|abc123|plain:s3cr=t " two|120'
pipe 0 "a URL from a browser" secret "$conf" site add url \
	host=https://url.example.com:8443/login?next=1#x client-id=abc123
is "gives host and port" "SELECT host FROM site WHERE name = 'url'" url.example.com:8443
run 0 "remove it" "$conf" site remove url
pipe 64 "a URL without TLS" secret "$conf" site add url host=http://url.example.com/ client-id=x
says "is refused with the reason" "https"
pipe 0 "a missing directory for temporary files" secret \
	env TMPDIR="$work/nowhere" "$conf" site add url host=url.example.com client-id=abc123
says "is named" "$work/nowhere (TMPDIR)"
says "as a problem of this machine" "this machine"
run 0 "remove it" "$conf" site remove url
run 64 "a name that exists" "$conf" site add access host=x client-id=y secret=env:X
run 64 "a secret as an argument" "$conf" site add b host=x client-id=y secret=hunter22
check "is not repeated" sh -c '! grep -q hunter22 err'
run 64 "an unknown field" "$conf" site add b host=x client-id=y secret=env:X colour=hunter22
check "is named without its value" sh -c '! grep -q hunter22 err && grep -q colour err'
run 64 "a missing field" "$conf" site add b client-id=y secret=env:X
says "is named" "host=VALUE is missing"
run 66 "no line for the secret on standard input" "$conf" site add b host=x client-id=y
for bad in host=a/b 'host=a b' 'host=a@b' product=xy pin=abc proxy=ftp://x timeout=soon \
	timeout=0 client-id=a:b ca-file=ca.pem "ca-file=$work/no-such.pem" secret=file:relative; do
	run 64 "refused: $bad" "$conf" site add b host=x client-id=y secret=env:X "$bad"
done
for name in '' ' x' -x 'a=b' "$(printf 'a\tb')" "$(printf '\377')"; do
	run 64 "a bad name: $(printf %s "$name" | od -An -tx1)" \
		"$conf" site add -- "$name" host=x client-id=y secret=env:X
done
is "none of these was added" "SELECT count(*) FROM site" 1
run 0 "references to secrets" "$conf" site add two host=two.example.com:8443 \
	client-id=x secret=file:/run/s backup-password=credential:b proxy-user=env:P
is "are stored as references" "SELECT secret, backup_password, proxy_user FROM site WHERE name = 'two'" \
	'file:/run/s|credential:b|env:P'
printf 'one\ntwo\n' >lines
pipe 0 "two secrets in two lines, in the order of the fields" lines \
	"$conf" site set two backup-password=- secret=-
is "each field has its own" "SELECT secret, backup_password FROM site WHERE name = 'two'" \
	'plain:two|plain:one'
run 0 "unset a field" "$conf" site set two backup-password= proxy-user=
is "it is NULL" "SELECT backup_password, proxy_user FROM site WHERE name = 'two'" '|'
check "and removed from the file" sh -c '! grep -q plain:one "$PRAIC_SETTINGS"'
run 64 "a required field cannot be unset" "$conf" site set two host=
run 0 "rename" "$conf" site rename two deux
run 64 "rename to an existing name" "$conf" site rename deux access
run 78 "rename a missing site" "$conf" site rename two x
run 0 "list" "$conf" site list
printf 'access\tpra.example.com\tabc123\t0\ndeux\ttwo.example.com:8443\tx\t0\n' >want
same "is separated by TABs in a pipe" want out
run 0 "show" "$conf" site show access
cat >want <<'END'
name	access
host	pra.example.com
client-id	abc123
secret	set
nothing	no data\nkeine Daten
timeout	2m
END
same "does not show the secret" want out
run 0 "show as JSON" "$conf" --json site show access
check "lists are arrays, unset fields are null, secrets are not shown" jq -e \
	'.nothing == ["no data", "keine Daten"] and .ca_file == null and .secret == "set"' out
run 0 "list as JSON" "$conf" site list --json
check "is an array of objects" jq -e 'length == 2 and .[0].host == "pra.example.com"' out
terminal -- "$conf" site list >out
printf 'name    host                  client id  transfers\n' >want
head -n 1 out >got
same "is a table on a terminal" want got
terminal 'top secret' 'top secret' -- "$conf" site add three host=x client-id=y >out
check "a secret typed at a prompt" [ $? -eq 0 ]
check "does not echo" sh -c '! grep -q "top secret" out && grep -q "once more" out'
is "is stored" "SELECT secret FROM site WHERE name = 'three'" 'plain:top secret'
terminal 'one' 'other' -- "$conf" site set three secret=- >out
check "two different inputs are refused" [ $? -ne 0 ]
is "and change nothing" "SELECT secret FROM site WHERE name = 'three'" 'plain:top secret'
run 0 "remove" "$conf" site remove three

# Destinations.
mkdir files
run 0 "files" "$conf" destination add files fs directory="$work/files" conflict=skip retain=5 \
	format='session=%LSID%.%EXTENSION%,backup=%START_DATE%,%KIND%' in-progress=yes
run 0 "a database" "$conf" destination add store sql connection="sqlite:$work/store.db" \
	system-information=no
check "the database file is not made" [ ! -e store.db ]
run 0 "a command" "$conf" destination add cmd exec command='cat >/dev/null'
while IFS='|' read -r code what fields; do
	# shellcheck disable=SC2086
	run "$code" "refused: $what" "$conf" destination add bad $fields
done <<END
64|no such kind|mdb directory=$work
64|a field of another kind|fs connection=x directory=$work/files
64|a missing directory field|fs conflict=skip
64|a relative directory|fs directory=files
64|a relative database path|sql connection=store.db
64|an unknown conflict handling|fs directory=$work/files conflict=rename
64|an unknown replacement name|fs directory=$work/files format=%LSIDS%
64|an unknown replacement name in a list of formats|fs directory=$work/files format=session=%LSID%,backup=%FOO%
64|an unknown kind of file|fs directory=$work/files format=sessions=%LSID%
64|a missing CA file|sql connection=Server=db1;Database=b ca-file=$work/none.pem
64|a format that gives equal names|fs directory=$work/files conflict=skip format=%LSID%
64|a bad retention count|fs directory=$work/files retain=-1
64|a mode with execute permission|fs directory=$work/files mode=755
64|a bad flag|sql connection=$work/s.db system-information=perhaps
64|a password in a connection string|sql connection=Server=db1;Pwd=hunter22
64|a password for SQLite|sql connection=$work/s.db password=env:P
78|the settings database|sql connection=$PRAIC_SETTINGS
64|a syntax error in a command|exec command=if
END
check "no password is repeated" sh -c '! grep -rq hunter22 err "$PRAIC_SETTINGS" log'
is "none of these was added" "SELECT count(*) FROM destination" 3
run 0 "a missing directory is accepted" \
	"$conf" destination add later fs directory="$work/later"
says "with a warning" "does not work now"
run 73 "its test fails" "$conf" destination test later
run 0 "test files" "$conf" destination test files
run 0 "test a database" "$conf" destination test store
run 0 "test a command" "$conf" destination test cmd
run 0 "a change" "$conf" destination set files conflict=append format=
run 64 "a bad change" "$conf" destination set files mode=644x
run 0 "show" "$conf" destination show files
printf 'name\tfiles\nkind\tfs\ndirectory\t%s\nconflict\tappend\nretain\t5\nin-progress\tyes\n' \
	"$work/files" >want
same "shows the stored fields" want out

# Schedules.
run 0 "every quarter of an hour" "$conf" schedule add often every=15m
run 0 "every night" "$conf" schedule add nightly every=1d at=03:30
for bad in every=59s every=8d every=90s every= at=03:30 'every=1h at=03:30' 'every=1d at=24:00' \
	'every=1d at=3:30' 'every=1d on=monday'; do
	# shellcheck disable=SC2086
	run 64 "refused: $bad" "$conf" schedule add bad $bad
done
run 0 "a week" "$conf" schedule add weekly every=7d
run 0 "a minute" "$conf" schedule set weekly every=1m
run 64 "a time of day with a period of a minute" "$conf" schedule set weekly at=01:00
run 0 "disable" "$conf" schedule disable weekly
run 0 "list" "$conf" schedule list
printf '%s\n' 'nightly	1d	03:30	yes	0	' 'often	15m		yes	0	' \
	'weekly	1m		no	0	' >want
same "shows all three" want out
run 0 "remove" "$conf" schedule remove weekly

# Transfers.
run 0 "sessions into the database" "$conf" transfer add often access store session since=7d
echo 1 >want
same "prints its number" want out
run 0 "recordings into files" "$conf" transfer add often access files recording,shell,screen
run 0 "backups" "$conf" transfer add nightly access files backup
run 64 "recordings into a database" "$conf" transfer add nightly access store recording
says "are refused with the reason" "stores sessions"
run 64 "backups into a database" "$conf" transfer set 1 kinds=session,backup
run 64 "no such kind" "$conf" transfer add nightly access files sessions
run 64 "no kind" "$conf" transfer add nightly access files ,
run 64 "the same twice" "$conf" transfer add often access store session
run 64 "the same by another schedule" "$conf" transfer add nightly deux store session since=tomorrow
run 64 "the same data by another schedule" "$conf" transfer add nightly access store session
is "no transfer was added" "SELECT count(*) FROM transfer" 3
run 78 "no such site" "$conf" transfer add often nowhere store session
is "the needed jobs exist, and no others" "SELECT step, data, transfer_id FROM job ORDER BY 1, 2, 3" \
	'backup|backup|3
fetch|file|
fetch|session|
store|file|2
store|session|1'
is "without since all data of the appliance is fetched" "SELECT mark IS NULL AND
	next IS NOT NULL AND asked = next FROM job WHERE step = 'fetch' AND data = 'session'" 1
"$conf" schedule add young every=1d
deux=$(db "SELECT id FROM site WHERE name = 'deux'")
"$conf" transfer add young deux store session since=7d >number
is "with since only newer data" "SELECT strftime('%s', 'now') - mark BETWEEN 604800 AND 604860
	FROM job WHERE site_id = $deux AND step = 'fetch'" 1
db "UPDATE job SET last = 5, next = NULL WHERE site_id = $deux AND step = 'fetch';
	UPDATE job SET position = 5 WHERE site_id = $deux AND step = 'store'"
"$conf" transfer add young deux files session since=now >other
is "a new transfer without past begins at the end of the log" "SELECT position FROM job WHERE transfer_id = $(cat other)" 5
is "and does not ask for older data" "SELECT strftime('%s', 'now') - mark > 604000, next IS NOT NULL
	FROM job WHERE site_id = $deux AND step = 'fetch'" '1|1'
db "INSERT INTO recording VALUES
	($deux, 'h', 'old', 'shell', 1, 'x', 1, 1, 'came', 3, 1, 0, NULL, NULL, 1, NULL, NULL),
	($deux, 'h', 'new', 'shell', 1, 'x', 1, strftime('%s', 'now'), 'came', 3, 1, 0, NULL, NULL, 1, NULL, NULL),
	($deux, 'h', 'not', 'recording', -1, 'x', 1, NULL, 'came', 3, 1, 0, NULL, NULL, 1, NULL, NULL)"
run 0 "add a kind, since yesterday" "$conf" transfer set "$(cat other)" kinds=session,shell since=1d
is "recordings of that kind and time are owed again" "SELECT lsid, state FROM recording" 'new|owed
old|came'
is "from now on: one that has expired meanwhile is gone, not lost" "SELECT noted > 1000 FROM recording
	WHERE lsid = 'new'" 1
db "UPDATE recording SET state = 'came', session_end = strftime('%s', 'now') - 91 * 86400
	WHERE lsid = 'old'"
run 0 "everything since last year" "$conf" transfer set "$(cat other)" since=365d
is "but not what the appliance has deleted" "SELECT lsid, state FROM recording" 'new|owed
old|came'
is "positions in the log are kept" "SELECT data, position FROM job WHERE transfer_id = $(cat other)
	ORDER BY 1" 'file|0
session|5'
run 64 "a kind less, with something owed" "$conf" transfer set "$(cat other)" kinds=session
says "tells what would go" "1 recordings are not fetched"
run 0 "by force" "$conf" --force transfer set "$(cat other)" kinds=session
is "with its jobs" "SELECT count(*) FROM job WHERE site_id = $deux AND data = 'file'" 0
run 0 "another schedule" "$conf" transfer set "$(cat other)" schedule=often
run 64 "not another site" "$conf" transfer set "$(cat other)" site=access
says "says what to do" "add another transfer"
run 0 "a schedule goes with its transfers" "$conf" schedule remove young
says "and tells which" "removed with it: transfer $(cat number)"
run 0 "a transfer goes" "$conf" transfer remove "$(cat other)"
is "with all that no other needs" "SELECT count(*) FROM job WHERE site_id = $deux" 0
run 0 "other kinds" "$conf" transfer set 2 kinds=recording,session
is "replace the old ones" "SELECT group_concat(kind) FROM transfer_kind WHERE transfer_id = 2" recording,session
db "UPDATE job SET next = 9999999999, wait = 60 WHERE transfer_id IN (1, 2)"
run 0 "a changed destination" "$conf" destination set store system-information=yes
is "is tried at once; the others wait" "SELECT transfer_id, next < 9999999999 FROM job
	WHERE transfer_id < 3 AND data = 'session'" '1|1
2|0'
run 0 "a changed site" "$conf" site set access timeout=90s
is "is, too" "SELECT count(*) FROM job WHERE next = 9999999999" 0
run 0 "a host of another name" "$conf" site set access host-name=other.example.com
says "tells what that means" "stored again under that name"
"$conf" site set access host-name= 2>err
run 0 "another port" "$conf" site set access host=pra.example.com:8443
silent "prints no message"
"$conf" site set access host=pra.example.com
db "UPDATE destination SET existing = 1, head = 'x'"
run 0 "another place" "$conf" destination set store connection="$work/else.db"
says "prints that older data stay in the old place" "since=TIME"
is "the state of the old place is forgotten" "SELECT existing, head FROM destination WHERE name = 'store'" '0|'
is "only for this destination" "SELECT count(*) FROM destination WHERE existing" 3
"$conf" destination set store connection="sqlite:$work/store.db" 2>err

# Data that are not stored yet are removed only with --force.
mkdir -p spool/1/session spool/lock
: >spool/1/session/1.rec
db "INSERT INTO log VALUES (1, 'session', 1, NULL, NULL, 1, 1, 'x');
	UPDATE job SET last = 1 WHERE step = 'fetch' AND data = 'session'"
for i in 'transfer remove 1' 'site remove access' 'schedule remove often' 'destination remove store'; do
	# shellcheck disable=SC2086
	run 64 "$i, with data that are not stored" "$conf" $i
	says "the message says how much" "files of reports and recordings are not stored yet"
done
run 64 "another spool would strand it" "$conf" setting set spool="$work/spool2"
says "says what to do" "let the scheduler store them"
db "SELECT transfer_id FROM job WHERE step = 'backup'" >backups
mkdir -p "spool/1/backup/$(cat backups)"
run 0 "remove a transfer of backups" "$conf" --force transfer remove "$(cat backups)"
check "its part of the spool is removed" [ ! -e "spool/1/backup/$(cat backups)" ]
job=$(db "SELECT id FROM job WHERE transfer_id = 1")
: >"spool/lock/$job"
exec 9<"spool/lock/$job"
flock 9
run 75 "a transfer at work stays" "$conf" --force transfer remove 1
says "says why" "praic-run is working"
exec 9<&-
run 0 "remove it with --force when it is not running" "$conf" --force transfer remove 1
run 0 "remove the site with --force" "$conf" --force site remove access
check "its part of the spool is removed" [ ! -e spool/1 ]
is "and all of its rows" "SELECT (SELECT count(*) FROM job) + (SELECT count(*) FROM log) +
	(SELECT count(*) FROM transfer)" 0
flock spool/scheduler.lock "$conf" setting set spool="$work/spool2" 2>err
check "another spool while the scheduler runs" test $? -eq 64
says "is refused with what to do" "stop it first"
rm -r spool/lock spool/scheduler.lock
run 0 "another spool" "$conf" setting set spool="$work/spool2"
rm -r spool
mv spool2 spool
run 0 "back to the first spool" "$conf" setting set spool="$work/spool"
mkdir full && : >full/x
run 78 "a directory with other files as spool" "$conf" setting set spool="$work/full"
run 0 "a site" "$conf" site add access host=pra.example.com client-id=abc123 secret=env:X
run 0 "a transfer" "$conf" transfer add nightly access files backup
db "SELECT seq FROM sqlite_sequence WHERE name = 'transfer'" >want
same "with a number that was not used before" want out

# More values that are refused.
for bad in host=a:0 host=a:99999 host=a..b host=http://a host='a/path' host=user@a host='[::1' \
	secret=env:1X secret=env:A-B secret=credential:../x secret=file:here secret=plain:x \
	client-id= ca-file=here.pem product=windows; do
	run 64 "refused: $bad" "$conf" site add bad host=x client-id=y secret=env:X "$bad"
done
run 0 "a reference to a missing secret" "$conf" site add later host=x client-id=y \
	secret="file:$work/no-such-file"
says "has a word about it" "it cannot be followed now"
for bad in directory=here 'directory=\\server\share' retain=-1 retain=many conflict=immutable \
	format=%lsid% format=../%LSID% format=/etc/%LSID% mode=999 connection=x; do
	run 64 "refused: $bad" "$conf" destination add bad fs directory="$work" "$bad"
done
for bad in connection=here.db 'connection=Server=a;Datbase=b' system-information=perhaps \
	connection="$PRAIC_SETTINGS"; do
	"$conf" destination add bad sql connection="$work/x.db" "$bad" >out 2>err </dev/null
	check "refused: $bad" test $? -ge 64 -a -s err
done
run 78 "none of them was added" "$conf" destination show bad
TZ=Europe/Wien run 78 "a time of day in an unknown time zone" \
	"$conf" schedule add zone every=1d at=02:00
says "is refused with its name" "TZ=Europe/Wien"
for zone in UTC CET-1CEST '<+03>-3' Europe/Vienna :Europe/Vienna ''; do
	TZ=$zone run 0 "a zone: $zone" "$conf" schedule set nightly at=03:30
done

# Settings.
run 0 "settings" "$conf" setting set parallel=4 spool-cap=2T log-days=90 metrics="$work/m.prom"
for bad in parallel=soon spool=here log-days=-1 sweep-days=0 sweep-days=91 notify-port=70000 \
	notify-tls=maybe notify-to=nobody notify-to=a@b@c 'notify-to=a@b.c,' 'notify-to=A <a@b.c' \
	notify-ca-file="$work/none.pem" colour=red spool= notify-password=hunter22 retention-days=0; do
	run 64 "refused: $bad" "$conf" setting set parallel=1 "$bad"
done
run 0 "show one of them" "$conf" setting show parallel
printf 'name\tparallel\nvalue\t4\n' >want
same "is unchanged" want out
echo hunter22 >lines
pipe 0 "settings for mail" lines "$conf" setting set notify-server=mail.example.com notify-port=587 \
	notify-user=praic notify-password=- notify-from=praic@example.com \
	notify-to='a@example.com, "B, C" <b@example.com>'
run 0 "list" "$conf" setting list
check "shows no password" sh -c '! grep -q hunter22 out && grep -q "^notify-password	set	" out'
run 64 "an address that praic-mail would refuse" "$conf" setting set 'notify-from=a b@example.com'
run 0 "unset" "$conf" setting unset log-days notify-port
run 0 "its default" "$conf" --json setting show log-days
check "applies again" jq -e '.value == 30' out

run 0 "log client" "$conf" log client
check "shows the changed fields" grep -q 'user [0-9]*: site add access host client-id' out
check "without values" sh -c '! grep -qE "s3cr|hunter22|example" out'
run 0 "log scheduler" "$conf" log scheduler
silent "is empty" out
run 64 "an unknown log" "$conf" log spool
done_testing
