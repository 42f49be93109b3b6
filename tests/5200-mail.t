#!/bin/sh
# praic-mail with an SMTP server on loopback.
. "$(dirname "$0")/lib.sh"
. "$top/tests/smtp.sh"
at_exit=smtp_stop
unset SSL_CERT_FILE SSL_CERT_DIR

mail_check() {
	python3 "$top/tests/tools/mail-check.py" "$@"
}

# The decoded mail.
printf 'praic <praic@example.com>\n' >address
run 66 "no options and no settings" env PRAIC_SETTINGS=/nonexistent/x "$mail"
run 64 "no recipient" "$mail" --server x -f a@example.com
says "is reported" "missing: -t"
run 0 "--help" "$mail" --help
says "prints the options" "--server HOST" out
for bad in 'a' 'a@' '@b' 'a b@c' 'a@b>' 'a@b,c@d' '-x@b' 'a@-b' 'ä@b' 'X <a@b' 'a@b@c' 'a@b/c'; do
	run 64 "a bad address: $bad" "$mail" -n --server x -f "$bad" -t b@example.com
done
run 0 "-n with good addresses" "$mail" -n --server x -f a@example.com -t 'B <b@example.com>'
run 64 "a bad address: two lines" "$mail" -n --server x -t b@example.com -f 'a@b
c@d'
for bad in 'x:0' 'x:65536' 'x/y' 'user@x' 'x:25/y' '-x' '' 'a b'; do
	run 64 "a bad server: $bad" "$mail" --server "$bad" -f a@example.com -t b@example.com
done
run 64 "a password as an argument is refused" "$mail" --server 127.0.0.1:9 --tls none \
	--user u --password hunter22 -f a@example.com -t b@example.com
check "and not repeated" sh -c '! grep -q hunter22 err'
run 64 "a login without TLS is refused" "$mail" --server mail.example.com --tls none --user u \
	--password env:P -f a@example.com -t b@example.com

# Sending mails.
echo 'Die Übertragung scheiterte.' >body
smtp_start plain plain
# shellcheck disable=SC2086
pipe 0 "a mail to two recipients, one given twice, without TLS" body "$mail" --server "127.0.0.1:$smtp_port" --tls none \
	-f 'praic <praic@example.com>' -t a@example.com -t a@example.com -t 'B <b@example.com>' -s 'Störung'
silent "prints no message"
echo "praic@example.com a@example.com,b@example.com - clear" >want
same "sender and recipients are right" want plain/1.env
mail_check lines plain/1.eml >lines
silent "the lines are valid" lines
mail_check parse plain/1.eml >got
cat >want <<'END'
Subject: Störung
From: praic <praic@example.com>
To: a@example.com, B <b@example.com>
Auto-Submitted: auto-generated
Content-Type: text/plain; charset="UTF-8"
Die Übertragung scheiterte.
END
same "the content is right" want got
# The decoded content.
send() {
	"$mail" --server "127.0.0.1:$smtp_port" --tls none -f praic@example.com "$@" <body
}
# received N: decode mail N with mail-check.py into got, and check its lines
received() {
	mail_check lines "plain/$1.eml" >lines
	silent "short lines of ASCII with CRLF" lines
	mail_check parse "plain/$1.eml" >got
}
# A header of the maximum length.
long=$(awk 'BEGIN { for (i = 0; i < 2000; i++) printf "%d ", i }')
dense=$(awk 'BEGIN { for (i = 0; i < 300; i++) printf "ä€𝄞" }')
printf 'Grüße\n.\n..\nFrom here\nblank at the end \n\n%s\n%s' "$long" "x=1" >body
run 0 "a mail with unusual characters and lines" send -f 'Präic, "the" one <praic@example.com>' \
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
same "arrives unchanged" want got
printf '%s\näöü\n' "$dense" >body
run 0 "a body with all kinds of characters" send -t b@example.com -s "${long% }"
received 3
tail -n +6 got >got.body
same "arrives unchanged" body got.body
head -n 1 got >got.subject
printf 'Subject: %s\n' "${long% }" >want
same "and a long subject" want got.subject
printf 'a\377b\303\nc\r\nd\r\n' >body
run 0 "a body that is not UTF-8" send -t b@example.com \
	-s "$(printf 'two\r\nBcc: x@example.com\033[2J \377')"
