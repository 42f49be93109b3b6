#!/bin/sh
# praic-split: the source and the values of each column, as praic-records(5) describes
# them in "Tables" and "Values".  A case is tests/data/split/NAME.xml with the expected
# stream, NAME.rec, and the expected messages, NAME.err, if there are any.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

# case_of CODE NAME WHAT OPTION...
case_of() {
	code=$1 name=$2 what=$3
	shift 3
	(cd "$data/split" && "$split" "$@" "$name.xml") >out 2>err </dev/null
	got=$?
	if [ "$got" -eq "$code" ]; then
		pass "$what: exit $code"
	else
		fail "$what: exit $got instead of $code" err
	fi
	golden "$what: the stream" "split/$name.rec" out
	if [ -e "$data/split/$name.err" ] || [ -n "${PRAIC_GOLDEN-}" ] && [ -s err ]; then
		golden "$what: the messages" "split/$name.err" err
	else
		silent "$what: no message" err
	fi
}

case_of 0 pra "Privileged Remote Access"
case_of 0 rs "Remote Support" -H help.example.org
case_of 0 order "elements in any order" -H def.example
case_of 65 names "namespaces, prefixes, none" -H def.example
case_of 65 values "absent, empty, -1, limits" -H def.example
case_of 0 events "events and their data" -H def.example
case_of 0 sysinfo "system information" -H def.example
case_of 0 markup "CDATA, entities, comments, instructions" -H def.example
case_of 0 crlf "CRLF" -H def.example
case_of 0 forbidden "forbidden bytes and characters" -H def.example
case_of 65 errors "errors, and other reports" -H def.example

done_testing
