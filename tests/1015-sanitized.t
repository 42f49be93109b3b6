#!/bin/sh
# Each command of praic-fetch, without faults and with each fault of the appliance,
# once: it must not be killed by a signal or a sanitizer, so its exit code must
# be one of the manual page.  Some memory errors show in one run of many: PRAIC_LONG=1
# makes 100 runs of each.

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

runs=1
[ -z "${PRAIC_LONG-}" ] || runs=100
site_start --sessions 4 --span 1 --seed 2 --now 1767225600 --clock fixed --recording-size 3K-9K
recordings_truth truth
records truth >in
printf '\000\377<' >body

# one VERB RETRY-TIME: run the command without token and spool of earlier runs
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

# many VERB NAME CODES: run the command $runs times; each exit code is one of these
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

# each NAME CODES: the same for each command
each() {
	for verb in sessions recordings backup check Syslog; do
		many $verb "$@"
	done
}

documented=$(sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/s/^\.It //p' "$top/fetch/praic-fetch.1" |
	tr -s ' ,\n' ' ')
each "no fault" 0
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
