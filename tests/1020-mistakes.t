#!/bin/sh
# praic-fetch: common mistakes, without options for time.  Each run ends within 15
# seconds with a message of one line that names the cause and the remedy.

# Functions are called by name; the dollars belong to sh -c.
# shellcheck disable=SC2016,SC2317

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

# mistake CODE NAME CAUSE CURE COMMAND...: standard error has one line with CAUSE and CURE
mistake() {
	code=$1 mistake=$2 cause=$3 cure=$4
	shift 4
	no_token
	began=$(date +%s)
	run "$code" "$mistake" "$@"
	took=$(($(date +%s) - began))
	check "$mistake: within 15 seconds ($took)" test $took -le 15
	wc -l <err | tr -d ' ' >got
	echo 1 >want
	same "$mistake: one line" want got
	says "$mistake: the cause" "$cause"
	says "$mistake: the remedy" "$cure"
}

# checked NAME CAUSE CURE: check prints one line with both on standard output
checked() {
	no_token
	f check >out 2>err
	grep -F -- "$2" out >line
	check "$1" test "$(wc -l <line)" -eq 1
	says "$1: the remedy" "$3" line
}

# to HOST OPTION...: fetch sessions from this host
to() {
	host=$1
	shift
	"$fetch" --host "$host" --client-id "$client" --secret "file:$site/secret" "$@" \
		sessions --since 1d
}

api="/login > Management > API Configuration"
site_start --sessions 10 --span 1
ca=$site/ca.pem

mistake 69 "the host is misspelled" "cannot resolve localhst.invalid" "see --host" \
	to localhst.invalid --ca-file "$ca"
mistake 69 "the port is closed" "Connection refused" "see --host" to localhost:1 --ca-file "$ca"
mistake 78 "an unknown authority" "from an authority that is unknown here" "--ca-file" \
	to "localhost:$port"
mistake 77 "a wrong client id" "the client id or the secret is wrong" "--client-id" \
	f --client-id nonesuch sessions --since 1d
echo not-this-one >wrong
chmod 600 wrong
mistake 77 "a wrong secret" "the client id or the secret is wrong" "--secret" \
	f --secret "file:$work/wrong" sessions --since 1d
mistake 69 "a report's name is misspelled" "the appliance says: " "is this one misspelled?" \
	f AccesSession start_time=1 duration=1
check "the message does not suggest --nothing" lacks err --nothing
site_ask '{"do":"deny","what":"AccessSession","deny":true}'
mistake 77 "reports are not permitted" "HTTP 404: it is not there, or the account may not have it" "$api" f sessions --since 1d
site_ask '{"do":"deny","what":"AccessSession","deny":false}'
site_fault "status code=404"
mistake 77 "the XML API is off" "it is not there, or the account may not have it" "Enable XML API" \
	f Team start_time=1 duration=1
site_fault
site_ask '{"do":"deny","what":"command","deny":true}'
checked "the command API is not permitted" "the command API, which would tell, is refused" "$api"
site_ask '{"do":"deny","what":"command","deny":false}'
site_ask '{"do":"clock","set":"+86400"}'
checked "a clock is wrong by a day" "ahead of this machine's" "set the one that is wrong"
site_ask '{"do":"clock","set":"run"}'

