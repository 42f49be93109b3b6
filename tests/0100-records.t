#!/bin/sh
# The reader of record streams: each rule of praic-records(5) is checked by the events
# that the reader reports for a stream and by its exit code.
. "$(dirname "$0")/lib.sh"

head='praic-records\t1\nH\tsession\thost_name\tlsid\nH\tteam\tteam_id\tname\tis_primary\n'
a='S\th\ta\nR\tsession\th\ta\nE\ta\t1\t0\n'
b='S\th\tb\nR\tsession\th\tb\nE\tb\t1\t0\n'

# events CODE NAME STREAM EVENTS: check the exit code and the names of the events.
events() {
	# shellcheck disable=SC2059
	printf "$3" >in
	"$rec_events" <in >out 2>err
	got=$?
	sed -n 's/ .*//; /^complete/!p' out | tr '\n' ' ' >got
	printf '%s ' "$4" | sed 's/  *$/ /' >want
	if [ "$got" -ne "$1" ]; then
		fail "$2: exit $got instead of $1" err out
	elif [ "$got" -ne 0 ] && [ ! -s err ]; then
		fail "$2: exit $got without a message" out
	else
		same "$2" want got
	fi
}
# bad NAME SESSION: a bad session is dropped, the next one is committed
bad() {
	events 65 "$1" "$head$2${b}Z\t2\t0\n" "tables begin ${3-}drop begin row commit end eof"
}

events 0 "two sessions" "$head$a${b}Z\t2\t0\n" \
	"tables begin row commit begin row commit end eof"
events 0 "an empty stream" "${head}Z\t0\t0\n" "tables end eof"
events 0 "two streams" "$head${a}Z\t1\t0\n$head${b}Z\t1\t0\n" \
	"tables begin row commit end tables begin row commit end eof"
events 0 "XML with the right count of bytes" "${head}S\th\ta\nX\t<\\\\n/>\nR\tsession\th\ta\nE\ta\t1\t4\nZ\t1\t0\n" \
	"tables begin xml row commit end eof"
events 0 "no XML, whatever the count of bytes" "${head}S\th\ta\nR\tsession\th\ta\nE\ta\t1\t4711\nZ\t1\t0\n" \
	"tables begin row commit end eof"
events 0 "a table of a later version" \
	"${head}H\tnew\tx\ty\nS\th\ta\nR\tnew\t1\t2\nR\tsession\th\ta\nE\ta\t2\t0\nZ\t1\t0\n" \
	"tables begin row commit end eof"

bad "a wrong count of rows" 'S\th\ta\nR\tsession\th\ta\nE\ta\t2\t0\n' 'row '
bad "a wrong count of XML bytes" 'S\th\ta\nX\t<a/>\nR\tsession\th\ta\nE\ta\t1\t5\n' 'xml row '
bad "a row with too few values" 'S\th\ta\nR\tsession\th\nE\ta\t1\t0\n'
bad "a row with too many values" 'S\th\ta\nR\tsession\th\ta\tx\nE\ta\t1\t0\n'
bad "a row of an unknown table" 'S\th\ta\nR\tnothing\t1\nR\tsession\th\ta\nE\ta\t2\t0\n'
bad "a bad escape" 'S\th\ta\nR\tteam\t1\ta\\qb\t0\nR\tsession\th\ta\nE\ta\t2\t0\n'
bad "a truncated escape" 'S\th\ta\nR\tteam\t1\ta\\\t0\nR\tsession\th\ta\nE\ta\t2\t0\n'
bad "invalid UTF-8" 'S\th\ta\nR\tteam\t1\t\377\t0\nR\tsession\th\ta\nE\ta\t2\t0\n'
for c in '\000' '\001' '\010' '\013' '\014' '\016' '\033' '\037' '\357\277\276' '\357\277\277'; do
	bad "a character that XML forbids ($c)" \
		"S\th\ta\nR\tteam\t1\twith some text before it $c and behind\t0\nR\tsession\th\ta\nE\ta\t2\t0\n"
	says "is reported" "a character that XML forbids"
	bad "in X ($c)" "S\th\ta\nX\t<a>$c</a>\nR\tsession\th\ta\nE\ta\t1\t8\n"
	events 65 "in S ($c)" "${head}S\th\ta$c\nR\tsession\th\ta$c\nE\ta$c\t1\t0\n${b}Z\t2\t0\n" \
		"tables begin drop begin row commit end eof"
