#!/bin/sh
# praic-fetch: windows that are too large for the appliance, and limits of time and
# rate.

# The dollars belong to awk, jq and sh -c.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

site_start --sessions 60 --span 2 --seed 9 --now 1767225600 --clock fixed
f sessions --since 3d >/dev/null	# caches a token

# set NAME VALUE: change a property of the appliance
set_() {
	site_ask "{\"do\":\"set\",\"name\":\"$1\",\"value\":\"$2\"}"
}

set_ window-limit 50000
for answer in 504 500 error reset; do
	set_ limit-answer $answer
	site_forget
	run 0 "windows of more than 50000 s: $answer" f --timeout 60 sessions --since 3d
	whole "are halved, and all sessions are fetched" out
	# the answered windows have no gaps and do not overlap
	[ $answer != error ] || continue
	asked 'select(.status == 200 and .parameters.start_time and .parameters.start_time != "1") |
		"\(.parameters.start_time) \(.parameters.duration)"' >got
	# On a busy machine now may be a second later.
	awk 'NR == 1 { from = at = $1 } { bad += $1 != at; at = $1 + $2 }
		END { exit bad || from < 1766966400 || from > 1766966460 || at != from + 259200 }' got
	check "the windows fit together" test $? -eq 0
done
set_ window-limit 0
set_ size-limit 8
set_ limit-answer 504
run 0 "reports of more than 8 sessions" f --timeout 60 sessions --since 3d
whole "are requested in parts" out
set_ size-limit 0

# slow answers
site_fault "stall after=1 times=1 seconds=30"
run 0 "an answer that stalls" f --timeout 10 sessions --since 3d
whole "is requested again" out
site_fault "drip after=1 times=1 bytes=100 seconds=0.5"
run 0 "an answer in small pieces" f --timeout 10 sessions --since 3d
whole "is requested again" out
site_fault "slow-start after=1 times=1 seconds=30"
run 0 "no answer" f --timeout 8 sessions --since 3d
whole "is requested again" out
site_fault "slow-start after=1 times=1 seconds=30 where=body"
run 0 "a header without a body" f --timeout 8 sessions --since 3d
whole "is requested again" out
site_fault "slow-start seconds=1.5"
run 0 "a slow start is not a stall" f sessions --lsid "$(head -n 1 got.lsids)"
site_fault "slow-start seconds=30"
run 69 "a site that is always too slow" f --timeout 2 sessions --since 3d
says "is reported" "no answer for 5 seconds"
site_fault

# the rate of requests
site_forget
run 0 "--rate" "$fetch" --host "localhost:$port" --ca-file "$site/ca.pem" --client-id "$client" \
	--secret "file:$site/secret" --rate 20 sessions --since 12d
asked -s '(.[-1].time - .[0].time) as $took | (length - 1) / $took | . > 10 and . < 21' >got
echo true >want
same "limits the rate" want got
site_forget
i=0 several=
while [ $i -lt 4 ]; do
	f --rate 10 sessions --since 3d >several.$i 2>several.err.$i &
	several="$several $!"
	i=$((i + 1))
done
# shellcheck disable=SC2086
wait $several
cat several.err.? >got
: >want
same "four processes at the same time" want got
asked -s 'length' >calls
asked -s '[.[] | .time - .seconds] | sort | (.[-1] - .[0]) as $took | (length - 1) / $took |
	. > 4 and . < 10.5' >got
echo true >want
same "share the limit ($(cat calls) requests)" want got
# any content of the rate file is harmless
rate=$(echo "$XDG_RUNTIME_DIR"/praic/rate-*)
for text in '' 'x' '9223372036854775807' '-1' '99999999999999'; do
	printf '%s' "$text" >"$rate"
	run 0 "a rate file of: $text" timeout 20 "$fetch" --host "localhost:$port" --ca-file "$site/ca.pem" \
		--client-id "$client" --secret "file:$site/secret" sessions --since 1d
done
exec 9<"$rate"
flock 9
run 0 "a rate file that stays locked" timeout 20 "$fetch" --host "localhost:$port" --ca-file "$site/ca.pem" \
	--client-id "$client" --secret "file:$site/secret" sessions --since 1d
exec 9<&-
site_fault "rate-limit times=1 seconds=2"
site_forget
run 0 "Retry-After" f sessions --since 1d
# From the refusal to the next request.  An earlier request may be logged late.
asked -s '(map(select(.status == 429))[0].time) as $refused |
	([.[] | select(.status != 429) | .time - .seconds | select(. >= $refused)] | min) - $refused >= 1.95' >got
same "is honoured" want got
site_fault
run 69 "no server" "$fetch" --host "localhost:1" --client-id "$client" \
	--secret "file:$site/secret" --timeout 1 sessions --since 3d
says "is named" "localhost: token: "
done_testing
