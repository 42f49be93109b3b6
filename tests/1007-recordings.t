#!/bin/sh
# praic-fetch recordings: the recordings that the records name are fetched into the
# spool completely and once, or the exit code reports the error.

# The dollars belong to awk and sh -c.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

site_start --sessions 15 --span 3 --seed 4 --now 1767225600 --clock fixed --recording-size 3K-90K
recordings_truth truth
sort truth >want.files
records truth >in

# recordings CODE NAME [OPTION...]: fetch into a new spool
recordings() {
	rm -rf spool
	mkdir spool
	code=$1 name=$2
	shift 2
	pipe "$code" "$name" in f --timeout 60 "$@" recordings -d spool
}

# sound NAME: each file with a final name in the spool is right
sound() {
	(cd spool && find . -type f ! -name '.*' -exec sha256sum {} +) | cut -d ' ' -f 1 | sort -u >sums
	cut -f 5 truth | sort -u | comm -13 - sums >got
	: >want
	same "$1" want got
}

run 64 "no spool" f recordings
run 66 "a missing spool" f recordings -d nonesuch </dev/null
run 64 "-j 0" f recordings -j 0 -d .
mkdir spool
pipe 64 "XML instead of records" "$top/tests/1007-recordings.t" f recordings -d spool
run 66 "a missing file" f recordings -d spool nonesuch.rec
printf 'praic-records\t1\nH\tsession\thost_name\nZ\t0\t0\n' >in0
pipe 64 "records without a recording table" in0 f recordings -d spool
says "the message names praic-split" "praic-split"
check "nothing was written" test -z "$(ls -A spool)"

