#!/bin/sh
# praic-conf: what can be entered, what is refused, and what never is shown.
. "${0%/*}/lib.sh"

PRAIC_SETTINGS=$work/settings.db
PATH=${bin}fetch:${bin}split:${bin}tosql:${bin}tofs:${bin}sched:$PATH
export PRAIC_SETTINGS PATH
db() {
	sqlite3 -batch -noheader "$PRAIC_SETTINGS" "$@"
}
# is NAME QUERY VALUE: does the database hold this?
is() {
	db "$2" >got 2>&1
	printf '%s\n' "$3" >want
	same "$1" want got
}
terminal() {
	python3 "$top/tests/tools/terminal.py" "$@"
}

run 66 "without a settings database" "$conf" site list
says "says what to do" "praic-conf init"
run 0 "init" "$conf" init
run 64 "no words: usage" "$conf"
run 64 "an unknown verb" "$conf" site destroy x
says "shows the verbs there are" "praic-conf site add"

# Sites.
echo 's3cr=t " two' >secret
pipe 0 "a site; its secret by standard input" secret \
	"$conf" site add access host=HTTPS://pra.example.com/ client-id=abc123 \
	nothing='no data' nothing='keine Daten' rate=10
silent "says nothing"
is "https:// and the slash are gone; the secret is kept as it is" \
	"SELECT host, client_id, secret, rate FROM site" 'pra.example.com|abc123|plain:s3cr=t " two|10'
pipe 0 "a URL as a browser has it" secret "$conf" site add url \
	host=https://url.example.com:8443/login?next=1#x client-id=abc123
is "its host and port are meant" "SELECT host FROM site WHERE name = 'url'" url.example.com:8443
run 0 "it goes" "$conf" site remove url
pipe 64 "a URL without TLS" secret "$conf" site add url host=http://url.example.com/ client-id=x
says "is refused with the reason" "https"
pipe 0 "a machine that has no room for temporary files" secret \
	env TMPDIR="$work/nowhere" "$conf" site add url host=url.example.com client-id=abc123
says "is told where they should be" "$work/nowhere (TMPDIR)"
says "and whose fault it is" "this machine"
run 0 "it goes" "$conf" site remove url
run 64 "the same name again" "$conf" site add access host=x client-id=y secret=env:X
run 64 "a secret as an argument" "$conf" site add b host=x client-id=y secret=hunter22
check "is not repeated" sh -c '! grep -q hunter22 err'
run 64 "an unknown field" "$conf" site add b host=x client-id=y secret=env:X colour=hunter22
check "is named without its value" sh -c '! grep -q hunter22 err && grep -q colour err'
run 64 "a missing field" "$conf" site add b client-id=y secret=env:X
says "is named" "host=VALUE is missing"
run 66 "no line for the secret" "$conf" site add b host=x client-id=y
for bad in host=a/b 'host=a b' 'host=a@b' product=xy pin=abc proxy=ftp://x retry-time=soon \
	rate=-1 client-id=a:b ca-file=ca.pem max-document=0 connect-time=0 secret=file:relative; do
	run 64 "refused: $bad" "$conf" site add b host=x client-id=y secret=env:X "$bad"
done
for name in '' ' x' -x 'a=b' "$(printf 'a\tb')" "$(printf '\377')"; do
	run 64 "no name: $(printf %s "$name" | od -An -tx1)" \
		"$conf" site add -- "$name" host=x client-id=y secret=env:X
done
is "none of these is there" "SELECT count(*) FROM site" 1
run 0 "references are kept as they are" "$conf" site add two host=two.example.com:8443 \
	client-id=x secret=file:/run/s backup-password=credential:b proxy-user=env:P
is "all three" "SELECT secret, backup_password, proxy_user FROM site WHERE name = 'two'" \
	'file:/run/s|credential:b|env:P'
printf 'one\ntwo\n' >lines
pipe 0 "two secrets, two lines, in the order of the operands" lines \
	"$conf" site set two backup-password=- secret=-
is "each its own" "SELECT secret, backup_password FROM site WHERE name = 'two'" \
	'plain:two|plain:one'
run 0 "a field is taken away" "$conf" site set two backup-password= proxy-user=
is "and gone" "SELECT backup_password, proxy_user FROM site WHERE name = 'two'" '|'
check "from the file, too" sh -c '! grep -q plain:one "$PRAIC_SETTINGS"'
run 64 "what is needed cannot be" "$conf" site set two host=
run 0 "rename" "$conf" site rename two deux
run 64 "not onto another" "$conf" site rename deux access
run 78 "not what is not there" "$conf" site rename two x
run 0 "list" "$conf" site list
printf 'access\tpra.example.com\tabc123\t0\ndeux\ttwo.example.com:8443\tx\t0\n' >want
same "TABs in a pipe" want out
run 0 "show" "$conf" site show access
cat >want <<'END'
name	access
host	pra.example.com
client-id	abc123
secret	set
nothing	no data\nkeine Daten
rate	10
END
same "without the secret" want out
run 0 "show as JSON" "$conf" --json site show access
check "lists are arrays, what is not set is null, secrets are not shown" jq -e \
	'.nothing == ["no data", "keine Daten"] and .ca_file == null and .secret == "set"' out
