#!/bin/sh
# praic-fetch with unusual and wrong answers: framing, encodings, tokens, ranges.
# Complete answers are accepted, incomplete ones are errors, and no incomplete data is
# written.

# The dollars belong to awk and sh -c.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

# server NAME [ADDRESS]: start a server that answers with files of this directory
server() {
	mkdir "$1"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 \
		-subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1' \
		2>openssl.err || { cat openssl.err; echo "Bail out! no certificate"; exit 1; }
	cat cert.pem key.pem >"$1/cert.pem"
	python3 "$top/tests/tools/raw-server.py" "$@" &
	pids="${pids-} $!"
	at_exit='kill $pids 2>/dev/null; wait 2>/dev/null'
	tries=0
	until [ -e "$1/port" ] || [ $tries -gt 200 ] || ! kill -0 $! 2>/dev/null; do
		tries=$((tries + 1))
		sleep 0.05
	done
	[ -e "$1/port" ] || return 1
	port=$(cat "$1/port")
	good_token "$1"
}

good_token() {
	printf 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n%s' \
		'{"access_token":"abcdefgh","token_type":"Bearer","expires_in":3600}' >"$1/token"
}

host=localhost
f() {
	"$fetch" --host "$host:$port" --name pra.example.net --ca-file raw/cert.pem --client-id id \
		--secret file:secret --rate 0 --timeout 0 "$@"
}

# sessions CODE NAME: two requests, both answered with the file raw/answer.
sessions() {
	run "$1" "$2" f sessions --since 2025-12-31T00:00Z --until 2026-01-01T00:00Z
}

# answer HEADER BODY: both are formats of printf; Date and the blank line are added
answer() {
	# shellcheck disable=SC2059
	{
		printf 'HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n'
		printf "$1"
		printf '\r\n'
		printf "$2"
	} >raw/answer
}

# documents NAME COUNT: the output has this number of complete documents and an end mark
documents() {
	python3 "$top/tests/tools/frames.py" out >frames 2>&1
	tail -n 1 frames >got
	echo "end $2 1767225600" >want
	same "$1" want got
}

nothing_half() {
	if grep -q praic- out; then fail "$1: no incomplete data" out; else pass "$1: no incomplete data"; fi
	check "$1: there is a message" test -s err
}

echo secret-of-the-account >secret
chmod 600 secret
server raw
xml='<?xml version="1.0" encoding="UTF-8"?>\n<session_list><session lsid="a1"/></session_list>\n'
length=$(printf "$xml" | wc -c)

# framing
while IFS='|' read -r code count name header before after; do
	answer "$header" "$before$xml$after"
	sessions "$code" "$name"
	if [ "$code" -eq 0 ]; then documents "$name: is accepted" "$count"; else nothing_half "$name"; fi
