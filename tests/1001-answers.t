#!/bin/sh
# praic-fetch classifies an answer by its bytes alone.

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

answers=${bin}tests/tools/answers

# is NAME LINE: the class of the file "in" is this line, for pieces of any size
is() {
	"$answers" -c in >out 2>err
	got=$?
	if [ "$got" -eq 0 ] && grep -qxF -- "$2" out; then
		pass "$1"
	else
		echo "$2" >want
		fail "$1: exit $got" out want err
	fi
}

# xml NAME ROOT-AND-REST: the same for an XML document
xml() {
	is "$1" "xml ext=- root=$2"
}

cat >in <<'E'
<?xml version="1.0" encoding="UTF-8"?>
<session_list xmlns="x"><!-- <error>no</error> --><session lsid="1" t="a>b"><error>mine</error>
<![CDATA[<error>x</error>]]><?p <error> ?></session>
<session/></session_list>

E
xml "a report; <error> in a session, a comment or a CDATA section does not count" \
	"session_list whole=1 empty=0 error=0 beside=0 denied=0 said="

printf '\357\273\277<?xml version="1.0"?>\r\n<p:session_list/>' >in
xml "a byte order mark, a prefix, an empty root" \
	"p:session_list whole=1 empty=1 error=0 beside=0 denied=0 said="

printf '<session_list>\n <!-- none -->\n</session_list>' >in
xml "an empty root in two tags" \
	"session_list whole=1 empty=1 error=0 beside=0 denied=0 said="

printf '<error xmlns="u" code="x">\n A &amp; B&#8217;s &#x41;&bogus;  <![CDATA[<c>]]>d</error>\n\n' >in
xml "an error's text, with references resolved and white space collapsed" \
	"error whole=1 empty=0 error=1 beside=0 denied=0 said=A & B’s A&bogus; <c>d"

printf '<p:list xmlns:p="u"><p:error>gone</p:error>\n</p:list>' >in
xml "an error alone in its root" \
	"p:list whole=1 empty=0 error=1 beside=0 denied=0 said=gone"

printf '<session_list><session/><error>late</error></session_list>' >in
xml "an error after the sessions" \
	"session_list whole=1 empty=0 error=1 beside=1 denied=0 said=late"

printf '<session_list><error>early</error><session/></session_list>' >in
xml "an error before the sessions" \
	"session_list whole=1 empty=0 error=1 beside=1 denied=0 said=early"

{
	printf '<session_list><session lsid="1">'
	head -c 200000 /dev/zero | tr '\0' x
	printf '</session><error>late</error>\n</session_list>'
} >in
"$answers" in >out
says "an error at the end of a long one" "whole=1 empty=0 error=1 beside=1" out

printf '<session_list><a><b></a><c/></session_list>' >in
xml "a missing end tag" \
	"session_list whole=1 empty=0 error=0 beside=0 denied=0 said="

for junk in 'x' '<x/>' '<!--' '<' '</session_list>x' '<!-- -- ' '<?x'; do
	printf '<session_list><a/></session_list>%s' "$junk" >in
	"$answers" in >out
	says "not complete, with $junk after the root" "whole=0" out
done

doc='<?xml version="1.0" encoding="UTF-16"?>
<session_list><session lsid="1" t="ä😀<"/></session_list>
'
rest="session_list whole=1 empty=0 error=0 beside=0 denied=0 said="
for order in LE BE; do
	printf '%s' "$doc" | iconv -f UTF-8 -t "UTF-16$order" >in
	xml "UTF-16$order without a byte order mark" "$rest"
	mv in bare
	if [ "$order" = LE ]; then printf '\377\376' >in; else printf '\376\377' >in; fi
	cat bare >>in
	xml "UTF-16$order with one" "$rest"
done

printf '<!-- x --><?xml version="1.0"?><a/>' >in
xml "a declaration after a comment" \
	"a whole=1 empty=1 error=0 beside=0 denied=0 said="

none='root=- whole=0 empty=0 error=0 beside=0 denied=0 said='
printf '<!DOCTYPE HTML PUBLIC "x">\n<html></html>' >in
is "a web page" "html ext=- $none"
printf '  \n<HTML><body>' >in
is "a web page without a DOCTYPE" "html ext=- $none"
printf '<?xml version="1.0"?><!DOCTYPE html [<!ENTITY x ">">]><html xmlns="x"></html>' >in
"$answers" in >out
says "a web page in XML" "html ext" out

json='json ext=- root=- whole=0 empty=0'
printf '{"error":"access_denied","message":"no"}' >in
is "JSON that refuses the token" \
	"$json error=1 beside=0 denied=1 said=access_denied"
printf ' {"message":"down","number":17}' >in
is "JSON with an error of several words: they are not shown" \
	"$json error=1 beside=0 denied=0 said="
printf '{"error":"Token 12"}' >in
is "JSON with an error in another form: not shown either" "$json error=1 beside=0 denied=0 said="
printf '{"users":[{"message":"x"}]}' >in
is "JSON without an error" "$json error=0 beside=0 denied=0 said="

binary() {
	is "$1" "binary ext=$2 $none"
}
printf 'FLV\001\005' >in; binary "FLV" flv
printf '\0\0\0\040ftypisom' >in; binary "MP4" mp4
printf 'PK\003\004abcdefghijklm' >in; binary "ZIP" zip
printf '\032\105\337\243abcdefghijklm' >in; binary "Matroska" mkv
printf '\0\001\002\003' >in; binary "an unknown format" bin
printf 'abc\001defghijklmnopqrstuvwxyz' >in; binary "binary data that begin like text" bin
printf '{"users":[]}' | gzip -n >in; binary "gzip" gz
printf '<error>gone</error>' | gzip -n >in
"$answers" in >out
says "an error in gzip is an error" "whole=1 empty=0 error=1" out
says "with its text" "said=gone" out

: >in
is "an empty answer" "empty ext=- $none"
head -c 3000 /dev/zero | tr '\0' '\n' >in
is "blank lines only" "empty ext=- $none"
printf '<a/>' >>in
"$answers" in >out
says "XML after blank lines" "xml ext=- root=a whole=1" out
{ printf '\357\273\277'; head -c 600 /dev/zero | tr '\0' ' '; printf '<a/>'; } >in
"$answers" in >out
says "XML after a byte order mark and many blanks" "xml ext=- root=a whole=1" out
printf 'Document Not Found' >in
is "plain text" "text ext=- $none"
done_testing
