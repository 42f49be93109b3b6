#!/bin/sh
# praic-fetch sessions: the requests, windows, frames, empty reports.

# The dollars belong to awk, jq and sh -c.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

now=1767225600		# 2026-01-01T00:00:00Z
day=86400
site_start --sessions 80 --span 6 --seed 3 --now $now --clock fixed

# errors of the command line, before any request
run 64 "no arguments" "$fetch"
run 64 "an unknown option" f --insecure sessions --since 1d
run 64 "neither --since nor --lsid" f sessions
run 64 "both" f sessions --since 1d --lsid 00000000000000000000000000000001
run 64 "--lsid with --until" f sessions --lsid 00000000000000000000000000000001 --until now
run 64 "a time that is none" f sessions --since yesterday
says "says what would be one" "36h"
run 64 "operands" f sessions --since 1d 2d
run 64 "a URL instead of a host" "$fetch" --host https://x --client-id a --secret env:X sessions
run 64 "a secret instead of a reference" "$fetch" --host x --client-id a --secret hunter2 \
	sessions --since 1d
check "which is not repeated" sh -c '! grep -q hunter2 err'
run 64 "a proxy with a password" f --proxy http://u:hunter2@x:1 sessions --since 1d
check "which is not repeated, either" sh -c '! grep -q hunter2 err'
run 78 "a secret that others can read" sh -c "
	umask 022; echo x >open; chmod 644 open
	'$fetch' --host x --client-id a --secret file:open sessions --since 1d"
run 0 "--help" "$fetch" --help
silent "on standard output"
run 0 "--version" "$fetch" --version
says "has the version" "$(cat "$top/VERSION")" out
run 74 "--help to a full disk" sh -c "'$fetch' --help >/dev/full"
asked .path >calls
check "no request was sent" test ! -s calls

# all sessions of a span
site_forget
run 0 "six days" f sessions --since 7d
cp out all.xml
silent "prints no message"
lsids all.xml >got
site_control truth --form sessions --no-hashes | cut -f 1 | sort >want
same "all sessions" want got
python3 "$top/tests/tools/frames.py" all.xml >frames
sed -n '$!s/ [0-9]*$//p; $p' frames | uniq -c | sed 's/^ *//' >got
n=$(grep -c '^<?xml ' all.xml)
printf '%s site pra.example.net\n1 end %s 1767225600\n' "$n" "$n" >want
same "a frame for each document, and one end" want got
asked 'select(.path == "/api/reporting") | .parameters |
	"\(if .start_time then "start \(.start_time)" else "end \(.end_time)" end) \(.duration)"' |
	# on a busy machine now may be a second later
	awk -v from=$((now - 7 * day)) 'NR == 1 { late = $2 - from }
		{ print $1, $2 - (late <= 60 ? late : 0), $3 }' >got
for which in start end; do
	i=7
	while [ $i -gt 0 ]; do
		echo "$which $((now - i * day)) $day"
		i=$((i - 1))
	done
done >want
same "start_time first, then end_time, in windows of a day without gaps" want got
asked 'select(.path == "/api/reporting") | "\(.method) \(.connection_header)"' | sort -u >got
echo "POST close" >want
same "Connection: close, and no parameters in the URL" want got
asked .connection | sort -n | uniq -d >got
: >want
same "no connection is used twice" want got

site_forget
run 0 "from and to a time" f sessions --since 2025-12-29T01:00:00Z --until 2025-12-31T12:00
asked 'select(.parameters.start_time != "1") | .parameters |
	"\(.start_time // .end_time) \(.duration)"' | sort -u >got
printf '%s\n' "1766970000 86400" "1767056400 86400" "1767142800 39600" >want
same "the last window is shorter" want got
says "until is the requested time" 'until="1767182400"' out
run 0 "--until after the appliance's now" f sessions --since 1d --until 2031-01-01
says "until is the appliance's time" "until=\"$now\"" out
run 0 "--raw" f sessions --raw --since 1d
check "has no mark lines" sh -c '! grep -q praic- out'
run 64 "a span that ends before it begins" f sessions --since 2025-12-20 --until 2025-12-10
says "is an error" "is later than" err
TZ=America/New_York run 0 "local dates" f --name other.example sessions --since 2025-12-31
asked 'select(.parameters.start_time != "1") | .parameters.start_time // empty' | tail -n 1 >got
echo 1767157200 >want
same "are in this machine's time zone" want got
says "--name sets the name in the frames" '<?praic-site other.example bytes="' out

