#!/bin/sh
# praic-tofs: names that are already taken.  The vendor's guide, chapter "File System
# Plugin Settings", defines append (AppendNumber), overwrite and skip; its example is
# the first test.
# On /dev/shm if it exists: the test makes thousands of files.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

export PYTHONPATH="$data/tofs"

# versions NAME BODY...: a stream with the session 1234 for each body
for body in one two three four; do
	python3 - "$body" >"$body.rec" <<'EOF'
import sys
from records import *
with Report() as s:
    s.session('1234', body=sys.argv[1])
EOF
done
base=access.example.com-support-1234

# stores OPTIONS FILE <<names: praic-tofs exits with 0 and prints exactly these names
stores() {
	# shellcheck disable=SC2086
	run 0 "$1 $2" "$tofs" -d d $1 "$2"
	same "$1 $2: the names" - out
}
holds() {
	check "$1 holds $2" grep -q ">$2<" "d/$1"
}
agrees() {
	run 0 'directory and ledger agree' "$tofs" --verify -d d
}
fresh() {
	rm -rf d
	mkdir d
}

fresh
stores '' one.rec <<EOF
$base.xml
EOF
stores '' two.rec <<EOF
$base.1.xml
EOF
stores '' three.rec <<EOF
$base.2.xml
EOF
stores '' two.rec </dev/null
stores '' one.rec </dev/null
cat one.rec two.rec three.rec four.rec two.rec >all.rec
stores '' all.rec <<EOF
$base.3.xml
EOF
holds $base.xml one
holds $base.3.xml four
agrees
rm d/$base.1.xml
stores '' one.rec </dev/null
stores '' two.rec <<EOF
$base.1.xml
EOF
holds $base.1.xml two
agrees
# A name without a dot, and one with a dot in the folder only.
stores '-f a.b/%LSID%' all.rec <<EOF
a.b/1234
a.b/1234.1
a.b/1234.2
a.b/1234.3
EOF
stores '-f a.b/%LSID%' all.rec </dev/null
# Without ledger and index praic-tofs compares the contents.
rm d/.praic-index
stores '' all.rec </dev/null
mv d/.praic-ledger old
stores '' all.rec </dev/null
stores '-f a.b/%LSID%' all.rec </dev/null
agrees
check 'the ledger has a line for each file again' test "$(wc -l <d/.praic-ledger)" -eq 9

# Files of others are not touched.
fresh
echo foreign >d/$base.xml
mkdir d/$base.1.xml
ln -s /dev/null d/$base.2.xml
mkfifo d/$base.3.xml
stores '' one.rec <<EOF
$base.4.xml
EOF
stores '' one.rec </dev/null
same 'a foreign file' - d/$base.xml <<EOF
foreign
EOF

fresh
stores '-c overwrite' one.rec <<EOF
$base.xml
EOF
before=$(stat -c %i d/$base.xml)
stores '-c overwrite' one.rec </dev/null
check 'not written again' test "$before" = "$(stat -c %i d/$base.xml)"
stores '-c overwrite' two.rec <<EOF
$base.xml
EOF
holds $base.xml two
stores '-c overwrite' all.rec <<EOF
$base.xml
$base.xml
$base.xml
$base.xml
$base.xml
EOF
holds $base.xml two
agrees
echo altered >d/$base.xml
stores '-c overwrite' two.rec <<EOF
$base.xml
EOF
holds $base.xml two
agrees
rm d/$base.xml
ln -s "$work/one.rec" d/$base.xml
cp one.rec copy
stores '-c overwrite' two.rec <<EOF
$base.xml
EOF
check 'a link was replaced' test ! -L d/$base.xml
same 'its target was not' copy one.rec
rm d/$base.xml
mkdir d/$base.xml
run 65 'a folder in the way' "$tofs" -d d -c overwrite all.rec
says 'is named' $base.xml

fresh
stores '-c skip' one.rec <<EOF
$base.xml
EOF
stores '-c skip' two.rec </dev/null
stores '-c skip' all.rec </dev/null
holds $base.xml one
agrees
echo foreign >d/$base.xml
stores '-c skip' two.rec </dev/null
same 'and left unchanged' - d/$base.xml <<EOF
foreign
EOF
rm d/$base.xml d/.praic*
mkdir d/$base.xml
run 65 'skip: a folder is no file' "$tofs" -d d -c skip two.rec

# The names of the guide for these choices.
for c in AppendNumber Overwrite Skip; do
	fresh
	"$tofs" -d d -c $c one.rec >/dev/null
	run 0 "-c $c" "$tofs" -d d -c $c two.rec
	(cd d && cat ./*.xml | grep -oE '>(one|two)<') >>guide
done
printf '%s\n' '>two<' '>one<' '>two<' '>one<' >want
same 'have the same effect' want guide
run 64 'another name is an error' "$tofs" -d d -c immutable one.rec

# Many files of one name: each gets a number; the time grows in proportion.
python3 - >many.rec <<'EOF'
from records import *
with Report() as s:
    for i in range(3000):
        s.session('%d' % i, body=str(i))
EOF
fresh
run 0 'many sessions of one name' "$tofs" -d d -f x.xml many.rec
check 'as many files' test "$(find d -name 'x*.xml' | wc -l)" -eq 3000
check 'without gaps in the numbers' test -f d/x.2999.xml
run 0 'the same again' "$tofs" -d d -f x.xml many.rec
check 'stores nothing new' test ! -s out
agrees
done_testing
