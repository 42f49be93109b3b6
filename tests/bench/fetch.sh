#!/bin/sh
# Speed and peak memory of praic-fetch recordings, compared with curl on the same
# server: one big file against curl -o with a sha256 of the stream and a sync, and a
# thousand small files against curl --parallel without keep-alive.  Of each two lines,
# the second one is with a sync by curl, too: praic-fetch always syncs.
#
#	tests/bench/fetch.sh [BYTES [ROUNDS [SMALL]]]	1000000000 3 1000, below /var/tmp
set -eu
bytes=${1-1000000000} rounds=${2-3} small=${3-1000}
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/var/tmp}/praic-bench.XXXXXX")
appliance=
trap '[ -z "$appliance" ] || kill "$appliance"; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
XDG_RUNTIME_DIR=$work
export XDG_RUNTIME_DIR
cd "$work"

# serve OPTION...: start an appliance and write curl's options for it
serve() {
	[ -z "$appliance" ] || { kill "$appliance"; wait "$appliance" || :; }
	rm -rf site praic
	python3 "$top/tests/appliance" -q --exit-with-parent --dir site "$@" &
	appliance=$!
	until [ -e site/ready ]; do sleep 0.1; done
	# shellcheck source=/dev/null
	. site/env
	token=$(curl -sS --cacert site/ca.pem -d grant_type=client_credentials \
		-u "$PRAIC_CLIENT_ID:$(cat site/secret)" "https://$PRAIC_HOST/oauth2/token" |
		jq -r .access_token)
	printf 'header = "Authorization: Bearer %s"\nheader = "Connection: close"\n' \
		"$token" >auth
	python3 "$top/tests/appliance" control --dir site truth --form recordings \
		--no-hashes >all
}

# records COUNT: write records of the first recordings for praic-fetch, and the list
# for curl
records() {
	head -n "$1" all >some
	awk -F '\t' -v OFS='\t' '
		function end() {
			if (lsid == "") return
			print "R", "session", "pra.example.net", lsid
			print "E", lsid, rows + 1, 0
			n++
		}
		BEGIN {
			print "praic-records", 1
			print "H", "session", "host_name", "lsid"
			print "H", "recording", "kind", "instance"
		}
		$1 != lsid { end(); lsid = $1; rows = 0; print "S", "pra.example.net", lsid }
		{ print "R", "recording", $2, $3 == "-" ? "\\N" : $3; rows++ }
		END { end(); print "Z", n, 0 }' some >in
	awk -F '\t' -v host="$PRAIC_HOST" '{
		report = $2 == "shell" ? "CommandShellRecording&instance=" $3 : "AccessSessionRecording"
		printf "url = \"https://%s/api/reporting?generate_report=%s&lsid=%s\"\n", host, report, $1
		printf "output = \"curl/%d\"\n", NR }' some >list
}

# timed COMMAND...: write the seconds to "took" and the peak memory to "memory"
timed() {
	sync
	/usr/bin/time -o time.out -f '%e %M' "$@"
	cut -d ' ' -f 1 time.out >took
	cut -d ' ' -f 2 time.out >memory
}

fetch() {
	rm -rf spool
	mkdir spool
	timed "$top/fetch/praic-fetch" --host "$PRAIC_HOST" --name pra.example.net \
		--ca-file site/ca.pem --client-id "$PRAIC_CLIENT_ID" --secret file:site/secret \
		--rate 0 -j 8 recordings -d spool in >out
	tail -n 1 out | grep -q '^Z'
	paste took memory >fetch.time
}

# compare NAME: measure both and print a line
compare() {
	awk -v name="$1" -v base="$(cat curl.time)" '{
		printf "%-34s curl %6.2f s   praic-fetch %6.2f s   %.2f of curl   %d KiB\n",
			name, base, $1, base / $1, $2 }' fetch.time
}

serve --sessions 6 --span 1 --seed 2 --recording-size "$bytes"
records 1
round=0
while [ $round -lt "$rounds" ]; do
	round=$((round + 1))
	rm -rf curl
	mkdir curl
	timed sh -c 'curl -sS --cacert site/ca.pem -K auth -K list && sync curl/1'
	cp took curl.time
	fetch
	compare "$bytes bytes, no hash by curl"
	rm -rf curl
	mkdir curl
	grep -v ^output list >url
	timed sh -c 'curl -sS --cacert site/ca.pem -K auth -K url | tee curl/1 |
		openssl dgst -sha256 >/dev/null && sync curl/1'
	cp took curl.time
	compare "$bytes bytes, hashed and synced"
done
rm -rf curl spool
serve --sessions "$small" --span 3 --seed 8 --recording-size 64K
records "$small"
round=0
while [ $round -lt "$rounds" ]; do
	round=$((round + 1))
	rm -rf curl
	mkdir curl
	timed curl -sS --no-progress-meter --parallel --parallel-max 8 --cacert site/ca.pem \
		-K auth -K list
	cp took curl.time
	fetch
	compare "$small of 64 KiB, 8 at a time"
	rm -rf curl
	mkdir curl
	timed sh -c 'curl -sS --no-progress-meter --parallel --parallel-max 8 --cacert site/ca.pem \
		-K auth -K list && sync -f curl'
	cp took curl.time
	compare "$small of 64 KiB, and synced"
done
