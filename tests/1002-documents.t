#!/bin/sh
# praic-split: the documents of an input, and what stands between them.
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
end_mark() {
	printf '<?praic-end documents="%s" until="1700000000"?>\n' "$1"
}

# sessions WANTED NAME: "host/lsid ... Z n m", or without the Z
sessions() {
	awk -F '\t' '$1 == "S" { open = $2 "/" $3 }
		$1 == "E" { printf "%s%s", sep, open; sep = " " }
		$1 == "Z" { printf "%sZ %s %s", sep, $2, $3 }' out >got
	printf '%s' "$1" >want
	same "$2" want got
}

# ---- which site ----
{ site Access.EXAMPLE.com:8443; list "$(one a)"; list "$(one b)"; end_mark 2; } >in
pipe 0 "a mark names the site, -H the rest" in "$split" -H Other.example.
sessions "access.example.com/a other.example/b Z 2 0" "  of one document only"
pipe 0 "-F" in "$split" -F forced.example
sessions "forced.example/a forced.example/b Z 2 0" "  whatever the marks say"
pipe 64 "no mark and no -H" in "$split"
sessions "access.example.com/a" "  nothing more is read, there is no end mark"
says "  it says what to do" "name the site with -H HOST"
pipe 0 "no site is needed for what is not wanted" in "$split" -k a
sessions "access.example.com/a Z 1 0" "  -k"
list '<session/>' "$(one a)" >in2
pipe 0 "what has no lsid is not wanted either" in2 "$split" -H h -k a
list "<pages>$(one a)</pages>" "$(one b)" >in2
pipe 65 "a session elsewhere" in2 "$split" -H h
sessions "h/b Z 1 1" "  is not passed over in silence"
says "  is named by where it is" "a session within <pages>"
pipe 0 "-k, twice, and one that is not there" in "$split" -H h -k b -k c -k a
sessions "access.example.com/a h/b Z 2 0" "  both, in their order"
{ declared UTF-8; site one.example; list "$(one a)"; declared UTF-8; site '[2001:DB8::1]:443'
	list "$(one b)"; end_mark 2; } >in
pipe 0 "a site for each document" in "$split"
sessions "one.example/a [2001:db8::1]/b Z 2 0" "  as it is written in records"
{ site 'no host'; list "$(one a)"; site h; list "$(one b)"; end_mark 2; } >in
pipe 65 "a mark that names no host costs its document" in "$split"
sessions "h/b Z 1 1" "  and no other"
run 64 "-H with no host" "$split" -H 'a b' /dev/null
run 64 "-H and -F" "$split" -H a -F b /dev/null
run 64 "an option that is none" "$split" --no-such
run 0 "--help" "$split" --help
run 0 "--version" "$split" --version
says "  names the program" "praic-split $(cat "$top/VERSION")" out

# ---- marks and ends ----
{ site h; end_mark 0; } >in
pipe 0 "nothing found" in "$split"
sessions "Z 0 0" "  is an empty stream"
{ declared UTF-8; site h; printf '<?praic-end documents="0" until="5"?>'; } >in
pipe 0 "nothing found, with a declaration, without a line's end" in "$split"
sessions "Z 0 0" "  is an empty stream"
end_mark 1 >in
pipe 0 "an end mark alone asks for no more" in "$split"
for n in 0 2 12 -1 x ''; do
	{ site h; list "$(one a)"; end_mark "$n"; } >in
	pipe 75 "one document, the end mark says \"$n\"" in "$split"
	sessions "h/a" "  no end mark"
done
{ site h; list "$(one a)"; } >in
pipe 75 "no end mark where a site mark was" in "$split"
says "  and it says so" "byte 107: the input ends here, before its end mark"
sessions "h/a" "  its sessions stand"
{ site h; list "$(one a)"; site h; list "$(one b)"; end_mark 1; } >in
pipe 75 "a fetch that was cut between documents, and another one" in "$split"
{ site h; printf '<session_list>'; one a; one b | head -c 20; printf '\n'
	site i; list "$(one c)"; end_mark 1; } >in
pipe 75 "a fetch that was cut in a document, and another one" in "$split"
sessions "h/a i/c" "  what is whole stands"
{ site h; list "$(one a)"; end_mark 1; site i; list "$(one b)"; end_mark 1; } >in
pipe 0 "two whole fetches" in "$split"
sessions "h/a i/b Z 2 0" "  all of them"

