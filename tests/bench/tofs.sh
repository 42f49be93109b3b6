#!/bin/sh
# Speed and peak memory of praic-tofs with small sessions, compared with a tar that
# syncs as often (untar.c).
#
#	tests/bench/tofs.sh [SESSIONS [DIRECTORY]]	100000 below /var/tmp
set -eu
sessions=${1-100000}
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${2-/var/tmp}/praic-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
tofs=$top/tofs/praic-tofs
cc -O2 -o "$work/untar" "$top/tests/bench/untar.c"
cd "$work"
mkdir same tar store

python3 "$top/tests/data/tofs/records.py" "$sessions" 2000 >sessions.rec
"$tofs" -d same sessions.rec >names
(cd same && tar --format=ustar -cf ../same.tar -T ../names)

# measure NAME COMMAND...: run the command and print a line
measure() {
	name=$1
	shift
	sync
	cat sessions.rec same.tar >/dev/null
	/usr/bin/time -o time -f '%e %M' "$@" >/dev/null 2>&1
	awk -v name="$name" -v n="$sessions" -v base="${base-}" '{
		rate = n / ($1 > 0 ? $1 : 0.01)
		printf "%-28s %8.2f s %9.0f files/s %8d KiB", name, $1, rate, $2
		if (base != "") printf "   %.2f of tar", rate / base
		printf "\n"
		print rate >"rate"
	}' time
}
echo "$sessions sessions, $(wc -c <sessions.rec) bytes of records, in $work"
measure 'tar, an fsync each' sh -c 'cd tar && ../untar <../same.tar'
base=$(cat rate)
measure 'praic-tofs' "$tofs" -d store sessions.rec
measure 'praic-tofs, all there' "$tofs" -d store sessions.rec
measure 'praic-tofs --verify' "$tofs" --verify -d store
