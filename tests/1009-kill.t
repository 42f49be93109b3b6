#!/bin/sh
# praic-fetch recordings is killed with SIGKILL at twenty times and restarted: in the
# end all files exist, each is right, and no finished file was fetched twice.
# PRAIC_LONG: a thousand files of 1 MB.

# The dollars belong to awk and sh -c.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

size=150K-250K wanted=500
[ -z "${PRAIC_LONG-}" ] || { size=1000000-1000000 wanted=1000; }
site_start --sessions 720 --span 3 --seed 8 --now 1767225600 --clock fixed --recording-size $size
recordings_truth all
head -n $wanted all >truth
check "there are $wanted files to fetch" test "$(wc -l <truth)" -eq $wanted
sort truth >want.files
records truth >in
mkdir spool

# The times of the kills depend on the duration of an undisturbed run.
began=$(date +%s%N)
pipe 0 "undisturbed" in f -j 8 recordings -d spool
took=$((($(date +%s%N) - began) / 1000000))
mv spool undisturbed
mkdir spool
site_forget

: >finished
kills=0
moments=$(awk -v seed=$$ -v t=$took 'BEGIN { srand(seed)
	for (i = 0; i < 20; i++) printf "%.3f\n", 0.02 + rand() * t / 14000 }')
echo "# $took ms undisturbed; killed after $(echo "$moments" | tr '\n' ' ')"
for moment in $moments; do
	fx -j 8 recordings -d spool <in >/dev/null 2>err &
	pid=$!
	sleep "$moment"
	kill -9 $pid 2>/dev/null && kills=$((kills + 1))
	wait $pid 2>/dev/null
	# files with a final name are finished now
	(cd spool && ls) >there.now
	tail -n "+$site_log_from" "$site/log" | wc -l >lines
	awk -v line="$(($(cat lines) + site_log_from))" -v OFS='\t' '
		FILENAME == "finished" { known[$1] = 1; next }
		!($1 in known) { print $1, line }' finished there.now >new
	cat new >>finished
done
check "it was killed $kills times, with $(wc -l <finished) finished" \
	test $kills -ge 10 -a "$(wc -l <finished)" -gt 10
pipe 0 "the last run" in f -j 8 recordings -d spool
files out >got
same "writes the records of all files" want.files got
there "all files are right" out spool
find spool -name '*.part' >got
: >want
same "no incomplete file" want got

# A request after its file was finished has a newer connection than all requests logged
# at that time.
again() {
	jq -r 'select(.parameters.lsid) | [input_line_number,
		"pra.example.net-" + .parameters.lsid + (if .parameters.generate_report ==
		"CommandShellRecording" then "-shell-" + .parameters.instance else "-recording" end) +
		".flv"] | @tsv' "$site/log" >fetched
	awk -F '\t' 'FILENAME == "finished" { at[$1] = $2; next }
		($2 in at) && $1 >= at[$2] + 8 { print $2 }' finished fetched
}
again >got
same "no finished file was fetched again" want got
awk -F '\t' -v from="$site_log_from" '$1 >= from' fetched | wc -l | tr -d ' ' >calls
echo "# $(cat calls) calls for $wanted files"
check "and few were started twice" test "$(cat calls)" -le $((wanted + 8 * 21))
head -n 1 finished | cut -f 1 >want
rm "spool/$(cat want)"
pipe 0 "a finished file that was removed" in f -j 8 recordings -d spool
again >got
same "is fetched again, which this check detects" want got

done_testing