run 0 "list as JSON" "$conf" site list --json
check "an array of objects" jq -e 'length == 2 and .[0].host == "pra.example.com"' out
terminal -- "$conf" site list >out
printf 'name    host                  client id  transfers\n' >want
head -n 1 out >got
same "a table on a terminal" want got
terminal 'top secret' 'top secret' -- "$conf" site add three host=x client-id=y >out
check "a prompt" [ $? -eq 0 ]
check "does not echo" sh -c '! grep -q "top secret" out && grep -q "once more" out'
is "takes what was typed" "SELECT secret FROM site WHERE name = 'three'" 'plain:top secret'
terminal 'one' 'other' -- "$conf" site set three secret=- >out
check "two that differ are refused" [ $? -ne 0 ]
is "and change nothing" "SELECT secret FROM site WHERE name = 'three'" 'plain:top secret'
run 0 "remove" "$conf" site remove three

# Destinations.
mkdir files
run 0 "files" "$conf" destination add files fs directory="$work/files" conflict=skip retain=5 \
	format-session='%LSID%.%EXTENSION%' in-progress=yes
run 0 "a database" "$conf" destination add store sql connection="sqlite:$work/store.db" \
	system-information=no
check "which is not made by that" [ ! -e store.db ]
run 0 "a command" "$conf" destination add cmd exec command='cat >/dev/null'
while IFS='|' read -r code what fields; do
	# shellcheck disable=SC2086
	run "$code" "refused: $what" "$conf" destination add bad $fields
done <<END
64|no such kind|mdb directory=$work
64|a field of another kind|fs connection=x directory=$work/files
64|nothing to store in|fs conflict=skip
64|a directory that depends on where one is|fs directory=files
64|a database that does|sql connection=store.db
64|no such conflict handling|fs directory=$work/files conflict=rename
64|no such replacement value|fs directory=$work/files format=%LSIDS%
64|names that could meet|fs directory=$work/files conflict=skip format=%LSID%
64|a retention count that is none|fs directory=$work/files retain=-1
64|a mode for everybody to run|fs directory=$work/files mode=755
64|a flag that is none|sql connection=$work/s.db system-information=perhaps
64|a password in a connection string|sql connection=Server=db1;Pwd=hunter22
64|a password for SQLite|sql connection=$work/s.db password=env:P
78|the settings database|sql connection=$PRAIC_SETTINGS
64|a command that is no shell command|exec command=if
END
check "no password is repeated" sh -c '! grep -rq hunter22 err "$PRAIC_SETTINGS" log'
is "none of these is there" "SELECT count(*) FROM destination" 3
run 0 "a directory that is not mounted now is taken" \
	"$conf" destination add later fs directory="$work/later"
says "with a word" "does not work now"
run 73 "and fails its test" "$conf" destination test later
run 0 "which the others pass" "$conf" destination test files
run 0 "a database" "$conf" destination test store
run 0 "a command" "$conf" destination test cmd
run 0 "a change" "$conf" destination set files conflict=append format-session=
run 64 "a bad change" "$conf" destination set files mode=644x
run 0 "show" "$conf" destination show files
printf 'name\tfiles\nkind\tfs\ndirectory\t%s\nconflict\tappend\nretain\t5\nin-progress\tyes\n' \
	"$work/files" >want
same "is what was kept" want out

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
run 64 "no time of day for that" "$conf" schedule set weekly at=01:00
run 0 "disable" "$conf" schedule disable weekly
run 0 "list" "$conf" schedule list
printf '%s\n' 'nightly	1d	03:30	yes	0	' 'often	15m		yes	0	' \
	'weekly	1m		no	0	' >want
same "all three" want out
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
run 64 "what another transfer moves" "$conf" transfer add nightly access store session
is "leaves nothing behind" "SELECT count(*) FROM transfer" 3
run 78 "no such site" "$conf" transfer add often nowhere store session
is "the mark is where it was told" "SELECT strftime('%s', 'now') - mark BETWEEN 604800 AND 604860
	FROM transfer_kind WHERE transfer_id = 1" 1
is "or open" "SELECT count(*) FROM transfer_kind WHERE mark IS NULL" 4
run 0 "other kinds" "$conf" transfer set 2 kinds=recording,session
is "instead" "SELECT group_concat(kind) FROM transfer_kind WHERE transfer_id = 2" recording,session
run 64 "a site in use stays" "$conf" site remove access
says "and says by what" "1, 2, 3"
run 64 "a destination in use" "$conf" destination remove store
run 64 "a schedule with transfers" "$conf" schedule remove often
db "INSERT INTO failure (transfer_id, kind, step, since, wait, retry_at)
	VALUES (1, 'session', 'store', 1, 60, 9999999999), (2, 'session', 'store', 1, 60, 9999999999)"