site_forget
run 0 "a date of eight digits" f sessions --since 20251231 --until 20260101
asked '.parameters.start_time // empty' | tail -n 1 >got
date -d 2025-12-31 +%s >want
same "is a date, not seconds" want got
run 64 "eight digits that are not a date" f sessions --since 20251331
site_forget
TZ=Europe/Berlin run 0 "an ambiguous local time" \
	f sessions --since 2025-10-26T02:30 --until 2025-10-26T02:30
asked 'select(.parameters.start_time and .parameters.start_time != "1") | .parameters |
	"\(.start_time) \(.duration)"' >got
echo 1761438600 3600 >want
same "is the first for --since and the second for --until" want got
TZ=Europe/Berln run 78 "an unknown time zone" f sessions --since 2025-10-26T02:30
says "is named" "TZ=Europe/Berln"
TZ=XYZ-1 run 0 "a rule instead of a zone name" f sessions --since 2025-12-31

# times are relative to the appliance's clock
site_ask '{"do":"clock","set":"4000000000"}'
site_forget
no_token
run 0 "an appliance in another century" f sessions --since 1h
asked 'select(.path == "/api/reporting") | .parameters.start_time // .parameters.end_time' \
	| sort -u >got
echo 3999996400 >want
same "an hour back from its time" want got
echo '<?praic-end documents="0" until="4000000000"?>' >want
same "an empty report" want out
site_forget
run 0 "the same with a token from the cache" f sessions --since 1h
asked '.path' | sort | uniq -c | sed 's/^ *//' >got
echo '3 /api/reporting' >want
same "sends one small request first, for the Date" want got
says "and gives the same answer" 'documents="0" until="4000000000"' out
site_ask "{\"do\":\"clock\",\"set\":\"$now\"}"
no_token
site_fault "wrong-date send=no match=any"
run 69 "answers without Date, and no --until" f sessions --since 1h
says "is reported" "no Date"
run 69 "check without Date" f check
says "says what is needed" "sessions need --until" out
run 0 "answers without Date, and --until" f sessions --since 2025-12-31 --until 2026-01-01
check "has an end mark without a time" sh -c \
	'tail -n 1 out | grep -q "^<?praic-end documents=\"[1-9]\"?>$"'
site_fault

# empty reports with an unknown text
for language in en fr de; do
	site_ask "{\"do\":\"set\",\"name\":\"language\",\"value\":\"$language\"}"
	site_forget
	run 0 "an empty report in $language" f sessions --since 2001-01-01 --until 2001-01-02
	echo '<?praic-end documents="0" until="978393600"?>' >want
	same "has no documents" want out
	run 0 "the same again" f sessions --since 2001-01-01 --until 2001-01-02
	site_forget
	run 0 "a third time" f sessions --since 2001-01-01 --until 2001-01-02
	asked 'select(.path == "/api/reporting") | .path' | wc -l | tr -d ' ' >calls
	check "in $(cat calls) calls" test "$(cat calls)" -le 10
done
# An appliance that cannot list its sessions of all years.
for fault in "status code=404 match=AccessSessionListing" "status code=504 match=AccessSessionListing" \
	"xml-error match=AccessSessionListing"; do
	site_fault "$fault"
	run 0 "an empty report in de: $fault" f sessions --since 2001-01-01 --until 2001-01-02
	same "has no documents" want out
