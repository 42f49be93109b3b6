#!/bin/sh
# The simulated appliance that the other tests use (tests/appliance): the data that
# it sends agree with its own account of them ("truth").

# The dollars belong to awk, jq and sh -c; check calls functions by name.
# shellcheck disable=SC2016,SC2317

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

appliance=$top/tests/appliance
server=
at_exit='[ -z "$server" ] || kill "$server"'

# start DIR OPTION...: start an appliance and set its address and token
start() {
	dir=$work/$1
	shift
	python3 "$appliance" -q --exit-with-parent --dir "$dir" "$@" &
	server=$!
	until [ -e "$dir/ready" ]; do
		kill -0 "$server" 2>/dev/null || break
		sleep 0.05
	done
	. "$dir/env"
	export PRAIC_APPLIANCE
	id=$PRAIC_CLIENT_ID:$(cat "$PRAIC_SECRET_FILE")
	api=https://$PRAIC_HOST/api
}

# stop: the appliance ends on SIGTERM with exit code 0.
stop() {
	kill "$server"
	wait "$server"
	stopped=$?
	server=
	[ "$stopped" -eq 0 ] && [ ! -e "$dir/ready" ]
}

# Control requests with curl, because Python starts slowly.
tell() {
	ask -H "X-Control-Key: $(cat "$dir/control-key")" -d "$1" \
		"https://$PRAIC_HOST/_control"
}

# fault [TEXT]: set this fault alone; without TEXT remove all faults
fault() {
	tell "{\"do\":\"fault\",\"clear\":true,\"add\":\"$1\"}" >/dev/null
}

clock() {
	tell "{\"do\":\"clock\",\"set\":\"$1\"}" >/dev/null
}

setting() {
	tell "{\"do\":\"set\",\"name\":\"$1\",\"value\":\"$2\"}" >/dev/null
}

control() {
	python3 "$appliance" control "$@"
}

ask() {
	curl -sS --max-time 20 --cacert "$PRAIC_CA" "$@"
}

sign_on() {
	ask -u "$id" -d grant_type=client_credentials \
		"https://$PRAIC_HOST/oauth2/token"
}

new_token() {
	token=$(sign_on | jq -r .access_token)
}

# report NAME PARAMETERS [CURL-OPTION...]: request a report
report() {
	parameters="generate_report=$1&$2"
	shift 2
	ask -H "Authorization: Bearer $token" "$@" \
		"$api/reporting?$parameters"
}

# status_of ...: the same; sets status (000 without an answer) and writes the body to out
status_of() {
	status=$(report "$@" -o out -w '%{http_code}' 2>err)
	curl_code=$?
}

# sessions_in FILE: "lsid end events users" of each session in a report; end is - for a
# session in progress
sessions_in() {
	awk -F'"' '/^<session lsid=/ { lsid = $2; end = "-"; events = users = 0 }
		/<end_time timestamp="[0-9]/ { end = $2 }
		/^<event / { events++ }
		/<representative / { users++ }
		/^<\/session>/ { print lsid, end, events, users }' "$1" | sort
}

# truth_where CONDITION: the same from the truth (lsid state start end events users ...),
# for the sessions that the awk condition selects
truth_where() {
	awk -F'\t' "$1"' { print $1, $4, $5, $6 }' all.tsv | sort
}

truth() {
	control truth --form sessions >all.tsv
}

now=1767225600		# 2026-01-01
start a --sessions 160 --seed 7 --now $now --clock fixed --ranges \
	--recording-size 3000-1500000

# the state directory

check "the directory is private" test "$(stat -c %a "$dir")" = 700
check "so is the secret" test "$(stat -c %a "$dir/secret")" = 600
check "the secret has characters that clients must not percent-encode" \
	grep -q '+.*/\|/.*+' "$dir/secret"

# tokens

sign_on >out
check "a token for a form" jq -e '.access_token and .expires_in == 1799 and
	.token_type == "bearer"' out
ask -u "$id" -H 'Content-Type: application/json' \
	-d '{"grant_type":"client_credentials"}' \
	"https://$PRAIC_HOST/oauth2/token" >out