done
for c in '\177' '\302\200' '\357\277\275' '\357\276\277' '\360\237\277\276' '\364\217\277\277' '\r'; do
	events 0 "an allowed character ($c)" \
		"${head}S\th\ta\nR\tteam\t1\t$c\t0\nR\tsession\th\ta\nE\ta\t2\t0\nZ\t1\t0\n" \
		"tables begin row row commit end eof"
done
bad "no number" 'S\th\ta\nR\tteam\tx\ta\t0\nR\tsession\th\ta\nE\ta\t2\t0\n'
bad "no truth" 'S\th\ta\nR\tteam\t1\ta\t2\nR\tsession\th\ta\nE\ta\t2\t0\n'
bad "E of another session" 'S\th\ta\nR\tsession\th\ta\nE\tb\t1\t0\n' 'row '
bad "no session row" 'S\th\ta\nR\tteam\t1\ta\t0\nE\ta\t1\t0\n' 'row '
bad "two session rows" 'S\th\ta\nR\tsession\th\ta\nR\tsession\th\ta\nE\ta\t2\t0\n' 'row '
bad "a session row with another key" 'S\th\ta\nR\tsession\th\tx\nE\ta\t1\t0\n'
bad "a TAB within XML" 'S\th\ta\nX\t<a\tb/>\nR\tsession\th\ta\nE\ta\t1\t6\n'
events 65 "bad rows of a later version's table" \
	"${head}H\tnew\tx\ty\nS\th\ta\nR\tnew\t1\nR\tsession\th\ta\nE\ta\t2\t0\nS\th\tb\nR\tnew\t1\t\\\\q\nR\tsession\th\tb\nE\tb\t2\t0\nZ\t2\t0\n" \
	"tables begin drop begin drop end eof"
events 65 "a bad escape in a column of a later version" \
	"praic-records\t1\nH\tsession\thost_name\tlsid\tnew\nS\th\ta\nR\tsession\th\ta\t\\\\q\nE\ta\t1\t0\nZ\t1\t0\n" \
	"tables begin drop end eof"

events 65 "a session that the writer gave up" "${head}S\th\ta\n${b}Z\t1\t1\n" \
	"tables begin drop begin row commit end eof"
events 65 "the last one given up" "${head}${a}S\th\tb\nZ\t1\t1\n" \
	"tables begin row commit begin drop end eof"
events 65 "sessions that the writer left out" "$head${a}Z\t1\t2\n" "tables begin row commit end eof"
events 65 "another count of sessions" "$head${a}Z\t2\t0\n" "tables begin row commit end eof"
events 65 "a line that is none" "$head${a}what\n${b}Z\t2\t0\n" "tables begin row commit eof"
says "and says where" "line 7" err
events 65 "a line that is none, within a session" "$head${a}S\th\tb\nwhat\n" \
	"tables begin row commit begin drop eof"
events 65 "a row outside of a session" "${head}R\tsession\th\ta\nZ\t0\t0\n" "eof"
events 65 "an H line behind a session" "$head${a}H\tx\ty\n${b}Z\t2\t0\n" \
	"tables begin row commit eof"
events 65 "a table declared twice" "${head}H\tteam\tname\nZ\t0\t0\n" "eof"
events 65 "something behind the last stream" "$head${a}Z\t1\t0\nmore\n" \
	"tables begin row commit end eof"

