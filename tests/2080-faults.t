#!/bin/sh
# praic-split when memory runs out or a read or write fails: calls fail in turn, some of
# each kind (PRAIC_LONG=1: all).
# The exit code is right, and no end mark follows lost data.
# The dollars belong to nth.py.
# shellcheck disable=SC2016
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

case ${PRAIC_OUT-} in
*asan*) # a sanitizer must be the first library itself
	echo '1..0 # skip: faults are preloaded, which sanitizers do not allow'
	exit 0
	;;
esac

each() {
	name=$1 kind=$2
	shift 2
	run 0 "$name" python3 "$top/tests/tools/nth.py" --runs 60 "$kind" -- "$@"
	sed 's/^/# /' out
}
python3 "$top/tests/appliance" generate --sessions 12 >some.xml
each "no memory: 75" memory:ENOMEM:75 "$split" -H h some.xml
{ printf '\377\376'; iconv -f UTF-8 -t UTF-16LE "$data/split/values.xml"; } >utf16.xml
each "  reading UTF-16" memory:ENOMEM:75 "$split" -H h -k limits utf16.xml
each "reads that fail: 74" read:EIO:74 "$split" -H h some.xml
each "writes that fail: 74" write:ENOSPC:74 "$split" -H h some.xml

done_testing