received 4
printf 'a\357\277\275b\357\277\275\nc\nd\n' >want
tail -n +6 got >got.body
same "gets replacement characters" want got.body
head -n 1 got >got.subject
printf 'Subject: two  Bcc: x@example.com [2J \357\277\275\n' >want
same "and the subject stays one line" want got.subject
head -c 3000000 /dev/zero | tr '\0' x >body
run 0 "a body of 3 MB" send -t b@example.com
says "is truncated with a message" "only the first 1048576 bytes"
received 5
tail -n 3 got >got.end
says "and a line in the mail" "longer than a mail should be" got.end
run 66 "no such file" send -t b@example.com missing
echo 'Die Übertragung scheiterte.' >body

run 65 "one recipient of two is refused" send -t nobody@example.com -t a@example.com
says "is named with the server's answer" "nobody@example.com: 550 5.1.1 no such user"
says "the other gets the mail" "praic@example.com a@example.com -" plain/6.env
run 77 "all recipients refused" send -t nobody@example.com
run 75 "all recipients refused for now" send -t later@example.com
says "with the server's answer" "greylisted"
run 77 "the sender is refused" send -f banned@example.com -t a@example.com
says "with the server's answer" "this sender may not"
echo "refuse this" >body
run 77 "the content is refused" send -t a@example.com
says "with the server's answer" "the content is refused"
run 78 "a server without STARTTLS" "$mail" --server "127.0.0.1:$smtp_port" \
	-f praic@example.com -t a@example.com
says "is refused with what to do" "see --tls"
check "the server did not accept these mails" test ! -e plain/7.eml

# A recipient refused for now is tried again without the others.
echo 'A report.' >body
run 65 "a recipient that is always refused for now" send --max-time 8 -t later@example.com -t a@example.com
says "is named" "later@example.com: 451"
says "and counted" "not to 1 of 2"
check "the other gets the mail once" test ! -e plain/8.eml
run 0 "a recipient that is refused for now once" send -t once-more@example.com -t a@example.com
echo "praic@example.com a@example.com - clear" >want
same "the other gets the mail" want plain/8.env
echo "praic@example.com once-more@example.com - clear" >want
same "the first gets it at the second try" want plain/9.env

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
	silent "$mode: no message"
	echo "praic@example.com a@example.com praic tls" >want
	same "$mode: the login is under TLS" want $mode/1.env
	run 0 "$mode: -v" send --user praic --password file:password -v
	says "$mode: -v prints the commands" "RCPT TO:<a@example.com>"
	check "$mode: -v does not print the login" sh -c \
		'! grep -qe "pässwörd" -e "$(printf "\000praic\000pässwörd" | base64)" err'
	run 77 "$mode: a wrong password" send --user praic --password file:wrong
	says "$mode: is reported" "login refused: 535"
	run 77 "$mode: no login, though one is required" send
	run 78 "$mode: a CA file of another CA" send --ca-file smtp.key \
		--user praic --password file:password
	run 78 "$mode: an unknown CA" "$mail" --tls $mode \
		--server "127.0.0.1:$smtp_port" -f praic@example.com -t a@example.com body
	says "$mode: the message says what to do" "--ca-file"
	run 78 "$mode: a certificate for another name" "$mail" --tls $mode \
		--ca-file ca.pem --server "localhost:$smtp_port" -f praic@example.com \
		-t a@example.com body
	check "$mode: two mails were accepted" test ! -e $mode/3.eml
done
chmod 644 password
run 78 "a password that others may read" send --user praic --password file:password
smtp_stop
run 69 "no server" send
run 69 "no such host" "$mail" --server no-such-host.invalid -f praic@example.com \
	-t a@example.com body
done_testing
