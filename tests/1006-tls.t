#!/bin/sh
# praic-fetch: certificates, pins, proxies and TLS versions.

# The dollars belong to awk and sh -c.
# shellcheck disable=SC2016,SC2317

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

site_start --sessions 10 --span 1 --now 1767225600 --clock fixed --name second.example

# to HOST ARGUMENT...: fetch from this host, without a CA file
to() {
	host=$1
	shift
	"$fetch" --host "$host" --client-id "$client" --secret "file:$site/secret" --rate 0 \
		--timeout 0 "$@" sessions --since 1d
}

run 0 "a certificate of the CA in --ca-file" to "localhost:$port" --ca-file "$site/ca.pem"
run 0 "an address instead of a name" to "127.0.0.1:$port" --ca-file "$site/ca.pem"
no_token
site_forget
run 78 "an unknown CA" to "localhost:$port"
says "the message says what to do" "--ca-file"
run 78 "a missing CA file" to "localhost:$port" --ca-file "$work/none.pem"
pin=$(cat "$site/pin")
no=sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
run 78 "a key that does not match the pin" to "localhost:$port" --ca-file "$site/ca.pem" -o pin="$no"
says "is reported" "the site's pin"
run 64 "a bad pin" to "localhost:$port" --ca-file "$site/ca.pem" -o pin="$site/pin"
asked '.path // empty' >got
: >want
same "no request is sent to any of these" want got
run 0 "the pinned key" to "localhost:$port" --ca-file "$site/ca.pem" -o pin="$no;$pin"
run 78 "a pin does not replace the CA" to "localhost:$port" -o pin="$pin"
site_stop

# A proxy that only knows CONNECT, with or without a password.
cat >proxy.py <<'E'
import base64, os, select, socket, sys, threading
want = "Basic " + base64.b64encode(sys.argv[2].encode()).decode() if len(sys.argv) > 2 else None
def relay(a):
    head = b""
    while b"\r\n\r\n" not in head:
        piece = a.recv(4096)
        if not piece:
            return
        head += piece
    lines = head.decode("latin-1").split("\r\n")
    print(lines[0], flush=True)
    if want and "Proxy-Authorization: " + want not in lines:
        a.sendall(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
                  b"Content-Length: 0\r\nConnection: close\r\n\r\n")
        a.close()
        return
    host, _, port = lines[0].split()[1].rpartition(":")
    b = socket.create_connection(("127.0.0.1", int(port)))
    a.sendall(b"HTTP/1.1 200 Go on\r\n\r\n")
    other = {a: b, b: a}
    while True:
        for s in select.select([a, b], [], [])[0]:
            piece = s.recv(65536)
            if not piece:
                a.close()
                b.close()
                return
            other[s].sendall(piece)
s = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[1] + ".new", "w") as f:
    f.write(str(s.getsockname()[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
while True:
    threading.Thread(target=relay, args=(s.accept()[0],), daemon=True).start()
E
proxy_start() {
	rm -f proxy.port
	python3 proxy.py proxy.port "$@" >proxy.log &
	proxy=$!
	until [ -e proxy.port ]; do sleep 0.02; done
	proxy_port=$(cat proxy.port)
}
site_start --name second.example --sessions 10 --span 1 --now 1767225600 --clock fixed
proxy_start
at_exit='kill $site_pid $proxy 2>/dev/null; wait 2>/dev/null'
run 0 "--proxy, which resolves the name" to "second.example:$port" --ca-file "$site/ca.pem" \
	--proxy "http://127.0.0.1:$proxy_port"
echo "CONNECT second.example:$port HTTP/1.1" >want
sort -u proxy.log >got
same "gets only CONNECT" want got
run 0 "a proxy from the environment" env "https_proxy=http://127.0.0.1:$proxy_port" \
	"$fetch" --host "second.example:$port" --client-id "$client" --secret "file:$site/secret" \
	--ca-file "$site/ca.pem" sessions --since 1d
run 69 "--proxy none" env "https_proxy=http://127.0.0.1:$proxy_port" "$fetch" \
	--host "second.example:$port" --client-id "$client" --secret "file:$site/secret" \
	--ca-file "$site/ca.pem" --proxy none --timeout 0 sessions --since 1d
says "uses no proxy" "resolve"
kill "$proxy"
proxy_start "me:pass word"
run 78 "a proxy that requires a password" to "second.example:$port" --ca-file "$site/ca.pem" \
	--proxy "http://127.0.0.1:$proxy_port"
says "the message names the option" "--proxy-user"
echo "me:pass word" >proxy.secret
chmod 600 proxy.secret
run 0 "--proxy-user" to "second.example:$port" --ca-file "$site/ca.pem" \
	--proxy "http://127.0.0.1:$proxy_port" --proxy-user "file:$work/proxy.secret"
kill "$proxy"
run 69 "a proxy that does not answer" to "second.example:$port" --ca-file "$site/ca.pem" \
	--proxy "http://127.0.0.1:$proxy_port"
site_stop

again() {
	site_start --sessions 10 --span 1 --now 1767225600 --clock fixed "$@"
	no_token
}
again --certificate wrong-host
run 78 "a certificate for another host" to "localhost:$port" --ca-file "$site/ca.pem"
site_stop
again --certificate expired
run 78 "an expired certificate" to "localhost:$port" --ca-file "$site/ca.pem"
site_stop
again --certificate other-ca
run 78 "a certificate of another CA" to "localhost:$port" --ca-file "$site/ca.pem"
site_stop
again --certificate self-signed
run 78 "a self-signed certificate" to "localhost:$port" --ca-file "$site/ca.pem"
run 0 "the same certificate as CA file" to "localhost:$port" --ca-file "$site/server.pem"
site_stop
again --tls 1.1
run 78 "TLS 1.1" to "localhost:$port" --ca-file "$site/ca.pem"
site_stop
again --tls 1.2
run 0 "TLS 1.2" to "localhost:$port" --ca-file "$site/ca.pem"
site_stop
# With TLS 1.3 the connection may be reset before the server reports the reason.
again --client-certificate --tls 1.2
run 78 "no client certificate, though one is required" to "localhost:$port" \
	--ca-file "$site/ca.pem"
site_stop
again --client-certificate
run 0 "a client certificate" to "localhost:$port" --ca-file "$site/ca.pem" \
	-o client-cert="$site/client.pem" -o client-key="$site/client.key"
openssl pkey -in "$site/client.key" -aes128 -passout pass:sesame -out locked.key
echo sesame >key.secret
chmod 600 key.secret
run 0 "a key with a password" to "localhost:$port" --ca-file "$site/ca.pem" \
	-o client-cert="$site/client.pem" -o client-key=locked.key \
	-o client-key-password="file:$work/key.secret"
run 78 "a wrong password of the key" env PW=sesam "$fetch" --host "localhost:$port" --client-id "$client" \
	--secret "file:$site/secret" --ca-file "$site/ca.pem" -o client-cert="$site/client.pem" \
	-o client-key=locked.key -o client-key-password=env:PW sessions --since 1d
run 64 "a key without a certificate" to "localhost:$port" -o client-key="$site/client.key"
done_testing
