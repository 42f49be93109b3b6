# shellcheck shell=sh
# Functions for the tests that need a mail server.  Source lib.sh first.
#
#	smtp_start NAME MODE	start a server that writes mails to $work/NAME; the mode
#				is plain, starttls or tls.  Sets smtp_port; ca.pem is
#				the server's CA
#	smtp_stop		stop all servers

# aiosmtpd is installed as a Debian package, which only Debian's own Python can import.
smtp_python=python3
python3 -c 'import aiosmtpd' 2>/dev/null || smtp_python=/usr/bin/python3
smtp_pids=

smtp_certificates() {
	[ ! -e "$work/ca.pem" ] || return 0
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=a test' \
		-keyout "$work/ca.key" -out "$work/ca.pem" 2>openssl.log &&
		openssl req -newkey rsa:2048 -nodes -subj '/CN=127.0.0.1' \
			-keyout "$work/smtp.key" -out "$work/smtp.csr" 2>>openssl.log &&
		printf 'subjectAltName=IP:127.0.0.1\n' >"$work/smtp.ext" &&
		openssl x509 -req -in "$work/smtp.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" \
			-CAcreateserial -days 2 -extfile "$work/smtp.ext" \
			-out "$work/smtp.pem" 2>>openssl.log
}

smtp_start() {
	smtp_certificates || {
		echo "Bail out! openssl made no certificates"
		exit 1
	}
	rm -rf "${work:?}/$1"
	mkdir "$work/$1"
	case $2 in
	plain) set -- "$1" "$2" ;;
	*) set -- "$1" "$2" "$work/smtp.pem" "$work/smtp.key" ;;
	esac
	smtp_dir=$work/$1
	shift
	"$smtp_python" "$top/tests/tools/smtp.py" "$smtp_dir" "$@" >"$smtp_dir/log" 2>&1 &
	smtp_pids="$smtp_pids $!"
	smtp_tries=0
	until [ -e "$smtp_dir/port" ]; do
		smtp_tries=$((smtp_tries + 1))
		if [ "$smtp_tries" -gt 500 ]; then
			sed 's/^/# /' "$smtp_dir/log"
			echo "Bail out! the mail server did not start"
			exit 1
		fi
		sleep 0.03
	done
	smtp_port=$(cat "$smtp_dir/port")
}

smtp_stop() {
	# shellcheck disable=SC2086
	[ -z "$smtp_pids" ] || kill $smtp_pids 2>/dev/null
	smtp_pids=
}