done <<T
0|2|a length|Content-Length: $length\r\n||
0|2|no length, and TLS ended|||
0|2|header names in capitals, blanks around the value|CONTENT-LENGTH:   $length  \r\nX-Y:\r\n||
0|2|data after the length|Content-Length: $length\r\n||junk
0|2|chunks, with an extension, and a trailer|Transfer-Encoding: chunked\r\n|$(printf %x "$length");x=y\r\n|\r\n0\r\nX-Late: 1\r\nDate: Fri, 01 Jan 1999 00:00:00 GMT\r\n\r\n
0|2|a length beside chunks|Content-Length: 3\r\nTransfer-Encoding: chunked\r\n|$(printf %x "$length")\r\n|\r\n0\r\n\r\n
69|0|a length that is too large|Content-Length: $((length + 1))\r\n||
69|0|a length that is too small|Content-Length: $((length - 9))\r\n||
69|0|a length below zero|Content-Length: -1\r\n||
69|0|a length that is not a number|Content-Length: many\r\n||
69|0|a length beyond 64 bits|Content-Length: 99999999999999999999999\r\n||
69|0|chunks without end|Transfer-Encoding: chunked\r\n|$(printf %x "$length")\r\n|\r\n
69|0|a chunk that is too large|Transfer-Encoding: chunked\r\n|$(printf %x $((length + 9)))\r\n|\r\n0\r\n\r\n
69|0|a bad chunk size|Transfer-Encoding: chunked\r\n|zz\r\n|\r\n0\r\n\r\n
69|0|an unknown encoding|Content-Encoding: x-odd\r\n||
69|0|text declared as gzip|Content-Encoding: gzip\r\n||
T
answer 'Transfer-Encoding: chunked\r\n' "$(printf %x "$length")\r\n$xml\r\n"
echo 30 >raw/hold
sessions 69 "chunks without end on a connection that stays open"
nothing_half "chunks without end"
says "the message says that it stalled" "stalled"
rm raw/hold
answer "" "$xml"
: >raw/abrupt
sessions 0 "no length, and a connection closed without ending TLS"
documents "complete XML is accepted" 2
answer "" "${xml%list>*}"
sessions 69 "the same with truncated XML"
nothing_half "truncated XML"
answer "" 'PK\003\004abcdefghijklmnopqrst'
run 69 "the same with a ZIP" f Syslog
says "is reported" "the connection was cut"
check "nothing is written" test ! -s out
echo 7 5 3 >raw/abrupt
run 69 "answers of different lengths" f --timeout 1 Syslog
check "nothing is written" test ! -s out
echo 7 >raw/abrupt
run 0 "two answers of the same length" f --timeout 20 Syslog
printf 'PK\003\004abcdefghijklmnopqrst' >want
same "are accepted as complete" want out
rm raw/abrupt
run 0 "a ZIP without a length, if TLS is ended" f Syslog
answer "" "$xml"
cp raw/answer good
# shellcheck disable=SC2059
{
	answer 'Content-Encoding: gzip\r\n' ''
	printf "$xml" | gzip >>raw/answer
}
sessions 0 "gzip that was not requested"
documents "is unpacked" 2
check "and written as text" grep -q 'lsid="a1"' out
head -c 150 raw/answer >cut
cp cut raw/answer
sessions 69 "truncated gzip"
nothing_half "truncated gzip"
printf 'HTTP/1.1 200 OK' >raw/answer
run 0 "a header that is cut the first time" sh -c '(sleep 1; cp good raw/answer) & "$@"; r=$?; wait; exit $r' - \
	"$fetch" --host "localhost:$port" --name pra.example.net --ca-file raw/cert.pem --client-id id \
	--secret file:secret --rate 0 --timeout 20 sessions --since 2025-12-31T00:00Z --until 2026-01-01T00:00Z
printf 'HTTP/1.1 302 Found\r\nLocation: https://media.example.net/a?signature=sesame\r\n\r\n' >raw/answer
sessions 78 "a redirect to a signed address"
says "the message has the host" "redirected to https://media.example.net/a,"
check "the message does not have the signature" sh -c '! grep -q sesame err'
# advice that does not help
answer '' '<session_list><session lsid="a1"/><error>Too many</error></session_list>'
sessions 69 "an error beside a session, unknown"
says "the message says so" "Too many (there is data beside it"
answer '' '<error>Invalid credentials</error>'
run 69 "a backup with an error" f backup
check "is no expired recording" sh -c 'grep -q "Invalid credentials" err && ! grep -q -e --expired err'

# headers
while IFS='|' read -r code name begin; do
	# shellcheck disable=SC2059
	printf "$begin$xml" >raw/answer
	run "$code" "$name" f sessions --since 2025-12-31T00:00Z --until 2026-01-01T00:00Z
	if [ "$code" -eq 0 ]; then
		check "$name: is accepted" grep -q 'praic-end documents="2"' out
	else
		nothing_half "$name"
	fi
done <<'T'
0|HTTP/1.0|HTTP/1.0 200 OK\r\n\r\n
0|no reason|HTTP/1.1 200\r\n\r\n
0|lines that end in LF|HTTP/1.1 200 OK\nContent-Type: text/xml\n\n
0|a 100 and a 103 before|HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n
69|204|HTTP/1.1 204 No Content\r\n\r\n
69|206|HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/20\r\n\r\n
69|299|HTTP/1.1 299 Odd\r\n\r\n
69|999|HTTP/1.1 999 Odder\r\n\r\n
69|304|HTTP/1.1 304 Not Modified\r\n\r\n
69|300 without Location|HTTP/1.1 300 Choices\r\n\r\n
69|302 without Location|HTTP/1.1 302 Found\r\n\r\n
78|302 to a file|HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n
78|302 to another scheme|HTTP/1.1 302 Found\r\nLocation: gopher://localhost/\r\n\r\n
69|a header that is cut|HTTP/1.1 200 OK\r\nContent-Ty
69|not HTTP|220 mail.example.net ESMTP\r\n
69|HTTP/2 alone|\000\000\006\004\000\000\000\000\000\000\003\000\000\000\144
69|nothing|
T
: >raw/answer
sessions 69 "an empty answer"
nothing_half "an empty answer"
{
	printf 'HTTP/1.1 200 OK\r\nX-Long: '
	head -c 2000000 /dev/zero | tr '\0' x
	printf '\r\n\r\n'
} >raw/answer
run 75 "a header of two megabytes" f sessions --since 2025-12-31T00:00Z --until 2026-01-01T00:00Z
nothing_half "a long header"

