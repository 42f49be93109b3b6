#!/bin/sh
# Each fuzz target with its seeds and some mutations of them; make fuzz runs them
# longer.  PRAIC_LONG=1: a million mutations.

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

many=20000
[ "${PRAIC_LONG-}" != 1 ] || many=1000000
for i in split records connstr times settings fetch-answer fetch-token tofs-name; do
	case $i in
	split) set -- "$top"/tests/fuzz/corpus/*.xml "$data"/split/*.xml ;;
	records) set -- "$data"/split/*.rec ;;
	*) set -- "$top"/tests/fuzz/seeds/"$i"/* ;;
	esac
	n=$many
	case $i in split | records) n=$((many / 10)) ;; esac	# each reads and writes streams
	run 0 "$i: $n mutated inputs" "${bin}tests/fuzz/run-$i" -n $n -s 7 -k crash "$@"
	check "  no crash" test ! -e crash
	[ ! -e crash ] || od -c crash | sed 's/^/# /' | head -n 40
	rm -f crash
done
done_testing
