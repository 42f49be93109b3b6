#!/bin/sh
# praic-tofs as a reader of record streams: complete sessions are stored, and the exit
# code reports the rest.
# On /dev/shm if it exists: the test makes a directory for each byte of a stream.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

export PYTHONPATH="$data/tofs"
python3 - >s.rec <<'EOF'
from records import *
with Report() as s:
    for i in range(3):
        s.session('%d' % i, body='\u00e4\t\\' * i)
EOF
f='%LSID%.%EXTENSION%'

cat >cut.py <<'EOF'
"""Truncate the stream at the bytes around each line end and at each third of the others
(PRAIC_LONG=1: at all): 75, and exactly the sessions with a complete E."""
import os
import shutil
import subprocess
whole = open('s.rec', 'rb').read()
ends = [i + 1 for i in range(len(whole)) if whole[i:i + 1] == b'\n'
        and whole[:i].rsplit(b'\n', 1)[-1].startswith(b'E\t')]
subprocess.run([os.environ['tofs'], '-d', 'd', '-f', '%LSID%.%EXTENSION%'],
               input=whole, check=True, stdout=subprocess.DEVNULL)
want = {n: open('d/' + n, 'rb').read() for n in os.listdir('d') if n[0] != '.'}
assert len(want) == 3
lines = [i for i in range(len(whole)) if whole[i:i + 1] == b'\n']
for cut in range(len(whole)) if os.environ.get('PRAIC_LONG') else sorted(
        {*range(0, len(whole), 3), *(i + d for i in lines for d in (0, 1, 2) if i + d < len(whole))}):
    shutil.rmtree('d')
    os.mkdir('d')
    p = subprocess.run([os.environ['tofs'], '-d', 'd', '-f', '%LSID%.%EXTENSION%'],
                       input=whole[:cut], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    got = sorted(n for n in os.listdir('d') if n[0] != '.')
    assert p.returncode == 75, (cut, p)
    assert got == ['%d.xml' % i for i in range(sum(e <= cut for e in ends))], (cut, got)
    assert p.stdout.decode().split() == got, (cut, p)
    assert p.stderr.count(b'\n') == 1, (cut, p)
    assert all(open('d/' + n, 'rb').read() == want[n] for n in got), cut
    assert not os.path.exists('d/.praic-tmp'), cut
EOF
mkdir d
check 'a truncated stream' python3 cut.py

# spoilt CODE NAME SCRIPT [NAMES]: sed damages the stream; sessions 0 and 2 are stored.
spoilt() {
	rm -rf d
	mkdir d
	sed "$3" s.rec >bad.rec
	run "$1" "$2" "$tofs" -d d -f "$f" bad.rec
	(cd d && echo ./*.xml) >now
	printf '%s\n' "${4-./0.xml ./2.xml}" >want
	same "$2: the stored files" want now
	check "$2: no temporary file is left" test ! -e d/.praic-tmp
}
n=$(grep -n '^S.*	1$' s.rec | cut -d : -f 1)
spoilt 65 'a wrong count of rows' "s/^E	1	2/E	1	3/"
spoilt 65 'a wrong count of bytes' "/^E	1/s/.$/x/"
spoilt 65 'another lsid' "s/^E	1/E	7/"
spoilt 65 'a session without an E line' "/^E	1/d;s/^Z	3/Z	2/"
spoilt 65 'a truncated X line' "$((n + 2))s/...\$//"
spoilt 65 'invalid UTF-8' "$((n + 2))s/body/\\xff/;$((n + 2))s/xmlns/\\xff/"
spoilt 65 'a bad escape' "$((n + 2))s/xmlns/\\\\q/"
spoilt 65 'no session row' "$((n + 3))d"
spoilt 65 'the writer left something out' 's/^Z	3	0/Z	3	1/' './0.xml ./1.xml ./2.xml'
spoilt 65 'a wrong count of sessions' 's/^Z	3/Z	4/' './0.xml ./1.xml ./2.xml'
spoilt 65 'an unknown line' "$((n + 1))s/^R/Q/" './0.xml'
spoilt 64 'another version' '1s/1$/2/' './*.xml'
spoilt 65 'no element' "$((n + 2))s/X	<session/X	 session/;"
spoilt 65 'another element' "$((n + 2))s/X	<session/X	<Session/;"
# shellcheck disable=SC2016
spoilt 65 'an undeclared prefix' "$((n + 2))s/X	<session/X	<q:session/;"'s/^\(E	1	2	\)\([0-9]*\)/echo "\1$((\2+2))"/e'
spoilt 65 'a start tag without an end' "$((n + 2))s/^X.*/X	<session/;"'s/^\(E	1	2	\).*/\18/'
spoilt 65 'a bad host' "${n},$((n + 4))s/access.example.com/ac cess?>/" './0.xml ./2.xml'
check 'that session is named' grep -q 'left out' err

rm -rf d
mkdir d
grep -v '^X' s.rec >nox.rec
run 64 'records without XML' "$tofs" -d d nox.rec
check 'one message' test "$(wc -l <err)" -eq 1
says 'says what to do' 'without -n'
sed "$((n + 2))d" s.rec >one.rec
run 64 'one session without XML' "$tofs" -d d -f "$f" one.rec
check 'the others are stored' test "$(wc -l <out)" -eq 2

# Sessions in progress, which began an hour ago.
now=$(date +%s)
ago() {
	date -u -d "@$((now - $1))" +%Y-%m-%dT%H:%M:%SZ
}
# began TIME: sessions that began at this time and have no end
began() {
	sed "/^R	session	/{s/2026-01-01T11:15:09Z/\\\\N/;s/2026-01-01T10:00:00Z/$1/;}" s.rec
}
began "$(ago 3600)" >open.rec
rm -rf d
mkdir d
run 0 'sessions in progress' "$tofs" -d d -f "$f" open.rec
silent 'are not stored, and no message is printed'
check 'none is stored' test ! -s out
run 0 'with -v' "$tofs" -d d -v -f "$f" open.rec
says 'counts them' '3 sessions in progress'
run 0 'with -p' "$tofs" -d d -p -f "$f" open.rec
check 'stores them' test "$(wc -l <out)" -eq 3
# Sessions that were closed abnormally never get an end time.
for since in $((7 * 86400 - 600)) 0 -86400; do
	rm -rf d
	mkdir d
	began "$(ago "$since")" >young.rec
	run 0 "begun $since seconds ago" "$tofs" -d d -f "$f" young.rec
	check 'are still in progress' test ! -s out
done
began '\\N' >young.rec
run 0 'without a start time' "$tofs" -d d -f "$f" young.rec
check 'are still in progress' test ! -s out
began "$(ago $((7 * 86400 + 60)))" >old.rec
run 0 'begun more than a week ago: abandoned' "$tofs" -d d -f "$f" old.rec
check 'are stored as they are' test "$(wc -l <out)" -eq 3
run 0 'again' "$tofs" -d d -f "$f" old.rec
check 'only once' test ! -s out
sed '0,/Session Start/s//Session End/' open.rec >end.rec
rm -rf d
mkdir d
run 0 'an event reports the end of a session' "$tofs" -d d -f "$f" end.rec
same 'it is stored' - out <<'EOF'
0.xml
EOF
sed 's/Session Start/Session Ended/' open.rec >end.rec
run 0 'another event type does not' "$tofs" -d d -f "$f" end.rec
check 'none is stored' test ! -s out

# Several streams, concatenated or in files; the worst exit code wins.
rm -rf d
mkdir d
cat s.rec s.rec open.rec >joined.rec
run 0 'concatenated streams' "$tofs" -d d -f "$f" joined.rec
check 'three sessions' test "$(wc -l <out)" -eq 3
# shellcheck disable=SC2016
run 75 'a truncated file and a complete one' sh -c 'head -c 300 s.rec >c.rec; "$tofs" -d d -f x/%LSID% c.rec s.rec'
check 'the complete one is stored' test "$(wc -l <out)" -eq 3
run 66 'a missing file and a complete one' "$tofs" -d d -f 'y/%LSID%' missing.rec s.rec
check 'the complete one is stored' test "$(wc -l <out)" -eq 3
pipe 0 '- for standard input' s.rec "$tofs" -d d -f 'z/%LSID%' -
cat >none.rec <<EOF
praic-records	1
H	session	host_name	lsid
Z	0	0
EOF
run 0 'an empty stream' "$tofs" -d d none.rec
silent 'prints no message'
# Tables and columns of other versions.
sed 's/^H	session	host_name	lsid	type/H	session	host_name	lsid	kind_of/;/^H	session_event/i\
H	new_table	a' s.rec >other.rec
rm -rf d
mkdir d
run 0 'missing columns' "$tofs" -d d -f '%SESSION_TYPE%-%LSID%.xml' other.rec
head -n 1 out >first
same 'are empty' - first <<'EOF'
_-0~b83c9c0a1420.xml
EOF
# An lsid that is too long for the ledger.
python3 - >long.rec <<'EOF'
from records import *
with Report() as s:
    s.session('l' * 4097)
    s.session('1')
EOF
run 65 'an lsid of 4097 bytes' "$tofs" -d d -f "$f" long.rec
same 'the other is stored' - out <<'EOF'
1.xml
EOF
done_testing
