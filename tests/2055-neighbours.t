#!/bin/sh
# praic-split: a session beyond a limit does not affect its neighbours.  Each case is
# a frame with a session before, the hard one, and a session behind.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

# report NAME: write the case in a frame.
cat >report.py <<'END_OF_PY'
import sys

def many(text, count):
    return "".join(text % {"i": i} for i in range(count))

def value(size):
    return ('<session_details><event timestamp="1" event_type="e"><data>'
            '<value name="n" value="%s"/></data></event></session_details>' % ("x" * size))

M = 1000000
# name: the attributes of the start tag, the content of the session
CASES = {
    "attribute-40": ("", value(40 * M)),
    "attribute-70": ("", value(70 * M)),
    "names-9000": ("", many("<e%(i)d/>", 9000)),
    "names-20000": ("", many('<e%(i)d a%(i)d=""/>', 10000)),
    "namespaces-200": ("", "<x %s/>" % many(' xmlns:n%(i)d="u%(i)d"', 200)),
    "namespaces-1000": ("", "<x %s/>" % many(' xmlns:n%(i)d="u%(i)d"', 1000)),
    "namespaces-of-its-own": (many(' xmlns:n%(i)d="u%(i)d"', 900), ""),
    "tag-of-its-own": (' a="%s"' % ("x" * 70 * M), ""),
    "depth-120": ("", "<a>" * 120 + "</a>" * 120),
    "depth-5000": ("", "<a>" * 5000 + "</a>" * 5000),
    "depth-unlike": ("", "<a>" * 5000 + "<!-- </session> --><![CDATA[</session>]]>"
                     '<b c="</session>" d=\'>\'/><?p </session>?>' + "</a>" * 5000),
    "name-11": ("", "<%s/>" % ("n" * 11 * M)),
    "namespace-name": ("", '<a xmlns="%s"/>' % ("n" * 1001)),
}
tag, inner = CASES[sys.argv[1]]
document = ('<?xml version="1.0"?>\n'
            '<p:session_list xmlns:p="urn:p" xmlns:q="a&amp;b" xmlns="urn:d">\n'
            '<session lsid="before" q:a="1"/>\n'
            '<session lsid="hard"%s>%s</session>\n'
            '<session lsid="behind" q:a="1"><lseq>7</lseq></session>\n'
            "</p:session_list>\n" % (tag, inner))
sys.stdout.write('<?praic-site h bytes="%d"?>\n%s\n<?praic-end documents="1"?>\n'
                 % (len(document), document))
END_OF_PY

# kept CASE: all three sessions are written.
kept() {
	python3 report.py "$1" >in
	pipe 0 "$1" in "$split"
	check "  all three sessions" test "$(sed -n 's/^E.\([^	]*\).*/\1/p' out | tr '\n' ' ')" = \
	    "before hard behind "
}

# alone CASE WORDS: only the hard session is left out.
alone() {
	python3 report.py "$1" >in
	pipe 65 "$1" in "$split" --left-out list
	sed -n 's/^E.\([^	]*\).*/\1/p; /^Z/p' out >got
	printf '%s\n' before behind 'Z	2	0' >want
	same "  the neighbours are kept" want got
	says "  the message names it" "session hard: left out: $2"
	printf 'h\thard\tsession\t\\N\ttoo-long\t%s\n' "$2" >want
	same "  and the list" want list
	check "  the row of the next session is complete" grep -q '^R	session	h	behind	.*	7	' out
}

long="a tag longer than 64 MiB or with more than 1000 attributes"
kept attribute-40
kept names-9000
kept namespaces-200
kept depth-120
alone attribute-70 "$long"
alone names-20000 "more than 10000 different names"
alone namespaces-1000 "more than 256 namespaces declared"
alone namespaces-of-its-own "more than 256 namespaces declared"
alone tag-of-its-own "$long"
alone depth-5000 "elements nested more than 128 deep"
alone depth-unlike "elements nested more than 128 deep"
alone name-11 "a name longer than 1000 bytes"
alone namespace-name "a name longer than 1000 bytes"

# The limit of names counts for each session alone.
python3 -c '
print("<session_list>")
for s in range(30):
    print("<session lsid=\"%d\">%s</session>" % (s, "".join("<e%d_%d/>" % (s, i) for i in range(900))))
print("</session_list>")' >in
pipe 0 "thirty sessions of 900 names each" in "$split" -H h
check "  all are written" test "$(grep -c '^E' out)" -eq 30

# -k: sessions that are not selected have no limits.
python3 report.py depth-5000 >in
pipe 0 "a session that -k does not select" in "$split" -k behind
check "  the selected one is written" test "$(grep -c '^E	behind' out)" -eq 1
silent "  no message" err

# Missing end tags make the document malformed.
printf '<session_list><session lsid="a"/><session lsid="b">%s</session></session_list>\n' \
    "$(printf '<a>%.0s' $(seq 200))" >in
pipe 65 "missing end tags" in "$split" -H h
check "  the session before is written" test "$(grep -c '^E	a' out)" -eq 1
head -c 400 in >cut
pipe 75 "the same, truncated" cut "$split" -H h

done_testing
