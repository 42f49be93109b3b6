#!/bin/sh
# praic-split: good input that was changed at random.  No crash, no hang, no
# exit code but those of the table, and no session that is another than
# before, unless it was changed.  PRAIC_SOAK is how many; make fuzz has more.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

drive=${bin}tests/tools/split-drive

run 0 "${PRAIC_SOAK:-20000} changed reports" "$drive" mutate -n "${PRAIC_SOAK:-20000}" -s 1 -d . \
	"$data"/split/*.xml "$top"/tests/fuzz/corpus/*.xml
sed 's/^/# /' out

done_testing
