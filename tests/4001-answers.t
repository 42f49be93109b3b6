#!/bin/sh
# What an answer is taken for, by its bytes alone.

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

answers=${bin}tests/tools/answers

# is NAME LINE: what the file "in" is taken for, whatever pieces it comes in
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

xml='xml bytes ext=- '
flat='denied=0 said='

cat >in <<'E'
<?xml version="1.0" encoding="UTF-8"?>
<session_list xmlns="x"><!-- <error>no</error> --><session lsid="1" t="a>b"><error>mine</error>
<![CDATA[</session_list>]]><?p </session_list> ?></session>
<session/></session_list>

E
is "a report; an error in a session, a comment, a CDATA section are none" \
	"${xml}root=session_list whole=1 children=2 filled=0 error=0 denied=0 said="

printf '\357\273\277<?xml version="1.0"?>\r\n<p:session_list/>' >in
is "a byte order mark, a prefix, an empty root" \
	"${xml}root=p:session_list whole=1 children=0 filled=0 error=0 denied=0 said="

printf '<error xmlns="u" code="x">\n A &amp; B&#8217;s &#x41;&bogus;  <![CDATA[<c>]]>d</error>\n\n' >in
is "an error's text, its references resolved and its blanks drawn together" \
	"${xml}root=error whole=1 children=0 filled=1 error=1 ${flat}A & B’s A&bogus; <c>d"

printf '<session_list><session/><error>late</error></session_list>' >in
is "an error behind the sessions" \
	"${xml}root=session_list whole=1 children=2 filled=0 error=1 ${flat}late"

printf '<session_list><a></nowhere></a><error>x</error></session_list>' >in
is "a tag out of place: no guess about what is whose child" \
	"${xml}root=session_list whole=1 children=1 filled=1 error=0 ${flat}"

printf '<session_list><a><b></a><c/></session_list>' >in
is "an end tag that is missing inside" \
	"${xml}root=session_list whole=1 children=1 filled=0 error=0 ${flat}"

printf '<s><s></s><s/><s></s></s>' >in
is "a root's name inside of it" "${xml}root=s whole=1 children=3 filled=0 error=0 ${flat}"

for junk in 'x' '<x/>' '<!--' '<' '</session_list>x'; do
	printf '<session_list></session_list>%s' "$junk" >in
	"$answers" in >out
	says "not whole, with $junk behind it" "whole=0" out
done

doc='<?xml version="1.0" encoding="UTF-16"?>
<session_list><session t="ä😀<"/></session_list>
'
for order in LE BE; do
	kind="xml utf-16$(echo $order | tr BEL bel) ext=- root=session_list whole=1"
	printf '%s' "$doc" | iconv -f UTF-8 -t "UTF-16$order" >in
	is "UTF-16$order without a byte order mark" \
		"$kind children=1 filled=0 error=0 denied=0 said="
	mv in bare
	if [ "$order" = LE ]; then printf '\377\376' >in; else printf '\376\377' >in; fi
	cat bare >>in
	is "and with one" \
		"$kind children=1 filled=0 error=0 denied=0 said="
done

printf '<!-- x --><?xml version="1.0"?><a/>' >in
is "a declaration that is not the first of all is none" \
	"${xml}root=a whole=1 children=0 filled=0 error=0 ${flat}"

html='html bytes ext=- root=- whole=0 children=0 filled=0 error=0 denied=0 said='
printf '<!DOCTYPE HTML PUBLIC "x">\n<html></html>' >in
is "a web page" "$html"
printf '  \n<HTML><body>' >in
is "a web page without a DOCTYPE" "$html"
printf '<?xml version="1.0"?><!DOCTYPE html [<!ENTITY x ">">]><html xmlns="x"></html>' >in
"$answers" in >out
says "a web page in XML" "html bytes" out

json='json bytes ext=- root=- whole=0 children=0 filled=0'
printf '{"error":"access_denied","message":"no"}' >in
is "JSON that says that the token is no good" \
	"$json error=1 denied=1 said=access_denied: no"
printf ' {"message":"down","number":17}' >in
is "JSON that says that something is wrong" "$json error=1 ${flat}down"
printf '{"users":[{"message":"x"}]}' >in
is "JSON that is data" "$json error=0 ${flat}"

rest='root=- whole=0 children=0 filled=0 error=0'
binary() {
	is "$1" "binary bytes ext=$2 $rest $flat"
}
printf 'FLV\001\005' >in; binary "FLV" flv
printf '\0\0\0\040ftypisom' >in; binary "MP4" mp4
printf 'PK\003\004abcdefghijklm' >in; binary "ZIP" zip
printf '\032\105\337\243abcdefghijklm' >in; binary "Matroska" mkv
printf '\0\001\002\003' >in; binary "something else" bin
printf 'abc\001defghijklmnopqrstuvwxyz' >in; binary "something that begins like a text" bin
printf '{"users":[]}' | gzip -n >in; binary "gzip" gz
printf '<error>gone</error>' | gzip -n >in
"$answers" in >out
says "an error in gzip is an error" "whole=1 children=0 filled=0 error=1" out
says "with its text" "said=gone" out

: >in
is "no byte at all" "empty bytes ext=- $rest $flat"
head -c 3000 /dev/zero | tr '\0' '\n' >in
is "blank lines only" "empty bytes ext=- $rest $flat"
printf '<a/>' >>in
"$answers" in >out
says "XML behind them" "${xml}root=a whole=1" out
{ printf '\357\273\277'; head -c 600 /dev/zero | tr '\0' ' '; printf '<a/>'; } >in
"$answers" in >out
says "XML behind a byte order mark and many blanks" "${xml}root=a whole=1" out
printf 'Document Not Found' >in
is "plain text" "text bytes ext=- $rest $flat"
done_testing