recordings 0 "all recordings" -j 8
silent "prints no message"
cp out one.rec
files out >got
same "each has the right kind, instance, size and digest" want.files got
there "the spool has all of them" out spool
stat -c %a spool/*.flv | sort -u >got
echo 600 >want
same "only the owner may read them" want got
pipe 0 "the output is a record stream" one.rec "$rec_events"
awk -F '\t' '$1 == "S"' in >want
awk -F '\t' '$1 == "S"' one.rec >got
same "in the order of the input" want got
tail -n 1 one.rec >got
printf 'Z\t%s\t0\n' "$(grep -c '^S' in)" >want
same "with an end mark" want got
awk -F '\t' '$1 == "R" && $2 == "file" { print $6, $7, $10; exit }' one.rec >got
echo "flv video/x-flv 2026-01-01T00:00:00Z" >want
same "extension from the content, media type and time from the appliance" want got
site_forget
pipe 0 "the same again" in f recordings -d spool
same "gives the same records" one.rec out
asked '.path' >got
: >want
same "without requests" want got
cat in in >twice
rm -rf spool
mkdir spool
site_forget
pipe 0 "each session twice" twice f -j 8 recordings -d spool
asked 'select(.parameters.generate_report) | .target' | sort | uniq -d >got
: >want
same "is fetched once" want got
tail -n 1 out >got
printf 'Z\t%s\t0\n' "$((2 * $(grep -c '^S' in)))" >want
same "and written twice" want got
run 0 "FILE operands" f recordings -d spool in in
files out | sort -u >got
same "are read in turn" want.files got
# changes in the spool
for victim in spool/*.flv; do break; done
victim=${victim#spool/}
recordings 0 "all recordings again"
printf x >>"spool/$victim"
pipe 0 "a file of another size" in f recordings -d spool
says "is reported"  "$victim"
there "and fetched again" out spool
printf y | dd of="spool/$victim" bs=1 seek=100 conv=notrunc 2>/dev/null
pipe 0 "a changed byte" in f recordings -d spool
silent "is not detected"
pipe 0 "the same with --verify" in f --verify recordings -d spool
there "is detected, and the file is fetched again" out spool
# the digest is an extended attribute; without it the file is read
python3 -c 'import os
for name in os.listdir("spool"):
    try:
        os.removexattr("spool/" + name, "user.praic")
    except OSError:
        pass'
site_forget
pipe 0 "files without the attribute" in f recordings -d spool
files out >got
same "give the same records" want.files got
asked '.path' >got
: >want
same "without requests" want got
rm "spool/$victim"
ln -s /etc/passwd "spool/$victim"
pipe 0 "a link instead of a file" in f recordings -d spool
check "is not followed" test -f "spool/$victim" -a ! -L "spool/$victim"
# Files that another user may have put there are not used.
planted() {
	name=$1 victim_is=$(sha256sum <"spool/$victim")
	shift
	cp "spool/$victim" kept.flv
	"$@"
	site_forget
	pipe 0 "planted: $name" in f recordings -d spool
	says "planted: $name: is reported" "another user may have put it there"
	check "planted: $name: it is fetched again" test "$(sha256sum <"spool/$victim")" = "$victim_is"
	asked '.parameters.lsid // empty' | wc -l | tr -d ' ' >got
	echo 1 >want
	same "planted: $name: no other file is fetched" want got
}
# shellcheck disable=SC2317
evil() {
	rm "spool/$victim"
	printf 'FLV\001evil' >"spool/$victim"
}
# shellcheck disable=SC2317
evil_mode() { evil && chmod 666 "spool/$victim"; }
# shellcheck disable=SC2317
evil_owner() { evil && chown nobody "spool/$victim"; }
# shellcheck disable=SC2317
evil_link() { evil && ln "spool/$victim" evil.flv; }
planted "a file that everybody may write" evil_mode
planted "a file with a second hard link" evil_link
if [ "$(id -u)" -eq 0 ]; then
	planted "a file of another user" evil_owner
fi
rm "spool/$victim"
: >"spool/$victim"
pipe 0 "an empty file, as after a crash" in f recordings -d spool
says "is reported" "$victim: it was changed: it is fetched again"
there "and fetched again" out spool
rm "spool/$victim"
printf 'FLV\001evil' >evil.part
ln evil.part "spool/.${victim%.flv}.part"
pipe 0 "planted: a part with a second hard link" in f recordings -d spool
check "is not written to" test "$(cat evil.part | wc -c)" -eq 8
there "the fetched file is right" out spool

# A directory that has the name of a file costs that recording only.
site_fault
while read -r dir; do
	rm -rf spool
	mkdir spool "spool/$dir" "spool/$dir/x"
	pipe 65 "a directory: $dir" in f recordings -d spool
	says "is named" "spool/$dir: a directory has the name of a file: remove it"
	outcomes out | grep -v came | cut -f 2- | sed 's/spool.*part: //; s/spool.*flv: //' >got
	printf 'recording\trefused\ta directory has the name of a file: remove it\n' >want
	same "and costs that recording only" want got
done <<E
$victim
.${victim%.flv}.part
E
rm -rf spool
mkdir spool

# what an appliance says instead
site_fault "error-as-video match=AccessSessionRecording times=1"
recordings 0 "an expired recording" -j 1
says "is reported" "expired"
files out | wc -l | tr -d ' ' >got
wc -l <want.files | awk '{ print $1 - 1 }' >want
same "the others are fetched" want got
there "and are right" out spool
each "each has a row" out
outcomes out | grep expired | cut -f 2- >got
printf 'recording\texpired\tit has expired: the appliance has deleted it\n' >want
same "also the expired one" want got
site_ask '{"do":"set","name":"recording-retention","value":"0"}'
site_ask '{"do":"set","name":"language","value":"fr"}'
recordings 65 "an expired recording, reported in an unknown language" --timeout 2 -j 32
says "the message says what to do" "--expired TEXT"
check "nothing is fetched" test -z "$(cd spool && ls)"
tail -n 1 out >got
printf 'Z\t%s\t%s\n' "$(grep -c '^S' in)" "$(grep -c '^S' in)" >want
same "each session is counted as left out" want got
each "each recording has a row" out
outcomes out | cut -f 3 | sort -u >got
echo refused >want
same "with the outcome refused" want got
outcomes out | cut -f 4 | grep -v '^the appliance refuses it: ' >got
: >want
same "and the reason" want got
recordings 0 "the same with --expired" --expired \
	"Cet enregistrement a expiré et ne peut plus être consulté ni téléchargé."
site_ask '{"do":"set","name":"recording-retention","value":"none"}'
site_ask '{"do":"set","name":"language","value":"en"}'
while read -r code fault; do
	site_fault "$fault"
	recordings "$code" "$fault"
	sound "$fault: the spool has only right files"
	if [ "$code" -eq 0 ]; then
		files out >got
		same "$fault: and all of them" want.files got
	fi
	find spool -name '*.part' >got
	: >want
	[ "$code" -ne 0 ] || same "$fault: no incomplete files" want got
done <<'E'
0 rate-limit times=2
0 internal-error times=2
0 unavailable times=2
0 reset times=3
0 hang-up times=3
0 short-body times=3
0 cut-chunked times=3
0 forget-tokens
0 html-login times=1
0 json-error times=1
0 json-error times=1 error=other
0 empty-body times=1
0 xml-error times=1
0 truncated bytes=0 times=1
0 wrong-type type=none
0 gzip
0 redirect times=2
0 slow-start seconds=0.1
77 forget-tokens times=0
77 status code=403
77 status code=404
78 redirect to=other
E
site_fault "html-login match=CommandShellRecording"
recordings 69 "a web page for each shell" --timeout 0
check "no end mark" sh -c '! grep -q ^Z out'
sound "the spool has only complete files"
site_fault "xml-error match=CommandShellRecording"
recordings 65 "an error for all shells" --timeout 6
outcomes out | awk -F '\t' '{ print $2, $3 }' | sort -u >got
printf 'recording came\nshell refused\n' >want
same "they are refused" want got
site_fault xml-error
recordings 65 "an error for every request" --timeout 2
outcomes out | cut -f 3 | sort -u >got
echo refused >want
same "all recordings are refused" want got
each "each has a row" out
site_fault "xml-error match=CommandShellRecording"
sound "the spool has only complete files"
shell=$(grep shell truth | head -n 1 | cut -f 1)
site_fault "xml-error match=lsid=$shell times=6"
recordings 0 "a temporary error for one session" --timeout 60
files out >got
same "has no effect" want.files got
site_fault "xml-error match=lsid=$shell"
site_forget
recordings 65 "a permanent error for one session" --timeout 2
sound "affects only that session"
says "is reported" "the appliance refuses it: An error has occurred."
printf 'Z\t%s\t1\n' "$(grep -c '^S' in)" >want
tail -n 1 out >got
same "and counted" want got
asked "select(.parameters.lsid == \"$shell\") | .path" | wc -l >calls
check "after at least three requests" test "$(cat calls)" -ge 3
recordings 69 "the same without time for retries" --timeout 0
check "no end mark" sh -c '! grep -q ^Z out'
head -n 1 truth | cut -f 1 >one.lsid
site_fault "xml-error text=Invalid_lsid. match=lsid=$(cat one.lsid)"
sed -n "1,/^H.recording/p; /^S.*$(cat one.lsid)/,/^E/p" in >one.in
printf 'Z\t1\t0\n' >>one.in
rm -rf spool
mkdir spool
pipe 65 "a permanent error with an unknown text, for the only session" one.in f --timeout 2 recordings -d spool
printf '%s' '<error>Invalid lsid.</error>' >evil
site_fault "body file=$work/evil match=lsid=$(cat one.lsid)"
site_forget
pipe 65 "an error with a known text" one.in f recordings -d spool
asked '.parameters.lsid // empty' | sort | uniq -c | sort -rn | awk '{ print $1; exit }' >got
echo "$(grep -c "^$(cat one.lsid)" truth)" >want
same "is not retried" want got
site_fault
# One refused file affects only itself; several in a row mean that all are refused.
site_fault "status code=404 match=lsid=$(cat one.lsid)"
site_forget
recordings 65 "404 for one recording" -j 1
sound "affects only that session"
cut -f 1 truth | uniq | sed -n '3p;4p;5p;6p' | paste -s -d , | sed 's/[^,]*/lsid=&/g' >four
for status in 404 403 410; do
	site_fault "status code=$status match=$(cat four)"
	recordings 77 "four refused in a row ($status)" -j 1
	says "$status: the message gives possible reasons" "Enable XML API"
	sound "$status: files fetched before are kept"
	check "$status: no end mark" sh -c '! grep -q ^Z out'
	each "$status: each has a row" out
	outcomes out | cut -f 3 | sort -u | tr '\n' ' ' >got
	printf 'came later refused ' >want
	same "$status: with the outcome refused" want got
