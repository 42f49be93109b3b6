#!/bin/sh
# praic-tofs: names from untrusted values.  All sessions are stored inside of the
# directory, under different names that are valid on Linux and Windows.
# On /dev/shm if it exists: the test makes thousands of files.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

export PYTHONPATH="$data/tofs"
count=2000
[ -z "${PRAIC_LONG-}" ] || count=10000

cat >hostile.py <<'EOF'
"""hostile(i): the i-th of many different hostile keys."""
BASE = [
    '../../etc/passwd', '/etc/passwd', '..', '.', '', '/', '//', '\\\\server\\share', 'a\u0080b',
    'a\nb\tc\rd', '%LSID%', '%%', '\U0001f4a3' * 75, '\U0001f4a3' * 80 + '.xml', '.hidden',
    '.praic-ledger', '.praic-tmp/x', '-rf', '--', '- x', 'CON', 'con.xml', 'NUL', 'aux.',
    'COM1', 'LPT9.txt', 'COM\u00b9', 'trailing ', 'trailing.', 'trailing. . ', ' leading',
    'Name', 'NAME', 'name', 'nAmE', 'na\u0308me', 'n\u00e4me', 'N\u00c4ME', '<>:"|?*', 'a:b',
    '\u009b2J', '\x7f', '\u0085', '\u202egnp.exe', '\ufeff', '\u200b', '\ufffd', 'x~0123456789ab',
    '~0123456789ab', 'a' * 255, 'a' * 256, 'a' * 300, '\u00e9' * 150, 'x' * 239 + '.xml',
    '.' * 300, ' ' * 300, 'a/' * 200, '*', '`id`', '$(id)', "';--", '!', '\u2028', 'a\\nb',
]


def hostile(i):
    key = BASE[i % len(BASE)]
    n = i // len(BASE)
    if n == 0:
        return key
    return (key + str(n), str(n) + key, key + '/' + str(n), key + '\n' * (n % 9) + str(n))[n % 4]
EOF
python3 - $count >hostile.rec <<'EOF'
import sys
from records import *
from hostile import *
with Report() as s:
    for i in range(int(sys.argv[1])):
        # the lsid is hostile as well
        s.session('%d%s' % (i, hostile(i)) if i % 3 else '%032x' % i, external_key=hostile(i))
EOF

cat >judge.py <<'EOF'
"""Are the names in a directory such as any file system can keep?"""
import os
import re
import sys
from hostile import *
DEVICE = re.compile(r'(CON|PRN|AUX|NUL|COM[0-9\xb9\xb2\xb3]|LPT[0-9\xb9\xb2\xb3]|CONIN\$|CONOUT\$)'
                    r' *(\.|$)', re.I)
BAD = re.compile('[\0-\x1f\x7f-\x9f<>:"|?*\\\\\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]')
count, fold = int(sys.argv[2]), sys.argv[3] == 'yes'
found = []
for where, folders, files in os.walk(sys.argv[1].encode()):
    for name in folders + files:
        if name.startswith(b'.praic-'):
            continue
        text = name.decode()    # fails if it is not UTF-8
        if (len(name) > 255 or text[0] in '.-' or text[-1] in ' .' or BAD.search(text)
                or DEVICE.match(text)):
            print('bad name', ascii(text))
    found += [os.path.join(where, f) for f in files if not f.startswith(b'.praic-')]
if len(found) != count:
    print(len(found), 'files for', count, 'sessions')
lower = set(f.decode().casefold() for f in found)
if fold and len(lower) != count:
    print(count - len(lower), 'names differ in case only')
EOF

# try NAME OPTIONS: store, check the names, verify, store again
try() {
	rm -rf d outside
	mkdir d outside
	# A hard link under the other case makes the file system look case-insensitive.
	[ "${fold-}" != yes ] || { : >d/.praic-ledger && ln d/.praic-ledger d/.PRAIC-LEDGER; }
	name=$1
	shift
	run 0 "$name" "$tofs" -d d "$@" hostile.rec
	silent 'prints no message'
	cp out names
	rm -f d/.PRAIC-LEDGER
	check 'the names are valid' test -z "$(python3 judge.py d $count "${fold-no}" | tee err)"
	check 'a line was printed for each' test "$(wc -l <names)" -eq $count
	check 'all are different' test "$(sort -u names | wc -l)" -eq $count
	check 'the ledger has all' test "$(wc -l <d/.praic-ledger)" -eq $((count + 1))
	run 0 '--verify finds no fault' "$tofs" --verify -d d
	[ ! -s err ] || fail '--verify prints no message' err
	[ "${fold-}" != yes ] || ln d/.praic-ledger d/.PRAIC-LEDGER
	run 0 'the same again' "$tofs" -d d "$@" hostile.rec
	check 'stores nothing new' test ! -s out
}

try 'the key alone' -f '%EXTERNAL_KEY%'
try 'the key and an extension' -f '%EXTERNAL_KEY%.%EXTENSION%'
try 'folders of keys' -f '%EXTERNAL_KEY%/%LSID%.%EXTENSION%'
try 'all at once' -f '%EXTERNAL_KEY%%SESSION_TYPE%%EXTERNAL_KEY%-%LSID%.%EXTENSION%'
try 'overwriting' -c overwrite -f '%EXTERNAL_KEY%-%LSID%-%KIND%-%INSTANCE%.%EXTENSION%'
fold='yes'
try 'a case-insensitive file system' -c skip \
	-f '%EXTERNAL_KEY%/%LSID%-%KIND%-%INSTANCE%-%START_DATE%.%EXTENSION%'
check 'nothing is written outside' test -z "$(ls -A outside)"

# The names must not change: existing archives use them.
python3 - >some.rec <<'EOF'
from records import *
with Report() as s:
    for i, key in enumerate(['../../etc/passwd', 'CHG-2026-0042', 'CON', '-rf', '', 'tail.',
                             'a b', '\U0001f4a3' * 75, 'x~0123456789ab', '.praic-ledger']):
        s.session('%032x' % i, external_key=key)
EOF
mkdir e
run 0 'some names' "$tofs" -d e -f '%EXTERNAL_KEY%.%EXTENSION%' some.rec
golden 'are unchanged' tofs/names.txt
mkdir f
run 0 'with an lsid' "$tofs" -d f -f '%LSID%-%EXTERNAL_KEY%.%EXTENSION%' some.rec
golden 'which is not shortened' tofs/names-lsid.txt

# A directory on a case-insensitive file system, if one can be mounted.
if [ "$(id -u)" -eq 0 ] && truncate -s 64M vfat.img && mkfs.vfat vfat.img >/dev/null 2>&1 &&
	mkdir vfat && mount -o loop,iocharset=utf8 vfat.img vfat 2>/dev/null; then
	# shellcheck disable=SC2016
	at_exit='umount "$work/vfat"'
	run 0 'a vfat file system' "$tofs" -d vfat \
		-f '%EXTERNAL_KEY%/%LSID%.%EXTENSION%' hostile.rec
	run 0 'verified' "$tofs" --verify -d vfat
	check 'all are stored' test "$(find vfat -name '*.xml' | wc -l)" -eq $count
fi
done_testing