{
	answer 'Transfer-Encoding: chunked\r\n' "$(printf %x "$length")\r\n$xml\r\n0\r\n"
	awk 'BEGIN { for (i = 0; i < 2000; i++) printf "X-Late-%d: %0100d\r\n", i, i; printf "\r\n" }' >>raw/answer
}
sessions 69 "trailers of 200 KB"
nothing_half "long trailers"
says "are named" "header lines behind the answer"
{
	answer 'Transfer-Encoding: chunked\r\n' "0\r\n"
	awk 'BEGIN { for (i = 0; i < 2000; i++) printf "X-Late-%d: %0100d\r\n", i, i; printf "\r\n" }' >>raw/answer
}
sessions 69 "trailers of 200 KB behind nothing"
says "are named, too" "header lines behind the answer"
printf "HTTP/1.1 200 OK\r\nDate: Fri, 31 Dec 9999 23:59:59 GMT\r\n\r\n$xml" >raw/answer
run 69 "a Date of 9999" f sessions --since 2025-12-31T00:00Z
says "is not believed" "its answers have no Date"
sessions 0 "a Date of 9999 and --until"

# content
while IFS='|' read -r code count name body; do
	answer 'Content-Type: text/xml\r\n' "$body"
	sessions "$code" "$name"
	if [ "$code" -eq 0 ]; then documents "$name: is accepted" "$count"; else nothing_half "$name"; fi
done <<'T'
0|2|no declaration|<session_list><session lsid="a1"/></session_list>
0|2|a byte order mark|\357\273\277<?xml version="1.0"?><session_list><session lsid="a1"/></session_list>
0|2|blank lines before and after|\n\n <session_list><session lsid="a1"/></session_list>\n\n\n
0|2|a prefix|<b:session_list xmlns:b="urn:x"><b:session lsid="a1"/></b:session_list>
0|2|comments around|<!-- <error>no</error> --><session_list><session lsid="a1"/></session_list><!-- > -->
0|2|an error in CDATA|<session_list><session lsid="a1"><![CDATA[<error>]]></session></session_list>
0|2|an error inside a session|<session_list><session lsid="a1"><error>x</error></session></session_list>
0|0|an empty list|<?xml version="1.0"?><session_list xmlns="urn:x"/>
0|0|an empty list in two tags|<session_list>\n\t<!-- none -->\n</session_list>
0|0|an empty report|<error>No Support report information matching your chosen criteria is available.</error>
0|0|an empty report, with a prefix and line breaks|<b:error xmlns:b="urn:x">\n No Support report information\n matching your chosen criteria is available.\n</b:error>
0|0|an empty report, as a child|<session_list><error>No Support report information matching your chosen criteria is available.</error></session_list>
69|0|an unknown error in German|<error>Es ist ein Fehler aufgetreten.</error>
69|0|the same with a namespace|<error xmlns="http://www.beyondtrust.com/sra/namespaces/API/reporting">Es ist ein Fehler aufgetreten.</error>
69|0|an error beside a session|<session_list><session lsid="a1"/><error>No Support report information matching your chosen criteria is available.</error></session_list>
69|0|an error without text|<error/>
69|0|two roots|<session_list><session lsid="a1"/></session_list><session_list/>
69|0|another root|<session_summary_list><session lsid="a1"/></session_summary_list>
69|0|blanks|   \n\n
69|0|JSON|[{"lsid":"a1"}]
69|0|a web page|<!DOCTYPE html><html><body>Please log in</body></html>
69|0|XHTML|<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body/></html>
69|0|plain text|Document Not Found
69|0|a truncated end tag|<session_list><session lsid="a1"/></session_li
69|0|a comment without end|<session_list><session lsid="a1"/></session_list><!--
T
for form in UTF-16 UTF-16LE UTF-16BE; do
	answer 'Content-Type: text/xml\r\n' ''
	printf '<?xml version="1.0" encoding="%s"?>\n<session_list><session lsid="a1">\342\202\254</session></session_list>' \
		"$form" | iconv -f UTF-8 -t "$form" >>raw/answer
	sessions 0 "$form"
	documents "$form: is put in frames" 2
	"$split" -n out >rec 2>err
	check "$form: praic-split reads it" sh -c "tail -n 1 rec | grep -q '^Z	2	0'"
