#!/bin/sh
# praic-tohtml: the pages have the values of the records and are valid HTML for any
# text; a directory of pages keeps the newer copy of a session.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

# valid NAME FILES: tidy must not even warn.
valid() {
	if command -v tidy >/dev/null; then
		check "$1" sh -c 'for f; do tidy -q -e --drop-empty-elements no "$f" >tidy.txt 2>&1 || { echo "$f"; cat tidy.txt; exit 1; }; done' - $2
	fi
}
command -v tidy >/dev/null || echo '# tidy is not installed: pages are not validated'

tree() {
	(cd "$1" && find . -name '*.html' | sort | xargs sha256sum)
}

python3 "$top/tests/appliance" generate --sessions 40 >some.xml
"$split" -H def.example some.xml >some.rec

# One page on standard output, for all kinds of reports.
for file in "$data"/split/*.xml "$top"/tests/fuzz/corpus/*.xml some.xml; do
	"$split" -H def.example "$file" >rec 2>rec.err
	code=$?
	[ $code -ne 64 ] || [ -s rec ] || continue
	[ $code -ne 64 ] || code=75
	pipe $code "${file##*/}" rec "$tohtml"
	check "  one article for each session" test "$(grep -c '^<article>$' out)" -eq "$(awk '
		$1 == "S" { open = 1 } $1 == "E" { n += open; open = 0 } END { print n + 0 }' FS='\t' rec |
		{ read -r n; [ $code -ne 65 ] && echo "$n" || grep -c '^<article>$' out; })"
	valid "  it is valid" out
done

run 0 "a session" sh -c '"$0" -k 0f1e2d3c4b5a69788796a5b4c3d2e1f0 "$1" | "$2"' \
	"$split" "$data/split/pra.xml" "$tohtml"
says "  who" '<dt>Who</dt><dd><strong><bdi>Ines Brandão (OT)</bdi></strong> · <bdi>ibrandao</bdi>' out
says "  where" '<dt>Where</dt><dd><strong><bdi>pump-07</bdi></strong>' out
says "  when" '<time datetime="2025-03-31T09:15:00Z">2025-03-31 09:15:00</time> – <time datetime="2025-03-31T10:15:03Z">10:15:03</time> UTC · <bdi>01:00:03</bdi>' out
says "  why" '<dt>Work order</dt><dd>WO-7731 &amp; follow-up</dd>' out
says "  the file that moved" '<span class="file">C:\scada\log.csv</span> <span class="size">6.4 GB (6442450944 bytes)</span>' out
says "  what was taken, on the first screen" '<dt>Downloaded</dt><dd><bdi>C:\scada\log.csv</bdi></dd>' out
says "  who took it" '<b>File Download</b> <bdi class="other">pump-07</bdi> → <bdi class="to">Ines Brandão (OT)</bdi> <span class="file">C:\scada' out
says "  what was said" '&quot;until Monday&quot; \o/</div>' out
says "  since the start" '<time datetime="2025-03-31T09:18:20Z">09:18:20</time><i>0:03:20</i> <b>File Download</b>' out
says "  the recordings" '<li><b>Recording of command shell 1</b>, on the appliance</li>' out
check "  nothing is loaded from elsewhere" sh -c '! grep -E "<(link|img|iframe|object|embed)|https?://" out'

# Command shells, tables of system information, long text.
python3 - >shell.rec <<'END'
print('praic-records\t1\nH\tsession\thost_name\tlsid\nH\tsession_event\tseq\ttype\tevent_time\tperformed_by\tperformed_by_type')
print('H\tsession_event_data\tevent_seq\tseq\tname\tvalue\nH\tsystem_information\tevent_seq\tcategory\tinformation\nS\th\ta')
for n, by, text in (1, 'representative', 'whoami &'), (2, 'customer', 'o' * 3000), (3, 'system', None):
    print('R\tsession_event\t%d\tRemote Shell Event\t2026-01-01T00:00:0%dZ\tAnn\t%s' % (n, n, by))
    if text:
        print('R\tsession_event_data\t%d\t1\ttext\t%s\nR\tsession_event_data\t%d\t2\tinstance\t0' % (n, text, n))
