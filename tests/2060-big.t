#!/bin/sh
# praic-split reads input of any size in 16 MiB of memory.  PRAIC_LONG:
# a gigabyte, and a session of 400 MB.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

measure=${bin}tests/tools/measure
bytes=30M session=60
[ -z "${PRAIC_LONG-}" ] || bytes=1G session=400

# big NAME OPTION...: check that 16 MiB are enough, from standard input
big() {
	what=$1
	shift
	python3 "$top/tests/appliance" generate --seed 5 "$@" >truth.xml
	pipe 0 "$what" truth.xml "$measure" cost "$split" -H h.example
	case $PRAIC_OUT in
	*asan*) ;;
	*)
		kib=$(cut -d ' ' -f 1 cost)
		check "  in $kib KiB, less than 16 MiB" test "$kib" -lt 16384
		;;
	esac
	check "  all of its sessions are written" test "$(grep -c '^E' out)" -eq "$(grep -c '^<session lsid' truth.xml)"
}

case $PRAIC_OUT in
*asan*) big "a report" --bytes 20M ;;
*)	big "a report of $bytes" --bytes "$bytes"
	big "a session of $session MB" --one-session "${session}M" --sessions 2 ;;
esac
rm -f truth.xml out

done_testing
