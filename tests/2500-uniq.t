#!/bin/sh
# praic-uniq writes each session once and keeps the rules of praic-records(5).

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

head='praic-records\t1\nH\tsession\thost_name\tlsid\nH\tteam\tteam_id\tname\tis_primary\n'
a='S\th\ta\nR\tteam\t1\tx\t0\nX\t<a>\\n</a>\nR\tsession\th\ta\nE\ta\t2\t8\n'
b='S\th\tb\nR\tsession\th\tb\nE\tb\t1\t0\n'
# uniq CODE NAME INPUT OUTPUT: input and output are formats of printf(1)
uniq() {
	# shellcheck disable=SC2059
	printf "$3" >in
	# shellcheck disable=SC2059
	printf "$4" >want
	pipe "$1" "$2" in "$uniq"
	same "  the output" want out
}
uniq 0 "an empty stream" "${head}Z\t0\t0\n" "${head}Z\t0\t0\n"
uniq 0 "a session twice" "$head$a$b${a}Z\t3\t0\n" "$head$a${b}Z\t2\t0\n"
silent "  no message"
uniq 0 "twice in two streams" "$head${a}Z\t1\t0\n$head$b${a}Z\t2\t0\n" "$head$a${b}Z\t2\t0\n"
# Each of these differs from session a in one place.
for other in 'S\tg\ta\nR\tteam\t1\tx\t0\nX\t<a>\\n</a>\nR\tsession\tg\ta\nE\ta\t2\t8\n' \
	'S\th\ta\nR\tteam\t1\ty\t0\nX\t<a>\\n</a>\nR\tsession\th\ta\nE\ta\t2\t8\n' \
	'S\th\ta\nR\tteam\t1\t\\N\t0\nX\t<a>\\n</a>\nR\tsession\th\ta\nE\ta\t2\t8\n' \
	'S\th\ta\nR\tteam\t1\tx\t0\nX\t<a>\\t</a>\nR\tsession\th\ta\nE\ta\t2\t8\n' \
	'S\th\ta\nR\tteam\t1\tx\t0\nR\tteam\t1\tx\t0\nX\t<a>\\n</a>\nR\tsession\th\ta\nE\ta\t3\t8\n' \
	'S\th\ta\nX\t<a>\\n</a>\nR\tsession\th\ta\nR\tteam\t1\tx\t0\nE\ta\t2\t8\n' \
	'S\th\ta\nR\tteam\t1\tx\t0\nR\tsession\th\ta\nE\ta\t2\t0\n'; do
	uniq 0 "the same session with other content" "$head$a${other}Z\t2\t0\n" "$head$a${other}Z\t2\t0\n"
done

h2='praic-records\t1\nH\tsession\tlsid\thost_name\tnew\nH\tlater\tc\n'
c='S\th\tc\nR\tlater\tv\nR\tsession\tc\th\tn\nE\tc\t2\t0\n'
uniq 0 "tables and columns of a later version" "$h2$c${c}Z\t2\t0\n" "$h2${c}Z\t1\t0\n"
uniq 0 "after a stream with fewer tables" "$head${a}Z\t1\t0\n$h2${c}Z\t1\t0\n" "$head${a}Z\t1\t0\n$h2${c}Z\t1\t0\n"
uniq 0 "a row of an unknown table is content" \
	"$h2${c}S\th\tc\nR\tlater\tw\nR\tsession\tc\th\tn\nE\tc\t2\t0\nZ\t2\t0\n" \
	"$h2${c}S\th\tc\nR\tlater\tw\nR\tsession\tc\th\tn\nE\tc\t2\t0\nZ\t2\t0\n"
files='praic-records\t1\nH\tsession\thost_name\tlsid\nH\tfile\tkind\tinstance\tname\n'
f='S\th\ta\nR\tfile\tshell\t1\tx\nR\tfile\tshell\t2\ty\nR\tsession\th\ta\nE\ta\t3\t0\n'
uniq 0 "a stream of files" "$files$f${f}Z\t2\t0\n" "$files${f}Z\t1\t0\n"