# ---- inputs that end ----
: >empty
printf ' \n\t\r\n' >blank
declared UTF-8 >only-declared
{ list "$(one a)"; declared UTF-8; } >then-declared
printf '\357\273\277' >only-bom
printf '\357\273' >half-bom
printf '\377' >half-utf16
printf '<!-- ' >in-comment
printf '<?pi' >in-pi
printf '<' >lt
printf '<!D' >in-doctype
{ list "$(one a)"; printf '\303'; } >half-letter
for f in empty blank only-declared then-declared only-bom half-bom half-utf16 in-comment in-pi \
    lt in-doctype half-letter; do
	pipe 75 "cut short: $f" $f "$split" -H h
	check "  one line about it" test "$(wc -l <err)" -eq 1
done
list "$(one a)" >a.xml
list "$(one b)" >b.xml
head -c 60 a.xml >cut.xml
run 75 "FILEs, one of them cut" "$split" -H h a.xml cut.xml b.xml
sessions "h/a h/b" "  the others are read, there is no end mark"
says "  it names the file, the byte and the session" \
	"cut.xml: byte 46: the input ends here, in the middle of session a"
printf '<session_list><a></b></session_list>' >bad.xml
run 65 "FILEs, one of them bad" "$split" -H h a.xml bad.xml b.xml
sessions "h/a h/b Z 2 1" "  the others are read"
run 75 "cut is worse than bad" "$split" -H h bad.xml cut.xml b.xml
run 66 "a FILE that is not there" "$split" -H h a.xml nowhere.xml b.xml
sessions "h/a h/b" "  the others are read"
run 74 "a FILE that is a directory" "$split" -H h a.xml . b.xml
pipe 0 "- is standard input" a.xml "$split" -H h b.xml -
sessions "h/b h/a Z 2 0" "  in its place"
run 0 "the same session twice" "$split" -H h a.xml a.xml
sessions "h/a h/a Z 2 0" "  comes twice"

# ---- bad documents ----
{ declared UTF-8; list "$(one a)" "</x>" "$(one b)"; declared UTF-8; list "$(one c)"; } >in
pipe 65 "a bad document, then a good one" in "$split" -H h
sessions "h/a h/c Z 2 1" "  costs the rest of that document"
says "  it says where, and what" "byte 112: Opening and ending tag mismatch: session_list"
{ site h; list "$(one a)" "<b"; site i; list "$(one c)"; end_mark 2; } >in
pipe 65 "the same between marks: both are counted" in "$split"
sessions "h/a i/c Z 2 1" "  costs the rest of that document"
{ site h; list "$(one a)" "<b"; end_mark 1; } >in
pipe 65 "its end mark is found" in "$split"
{ site h; list "$(one a)" "<b"; } >in
pipe 75 "or is not" in "$split"
{ printf '\357\273\277'; list "$(one a)" '&nbsp;'; printf '\357\273\277'; declared UTF-8
	list "$(one b)"; } >in
pipe 65 "a file with a byte order mark behind it" in "$split" -H h
sessions "h/a h/b Z 2 1" "  is found"
{ list "$(one a)"; printf 'log line\n'; declared UTF-8; list "$(one b)"; } >in
pipe 65 "words between documents" in "$split" -H h
sessions "h/a h/b Z 2 1" "  cost nothing else"
{ site h; list "$(one a)"; printf 'log line\n'; end_mark 1; } >in
pipe 65 "words before the end mark are no document" in "$split"
sessions "h/a Z 1 1" "  they are counted as bad"
{ printf '<?praic-site h\n'; list "$(one a)"; declared UTF-8; site i; list "$(one b)"; } >in
pipe 75 "a mark that has lost its end" in "$split"
sessions "i/b" "  does not swallow the next"
{ printf 'HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n'; declared UTF-8; list "$(one a)"; } >in
pipe 65 "what an HTTP client left at the top" in "$split" -H h
sessions "h/a Z 1 1" "  is passed over"
{ printf '<session_list>'; one a; printf '<?praic-site i?>\n'; list "$(one b)"; end_mark 1; } >in
pipe 75 "a mark within a document" in "$split" -H h
sessions "h/a i/b" "  ends it"
says "  because it was cut" "a declaration or a mark within it: it was cut there"