check "a token for JSON" jq -e .access_token out
encoded=$(printf %s "$id" | sed 's/+/%2B/g; s|/|%2F|g; s/=/%3D/g')
ask -u "$encoded" -d grant_type=client_credentials -o out -w '%{http_code}' \
	"https://$PRAIC_HOST/oauth2/token" >code
check "a percent-encoded secret is refused" test "$(cat code)" = 401
check "with an error in JSON" jq -e '.error == "invalid_client"' out

new_token
first=$token
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29
do
	printf 'url = "https://%s/oauth2/token"\n' "$PRAIC_HOST"
done >urls
ask -u "$id" -d grant_type=client_credentials -K urls >out
status_of AccessSessionListing "start_time=0&duration=0"
check "the first of 30 tokens is valid" test "$status" = 200
sign_on >out
status_of AccessSessionListing "start_time=0&duration=0"
check "the 31st makes it invalid" test "$status" = 401
check "with access_denied" jq -e '.error == "access_denied"' out
new_token
control clock +1798 >out
status_of AccessSessionListing "start_time=0&duration=0"
check "a token lives for 1798 seconds" test "$status" = 200
clock +1
status_of AccessSessionListing "start_time=0&duration=0"
check "and expires after 1799" test "$status" = 401
clock $now
new_token
check "a second token differs from the first" test "$token" != "$first"

# the sessions in a window

truth
check "the truth has sessions of every state" awk -F'\t' '{ n[$2]++ }
	END { exit !(n["open"] && n["lost"] && n["closed"] > 100) }' all.tsv
report AccessSession "start_time=0&duration=0" >all.xml
run 0 "well-formed XML" xmllint --noout all.xml
sessions_in all.xml >got
truth_where 1 >want
same "sessions, ends, events and users agree with the truth" want got

# a window from one session's start to another's, which is outside
from=$(awk -F'\t' 'NR == 20 { print $3 }' all.tsv)
to=$(awk -F'\t' 'NR == 120 { print $3 }' all.tsv)
report AccessSession "start_time=$from&duration=$((to - from))" >some.xml
sessions_in some.xml >got
truth_where "\$3 >= $from && \$3 < $to" >want
same "start_time: sessions that began in [S, S+D)" want got
check "which are 100" test "$(wc -l <got)" -eq 100
from=$((now - 7 * 86400))
report AccessSession "end_time=$from&duration=0" >some.xml
sessions_in some.xml >got
truth_where "\$4 != \"-\" && \$4 >= $from" >want
same "end_time: sessions that ended since S" want got
first_end=$(sort -k2,2n want | awk 'NR == 3 { print $2 }')
last_end=$(sort -k2,2n want | awk 'NR == 9 { print $2 }')
report AccessSession "end_time=$first_end&duration=$((last_end - first_end))" \
	--get >some.xml
sessions_in some.xml >got
truth_where "\$4 != \"-\" && \$4 >= $first_end && \$4 < $last_end" >want
same "end_time: sessions that ended in [S, S+D)" want got
report AccessSession "start_date=2025-12-20&duration=3" >some.xml
sessions_in some.xml >got
day=$(date -u -d 2025-12-20 +%s)
truth_where "\$3 >= $day && \$3 < $day + 3 * 86400" >want
same "start_date counts days" want got
ask -H "Authorization: Bearer $token" "$api/reporting" -d \
	"generate_report=AccessSession&start_time=$day&duration=259200" >some.xml
sessions_in some.xml >got
same "the same with POST" want got
report AccessSessionListing "start_time=$day&duration=259200" |
	sed -n 's/^<session_summary lsid="\([^"]*\)".*/\1/p' | sort >got
cut -d' ' -f1 want >ids
same "a listing has the same sessions" ids got

