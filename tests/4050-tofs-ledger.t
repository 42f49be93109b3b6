#!/bin/sh
# praic-tofs: the ledger, and --verify.
# On /dev/shm if it exists: the test makes thousands of files.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

export PYTHONPATH="$data/tofs"
python3 "$data/tofs/records.py" 20 >20.rec
python3 "$data/tofs/records.py" 25 >25.rec
f=a/%LSID%.%EXTENSION%
n7=a/00000000000000000000000000000007.xml
n8=a/00000000000000000000000000000008.xml

# Computes the chain as the manual page describes it.
cat >chain.py <<'EOF'
import hashlib
import sys
lines = open(sys.argv[1], 'rb').read().split(b'\n')
assert lines.pop() == b''
chain = hashlib.sha256(lines[0]).hexdigest().encode()
torn = b''
for line in lines[1:]:
    fields = line.split(b'\t')
    if len(fields) != 9 or len(fields[8]) != 64:
        torn += line + b'\n'
        continue
    chain = hashlib.sha256(chain + torn + line[:-65]).hexdigest().encode()
    assert chain == fields[8], line
    torn = b''
EOF
fresh() {
	rm -rf d
	mkdir d
	"$tofs" -d d -f "$f" 20.rec >out 2>err || fail 'storing 20 sessions' err
}
# finds CODE NAME <<lines: --verify exits with this code and prints these lines
finds() {
	run "$1" "$2" "$tofs" --verify -d d
	sort out >sorted
	same "$2: the lines" - sorted
}

fresh
finds 0 'an unchanged store' </dev/null
silent 'no message'
run 0 'with -v' "$tofs" --verify -d d -v
says 'prints a summary' '20 files'
says 'with the last chain' "$(tail -c 65 d/.praic-ledger)"
check 'the chain agrees with the manual page' python3 chain.py d/.praic-ledger

rm d/$n7
finds 65 'a file is missing' <<EOF
missing	$n7
EOF
run 0 'a rerun' "$tofs" -d d -f "$f" 20.rec
same 'restores it' - out <<EOF
$n7
EOF
finds 0 'nothing is wrong afterwards' </dev/null
printf x >>d/$n7
finds 65 'a file has grown' <<EOF
changed	$n7
EOF
fresh
sed -i s/xxx/yyy/ d/$n7
finds 65 'a file was altered' <<EOF
changed	$n7
EOF
fresh
mv d/$n7 d/x
mv d/$n8 d/$n7
mv d/x d/$n8
finds 65 'two files were exchanged' <<EOF
changed	$n7
changed	$n8
EOF
fresh
rm d/$n7
mkfifo d/$n7
rm d/$n8
ln -s /etc/passwd d/$n8
mkdir d/b
ln -s / d/b/root
echo x >d/b/stranger
printf x >"d/$(printf 'new\nline\033\377')"
finds 65 'links, fifos and unknown files' <<EOF
changed	$n7
changed	$n8
unknown	b/root
unknown	b/stranger
unknown	new\\x0aline\\x1b\\xff
EOF
fresh
mv d/a d/b
check 'a renamed folder: 40 lines' test "$("$tofs" --verify -d d | wc -l)" -eq 40

# The ledger itself.
fresh
cp d/.praic-ledger whole
sed -i 9d d/.praic-ledger
finds 65 'a line was taken out' <<EOF
ledger	line 9
unknown	$n7
EOF
sed '9s/xample/XAMPLE/' whole >d/.praic-ledger
finds 65 'a line was altered' <<EOF
ledger	line 9
EOF
sed '9s/.*/garbage/' whole >d/.praic-ledger
finds 65 'a line was damaged' <<EOF
ledger	line 10
unknown	$n7
EOF
sed '9{h;d};10{G}' whole >d/.praic-ledger
check 'lines were exchanged' test "$("$tofs" --verify -d d | grep -c ledger)" -ge 2
sed 21d whole >d/.praic-ledger
finds 65 'the last line was taken out' <<EOF
unknown	a/00000000000000000000000000000013.xml
EOF
sed 's/ledger/LEDGER/' whole >d/.praic-ledger
check 'an invalid ledger' test "$("$tofs" --verify -d d | head -n 1)" = 'ledger	line 1'
run 73 'nothing is added to it' "$tofs" -d d -f "$f" 20.rec
rm d/.praic-ledger
finds 65 'no ledger, but files' <<EOF
missing	.praic-ledger
EOF
mkdir empty
run 66 'neither ledger nor files' "$tofs" --verify -d empty

