#!/bin/sh
# Every verb of praic-fetch, good and with each fault of the appliance, again
# and again: it must not end by a signal, nor with an exit code that its manual
# does not have, which a sanitizer's is, too.  Some faults in the use of memory
# show in one run of many: PRAIC_LONG=1 does 100 of each.

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

runs=3
[ -z "${PRAIC_LONG-}" ] || runs=100
site_start --sessions 4 --span 1 --seed 2 --now 1767225600 --clock fixed --recording-size 3K-9K
recordings_truth truth
records truth >in
printf '\000\377<' >body

# one VERB RETRY-TIME: all that it keeps is new
one() {
	rm -rf spool
	mkdir spool
	no_token
	set -- "$1" --timeout "$2"
	case $1 in
	sessions) f "$@" --since 2d ;;
	recordings | backup) f "$@" -d spool ;;
	*) f "$@" ;;
	esac <in >out 2>err
}

# many VERB NAME CODES: that often, and each exit code is one of these
many() {
	i=0 bad=0
	while [ $i -lt $runs ]; do
		i=$((i + 1))
		one "$1" $((i % 10 == 0))
		code=$?
		case " $3 " in
		*" $code "*) ;;
		*)
			bad=$((bad + 1))
			sed "s/^/$code: /" err >>bad.err
			;;
		esac
	done
	if [ $bad -eq 0 ]; then
		pass "$1: $2"
	else
		fail "$1: $2: $bad of $i runs" bad.err
		rm bad.err
	fi
}

# each NAME CODES: by every verb
each() {
	for verb in sessions recordings backup check Syslog; do
		many $verb "$@"
	done
}

documented=$(sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/s/^\.It //p' "$top/fetch/praic-fetch.1" |
	tr -s ' ,\n' ' ')
each "good" 0
python3 "$top/tests/appliance" faults | sed -n 's/^\([a-z][-a-z]*\) .*/\1/p' >kinds
check "there are faults" test -s kinds
while read -r kind; do
	case $kind in
	rate-limit | timeout) fault="$kind seconds=0" ;;
	stall) fault="$kind seconds=0.3" ;;
	slow-start | sleep) fault="$kind seconds=0.1" ;;
	drip) fault="$kind bytes=20000 seconds=0.01" ;;
	flood) fault="$kind megabytes=4" ;;
	body) fault="$kind file=$work/body" ;;
	*) fault=$kind ;;
	esac
	site_fault "$fault"
	each "$fault" "$documented"
done <kinds
done_testing