{ declared UTF-8; site a.example; } >head
{ site h; list "$(one a)"; end_mark 1; } >whole
{ declared UTF-8; cat whole; } >whole.declared
for f in whole whole.declared; do
	cat head $f >in
	pipe 75 "a fetch that was cut behind its first mark, and another one" in "$split"
	sessions "h/a" "  does not hide that"
done
{ printf '<session_list><!--\n'; cat whole; printf ' --></session_list>\n'; } >in
pipe 75 "cut within a comment, and another one" in "$split" -H x
sessions "h/a" "  is not hidden by that"
# The same where nothing ends the comment, whose bytes are kept meanwhile: the
# document behind it is read by its own rules.
for open in '<!--' '<?a'; do
	{ printf '<session_list>%s%s ' "$(one b)" "$open"
		head -c 3000000 /dev/zero | tr '\0' x; echo
		declared UTF-8; list "$(one a '&#27;')"; } >in
	pipe 75 "cut within $open and 3 MB, and another one" in "$split" -H x
	sessions "x/b x/a" "  which is read"
	says "  and cleaned" "session a: 1 forbidden byte or character became U+FFFD"
done
# A declaration that is only spoken of.
{ declared UTF-8; printf '<!-- <?xml version="1.0"?> -->'
	list "$(one a)" '<!-- <?xml version="1.0"?> <a> -->' "$(one b)"; } >in
pipe 0 "a declaration in a comment" in "$split" -H x
sessions "x/a x/b Z 2 0" "  without a report is a comment"
{ printf '<session_list>'; one b; printf '<session lsid="c">\n'; declared UTF-8; list "$(one a)"; } >in
pipe 75 "a declaration within a document" in "$split" -H x
sessions "x/b x/a" "  ends it"

{ declared UTF-8; printf '<session_list><b></session_list><?praic-end documents="1"?>'; } >in
pipe 65 "a bad document and its end mark, on one line" in "$split" -H x
{ site h; printf '<session_list><b></session_list><?praic-end documents="1"?>'; } >in
pipe 65 "  behind a site mark" in "$split"
sessions "Z 0 1" "  is whole"
{ printf '<session_list><b></session_list>'; declared UTF-8; list "$(one a)"; } >in
pipe 65 "a bad document without a line's end, then a good one" in "$split" -H x
sessions "x/a Z 1 1" "  which is read"
{ printf '<session_list><session lsid="c" '; declared UTF-8; list "$(one a)"; } >in
pipe 75 "one that was cut in a tag, then a good one" in "$split" -H x
sessions "x/a" "  which is read"

{ list "$(one a)"; printf '<!-- cut '; declared UTF-8; list '<!-- -->' "$(one b)"; } >in
pipe 75 "a comment between documents that was cut, then a good one" in "$split" -H x
sessions "x/a x/b" "  which is read from its beginning"
{ printf '<!-- a -- b -->\n'; declared UTF-8; list "$(one a)"; } >in
pipe 65 "a comment that is none" in "$split" -H x
sessions "x/a Z 1 1" "  and a document behind it"
{ printf 'junk '; declared UTF-8; list "$(one a)"; } >in
pipe 65 "something before a declaration, in its line" in "$split" -H x
sessions "x/a Z 1 1" "  costs nothing else"

# What users write is theirs, in CDATA, too.
{ site h; list "$(one a "<![CDATA[$(site i)]]>")" "$(one b "<![CDATA[$(cat whole)]]>")" \
	"$(one c "<![CDATA[$(cat whole) <![CDATA[ ]]]]><![CDATA[> ]]>")"; end_mark 1; } >in