done
cut -f 1 truth | uniq | sed -n '3p;5p' | paste -s -d , | sed 's/[^,]*/lsid=&/g' >two
for status in 404 403 410; do
	site_fault "status code=$status match=$(cat two)"
	recordings 65 "two refused between others ($status)" -j 1
	sound "$status: only their sessions are affected"
	tail -n 1 out >got
	printf 'Z\t%s\t2\n' "$(grep -c '^S' in)" >want
	same "$status: and are counted" want got
	outcomes out | grep -c "refused.HTTP 4" >got
	tr ',' '\n' <two | sed 's/lsid=//' >two.lsids
	cut -f 1 truth | grep -c -F -f two.lsids >want
	same "$status: their rows have the reason" want got
done
last=$(cut -f 1 truth | tail -n 1)
site_fault "status code=403 match=lsid=$last"
recordings 65 "the last one is refused" -j 1
site_fault "status code=202 match=lsid=$(cat one.lsid) times=2"
recordings 0 "a recording that is not ready yet" -j 1
files out >got
same "is fetched later" want.files got
site_fault
site_ask '{"do":"deny","what":"CommandShellRecording","deny":true}'
site_forget
recordings 77 "no permission for shells"
asked 'select(.parameters.generate_report == "CommandShellRecording") | .path' | wc -l >calls
check "is detected after a few requests" test "$(cat calls)" -le 7
check "no end mark" sh -c '! grep -q ^Z out'
each "each recording has a row" out
outcomes out | awk -F '\t' '{ print $2, $3 }' | sort -u >got
printf 'recording came\nshell later\nshell refused\n' >want
same "all shells are refused, all others are fetched" want got
site_ask '{"do":"deny","what":"CommandShellRecording","deny":false}'
site_fault "internal-error match=lsid=$(head -n 1 truth | cut -f 1)"
recordings 69 "permanent errors for the files of the first session" -j 1 --timeout 1
check "no end mark" sh -c '! grep -q ^Z out'
grep -v "$(head -n 1 truth | cut -f 1)" want.files >want
files out >got
same "do not stop the others" want got
each "each recording has a row" out
outcomes out | grep -v came | cut -f 1,3 | sort -u >got
printf '%s\tlater\n' "$(head -n 1 truth | cut -f 1)" >want
same "the failed ones have the outcome later" want got
# A recording that another process is fetching is left to that process.
rm -rf spool
mkdir spool
lock=spool/.pra.example.net-$(awk -F '\t' '$2 == "recording" { print $1 "-recording"; exit }' truth).part
site_fault
flock "$lock" sh -c ': >held; while [ ! -e let-go ]; do sleep 0.05; done' &
until [ -e held ]; do sleep 0.05; done
pipe 75 "a recording that another process is fetching" in f recordings -d spool
: >let-go
wait $!
each "each recording has a row" out
outcomes out | grep -v came | cut -f 2- >got
printf 'recording\tlater\tanother process is fetching it\n' >want
same "that one has the outcome later" want got
check "no end mark" sh -c '! grep -q ^Z out'
pipe 0 "after the other process" in f recordings -d spool
files out >got
same "all are fetched" want.files got
site_fault "hang-up"
site_forget
recordings 69 "a site that is down" -j 2 --timeout 1
asked '.path' | wc -l >calls
check "gets no further requests" test "$(cat calls)" -lt 20
check "no end mark" sh -c '! grep -q ^Z out'
each "each recording has a row" out
outcomes out | cut -f 3 | sort -u >got
echo later >want
same "with the outcome later" want got
pipe 75 "praic-tofs accepts these records" out "$tofs" -d spool
check "and stores nothing" test -z "$(find spool -name '*.flv')"
site_fault
printf 'MThd or whatever it may be\001' >other.bin
site_fault "body file=$work/other.bin type=video/x-new"
recordings 0 "an unknown file format"
awk -F '\t' '$1 == "R" && $2 == "file" { print $6, $7 }' out | sort -u >got
echo "bin video/x-new" >want
same "is stored with the extension bin" want got
site_fault

