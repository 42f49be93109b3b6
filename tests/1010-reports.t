#!/bin/sh
# praic-fetch: other reports, backup, check, the spool, progress on a terminal.

# The dollars belong to awk and sh -c.
# shellcheck disable=SC2016,SC2317

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

now=1767225600
site_start --sessions 40 --span 3 --seed 4 --now $now --clock fixed
f Syslog >/dev/null	# caches a token

# reports
run 0 "a report by its name in the API" f Team start_time=1767139200 duration=86400
cp out framed
python3 "$top/tests/tools/frames.py" framed document >got
printf 'site pra.example.net %s\nend 1 -\n' "$(wc -c <document1)" >want
same "is in a frame" want got
asked -c '.parameters' | tail -n 1 >got
echo '{"generate_report":"Team","start_time":"1767139200","duration":"86400"}' >want
same "its parameters are passed on" want got
run 0 "--raw" f --raw Team start_time=1767139200 duration=86400
sed '/^<?praic-/d' framed >want
same "is the same without the mark lines" want out
no_token
run 0 "with a new token" f Team start_time=1767139200 duration=86400
same "is the same: a report has no time until which it is complete" framed out
run 0 "nothing found" f VaultAccountActivity start_time=5000 duration=60
echo '<?praic-end documents="0"?>' >want
same "has no documents" want out
site_ask '{"do":"set","name":"language","value":"de"}'
run 0 "an empty report in German" f Team start_date=1999-01-01 duration=1
same "has no documents either" want out
# The appliance uses this text for a bad date as well, so its meaning is not clear.
run 69 "an unknown text" f ArchiveListing date=2001-01-01
run 0 "the same with --nothing" f \
	--nothing "Für die Suchkriterien wurden keine Archive gefunden." ArchiveListing date=2001-01-01
same "is an empty report" want out
run 69 "an unknown report" f Nonesuch start_time=5000 duration=60
says "is an error with the appliance's text" "Ungültiger Bericht."
run 69 "a compressed error" f Archive type=state date=2025-12-31 index=77
says "is reported" "Archive: the appliance says:"
nothing_half "and not written as data"
site_ask '{"do":"set","name":"language","value":"en"}'
run 0 "an archive" f Archive type=event date=2025-12-31 index=1
check "stays compressed" gzip -t out
run 0 "a ZIP" f EndpointLicenseUsage
check "is unchanged" python3 -m zipfile -t out
run 64 "a parameter without a value" f Team start_time
run 64 "a bad name of a parameter" f Team 'a&b=1'
run 64 "a bad name of a report" f 'Team&x=1'
run 64 "generate_report as a parameter" f Team generate_report=Syslog
run 0 "a value with special characters" f Team 'team_id=1&x=ä %' start_time=1767139200 duration=60
asked -r '.parameters.team_id' | tail -n 1 >got
echo '1&x=ä %' >want
same "is encoded" want got
run 0 "--product pra" f --product pra sessions --since 1d

# into the spool
mkdir spool
run 0 "sessions into the spool" f sessions -d spool --since 2025-12-31T00:00Z
echo spool/pra.example.net-sessions-20251231T000000Z-20260101T000000Z.xml >want
same "the file name has site and span, and is printed" want out
f sessions --since 2025-12-31T00:00Z >want
cp "$(cat out)" got
same "the file has the same content as standard output" want got
run 0 "the same again" f sessions -d spool --since 2025-12-31T00:00Z
run 0 "a report into the spool" f -d spool Team start_time=1767139200 duration=86400
echo spool/pra.example.net-Team-start_time=1767139200-duration=86400.xml >want
same "has its parameters in its name" want out
run 0 "a report without a time" f -d spool EndpointLicenseUsage
echo spool/pra.example.net-EndpointLicenseUsage-20260101T000000Z.zip >want
same "has the appliance's time in its name" want out
run 0 "a value with path components" f -d spool Team team_id=../../x start_time=1 duration=1
echo "spool/pra.example.net-Team-team_id=_2E._2F.._2Fx-start_time=1-duration=1.xml" >want
same "is encoded in the file name" want out
long=$(head -c 400 /dev/zero | tr '\0' 5)
run 0 "a very long value" f -d spool Team "team_id=$long" start_time=1 duration=1
check "is shortened" test -f "$(cat out)"
lsid=$(site_control truth --form sessions --no-hashes | head -n 1 | cut -f 1)
run 0 "sessions by lsid" f -d spool sessions --lsid "$lsid"
echo "spool/pra.example.net-sessions-$lsid.xml" >want
same "have the lsid in the file name" want out
find spool -name '.*' -type f >got
: >want
same "no other file is left" want got
ls spool >before
site_fault "short-body after=2"
run 69 "an error" f --timeout 0 -d spool sessions --since 2025-12-30
find spool -type f | sed 's,.*/,,' | sort >got
same "leaves no file" before got
site_fault "stall seconds=30"
fx -d spool sessions --since 2025-12-29 >/dev/null 2>&1 &
pid=$!
until find spool -name '.praic-fetch-*' | grep -q .; do sleep 0.02; done
kill -9 $pid
wait $pid 2>/dev/null
site_fault
find spool -name '.praic-fetch-*' | wc -l | tr -d ' ' >got
echo 1 >want
same "a temporary file of a killed process" want got
run 0 "the next run" f -d spool sessions --since 2025-12-29
find spool -name '.praic-fetch-*' | wc -l | tr -d ' ' >got
echo 0 >want
same "removes it" want got

