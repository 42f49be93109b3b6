#!/bin/sh
# praic-fetch recordings: an interrupted download is resumed if the rest provably
# belongs to the same file, and restarted otherwise.

# The dollars belong to awk and sh -c.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

# praic-fetch keeps what it knows of a part in an extended attribute.
cat >attribute.py <<'E'
"""attribute.py FILE: print it; attribute.py FILE KEY=VALUE...: change it;
attribute.py FILE -: remove it."""
import os, sys
note = os.getxattr(sys.argv[1], "user.praic")
if len(sys.argv) == 2:
    print(note.decode())
elif sys.argv[2] == "-":
    os.removexattr(sys.argv[1], "user.praic")
else:
    first, *lines = note.decode().split("\n")
    words, keys = first.split(), ["synced", "length", "fetched_at", "extension"]
    for word in sys.argv[2:]:
        key, value = word.split("=", 1)
        if key in keys:
            words[keys.index(key)] = value
        else:
            lines[["etag", "modified", "type"].index(key)] = value
    os.setxattr(sys.argv[1], "user.praic", "\n".join([" ".join(words)] + lines).encode())
E
: >probe
python3 -c 'import os; os.setxattr("probe", "user.praic", b"x")' 2>/dev/null || {
	echo '1..0 # skip: without extended attributes downloads are not resumed'
	exit 0
}
site_start --sessions 4 --span 1 --seed 2 --now 1767225600 --clock fixed \
	--recording-size 6M-7M --ranges
recordings_truth all
head -n 1 all >truth
sort truth >want.files
records truth >in
size=$(cut -f 4 truth)
base=pra.example.net-$(cut -f 1 truth)-$(cut -f 2 truth)
[ "$(cut -f 3 truth)" = - ] || base=$base-$(cut -f 3 truth)

new() {
	rm -rf spool
	mkdir spool
	site_forget
}

# right NAME: the file exists and is right
right() {
	files out >got
	same "$1" want.files got
	there "$1: the spool is right" out spool
}

# calls NAME LINE...: the finished requests for the file as "status range bytes"; N is a
# number of bytes less than all
calls() {
	asked 'select(.parameters.lsid) | "\(.status) \(.range // "-") \(.bytes)"' |
		awk -v all="$size" '{
			if ($2 != "-") { split($2, r, /[=-]/); $2 = r[2] > 0 ? "from" : "?" }
			$3 = $3 == all ? "all" : "N"
			print }' >got
	name=$1
	shift
	printf '%s\n' "$@" >want
	same "$name" want got
}

# broken FAULT: leave a part by a process that is killed
broken() {
	new
	site_fault "$1"
	fx recordings -d spool <in >/dev/null 2>&1 &
	pid=$!
	waited=0
	until [ "$(stat -c %s "spool/.$base.part" 2>/dev/null || echo 0)" -gt 2000000 ] &&
		python3 attribute.py "spool/.$base.part" >/dev/null 2>&1; do
		sleep 0.02
		waited=$((waited + 1))
		[ $waited -lt 1000 ] || break
	done
	kill -9 $pid
	wait $pid 2>/dev/null
	site_fault
}

new
site_fault "reset times=3 percent=60"
pipe 0 "a connection that breaks, three times" in f --timeout 60 recordings -d spool
right "is resumed"
calls "at the right byte each time" "200 - N" "206 from N" "206 from N" "206 from N"
asked 'select(.range) | .if_range' | sort -u >got
check "with If-Range" grep -q '^"[0-9a-f]*"$' got

broken "stall percent=60 seconds=600"
check "killed: there is a part, and no file" sh -c 'test -z "$(ls spool)" &&
	test "$(ls -A spool | wc -l)" -eq 1'
pipe 0 "the next process" in f recordings -d spool
right "completes it"
calls "with a request for the rest" "206 from N"
check "and leaves no part" test ! -e "spool/.$base.part"

broken "stall percent=60 seconds=600"
site_fault "other-content"
pipe 0 "a recording that has changed" in f recordings -d spool
calls "is fetched from the start" "200 from N"
site_fault
cut -f 5 want.files >want
files out | cut -f 5 >got
check "the file is the new one" sh -c '! cmp -s want got'
there "and complete" out spool

broken "stall percent=60 seconds=600"
site_fault "ignore-range"
pipe 0 "an appliance that ignores Range" in f recordings -d spool
right "the file is right"
calls "and taken from that answer" "200 from all"