two=$(sed -n '3p;5p' ids | paste -sd,)
report AccessSession "lsids=$two,00000000000000000000000000000000" >some.xml
check "lsids: only existing sessions are sent" test "$(sessions_in some.xml | wc -l)" -eq 2
report AccessSession "lsid=nonsense" >out
says "Invalid lsid." "Invalid lsid." out
report AccessSession "start_time=2025-12-20T00:00:00Z&duration=0" >out
says "a time that is not a number gives an <error>" "<error xmlns=" out

# empty results

future="start_time=$((now + 9))&duration=9"
status_of AccessSession "$future"
check "an empty result has status 200" test "$status" = 200
says "with an <error> as root" \
	"No Support report information matching your chosen criteria is available." out
control set language fr >/dev/null
report AccessSession "$future" >out
says "in French" "correspondant à vos critères n’est disponible." out
control set language de >/dev/null
report AccessSession "$future" >out
says "in German" "Es sind keine" out
setting language en
report VaultAccountActivity "$future" >out
says "with another text for another report" "No vault account activity" out

# variants of the XML

setting order shuffled
report AccessSession "start_time=0&duration=0" >other.xml
run 0 "shuffled elements are well-formed" xmllint --noout other.xml
sort all.xml >a.txt
sort other.xml >b.txt
same "and have the same lines" a.txt b.txt
setting order live
setting namespace old
report AccessSession "$future" >out
says "another namespace" 'xmlns="http://www.bomgar.com/namespaces/API/reporting"' out
setting namespace live
check "a missing end_time has four forms" test "$(awk '
	/^<session / { how = "absent" }
	/<end_time/ { how = ($0 ~ /="[0-9]/) ? "" : $0 }
	/^<\/session>/ && how { print how }' all.xml | sort -u | wc -l)" -eq 4

# the clock

lsid=$(control add --start $((now - 60)) --length 600 --events 200)
truth
before=$(awk -F'\t' -v i="$lsid" '$1 == i { print $2, $5 }' all.tsv)
clock +300
truth
check "a session in progress grows" awk -F'\t' -v i="$lsid" -v b="$before" '
	BEGIN { split(b, w, " ") }
	$1 == i { exit !(w[1] == "open" && $2 == "open" && $5 > w[2]) }' all.tsv
report AccessSession "lsid=$lsid" >some.xml
sessions_in some.xml >got
truth_where "\$1 == \"$lsid\"" >want
same "also in the report" want got
clock +300
report AccessSession "end_time=$((now + 1))&duration=0" >some.xml
says "and ends" "<session lsid=\"$lsid\">" some.xml
clock $now
report AccessSession "lsid=$lsid" >some.xml
check "the clock can go back" test "$(sessions_in some.xml | cut -d' ' -f2)" = -

lsid=$(control add)
clock +500
control end "$lsid" --abnormal >out
clock +500
report AccessSession "lsid=$lsid" >some.xml
check "an abnormal end has no end_time" \
	test "$(sessions_in some.xml | cut -d' ' -f2)" = -
clock $now
lsid=$(control add --start $((now - 100)) --length 50 --lag 300)
report AccessSession "lsid=$lsid" >out
says "a late session is not reported at first" "Invalid lsid." out
clock +299
report AccessSession "end_time=$((now - 50))&duration=1" >out
says "but in a later answer" "$lsid" out
clock $now

# recordings

new_token
control truth --form recordings >media.tsv
check "recordings and shells" awk '{ n[$2]++ }
	END { exit !(n["recording"] > 50 && n["shell"] > 10) }' media.tsv
awk -F'\t' '$5 != ""' media.tsv | head -n 40 >few
while IFS='	' read -r lsid kind instance _ _; do
	case $kind in
	recording) which="AccessSessionRecording&lsid=$lsid" ;;
	shell) which="CommandShellRecording&lsid=$lsid&instance=$instance" ;;
	esac
	printf 'url = "%s/reporting?generate_report=%s"\noutput = "%s"\n' \
		"$api" "$which" "$lsid.$instance"
done <few >urls
mkdir files
(cd files && ask -H "Authorization: Bearer $token" --no-progress-meter \
	--parallel --parallel-max 8 -K ../urls)
