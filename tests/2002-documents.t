#!/bin/sh
# praic-split: inputs of several documents, with frames and as plain files.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

# one LSID [TEXT]: a session; list SESSION...: a document without declaration
one() {
	printf '<session lsid="%s"><session_type>%s</session_type></session>\n' "$1" "${2-x}"
}
list() {
	printf '<session_list>\n'
	[ $# -eq 0 ] || printf '%s\n' "$@"
	printf '</session_list>\n'
}
declared() {
	printf '<?xml version="1.0" encoding="%s"?>\n' "$1"
}
site() {
	printf '<?praic-site %s?>\n' "$1"
}
# frame HOST: put standard input into a frame
frame() {
	cat >document
	printf '<?praic-site %s bytes="%d"?>\n' "$1" "$(wc -c <document)"
	cat document
	echo
}
end_mark() {
	printf '<?praic-end documents="%s" until="1700000000"?>\n' "$1"
}

# sessions WANTED NAME: check sessions and end mark, "host/lsid ... Z n m"
sessions() {
	awk -F '\t' '$1 == "S" { open = $2 "/" $3 }
		$1 == "E" { printf "%s%s", sep, open; sep = " " }
		$1 == "Z" { printf "%sZ %s %s", sep, $2, $3 }' out >got
	printf '%s' "$1" >want
	same "$2" want got
}

# ---- frames ----
{ { declared UTF-8; list "$(one a)"; } | frame h; list "$(one b)" | frame '[::1]'; end_mark 2; } >in
pipe 0 "two frames" in "$split"
sessions "h/a [::1]/b Z 2 0" "  of two sites"
cp in whole
pipe 65 "-H with one of the sites" in "$split" -H h
sessions "h/a Z 1 1" "  refuses the frame of the other"
says "  with a message" "it is of the site [::1], not of h: refused"
end_mark 0 >in
pipe 0 "an empty report" in "$split"
sessions "Z 0 0" "  gives an empty stream"
cat whole in whole >in2
pipe 0 "concatenated streams" in2 "$split"
sessions "h/a [::1]/b h/a [::1]/b Z 4 0" "  are read to the end"
{ list "$(one a)" "<session lsid=\"b\"></x>" "$(one c)" | frame h; list "$(one d)" | frame h
	end_mark 2; } >in
pipe 65 "a malformed document" in "$split"
sessions "h/a h/d Z 2 1" "  loses only its own rest"
says "  the message has the position and the number of bytes left out" \
	"byte 120: Opening and ending tag mismatch: session line 3 and x; the rest of this document is left out, 81 bytes, with session b"
{ printf '<session_list>%s<session lsid="b">' "$(one a)" | frame h; list "$(one d)" | frame h
	end_mark 2; } >in
pipe 65 "a truncated document in a complete frame is malformed" in "$split"
sessions "h/a h/d Z 2 1" "  and the next is read"
{ printf '{"error":"x"}' | frame h; list "$(one d)" | frame h; end_mark 2; } >in
pipe 65 "a frame without XML" in "$split"
sessions "h/d Z 1 1" "  and the next is read"
for n in 0 2 12; do
	{ list "$(one a)" | frame h; end_mark "$n"; } >in
	pipe 65 "one document, the end mark says $n" in "$split"
	sessions "h/a Z 1 1" "  its sessions are kept"
done
{ list "$(one a)" | frame h; printf 'junk\n'; list "$(one b)" | frame h; end_mark 2; } >in
pipe 65 "other text between frames" in "$split"
sessions "h/a Z 1 1" "  ends the reading"
says "  with a message" "no mark line: a frame before it was cut or changed"
{ list "$(one a)" | frame h; list "$(one b)" | frame h; end_mark 2; } | sed '1s/bytes="[0-9]*/bytes="9/' >in
pipe 65 "a wrong number of bytes" in "$split"
sessions "Z 0 2" "  does not turn the rest into another document"
for change in 5d '3s/>x</></'; do
	{ list "$(one a)" | frame h; list "$(one b)" | frame h; end_mark 2; } | sed "$change" >in
	pipe 65 "a byte less, sed $change" in "$split"
	sessions "h/a Z 1 1" "  the next mark is not where it should be"
	says "  with a message" "no mark line: a frame before it was cut or changed"
done
for mark in 'H bytes="5"' 'h bytes="05"' 'h bytes="0"' 'h  bytes="5"' 'h. bytes="5"' 'h bytes="5" '; do
	{ site "$mark"; list "$(one a)"; end_mark 1; } >in
	"$split" -H h in >out 2>err
	check "not a mark: $mark" test $? -eq 65
	sessions "Z 0 1" "  gives a plain document that names no host"
done

# ---- forgery: text inside a document is never a mark ----
forged=$(list "$(one x)" | frame victim; end_mark 1)
inside=$(declared UTF-8; site victim; list "$(one x)"; end_mark 1)
for text in "$forged" "$inside" "<!-- $forged -->" "<![CDATA[$forged]]>" "<![CDATA[$inside]]>" \
	"</session></session_list>
$forged" "</session></session_list>
$inside"; do
	{ { declared UTF-8; list "$(one a)" "<session lsid=\"b\">$text</session>"; } | frame h
		list "$(one c)" | frame h; end_mark 2; } >in
	"$split" in >out 2>err
	code=$?
	check "marks inside a document: exit code $code" test $code -eq 0 -o $code -eq 65
	check "  no session of another host" sh -c '! grep -q "^S.victim" out && grep -q "^S.h.c" out'
done
for e in UTF-16LE UTF-16BE; do
	{ printf '\357\273\277%s' "$inside" | iconv -t $e | frame h; end_mark 1; } >in
	"$split" in >out 2>err
	check "marks in $e: no session of another host" sh -c '! grep -q "^S.victim" out'
done
printf '%s\n' '<?xml version="1.0"?>' '<?praic-site localhost?>' '<?praic-end documents="0"?>' \
	'<?praic-site victim.example?>' "$(list "$(one x)")" >in
pipe 65 "two sites in one plain document" in "$split"
sessions "Z 0 1" "  are refused"

# ---- plain files ----
{ declared UTF-8; list "$(one a)"; declared UTF-8; site H; list "$(one b)"; } >in
pipe 0 "plain documents" in "$split" -H h:443
sessions "h/a h/b Z 2 0" "  get the host of -H"
pipe 64 "  and need -H" in "$split"
{ declared UTF-8; site Access.EXAMPLE.com:8443; list "$(one a)"; } >in
pipe 0 "a document that names its site" in "$split"
sessions "access.example.com/a Z 1 0" "  the host is in lower case, without the port"
pipe 65 "  with another -H" in "$split" -H other
sessions "Z 0 1" "  is refused"
says "  with a message" "it is of the site access.example.com, not of other: refused"
{ declared UTF-8; list "$(one a)" "</x>" "$(one b)"; declared UTF-8; list "$(one c)"; } >in
pipe 65 "a malformed document" in "$split" -H h
sessions "h/a Z 1 1" "  loses the rest of the file"
says "  with a message" "the rest of this file is left out"
{ list "$(one a)"; list "$(one b)"; } >in
pipe 65 "a root without a declaration after another" in "$split" -H h
sessions "h/a Z 1 1" "  is not read"
list "$(one a)" >a.xml
list "$(one b)" >b.xml
head -c 60 a.xml >cut.xml
run 75 "FILEs, one of them truncated" "$split" -H h a.xml cut.xml b.xml
sessions "h/a h/b" "  the others are read; there is no end mark"
says "  the message names the file and the session" "cut.xml: byte 46: the input ends here, in the middle of session a"
printf '<session_list><a></b></session_list>' >bad.xml
run 65 "FILEs, one of them bad" "$split" -H h a.xml bad.xml b.xml
sessions "h/a h/b Z 2 1" "  the others are read"
run 75 "the code for truncated wins over that for bad" "$split" -H h bad.xml cut.xml b.xml
run 66 "a missing FILE" "$split" -H h a.xml nowhere.xml b.xml
run 74 "a FILE that is a directory" "$split" -H h a.xml . b.xml
run 64 "-H with a bad host" "$split" -H 'a b' a.xml
run 64 "an unknown option" "$split" -F h a.xml
printf '<session_list><session lsid="a"><p:b/></session></session_list>' >in
pipe 65 "an undeclared prefix" in "$split" -H h
printf 'hello Z\303' >in
pipe 65 "text that ends within a character" in "$split" -H h
: >in
pipe 75 "an empty input" in "$split" -H h
"$split" -H h a.xml >records
pipe 64 "records" records "$split" -H h
says "  the message says so" "these are records already"
printf '<!DOCTYPE html>\n<html><body>Bad gateway</body></html>\n' >in
pipe 65 "an HTML page" in "$split" -H h
says "  the message names the DOCTYPE" "it has a DOCTYPE, which no report has"

# ---- encodings ----
text='Zoë – 日本 🙂'
{ declared UTF-8; list "$(one a "$text")"; } >utf8
sed 's/UTF-8/UTF-16/' utf8 >to16
{ printf '\357\273\277'; cat utf8; } >bom
iconv -t UTF-16LE to16 >le
{ printf '\376\377'; iconv -t UTF-16BE to16; } >be
run 0 "UTF-8" "$split" -H h utf8
cp out utf8.rec
for f in bom le be; do
	run 0 "encoded: $f" "$split" -H h $f
	same "  the same records" utf8.rec out
	{ frame h <$f; end_mark 1; } >in
	pipe 0 "  in a frame" in "$split"
	same "  the same records" utf8.rec out
done
{ declared ISO-8859-1; list "$(one l 'Zoë')" | iconv -t ISO-8859-1; cat utf8; } >in
pipe 0 "ISO-8859-1, then UTF-8" in "$split" -H h
check "  each is read by its declaration" grep -q "^R.session.h.l.Zoë	" out
sessions "h/l h/a Z 2 0" "  both"
{ declared KOI8-R; list "$(one a)"; } >in
pipe 65 "an unknown encoding" in "$split" -H h
says "  the message says what to do" "convert it with iconv(1)"

# ---- forbidden bytes, --left-out, unknown elements ----
printf '<session_list><session lsid="a">\001</session>\002<session lsid="b"/></session_list>' >in
pipe 0 "forbidden characters" in "$split" -H h
says "  in a session" "byte 14: session a: 1 forbidden byte or character became U+FFFD"
says "  and outside of sessions" "outside of its sessions: 1 forbidden byte or character became U+FFFD"
pipe 65 "--strict" in "$split" --strict -H h
sessions "h/b Z 1 2" "  leaves out the session and counts what is outside"
pipe 65 "--left-out" in "$split" --strict --left-out list -H h
sessions "h/b Z 1 0" "  sessions in the list are not counted"
check "  mode 0600" test "$(stat -c %a list)" = 600
cut -f 1-5 list >got
printf 'h\ta\tsession\t\\N\tforbidden\nh\t\\N\tdocument\t\\N\tforbidden\n' >want
same "  a line for each" want got
pipe 73 "a list that cannot be made" in "$split" --left-out nowhere/list -H h
"$split" -H h --left-out /dev/full --strict in >out 2>err
check "a list on a full disk: 74" test $? -eq 74
sessions "h/b" "  no end mark is written"
list '<session lsid="a"><new/><new/></session>' '<session lsid="b"><new><x/></new></session>' >in
pipe 0 "unknown elements" in "$split" -H h
says "  the sessions that have them are counted" "in no row: session/new: 2 sessions"

# ---- output that cannot be written ----
"$split" -H h utf8 >/dev/full 2>err
check "a full disk: 74" test $? -eq 74

done_testing
