#!/bin/sh
# Each fuzz target on its seeds and on changed ones, for a moment; make fuzz
# runs them in earnest.  PRAIC_LONG=1: a million.

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

many=20000
[ "${PRAIC_LONG-}" != 1 ] || many=1000000
for i in records connstr times settings fetch-answer fetch-token tofs-name; do
	case $i in
	records) set -- "$data"/split/*.rec ;;
	*) set -- "$top"/tests/fuzz/seeds/"$i"/* ;;
	esac
	n=$many
	[ $i != records ] || n=$((many / 10))	# each goes through two files
	run 0 "$i: $n changed inputs" "${bin}tests/fuzz/run-$i" -n $n -s 7 -k crash "$@"
	check "  none was deadly" test ! -e crash
	[ ! -e crash ] || od -c crash | sed 's/^/# /' | head -n 40
	rm -f crash
done
done_testing
