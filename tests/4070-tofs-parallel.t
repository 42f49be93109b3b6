#!/bin/sh
# praic-tofs: several processes in one directory at the same time.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

export PYTHONPATH="$data/tofs"
# Four streams of the same sessions, some of them with the same content.
python3 - <<'EOF'
from records import *
for who in range(4):
    with open('%d.rec' % who, 'wb') as f, Report(f) as s:
        for i in range(300):
            s.session('%d' % (i % 100), body='%d' % (i % 3) * (1 + who % 2 + i % 5))
EOF
# The number of different contents.
python3 - >contents <<'EOF'
print(len(set((i % 100, str(i % 3) * (1 + w + i % 5)) for w in range(2) for i in range(300))))
EOF

together() {
	rm -rf d
	mkdir d
	for who in 0 1 2 3; do
		"$tofs" -d d "$@" $who.rec >out$who 2>err$who &
		eval "pid$who=\$!"
	done
	# shellcheck disable=SC2154
	for who in 0 1 2 3; do
		eval "wait \$pid$who" || fail "$*: process $who" err$who
	done
	run 0 "$*: directory and ledger agree" "$tofs" --verify -d d
	check "$*: no temporary is left" test ! -e d/.praic-tmp
}
together -f '%LSID%.%EXTENSION%'
check 'append: as many files as different contents' \
	test "$(find d -name '*.xml' | wc -l)" -eq "$(cat contents)"
check 'no content twice' test "$(sha256sum d/*.xml | cut -c 1-64 | sort -u | wc -l)" -eq "$(cat contents)"
check 'no name printed twice' test "$(sort out? | uniq -d | wc -l)" -eq 0
check 'all names printed' test "$(cat out? | wc -l)" -eq "$(cat contents)"
check 'a ledger line for each' test "$(wc -l <d/.praic-ledger)" -eq "$(($(cat contents) + 1))"
together -f x.xml
check 'append under one name: no file lost' \
	test "$(find d -name '*.xml' | wc -l)" -eq "$(cat contents)"
check 'without gaps in the numbers' test -f d/x.$(($(cat contents) - 1)).xml
together -c overwrite -f '%EXTERNAL_KEY%/%LSID%-%KIND%%INSTANCE%.%EXTENSION%'
check 'overwrite: one of each' test "$(find d -name '*.xml' | wc -l)" -eq 100
together -c skip -f '%LSID%-%KIND%-%INSTANCE%-%START_DATE%.%EXTENSION%'
check 'skip: one of each' test "$(find d -name '*.xml' | wc -l)" -eq 100

# --verify while another process stores: it never reports a fault.
rm -rf d
mkdir d
(for n in 1 2 3 4 5 6; do
	sed "s/support/s$n/" 0.rec | "$tofs" -d d -c overwrite \
		-f '%LSID%-%KIND%-%INSTANCE%.%EXTENSION%' >/dev/null 2>>err
done; : >finished) &
while [ ! -e d/.praic-ledger ]; do sleep 0.01; done
rounds=0
while [ ! -e finished ]; do
	"$tofs" --verify -d d >out 2>&1 || fail 'verify beside a writer' out
	rounds=$((rounds + 1))
done
wait
check 'verified while files are stored and replaced' test $rounds -gt 2

# A process does not remove temporary files of another that still runs.
rm -rf d
mkdir d fifo
mkfifo pipe
"$tofs" -d d -f '%LSID%.%EXTENSION%' pipe >slow.out 2>slow.err &
slow=$!
python3 - <<'EOF'
import os
import subprocess
import sys
import time
from records import *
out = open('pipe', 'wb')
s = Report(out)
s.session('first')
s.begin('big')
s.row('session_event', seq=1, type='x')
body = 'y' * 600000
xml = '<session xmlns="%s">%s</session>' % (URI, body)
for i in range(0, 500000, PIECE):
    s.line('X', xml[i:i + PIECE])
out.flush()
for _ in range(500):
    if os.path.isdir('d/.praic-tmp') and os.listdir('d/.praic-tmp') and os.path.exists('d/first.xml'):
        break
    time.sleep(0.01)
else:
    sys.exit('a complete session is not stored while no more input comes')
subprocess.run([os.environ['tofs'], '-d', 'd', '0.rec'], check=True, stdout=subprocess.DEVNULL)
assert os.listdir('d/.praic-tmp')
for i in range(i + PIECE, len(xml), PIECE):
    s.line('X', xml[i:i + PIECE])
s.end(len(xml))
s.__exit__(None)
out.close()
EOF
check 'a process with slow input stores complete sessions at once' test $? -eq 0
wait $slow
check 'it exits with 0' test $? -eq 0
check 'its file is stored' test "$(wc -c <d/big.xml)" -gt 600000
check 'no temporary file is left' test ! -e d/.praic-tmp
done_testing