done
answer '' "$(printf '%s' "$xml" | sed 's/UTF-8/ISO-8859-1/; s/a1/\\344/')"
sessions 0 "Latin-1"
documents "is written unchanged" 2

# tokens
answer '' "$xml"
token() {
	rm -rf "$XDG_RUNTIME_DIR/praic"
	# shellcheck disable=SC2059
	printf "HTTP/1.1 ${3:-200 OK}\r\nContent-Type: application/json\r\n\r\n%s" "$2" >raw/token
	sessions "$1" "token: ${4:-$2}"
	check "no message has a secret" sh -c '! grep -q -e tokentext -e secret-of-the-account err'
}
for life in '"1799"' 1799.0 1e3 '"1e3"' 0 -5 null true '"soon"' 99999999999999999999 '"99999999999999999999"' '[1]'; do
	token 0 "{\"access_token\":\"tokentext\",\"token_type\":\"bearer\",\"expires_in\":$life}"
done
token 0 '{"access_token":"tokentext"}'
token 0 '{"token_type":"BEARER","x":{"y":[1,2]},"access_token":"tokentext","expires_in":1799,"scope":""}'
token 69 '{"access_token":"tokentext","token_type":"mac"}'
token 69 '{"access_token":12345}'
token 69 '{"access_token":""}'
token 69 '{"access_token":"token text"}'
token 69 '{"access_token":null,"error":"server_error"}'
token 69 '[{"access_token":"tokentext"}]'
token 69 '{"access_token":"tokentext"'
token 69 ''
token 69 '<html>tokentext</html>'
token 77 '{"error":"invalid_client","message":"secret-of-the-account and tokentex"}' '401 Unauthorized'
token 77 '{"error":"invalid_client"}' '400 Bad Request' "400 invalid_client"
token 77 '{"error":"invalid_client"}' '200 OK' "200 invalid_client"
token 69 '{"error":"invalid_request"}' '400 Bad Request' "400 invalid_request"
token 77 '' '403 Forbidden' 403
token 69 'Document Not Found' '404 Not Found' 404
token 75 '' '429 Too Many\r\nRetry-After: soon' "429 with a bad time"
token 75 '' '429 Too Many\r\nRetry-After: 99999999999999' "429 with a very long time"
good_token raw

# Retry-After as a date is relative to the appliance's clock
printf 'HTTP/1.1 503 x\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nRetry-After: Thu, 01 Jan 2026 00:00:02 GMT\r\n\r\n' \
	>raw/answer
began=$(date +%s%N)
(
	sleep 1
	answer '' "$xml"
) &
run 0 "Retry-After as a date" f --timeout 20 sessions --since 2025-12-31T00:00Z --until 2026-01-01T00:00Z
took=$((($(date +%s%N) - began) / 1000000))
check "means at least two seconds ($took ms)" test $took -ge 2000 -a $took -lt 15000
wait $!

# recordings
printf 'praic-records\t1\nH\tsession\thost_name\tlsid\nH\trecording\tkind\tinstance\n' >in
printf 'S\tpra.example.net\ta1\nR\trecording\trecording\t\\N\nR\tsession\tpra.example.net\ta1\nE\ta1\t2\t0\nZ\t1\t0\n' >>in
recording_time=0
recording() {
	rm -rf spool
	mkdir spool
	pipe "$1" "$2" in f --timeout $recording_time recordings -d spool
	find spool -type f ! -name '.*.info' | sed 's/.*\.//' >got
	printf '%s' "${3:+$3
}" >want
	same "$2: the spool has ${3:-nothing}" want got
	[ "$1" -eq 0 ] || check "$2: no end mark" sh -c '! grep -q ^Z out'
}
while IFS='|' read -r code extension name header body; do
	answer "$header" "$body"
	recording "$code" "a file: $name" "$extension"
