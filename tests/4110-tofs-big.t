#!/bin/sh
# praic-tofs: memory does not grow with a session of 400 MB, a recording of that size,
# or a ledger of many lines.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

export PYTHONPATH="$data/tofs"
case ${PRAIC_OUT-} in *asan*)
	echo '1..0 # skip: sanitizers need more memory'
	exit 0
	;;
esac
megabytes=100
[ -z "${PRAIC_LONG-}" ] || megabytes=400
limit=40000	# KiB of address space: libraries and praic-tofs

cat >big.py <<'EOF'
import sys
from records import *
size = int(sys.argv[1]) << 20
with Report() as s:
    s.begin('big')
    s.row('session_event', seq=1, type='x')
    head = '<session xmlns="%s"><body>' % URI
    tail = '</body></session>'
    s.line('X', head)
    piece = 'lorem ipsum ' * 2700
    n = len(head)
    while n < size:
        s.line('X', piece)
        n += len(piece)
    s.line('X', tail)
    s.end(n + len(tail))
EOF
mkdir d
# shellcheck disable=SC2016
run 0 "a session of $megabytes MB" sh -c 'ulimit -v $2 && python3 -c 0 2>/dev/null
	ulimit -v unlimited; python3 big.py $1 | (ulimit -v $2; "$tofs" -d d)' - $megabytes $limit
check 'is stored' test "$(wc -c <d/access.example.com-support-big.xml)" -gt $((megabytes << 20))
tail -n 1 d/access.example.com-support-big.xml >end
same 'to its end' - end <<'EOF'
<?praic-end documents="1"?>
EOF
# shellcheck disable=SC2016
run 0 'verified' sh -c 'ulimit -v $1; "$tofs" --verify -d d' - $limit

# A spooled file of that size, copied.
mkdir spool
python3 - $megabytes >file.rec <<'EOF'
import sys
from records import *
with Files() as s:
    s.spool = 'spool'
    s.begin('f')
    s.spooled('recording', 'f', b'FLV\1' * (int(sys.argv[1]) << 18))
    s.end()
EOF
# shellcheck disable=SC2016
run 0 'a recording of that size' sh -c 'ulimit -v $1; "$tofs" -d d -i spool file.rec' - $limit
rm -rf spool d
mkdir d

# A long ledger of missing files, written as the manual page describes.
lines=50000
[ -z "${PRAIC_LONG-}" ] || lines=1000000
python3 - $lines >d/.praic-ledger <<'EOF'
import hashlib
import sys
out = sys.stdout.buffer
out.write(b'praic-ledger\t1\n')
chain = hashlib.sha256(b'praic-ledger\t1').hexdigest()
for i in range(int(sys.argv[1])):
    line = ('2026-01-01T00:00:00Z\taccess.example.com\tsession\t%032x\t\\N\t%032x.xml\t1\t%s' %
            (i, i, '0' * 64))
    chain = hashlib.sha256((chain + line).encode()).hexdigest()
    out.write(('%s\t%s\n' % (line, chain)).encode())
EOF
python3 "$data/tofs/records.py" 200 >200.rec
for name in 0 1 2 3 4; do
	printf 'another content' >d/0000000000000000000000000000000$name.xml
done
# shellcheck disable=SC2016
run 0 "a ledger of $lines lines" sh -c 'ulimit -v $1; "$tofs" -d d -f %LSID%.xml 200.rec' - $limit
check 'the files are stored' test "$(find d -name '*.xml' | wc -l)" -eq 205
start=$(date +%s%N)
run 0 'again' "$tofs" -d d -f %LSID%.xml 200.rec
check 'stores nothing new' test ! -s out
check 'fast, because the ledger is not read again' \
	test $((($(date +%s%N) - start) / 1000000)) -lt 1000
# shellcheck disable=SC2016
run 65 'verified' sh -c 'ulimit -v $1; "$tofs" --verify -d d -v' - $limit
check 'reports the missing files' test "$(grep -c ^missing out)" -eq $((lines - 200))
check 'and no unknown ones' test "$(grep -c ^unknown out)" -eq 0
done_testing