# The rules for readers of record streams.
uniq 65 "a writer that left something out" "$head${a}Z\t1\t2\n" "$head${a}Z\t1\t2\n"
uniq 65 "the same in one of two streams" "$head${a}Z\t1\t2\n$head${b}Z\t1\t1\n" "$head$a${b}Z\t2\t3\n"
uniq 65 "the same in one of two streams with different tables" "$head${a}Z\t1\t2\n$h2${c}Z\t1\t0\n" \
	"$head${a}Z\t1\t2\n$h2${c}Z\t1\t0\n"
uniq 65 "a wrong count of sessions" "$head${a}Z\t2\t0\n" "$head${a}Z\t1\t1\n"
uniq 65 "an unknown line" "$head${a}what\n$b" "$head${a}Z\t1\t1\n"
bad() {
	uniq 65 "$1" "$head$a$2${b}Z\t3\t0\n" "$head$a${b}Z\t2\t1\n"
}
bad "a count of rows that differs" 'S\th\td\nR\tsession\th\td\nE\td\t2\t0\n'
bad "a count of bytes that differs" 'S\th\td\nX\t<d/>\nR\tsession\th\td\nE\td\t1\t5\n'
bad "a row with a wrong number of fields" 'S\th\td\nR\tteam\t1\nR\tsession\th\td\nE\td\t2\t0\n'
bad "a row of an unknown table" 'S\th\td\nR\tnone\t1\nR\tsession\th\td\nE\td\t2\t0\n'
bad "a bad escape" 'S\th\td\nR\tteam\t1\ta\\qb\t0\nR\tsession\th\td\nE\td\t2\t0\n'
bad "a bad escape within XML" 'S\th\td\nX\t<d\\q/>\nR\tsession\th\td\nE\td\t1\t6\n'
bad "invalid UTF-8" 'S\th\td\nR\tteam\t1\t\377\t0\nR\tsession\th\td\nE\td\t2\t0\n'
bad "E of another session" 'S\th\td\nR\tsession\th\td\nE\te\t1\t0\n'
bad "no session row" 'S\th\td\nR\tteam\t1\tx\t0\nE\td\t1\t0\n'
uniq 65 "a damaged copy before a good one" \
	"${head}S\th\tb\nR\tsession\th\tb\nE\tb\t7\t0\n${b}Z\t2\t0\n" "$head${b}Z\t1\t1\n"
uniq 75 "no input" "" ""
uniq 75 "no end mark" "$head$a$b" "$head$a$b"
uniq 75 "a stream truncated within a session" "$head${a}S\th\tb\nR\tses" "$head$a"
uniq 75 "an end mark without its LF" "$head${a}Z\t1\t0" "$head$a"
uniq 75 "a new stream before the end mark" "$head${a}$head${b}Z\t1\t0\n" "$head$a$b"
uniq 75 "a stream with other tables before the end mark" "$head${a}$h2${c}Z\t1\t0\n" "$head$a$h2$c"
uniq 75 "truncated, and with something left out" "$head${a}Z\t1\t2\n$head$b" "$head$a$b"
uniq 64 "XML" "<session_list/>" ""
uniq 64 "another version" "praic-records\t2\n" ""
# shellcheck disable=SC2059
printf "$head${a}Z\t1\t0\n" >a.rec
run 66 "a missing file does not stop the others" "$uniq" nowhere a.rec
check "  no end mark is written" sh -c '! grep -q "^Z" out && grep -q "^E	a" out'
pipe 0 "files and standard input, in order" a.rec "$uniq" a.rec - -- a.rec
same "  each session once" a.rec out
run 64 "--forget without STATE" "$uniq" --forget 1d a.rec

