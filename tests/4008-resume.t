#!/bin/sh
# praic-fetch recordings: what a break leaves is gone on with where that is
# provably right, and begun anew where it is not.

# The dollars belong to awk and sh -c.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

# What is known of a part is an attribute of it.
cat >attribute.py <<'E'
"""attribute.py FILE: print it; attribute.py FILE KEY=JSON...: change it;
attribute.py FILE -: remove it."""
import json, os, sys
note = os.getxattr(sys.argv[1], "user.praic")
if len(sys.argv) == 2:
    print(note.decode())
elif sys.argv[2] == "-":
    os.removexattr(sys.argv[1], "user.praic")
else:
    o = json.loads(note)
    for word in sys.argv[2:]:
        key, value = word.split("=", 1)
        o[key] = json.loads(value)
    os.setxattr(sys.argv[1], "user.praic", json.dumps(o).encode())
E
: >probe
python3 -c 'import os; os.setxattr("probe", "user.praic", b"x")' 2>/dev/null || {
	echo '1..0 # skip: this file system has no attributes, so nothing is resumed'
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

# right NAME: it is there, and what it should be
right() {
	files out >got
	same "$1" want.files got
	there "$1: so is the file" out spool
}

# calls NAME LINE...: the calls for it, as "status range bytes", N for a
# number of bytes that is not all of them; but not one that still stalls
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

# broken FAULT: a first try that leaves a part, by a process that was killed
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
right "it is got over"
calls "and each time it goes on where it was" "200 - N" "206 from N" "206 from N" "206 from N"
asked 'select(.range) | .if_range' | sort -u >got
check "under the condition that it is the same" grep -q '^"[0-9a-f]*"$' got

broken "stall percent=60 seconds=60"
check "killed: there is a part, and no file" sh -c 'test -z "$(ls spool)" &&
	test "$(ls -A spool | wc -l)" -eq 1'
pipe 0 "the next process" in f recordings -d spool
right "completes it"
calls "by what was missing" "206 from N"
check "and leaves no part" test ! -e "spool/.$base.part"

broken "stall percent=60 seconds=60"
site_fault "other-content"
pipe 0 "the recording has changed" in f recordings -d spool
calls "it is fetched anew" "200 from N"
site_fault
cut -f 5 want.files >want
files out | cut -f 5 >got
check "it is another one" sh -c '! cmp -s want got'
there "and whole" out spool

broken "stall percent=60 seconds=60"
site_fault "ignore-range"
pipe 0 "Range is ignored" in f recordings -d spool
right "it is fetched anew"
calls "in that answer" "200 from all"

broken "stall percent=60 seconds=60"
site_fault "wrong-range times=1"
pipe 0 "another part than that asked for" in f --timeout 60 recordings -d spool
right "is no part of it"
calls "it is fetched anew" "206 from N" "200 - all"

broken "stall percent=60 seconds=60"
python3 attribute.py "spool/.$base.part" -
pipe 0 "a part without its note" in f recordings -d spool
right "is begun anew"
calls "from the start" "200 - all"

# What was not synced is not trusted: a power failure may have lost it.
broken "stall percent=60 seconds=60"
synced=$(python3 attribute.py "spool/.$base.part" | jq .synced)
dd if=/dev/zero of="spool/.$base.part" bs=1 seek=$((synced + 1000)) count=5000 conv=notrunc \
	2>/dev/null
pipe 0 "a part from before a power failure" in f recordings -d spool
right "is trusted as far as it was synced"
asked 'select(.range) | .range' >got
echo "bytes=$synced-" >want
same "and no further" want got

broken "stall percent=60 seconds=60"
python3 attribute.py "spool/.$base.part" length=5000000000
pipe 0 "a part of something longer" in f --timeout 60 recordings -d spool
right "is begun anew"
broken "stall percent=60 seconds=60"
head -c 20000000 /dev/zero >>"spool/.$base.part"
pipe 0 "a part that is longer than the whole" in f recordings -d spool
right "is begun anew"

# All came, and then the power went: only the name is missing.
new
pipe 0 "a whole file" in f recordings -d spool
mv "spool/$(ls spool)" "spool/.$base.part"
site_forget
pipe 0 "whose name was not given any more" in f recordings -d spool
right "gets it"
asked '.path' >got
: >want
same "without another call" want got

# Two at a time.
new
site_fault "drip bytes=400000 seconds=0.05"
fx recordings -d spool <in >first.rec 2>first.err &
pid=$!
until [ -s "spool/.$base.part" ]; do sleep 0.02; done
pipe 75 "a second process meanwhile" in f recordings -d spool
says "leaves it to the first one" "another process is fetching it"
wait $pid
check "which fetches it" test $? -eq 0
pipe 0 "then the second one" in f recordings -d spool
same "knows the same" first.rec out
calls "fetched once" "200 - all"
new
site_fault "stall percent=60 seconds=60"
fx recordings -d spool <in >/dev/null 2>&1 &
pid=$!
until [ "$(stat -c %s "spool/.$base.part" 2>/dev/null || echo 0)" -gt 2000000 ]; do
	sleep 0.02
done
site_fault
kill -9 $pid
wait $pid 2>/dev/null
pipe 0 "a second process, when the first was killed" in f recordings -d spool
right "takes over"
calls "where that was" "206 from N"

# No ETag, no Range: then what was fetched is fetched again, but right.
site_ask '{"do":"set","name":"ranges","value":"no"}'
new
site_fault "reset times=2 percent=60"
pipe 0 "an appliance that offers no ranges" in f --timeout 60 recordings -d spool
right "sends all anew"
calls "each time" "200 - N" "200 - N" "200 - all"

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
	right "all files are there, and right"
	find spool -name '*.part' >got
	: >want
	same "nothing half done" want got
done
done_testing
