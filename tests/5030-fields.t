#!/bin/sh
# Each field of praic-conf has an effect on the program that reads it.  Each line below
# tests one field: the effect must be visible with its value, and must not be visible
# after the column of the settings database is set to another value (default: NULL).  A
# field of praic-conf without a line is a failure.
# eval and at_exit use these variables.
# shellcheck disable=SC2016,SC2034,SC2317
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"
# shellcheck source=tests/sched.sh
. "$top/tests/sched.sh"
# shellcheck source=tests/smtp.sh
. "$top/tests/smtp.sh"
unset SSL_CERT_FILE SSL_CERT_DIR
sched_settings

# An appliance, an appliance that requires a client certificate, a proxy that requires a
# password, a port that does not answer, a mail server, a SQL Server.
site=$work/picky
site_start --client-certificate --sessions 3 --span 1
picky=$site
picky_port=$port
picky_pid=$site_pid
picky_client=$client
site=$work/site
site_start --sessions 12 --span 1 --seed 3 --now 1767225600 --clock fixed
openssl pkey -in "$picky/client.key" -aes128 -passout pass:sesame -out locked.key
cat "$picky/client.pem" "$picky/client.key" >both.pem
openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 2 \
	-subj /CN=localhost -addext subjectAltName=DNS:localhost 2>openssl.err
cat >servers.py <<'E'
import os, socket, sys, threading
def answer(a):
    head = b""
    while b"\r\n\r\n" not in head:
        piece = a.recv(4096)
        if not piece:
            return
        head += piece
    with open("proxied", "ab") as f:
        f.write(head)
    a.sendall(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
              b"Content-Length: 0\r\nConnection: close\r\n\r\n")
    a.close()
proxy, silent = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
with open("ports.new", "w") as f:
    print("proxy_port=%d silent_port=%d" % (proxy.getsockname()[1], silent.getsockname()[1]), file=f)
os.rename("ports.new", "ports")
while True:
    threading.Thread(target=answer, args=(proxy.accept()[0],), daemon=True).start()
E
python3 servers.py &
servers=$!
python3 "$top/tests/tools/tds-server.py" --log sent --port-file tds.port --certificate other.pem \
	--key other.key 2>tds.err &
tds=$!
# shellcheck disable=SC2154
at_exit='smtp_stop; kill $site_pid $picky_pid $servers $tds 2>/dev/null; wait 2>/dev/null'
for _ in $(seq 200); do
	[ ! -s ports ] || [ ! -s tds.port ] || break
	sleep 0.1
