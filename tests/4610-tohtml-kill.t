#!/bin/sh
# praic-tohtml is killed at system calls that change a file (the first eight of each kind
# and some of the others; PRAIC_LONG=1: all), and at random times.  No incomplete page has
# its final name, and a rerun gives the same files as a run that was not killed.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

ln -s "$faults" faults.so
python3 "$top/tests/appliance" generate --sessions 300 >all.xml
"$split" -H h.example all.xml >all.rec
# The state before: fewer sessions, some of them in progress, one in another month.
python3 - <<'EOF2'
import re
sessions, head, tail = [], [], None
for line in open('all.rec', newline='\n'):
    if line.startswith('S\t'):
        sessions.append([])
    if line.startswith('Z\t'):
        break
    (sessions[-1] if sessions else head).append(line)
def write(name, some):
    with open(name, 'w', newline='\n') as f:
        f.writelines(head)
        for s in some:
            f.writelines(s)
        f.write('Z\t%d\t0\n' % len(some))
def before(lines, moved):
    out = []
    for line in lines:
        if line.startswith('R\tsession\t'):
            v = line.rstrip('\n').split('\t')
            v[6], v[-1] = '\\N', '0'
            if moved:
                v[5] = '2025-01-01T00:00:00Z'
            line = '\t'.join(v) + '\n'
        out.append(line)
    return out
few = sessions[:12]
write('few.rec', few)
write('few0.rec', [before(s, i == 3) if i % 3 == 0 else s for i, s in enumerate(few[:9])])
write('all0.rec', [before(s, i % 50 == 0) if i % 3 == 0 else s for i, s in enumerate(sessions[:200])])
EOF2

cat >kill.py <<'EOF2'
"""kill.py each CALL:HOW... | random KILLS"""
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
tohtml = os.environ['tohtml']


def run(rec, **env):
    return subprocess.run([tohtml, '-d', 'd', rec], env=dict(os.environ, **env)).returncode


def tree():
    found = {}
    for where, folders, names in os.walk('d'):
        folders[:] = [f for f in folders if f != '.praic-tohtml-tmp']
        for n in names:
            if n.endswith('.html'):
                with open(os.path.join(where, n), 'rb') as f:
                    text = f.read()
                if not text.endswith(b'</html>\n'):
                    sys.exit('not whole: %s' % n)
                found[os.path.join(where, n)] = hashlib.sha256(text).digest()
            elif not n.startswith('.praic-tohtml'):
                sys.exit('unexpected file: %s' % n)
    return found


def fresh(*recs):
    shutil.rmtree('d', ignore_errors=True)
    os.mkdir('d')
    for rec in recs:
        if run(rec) != 0:
            sys.exit('a clean run failed')


def agrees(where):
    now = tree()
    if now != clean:
        sys.exit('%s: another tree: %s' % (where, [k for k in {**now, **clean}
                                                   if now.get(k) != clean.get(k)]))
    if os.path.exists('d/.praic-tohtml-tmp'):
        sys.exit(where + ': temporaries are left')


killed = 0
if sys.argv[1] == 'each':
    fresh('few0.rec')
    shutil.copytree('d', 'before')
    fresh('few0.rec', 'few.rec')
    clean = tree()
    for call, how in [f.split(':') for f in sys.argv[2:]]:
        n = 0
        while True:
            n += 1 if os.environ.get('PRAIC_LONG') else 1 + n // 8
            where = '%s number %d, %s' % (call, n, how)
            shutil.rmtree('d')
            shutil.copytree('before', 'd')
            code = run('few.rec', FAULT='%s:%d:%s' % (call, n, how),
                       LD_PRELOAD=os.path.abspath('faults.so'))
            if code != -signal.SIGKILL:
                if code != 0:
                    sys.exit('%s: exit %d' % (where, code))
                break
            killed += 1
            tree()
            if run('few.rec') != 0:
                sys.exit(where + ': the rerun')
            agrees(where)
else:
    random.seed(int(sys.argv[2]))
    fresh('all0.rec', 'all.rec')
    clean = tree()
    while killed < int(sys.argv[2]):
        shutil.rmtree('d')
        os.mkdir('d')
        for rec in 'all0.rec', 'all.rec':
            start = time.time()
            for _ in range(4):
                p = subprocess.Popen([tohtml, '-d', 'd', rec])
                time.sleep(random.random() * 0.4)
                p.send_signal(signal.SIGKILL)
                killed += p.wait() == -signal.SIGKILL
                tree()
            if run(rec) != 0:
                sys.exit('the rerun')
        agrees('killed at random')
print(killed)
sys.exit(killed < 12)
EOF2
case ${PRAIC_OUT-} in *asan*) ;; *)
	check 'killed at calls that change a file' python3 kill.py each openat:kill write:kill \
		write:torn fsync:kill fdatasync:kill renameat:kill unlinkat:kill mkdirat:kill \
		flock:kill pwrite:kill pwrite64:kill unlink:kill ftruncate:kill ;;
esac
sed 's/^/# /' check.out
kills=12
[ -z "${PRAIC_LONG-}" ] || kills=200
check "killed $kills times at random" python3 kill.py random $kills
done_testing
