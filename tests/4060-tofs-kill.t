#!/bin/sh
# praic-tofs is killed at system calls that change a file, and at random times.
# No incomplete file has its final name, and a rerun gives the same files as a run that
# was not killed.
# On /dev/shm if it exists: the test makes and removes hundreds of directories.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

export PYTHONPATH="$data/tofs"
sanitized=
case ${PRAIC_OUT-} in *asan*) sanitized=yes ;; esac
ln -s "$faults" faults.so

# A stream of each kind: small and big sessions, files, backups.
mkdir spool want
python3 - >all.rec <<'EOF'
from records import *
with Report() as s:
    for i in range(5):
        xml = s.session('%032x' % i, body='x' * (400000 if i == 3 else 50 * i), lseq=i)
        with open('want/%d' % i, 'wb') as f:
            f.write(saved(xml))
with Files() as s:
    s.spool = 'spool'
    s.begin('%032x' % 1)
    s.spooled('recording', 'r', b'FLV\1' + b'r' * 100000)
    s.spooled('shell', 's', b'FLV\1shell', instance=0)
    s.end()
    for i in range(5):
        s.backup('2026-01-0%dT00:00:00Z' % (i + 1), 'b%d' % i, b'NSB %d' % i)
EOF
chmod 600 spool/s spool/b?	# these are linked, the recording is copied
chmod 644 spool/r
cp spool/* want

# Kill at the n-th call of each kind, until there are no more: at the first eight and some
# of the others (PRAIC_LONG=1: all).
cat >each.py <<'EOF'
import os
import shutil
import signal
import subprocess
import sys
import judge
tofs = os.environ['tofs']
store = [tofs, '-d', 'd', '-i', 'spool', '-r', '1', '-f', 'session=%LSEQ%/%LSID%.%EXTENSION%',
         'all.rec']
known = set(judge.digest(f) for f in judge.files('want'))


def run(command, **env):
    return subprocess.run(command, stdout=subprocess.DEVNULL, env=dict(os.environ, **env)).returncode


def names():
    return sorted(os.path.join(w, n) for w, _, names in os.walk('d') for n in names
                  if not n.startswith('.praic-index'))


def must(true, what):
    if not true:
        sys.exit(what)


def whole(where):
    for f in judge.files('d'):
        must(judge.digest(f) in known, '%s: not whole: %s' % (where, f))


def fresh():
    shutil.rmtree('d', ignore_errors=True)
    os.mkdir('d')


def agrees(where):
    must(run([tofs, '--verify', '-d', 'd']) == 0, where + ': verify')
    whole(where)
    must(not os.path.exists('d/.praic-tmp'), where + ': a temporary is left')
    must(names() == clean, '%s: other files than after one clean run: %s' % (where, names()))


fresh()
must(run(store) == 0, 'the clean run')
clean = names()
must(len(clean) == 1 + 5 + 2 + 2, 'the clean run: %s' % clean)
agrees('the clean run')
killed = 0
for call, how in [f.split(':') for f in sys.argv[1:]]:
    n = 0
    while True:
        n += 1 if os.environ.get('PRAIC_LONG') else 1 + n // 8
        where = '%s number %d, %s' % (call, n, how)
        fresh()
        code = run(store, FAULT='%s:%d:%s' % (call, n, how), LD_PRELOAD=os.path.abspath('faults.so'))
        if code != -signal.SIGKILL:
            must(code == 0, '%s: exit %d' % (where, code))
            break
        killed += 1
        whole(where)
        must(run(store) == 0, where + ': the rerun')
        agrees(where)
print(killed)
sys.exit(killed < 50)
EOF
export PYTHONPATH="$data/tofs"
[ -n "$sanitized" ] || check 'killed at calls that change a file' python3 each.py \
	openat:kill write:kill write:torn fsync:kill fdatasync:kill renameat2:kill linkat:kill \
	unlinkat:kill mkdirat:kill flock:kill pwrite:kill

# Killed at random times and restarted, with append and overwrite and changing contents.
kills=15
[ -z "${PRAIC_LONG-}" ] || kills=100
cat >kills.py <<'EOF'
"""kills.py KILLS MODE: new contents after every few kills."""
import judge
import os
import random
import signal
import hashlib
import subprocess
import sys
import time
from records import *
kills, mode = int(sys.argv[1]), sys.argv[2]
random.seed(kills)
command = [os.environ['tofs'], '-d', 'd', '-c', mode, '-f',
           '%EXTERNAL_KEY%/%LSID%-%KIND%-%INSTANCE%-%START_DATE%.%EXTENSION%']
known = set()


def whole():
    for f in judge.files('d'):
        if judge.digest(f) not in known:
            sys.exit('not whole: ' + f)


done = generation = 0
took = 0.1
while done < kills:
    generation += 1
    with open('g.rec', 'wb') as f, Report(f) as s:
        for i in range(200):
            xml = s.session('%d' % i, body='g%d ' % generation * (1 + i % 49), external_key='k%d' % (i % 9))
            known.add(hashlib.sha256(saved(xml)).digest())
    for _ in range(5):
        p = subprocess.Popen(command + ['g.rec'], stdout=subprocess.DEVNULL)
        time.sleep(random.random() * took)
        p.send_signal(signal.SIGKILL)
        done += p.wait() == -signal.SIGKILL
        whole()
    start = time.time()
    subprocess.run(command + ['g.rec'], check=True, stdout=subprocess.DEVNULL)
    took = max(0.02, (time.time() - start))
    subprocess.run([os.environ['tofs'], '--verify', '-d', 'd'], check=True)
    whole()
    if os.path.exists('d/.praic-tmp'):
        sys.exit('a temporary is left')
    n = sum(len(files) for where, _, files in os.walk('d') if where != 'd')
    if n != 200 * (generation if mode == 'append' else 1):
        sys.exit('%d files after %d generations' % (n, generation))
EOF
for mode in append overwrite; do
	rm -rf d
	mkdir d
	check "killed $kills times at random, $mode" python3 kills.py $kills $mode
done
done_testing
