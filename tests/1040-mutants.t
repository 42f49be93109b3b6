#!/bin/sh
# praic-split: good input that was changed at random.  No crash, no hang, no
# exit code but those of the table, and no session that is another than
# before, unless it was changed.  PRAIC_SOAK: a million.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

drive=${bin}tests/tools/split-drive
many=20000
[ -z "${PRAIC_SOAK-}" ] || many=1000000

run 0 "$many changed reports" "$drive" mutate -n $many -s 1 -d . \
	"$data"/split/*.xml "$top"/tests/fuzz/corpus/*.xml
sed 's/^/# /' out

done_testing
