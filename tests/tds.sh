# shellcheck shell=sh
# Functions for the tests that need a SQL Server: tests/tools/tds-server.py stands in
# for one.

server=
# start OPTIONS...: start a new server; it logs to "log", and the file "conn" has its
# connection string
start() {
	[ -z "$server" ] || kill "$server"
	rm -f port log
	python3 "$top/tests/tools/tds-server.py" --log log --port-file port \
		--certificate good.pem --key good.key "$@" 2>server.err &
	server=$!
	for _ in $(seq 300); do
		[ -s port ] && break
		sleep 0.03
	done
	string "localhost,$(cat port)" Passw0rd store >conn
	chmod 600 conn
}
# string SERVER PASSWORD DATABASE [MORE]: a connection string
string() {
	echo "Server=tcp:$1;User Id=praic;Password=$2;Database=$3;$4"
}
# shellcheck disable=SC2016,SC2034
at_exit='[ -z "$server" ] || kill "$server"'
# logged KIND: the number of log entries of this kind
logged() {
	grep -c "^\\[\"$1\"" log
}
certificate() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.pem" -days 2 \
		-subj "/CN=$2" -addext "subjectAltName=DNS:$2" 2>openssl.err
}
certificate good localhost
cat >l <<END
#!/bin/sh
exec "$tosql" -d @conn --ca-file good.pem "\$@"
END
chmod +x l