awk -F'\t' '{ print $5 "  files/" $1 "." $3 }' few >sums
run 0 "40 downloads, 8 at a time, have the digests of the truth" sha256sum -c sums
check "they begin with the signature of FLV" test \
	"$(for f in files/*; do head -c 3 "$f"; done)" = "$(yes FLV | head -n 40 | tr -d '\n')"
big=$(sort -t'	' -k4,4n media.tsv | awk '$2 == "recording"' | tail -n 1)
lsid=$(echo "$big" | cut -f1) size=$(echo "$big" | cut -f4)
sha=$(echo "$big" | cut -f5)
report AccessSessionRecording "lsid=$lsid" -r 0-999 -o part -D headers
status_of AccessSessionRecording "lsid=$lsid" -r 1000-
cat part out >whole
check "a range has status 206" test "$status" = 206
check "and both parts make the whole file of $size bytes" \
	test "$(sha256sum <whole)" = "$sha  -"
etag=$(sed -n 's/^ETag: \(.*\)\r$/\1/p' headers)
status_of AccessSessionRecording "lsid=$lsid" -r 1000- -H "If-Range: $etag"
check "If-Range with the current ETag: 206" test "$status" = 206
status_of AccessSessionRecording "lsid=$lsid" -r 1000- -H 'If-Range: "other"'
check "If-Range with another ETag: 200" test "$status" = 200
status_of AccessSessionRecording "lsid=$lsid" -r "$size-"
check "a range beyond the end: 416" test "$status" = 416
setting chunked all
report AccessSessionRecording "lsid=$lsid" -o whole -D headers
says "chunked, if configured" "Transfer-Encoding: chunked" headers
check "and complete" test "$(sha256sum <whole)" = "$sha  -"
setting chunked none
setting recording-retention 0
status_of AccessSessionRecording "lsid=$lsid"
says "an expired recording" "This recording has expired" out
setting recording-retention none
setting retention 5
report AccessSession "start_time=0&duration=0" >some.xml
sessions_in some.xml | cut -d' ' -f2 | grep -v - | sort | head -n 1 >oldest
check "sessions older than the retention are gone" \
	test "$(cat oldest)" -ge $((now - 5 * 86400))
setting retention 90

# permissions and the other reports

control deny Team >out
status_of Team "start_time=$((now - 86400))&duration=0"
check "a report without permission: 404" test "$status" = 404
says "with the text Document Not Found" "Document Not Found" out
setting deny-status 403
status_of Team "start_time=$((now - 86400))&duration=0"
check "or 403" test "$status" = 403
control allow Team >out
for name in Team VaultAccountActivity "AccessSessionSummary&report_type=user" \
	JumpItem
do
	report "$name" "start_time=$((now - 86400))&duration=0" >out.xml
	run 0 "${name%%&*} is well-formed" xmllint --noout out.xml
done
for name in Syslog EndpointLicenseUsage; do
	report $name "" >out.zip
	run 0 "$name is a ZIP" python3 -m zipfile -t out.zip
done
report Archive "type=event&date=2026-01-01&index=0" >out.gz
run 0 "Archive is gzip'd" gzip -t out.gz
report Archive "type=event&date=2019-01-01&index=0" | gzip -d >out
says "and so is its error text" "No archives found" out
ask -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
	-d '{"password":"pass & word"}' -OJ "$api/backup"
check "a backup with a name from the appliance" test "$(head -c 3 ./*.nsb)" = NSB
check "its password was sent in the body" jq -se 'map(select(.path == "/api/backup"
	and .parameters.password == "pass & word" and .target == "/api/backup")) |
	length == 1' "$dir/log"
ask -H "Authorization: Bearer $token" "$api/command?action=get_api_info" >out
says "get_api_info has the appliance's time" "<timestamp>$now</timestamp>" out
report AccessSessionListing "start_time=0&duration=0" -D headers >out
says "the Date header as well" "Date: Thu, 01 Jan 2026 00:00:00 GMT" headers

# faults: which requests they hit