# The head: number of lines and last chain.
run 66 'no head without a ledger' "$tofs" --print-head -d empty
fresh
run 0 '--print-head' "$tofs" --print-head -d d
echo "20:$(tail -n 1 d/.praic-ledger | cut -f 9)" >want
same 'prints the number and the last chain' want out
head=$(cat out)
run 64 'a bad head' "$tofs" --head "${head%?}" --verify -d d
run 0 '--head with --verify' "$tofs" --head "$head" --verify -d d
run 0 '--head before storing' "$tofs" --head "$head" -d d -f "$f" 25.rec
check 'stores the new files' test "$(wc -l <out)" -eq 5
run 0 'the old head is still part of the ledger' "$tofs" --head "$head" --verify -d d
printf 'torn by a cra' >>d/.praic-ledger
run 0 'a torn line' "$tofs" --print-head -d d
echo "25:$(tail -n 2 d/.praic-ledger | head -n 1 | cut -f 9)" >want
same 'is not counted' want out
old=$(cat out)
cp d/.praic-ledger longer
head -n 15 longer >d/.praic-ledger
run 65 'a ledger that was shortened' "$tofs" --head "$head" --left-out list -d d -f "$f" 20.rec
says 'is detected' 'is no part of it'
cut -f 3,5 list >got
printf 'ledger\thead\n' >want
same 'and listed' want got
check 'the sessions are stored nevertheless' test "$(wc -l <d/.praic-ledger)" -ge 21
fresh
run 65 'a ledger that was written again' "$tofs" --head "$old" --verify -d d
printf 'head\t%s\n' "$old" >want
same 'is detected by --verify' want out
rm -rf d
mkdir d
run 65 'a store that was emptied' "$tofs" --head "$head" -d d -f "$f" 20.rec
check 'the sessions are stored nevertheless' test "$(wc -l <out)" -eq 20
run 0 'the head of an empty ledger' "$tofs" --verify -d d --head \
	"0:$(printf 'praic-ledger\t1' | sha256sum | cut -c 1-64)"

# Retention removes only backups: a removal line of another kind is forged.
fresh
python3 - d/.praic-ledger <<'EOF'
import hashlib, sys
last = open(sys.argv[1], 'rb').read().split(b'\n')[-2].split(b'\t')
line = b'\t'.join(last[:6] + [b'-', b'-'])
chain = hashlib.sha256(last[8] + line).hexdigest().encode()
open(sys.argv[1], 'ab').write(line + b'\t' + chain + b'\n')
EOF
rm "d/$(tail -n 1 d/.praic-ledger | cut -f 6)"
finds 65 'a removal line of a session with a valid chain' <<EOF
ledger	line 22
EOF
: >d/.praic-ledger
finds 65 'an empty one' <<EOF
$(find d/a -type f | sort | sed 's,^d/,unknown	,')
EOF

# A crash truncated the last line, at each of its bytes: it is closed and skipped.
tail -n 1 whole >last
size=$(wc -c <whole)
for cut in 1 2 63 64 65 66 100 "$(($(wc -c <last) - 1))" "$(wc -c <last)"; do
	rm -rf d
	mkdir d
	"$tofs" -d d -f "$f" 20.rec >/dev/null
	head -c "$((size - cut))" d/.praic-ledger >torn
	cp torn d/.praic-ledger
	run 0 "torn $cut bytes before its end" "$tofs" -d d -f "$f" 25.rec
	check 'the new ones are stored' test "$(wc -l <out)" -eq 5
	finds 0 'verified' </dev/null
	check 'the chain is valid' python3 chain.py d/.praic-ledger
	run 0 'the same again' "$tofs" -d d -f "$f" 25.rec
	check 'stores nothing new' test ! -s out
done
# Truncated twice; and zeros, as some file systems leave them.
printf 'torn' >>d/.praic-ledger
"$tofs" -d d -f 'b/%LSID%' 20.rec >/dev/null
head -c 5000 /dev/zero >>d/.praic-ledger
"$tofs" -d d -f 'c/%LSID%' 20.rec >/dev/null
finds 0 'torn twice' </dev/null
check 'the chain is valid' python3 chain.py d/.praic-ledger
sed -i 's/^torn$/TORN/' d/.praic-ledger
check 'the chain covers the truncated line as well' \
	test "$("$tofs" --verify -d d | grep -c ledger)" -eq 1
