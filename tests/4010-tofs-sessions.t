#!/bin/sh
# praic-tofs: saved session XML, names, modes and replacement values.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

export PYTHONPATH="$data/tofs"
mkdir d

# The document is saved byte for byte, with any kind of namespace declaration.
python3 - <<'EOF'
import os
from records import *
os.mkdir('want')
uri = 'http://example.org/a?b&amp;c'
xml = {
    'plain': ('<session lsid="plain"><a/></session>', None, ''),
    'default': ('<session lsid="default" xmlns="%s" x=">"><a/></session>' % uri, uri, ''),
    'prefixed': ('<bt:session xmlns="urn:other" xmlns:b="urn:b" xmlns:bt="%s" lsid="prefixed"\n'
                 '><bt:a>\t\r\n\\</bt:a></bt:session>' % uri, uri, 'bt'),
    'empty': ('<session xmlns="%s"/>' % uri, uri, ''),
    # An attribute value that looks like a declaration.
    'tricky': ("<session a=' xmlns=\"urn:x\" ' b='>' xmlns = \"%s\">\u20ac\U0001f642</session>"
               % uri, uri, ''),
    # The start tag does not fit into one X line.
    'wide': ('<session a="%s" xmlns="%s"><a/></session>' % ('w' * 70000, uri), uri, ''),
    'big': ('<session xmlns="%s" lsid="big">%s</session>' % (uri, 'b\u00e4' * 400000), uri, ''),
}
with Report(open('in.rec', 'wb')) as s:
    for lsid, (text, u, prefix) in xml.items():
        s.session(lsid, xml=text)
        with open('want/access.example.com-support-%s.xml' % lsid, 'wb') as f:
            f.write(saved(text, uri=u, prefix=prefix))
    s.out.flush()
with Report(open('single.rec', 'wb')) as s:
    s.session('tricky', xml=xml['tricky'][0])
EOF
run 0 'sessions are saved' "$tofs" -d d in.rec
silent 'prints no message'
ls want >want.txt
sort out >sorted.txt
same 'under the default names, which are printed' want.txt sorted.txt
for f in want/*; do
	check "${f#want/}, byte for byte" cmp "$f" "d/${f#want/}"
done
mkdir e
run 0 'a session alone' "$tofs" -d e single.rec
check 'gives the same bytes' cmp e/*tricky.xml d/*tricky.xml
check 'its mode is 0600' test "$(stat -c %a e/*tricky.xml)" = 600
check 'the ledger has the same mode' test "$(stat -c %a e/.praic-ledger)" = 600
check 'there are no other files' test "$(find e | wc -l)" -eq 3
run 0 'the same again' "$tofs" -d d in.rec
check 'stores nothing new' test ! -s out
mkdir shared
run 0 'files that others may write' "$tofs" -d shared -m 666 -f 'a/%LSID%.%EXTENSION%' in.rec
"$tofs" -d shared -m 666 -f 'a/%LSID%.%EXTENSION%' in.rec	# again: that needs the index
(cd shared && stat -c '%a %n' .praic-ledger .praic-index a) >modes
stat -c '%a' shared/a/*.xml | sort -u >>modes
same 'but not the ledger, index and folders' - modes <<'EOF'
644 .praic-ledger
644 .praic-index
755 a
666
EOF
run 0 'another mode' "$tofs" -d e -m 640 -f 'a/%LSID%.%EXTENSION%' in.rec
check 'for files' test "$(stat -c %a e/a/big.xml)" = 640
check 'for folders' test "$(stat -c %a e/a)" = 750
run 0 'praic-split reads a saved session' "$split" d/access.example.com-support-big.xml
cp out again.rec
mkdir f
run 0 'its records are saved again' "$tofs" -d f -p -f '%LSID%.%EXTENSION%' again.rec
run 0 'praic-split reads that file as well' "$split" "f/$(cat out)"
same 'the records are the same' again.rec out

# Values of all replacement names.
python3 - >values.rec <<'EOF'
from records import *
with Report() as s:
    s.session('L%LSID%', lseq=7, external_key='K%%', type='t', end_time=None)
EOF
mkdir v
f='%LSEQ%_%LSID%_%EXTERNAL_KEY%_%SESSION_TYPE%_%SUPPORT_SITE_HOST%_%INSTANCE%_%KIND%_%START_DATE%_100%%'
run 0 'all replacement names' "$tofs" -d v -p -f "$f.%EXTENSION%" values.rec
same 'are replaced, once' - out <<'EOF'
7_L%LSID%_K%%_t_access.example.com__session_20260101T100000Z_100%.xml
EOF

# A refused input makes no ledger.
mkdir refused
echo '<x/>' >in.xml
printf 'praic-records\t2\n' >in.two
for in in in.xml in.two; do
	run 64 "$in is refused" "$tofs" -d refused $in
	ls -A refused >left
	silent "and leaves no file" left
done
done_testing