day="start_time=$((now - 86400))&duration=0"
struck() {
	for _ in 1 2 3 4 5 6; do
		status_of AccessSessionListing "$day"
		printf '%s ' "$status"
	done
}
control fault set internal-error times=2 >out
check "times=2: the first two" test "$(struck)" = "500 500 200 200 200 200 "
fault "internal-error every=3"
check "every=3: each third" test "$(struck)" = "200 200 500 200 200 500 "
fault "internal-error after=4"
check "after=4: not the first four" test "$(struck)" = "200 200 200 200 500 500 "
fault "internal-error probability=0.5"
before=$(struck)
check "probability: some, not all" sh -c \
	"case '$before' in *500*200* | *200*500*) ;; *) exit 1 ;; esac"
fault "unavailable match=Team"
status_of AccessSessionListing "$day"
check "match: not another report" test "$status" = 200
status_of Team "$day"
check "but that one" test "$status" = 503
run 1 "an unknown fault" control fault add no-such-fault
says "is named" "no such fault: no-such-fault"

# The effect of each fault: curl's exit code or the HTTP status.

fault ""
report AccessSession "$day" >good
while read -r want fault; do
	fault "$fault"
	status_of AccessSession "$day"
	[ "$curl_code" -eq 0 ] && got=$status || got=$curl_code
	check "$fault: $want" test "$got" = "$want"
	case $fault in
	reset* | short* | cut*)
		check "  part of the body is received" sh -c \
			'cmp -s -n "$(wc -c <out)" out good && [ -s out ]' ;;
	stall* | slow* | drip* | wrong-*)
		cp out slow
		same "  the body is complete" good slow ;;
	truncated*)
		check "  it has no end" sh -c '! grep -q "</session_list>" out' ;;
	xml-error*) says "  its text" ">Out of &lt;order&gt;</error>" out ;;
	nothing*) says "  its text" "n’est disponible." out ;;
	error-as*) says "  an error instead of a video" "<error" out ;;
	html*) says "  a form" "<form" out ;;
	malformed* | control* | trailing*)
		check "  the body is not XML" sh -c '! xmllint --noout out' ;;
	gzip*)
		gzip -d <out >unzipped
		same "  the complete report in it" good unzipped ;;
	forget*) new_token ;;
	esac
done <<-'EOL'
	500 internal-error
	503 unavailable
	504 timeout seconds=0.1
	302 redirect
	401 forget-tokens
	401 json-error status=401
	56 reset percent=80
	52 hang-up
	18 short-body
	18 cut-chunked
	200 stall seconds=0.2
	200 slow-start seconds=0.2
	200 drip bytes=9000 seconds=0.001
	200 xml-error text='Out of <order>'
	200 child-error
	200 database
	200 empty-root
	200 nothing-found language=fr
	200 error-as-video
	200 html-login
	200 json-error
	200 empty-body
	200 wrong-type
	200 truncated
	200 malformed
	200 trailing-junk
	200 control-characters
	200 gzip
	200 wrong-date
EOL
while read -r form retry; do
	fault "rate-limit form=$form seconds=5"
	status_of AccessSession "$day" -D headers
	check "rate-limit form=$form: Retry-After: $retry" test \
		"$status $(tr -d '\r' <headers | sed -n 's/^Retry-After: //p')" = "429 $retry"
done <<-'EOL'
	seconds 5
	date Thu, 01 Jan 2026 00:00:05 GMT
	none
EOL
fault "redirect to=other"
status_of AccessSession "$day" -D headers
check "redirect to=other: to another host name" \
	grep -q "^Location: https://127.0.0.1:" headers
fault "wrong-range"
status_of AccessSessionRecording "lsid=$lsid" -r 1000-1999 -D headers
says "wrong-range: other bytes than requested" "Content-Range: bytes 993-" headers
fault ignore-range
status_of AccessSessionRecording "lsid=$lsid" -r 1000-1999
check "ignore-range: the whole file" test "$status" = 200
fault ""

# limits