# backup
site_fault "short-body match=backup"
run 69 "a truncated backup to standard output" f --timeout 0 backup
check "writes nothing" test ! -s out
site_fault
run 0 "a backup to standard output" f backup
check "is written" test -s out
site_control truth --form recordings >recordings.truth
kind=$(awk -F '\t' '$2 == "shell" { print $1, $3; exit }' recordings.truth)
# shellcheck disable=SC2086
run 0 "a shell to standard output" f shell $kind
sha256sum <out | cut -d ' ' -f 1 >got
awk -F '\t' '$2 == "shell" { print $5; exit }' recordings.truth >want
same "is the right one" want got
kind=$(awk -F '\t' '$2 == "recording" { print $1; exit }' recordings.truth)
site_fault "reset times=2 percent=60"
run 0 "a recording to standard output, with broken connections" f recording "$kind"
sha256sum <out | cut -d ' ' -f 1 >got
awk -F '\t' '$2 == "recording" { print $5; exit }' recordings.truth >want
same "is the right one" want got
site_fault "error-as-video match=AccessSessionRecording"
run 66 "an expired recording" f recording "$kind"
check "writes nothing" test ! -s out
site_fault "status code=404 match=AccessSessionRecording"
run 77 "a recording that is not permitted" f recording "$kind"
check "writes nothing" test ! -s out
site_fault
run 74 "a recording to a full disk" sh -c ". '$top/tests/fetch.sh'
	port=$port client=$client; f recording $kind >/dev/full"
run 64 "an lsid that is none" f recording no/such
says "is said" "letters and digits only"
run 64 "a shell without its number" f shell "$kind"
run 64 "a number that is none" f shell "$kind" x
run 64 "a recording with -d" f -d spool recording "$kind"
run 64 "backup with operands" f backup -d spool x
site_forget
run 0 "backup" f backup -d spool
cp out one.rec
name=pra.example.net-backup-20260101T000000Z.nsb
awk -F '\t' '$1 == "R" && $2 == "file" { print $3, $4, $5, $6, $7, $10 }' out >got
echo "backup \\N $name nsb application/octet-stream 2026-01-01T00:00:00Z" >want
same "writes a file row" want got
awk -F '\t' '$1 == "S"' out >got
printf 'S\tpra.example.net\t\n' >want
same "for the site" want got
pipe 0 "in a record stream" one.rec "$rec_events"
check "the file has the digest of the row" sh -c '
	awk -F "\t" "\$2 == \"file\" && \$1 == \"R\" { print \$9 \"  spool/\" \$5 }" one.rec |
	sha256sum --check --quiet'
asked 'select(.path == "/api/backup") | .method' >got
echo GET >want
same "without a password the request is a GET" want got
printf 'se"same\n' >password
chmod 600 password
site_ask '{"do":"clock","set":"+60"}'
site_forget
run 0 "with a password" f -o backup-password=file:password backup -d spool
asked 'select(.path == "/api/backup") |
	"\(.method) \(.content_type) \(.parameters.password) \(.target)"' >got
