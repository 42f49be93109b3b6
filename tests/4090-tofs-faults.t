#!/bin/sh
# praic-tofs on full, read-only or failing disks, without memory, and on file systems
# without some calls: the exit code is right, no temporary or incomplete file is left,
# and a rerun without faults stores everything.
# On /dev/shm if it exists: the test makes and removes hundreds of directories.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

case ${PRAIC_OUT-} in
*asan*) # a sanitizer must be the first library itself
	echo '1..0 # skip: faults are preloaded, which sanitizers do not allow'
	exit 0
	;;
esac
export PYTHONPATH="$data/tofs"
ln -s "$faults" faults.so
mkdir spool
# Backups of today: an older time of fetching counts as the time of storing.
python3 - >all.rec <<'EOF'
import time
from records import *
with Report() as s:
    for i in range(4):
        s.session('%032x' % i, body='x' * (400000 if i == 2 else 50 * i), lseq=i)
with Files() as s:
    s.spool = 'spool'
    s.begin('%032x' % 1)
    s.spooled('recording', 'r', b'FLV\1' + b'r' * 300000)
    s.spooled('shell', 's', b'FLV\1shell', instance=0)
    s.end()
    for i in range(4):
        s.backup(time.strftime('%Y-%m-%dT%H:00:00Z', time.gmtime(time.time() - 3600 * (5 - i))),
                 'b%d' % i, b'NSB %d' % i)
EOF
chmod 600 spool/s spool/b?
chmod 644 spool/r

cat >each.py <<'EOF'
"""each.py CALL:ERRNO:CODES...: make the calls of a kind fail in turn: the first eight
and some of the others (PRAIC_LONG=1: all)"""
import os
import shutil
import subprocess
import sys
tofs = os.environ['tofs']
mode = ['-c', 'overwrite'] if sys.argv[1] == 'overwrite' else []
store = [tofs, '-d', 'd', '-i', 'spool', '-r', '1', '-f', 'session=%LSEQ%/%LSID%.%EXTENSION%',
         *mode, 'all.rec']
bad = 0


def run(command, **env):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=dict(os.environ, **env))


def names():
    return sorted(os.path.join(w, n) for w, _, names in os.walk('d') for n in names
                  if not n.startswith('.praic-index'))


def fresh():
    shutil.rmtree('d', ignore_errors=True)
    os.mkdir('d')


def check(true, what):
    global bad
    if not true:
        print(what)
        bad += 1


fresh()
check(run(store).returncode == 0, 'the clean run')
clean = names()
for fault in sys.argv[2:]:
    call, err, codes = fault.split(':')
    n = 1
    while True:
        where = '%s number %d: %s' % (call, n, err)
        fresh()
        p = run(store, FAULT='%s:%d:%s' % (call, n, err), LD_PRELOAD=os.path.abspath('faults.so'),
                FAULT_MARK=os.path.abspath('mark'))
        if os.path.getsize('mark') == 0:
            check(p.returncode == 0, '%s: exit %d without a fault' % (where, p.returncode))
            break
        check(str(p.returncode) in codes.split(','), '%s: exit %d' % (where, p.returncode))
        check(p.returncode == 0 or p.stderr, where + ': no message')
        check(p.returncode != 0 or names() == clean, where + ': success, but files are missing')
        if call != 'unlinkat' and call != 'memory':
            check(not os.path.exists('d/.praic-tmp') or os.listdir('d/.praic-tmp') == [],
                  where + ': a temporary is left')
        # Each file with a ledger line is printed, whatever became of others.
        if call in ('renameat2', 'openat', 'unlinkat', 'mkdirat', 'memory') \
                and os.path.exists('d/.praic-ledger'):
            known = [line.split(b'\t') for line in open('d/.praic-ledger', 'rb')][1:]
            known = {k[5].decode() for k in known if k[6] != b'-'}
            check(known <= set(p.stdout.decode().splitlines()),
                  '%s: not printed: %s' % (where, known - set(p.stdout.decode().splitlines())))
        # Each printed file exists and is complete.
        for name in p.stdout.decode().splitlines():
            check('d/' + name not in clean or os.path.exists('d/' + name),
                  '%s: %s is not there' % (where, name))
        p = run(store)
        check(p.returncode == 0, '%s: the rerun: %s' % (where, p.stderr.decode()))
        p = run([tofs, '--verify', '-d', 'd'])
        check(p.returncode == 0, '%s: %s' % (where, p.stdout.decode()))
        check(names() == clean, '%s: other files: %s' % (where, names()))
        check(not os.path.exists('d/.praic-tmp'), where + ': a temporary is left')
        n += 1 if os.environ.get('PRAIC_LONG') else 1 + n // 8
        if bad > 20:
            sys.exit(1)
    print('%s %s: %d calls' % (call, err, n - 1))
sys.exit(bad > 0)
EOF
check 'writes, fsyncs and renames fail in turn' python3 each.py append \
	write:ENOSPC:73,74 pwrite:ENOSPC:0 fsync:EIO:74 fdatasync:EIO:74 \
	openat:EROFS:73,74,65,0 openat:EMFILE:75,65,74,0 openat:EACCES:73,74,65,0 \
	mkdirat:ENOSPC:74 mkdirat:EROFS:73 renameat2:EDQUOT:74 renameat:EIO:74 \
	linkat:EMLINK:0 linkat:EPERM:0 flock:ENOLCK:73,74,0 pread:EIO:74,0 ftruncate:EIO:73,74,0 \
	unlinkat:EIO:0,74 fstatat:EIO:74,73,0