setting window-limit 86400
setting size-limit 30
status_of AccessSession "start_time=$((now - 86400))&duration=86401"
check "a span that is too long" test "$status" = 504
status_of AccessSession "start_time=$((now - 864000))&duration=864000"
check "too many sessions" test "$status" = 504
setting window-limit 0
setting limit-answer reset
status_of AccessSession "start_time=$((now - 864000))&duration=864000"
check "or the connection is reset" test "$curl_code" -ne 0
setting size-limit 0

# connections

setting strict-close on
info="$api/command?action=get_api_info"
ask -H "Authorization: Bearer $token" -H 'Connection: close' -o 1 -o 2 \
	"$info" "$info"
check "Connection: close is honoured" jq -se '.[-2:] |
	map(.status == 200 and .connection_header == "close") == [true, true] and
	.[0].connection != .[1].connection' "$dir/log"
ask -H "Authorization: Bearer $token" -o 1 -o 2 "$info" "$info"
check "strict-close resets a second request" jq -se \
	'any(.fault == ["strict-close"] and .status == 0)' "$dir/log"
check "the log has the number of the token" \
	jq -se '[.[] | select(.status == 200) | .token] | max > 30' "$dir/log"
check "no secret in the log" sh -c "! grep -qF '$(cat "$dir/secret")' '$dir/log'"
control secret >out
status_of AccessSession "$day"
check "a new secret makes all tokens invalid" test "$status" = 401
check "and the old secret" test "$(sign_on | jq -r .error)" = invalid_client
check "the server logged no crash" sh -c "! grep '\"crash\"' '$dir/log'"
check "SIGTERM ends it with 0" stop

# started again: CA and client id are kept

start a --sessions 5 --product rs --certificate wrong-host
new_token 2>err
check "a certificate for another host is refused" grep -q '^curl: (60)' err
check "stopped" stop
start a --sessions 40 --product rs --now $now --clock fixed
check "the CA, the id and the new secret are kept" test "$id" = \
	"$(cat "$dir/client-id"):$(cat "$dir/secret")"
new_token
truth
report SupportSession "start_time=0&duration=0" >all.xml
run 0 "Remote Support's session_list is well-formed" xmllint --noout all.xml
sessions_in all.xml >got
truth_where 1 >want
same "and agrees with the truth" want got
says "with teams" "<team_list>" all.xml
report AccessSession "start_time=0&duration=0" >out
says "it refuses reports of PRA" "<error" out
check "stopped" stop

# started by hand; without a server

python3 "$appliance" --sessions 3 >hand &
server=$!
until grep -q 'Ctrl-C' hand; do sleep 0.1; done
dir=$(sed -n 's/.* is in \(.*\)$/\1/p' hand)
check "it prints its directory" test -e "$dir/ready"
check "SIGINT ends it" sh -c "kill -INT $server"
wait "$server"
check "with 0" test $? -eq 0
server=
check "its directory is removed" test ! -e "$dir"

sh -c "python3 '$appliance' -q --sessions 1 --exit-with-parent --dir b &
	until [ -e b/ready ]; do sleep 0.1; done"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	[ -e b/pid ] || break
	sleep 0.2
done
check "--exit-with-parent" test ! -e b/pid

run 0 "generate" python3 "$appliance" generate --sessions 60 --dirty 0
cp out one.xml
run 0 "is well-formed" xmllint --noout one.xml
check "has 60 sessions" test "$(sessions_in one.xml | wc -l)" -eq 60
run 0 "with marks" python3 "$appliance" generate --bytes 2M --documents 2 \
	--marks pra.example.net --one-session 500K
check "the frames are correct" python3 "$top/tests/tools/frames.py" out
check "there are two" test "$(grep -c '^<?praic-site pra.example.net bytes=' out)" -eq 2
check "the end mark is last" test "$(tail -n 1 out)" = \
	'<?praic-end documents="2" until="1767225600"?>'
check "the size is about 2 MB" test "$(wc -c <out)" -gt 2000000 -a "$(wc -c <out)" -lt 3000000
run 0 "generate again" python3 "$appliance" generate --sessions 60
same "writes the same bytes" one.xml out

done_testing
