#!/bin/sh
# praic-split: input truncated at every byte, input in pieces of any size, and the
# XML of each session as input.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

# drive VERB NAME PATTERN: run praic-split in one process on these files
drive() {
	# shellcheck disable=SC2086
	(cd "$top" && exec "${bin}tests/tools/split-drive" "$1" $3) >out 2>err
	check "$2" test $? -eq 0
}
seeds='tests/data/split/*.xml tests/fuzz/corpus/*.xml'

# Each truncated input must give complete sessions only and exit code 75.  After the
# root of a plain document truncation cannot be detected; the tool prints these cases,
# and they are the expected lines.
whole="crlf events forbidden markup order rs sysinfo"
drive cut "every beginning of every whole report" "$(for i in $whole; do
	echo "tests/data/split/$i.xml"
done) tests/fuzz/corpus/cdata.xml tests/fuzz/corpus/latin1-then-utf8.xml
	tests/fuzz/corpus/marked.xml tests/fuzz/corpus/people.xml tests/fuzz/corpus/bom.xml
	tests/fuzz/corpus/utf16-half.xml"
golden "  exits with 75, except those that look complete" split/cut.txt
# The name and attributes of a tag that is cut mean nothing.
for xml in '<session lsid="a"><lse' '<session lsid="a"><lseq x' '<session ' '<x' '<session lsid="a"/'; do
	printf '<session_list>%s' "$xml" | "$split" -H h --left-out list >out 2>err
	check "a cut tag: $xml" test "$(wc -l <err)" -eq 1
	says "  is no other fault" "the input ends here, in the middle of"
	silent "  and in no list" list
done
# With frames, truncation is detected at every byte.
(cd "$top" && exec "${bin}tests/tools/split-drive" cut tests/fuzz/corpus/framed.xml \
	tests/fuzz/corpus/framed-twice.xml tests/fuzz/corpus/framed-bad.xml) >out 2>err
check "every beginning of framed streams" test $? -eq 0
# Only a truncation between two complete streams cannot be detected.
grep -v "^tests/fuzz/corpus/framed-twice.xml, [0-9]* bytes: 0$" out >got
silent "  exits with 75" got
check "  except between two streams" test "$(grep -c "bytes: 0" out)" -eq 2

drive pieces "the same output for reads of any size" "$seeds"
silent "  for all files" out
drive check "the XML of each session gives the same records" "$seeds"
silent "  for all files" out

# The program itself, with truncated input from a pipe.
set -- "$data/split/pra.xml"
size=$(wc -c <"$1")
bad=0
n=1
while [ $n -lt "$size" ]; do
	head -c $n "$1" | "$split" >out 2>err
	[ $? -eq 75 ] || bad=$((bad + 1))
	"$rec_events" <out >events 2>/dev/null
	[ $? -eq 75 ] || bad=$((bad + 1))
	n=$((n + 151))
done
check "truncated input from a pipe" test $bad -eq 0
python3 -c '
import sys, time
for i, b in enumerate(open(sys.argv[1], "rb").read()):
    sys.stdout.buffer.write(bytes([b])); sys.stdout.buffer.flush()
' "$1" | "$split" >out
same "single bytes from a pipe" "$data/split/pra.rec" out

# A closed pipe ends the program without a message.
python3 "$top/tests/appliance" generate --bytes 2M >big.xml
{ "$split" -H h big.xml 2>err; echo $? >code; } | head -c 100 >/dev/null
check "a closed pipe" test "$(cat code)" -ne 0
silent "  no message"

done_testing
