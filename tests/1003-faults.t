#!/bin/sh
# praic-fetch with each fault of the appliance, and with all of them at random: either
# it writes all data, or it ends with the right exit code and without incomplete data.

# The dollars belong to awk, jq and sh -c.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

site_start --sessions 60 --span 3 --seed 5 --now 1767225600 --clock fixed
f sessions --since 4d >/dev/null	# a token, for all that follow
truth_stays=yes

# after=1: the first request only asks for the time
while read -r fault; do
	site_fault "$fault after=1"
	run 0 "$fault: is retried" f --timeout 60 sessions --since 4d
	silent "$fault: prints no message"
	whole "$fault: all sessions are fetched" out
done <<'E'
rate-limit times=1
rate-limit times=1 form=date
rate-limit times=1 form=none
internal-error times=1
unavailable times=1
unavailable times=1 retry-after=1
status times=1 code=502
status times=1 code=408
timeout times=1 seconds=0
reset times=1
hang-up times=1
hang-up times=1 how=reset
short-body times=1
cut-chunked times=1
redirect times=1
redirect times=1 code=307
forget-tokens
xml-error times=1
child-error times=1
json-error times=1
json-error times=1 error=other
html-login times=1
empty-body times=1
truncated times=1
trailing-junk times=1
wrong-type type=none
wrong-type type=application/octet-stream
gzip
slow-start seconds=0.2
drip bytes=20000 seconds=0.01 times=1
E

while read -r code fault; do
	site_fault "$fault after=1"
	run "$code" "$fault, permanent: $code" f --timeout 0 sessions --since 4d
	nothing_half "$fault: no incomplete data"
	check "$fault: there is a message" test -s err
done <<'E'
75 rate-limit form=none
75 rate-limit seconds=60
69 internal-error
69 unavailable
69 status code=502
75 status code=408
77 status code=403
77 status code=404
69 status code=400
69 status code=501
69 reset
69 hang-up
69 short-body
69 cut-chunked
78 redirect to=other
78 redirect to=https://pra.example.org/
78 redirect to=http://localhost/
69 redirect
69 xml-error
69 child-error
69 json-error error=other
77 json-error
69 html-login
69 empty-body
69 truncated
69 trailing-junk
E
site_fault

# Messages quote little of an answer.
site_fault "xml-error text=$(head -c 3000 /dev/zero | tr '\0' x)"
f --timeout 0 sessions --since 4d >out 2>err
check "a message quotes at most 200 bytes of an answer" \
	sh -c 'grep -q xxxxx err && [ "$(wc -c <err)" -lt 400 ]'
printf '<error>\033[2Jboo\342\200\256</error>' >evil
site_fault "body file=$work/evil"
f --timeout 0 sessions --since 4d >out 2>err
check "without control characters" sh -c 'grep -q "\\\\x1b\[2Jboo" err'
site_fault

# A fault that any question which makes sense is answered with, so that its text
# might be taken for "nothing found".
site_fault database
run 69 "a database that is not there" f --timeout 1 sessions --since 4d
check "no end" lacks out praic-end
says "is said" "The database is not available."

# All together.
site_stop
rm truth.lsids
site_start --sessions 80 --span 4 --seed 6 --now 1767225600 --clock fixed --dir "$work/site" \
	--fault "rate-limit probability=0.015" \
	--fault "rate-limit probability=0.015 form=none" \
	--fault "internal-error probability=0.015" \
	--fault "unavailable probability=0.015" \
	--fault "timeout probability=0.015 seconds=0" \
	--fault "reset probability=0.015" \
	--fault "hang-up probability=0.015" \
	--fault "short-body probability=0.015" \
	--fault "cut-chunked probability=0.015" \
	--fault "forget-tokens every=25 times=0" \
	--fault "xml-error probability=0.015" \
	--fault "child-error probability=0.015" \
	--fault "json-error probability=0.015 error=other" \
	--fault "html-login probability=0.015" \
	--fault "empty-body probability=0.015" \
	--fault "truncated probability=0.015" \
	--fault "stall probability=0.01 seconds=30" \
	--fault "slow-start probability=0.015 seconds=0.1" \
	--fault "internal-error match=token probability=0.2" \
	--fault "no-token probability=0.2"
for language in en de; do
	site_ask "{\"do\":\"set\",\"name\":\"language\",\"value\":\"$language\"}"
	no_token
	run 0 "all faults at random, in $language" f --timeout 30 \
		sessions --since 5d
	whole "all sessions are fetched" out
done
done_testing