done <<'T'
0|flv|no length||FLV\001abcdefghijklmnop
0|flv|as a web page|Content-Type: text/html\r\n|FLV\001abcdefghijklmnop
0|mp4|chunks|Transfer-Encoding: chunked\r\n|14\r\n\000\000\000\020ftypisomabcdefgh\r\n0\r\n\r\n
0|mkv|Matroska||\032\105\337\243\243\102\202\210matroska\102\207\201\004
0|webm|WebM||\032\105\337\243\243\102\202\204webm\102\207\201\004
0|zip|an empty ZIP||PK\005\006\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000
0|flv|a length beside chunks|Content-Length: 3\r\nTransfer-Encoding: chunked\r\n|14\r\nFLV\001abcdefghijklmnop\r\n0\r\n\r\n
69||a length beyond 64 bits|Content-Length: 99999999999999999999999\r\n|FLV\001abcdefghijklmnop
0|bin|five bytes|Content-Length: 5\r\n|\000\001\002\003\004
69||a length that is too large|Content-Length: 99\r\n|FLV\001abcdefghijklmnop
69||chunks without end|Transfer-Encoding: chunked\r\n|14\r\nFLV\001abcdefghijklmnop\r\n
69||an empty body|Content-Length: 0\r\n|
69||a web page as a video|Content-Type: video/x-flv\r\n|<html><body>Please log in</body></html>
69||JSON as a video|Content-Type: video/x-flv\r\n|{"error":"server_error"}
69||text as a video|Content-Type: video/x-flv\r\n|Internal trouble\n
69||a picture|Content-Type: image/gif\r\n|GIF89a\001\000\001\000\200\000\000\000\000\000\000\000\000
69||the same error for every request|Content-Type: video/x-flv\r\n|<error>Nicht jetzt.</error>
T
answer '' 'FLV\001abcdefghijklmnop'
echo 8 4 >raw/abrupt
recording 69 "a file without length, truncated at different bytes" ""
says "the message gives the reason" "neither a length, nor an end of TLS, nor a second answer as long"
: >raw/abrupt
recording 0 "a file without length, and TLS not ended" flv
printf 'FLV\001abcdefghijklmnop' >whole.flv
check "is accepted after two answers of the same length" cmp whole.flv spool/*.flv
echo 8 >raw/abrupt
recording_time=20
recording 0 "the same, truncated the first time" flv
recording_time=0
check "is complete" cmp whole.flv spool/*.flv
: >raw/abrupt
answer '' '<error>This recording has expired and can no longer be viewed or downloaded.</error>'
recording 0 "complete XML that reports an expired recording" ""
rm raw/abrupt
# compressed, though it was not asked for
gzip -c whole.flv >whole.gz
for cut in 0 1 4 9 20; do
	answer 'Content-Encoding: gzip\r\n' ''
	head -c "-$cut" whole.gz >>raw/answer
	if [ $cut -eq 0 ]; then
		recording 0 "a compressed file" flv
		check "is unpacked" cmp whole.flv spool/*.flv
	else
		recording 69 "a compressed file without its last bytes: $cut" ""
		says "the message gives the reason" "compressed, and the end of it is missing"
	fi
done
answer 'Content-Encoding: gzip\r\n' ''
cat whole.gz whole.gz >>raw/answer
recording 69 "a compressed file with something behind it" ""
sed 's/^R.recording.*/R\trecording\tshell\t0/' in >shell.in
cp in video.in
cp shell.in in
while IFS='|' read -r code extension name header body; do
	answer "$header" "$body"
	recording "$code" "a shell: $name" "$extension"
