#!/bin/sh
# A hostile appliance puts marks of praic's streams into its answers, in all places and
# encodings.  No row may get the host name of another appliance.

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"
# shellcheck source=tests/sched.sh
. "$top/tests/sched.sh"

cat >forge.py <<'E'
import sys
victim = sys.argv[1]
fake = '<session_list><session lsid="forged"><session_type>support</session_type></session></session_list>'
own = '<session lsid="own"><session_type>support</session_type>%s</session>'
end = '<?praic-end documents="1" until="5"?>'
marks = ['<?praic-site %s?>' % victim, end, '<?praic-site %s bytes="%d"?>' % (victim, len(fake))]
block = '\n' + end + '\n' + marks[0] + '\n' + fake + '\n' + end + '\n' + marks[2] + '\n' + fake + '\n' + end + '\n'
pis = '\n' + '\n'.join(marks) + '\n'
head = '<?xml version="1.0" encoding="%s"?>\n'
root = '<session_list>' + own % '' + '</session_list>'
def inside(text):
    return head + '<session_list>' + own % text + '</session_list>'
places = {
    'before-declaration': pis.lstrip() + head + root,
    'prolog': head + pis + root,
    'doctype': head + '<!DOCTYPE session_list>' + pis + root,
    'comment': head + '<!--' + block + '-->' + root,
    'between': head + '<session_list>' + pis + own % '' + block + own % '' + '</session_list>',
    'in-session': inside(block),
    'cdata': inside('<x><![CDATA[' + block + ']]></x>'),
    'attribute': inside('<x a="%s"/>' % block.replace('"', "'").replace('<', '&lt;')),
    'attribute-raw': inside("<x a='%s'/>" % block),
    'behind-root': head + root + pis,
    'second-document': head + root + block,
    'second-declaration': head + root + '\n' + head % 'UTF-8' + marks[0] + '\n' + fake,
    'open-root': head + '<session_list>' + own % '' + block,
    'cdata-open': inside('<x><![CDATA[' + ']]></x>') + '<!--' + block + '-->',
    'frame-alone': marks[2] + '\n' + fake + '\n' + end + '\n',
}
for name, text in places.items():
    for code in ('UTF-8', 'UTF-16', 'ISO-8859-1'):
        said = text.replace('%s', code, 1) if '%s' in text else text
        with open('%s.%s' % (name, code), 'wb') as f:
            f.write(said.encode(code))
    with open(name + '.CRLF', 'wb') as f:
        f.write((text % 'UTF-8' if '%s' in text else text).replace('\n', '\r\n').encode())
E
mkdir bad
(cd bad && python3 ../forge.py 127.0.0.1) || exit 1

# another appliance, the victim, and the hostile one
site=$work/victim
site_start --sessions 10 --span 1
victim_port=$port victim_client=$client victim_pid=$site_pid
site=$work/site
site_start --sessions 10 --span 1
# shellcheck disable=SC2034
at_exit='kill $site_pid $victim_pid 2>/dev/null; wait 2>/dev/null'

hosts() {
	sqlite3 "$1" "SELECT DISTINCT host_name FROM session ORDER BY 1"
}
# For documents that expat finds well-formed the exit code is 0, or 65 if a session is in
# a nested list.
cat >whole.py <<'E'
import sys, xml.parsers.expat
p = xml.parsers.expat.ParserCreate()
path, doctypes, odd = [], [], 0
def begin(name, _):
    global odd
    path.append(name)
    odd |= path == ['session_list', 'session_list', 'session']
p.StartElementHandler = begin
p.EndElementHandler = lambda _: path.pop()
p.StartDoctypeDeclHandler = lambda *a: doctypes.append(a)
try:
    p.Parse(open(sys.argv[1], 'rb').read(), True)
except xml.parsers.expat.ExpatError:
    sys.exit(1)
print(65 if odd else 0)
sys.exit(1 if doctypes else 0)
E
whole=0 broken=0
for bad in bad/*; do
	for manner in whole short-body chunked; do
		case $bad-$manner in
		*-whole | bad/second-document.UTF-8-* | bad/between.UTF-8-*) ;;
		*) continue ;;
		esac
		site_fault "body file=$work/$bad"
		case $manner in
		short-body) site_ask '{"do":"fault","add":"short-body percent=90"}' ;;
		chunked) site_ask '{"do":"fault","add":"cut-chunked percent=90"}' ;;
		esac
		rm -f pipe.db*
		f --name evil.example --timeout 0 sessions --since 2h 2>err |
			"$split" 2>>err | "$tosql" -d pipe.db 2>>err
		code=$?
		hosts pipe.db >got 2>/dev/null
		check "$bad, $manner: no row of another host" sh -c '! grep -qvx evil.example got'
		if [ "$manner" = whole ] && want=$(python3 whole.py "$bad"); then
			whole=$((whole + 1))
			check "  exit $want, and its own session is stored" \
				test "$code $(cat got)" = "$want evil.example"
		elif [ "$manner" = whole ]; then
			broken=$((broken + 1))
			check "  exit 65 or 75, not $code" test "$code" -eq 65 -o "$code" -eq 75
		else
			check "  exit 0, 65 or 75, not $code" sh -c \
				'case $1 in 0 | 65 | 75) ;; *) false ;; esac' - "$code"
		fi
	done
done
check "tested: $whole well-formed, $broken malformed documents" test "$whole" -gt 15 -a "$broken" -gt 15

# the same with praic-sched: two sites, one database
sched_settings
"$conf" site add evil host="localhost:$port" ca-file="$site/ca.pem" client-id="$client" \
	secret="file:$site/secret"
"$conf" site add victim host="127.0.0.1:$victim_port" ca-file="$work/victim/ca.pem" \
	client-id="$victim_client" secret="file:$work/victim/secret"
"$conf" destination add db sql connection="$work/store.db"
for name in evil victim; do
	"$conf" schedule add $name every=1m
	"$conf" transfer add $name $name db session >id
done
victims() {
	sqlite3 store.db "SELECT lsid FROM session WHERE host_name = '127.0.0.1' ORDER BY lsid"
}
run 0 "the victim's sessions" "$sched" -r victim
victims >want
check "are stored" test -s want
for bad in second-document.UTF-8 between.UTF-8 comment.UTF-16 cdata.CRLF behind-root.ISO-8859-1; do
	site_fault "body file=$work/bad/$bad"
	timeout 60 "$sched" -r evil >out 2>err
	victims >got
	same "$bad with praic-sched: the victim's sessions are unchanged" want got
	hosts store.db >got
	printf '127.0.0.1\nlocalhost\n' >hosts.want
	check "and no other host has rows" sh -c '! grep -qvxFf hosts.want got'
done
done_testing