run 0 "a changed destination" "$conf" destination set store timeout=60
is "is tried at once, the others wait" "SELECT transfer_id, coalesce(retry_at, 'now') FROM failure" \
	"1|now
2|9999999999"
run 0 "a changed site" "$conf" site set access rate=5
is "is, too" "SELECT count(*) FROM failure WHERE retry_at IS NOT NULL" 0
mkdir -p spool/3/new/session
: >spool/3/new/session/0000000001.xml
run 64 "a transfer with a backlog stays" "$conf" transfer remove 3
says "says why" "1 files in its spool wait"
run 64 "nor does it lose a kind" "$conf" transfer set 3 kinds=backup
run 64 "and another spool would strand it" "$conf" setting set spool="$work/spool2"
says "says why" "would wait for ever"
rm spool/3/new/session/0000000001.xml
: >spool/3/lock
exec 9<spool/3/lock
flock 9
run 64 "a transfer at work stays" "$conf" transfer remove 3
says "says why" "it is at work now"
run 64 "so does the spool" "$conf" setting set spool="$work/spool2"
exec 9<&-
flock spool/scheduler.lock "$conf" setting set spool="$work/spool2" 2>err
check "and with a scheduler running" test $? -eq 64
says "says what to do" "stop it first"
run 0 "else it may be another" "$conf" setting set spool="$work/spool2"
run 0 "and the first again" "$conf" setting set spool="$work/spool"
run 0 "one without goes" "$conf" transfer remove 3
run 0 "and another comes" "$conf" transfer add nightly access files backup
echo 4 >want
same "with a number that never was" want out

# More of what cannot work.
for bad in host=a:0 host=a:99999 host=a..b host=http://a host='a/path' host=user@a host='[::1' \
	secret=env:1X secret=env:A-B secret=credential:../x secret=file:here secret=plain:x \
	client-id= ca-file=here.pem product=windows; do
	run 64 "refused: $bad" "$conf" site add bad host=x client-id=y secret=env:X "$bad"
done
run 0 "a secret that is not there yet" "$conf" site add later host=x client-id=y \
	secret="file:$work/no-such-file"
says "has a word about it" "leads nowhere now"
for bad in directory=here 'directory=\\server\share' retain=-1 retain=many conflict=AppendNumber \
	format=%lsid% format=../%LSID% format=/etc/%LSID% mode=999 connection=x; do
	run 64 "refused: $bad" "$conf" destination add bad fs directory="$work" "$bad"
done
for bad in connection=here.db 'connection=Server=a;Datbase=b' system-information=perhaps \
	connection="$PRAIC_SETTINGS" timeout=-3; do
	"$conf" destination add bad sql connection="$work/x.db" "$bad" >out 2>err </dev/null
	check "refused: $bad" test $? -ge 64 -a -s err
done
run 78 "none of them is there" "$conf" destination show bad
TZ=Europe/Wien run 78 "a time of day in a zone that nobody knows" \
	"$conf" schedule add zone every=1d at=02:00
says "is refused with its name" "TZ=Europe/Wien"
TZ=Europe/Wien run 78 "by the scheduler, too" "$sched" -n
for zone in UTC CET-1CEST '<+03>-3' Europe/Vienna :Europe/Vienna ''; do
	TZ=$zone run 0 "a zone: $zone" "$sched" -n
done

# Settings.
run 0 "settings" "$conf" setting set overlap=20m spool-cap=2T log-days=90 metrics="$work/m.prom"
for bad in overlap=soon spool=here log-days=-1 sweep-days=0 sweep-days=91 notify-port=70000 \
	notify-tls=maybe notify-to=nobody overlap=8d notify-server=http://x colour=red spool= jobs=0 notify-password=hunter22 \
	retention-days=0 stage-time=1s; do
	run 64 "refused: $bad" "$conf" setting set overlap=1m "$bad"
done
run 0 "one of them" "$conf" setting show overlap
printf 'name\toverlap\nvalue\t20m\n' >want
same "is as it was" want out
echo hunter22 >lines
pipe 0 "mail" lines "$conf" setting set notify-server=mail.example.com notify-port=587 \
	notify-user=praic notify-password=- notify-from=praic@example.com \
	notify-to='a@example.com, "B, C" <b@example.com>'
run 0 "list" "$conf" setting list
check "shows no password" sh -c '! grep -q hunter22 out && grep -q "^notify-password	set	" out'
run 64 "an address that praic-mail would refuse" "$conf" setting set 'notify-from=a b@example.com'
run 0 "unset" "$conf" setting unset log-days notify-port
run 0 "its default" "$conf" --json setting show log-days
check "is back" jq -e '.value == 30' out

run 0 "log" "$conf" log client
check "with field names" grep -q 'user [0-9]*: site add access host client-id' out
check "and no values" sh -c '! grep -qE "s3cr|hunter22|example" out'
run 0 "the scheduler's" "$conf" log scheduler
silent "is empty" out
run 64 "no other" "$conf" log spool
done_testing
