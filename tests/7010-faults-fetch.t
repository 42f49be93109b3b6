#!/bin/sh
# System calls fail in praic-fetch, one at a time: the exit code is right, there is a
# message, and no end mark follows lost data.  1011 has the calls on the spool.

# The dollars belong to nth.py.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

case ${PRAIC_OUT-} in
*asan*) # a sanitizer must be the first library itself
	echo '1..0 # skip: faults are preloaded, which sanitizers do not allow'
	exit 0
	;;
esac
site_start --sessions 4 --span 1 --seed 2 --now 1767225600 --clock fixed

# nth NAME ARGUMENT...: run nth.py; at least one fault of each kind must happen.
nth() {
	name=$1
	shift
	run 0 "$name" python3 "$top/tests/tools/nth.py" --fresh 'rm -rf "$XDG_RUNTIME_DIR/praic"' \
		"$@"
	sed 's/^/# /' out
}
set -- "$fetch" --host "localhost:$port" --name pra.example.net --ca-file "$site/ca.pem" \
	--client-id "$client" --secret "file:$site/secret" --rate 0 --timeout 10
"$@" sessions --since 2d >good.out
after='! grep -q praic-end nth.out || cmp good.out nth.out'
nth "sessions" --after "$after" \
	memory:ENOMEM:69,70,74,75,77 read:EIO:66,69,74,75,77,78 write:ENOSPC:73,74 open:EMFILE:66,69,71,73,74,75,77,78 \
	-- "$@" sessions --since 2d
nth "sessions, with a failing network" --even --after "$after" recv:ECONNRESET:69 \
	send:ECONNRESET:69 close:EIO:69,74 -- "$@" sessions --since 2d
nth "check" --even --output any memory:ENOMEM:69,70,74,75,77,78 recv:ECONNRESET:69 send:ECONNRESET:69 \
	-- "$@" check
rm -rf spool
mkdir spool
nth "a backup" --even --output any --fresh 'rm -rf spool; mkdir spool' \
	--check 'test "$(ls spool | wc -l)" -eq 1' \
	close:EIO:69,74 renameat:EIO:73,74 -- "$@" -d spool backup

done_testing
