#!/bin/sh
# praic-tofs --verify: ways to tamper with a store, and whether they are detected.  The
# table below is the specification; each NEVER has its reason.
# On /dev/shm if it exists, because it is faster.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

export PYTHONPATH="$data/tofs"
mkdir spool
python3 - >all.rec <<'END'
from records import *
with Report() as s:
    for i in range(5):
        s.session('%d' % i, body='body %d' % i)
with Files() as s:
    s.spool = 'spool'
    s.begin('1')
    s.spooled('recording', 'r', b'FLV\1recording')
    s.end()
    s.backup('2026-01-01T00:00:00Z', 'b1', b'NSB 1')
    s.backup('2026-01-02T00:00:00Z', 'b2', b'NSB 2')
END
mkdir good
"$tofs" -d good -i spool -f session='s/%LSID%.xml,recording=r/%LSID%,backup=b/%START_DATE%' all.rec \
	>/dev/null || fail 'storing' all.rec
run 0 'the head' "$tofs" --print-head -d good
head=$(cat out)

cat >tamper.py <<'END'
"""tamper.py list: print the table; tamper.py N: apply the N-th change to the store d."""
import hashlib
import os
import shutil
import sys

NOTICED, HEAD, NEVER = 'noticed', 'head', 'never'   # HEAD: only with --head
LEDGER, A, B, R, BACKUP = ('d/.praic-ledger', 'd/s/1.xml', 'd/s/2.xml', 'd/r/1',
                           'd/b/20260101T000000Z')


def read(name=LEDGER):
    with open(name, 'rb') as f:
        return f.read()


def write(data, name=LEDGER, mode='wb'):
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open(name, mode) as f:
        f.write(data)


def lines():
    return read().split(b'\n')[:-1]


def put(new):
    write(b''.join(line + b'\n' for line in new))


def chained(new):
    """Recompute the chain."""
    out = new[:1]
    chain = hashlib.sha256(new[0]).hexdigest().encode()
    for line in new[1:]:
        line = b'\t'.join(line.split(b'\t')[:8])
        chain = hashlib.sha256(chain + line).hexdigest().encode()
        out.append(line + b'\t' + chain)
    put(out)


def without(name):
    return [n for n in lines() if b'\t' + name[2:].encode() + b'\t' not in n]


def forge(name, *last):
    line = [n for n in lines() if b'\t' + name[2:].encode() + b'\t' in n][0].split(b'\t')
    chained(lines() + [b'\t'.join(line[:6] + list(last))])


def swap():
    os.rename(A, 'd/x')
    os.rename(B, A)
    os.rename('d/x', B)


def rewrite():
    data = read(A).replace(b'body', b'evil')
    old = hashlib.sha256(read(A)).hexdigest().encode()
    write(data, A)
    chained([n.replace(old, hashlib.sha256(data).hexdigest().encode()) for n in lines()])


def empty():
    for name in ('s', 'r', 'b'):
        shutil.rmtree('d/' + name)
    put(lines()[:1])


def stranger():
    data = b'FLV\1planted'
    write(data, 'd/r/9')
    os.chmod('d/r/9', 0o600)
    line = lines()[-1].split(b'\t')
    line[2:8] = [b'recording', b'9', b'\\N', b'r/9', b'%d' % len(data),
                 hashlib.sha256(data).hexdigest().encode()]
    chained(lines() + [b'\t'.join(line)])


TABLE = [
    ('a file is removed', NOTICED, lambda: os.remove(A)),
    ('a file is altered', NOTICED, lambda: write(read(A).replace(b'body', b'evil'), A)),
    ('a file has grown', NOTICED, lambda: write(b'x', A, 'ab')),
    ('two files change places', NOTICED, swap),
    ('a file becomes a link', NOTICED,
     lambda: (os.rename(A, 'elsewhere'), os.symlink('../../elsewhere', A))),
    ('a folder is renamed', NOTICED, lambda: os.rename('d/s', 'd/t')),
    ('a file is added', NOTICED, lambda: write(b'x', 'd/s/9.xml')),
    ('a file is hidden in .praic-tmp', NOTICED, lambda: write(b'x', 'd/.praic-tmp/x.part')),
    ('a file is hidden there below a folder', NOTICED,
     lambda: write(b'x', 'd/.praic-tmp/0123456789abcdef.part/x')),
    ('a file is hidden there as one of a killed run', NEVER,    # the next run removes it
     lambda: write(b'x', 'd/.praic-tmp/0123456789abcdef.part')),
    ('others may read a file', NOTICED, lambda: os.chmod(A, 0o644)),
    ('others may write a file', NOTICED, lambda: os.chmod(A, 0o602)),
    ('a file belongs to another', NOTICED, lambda: os.chown(A, 1234, -1)),
    ('a file has another time', NEVER,  # the ledger has the time of storing, and the content
     lambda: os.utime(A, (0, 0))),
    ('the ledger is removed', NOTICED, lambda: os.remove(LEDGER)),
    ('the ledger is emptied', NOTICED, lambda: write(b'')),
    ('the ledger and all files are emptied', HEAD, empty),
    ('a line is altered', NOTICED, lambda: write(read().replace(b'access', b'assess', 1))),
    ('a line is taken out', NOTICED, lambda: put(without(A))),
    ('the last line is taken out', NOTICED, lambda: put(lines()[:-1])),
    ('the last line and its file are taken out', HEAD,
     lambda: (put(lines()[:-1]), os.remove('d/b/20260102T000000Z'))),
    ('a line and its file are taken out, and the chain recomputed', HEAD,
     lambda: (chained(without(A)), os.remove(A))),
    ('a file is altered, its line too, and the chain recomputed', HEAD, rewrite),
    ('a recording is removed, with a line that says so', NOTICED,
     lambda: (forge(R, b'-', b'-'), os.remove(R))),
    ('a backup is removed, with a line that says so', NEVER,    # retention does the same
     lambda: (forge(BACKUP, b'-', b'-'), os.remove(BACKUP))),
    ('a file is added, with its line', NEVER,   # the same rights suffice to run praic-tofs
     stranger),
    ('the index is spoilt', NEVER,      # --verify does not use it
     lambda: write(b'x' * 5000, 'd/.praic-index')),
]
if sys.argv[1] == 'list':
    for number, (name, when, _) in enumerate(TABLE):
        print(number, when, name)
else:
    TABLE[int(sys.argv[1])][2]()
END
python3 tamper.py list >table
while read -r number when name; do
	rm -rf d elsewhere
	cp -a good d
	if [ "$when" != noticed ] || ! grep -q "^$number .*another$" table || [ "$(id -u)" -eq 0 ]; then
		python3 tamper.py "$number" || fail "$name" table
	else
		continue # only root can give a file away
	fi
	code=0
	[ "$when" != noticed ] || code=65
	run $code "$name" "$tofs" --verify -d d
	[ "$when" = never ] || code=65
	run $code "$name: with the head" "$tofs" --verify -d d --head "$head"
done <table
check 'the table is complete' test "$(wc -l <table)" -eq 27

# Files that were stored with another mode.
rm -rf d
mkdir d
"$tofs" -d d -i spool -m 640 all.rec >/dev/null
run 0 'mode 640' "$tofs" --verify -d d
rm -rf d
mkdir d
"$tofs" -d d -i spool -m 660 all.rec >/dev/null
run 0 'mode 660 with -m 660' "$tofs" --verify -d d -m 660
run 65 'mode 660 without -m' "$tofs" --verify -d d
done_testing
