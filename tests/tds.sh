# shellcheck shell=sh
# A stand-in for SQL Server, tests/tools/tds-server.py: for the tests.

server=
# start OPTIONS...: a new stand-in; its log is called log, conn leads to it
start() {
	[ -z "$server" ] || kill "$server"
	rm -f port log
	python3 "$top/tests/tools/tds-server.py" --log log --port-file port \
		--certificate good.pem --key good.key "$@" 2>server.err &
	server=$!
	for _ in $(seq 100); do
		[ -s port ] && break
		sleep 0.1
	done
	string "localhost,$(cat port)" Passw0rd store >conn
	chmod 600 conn
}
# string SERVER PASSWORD DATABASE [MORE]
string() {
	echo "Server=tcp:$1;User Id=praic;Password=$2;Database=$3;$4"
}
# shellcheck disable=SC2016,SC2034
at_exit='[ -z "$server" ] || kill "$server"'
# logged KIND: how many
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