# Running transfers go on while a token is requested: the first file takes six seconds,
# and the token that the second one needs takes three.
head -n 2 truth >two
records two >two.in
slow=$(sed -n '1s/\t.*//p' two) other=$(sed -n '2s/\t.*//p' two)
site_fault "drip match=lsid=$slow bytes=$(($(sed -n 1p two | cut -f 4) / 60 + 1)) seconds=0.1"
site_control fault add "status code=401 match=lsid=$other times=1" >control.out
site_control fault add "sleep match=token seconds=3" >control.out
rm -rf spool
mkdir spool
fx -j 2 -v recordings -d spool <two.in >out 2>err &
pid=$!
tries=0
until grep -q 'no longer good' err || [ $tries -gt 200 ]; do
	tries=$((tries + 1))
	sleep 0.05
done
sleep 0.3
cat spool/.*"$slow"*.part | wc -c >before
sleep 1.5
cat spool/.*"$slow"*.part | wc -c >after
check "a running transfer ($(cat before), then $(cat after) bytes) does not wait for the token" \
	test "$(cat after)" -gt "$(cat before)"
wait $pid
check "the run succeeds" test $? -eq 0
check "without retries" lacks err "trying again"
site_fault

# incomplete and hostile inputs
sed '$d' in >short.in
rm -rf spool
mkdir spool
pipe 75 "a truncated input" short.in f recordings -d spool
files out >got
same "all recordings that it names are fetched" want.files got
check "but there is no end mark" sh -c '! grep -q ^Z out'
sed 's/^Z\t\([0-9]*\)\t0/Z\t\1\t2/' in >short
pipe 65 "an input with sessions left out" short f recordings -d spool
tail -n 1 out >got
printf 'Z\t%s\t2\n' "$(grep -c '^S' in)" >want
same "the end mark counts them" want got
awk -F '\t' -v OFS='\t' '$1 == "S" && !n++ { $2 = "other.example" }
	$2 == "session" && !m++ { $3 = "other.example" } { print }' in | sed 's/^H\tsession.*/H\tsession\thost_name\tlsid\ttype/' >mixed