print('R\tsystem_information\t3\tDisks\t<row><field name="a&lt;b">1</field><field name="c">x &amp; y</field></row><row><field name="a&lt;b">2</field></row>')
print('R\tsystem_information\t3\tNone\t\nR\tsession\th\ta\nE\ta\t10\t0\nZ\t1\t0')
END
run 0 "commands" "$tohtml" shell.rec
says "  the typed line" '<li class="in"><a href="#e1">00:00:01</a> <code>whoami &amp;</code></li>' out
says "  its output" '<li class="out"><code>ooo' out
says "  the number of commands" '>1 command</a>' out
says "  long text is folded in the timeline" '… (3000 bytes)</summary>ooo' out
says "  system information: a header row" '<tr><th scope="col">a&lt;b</th><th scope="col">c</th></tr>' out
says "  and data rows" '<tr><td>1</td><td>x &amp; y</td></tr>' out
says "  or a text for none" '<p>Nothing.</p>' out
valid "  it is valid" out

# The content security policy allows only the style and the script of the page.
python3 - out <<'END' >hashes 2>&1
import base64, hashlib, re, sys
page = open(sys.argv[1], encoding='utf-8').read()
policy = re.search('content="(default-src [^"]*)"', page).group(1)
for name in 'style', 'script':
    text, = re.findall('<%s>(.*?)</%s>' % (name, name), page, re.S)
    hash = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    print("%s-src 'sha256-%s'" % (name, hash) in policy)
print(policy.startswith("default-src 'none'; media-src 'self'; base-uri 'none'; form-action 'none'; "))
print('unsafe' in policy, len(re.findall(' style=| on[a-z]+=', page)))
END
printf 'True\nTrue\nTrue\nFalse 0\n' >want
same "  their hashes are in the policy, and there is no inline code" want hashes

# Invisible characters are shown.
python3 - >odd.rec <<'END'
print('praic-records\t1\nH\tsession\thost_name\tlsid\nH\tcustomer\tdisplay_name\nS\th\ta')
print('R\tcustomer\tabc\u202egpj.exe \u200b\u0085\ufeff\U000e0041 <b>&amp;\'"x"\\r\\ny\nR\tsession\th\ta\nE\ta\t2\t0\nZ\t1\t0')
END
run 0 "invisible characters" "$tohtml" odd.rec
says "  are shown" '<bdi>abc<u>U+202E</u>gpj.exe <u>U+200B</u><u>U+0085</u><u>U+FEFF</u><u>U+E0041</u> &lt;b&gt;&amp;amp;&#39;&quot;x&quot;' out
says "  also in the title" '<title>abc[U+202E]gpj.exe [U+200B]' out
valid "  it is valid" out

# A directory of pages.
mkdir d
run 0 "into a directory" "$tohtml" -d d some.rec
silent "  no message"
silent "  and no output" out
check "  a page for each session, an index of the month, an index of all" test \
	"$(find d -name '*.html' | wc -l)" -eq 42 -a -f d/index.html -a -f d/def.example/2025/12/index.html
valid "  all are valid" "$(find d -name '*.html' | tr '\n' ' ')"
check "  only the owner may read them" test -z "$(find d -perm /077 ! -path d)"
check "  all are in the month's index" test \
	"$(grep -c '<a href="[0-9a-f]*.html">' d/def.example/2025/12/index.html)" -eq 40