events 75 "no input" "" "eof"
events 75 "a new stream before the end mark" "$head$a$head${b}Z\t1\t0\n" \
	"tables begin row commit tables begin row commit end eof"
events 75 "a new stream within a session" "$head${a}S\th\tb\n$head${b}Z\t1\t0\n" \
	"tables begin row commit begin drop tables begin row commit end eof"
events 75 "an end mark without its LF" "$head${a}Z\t1\t0" "tables begin row commit eof"
events 64 "another version" "praic-records\t2\nZ\t0\t0\n" "eof"
events 64 "another version after a complete stream" "$head${a}Z\t1\t0\npraic-records\t2\n" \
	"tables begin row commit end eof"
events 64 "XML" "<?xml version=\"1.0\"?>\n<session_list/>\n" "eof"
says "the message names praic-split" "praic-split" err
events 64 "lines ended by CR LF" "praic-records\t1\r\n" "eof"
says "the message says so" "CR LF" err

# Limits.
python3 - <<'END'
h = 'praic-records\t1\nH\tsession\thost_name\tlsid\nH\tteam\tteam_id\tname\tis_primary\n'
b = 'S\th\tb\nR\tsession\th\tb\nE\tb\t1\t0\nZ\t2\t0\n'
def session(x, rows=1, n=0): return 'S\th\ta\n' + x + 'R\tsession\th\ta\nE\ta\t%d\t%d\n' % (rows, n)
open('x-ok', 'w').write(h + session('X\t' + 'x' * 32765 + '\n', 1, 32765) + b)
open('x-long', 'w').write(h + session('X\t' + 'x' * 32766 + '\n', 1, 32766) + b)
m = 64 << 20
row = 'R\tteam\t1\t%s\t0\n'
open('r-ok', 'w').write(h + session(row % ('y' * (m - len(row % ''))), 2) + b)
open('r-long', 'w').write(h + session(row % ('y' * (m - len(row % '') + 1)), 2) + b)
open('many-h', 'w').write('praic-records\t1\n' + ''.join('H\tt%d\tc\n' % i for i in range(100000)) + 'Z\t0\t0\n')
END
pipe 0 "an X line of 32768 bytes" x-ok "$rec_events"
pipe 65 "an X line of 32769 bytes" x-long "$rec_events"
pipe 0 "a row of 64 MiB" r-ok "$rec_events"
pipe 65 "a row of 64 MiB and one byte" r-long "$rec_events"
grep -c commit out >got
echo 1 >want
same "the next session is kept" want got
pipe 65 "too many H lines" many-h "$rec_events"

# A stream truncated at every byte: exit code 75, and complete sessions only.
# shellcheck disable=SC2059
printf "${head}S\th\ta\nR\tteam\t1\tx\\\\ty\t\\\\N\nX\t<\303\244/>\nR\tsession\th\ta\nE\ta\t2\t5\n${b}Z\t2\t0\n" >whole
pipe 0 "the whole stream" whole "$rec_events"
python3 - "$rec_events" >cuts <<'END'
import subprocess, sys
whole = open('whole', 'rb').read()
ends = [i + 1 for i in range(len(whole)) if whole[:i + 1].endswith((b'\nE\ta\t2\t5\n', b'\nE\tb\t1\t0\n'))]
for n in range(len(whole)):
    p = subprocess.run([sys.argv[1]], input=whole[:n], capture_output=True)
    commits = p.stdout.count(b'\ncommit')
    if p.returncode != 75 or commits != sum(e <= n for e in ends):
        print('cut at', n, 'exit', p.returncode, 'commits', commits)
END
: >want
same "a stream truncated at every byte" want cuts

# shellcheck disable=SC2059
printf "$head$a${b}Z\t2\t0\n" >in
pipe 65 "a session that the caller leaves out" in "$rec_events" a
grep -c '^commit' out >got
echo 1 >want
same "the other is kept" want got
done_testing
