#!/bin/sh
# praic-tofs as a reader of record streams: what is complete is stored, the
# exit code tells of the rest.
# In memory, if that can be had: a directory for each byte of a stream.
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
"""Every cut of the stream: 75, and exactly the sessions whose E is whole."""
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
for cut in range(len(whole)):
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
check 'a stream cut at every byte' python3 cut.py

# spoilt CODE NAME SCRIPT: sed makes the stream worse; sessions 0 and 2 stay.
spoilt() {
	rm -rf d
	mkdir d
	sed "$3" s.rec >bad.rec
	run "$1" "$2" "$tofs" -d d -f "$f" bad.rec
	(cd d && echo ./*.xml) >now
	printf '%s\n' "${4-./0.xml ./2.xml}" >want
	same "$2: what is stored" want now
	check "$2: no temporary is left" test ! -e d/.praic-tmp
}
n=$(grep -n '^S.*	1$' s.rec | cut -d : -f 1)
spoilt 65 'a wrong count of rows' "s/^E	1	2/E	1	3/"
spoilt 65 'a wrong count of bytes' "/^E	1/s/.$/x/"
spoilt 65 'another lsid' "s/^E	1/E	7/"
spoilt 65 'a session given up' "/^E	1/d;s/^Z	3/Z	2/"
spoilt 65 'an X line that is cut' "$((n + 2))s/...\$//"
spoilt 65 'no UTF-8' "$((n + 2))s/body/\\xff/;$((n + 2))s/xmlns/\\xff/"
spoilt 65 'a bad escape' "$((n + 2))s/xmlns/\\\\q/"
spoilt 65 'no session row' "$((n + 3))d"
spoilt 65 'the writer left something out' 's/^Z	3	0/Z	3	1/' './0.xml ./1.xml ./2.xml'
spoilt 65 'the writer counted others' 's/^Z	3/Z	4/' './0.xml ./1.xml ./2.xml'
spoilt 65 'a line of another kind' "$((n + 1))s/^R/Q/" './0.xml'
spoilt 64 'another version' '1s/1$/2/' './*.xml'
spoilt 65 'no element' "$((n + 2))s/X	<session/X	 session/;"
spoilt 65 'another element' "$((n + 2))s/X	<session/X	<Session/;"
# shellcheck disable=SC2016
spoilt 65 'a prefix that is not declared' "$((n + 2))s/X	<session/X	<q:session/;"'s/^\(E	1	2	\)\([0-9]*\)/echo "\1$((\2+2))"/e'
spoilt 65 'a start tag without an end' "$((n + 2))s/^X.*/X	<session/;"'s/^\(E	1	2	\).*/\18/'
spoilt 65 'a host that is none' "${n},$((n + 4))s/access.example.com/ac cess?>/" './0.xml ./2.xml'
check 'that session is named' grep -q 'left out' err

rm -rf d
mkdir d
grep -v '^X' s.rec >nox.rec
run 64 'no XML to save' "$tofs" -d d nox.rec
check 'is said once' test "$(wc -l <err)" -eq 1
says 'with what to do' 'without -n'
sed "$((n + 2))d" s.rec >one.rec
run 64 'one session without' "$tofs" -d d -f "$f" one.rec
check 'the others are stored' test "$(wc -l <out)" -eq 2

# Sessions in progress, which began an hour ago.
now=$(date +%s)
ago() {
	date -u -d "@$((now - $1))" +%Y-%m-%dT%H:%M:%SZ
}
# began TIME: the same, which began then, and have no end
began() {
	sed "/^R	session	/{s/2026-01-01T11:15:09Z/\\\\N/;s/2026-01-01T10:00:00Z/$1/;}" s.rec
}
began "$(ago 3600)" >open.rec
rm -rf d
mkdir d
run 0 'sessions in progress' "$tofs" -d d -f "$f" open.rec
silent 'are left for later, without a word'
check 'none is stored' test ! -s out
run 0 'with -v' "$tofs" -d d -v -f "$f" open.rec
says 'they are counted' '3 sessions in progress'
run 0 'with -p' "$tofs" -d d -p -f "$f" open.rec
check 'they are stored' test "$(wc -l <out)" -eq 3
# Those that closed abnormally never get an end time.
for since in $((7 * 86400 - 600)) 0 -86400; do
	rm -rf d
	mkdir d
	began "$(ago "$since")" >young.rec
	run 0 "begun $since seconds ago" "$tofs" -d d -f "$f" young.rec
	check 'they may go on' test ! -s out
done
began '\\N' >young.rec
run 0 'begun nobody knows when' "$tofs" -d d -f "$f" young.rec
check 'they may go on' test ! -s out
began "$(ago $((7 * 86400 + 60)))" >old.rec
run 0 'begun more than a week ago: abandoned' "$tofs" -d d -f "$f" old.rec
check 'they are stored as they are' test "$(wc -l <out)" -eq 3
run 0 'again' "$tofs" -d d -f "$f" old.rec
check 'and once' test ! -s out
sed '0,/Session Start/s//Session End/' open.rec >end.rec
rm -rf d
mkdir d
run 0 'an event says that one is over' "$tofs" -d d -f "$f" end.rec
same 'it is stored' - out <<'EOF'
0.xml
EOF
sed 's/Session Start/Session Ended/' open.rec >end.rec
run 0 'another event does not' "$tofs" -d d -f "$f" end.rec
check 'none is stored' test ! -s out

# Several streams, joined or in files; the worst code counts.
rm -rf d
mkdir d
cat s.rec s.rec open.rec >joined.rec
run 0 'streams joined' "$tofs" -d d -f "$f" joined.rec
check 'three sessions' test "$(wc -l <out)" -eq 3
# shellcheck disable=SC2016
run 75 'files: cut, and whole' sh -c 'head -c 300 s.rec >c.rec; "$tofs" -d d -f x/%LSID% c.rec s.rec'
check 'the whole one is stored' test "$(wc -l <out)" -eq 3
run 66 'files: missing, and whole' "$tofs" -d d -f 'y/%LSID%' missing.rec s.rec
check 'the whole one is stored' test "$(wc -l <out)" -eq 3
pipe 0 'standard input by its name' s.rec "$tofs" -d d -f 'z/%LSID%' -
cat >none.rec <<EOF
praic-records	1
H	session	host_name	lsid
Z	0	0
EOF
run 0 'an empty stream' "$tofs" -d d none.rec
silent 'without a word'
# Tables and columns of other versions.
sed 's/^H	session	host_name	lsid	type/H	session	host_name	lsid	kind_of/;/^H	session_event/i\
H	new_table	a' s.rec >other.rec
rm -rf d
mkdir d
run 0 'columns that are not there' "$tofs" -d d -f '%SESSION_TYPE%-%LSID%.xml' other.rec
head -n 1 out >first
same 'are empty' - first <<'EOF'
_-0~b83c9c0a1420.xml
EOF
# A host or an lsid that no ledger could hold.
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
