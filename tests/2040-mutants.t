#!/bin/sh
# praic-split with valid input that is changed at random: no crash, no hang, only the
# documented exit codes, and no change to sessions that were not changed.
# PRAIC_LONG: a million.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

drive=${bin}tests/tools/split-drive
many=20000
[ -z "${PRAIC_LONG-}" ] || many=1000000

run 0 "$many changed reports" "$drive" mutate -n $many -s 1 -d . \
	"$data"/split/*.xml "$top"/tests/fuzz/corpus/*.xml
sed 's/^/# /' out

done_testing