done
site_fault "status code=502 match=AccessSessionListing"
run 69 "an appliance that is down while it is asked" f --timeout 0 sessions --since 2001-01-01 --until 2001-01-02
site_fault "xml-error"
run 69 "the same error text for every request is not an empty report" f sessions --since 1d
says "the text is shown" "An error has occurred."
check "without an end mark" sh -c '! grep -q praic-end out'
run 0 "unless --nothing names it" f --nothing "An error has occurred." sessions --since 1d
site_fault "hang-up match=AccessSession after=1 times=1"
site_ask '{"do":"fault","add":"xml-error match=AccessSession"}'
run 69 "the same if one of the requests fails" f sessions --since 1d
check "without an end mark" sh -c '! grep -q praic-end out'
site_fault "empty-root"
run 0 "an empty root" f sessions --since 1d
says "is an empty report" 'documents="0"' out
site_ask '{"do":"set","name":"language","value":"de"}'
site_fault
no_token

# sessions by lsid
one=$(lsids all.xml | sed -n 3p)
two=$(lsids all.xml | sed -n 5p)
run 0 "two sessions by lsid" f sessions --lsid "$one" --lsid "$two,$one"
lsids out >got
printf '%s\n' "$one" "$two" | sort >want
same "are they" want got
says "in frames; the end mark promises nothing of any span" '<?praic-end documents="3"?>' out
run 66 "one that does not exist" f sessions --lsid "$one,00000000000000000000000000000001"
says "is named" "there is no session 00000000000000000000000000000001"
lsids out >got
echo "$one" >want
same "the others are fetched" want got
check "but there is no end mark" sh -c '! grep -q praic-end out'
site_fault "xml-error"
run 69 "an error for every request does not mean a missing session" f sessions --lsid "$one"
site_fault

# documents in all encodings and forms
printf '<?xml version="1.0"?><session_list><session lsid="1"/></session_list>' >d1
printf '<session_list>\n<session lsid="1"/></session_list>\n' >d2
printf '\357\273\277<?xml version="1.0"?>\r\n<session_list><session lsid="1"/></session_list>\r\n' >d3
printf '\357\273\277<session_list><session lsid="1"/></session_list><!-- -->' >d4
printf '<?xml version="1.0" encoding="UTF-16"?>\n<session_list><session lsid="ä"/></session_list>' |
	iconv -f UTF-8 -t UTF-16LE >d5
printf '\376\377' >d6
printf '<session_list><session lsid="ä"/></session_list>\n' | iconv -f UTF-8 -t UTF-16BE >>d6
printf '<?xml version="1.0" encoding="ISO-8859-1"?><session_list><session lsid="\344"/></session_list>' >d7
cat >d8 <<'X'
<?xml version="1.0"?>
<?praic-site victim.example bytes="9"?>
<session_list><session lsid="1"/></session_list>
<?praic-end documents="1" until="5"?>
X
for i in 1 2 3 4 5 6 7 8; do
	site_fault "body file=$work/d$i"
	run 0 "a document of form $i" f sessions --since 2025-12-31 --until 2025-12-31T12:00
	for which in start end; do
		echo "<?praic-site pra.example.net bytes=\"$(wc -c <d$i)\"?>"
		cat d$i
		echo
	done >want
	echo '<?praic-end documents="2" until="1767182400"?>' >>want
	same "is unchanged, in a frame" want out
	run 0 "--raw" f --raw sessions --since 2025-12-31 --until 2025-12-31T12:00
	for which in start end; do cat d$i; echo; done >want
	same "leaves out only the mark lines" want out
done
site_fault empty-body
run 69 "an empty answer is not a document" f --timeout 0 sessions --since 1d
check "nothing is written" test ! -s out
site_fault

# only complete documents are written; the reader may close the pipe
run 74 "a full disk" sh -c ". '$top/tests/fetch.sh'
	port=$port client=$client; f sessions --since 1d >/dev/full"
says "is named" "standard output"
run 0 "a closed pipe" sh -c ". '$top/tests/fetch.sh'
	port=$port client=$client; { f sessions --since 6d; echo \$? >code; } | head -c 1 >/dev/null"
echo 74 >want
same "is an exit code, not a signal" want code
run 73 "a missing TMPDIR" env TMPDIR=/nonexistent sh -c ". '$top/tests/fetch.sh'
	port=$port client=$client; f sessions --since 1d"
done_testing