done <<'T'
0|cast|asciicast|Content-Type: text/plain\r\n|{"version": 2, "width": 80}\n[0.1, "o", "ls"]\n
0|cast|asciicast of one line||{"version": 2, "width": 80}
0|txt|text as an attachment|Content-Disposition: attachment; filename="shell.txt"\r\n|$ ls\r\n
0|bin|text with a bell in it|Content-Type: text/plain\r\nContent-Disposition: attachment\r\n|$ ls\007
69||text without Content-Disposition|Content-Type: text/plain\r\n|Please try again later.\n
69||an error in JSON|Content-Disposition: attachment\r\n|{"version": 1, "error": "server_error"}
69||other JSON||{"status": 1}
69||a page as an attachment|Content-Disposition: attachment\r\n|<html><body>Please log in</body></html>
T
head -c 200000 /dev/zero | tr '\0' x >long
{
	printf 'HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n{"version": 2}\n'
	for i in 1 2 3 4 5 6 7; do printf '[0.%s, "o", "' $i; cat long; echo '"]'; done
} >raw/answer
recording 0 "a shell: a long asciicast" cast
sed '1,/^.$/d' raw/answer >whole.cast
check "is complete" cmp whole.cast spool/*.cast
# two missing recordings after one that is fetched
{
	head -n 3 shell.in
	for i in 1 2 3 4; do
		printf 'S\tpra.example.net\tlsid-%s\nR\trecording\tshell\t0\n' $i
		printf 'R\tsession\tpra.example.net\tlsid-%s\nE\tlsid-%s\t2\t0\n' $i $i
	done
	printf 'Z\t4\t0\n'
} >in
echo lsid-3 lsid-4 >raw/gone
pipe 65 "missing shells after an asciicast" in f recordings -j 1 -d spool
echo "Z	4	2" >want
tail -n 1 out >got
same "count once for each session" want got
rm raw/gone
cp video.in in
printf 'HTTP/1.1 206 x\r\nContent-Range: bytes 0-3/4\r\n\r\nFLV\001' >raw/answer
recording 69 "a range that was not requested" ""

# the rest of a file, with a wrong ETag or range
{ printf 'FLV\001'; head -c 2999996 /dev/urandom; } >whole
# rest NAME CODE ETAG RANGE: the first answer has two thirds of a file, the second has
# this ETag and range
rest() {
	rm -rf spool
	mkdir spool
	answer 'ETag: "a"\r\nContent-Length: 3000000\r\n' ''
	head -c 2000000 whole >>raw/answer
	f recordings -d spool <in >out 2>err
	{
		printf 'HTTP/1.1 206 x\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nETag: %s\r\n' "$3"
		printf 'Content-Range: bytes %s\r\n\r\n' "$4"
		tail -c 1000000 whole
	} >raw/answer
	pipe "$2" "$1" in f recordings -d spool
	find spool -name '*.flv' -exec sha256sum {} + | cut -d ' ' -f 1 >got
	if [ "$2" -eq 0 ]; then sha256sum <whole | cut -d ' ' -f 1 >want; else : >want; fi
	same "$1: the file" want got
}
rest "the rest" 0 '"a"' 2000000-2999999/3000000
rest "the rest with another ETag" 69 '"b"' 2000000-2999999/3000000
rest "the rest without an ETag" 69 '' 2000000-2999999/3000000
rest "the rest with a weak ETag" 69 'W/"a"' 2000000-2999999/3000000
rest "a rest with another start" 69 '"a"' 2000007-2999999/3000000
rest "a rest with another length" 69 '"a"' 2000000-3000009/3000010
rest "a rest that ends early" 69 '"a"' 2000000-2999998/3000000
rest "a rest of unknown length" 69 '"a"' '2000000-2999999/*'
rest "a rest with a bad range" 69 '"a"' '9-1/x'

# Only the text of an <error> is shown, with secrets replaced.
b64=$(printf 'id:%s' "$(cat secret)" | base64 -w 0)
for said in abcdefgh "$b64" "$(cat secret)"; do
	printf 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<error>you said %s, indeed</error>\n' \
		"$said" >raw/answer
	run 69 "an error with a secret: $said" f Team start_time=1 duration=1
	says "  the secret is replaced" 'HTTP 400 (you said ***, indeed)'
done
for said in "$b64" "$(cut -c 4-18 secret)" '{"message":"x","error":"was abcdefgh"}' '<b>abcdefgh</b>'; do
	printf 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n%s\n' "$said" >raw/answer
	run 69 "another answer: $said" f Team start_time=1 duration=1
	printf 'praic-fetch: pra.example.net: Team: HTTP 400\n' >want
	same "  is not shown" want err
done
printf 'HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n%s' \
	'{"access_token":"abcdefgh","token_type":"Bearer","expires_in":3600}' >raw/token
answer '' "$xml"
rm -rf "$XDG_RUNTIME_DIR/praic"
sessions 0 "a token with status 201"
printf 'HTTP/1.1 202 Accepted\r\nConnection: close\r\n\r\n%s' \
	'{"access_token":"abcdefgh","token_type":"Bearer","expires_in":3600}' >raw/token
rm -rf "$XDG_RUNTIME_DIR/praic"
sessions 69 "a token with status 202"
check "  is not shown" sh -c '! grep -q abcdefgh err'
good_token raw

# IPv6
answer '' "$xml"
if server six ::1 2>six.err; then
	cp six/cert.pem raw/cert.pem
	cp raw/answer six/answer
	host='[::1]'
	sessions 0 "an IPv6 address"
	documents "all sessions are fetched" 2
	run 0 "without --name" "$fetch" --host "[::1]:$port" --ca-file six/cert.pem --client-id id --secret \
		file:secret sessions --since 2025-12-31T00:00Z --until 2026-01-01T00:00Z
	says "the address is the name in the frames" '<?praic-site [::1] bytes="' out
else
	pass "an IPv6 address # SKIP there is none here"
fi
done_testing