done
proxy_port='' silent_port=''
# shellcheck source=/dev/null
. ./ports
smtp_start mails starttls
rm -f "$smtp_dir"/*.env
for word in wrong Passw0rd sesame me:word back-word pässwörd; do
	echo "$word" >"$word"
	chmod 600 "$word"
done
server="Server=localhost,$(cat tds.port);Database=store;User Id=praic"

# Records for the destinations: sessions, one of them in progress, two with names that
# differ in case only; and a file of each kind.
mkdir spool.in spool.out
PYTHONPATH=$data/tofs python3 - <<'E'
import time
from records import *
now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
with Report(open("sessions.rec", "wb")) as s:
    s.session("a1", external_key="KEY")
    s.session("b2", external_key="key")
    s.session("c3", external_key="open", start_time=now, end_time=None)
for kind in "recording", "shell", "screen":
    with Files(open(kind + ".rec", "wb")) as s:
        s.spool = "spool.in"
        s.begin("a1")
        s.spooled(kind, kind, b"x", instance=None if kind == "recording" else 1)
        s.end()
with Files(open("backup.rec", "wb")) as s:
    s.spool = "spool.in"
    for i in range(3):
        s.backup("2026-01-0%dT00:00:00Z" % (i + 1), "b%d" % i, b"%d" % i)
with Report(open("changed.rec", "wb")) as s:
    s.session("a1", external_key="KEY", body="changed")
E
recordings_truth truth
records truth >recordings.in
f sessions --since 1d 2>err | "$split" >report.rec
check "there is system information to leave out" grep -q '^R	system_information' report.rec

# These functions run the filters with the site or destination x.
fetch_x() {
	timeout "$patience" "$fetch" -s x --timeout 2 "$@" <recordings.in >out 2>err
	code=$?
}
tosql_x() {
	timeout "$patience" "$tosql" -v -D x report.rec >out 2>err
	code=$?
}
# tofs_x RECORDS...: store in new directories
tofs_x() {
	rm -rf d e
	mkdir d e
	for records; do
		"$tofs" -D x -i spool.in "$records" >out 2>err
		code=$?
	done
}
mail_x() {
	rm -f "$smtp_dir"/*.env "$smtp_dir"/*.hello
	timeout "$patience" "$mail" -s test <recordings.in >out 2>err
	code=$?
	cat "$smtp_dir"/*.env "$smtp_dir"/*.hello >envelope 2>/dev/null
}
# exits CODE: the last program exited with this code
exits() {
	[ "$code" -eq "$1" ]
}
# has FILE REGEX
has() {
	grep -qsE -- "$2" "$1"
}
# files GLOB N: the number of files below d
files() {
	[ "$(find d -name "$1" -type f | wc -l)" -eq "$2" ]
}
# request JQ TEXT: the appliance received this value
request() {
	[ "$(asked "$1 // empty" | sort -u | grep -cxF -- "$2")" -eq 1 ]
}

# t KIND FIELD VALUE ELSE RUN SEE [FIELD=VALUE ...]: with VALUE (and the other fields),
# SEE must be true after RUN; with ELSE in the settings database it must be false.
t() {
	kind=$1 field=$2 value=$3 other=$4 run_it=$5 see=$6
	shift 6
	sql "DELETE FROM transfer; DELETE FROM site; DELETE FROM destination; DELETE FROM schedule"
	echo "$kind $field" >>lines
	case $kind in
	site)
		"$conf" site add x host="localhost:$port" client-id="$client" ca-file="$site/ca.pem" \
			secret="file:$site/secret" "$@" "$field=$value" >out 2>err
		;;
	setting) "$conf" setting set "$field=$value" >out 2>err ;;
	*) "$conf" destination add x "$kind" "$@" "$field=$value" >out 2>err ;;
	esac || {
		fail "$kind $field=$value is accepted" err
		return
	}
	if uses 60; then
		pass "$kind $field=$value is used"
	else
		fail "$kind $field=$value is not used: exit $code" err out
	fi
	case $other in NULL) ;; *) other="'$other'" ;; esac
	case $kind in
	setting) if [ "$other" = NULL ]; then
		sql "DELETE FROM setting WHERE name = '$field'"
	else
		sql "UPDATE setting SET value = $other WHERE name = '$field'"
	fi ;;
	site) sql "UPDATE site SET \"$(echo "$field" | tr - _)\" = $other" ;;
	*) sql "UPDATE destination SET \"$(echo "$field" | tr - _)\" = $other" ;;
	esac
	if uses 6; then
		fail "$kind $field: the same effect without the value: exit $code" err out
	else
		pass "$kind $field: no effect without the value"
	fi
	[ "$kind" != setting ] || "$conf" setting set "$field=$value" >out 2>err
}

# uses SECONDS: the last run took about this time
uses() {
	patience=$1
	rm -f proxied out err ran envelope x.db
	: >sent
	no_token
	site_forget
	eval "$run_it"
	eval "$see"
}

report='fetch_x sessions --since 1d'
faulty() {
	site_fault "$1"
	$report
	site_fault
}
french='Cet enregistrement a expiré et ne peut plus être consulté ni téléchargé.'
expired() {
	site_ask '{"do":"set","name":"recording-retention","value":"0"}'
	site_ask '{"do":"set","name":"language","value":"fr"}'
	fetch_x recordings -d spool.out
	site_ask '{"do":"set","name":"recording-retention","value":"none"}'
	site_ask '{"do":"set","name":"language","value":"en"}'
}

# Sites: praic-fetch.
second="localhost:$picky_port"
set -- host="$second" client-id="$picky_client" secret="file:$picky/secret" ca-file="$picky/ca.pem"
t site host localhost:1 "localhost:$port" "$report" 'exits 69 && has err "localhost(:| port )1[: ]"'
t site host-name odd.example.net NULL "$report" 'exits 0 && has out odd.example.net'
t site client-id nobody "$client" "$report" 'exits 77'
t site secret "file:$work/wrong" "file:$site/secret" "$report" 'exits 77'
t site backup-password "file:$work/back-word" NULL 'fetch_x backup -d spool.out' \
	'exits 0 && request .parameters.password back-word'
t site product rs NULL "$report" 'request .parameters.generate_report SupportSession'
t site ca-file "$work/other.pem" "$site/ca.pem" "$report" 'exits 78 && has err --ca-file'
t site pin sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= NULL "$report" 'exits 78 && has err "pin names"'
t site client-cert "$work/both.pem" NULL "$report" 'exits 0' "$@"
t site client-key "$picky/client.key" NULL "$report" 'exits 0' "$@" client-cert="$picky/client.pem"
t site client-key-password "file:$work/sesame" NULL "$report" 'exits 0' "$@" \
	client-cert="$picky/client.pem" client-key="$work/locked.key"
t site proxy "http://127.0.0.1:$proxy_port" NULL "$report" 'has proxied "^CONNECT localhost:"'
t site proxy-user "file:$work/me:word" NULL "$report" \
	'has proxied "^Proxy-Authorization: Basic bWU6d29yZA=="' proxy="http://127.0.0.1:$proxy_port"
t site nothing 'An error has occurred.' NULL 'faulty xml-error' 'exits 0'
t site expired "$french" NULL expired 'exits 0' host-name=pra.example.net
slow() {
	site_fault "slow-start seconds=30"
	timeout 8 "$fetch" -v -s x sessions --since 1d >out 2>err
	site_fault
}
t site timeout 6s NULL slow 'has err "no answer for 6 seconds"'

# Destinations of the kind sql: praic-tosql.
t sql connection "sqlite:$work/x.db" "$work/y.db" tosql_x 'exits 0 && test -s x.db'
t sql password "file:$work/Passw0rd" "file:$work/wrong" tosql_x 'exits 0 && has sent Passw0rd' \
	connection="$server" ca-file="$work/other.pem"
t sql ca-file "$work/other.pem" NULL tosql_x 'exits 0' connection="$server" \
	password="file:$work/Passw0rd"
t sql system-information no NULL tosql_x \
	'exits 0 && test "$(sqlite3 x.db "SELECT count(*) FROM system_information")" = 0' \
	connection="$work/x.db"

# Of the kind fs: praic-tofs.
set -- directory="$work/d"
mkdir d e
t fs directory "$work/e" "$work/d" 'tofs_x sessions.rec' 'exits 0 && test -n "$(find e -name "*.xml")"'
t fs conflict overwrite NULL 'tofs_x sessions.rec changed.rec' 'exits 0 && files "*.xml" 2' "$@"
t fs format '%KIND%-%LSID%.all' NULL 'tofs_x sessions.rec shell.rec' 'exits 0 && files "*.all" 3' "$@"
t fs format 'session=%LSID%.session,backup=x-%START_DATE%,%KIND%.backup' NULL \
	'tofs_x sessions.rec shell.rec backup.rec' 'exits 0 && files "*.session" 2 && files "x-*,backup.backup" 3' "$@"
t fs retain 1 NULL 'tofs_x backup.rec' 'exits 0 && files "*.nsb" 2' "$@"
t fs mode 640 NULL 'tofs_x sessions.rec' 'test -n "$(find d -name "*.xml" -perm 640)"' "$@"
t fs in-progress yes NULL 'tofs_x sessions.rec' 'files "*.xml" 3' "$@"

# Of the kind exec: the shell.
t exec command "echo yes >'$work/ran'" true '"$conf" destination test x >out 2>err; code=$?' \
	'exits 0 && has ran yes'

# Settings that a filter reads: praic-mail.
"$conf" setting set notify-server=127.0.0.1 notify-port="$smtp_port" notify-tls=starttls \
	notify-ca-file="$work/ca.pem" notify-user=praic notify-password="file:$work/pässwörd" \
	notify-from=praic@example.com notify-to=a@example.com 2>err
while read -r field value other see; do
	t setting "$field" "$value" "$other" mail_x "exits 0 && $see"
done <<E
notify-server 127.0.0.1 NULL has envelope praic
notify-port $smtp_port NULL has envelope praic
notify-tls starttls tls has envelope tls
notify-ca-file $work/ca.pem NULL has envelope tls
notify-user praic NULL has envelope ' praic '
notify-password file:$work/pässwörd NULL has envelope ' praic '
notify-from b@example.com c@example.com has envelope ^b@example.com
notify-to b@example.com c@example.com has envelope ' b@example.com '
notify-hello odd.example.net NULL has envelope ^odd.example.net
E

# Fields of transfers and schedules show in the commands that praic-run would run.
sql "DELETE FROM transfer; DELETE FROM destination; DELETE FROM site; DELETE FROM schedule"
"$conf" site add x host="localhost:$port" client-id="$client" secret="file:$site/secret" 2>err
"$conf" destination add x fs directory="$work/d" 2>err
"$conf" schedule add x every=1h 2>err
number=$("$conf" transfer add x x x session since=3d 2>err)
sql "SELECT mark - 900 FROM job WHERE data = 'session' AND step = 'fetch'" >since
run 0 "praic-run -n" "$praic_run" -n fetch x session
# The span begins earlier by the overlap.
check "since is used" has out "-s x sessions --since $(cat since)"
run 78 "a transfer without recordings" "$praic_run" -n store "$number" file
"$conf" transfer set "$number" kinds=session,recording 2>err
run 0 "kinds are used" "$praic_run" -n store "$number" file

# Each field must have a line above.
fields() {
	"$conf" complete "$@" | tr -d =
}
{
	fields site add y | sed 's/^/site /'
	for kind in sql fs exec; do
		fields destination add y $kind | sed "s/^/$kind /"
	done
	"$conf" setting list | sed -n 's/^\(notify-[a-z-]*\)	.*/setting \1/p'
} | sort >has
check "praic-conf lists its fields" test "$(wc -l <has)" -gt 30
sort -u lines >want
same "each field of praic-conf is tested here" has want
done_testing