site_forget
rm -rf spool
mkdir spool
pipe 65 "a session of another site" mixed f recordings -d spool
says "is named" "other.example"
check "and not requested" sh -c '! grep -q "$(sed -n 4p in | cut -f 3)" spool/.[!.]* 2>/dev/null'
printf 'praic-records\t1\nH\tsession\thost_name\tlsid\nH\trecording\tkind\tinstance\n' >evil
{
	cat evil
	printf 'S\tpra.example.net\t../../A b\\n%%\n'
	printf 'R\trecording\tshell\t7\nR\tsession\tpra.example.net\t../../A b\\n%%\n'
	printf 'E\t../../A b\\n%%\t2\t0\nZ\t1\t0\n'
} >evil.in
printf 'FLV\001rest' >flv
site_fault "body file=$work/flv"
pipe 0 "an lsid with path components" evil.in f recordings -d spool
awk -F '\t' '$2 == "file" { print $5 }' out | tail -n 1 >got
echo 'pra.example.net-_2E_2E_2F.._2F_41_20b_0A_25-shell-7.flv' | sed 's/_2E_2E_2F\.\./_2E._2F../' >want
same "is encoded in the file name" want got
check "the file is in the spool and nowhere else" sh -c 'test -f "spool/$(cat got)" && test ! -e "../A b"'
site_fault
{
	cat evil
	printf 'S\tpra.example.net\tab\nR\trecording\tshell\tx/y\n'
	printf 'R\tsession\tpra.example.net\tab\nE\tab\t2\t0\nZ\t1\t0\n'
} >odd.in
pipe 65 "an instance that is not a number" odd.in f recordings -d spool

# A run that is told to stop, or killed, while one file still comes: the rest is not
# lost with it.
# slow SIGNAL LSID: run until all files but those of this session are in the spool
slow() {
	rm -rf spool
	mkdir spool
	site_fault "sleep seconds=60 match=lsid=$2"
	fx recordings -d spool <in >out 2>err &
	pid=$!
	grep -v "^$2" want.files >others
	tries=0
	until [ "$(find spool -name '*.flv' | wc -l)" -eq "$(wc -l <others)" ] || [ $tries -gt 300 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	sleep 1.5
	kill "-$1" $pid
	wait $pid 2>/dev/null
	echo $? >got
	site_fault
}
first=$(awk '$1 == "S" { print $3; exit }' in)
last=$(awk '$1 == "S" { lsid = $3 } END { print lsid }' in)
slow TERM "$first"
echo 75 >want
same "told to stop while the first session comes" want got
files out | grep -v "^$first" >got
same "all others are written" others got
awk -F '\t' -v lsid="$first" '$1 == "S" { at = $3 } at == lsid && $2 == "file" { print $11, $12 }' out |
	sort -u >got
echo "later praic-fetch was told to stop before it came" >want
same "and it is put off" want got
check "without an end mark" sh -c '! grep -q ^Z out'
slow KILL "$last"
files out >got
same "killed while the last session comes: all others are written" others got

# a full disk, a closed pipe
rm -rf spool
mkdir spool
pipe 74 "records to a full disk" in sh -c ". '$top/tests/fetch.sh'
	port=$port client=$client; f recordings -d spool >/dev/full"
done_testing