check 'the same with overwrite' python3 each.py overwrite write:EIO:74 fsync:EIO:74 renameat:ENOSPC:74 \
	renameat:EROFS:73,74 unlinkat:EIO:0,74 fstatat:EIO:74,73,0
check 'allocations fail in turn' python3 each.py append memory:ENOMEM:75,73,0

# File systems without some calls.
lacks() {
	rm -rf d
	mkdir d
	run 0 "$1" env FAULT="$2" LD_PRELOAD="$work/faults.so" "$tofs" -d d -i spool -r 1 \
		-f 'session=%LSEQ%/%LSID%.%EXTENSION%' all.rec
	silent "$1: no message"
	cp out printed
	run 0 "$1: again" env FAULT="$2" LD_PRELOAD="$work/faults.so" "$tofs" -d d -i spool -r 1 \
		-f 'session=%LSEQ%/%LSID%.%EXTENSION%' all.rec
	check "$1: stores nothing new" test ! -s out
	sed s/xxx/yyy/ all.rec >other.rec
	run 0 "$1: other contents" env FAULT="$2" LD_PRELOAD="$work/faults.so" "$tofs" -d d \
		-i spool -f 'session=%LSEQ%/%LSID%.%EXTENSION%' other.rec
	check "$1: are appended" grep -q '2/.*2.1.xml' out
	run 0 "$1: verified" "$tofs" --verify -d d
	check "$1: no temporary file is left" test ! -e d/.praic-tmp
	[ -e all.names ] || cp printed all.names
	same "$1: the names" all.names printed
}
lacks 'a complete file system' nothing:1:EIO
lacks 'no RENAME_NOREPLACE' 'renameat2:*:EINVAL'
lacks 'no hard links' 'linkat:*:EPERM'
lacks 'neither' 'renameat2:*:EINVAL,linkat:*:EOPNOTSUPP'
lacks 'no fsync of folders' 'fsync-folder:*:EOPNOTSUPP'
lacks 'fsync of folders not implemented' 'fsync-folder:*:ENOSYS'
lacks 'no openat2' 'openat2:*:ENOSYS'
lacks 'openat2 refused' 'openat2:*:EPERM'

# praic-tofs detects a case-insensitive file system.
python3 - >case.rec <<'EOF'
from records import *
with Report() as s:
    for i, key in enumerate(['abc', 'ABC', 'Abc', '\u00e4', '\u00c4']):
        s.session('%d' % i, external_key=key)
        s.session('%dx' % i, external_key=key)
EOF
for c in overwrite append; do
	rm -rf d
	mkdir d
	run 0 "a case-insensitive file system: $c" env FAULT_FOLD=1 LD_PRELOAD="$work/faults.so" "$tofs" -d d -c $c \
		-f '%EXTERNAL_KEY%/%LSID%-%KIND%-%INSTANCE%.%EXTENSION%' case.rec
	check 'no file replaces another' test "$(find d -name '*.xml' | wc -l)" -eq 10
	check 'each key has a folder' test "$(find d -mindepth 1 -type d | wc -l)" -eq 5
done

# A disk that is really full, if one can be mounted.
if [ "$(id -u)" -eq 0 ] && mkdir full && mount -t tmpfs -o size=200k none full 2>/dev/null; then
	# shellcheck disable=SC2016
	at_exit='umount "$work/full"'
	run 74 'a full disk' "$tofs" -d full -i spool all.rec
	says 'is reported' 'No space left'
	check 'no temporary file is left' test ! -e full/.praic-tmp
	mount -o remount,size=4m full
	run 0 'with free space again' "$tofs" -d full -i spool all.rec
	run 0 'verified' "$tofs" --verify -d full
	mount -o remount,ro full
	run 73 'a read-only disk' "$tofs" -d full -i spool all.rec
	run 0 'verified on a read-only disk' "$tofs" --verify -d full
	mount -o remount,rw full
fi
# A ledger with the append-only attribute, if the file system has it.
grow=$(mktemp -d /var/tmp/praic-grow.XXXXXX)
# shellcheck disable=SC2016
at_exit="$at_exit;"' chattr -a "$grow/.praic-ledger" 2>/dev/null; rm -rf "$grow"'
"$tofs" -d "$grow" -i spool all.rec >/dev/null
if chattr +a "$grow/.praic-ledger" 2>/dev/null; then
	sed s/xxx/yyy/ all.rec >other.rec
	run 0 'an append-only ledger' "$tofs" -d "$grow" -i spool other.rec
	run 0 'verified' "$tofs" --verify -d "$grow"
	FAULT=write:4:ENOSPC LD_PRELOAD=$work/faults.so "$tofs" -d "$grow" -i spool -f x all.rec \
		>out 2>err
	run 0 'another run' "$tofs" -d "$grow" -i spool -f x all.rec
	run 0 'verified' "$tofs" --verify -d "$grow"
	chattr -a "$grow/.praic-ledger"
fi
done_testing