# The first line of the ledger, truncated at each byte.
for cut in 0 1 5 13 14; do
	rm -rf d
	mkdir d
	head -c $cut whole >d/.praic-ledger
	run 0 "a head of $cut bytes" "$tofs" -d d -f "$f" 20.rec
	finds 0 'is completed' </dev/null
done

# The index can be rebuilt: missing, truncated, garbage, or of another ledger.
fresh
"$tofs" -d d -f "$f" 20.rec >out
cp d/.praic-index good
for what in gone cut empty garbage zeros other old full foreign page folder; do
	case $what in
	gone) rm d/.praic-index ;;
	cut) head -c 5000 good >d/.praic-index ;;
	empty) : >d/.praic-index ;;
	garbage) head -c 70000 /dev/urandom >d/.praic-index ;;
	# The table of praic 1.0, without an empty slot.
	old) python3 -c 'import sys
head = b"praicix1" + b"".join(n.to_bytes(8, "big") for n in (4096, 4095, 1)) + bytes(64)
sys.stdout.buffer.write(head.ljust(4096, b"\0") + b"\1" * 16 * 4096)' >d/.praic-index ;;
	full) python3 -c 'import sqlite3
db = sqlite3.connect("d/.praic-index")
db.execute("DELETE FROM line")
db.execute("UPDATE state SET tail = 0")
db.commit()' ;;
	foreign) rm d/.praic-index && python3 -c 'import sqlite3
db = sqlite3.connect("d/.praic-index")
db.execute("CREATE TABLE line (x)")
db.commit()' ;;
	page) python3 -c '
f = open("d/.praic-index", "r+b")
f.seek(4096 * 2)
f.write(b"\377" * 16384)' ;;
	folder) rm d/.praic-index && mkdir d/.praic-index ;;
	zeros) head -c 4096 good >d/.praic-index && truncate -s "$(wc -c <good)" d/.praic-index ;;
	other)
		mkdir e
		"$tofs" -d e -f 'other/%LSID%' 25.rec >/dev/null
		"$tofs" -d e -f 'other/%LSID%' 25.rec >/dev/null
		cp e/.praic-index d
		;;
	esac
	run 0 "an index that is: $what" "$tofs" -d d -f "$f" 20.rec
	check 'stores nothing new' test ! -s out
	finds 0 'verified' </dev/null
done
# A path that is longer than SQLite allows.
rm -rf d
long=d/$(printf '%0200d/%0200d/%0200d' 0 0 0)
mkdir -p "$long"
run 0 'a long path' "$tofs" -d "$long" -f "$f" 20.rec
run 0 'again' "$tofs" -d "$long" -f "$f" 20.rec
check 'stores nothing new' test ! -s out
run 0 'verified' "$tofs" --verify -d "$long"
# A large index.
rm -rf d
mkdir d
python3 "$data/tofs/records.py" 9000 >9000.rec
run 0 'nine thousand' "$tofs" -d d -f "$f" 9000.rec
run 0 'again' "$tofs" -d d -f "$f" 9000.rec
check 'stores nothing new' test ! -s out
run 0 'under other names' "$tofs" -d d -f 'b/%LSID%' 9000.rec
run 0 'again' "$tofs" -d d -f 'b/%LSID%' 9000.rec
check 'stores nothing new' test ! -s out
finds 0 'verified' </dev/null
# shellcheck disable=SC2016
run 74 'a full standard output' sh -c '"$tofs" --verify -d d -v >/dev/full; rm -f d/a/*7.xml
	"$tofs" --verify -d d >/dev/full'

# Values that are escaped in the ledger.
python3 - >odd.rec <<'EOF'
from records import *
with Report() as s:
    s.session('tab\tlf\ncr\rback\\slash')
    s.session('l' * 4096)
EOF
rm -rf d
mkdir d
run 0 'values with escapes' "$tofs" -d d odd.rec
finds 0 'verified' </dev/null
check 'are in one line' grep -qF 'tab\tlf\ncr\rback\\slash' d/.praic-ledger
run 64 'verify stores nothing' "$tofs" --verify -d d odd.rec
done_testing