broken "stall percent=60 seconds=600"
site_fault "wrong-range times=1"
pipe 0 "an answer with another range" in f --timeout 60 recordings -d spool
right "is not used"
calls "the file is fetched from the start" "206 from N" "200 - all"

broken "stall percent=60 seconds=600"
python3 attribute.py "spool/.$base.part" -
pipe 0 "a part without its attribute" in f recordings -d spool
right "is not used"
calls "the file is fetched from the start" "200 - all"

# What was not synced is not trusted: a power failure may have lost it.
broken "stall percent=60 seconds=600"
synced=$(python3 attribute.py "spool/.$base.part" | sed -n '1s/ .*//p')
dd if=/dev/zero of="spool/.$base.part" bs=1 seek=$((synced + 1000)) count=5000 conv=notrunc \
	2>/dev/null
pipe 0 "a part after a power failure" in f recordings -d spool
right "is used up to the last sync"
asked 'select(.range) | .range' >got
echo "bytes=$synced-" >want
same "and not further" want got

broken "stall percent=60 seconds=600"
python3 attribute.py "spool/.$base.part" length=5000000000
pipe 0 "a part of something longer" in f --timeout 60 recordings -d spool
right "is begun anew"
broken "stall percent=60 seconds=600"
head -c 20000000 /dev/zero >>"spool/.$base.part"
pipe 0 "a part that is longer than the file" in f recordings -d spool
right "is not used"

# A crash after the last byte: only the final name is missing.
new
pipe 0 "a complete file" in f recordings -d spool
mv "spool/$(ls spool)" "spool/.$base.part"
site_forget
pipe 0 "without its final name" in f recordings -d spool
right "gets it"
asked '.path' >got
: >want
same "without a request" want got

# Two processes.
new
site_fault "drip bytes=400000 seconds=0.05"
fx recordings -d spool <in >first.rec 2>first.err &
pid=$!
until [ -s "spool/.$base.part" ]; do sleep 0.02; done
pipe 75 "a second process at the same time" in f recordings -d spool
says "leaves the file to the first" "another process is fetching it"
wait $pid
check "which fetches it" test $? -eq 0
pipe 0 "a later process" in f recordings -d spool
same "writes the same records" first.rec out
calls "without another request" "200 - all"
new
site_fault "stall percent=60 seconds=600"
fx recordings -d spool <in >/dev/null 2>&1 &
pid=$!
until [ "$(stat -c %s "spool/.$base.part" 2>/dev/null || echo 0)" -gt 2000000 ]; do
	sleep 0.02
done
site_fault
kill -9 $pid
wait $pid 2>/dev/null
pipe 0 "a second process after the first was killed" in f recordings -d spool
right "takes over"
calls "and resumes the download" "206 from N"

# Without ETag and Range the whole file is fetched again.
site_ask '{"do":"set","name":"ranges","value":"no"}'
new
site_fault "reset times=2 percent=60"
pipe 0 "an appliance that offers no ranges" in f --timeout 60 recordings -d spool
right "the file is right"
calls "and fetched from the start each time" "200 - N" "200 - N" "200 - all"

# All faults at random, with ranges and without.
for ranges in --ranges --chunked; do
	site_stop
	rm -rf "$site"
	no_token
	site_start $ranges --sessions 20 --span 1 --seed 3 --now 1767225600 --clock fixed \
		--recording-size 900K-1300K \
		--fault "rate-limit probability=0.02" \
		--fault "internal-error probability=0.02" \
		--fault "unavailable probability=0.02 retry-after=1" \
		--fault "timeout probability=0.02 seconds=0" \
		--fault "reset probability=0.05 percent=90" \
		--fault "hang-up probability=0.02" \
		--fault "short-body probability=0.05 percent=95" \
		--fault "cut-chunked probability=0.05 percent=90" \
		--fault "stall probability=0.02 seconds=30" \
		--fault "forget-tokens every=30 times=0" \
		--fault "xml-error probability=0.02" \
		--fault "json-error probability=0.02 error=other" \
		--fault "html-login probability=0.02" \
		--fault "empty-body probability=0.02" \
		--fault "ignore-range probability=0.1" \
		--fault "wrong-range probability=0.1"
	recordings_truth truth
	sort truth >want.files
	records truth >in
	new
	pipe 0 "all faults at random, $ranges" in f -j 8 --timeout 30 \
		recordings -d spool
	right "all files are right"
	find spool -name '*.part' >got
	: >want
	same "no incomplete file" want got
done
done_testing