says "  the number of sessions" '<b>40</b> sessions' d/index.html
tree d >one
touch -d '2020-01-01' d/index.html d/def.example/2025/12/*.html d/.praic-tohtml
run 0 "the same input again" "$tohtml" -v -d d some.rec some.rec
says "  all pages exist" '0 pages written, 80 were there already'
check "  no file is written" test -z "$(find d -type f -newermt '2020-01-02' ! -name '*-lock' ! -name '*-journal')"
mkdir e
awk '/^(praic-records|H)/ { print } /^S/ { n++ } n > 0 && n <= 25' FS='\t' some.rec >part.rec
run 75 "a truncated input" "$tohtml" -d e part.rec
check "  complete sessions have pages" test "$(grep -c '<a href="[0-9a-f]*.html">' e/def.example/2025/12/index.html)" -eq 25
run 0 "  the whole input" "$tohtml" -d e some.rec
tree e >two
same "  gives the same tree" one two
rm e/index.html e/def.example/2025/12/*a.html
run 0 "missing pages" "$tohtml" -d e some.rec
tree e >two
same "  are written again" one two
mkdir f
run 0 "one session at a time, the last one first" sh -c '
	for lsid in $(grep "^S" some.rec | cut -f 3 | tac); do
		"$0" -H def.example -k "$lsid" some.xml | "$1" -d f || exit
	done' "$split" "$tohtml"
tree f >two
same "  gives the same tree" one two

# Newer and older copies, compared as in praic-tosql.
# copy END EVENTS START NOTE: write the records of one session
copy() {
	printf 'praic-records\t1\nH\tsession\thost_name\tlsid\tstart_time\tend_time\texternal_key\n'
	printf 'H\tsession_event\tseq\ttype\nS\th.example\tl1\n'
	i=0
	while [ $i -lt "$2" ]; do i=$((i + 1)); printf 'R\tsession_event\t%d\tNone\n' $i; done
	printf 'R\tsession\th.example\tl1\t%s\t%s\t%s\nE\tl1\t%d\t0\nZ\t1\t0\n' "$3" "$1" "$4" $((i + 1))
}
mkdir g
page=g/h.example/2026/01/l1.html
at=2026-01-31T23:59:59Z
copy '\N' 3 $at OPEN3 >open3.rec
copy '\N' 2 $at OPEN2 >open2.rec
copy 2026-02-01T01:00:00Z 2 $at OVER2 >over2.rec
copy 2026-02-01T01:00:00Z 2 $at OTHER2 >other2.rec
copy 2026-02-01T01:00:00Z 3 2026-02-01T00:00:00Z MOVED >moved.rec
run 0 "a session in progress" "$tohtml" -d g open3.rec
says "  is marked on its page" 'In progress' $page
says "  and in the index" '<b>1</b> in progress' g/index.html
run 0 "an older copy" "$tohtml" -v -d g open2.rec
says "  changes nothing" OPEN3 $page
says "  is counted" '1 sessions were older'
run 0 "a copy with an end time and fewer events" "$tohtml" -d g over2.rec
says "  is newer" OVER2 $page
says "  the index follows" '<b>0</b> in progress' g/index.html
run 0 "a copy in progress with more events" "$tohtml" -d g open3.rec
says "  is older" OVER2 $page
run 0 "two copies of the same age in one input" "$tohtml" -d g over2.rec other2.rec
says "  the last one is kept" OTHER2 $page
run 0 "a copy with another start time" "$tohtml" -d g moved.rec
check "  moves the page" test ! -e $page -a -e g/h.example/2026/02/l1.html
check "  the indexes follow" sh -c '! grep -q l1 g/h.example/2026/01/index.html &&
	grep -q l1 g/h.example/2026/02/index.html && grep -q "<b>1</b> session," g/index.html'
check "  a day is counted once" test "$(grep -c '<title>2026-0[12]' g/index.html)" -eq 1

# Keys that are not valid file names.
mkdir k
python3 - >keys.rec <<'END'
print('praic-records\t1\nH\tsession\thost_name\tlsid\tstart_time')
keys = ['index', '../../x', '.', 'a/b', 'A' * 300, 'é', '<script>', 'ok', 'OK']
for k in keys:
    print('S\th\t%s\nR\tsession\th\t%s\t2026-01-01T00:00:00Z\nE\t%s\t1\t0' % (k, k, k))
print('S\t../h\tx\nR\tsession\t../h\tx\t\\N\nE\tx\t1\t0')
print('S\th\tnone\nR\tsession\th\tnone\t\\N\nE\tnone\t1\t0')
print('Z\t11\t0')
END
run 65 "a bad host name" "$tohtml" -d k keys.rec
check "  lsids that are not file names get one" test "$(find k/h/2026/01 -name '*.html' | wc -l)" -eq 10
check "  nothing is written outside of the directory" test "$(find k -name '*.html' | wc -l)" -eq 13
check "  a session without a start time has a page" test -f k/h/undated/none.html -a -f k/h/undated/index.html
check "  links lead to pages" python3 - k <<'END'
import os, re, sys, urllib.parse
bad = 0
for where, _, names in os.walk(sys.argv[1]):
    for n in names:
        if n.endswith('.html'):
            for href in re.findall(' href="([^"#][^"]*)"', open(os.path.join(where, n)).read()):
                to = os.path.join(where, urllib.parse.unquote(href))
                if not os.path.exists(to):
                    bad = 1
                    print(where, n, href)
sys.exit(bad)
END

# Recordings stored by praic-tofs, from its ledger.
mkdir spool kept h
PYTHONPATH="$data/tofs" python3 - >files.rec <<'END'
from records import *
with Files() as s:
    s.spool = 'spool'
    s.begin('0f1e2d3c4b5a69788796a5b4c3d2e1f0', 'access.example.com')
    s.spooled('recording', 'r', b'mp4', extension='mp4')
    s.spooled('shell', 's', b'FLV\1shell', instance=1)
    s.end()
END
"$split" "$data/split/pra.xml" >pra.rec
"$tofs" -d kept pra.rec >names
run 0 "with a ledger" "$tohtml" -d h --files kept pra.rec
page=h/access.example.com/2025/03/0f1e2d3c4b5a69788796a5b4c3d2e1f0.html
says "  the XML is linked" 'href="../../../../kept/access.example.com-support-0f1e2d3c4b5a69788796a5b4c3d2e1f0.xml"' $page
says "  with its digest" "<code>$(sha256sum "kept/$(grep 0f1e names)" | cut -d' ' -f 1)</code>" $page
says "  a recording that is not stored" '<b>Recording of the session</b>, not stored; the appliance had it' $page
cp -a h killed
"$tofs" -d kept -i spool -f 'recording=a b?&#%LSID%.%EXTENSION%' files.rec >names
run 0 "recordings stored since, from a stream of files" "$tohtml" -d h --files kept files.rec
check "  play in the page" grep -qE '<video [^>]* src="../../../../kept/a%20b_?[^"]*%23?[^"]*.mp4"' $page
says "  shell recordings are links" 'shell-1.flv</bdi></a>, 9 bytes' $page
says "  one is not stored" 'shell 0</b>, not stored' $page
says "  the index counts them" '2 recordings' h/access.example.com/2025/03/index.html
valid "  all are valid" "$(find h -name '*.html' | tr '\n' ' ')"
tree h >one
mkdir h2
"$tohtml" -d h2 --files kept pra.rec
tree h2 >two
same "  the same pages as in one run" one two
cp $page "killed/${page#h/}"
run 0 "after a run that was killed between a page and its row" "$tohtml" -d killed --files kept pra.rec
tree killed >two
same "  the same pages as in one run" one two
run 0 "  on standard output" "$tohtml" --files kept pra.rec
says "  they are linked as well" 'src="kept/a%20b' out
run 66 "a directory without a ledger" "$tohtml" -d h --files spool pra.rec
says "  is reported" 'spool/.praic-ledger: the ledger of praic-tofs'
mkdir none early
run 0 "praic-tofs has stored nothing yet" "$tohtml" -d early --files none pra.rec
check "  the pages are written" test "$(find early -name '*.html' | wc -l)" -eq "$(find h -name '*.html' | wc -l)"
run 0 "  later they link its files" "$tohtml" -d early --files kept pra.rec
tree early >two
same "  the same pages as in one run" one two
run 66 "a missing directory" "$tohtml" -d early --files nowhere pra.rec

# The rules for readers of record streams, and errors of the directory.
pipe 75 "an empty input" /dev/null "$tohtml"
run 64 "XML" "$tohtml" some.xml
silent "  no page" out
run 64 "an unknown option" "$tohtml" -x
run 66 "a missing file" "$tohtml" nowhere some.rec
says "  the other file is read" '<article>' out
run 73 "a missing directory" "$tohtml" -d nowhere some.rec
rm e/.praic-tohtml
run 73 "an index without its state" "$tohtml" -d e some.rec
says "  the message says what to do" 'e/.praic-tohtml: it is not there, but index.html is: put it back'
echo none >f/.praic-tohtml
run 78 "a state that is not a database" "$tohtml" -d f some.rec
"$tohtml" some.rec >/dev/full 2>err
check "a full disk: 74" test $? -eq 74
run 0 "an empty stream" "$tohtml" "$(printf 'praic-records\t1\nH\tsession\thost_name\nZ\t0\t0\n' >none.rec; echo none.rec)"
says "  gives a page without sessions" '<h1>No session</h1>' out
mkdir n
run 0 "  and in a directory only an index" "$tohtml" -d n none.rec
valid "  it is valid" n/index.html

# Memory does not grow with the session.
case ${PRAIC_OUT-} in *asan*) ;; *)
	python3 "$top/tests/appliance" generate --one-session 60M --marks h.example >big.xml
	"$split" big.xml >big.rec
	mkdir m
	check "a session of 60 MB, in 80 MB of address space" sh -c 'ulimit -v 80000; "$0" -d m big.rec' "$tohtml"
	check "  on standard output" sh -c 'ulimit -v 80000; "$0" big.rec >big.html' "$tohtml" ;;
esac
done_testing
