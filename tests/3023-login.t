#!/bin/sh
# praic-tosql's connection to SQL Server (a stand-in): named instances and SQL Server
# Browser, and the messages for errors of TLS.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/storage.sh
. "$top/tests/storage.sh"
# shellcheck source=tests/tds.sh
. "$top/tests/tds.sh"
make_records --sessions 2 >two.rec

# A separate loopback address, because UDP port 1434 can be used once.
here=127.$(($$ % 250 + 1)).$(($$ / 250 % 250 + 1)).7
# instance NAME [MORE]: write a connection string for the instance to conn
instance() {
	echo "Server=$here\\$1;User Id=praic;Password=Passw0rd;Database=store;TrustServerCertificate=yes;$2" >conn
}
start --address "$here" --browser PRAIC
instance PRAIC
run 0 "a named instance" ./l -v two.rec
says "is found" "2 stored"
check "by SQL Server Browser, which is asked again" test "$(logged browser)" = 2
# seconds CODE NAME: run l and check that it ends within 4 s
seconds() {
	begin=$(date +%s)
	run "$1" "$2" ./l two.rec
	check "  within Connect Timeout" test $(($(date +%s) - begin)) -le 4
	says "  the message names the port" "UDP port 1434"
	says "  and how to do without" "Server=HOST,PORT"
}
instance OTHER 'Connect Timeout=2'
seconds 69 "an instance that the Browser does not know"
says "the message names it" "instance OTHER"
kill "$server"
wait "$server" 2>/dev/null
seconds 69 "no SQL Server Browser"
server=
echo 'Server=no-such-host.invalid\X;User Id=u;Password=p' >conn
run 69 "no such host" ./l two.rec
says "is reported" "no such host"

# TLS: CODE|NAME|WORDS|OPTIONS OF THE SERVER|STRING|CA FILE
openssl req -x509 -newkey rsa:2048 -nodes -keyout old.key -out old.pem -days 1 -not_before 20200101000000Z \
	-not_after 20200201000000Z -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null ||
	python3 - <<'END'
# openssl req of OpenSSL 3.0 cannot make an expired certificate; openssl ca can.
import os, subprocess
os.makedirs("ca", exist_ok=True)
open("ca/index.txt", "w").close()
open("ca/serial", "w").write("01\n")
open("ca.cnf", "w").write("""[ca]
default_ca = c
[c]
database = ca/index.txt
serial = ca/serial
new_certs_dir = ca
default_md = sha256
policy = p
x509_extensions = x
[p]
commonName = supplied
[x]
subjectAltName = DNS:localhost
""")
subprocess.run("openssl req -newkey rsa:2048 -nodes -keyout old.key -out old.csr -subj /CN=localhost 2>/dev/null;"
               "openssl ca -batch -config ca.cnf -selfsign -keyfile old.key -in old.csr -out old.pem -notext"
               " -startdate 20200101000000Z -enddate 20200201000000Z 2>/dev/null", shell=True, check=True)
END
certificate other localhost
certificate elsewhere db.example
while IFS='|' read -r name words cert tls ca more; do
	start --certificate "$cert.pem" --key "$cert.key" --tls "$tls"
	string "localhost,$(cat port)" Passw0rd store "$more" >conn
	run 78 "$name" "$tosql" -d @conn --ca-file "$ca.pem" two.rec
	says "  the message gives the reason" "logging in: the server breaks off: $words"
	check "  in one line" test "$(wc -l <err)" = 1
	check "  no password was sent" test "$(logged login)" = 0
done <<'END'
an expired certificate|its certificate has expired: have it renewed (CN = localhost, valid until Feb  1|old|on|old|
an unknown authority|its certificate is of an authority that is not trusted: give that one with --ca-file (CN = localhost|good|on|other|
a certificate for another name|its certificate is for another name: give that name in Server (CN = db.example|elsewhere|on|elsewhere|
no encryption|it offers no encryption|good|off|good|
no encryption, and no check|it offers no encryption|good|off|good|TrustServerCertificate=yes
TLS 1.0|it speaks TLS 1.0 only|good|1.0|good|
END
start --fault 'login 1=close'
run 69 "a server that closes the connection" ./l two.rec
says "after a correct TLS handshake" "it is starting, or no SQL Server"
# A web server instead of SQL Server.
python3 - "$here" <<'END' &
import socket, sys
s = socket.create_server((sys.argv[1], 0))
open("web", "w").write("%d\n" % s.getsockname()[1])
s.settimeout(60)
while True:
    c, _ = s.accept()
    c.recv(100)
    c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    c.close()
END
web=$!
until [ -s web ]; do sleep 0.1; done
string "$here,$(cat web)" Passw0rd store >conn
"$tosql" -d @conn two.rec 2>err
check "a web server is refused" test $? -ge 69
kill $web
done_testing
