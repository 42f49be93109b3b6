#!/bin/sh
# praic-fetch: one token for all processes, and places that must not contain secrets.

# The dollars belong to awk and sh -c.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

site_start --sessions 10 --span 1 --now 1767225600 --clock fixed

# tokens NAME COUNT: the number of token requests since site_forget
tokens() {
	asked 'select(.path == "/oauth2/token") | .path' | wc -l | tr -d ' ' >got
	echo "$2" >want
	same "$1" want got
}

# eight CODE NAME: run eight processes at the same time, which write to many.0 ... and
# exit with this code
eight() {
	i=0 many=
	while [ $i -lt 8 ]; do
		{
			f sessions --since 1d >many.$i 2>many.err.$i
			echo $? >many.code.$i
		} &
		many="$many $!"
		i=$((i + 1))
	done
	# shellcheck disable=SC2086
	wait $many
	cat many.code.? | sort -u >got
	echo "$1" >want
	same "$2" want got
}

secret=$(cat "$site/secret")
eight 0 "eight processes at a time"
tokens "share one token" 1
f sessions --since 1d >one
same "and fetch the same sessions" one many.3
tokens "which later processes use as well" 1

cache=$(echo "$XDG_RUNTIME_DIR"/praic/*)
stat -c '%a %h %F' "$XDG_RUNTIME_DIR/praic" "$cache" | tr '\n' ' ' >got
printf '700 2 directory 600 1 regular file ' >want
same "the cache is one private file" want got
check "without the secret" lacks "$cache" "$secret"
check "and without the client id in its name" sh -c 'case $1 in *"$2"*) exit 1; esac' - "$cache" "$client"

site_forget
site_fault "forget-tokens after=1"
run 0 "a token that becomes invalid during a run" f sessions --since 1d
tokens "is replaced once" 1
site_forget
site_fault "forget-tokens times=0"
run 77 "tokens that are always refused" f sessions --since 1d
tokens "are not requested again and again" 1
says "the message says so" "a new token was refused"
site_fault

# one recording that is refused whatever the token
recordings_truth truth
records truth >in
victim=$(cut -f 1 truth | uniq -c | awk '$1 == 1 { print $2; exit }')
for fault in "status code=401" json-error; do
	no_token
	site_forget
	site_fault "$fault match=lsid=$victim"
	rm -rf spool
	mkdir spool
	pipe 65 "a recording that each token is refused for ($fault)" in f recordings -d spool
	says "says so" "$victim: recording: a new token was refused, too"
	tokens "costs one token" 2
	outcomes out | grep -v came | cut -f 1,3 >got
	printf '%s\trefused\n' "$victim" >want
	same "and itself only" want got
	site_forget
	site_fault
	pipe 0 "once it is allowed" in f recordings -d spool
	asked '.parameters.lsid // empty' >got
	echo "$victim" >want
	same "it comes, and no other is asked for" want got
done
no_token
site_forget
site_fault bad-client
rm -rf spool
mkdir spool
pipe 77 "recordings with a secret that is wrong" in f recordings -d spool
tokens "are over at once" 1
asked 'select(.path != "/oauth2/token") | .path' >got
: >want
same "without a request" want got
wc -l <err | tr -d ' ' >got
echo 1 >want
same "in one line" want got
no_token
site_forget
site_fault "no-token times=1"
run 0 "an answer without a token" f sessions --since 1d
tokens "is requested again" 2
no_token
site_forget
site_fault "bad-client"
run 77 "a secret that is refused" f sessions --since 1d
tokens "is not tried again" 1
says "the message gives the reason" "the client id or the secret"
eight 77 "eight later processes"
tokens "do not try it" 1
says "and print the reason" "is not tried again for" many.err.3
check "the record of the refusal does not contain the secret" lacks "$cache" "$secret"
printf 'another\n' >another
chmod 600 another
run 77 "another secret" f --secret "file:$work/another" sessions --since 1d
tokens "is tried" 2
run 77 "check with the refused secret" f check
tokens "always tries it" 3
site_fault
run 0 "check, when the secret is accepted again" f check
run 0 "other runs succeed again" f sessions --since 1d
tokens "with one token" 4
printf '{"refused":{"salt":"","of":"%s","until":9999999999}}' \
	"$(printf '%s:%s' "$client" "$secret" | base64 -w0 | tr -d '\n' | sha256sum | cut -d ' ' -f 1)" >"$cache"
run 0 "a refusal recorded with a time in the future" f sessions --since 1d
no_token
printf '{"access_token":"abc\\r\\nX-Evil: 1","token_type":"Bearer","expires_in":9}' >evil
site_fault "body file=$work/evil match=token type=application/json"
run 69 "a bad token" f --timeout 0 sessions --since 1d
check "is not shown" lacks err abc
printf '{"access_token":"abcdefgh","token_type":"mac","expires_in":9}' >evil
run 69 "a token of another type" f --timeout 0 sessions --since 1d
check "is not shown" lacks err abcdefgh
site_fault

# a token is used only with the secret that it was issued for
no_token
run 0 "a token is cached" f sessions --since 1d
echo wrong-secret >wrong
chmod 600 wrong
run 77 "a wrong secret does not use it" f --secret "file:$work/wrong" sessions --since 1d
says "and is reported" "the client id or the secret is wrong"

# a token is renewed before it expires
no_token
site_ask '{"do":"clock","set":"run"}'
site_ask '{"do":"set","name":"token-life","value":"2"}'
site_forget
run 0 "a token of two seconds" f sessions --since 1d
sleep 2.2
run 0 "a later run" f sessions --since 1d
tokens "requests another" 2
asked 'select(.status == 401) | .path' >got
: >want
same "before the first is refused" want got
site_ask '{"do":"set","name":"token-life","value":"1799"}'

# a cache that others can read or write
cache_is() {
	run "$1" "$2" f sessions --since 1d
}
no_token
f sessions --since 1d >/dev/null
chmod 644 "$cache"
cache_is 78 "a cache that others can read"
says "is named" "remove it"
no_token
mkdir -m 700 "$XDG_RUNTIME_DIR/praic"
echo '{"token":"stolen"}' >elsewhere
chmod 600 elsewhere
ln -s "$work/elsewhere" "$cache"
cache_is 73 "a cache that is a symbolic link"
rm "$cache"
ln elsewhere "$cache"
cache_is 78 "a cache with a second hard link"
rm "$cache"
mkfifo -m 600 "$cache"
cache_is 78 "a pipe"
no_token
mkdir "$XDG_RUNTIME_DIR/praic"
chmod 777 "$XDG_RUNTIME_DIR/praic"
cache_is 78 "a directory that others can write to"
chmod 700 "$XDG_RUNTIME_DIR/praic"
for text in '' '{' '[]' '{"token":1}' '{"token":"a b","until":9999999999}' \
	'{"token":"abcdef","until":1}' '{"token":"abcdef","until":9999999999}'; do
	printf '%s' "$text" >"$cache"
	chmod 600 "$cache"
	cache_is 0 "a cache of: $text"
done
no_token
run 0 "no directory for a cache" env -u XDG_RUNTIME_DIR -u XDG_CACHE_HOME HOME=/nonexistent \
	"$fetch" --host "localhost:$port" --ca-file "$site/ca.pem" --client-id "$client" \
	--secret "file:$site/secret" sessions --since 1d
mkdir home
run 0 "a home without a cache directory" env -u XDG_RUNTIME_DIR -u XDG_CACHE_HOME "HOME=$work/home" \
	"$fetch" --host "localhost:$port" --ca-file "$site/ca.pem" --client-id "$client" \
	--secret "file:$site/secret" sessions --since 1d
check "gets one" test -f "home/.cache/praic/${cache##*/}"

