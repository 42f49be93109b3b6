#!/bin/sh
# What no program can be made to show: hosts, times, numbers, characters.
. "$(dirname "$0")/lib.sh"

run 0 "the units of common/" "${bin}tests/tools/units"
silent "they say nothing"

# The programs' manners, alike in all of them.
for program in "$fetch" "$split" "$tosql" "$tofs"; do
	who=${program##*/}
	run 0 "$who --version" "$program" --version
	check "$who tells the version of the tree" grep -qx "$who $(cat "$top/VERSION")" out
	run 0 "$who --help" "$program" --help
	check "$who --help goes to standard output" test -s out
	silent "$who --help says nothing else"
	run 64 "$who with an option that is none" "$program" --no-such-option
	check "$who then writes nothing to standard output" test ! -s out
done

# Standard output that takes nothing is an error, never a success.
if [ -e /dev/full ]; then
	for program in "$fetch" "$split" "$tosql" "$tofs"; do
		"$program" --help >/dev/full 2>err
		got=$?
		if [ "$got" -eq 74 ]; then
			pass "${program##*/} --help on a full device"
		else
			fail "${program##*/} --help on a full device: exit $got" err
		fi
	done
fi
done_testing