pipe 0 "marks in CDATA" in "$split"
sessions "h/a h/b h/c Z 3 0" "  are text"
for spoken in "$(end_mark 1)" "$(declared UTF-8)" "$(site h)"; do
	{ site h; list "$(one a "<![CDATA[$spoken <![CDATA[ <a>]]>")" "$(one b)"; end_mark 1; } >in
	pipe 0 "the beginning of a section behind a mark in CDATA" in "$split"
	sessions "h/a h/b Z 2 0" "  is text"
done
for first in "$(site g)" "$(declared UTF-8)" "$(declared UTF-8; site g)"; do
	{ site g; printf '<session_list><session lsid="x"><a><![CDATA[cut'; printf '%s\n' "$first"
		list "$(one a)" "$(one b '<![CDATA[b]]>')"; end_mark 1; } >in
	pipe 75 "cut within CDATA, and another one" in "$split" -H g
	sessions "" "  is not one session of both"
done
# Nor does a session come of it, whatever becomes of the document.
forged=$(site i; list "$(one forged)")
{ site h; printf '<session_list>'; one a; printf '</b>'; one b "<![CDATA[
$forged
$(declared UTF-8)
$forged]]>"; printf '</session_list>\n'; site h; list "$(one c)"; end_mark 2; } >in
pipe 65 "a bad document with marks in CDATA" in "$split"
sessions "h/a h/c Z 2 1" "  has no others in it"
{ site h; list "$(one a)" "$(one b "<![CDATA[
$forged
<![CDATA[ ]]>")"; site h; list "$(one c)"; end_mark 2; } >in
pipe 75 "marks in CDATA that look like those of another document" in "$split"
sessions "h/a h/c" "  are not read as one"

# ---- no reports ----
{ printf '<!DOCTYPE html>\n<html><body>Bad gateway</body></html>\n'; declared UTF-8; list "$(one a)"; } >in
pipe 65 "an HTML page" in "$split" -H h
says "  that it has a DOCTYPE" "it has a DOCTYPE, which no report has (an HTML page has)"
sessions "h/a Z 1 1" "  then a report"
printf '<html><head></head><body>Document Not Found</body></html>\n' >in
pipe 65 "another one" in "$split" -H h
says "  its root" "its root is <html>: no session report"
printf '{"error":"invalid_client"}\n' >in
pipe 65 "JSON" in "$split" -H h
says "  that it is" "this is JSON, not XML"
printf 'PK\003\004\024\000\000\000\000\000' >in
pipe 65 "something else" in "$split" -H h
says "  that it is none" "this is no XML"
"$split" -H h a.xml >records
pipe 64 "records" records "$split" -H h
says "  who reads them" "these are records already: praic-tosql and praic-tofs read them"
sessions "" "  nothing comes of it"
printf '%s\n' '<?xml version="1.0"?>' '<!DOCTYPE l [' '<!ENTITY a "aaaaaaaaaaaaaaaa">' \
	'<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">' '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">' \
	']>' '<session_list><session lsid="bomb"><lseq>&c;</lseq></session></session_list>' >in
pipe 65 "entities" in "$split" -H h
sessions "Z 0 1" "  are refused"
printf '%s\n' '<?xml version="1.0"?><!DOCTYPE l SYSTEM "file:///etc/passwd">' '<session_list/>' >in
pipe 65 "a DTD elsewhere" in "$split" -H h
printf '<session_list><session lsid="e"><lseq>&e;</lseq></session></session_list>' >in
pipe 65 "an entity that nobody declared" in "$split" -H h

# ---- encodings ----
text='Zoë – 日本 🙂'
narrow='Zoë ½'
{ declared UTF-8; list "$(one a "$text")" "$(one b "$narrow")"; } >utf8
{ printf '\357\273\277'; cat utf8; } >bom
sed 's/UTF-8/UTF-16/' utf8 >to16
iconv -t UTF-16LE to16 >le
iconv -t UTF-16BE to16 >be
{ printf '\377\376'; cat le; } >le-bom
{ printf '\376\377'; cat be; } >be-bom
run 0 "UTF-8" "$split" -H h utf8
cp out utf8.rec
for f in bom le be le-bom be-bom; do
	run 0 "encoded: $f" "$split" -H h $f
	same "  the same records" utf8.rec out
done
{ declared ISO-8859-1; list "$(one l "$narrow")"; } | iconv -t ISO-8859-1 >latin1
{ declared UTF-8; list "$(one l "$narrow")"; } >latin1.utf8
run 0 "encoded: ISO-8859-1" "$split" -H h latin1
cp out latin1.rec
run 0 "  the same in UTF-8" "$split" -H h latin1.utf8
same "  the same records" latin1.rec out
list "$(one u "$text")" >undeclared
for e in utf-8 "Latin1" 'iso-8859-1' "US-ASCII" "UTF-16"; do
	{ declared "$e"; list "$(one a)"; } >in
	pipe 0 "a declaration of $e" in "$split" -H h
done
printf "<?xml version='1.0' encoding = 'ISO-8859-1' ?><session_list><session lsid='\351'/></session_list>" >in
pipe 0 "a declaration spelt otherwise" in "$split" -H h
sessions "h/é Z 1 0" "  is understood"
{ printf '\357\273\277'; declared ISO-8859-1; list "$(one u "$narrow")"; } >in
pipe 0 "a byte order mark and a declaration that disagree" in "$split" -H h
check "  the mark counts" grep -q "^R.session.h.u.$narrow	" out
{ cat in; declared ISO-8859-1; list "$(one l "$narrow")" | iconv -t ISO-8859-1; } >in2
pipe 0 "  once" in2 "$split" -H h
check "  the next declaration counts again" grep -q "^R.session.h.l.$narrow	" out
list "$(one a)" | iconv -t UTF-32 >in
pipe 65 "UTF-32" in "$split" -H h
says "  is not guessed" "in an encoding that praic does not read"
for e in windows-1252 UTF-7 EBCDIC-CP-US ISO-8859-15 ''; do
	{ declared "$e"; list "$(one a)"; declared UTF-8; list "$(one b)"; } >in
	pipe 65 "encoding \"$e\" is not read" in "$split" -H h
	sessions "h/b Z 1 1" "  its document alone"
done
says "  what to do about it" "praic reads UTF-8, UTF-16 and ISO-8859-1; convert it with iconv(1)"

{ declared windows-1252; site g; list "$(one a)"; end_mark 1; } >in
pipe 65 "an encoding that is not read, before a mark" in "$split"
sessions "Z 0 1" "  is not read by its mark"
{ declared windows-1252; site g; list "$(one a)"; declared UTF-8; site h; list "$(one b)"
	end_mark 2; } >in
pipe 65 "the same before another declaration" in "$split"
sessions "h/b Z 1 1" "  from which it goes on"
# A document whose declaration does not begin a line: not without it.
{ printf '<?x'; declared ISO-8859-1; site h; list "$(one l "$narrow")" | iconv -t ISO-8859-1
	end_mark 1; } >in
pipe 75 "an instruction that was cut, then a document" in "$split"
sed -n '/^S/,/^E/p' latin1.rec >want
sed -n '/^S/,/^E/p' out >got
same "  which is read in its own encoding" want got

# Every two of them, one behind the other, whatever is in between.
for first in utf8 bom le-bom be-bom latin1 undeclared; do
	"$split" -H h $first | sed '1,/^H.recording/d; /^Z/d' >first.rec
	for second in utf8 bom le be le-bom be-bom latin1 undeclared; do
		"$split" -H h $second | sed '1,/^H.recording/d; /^Z/d' >second.rec
		cat first.rec second.rec >want
		for between in '' '\n' '\r\n\n'; do
			{ cat $first; printf '%b' "$between"; cat $second; } >in
			case $between$second in
			?*[lb]e) continue ;; # blanks of one byte before UTF-16 without a mark
			esac
			"$split" -H h in >out 2>err || fail "$first, then $second ($between)" err
			sed '1,/^H.recording/d; /^Z/d' out | cmp -s want - ||
				fail "$first, then $second ($between): other records"
		done
	done
done
pass "every two encodings behind each other"

# Bytes in messages are those of the input, whatever was decoded before.
{ cat latin1; printf '\377\376'; list "$(one c "$text")" | iconv -t UTF-16LE; } >in
at=$(wc -c <in)
{ cat in; declared UTF-8; list "$(printf '<session lsid="x\001"><lseq>9x</lseq></session>')"; } >in2
run 0 "warnings behind other encodings" "$split" -H h in2
says "  the session's byte" "in2: byte $((at + 39 + 15)): session x"
says "  the element's byte" "in2: byte $((at + 39 + 15 + 34)): session x"

# ---- -n, --strict ----
run 0 "-n" "$split" -n -H h utf8
check "  no X lines" awk -F '\t' '$1 == "X" || ($1 == "E" && $4 != 0) { exit 1 }' out
printf '<session_list><session lsid="a">\001</session>\002<session lsid="b"/></session_list>' >in
pipe 0 "a forbidden character" in "$split" -H h
sessions "h/a h/b Z 2 0" "  costs nothing"
says "  is told" "byte 14: session a: 1 forbidden byte or character became U+FFFD"
pipe 65 "--strict" in "$split" --strict -H h
sessions "h/b Z 1 1" "  leaves out its session, and no other"
says "  is told" "byte 14: session a: left out: 1 forbidden byte or character"

# ---- output that cannot be written ----
"$split" -H h utf8 >/dev/full 2>err
check "a full disk: 74" test $? -eq 74
says "  it says so" "standard output: No space left on device"

done_testing