# shellcheck disable=SC2059
printf "$head$a$b${a}Z\t3\t0\n" >whole
python3 - "$uniq" >cuts <<'END'
import subprocess, sys
whole = open('whole', 'rb').read()
ends = [i + 1 for i in range(len(whole)) if whole[:i + 1].endswith((b'\nE\ta\t2\t8\n', b'\nE\tb\t1\t0\n'))][:2]
for n in range(len(whole)):
    p = subprocess.run([sys.argv[1]], input=whole[:n], capture_output=True)
    e = p.stdout.count(b'\nE\t')
    if p.returncode != 75 or e != sum(i <= n for i in ends) or b'\nZ\t' in p.stdout:
        print('cut at', n, 'exit', p.returncode, 'sessions', e)
END
: >want
same "a stream truncated at every byte" want cuts

# A report, and sessions around the size that is kept in memory.
python3 "$top/tests/appliance" generate --sessions 30 --seed 3 --marks h.example >some.xml
"$split" some.xml >some.rec
run 0 "a report, twice" "$uniq" some.rec some.rec
same "  each session once" some.rec out
many=400000
case ${PRAIC_OUT-} in *asan*) many=20000 ;; esac	# memory is not measured
python3 - $many <<'END'
import sys
m = 8 << 20
def session(lsid, row, tail=''):
    return 'S\th\t%s\nR\tteam\t1\t%s\t0\n%sR\tsession\th\t%s\nE\t%s\t2\t%d\n' % (
        lsid, row, ''.join('X\t' + x + '\n' for x in tail), lsid, lsid, sum(map(len, tail)))
xml = ['x' * 32000] * 400       # 13 MB
s = [session('a', 'y' * 100), session('b', 'y' * (m + 10)), session('c', 'y' * (m // 2), xml),
     session('b', 'y' * (m + 9) + 'z'), session('d', 'z'), session('e', 'y' * (m - 60)), session('f', 'y' * (20 << 20), xml)]
head = 'praic-records\t1\nH\tsession\thost_name\tlsid\nH\tteam\tteam_id\tname\tis_primary\n'
other = session('c', 'y' * (m // 2), xml[:-1] + ['x' * 31999 + 'w'])
open('once', 'w').write(head + ''.join(s) + other + 'Z\t8\t0\n')
open('twice', 'w').write(head + ''.join(x + x for x in s) + other + ''.join(reversed(s)) + 'Z\t22\t0\n')
n = int(sys.argv[1])
open('many', 'w').write(head + ''.join(
    'S\th\t%d\nR\tsession\th\t%d\nE\t%d\t1\t0\n' % (i // 2, i // 2, i // 2) for i in range(2 * n)) + 'Z\t%d\t0\n' % (2 * n))
open('long', 'w').write(head + session('c', 'y', xml * 2) * 2 + 'Z\t2\t0\n')
END
run 0 "sessions larger than the buffer in memory" "$uniq" twice
same "  each once" once out
check "  nothing is left in TMPDIR" sh -c 'test -z "$(ls -A "$TMPDIR")"'
run 73 "a TMPDIR that does not exist" env TMPDIR=/nowhere "$uniq" twice
says "  is reported" "temporary file in /nowhere"
run 0 "a session of 26 MB" "${bin}tests/tools/measure" cost "$uniq" long
if [ -z "${PRAIC_OUT-}" ]; then	# not under sanitizers
	# 8 MiB of the session, and the libraries, which have 8 MiB on Debian 13
	check "  takes 20 MiB, $(cut -d ' ' -f 1 cost) KiB" test "$(cut -d ' ' -f 1 cost)" -le 20480
fi
run 0 "$many sessions, twice" "${bin}tests/tools/measure" cost "$uniq" many
check "  gives $many sessions" test "$(grep -c '^E' out)" -eq $many
check "  none of them twice" test "$(grep '^E' out | sort -u | wc -l)" -eq $many
if [ -z "${PRAIC_OUT-}" ]; then
	check "  take 24 MiB, $(cut -d ' ' -f 1 cost) KiB" test "$(cut -d ' ' -f 1 cost)" -le 24576
fi
done_testing