echo 'POST application/json se"same /api/backup' >want
same "the password is in the body, as JSON" want got
check "both backups are in the spool" test "$(find spool -name '*.nsb' | wc -l)" -eq 2
site_ask '{"do":"clock","set":"+60"}'
while read -r code fault; do
	site_fault "$fault match=backup"
	run "$code" "backup: $fault" f --timeout 1 backup -d spool
	check "backup: $fault: no end mark" sh -c '! grep -q ^Z out'
	check "backup: $fault: no file is left" test "$(find spool -name '*backup*' | wc -l)" -eq 2
done <<'E'
69 xml-error
69 html-login
69 json-error error=other
69 empty-body
69 short-body
69 internal-error
77 status code=403
E
site_fault "short-body times=1 match=backup"
run 0 "backup: a broken connection" f --timeout 60 backup -d spool
there_is() { test "$(find spool -name '*backup*' | wc -l)" -eq "$1"; }
check "is retried" there_is 3
site_fault

# check
run 0 "check" f check
cut -c 9-31 out | sed 's/ *$//' >got
cat >want <<'E'
connection, TLS
account
AccessSession
AccessSessionListing
AccessSessionRecording
CommandShellRecording
Team
VaultAccountActivity
backup
clock
E
same "prints a line for each check" want got
site_ask '{"do":"deny","what":"CommandShellRecording","deny":true}'
site_ask '{"do":"deny","what":"VaultAccountActivity","deny":true}'
site_ask '{"do":"deny","what":"backup","deny":true}'
run 77 "check: some reports are not permitted" f check
grep -i refused out | cut -c 1-31 | sed 's/ *$//' >got
printf '%-8s%s\n' REFUSED CommandShellRecording refused VaultAccountActivity refused backup >want
same "is shown" want got
run 69 "check: a host that does not exist" "$fetch" --host nonesuch.invalid --client-id x \
	--secret "file:$site/secret" check
says "is shown" "FAILED  connection, TLS         cannot resolve nonesuch.invalid" out
no_token
run 78 "check: an unknown CA" "$fetch" --host "localhost:$port" --client-id x \
	--secret "file:$site/secret" check
says "is shown" "FAILED  connection, TLS" out
site_fault "xml-error text=Authentication_failed."
run 69 "check: the same error text for every request" f check
says "is not a permission" "FAILED  AccessSession           it says: Authentication_failed." out
site_fault bad-client
run 77 "check: a wrong secret" f check
says "is shown" "FAILED  account" out
site_fault
no_token	# and forget the refusal

# progress
on_terminal() {
	# shellcheck disable=SC2016
	python3 "$top/tests/tools/terminal.py" -- sh -c 'exec "$@" >/dev/null' - "$fetch" \
		--host "localhost:$port" --ca-file "$site/ca.pem" --client-id "$client" \
		--secret "file:$site/secret" "$@"
}
site_fault "slow-start seconds=0.3"
run 0 "on a terminal" on_terminal sessions --since 3d
tr '\r' '\n' <out >lines
check "progress shows windows, bytes and rate" \
	grep -qE 'localhost: [0-9]+ of 6 windows, [0-9.]+ [kM]B, [0-9.]+ ([kM]B|bytes)/s' lines
check "and is cleared at the end" sh -c 'tail -c 4 out | od -An -c | grep -q "\\\\r 033   \\[   K"'
site_fault "status code=400 after=3"
on_terminal sessions --since 3d >out
tr '\r' '\n' <out >lines
check "a message is on a line of its own" \
	grep -qE "^.\[Kpraic-fetch: localhost: sessions|^praic-fetch: localhost: sessions" lines
site_fault
run 0 "-v" f -v sessions --since 3d
check "prints a line for each window" test "$(grep -c ' for 86400 s: ' err)" -eq 6

site_stop
rm -rf "$site"
site_start --product rs --sessions 20 --span 1 --now $now --clock fixed
no_token
run 0 "Remote Support" f --product rs sessions --since 2d
whole "uses other names of reports" out
recordings_truth truth
records truth >in
pipe 0 "and has screen recordings" in f --product rs recordings -d spool
files out >got
sort truth >want
same "which are fetched" want got
run 0 "check with Remote Support" f --product rs check
says "includes them" "ShowMyScreenRecording" out
done_testing