# the lock of a killed process is released
no_token
site_fault "sleep match=token seconds=20 times=1"
fx sessions --since 1d >/dev/null 2>&1 &
pid=$!
until [ -e "$cache" ]; do sleep 0.02; done
sleep 0.2
f --timeout 60 sessions --since 1d >out 2>err &
waiting=$!
sleep 0.3
kill -9 $pid
wait $waiting
check "a process that was killed during its request releases the lock" test $? -eq 0
site_fault

# several processes with a wrong secret: only one of them tries it
no_token
site_fault "bad-client"
site_forget
eight 77 "eight that start together"
tokens "send one request" 1
site_fault
no_token

# sources of secrets
export PRAIC_TEST_SECRET="$secret"
run 0 "env:" "$fetch" --host "localhost:$port" --ca-file "$site/ca.pem" --client-id "$client" \
	--secret env:PRAIC_TEST_SECRET sessions --since 1d
# The program removes the secret from its environment.
environ() {
	site_fault "slow-start seconds=30"
	PRAIC_TEST_OTHER=something PRAIC_TEST_SECRET="$(cat "$site/secret")" "$fetch" \
		--host "localhost:$port" --ca-file "$site/ca.pem" --client-id "$client" \
		--secret env:PRAIC_TEST_SECRET --proxy-user env:PRAIC_TEST_SECRET \
		-v sessions --since 1d >out 2>err &
	pid=$!
	site_tries=0
	until grep -q 'a new token' err || [ "$site_tries" -gt 400 ]; do
		site_tries=$((site_tries + 1))
		sleep 0.05
	done
	cat "/proc/$pid/environ" >environ 2>/dev/null
	# Without root the file cannot be read at all.
	[ -s environ ] || echo PRAIC_TEST_OTHER=something >environ
	kill $pid
	wait $pid 2>/dev/null
	site_fault
}
no_token
environ
says "a secret from the environment" "a new token"
check "other variables stay in the environment" grep -q PRAIC_TEST_OTHER=something environ
check "the secret does not" lacks environ "$(cat "$site/secret")"
no_token
run 0 "credential:" env CREDENTIALS_DIRECTORY="$site" "$fetch" --host "localhost:$port" \
	--ca-file "$site/ca.pem" --client-id "$client" --secret credential:secret sessions --since 1d

