#!/bin/sh
# Functions of common/ that are hard to reach through the programs (hosts, times,
# numbers, characters), and options that all programs share.
. "$(dirname "$0")/lib.sh"

run 0 "the units of common/" "${bin}tests/tools/units"
silent "they print nothing"

# Options and errors that are alike in all programs.
for program in "$fetch" "$split" "$tosql" "$tofs"; do
	who=${program##*/}
	run 0 "$who --version" "$program" --version
	check "$who prints the version of the tree" grep -qx "$who $(cat "$top/VERSION")" out
	run 0 "$who --help" "$program" --help
	check "$who --help goes to standard output" test -s out
	silent "$who --help writes nothing to standard error"
	run 64 "$who with an unknown option" "$program" --no-such-option
	check "$who then writes nothing to standard output" test ! -s out
done

# A full device as standard output is an error.
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
