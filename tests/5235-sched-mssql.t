#!/bin/sh
# SQL Server from the settings database: praic-sched runs with the values that
# praic-conf accepts, and the rows arrive at a stand-in for the server, over TLS.
# (3020 uses a real server.)
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/appliance.sh
. "$top/tests/appliance.sh"
# shellcheck source=tests/sched.sh
. "$top/tests/sched.sh"
sched_settings
appliance_start --clock fixed --sessions 30 --span 5 --seed 12

for i in good other; do
	openssl req -x509 -newkey rsa:2048 -nodes -keyout $i.key -out $i.pem -days 2 \
		-subj /CN=localhost -addext subjectAltName=DNS:localhost 2>openssl.err
done
server=
# start: start a new stand-in for the server, which logs to "sent"
start() {
	[ -z "$server" ] || kill "$server"
	rm -f port sent
	python3 "$top/tests/tools/tds-server.py" --log sent --port-file port --certificate good.pem \
		--key good.key --password "$word" 2>server.err &
	server=$!
	for _ in $(seq 100); do
		[ ! -s port ] || break
		sleep 0.1
	done
}
# shellcheck disable=SC2154,SC2016
at_exit='[ -z "$server" ] || kill "$server"; kill $appliance_pid 2>/dev/null; wait 2>/dev/null'
# logged_in NAME: a login with the password over TLS
logged_in() {
	# shellcheck disable=SC2016
	check "$1" jq -e --arg word "$word" -n '[inputs | select(.[0] == "login")] |
		length > 0 and all(.[]; .[1].encrypted and .[1].password == $word)' sent
}
# again CODE NAME: the scheduler stores all sessions again
again() {
	sql "UPDATE job SET mark = mark - 8 * 86400 WHERE step = 'fetch'"
	rm -f sent
	run "$1" "$2" "$sched" -r all
}

# A password with characters that are special in a connection string.
word='Pa;ss "w0rdü'
echo "$word" >password
chmod 600 password
"$conf" site add one host="$PRAIC_HOST" client-id="$PRAIC_CLIENT_ID" ca-file="$PRAIC_CA" \
	secret="file:$PRAIC_SECRET_FILE"
"$conf" setting set retention-days=14
start
string="Server=tcp:localhost,$(cat port);Database=store;User Id=praic"
run 0 "a destination" "$conf" destination add server sql connection="$string" \
	password="file:$work/password" ca-file="$work/good.pem"
silent "works"
logged_in "its password is sent over TLS"
rm sent
run 0 "check" "$conf" check
check "tests it" grep -q '^destination	server	ok	0' out
logged_in "check logs in"
"$conf" schedule add all every=1m
"$conf" transfer add all one server session >out
sql "UPDATE schedule SET created = created - 3600"
rm sent
run 0 "praic-sched -1" "$sched" -1
silent "says nothing"
logged_in "its filter logs in"
"$fetch" -s one sessions --since 14d 2>err | "$split" | "$uniq" >all.rec
check "there are sessions" grep -q '^S' all.rec
check "the server has each of their rows" python3 "$top/tests/tools/bulk-check.py" sent all.rec
check "and committed them" grep -q '"COMMIT' sent
check "no file waits" test -z "$(find spool/1/session -type f)"
check "nothing failed" test "$(sql 'SELECT count(*) FROM job WHERE code IS NOT NULL')" = 0

# Each kind of password reference, with the scheduler.
echo "$word" >line
mkdir -m 700 credentials
cp password credentials/db
# shellcheck disable=SC2089
for way in "file:$work/password" env:DB_PASSWORD credential:db -; do
	export DB_PASSWORD="$word" CREDENTIALS_DIRECTORY="$work/credentials"
	pipe 0 "password=$way" line "$conf" destination set server password="$way"
	silent "password=$way works"
	start
	"$conf" destination set server connection="Server=tcp:localhost,$(cat port);Database=store;User Id=praic"
	again 0 "password=$way: praic-sched"
	logged_in "password=$way: is used"
	check "password=$way: rows arrive" grep -q '^\["bulk"' sent
done
unset DB_PASSWORD CREDENTIALS_DIRECTORY
check "the password is in no log" sh -c '! grep -rqF "Pa;ss" log'

# A file with the connection string.
echo "$string;Password=wrong" | sed "s/,[0-9]*;/,$(cat port);/" >conn
chmod 600 conn
run 0 "connection=@FILE" "$conf" destination set server connection="@$work/conn"
again 0 "praic-sched"
logged_in "the field password comes before the file's"
echo "$string;Password='$word'" | sed "s/,[0-9]*;/,$(cat port);/" >conn
run 0 "without the field" "$conf" destination set server password=
again 0 "praic-sched"
logged_in "the file's is used"
run 0 "praic-test" "$top/scripts/praic-test" -s one -f 6d -d server
says "stores there" " stored, 0 unchanged" out

# praic-conf, praic-sched and status show the filter's message.
start
sed -i "s/,[0-9]*;/,$(cat port);/; s/Pa;ss/Fail/" conn
run 77 "check, with a wrong password" "$conf" check
says "gives the reason" "Login failed" out
check "names the destination" grep -q '^destination	server	failed	77' out
again 77 "praic-sched"
"$conf" status >out
says "status has the reason" "Login failed" out
sed -i "s/Fail/Pa;ss/" conn
run 78 "another CA" "$conf" destination set server ca-file="$work/other.pem"
says "is refused with the reason" "the server breaks off"
run 0 "the right CA" "$conf" destination set server ca-file="$work/good.pem"
run 0 "a server that is down" "$conf" destination add down sql password=env:DB_PASSWORD \
	connection="Server=localhost,1;User Id=u"
says "is accepted with a warning" "does not work now"
run 69 "its test" env DB_PASSWORD=x "$conf" destination test down
says "gives the reason" "no server answers there"
while IFS='|' read -r code what text fields; do
	eval "run $code 'refused: $what' '$conf' destination add bad sql $fields"
	says "  with the reason" "$text"
done <<'TABLE'
78|an unknown key|part 2, behind Server, is no keyword|connection='Server=h;Datbase=b;User Id=u' password="file:$work/password"
78|no user|User Id is missing|connection='Server=h' password="file:$work/password"
78|no password|Password is missing|connection='Server=h;User Id=u'
64|a password in the string|which everybody|connection='Server=h;User Id=u;pwd =x'
64|a relative file name|whole path|connection=@conn
78|a file that others may read|chmod 600|connection="@$work/all.rec"
64|a relative name of a CA file|whole path|connection="@$work/conn" ca-file=good.pem
64|a CA file for SQLite|SQLite|connection="$work/x.db" ca-file="$work/good.pem"
64|a password for SQLite|SQLite|connection="$work/x.db" password="file:$work/password"
TABLE
run 64 "a password in an argument" "$tosql" -d 'Server=h;Password=hunter22'
check "is not repeated" sh -c '! grep -q hunter22 err'
done_testing
