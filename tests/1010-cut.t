#!/bin/sh
# praic-split: input that is cut, at every byte; input in pieces of any size;
# and what comes of a session's own XML.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

# drive VERB NAME PATTERN: the files of the tree, all in one process
drive() {
	# shellcheck disable=SC2086
	(cd "$top" && exec "${bin}tests/tools/split-drive" "$1" $3) >out 2>err
	check "$2" test $? -eq 0
}
seeds='tests/data/split/*.xml tests/fuzz/corpus/*.xml'

# Of each beginning: whole sessions only, 75, and the reader agrees.  Where
# nobody can tell that something is missing, behind the root of a plain
# document, the exit code is shown: those are the lines expected.
whole="crlf events forbidden markup order rs sysinfo"
drive cut "every beginning of every whole report" "$(for i in $whole; do
	echo "tests/data/split/$i.xml"
done) tests/fuzz/corpus/cdata.xml tests/fuzz/corpus/latin1-then-utf8.xml
	tests/fuzz/corpus/marked.xml tests/fuzz/corpus/people.xml"
golden "  is cut short, save those that look whole" split/cut.txt
# A framed stream tells at every byte that it was cut.
(cd "$top" && exec "${bin}tests/tools/split-drive" cut tests/fuzz/corpus/framed.xml \
	tests/fuzz/corpus/framed-twice.xml tests/fuzz/corpus/framed-bad.xml) >out 2>err
check "every beginning of framed streams" test $? -eq 0
# Between two whole streams nothing is missing.
grep -v "^tests/fuzz/corpus/framed-twice.xml, [0-9]* bytes: 0$" out >got
silent "  is cut short" got
check "  but between two streams" test "$(grep -c "bytes: 0" out)" -eq 2

drive pieces "the same bytes, whatever the reads" "$seeds"
silent "  all of them" out
drive check "each session's XML gives the same lines again" "$seeds"
silent "  all of them" out

# The program itself, at some bytes, through a pipe.
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
check "the program, cut through a pipe" test $bad -eq 0
python3 -c '
import sys, time
for i, b in enumerate(open(sys.argv[1], "rb").read()):
    sys.stdout.buffer.write(bytes([b])); sys.stdout.buffer.flush()
' "$1" | "$split" >out
same "the program, byte by byte through a pipe" "$data/split/pra.rec" out

# A reader that is gone ends it, in silence.
python3 "$top/tests/appliance" generate --bytes 2M >big.xml
{ "$split" -H h big.xml 2>err; echo $? >code; } | head -c 100 >/dev/null
check "a closed pipe" test "$(cat code)" -ne 0
silent "  no words"

done_testing
