#!/bin/sh
# praic-mail, against a real SMTP server on loopback.
. "$(dirname "$0")/lib.sh"
. "$top/tests/smtp.sh"
at_exit=smtp_stop
unset SSL_CERT_FILE SSL_CERT_DIR

mail_check() {
	python3 "$top/tests/tools/mail-check.py" "$@"
}

# What the mail says, as its reader would see it.
printf 'praic <praic@example.com>\n' >address
run 66 "no options and no settings" env PRAIC_SETTINGS=/nonexistent/x "$mail"
run 64 "no recipient" "$mail" --server x -f a@example.com
says "says so" "missing: -t"
run 0 "--help" "$mail" --help
says "tells the options" "--server HOST" out
for bad in 'a' 'a@' '@b' 'a b@c' 'a@b>' 'a@b,c@d' '-x@b' 'a@-b' 'ä@b' 'X <a@b' 'a@b@c' 'a@b/c'; do
	run 64 "no address: $bad" "$mail" -n --server x -f "$bad" -t b@example.com
done
run 0 "-n with good ones" "$mail" -n --server x -f a@example.com -t 'B <b@example.com>'
run 64 "no address: two lines" "$mail" -n --server x -t b@example.com -f 'a@b
c@d'
for bad in 'x:0' 'x:65536' 'x/y' 'user@x' 'x:25/y' '-x' '' 'a b'; do
	run 64 "no server: $bad" "$mail" --server "$bad" -f a@example.com -t b@example.com
done
run 64 "a password as an argument is refused" "$mail" --server 127.0.0.1:9 --tls none \
	--user u --password hunter22 -f a@example.com -t b@example.com
check "and not repeated" sh -c '! grep -q hunter22 err'
run 64 "no login in clear" "$mail" --server mail.example.com --tls none --user u \
	--password env:P -f a@example.com -t b@example.com

# Sent.
echo 'Die Übertragung scheiterte.' >body
smtp_start plain plain
# shellcheck disable=SC2086
pipe 0 "sent in clear, to two" body "$mail" --server "127.0.0.1:$smtp_port" --tls none \
	-f 'praic <praic@example.com>' -t a@example.com -t 'B <b@example.com>' -s 'Störung'
silent "without a word"
echo "praic@example.com a@example.com,b@example.com - clear" >want
same "from whom, to whom" want plain/1.env
mail_check lines plain/1.eml >lines
silent "arrived as it was sent" lines
mail_check parse plain/1.eml >got
cat >want <<'END'
Subject: Störung
From: praic <praic@example.com>
To: a@example.com, B <b@example.com>
Auto-Submitted: auto-generated
Content-Type: text/plain; charset="UTF-8"
Die Übertragung scheiterte.
END
same "whole" want got
# What its reader sees.
send() {
	"$mail" --server "127.0.0.1:$smtp_port" --tls none -f praic@example.com "$@" <body
}
# received N: the mail in the form of mail-check.py, in got; its lines are short
received() {
	mail_check lines "plain/$1.eml" >lines
	silent "in short lines of ASCII, with CRLF" lines
	mail_check parse "plain/$1.eml" >got
}
# As long as a server takes a header.
long=$(awk 'BEGIN { for (i = 0; i < 2000; i++) printf "%d ", i }')
dense=$(awk 'BEGIN { for (i = 0; i < 300; i++) printf "ä€𝄞" }')
printf 'Grüße\n.\n..\nFrom here\nblank at the end \n\n%s\n%s' "$long" "x=1" >body
run 0 "a mail with all that is odd" send -f 'Präic, "the" one <praic@example.com>' \
	-t 'a@example.com' -t 'O, B <b@example.com>' -s "Störung: $dense"
received 2
cat >want <<END
Subject: Störung: $dense
From: "Präic, \"the\" one" <praic@example.com>
To: a@example.com, "O, B" <b@example.com>
Auto-Submitted: auto-generated
Content-Type: text/plain; charset="UTF-8"
$(cat body)
END
same "says what was said" want got
printf '%s\näöü\n' "$dense" >body
run 0 "a body beyond ASCII" send -t b@example.com -s "${long% }"
received 3
tail -n +6 got >got.body
same "comes out the same" body got.body
head -n 1 got >got.subject
printf 'Subject: %s\n' "${long% }" >want
same "a long subject, too" want got.subject
printf 'a\377b\303\nc\r\nd\r\n' >body
run 0 "a body that is no UTF-8" send -t b@example.com \
	-s "$(printf 'two\r\nBcc: x@example.com\033[2J \377')"