# a proxy
cat >proxy.py <<'E'
"""proxy.py FILE ANSWER: write the port to FILE; answer everything with ANSWER."""
import os, socket, sys
s = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[1] + ".new", "w") as f:
    f.write(str(s.getsockname()[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
while True:
    c = s.accept()[0]
    while b"\r\n\r\n" not in c.recv(65536):
        pass
    c.sendall(b"HTTP/1.1 " + sys.argv[2].encode() +
              b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    c.close()
E
# proxy ANSWER
proxy() {
	rm -f proxy.port
	python3 proxy.py proxy.port "$(printf '%b' "$1")" &
	proxy=$!
	at_exit='kill $site_pid $proxy 2>/dev/null; wait 2>/dev/null'
	until [ -e proxy.port ]; do sleep 0.02; done
}
echo me:password >user
chmod 600 user
proxy '200 OK\r\n\r\nhello'
mistake 78 "what answers does not speak TLS" "wrong version number" "see the port of --host" \
	f --proxy "http://127.0.0.1:$(cat proxy.port)" sessions --since 1d
kill $proxy
proxy '302 Found\r\nLocation: http://portal.example.net/'
mistake 78 "a proxy redirects to a portal" "the proxy said 302" "see --host and --proxy" \
	f --proxy "http://127.0.0.1:$(cat proxy.port)" sessions --since 1d
kill $proxy
proxy "403 Forbidden"
mistake 77 "a proxy refuses" "the proxy said 403" "have the host allowed there" \
	f --proxy "http://127.0.0.1:$(cat proxy.port)" sessions --since 1d
kill $proxy
run 0 "the secret is not taken for a wrong one" f sessions --since 1d
proxy '407 No\r\nProxy-Authenticate: Bearer realm="x"'
mistake 78 "a proxy requires an unsupported authentication" "of a kind that praic-fetch does not have" \
	"Basic or Digest" f --proxy "http://127.0.0.1:$(cat proxy.port)" --proxy-user "file:$work/user" \
	sessions --since 1d
mistake 78 "a proxy requires credentials" "it wants credentials" "--proxy-user" \
	f --proxy "http://127.0.0.1:$(cat proxy.port)" sessions --since 1d
kill $proxy
proxy '407 No\r\nProxy-Authenticate: Basic realm="x"'
mistake 78 "the credentials for the proxy are wrong" "the proxy said 407" "--proxy-user names is wrong" \
	f --proxy "http://127.0.0.1:$(cat proxy.port)" --proxy-user "file:$work/user" sessions --since 1d
kill $proxy

# the disk
mkdir spool
recordings_truth truth
records truth >in
mkdir full
if unshare -m mount -t tmpfs none full 2>/dev/null; then
	# full COMMAND...: with a disk of 64 KiB in full
	full() { unshare -m sh -c 'mount -t tmpfs -o size=64k,mode=700 none full && exec "$@"' - "$@"; }
	mistake 74 "the spool's disk is full" "full/pra.example.net-" "No space left on device: make room there" \
		full "$fetch" --host "localhost:$port" --name pra.example.net --ca-file "$ca" \
		--client-id "$client" --secret "file:$site/secret" recordings -d full in
	mistake 74 "the disk is full for a report" "praic-fetch: full: " "No space left on device: make room there" \
		full "$fetch" --host "localhost:$port" --ca-file "$ca" \
		--client-id "$client" --secret "file:$site/secret" -d full sessions --since 2d
	mistake 74 "the disk is full for a backup" "full/temporary file" "No space left on device: make room there" \
		full "$fetch" --host "localhost:$port" --ca-file "$ca" \
		--client-id "$client" --secret "file:$site/secret" -d full backup
	mistake 74 "the disk is full for temporary files" "see TMPDIR" "No space left on device: make room there" \
		full env "TMPDIR=$work/full" "$fetch" --host "localhost:$port" --ca-file "$ca" \
		--client-id "$client" --secret "file:$site/secret" sessions --since 2d
	run 74 "the same, with a token in the cache" full sh -c 'head -c 65536 /dev/zero >full/x; "$@"' - \
		env "TMPDIR=$work/full" "$fetch" --host "localhost:$port" --ca-file "$ca" \
		--client-id "$client" --secret "file:$site/secret" sessions --since 2d
	check "one line, too" test "$(wc -l <err)" -eq 1
else
	pass "the disk is full # SKIP no file system can be mounted here"
fi
mkdir closed
chmod 555 closed
if [ "$(id -u)" -ne 0 ]; then
	mistake 73 "the spool is not writable" "Permission denied" "must be able to write there" \
		f recordings -d closed in
elif command -v setpriv >/dev/null; then
	cp "$site/secret" "$ca" "$fetch" .
	mkdir runtime
	chown 65534 secret runtime
	chmod 755 .
	mistake 73 "the spool is not writable" "Permission denied" "must be able to write there" \
		setpriv --reuid=65534 --clear-groups env "XDG_RUNTIME_DIR=$work/runtime" "$work/praic-fetch" \
		--host "localhost:$port" --ca-file "$work/ca.pem" --client-id "$client" \
		--secret "file:$work/secret" recordings -d "$work/closed" "$work/in"
fi
site_stop

# certificates
again() {
	site_start --sessions 10 --span 1 --certificate "$1"
}
again expired
mistake 78 "the certificate has expired" "the certificate expired on 20" "renew it on the appliance" \
	to "localhost:$port" --ca-file "$ca"
site_stop
again wrong-host
mistake 78 "a certificate of another name" "and not for this host" "with --host" \
	to "localhost:$port" --ca-file "$ca"
check "the message names the certificate's host" grep -qE 'the certificate is for [a-z0-9]+[.a-z0-9]*' err
site_stop
mkdir raw
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
	2>openssl.err
cat cert.pem key.pem >raw/cert.pem
python3 "$top/tests/tools/raw-server.py" raw &
raw=$!
at_exit='kill $raw 2>/dev/null; wait 2>/dev/null'
until [ -e raw/port ]; do sleep 0.05; done
mistake 78 "a certificate without a subjectAltName" "no subjectAltName" "replace it on the appliance" \
	to "localhost:$(cat raw/port)" --ca-file cert.pem
kill $raw

# messages while praic-fetch retries
site_start --sessions 10 --span 1
site_fault internal-error
run 69 "a site that fails for some time" f --timeout 12 sessions --since 1d
sed -n 1p err >first
says "after ten seconds the reason is printed" "HTTP 500; trying again" first
if python3 -c 'import pty; pty.openpty()' 2>/dev/null; then
	# shellcheck disable=SC2016
	python3 "$top/tests/tools/terminal.py" -- sh -c 'exec "$@" >/dev/null' - "$fetch" \
		--host "localhost:$port" --ca-file "$ca" --client-id "$client" \
		--secret "file:$site/secret" --timeout 3 sessions --since 1d >out
	says "on a terminal at once, in the progress line" "HTTP 500, trying again in " out
else
	pass "on a terminal # SKIP no terminal can be opened here"
fi
site_fault
no_token
run 0 "SSLKEYLOGFILE" env "SSLKEYLOGFILE=$work/keys" "$fetch" --host "localhost:$port" --ca-file "$ca" \
	--client-id "$client" --secret "file:$site/secret" sessions --since 1d
check "has no effect" test ! -e keys
run 77 "a wrong secret, though a token is in the cache" f --secret "file:$work/wrong" sessions --since 1d
done_testing