# places that must not contain secrets
token=$(jq -r .token "$cache")
check "an answer that repeats token and secret" test -n "$token"
printf '<error>x: %s %s %s</error>' "$token" "$secret" \
	"$(printf '%s:%s' "$client" "$secret" | base64 -w0)" >echo.xml
site_fault "body file=$work/echo.xml match=AccessSession"
f -v --timeout 0 sessions --since 1d >out 2>err
check "is refused" test $? -eq 69
says "all three are replaced by stars" "x: *** *** ***"
site_fault
no_token
site_forget
strace -f -qq -s 65536 -o trace -e trace='!read,pread64,recvfrom,recvmsg' \
	"$fetch" --host "localhost:$port" --ca-file "$site/ca.pem" --client-id "$client" \
	--secret "file:$site/secret" -vv sessions --since 1d >out 2>err
check "under strace" test $? -eq 0
basic=$(printf '%s:%s' "$client" "$secret" | base64 -w0)
token=$(jq -r .token "$cache")
check "the secret is in no argument and in no write" lacks trace "$secret"
check "nor are the encoded credentials" lacks trace "$basic"
grep -F "$token" trace >shown
check "the token is only in the write of the cache" \
	sh -c '[ "$(wc -l <shown)" -eq 1 ] && grep -q "\"until" shown'
check "none is in the appliance's log, which has all URLs" \
	sh -c '! grep -qF -e "$1" -e "$2" -e "$3" "$4"' - "$secret" "$basic" "$token" "$site/log"
check "and none is in a message" sh -c '! grep -qF -e "$1" -e "$2" err' - "$secret" "$token"

# A core file would contain all secrets.
site_fault "sleep seconds=20 match=AccessSession"
cat >core.py <<'E'
import os, resource, signal, subprocess, sys, time
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
p = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL,
    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)))
time.sleep(1)
print(open("/proc/%d/limits" % p.pid).read().split("Max core file size")[1].split()[0])
os.kill(p.pid, signal.SIGSEGV)
print(os.WCOREDUMP(os.waitpid(p.pid, 0)[1]))
E
python3 core.py "$fetch" --host "localhost:$port" --ca-file "$site/ca.pem" --client-id "$client" \
	--secret "file:$site/secret" sessions --since 1d >got 2>err
printf '0\nFalse\n' >want
same "core files are disabled" want got
done_testing
