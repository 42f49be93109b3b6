#!/bin/sh
# praic-tofs: the order in which data reach the disk.  A file is on disk before it gets
# its name, the name before the ledger line, and the line before the name is printed.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

case ${PRAIC_OUT-} in *asan*)
	echo '1..0 # skip: sanitizers do not work under strace'
	exit 0
	;;
esac
export PYTHONPATH="$data/tofs"
mkdir d spool
strace -o /dev/null true 2>/dev/null || {
	echo '1..0 # skip: strace cannot trace here'
	exit 0
}
python3 - >all.rec <<'EOF'
from records import *
with Report() as s:
    for i in range(3):
        s.session('%d' % i, body='x' * (500000 if i == 1 else 10), external_key='k%d' % i)
with Files() as s:
    s.spool = 'spool'
    s.begin('1')
    s.spooled('shell', 'linked', b'FLV\1s', instance=0)
    s.spooled('shell', 'copied', b'FLV\1t', instance=1)
    s.end(external_key='k1')
    for i in range(2):
        s.backup('2026-01-0%dT00:00:00Z' % (i + 1), 'b%d' % i, b'NSB %d' % i)
EOF
chmod 600 spool/*
chmod 644 spool/copied
cat >order.py <<'EOF'
import re
import sys
synced, dirty, named, lines, printed, gone = set(), set(), [], 0, 0, []
unsynced_ledger = pending = False
fd = {}
for line in open(sys.argv[1]):
    m = re.match(r'(?:\d+ +)?(\w+)\((.*)\) += (-?\w+)(<.*>)?', line)
    if not m or m[3] == '-1':
        continue
    call, args = m[1], m[2]
    path = re.match(r'\d+<([^>]*)>', args)
    paths = re.findall(r'<([^>]*)>', args)
    quoted = re.findall(r'"([^"]*)"', args)
    if call == 'fsync':
        synced.add(path[1])
        if path[1] in dirty:
            dirty.discard(path[1])
    elif call == 'write' and path and path[1].endswith('.part'):
        synced.discard(path[1])
    elif call == 'linkat':
        synced.add(paths[1] + '/' + quoted[1]) if paths[0].endswith('spool') and \
            paths[0] + '/' + quoted[0] in synced else None
        linked = paths[0] + '/' + quoted[0], paths[1] + '/' + quoted[1]
        fd[linked[1]] = linked[0]
    elif call == 'renameat2' or (call == 'renameat' and '.praic-index' not in args):
        part = paths[0] + '/' + quoted[0]
        assert part in synced or fd.get(part) in synced, 'a name before its bytes: ' + line
        dirty.add(paths[1])
        named.append(quoted[1])
    elif call == 'unlinkat' and path[1].find('.praic-tmp') == -1 and 'REMOVEDIR' not in args:
        if quoted[0].endswith('.nsb'):
            gone.append(quoted[0])
            dirty.add(path[1])
    elif call == 'mkdirat' and '.praic-tmp' not in args:
        dirty.add(path[1])
    elif call == 'write' and path and path[1].endswith('.praic-ledger'):
        if 'praic-ledger' in (quoted or [''])[0]:
            continue
        assert not dirty, 'a line before the folder: %s' % dirty
        unsynced_ledger = True
        lines += len(re.findall(r'\\n', args))
    elif call == 'fdatasync':
        unsynced_ledger = False
    elif call == 'write' and args.startswith('1<'):
        assert not unsynced_ledger, 'printed before the ledger is safe'
        printed += len(re.findall(r'\\n', args))
assert not dirty and not unsynced_ledger
assert len(named) == 7 and len(gone) == 1 and lines == printed == 8, (named, gone, lines, printed)
EOF
calls=fsync,fdatasync,write,renameat,renameat2,linkat,unlinkat,mkdirat
for c in append overwrite; do
	rm -rf d
	mkdir d
	run 0 "traced: $c" strace -f -y -s 100000 -e trace=$calls -o trace "$tofs" -d d -i spool \
		-r 0 -c $c -f session='%EXTERNAL_KEY%/a/%LSID%.%EXTENSION%' all.rec
	check "the order is right: $c" python3 order.py trace
done
done_testing