received 4
printf 'a\357\277\275b\357\277\275\nc\nd\n' >want
tail -n +6 got >got.body
same "is made readable" want got.body
head -n 1 got >got.subject
printf 'Subject: two  Bcc: x@example.com [2J \357\277\275\n' >want
same "and a subject stays one line" want got.subject
head -c 3000000 /dev/zero | tr '\0' x >body
run 0 "a body of 3 MB" send -t b@example.com
says "is cut with a word" "only the first 1048576 bytes"
received 5
tail -n 3 got >got.end
says "in the mail, too" "longer than a mail should be" got.end
run 66 "no such file" send -t b@example.com missing
echo 'Die Übertragung scheiterte.' >body

run 65 "one recipient of two is refused" send -t nobody@example.com -t a@example.com
says "by name, with the server's words" "nobody@example.com: 550 5.1.1 no such user"
says "the other has it" "praic@example.com a@example.com -" plain/6.env
run 77 "all recipients refused" send -t nobody@example.com
run 75 "all recipients later" send -t later@example.com
says "with the server's words" "greylisted"
run 77 "the sender is refused" send -f banned@example.com -t a@example.com
says "with the server's words" "this sender may not"
echo "refuse this" >body
run 77 "the mail itself is refused" send -t a@example.com
says "with the server's words" "the content is refused"
run 78 "no STARTTLS where it was wanted" "$mail" --server "127.0.0.1:$smtp_port" \
	-f praic@example.com -t a@example.com
says "says what to do" "see --tls"
check "three mails were not taken" test ! -e plain/7.eml

# Refused for now, while others have it: tried again, and the others are not.
echo 'A report.' >body
run 65 "one who is refused for now, for good" send --max-time 8 -t later@example.com -t a@example.com
says "is named" "later@example.com: 451"
says "and who is left out is counted" "not to 1 of 2"
check "the other has it once" test ! -e plain/8.eml
run 0 "one who is refused for now, once" send -t once-more@example.com -t a@example.com
echo "praic@example.com a@example.com - clear" >want
same "the other has it" want plain/8.env
echo "praic@example.com once-more@example.com - clear" >want
same "and then that one" want plain/9.env

echo 'pässwörd' >password
chmod 600 password
echo 'wrong word' >wrong
chmod 600 wrong
echo 'A report.' >body
for mode in starttls tls; do
	smtp_start $mode $mode
	send() {
		"$mail" --server "127.0.0.1:$smtp_port" --tls $mode --ca-file ca.pem \
			-f praic@example.com -t a@example.com "$@" <body
	}
	run 0 "$mode: with a login" send --user praic --password file:password -s Report
	silent "$mode: without a word"
	echo "praic@example.com a@example.com praic tls" >want
	same "$mode: logged in, below TLS" want $mode/1.env
	run 0 "$mode: -v" send --user praic --password file:password -v
	says "$mode: -v tells" "RCPT TO:<a@example.com>"
	check "$mode: -v keeps the login to itself" sh -c \
		'! grep -qe "pässwörd" -e "$(printf "\000praic\000pässwörd" | base64)" err'
	run 77 "$mode: a wrong password" send --user praic --password file:wrong
	says "$mode: says so" "login refused: 535"
	run 77 "$mode: no login where one is wanted" send
	run 78 "$mode: an authority that is not the server's" send --ca-file smtp.key \
		--user praic --password file:password
	run 78 "$mode: a server that nobody vouches for" "$mail" --tls $mode \
		--server "127.0.0.1:$smtp_port" -f praic@example.com -t a@example.com body
	says "$mode: says what to do" "--ca-file"
	run 78 "$mode: another name than the certificate's" "$mail" --tls $mode \
		--ca-file ca.pem --server "localhost:$smtp_port" -f praic@example.com \
		-t a@example.com body
	check "$mode: two mails in all" test ! -e $mode/3.eml
done
chmod 644 password
run 78 "a password that others may read" send --user praic --password file:password
smtp_stop
run 69 "nobody listens" send
run 69 "no such host" "$mail" --server no-such-host.invalid -f praic@example.com \
	-t a@example.com body
done_testing
