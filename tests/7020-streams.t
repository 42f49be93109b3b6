#!/bin/sh
# Each program with unusable standard streams: /dev/full, a closed pipe, closed
# descriptors 0, 1 and 2; with RLIMIT_FSIZE; on a full disk.  It ends in time with a
# documented exit code, and a second run completes its work.

# The dollars belong to sh -c.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

site_start --sessions 8 --span 1 --seed 2 --now 1767225600 --clock fixed
PRAIC_SETTINGS=$work/settings.db
PATH=${bin}fetch:${bin}split:${bin}uniq:${bin}tosql:${bin}tofs:${bin}tojson:${bin}tohtml:${bin}find:${bin}sched:${bin}sched/run:${bin}sched/conf:${bin}sched/mail:$PATH
export PRAIC_SETTINGS PATH
"$conf" init >init.out
S=s "$conf" site add one host=one.example.com client-id=i secret=env:S >site.out 2>&1
"$conf" destination add db sql connection="$work/x.db" >>site.out 2>&1
"$conf" schedule add s every=1h >>site.out 2>&1
"$conf" transfer add s one db session >>site.out 2>&1
f sessions --since 2d >some.xml
"$split" some.xml >some.rec
"$tosql" -d found.db some.rec
printf 'a body\n' >body
mkdir d

# each FUNCTION: call it with NAME COMMAND... for each program that writes much output
each() {
	"$1" praic-fetch "$fetch" --host "localhost:$port" --name pra.example.net --ca-file \
		"$site/ca.pem" --client-id "$client" --secret "file:$site/secret" sessions --since 2d
	"$1" praic-split "$split" some.xml
	"$1" praic-uniq "$uniq" some.rec
	"$1" praic-tojson "$tojson" some.rec
	"$1" "praic-tojson -e" "$tojson" -e some.rec
	"$1" praic-tohtml "$tohtml" some.rec
	"$1" praic-tosql "$tosql" -d n.db some.rec
	"$1" "praic-tosql --schema" "$tosql" --schema mssql
	"$1" praic-tofs "$tofs" -p -d d some.rec
	"$1" "praic-tofs --verify" "$tofs" --verify -d d
	"$1" praic-find "$find" -d found.db the
	"$1" praic-conf "$conf" site list
	"$1" "praic-conf metrics" "$conf" metrics
	"$1" praic-sched "$sched" -n
	for program in "$fetch" "$split" "$uniq" "$tosql" "$tofs" "$tojson" "$tohtml" "$find" "$conf" "$sched" "$praic_run" "$mail"; do
		"$1" "${program##*/} --help" "$program" --help
		"$1" "${program##*/} --version" "$program" --version
	done
}

# verdict CODE NAME ALLOWED...: the exit code is one of those allowed
verdict() {
	verdict_code=$1 verdict_name=$2
	shift 2
	for allowed; do
		if [ "$verdict_code" = "$allowed" ]; then
			pass "$verdict_name: $verdict_code"
			return
		fi
	done
	fail "$verdict_name: exit $verdict_code instead of $*" err
}

silent_ok() {	# programs without output on success
	case $1 in praic-tosql | "praic-tofs --verify") return 0 ;; esac
	return 1
}
full() {
	what=$1
	shift
	rm -rf n.db* d
	mkdir d
	[ "$what" != "praic-tofs --verify" ] || "$tofs" -p -d d some.rec >/dev/null
	timeout -k 5 60 "$@" </dev/null >/dev/full 2>err
	code=$?
	if silent_ok "$what"; then
		verdict $code "$what on /dev/full" 0
	else
		verdict $code "$what on /dev/full" 74
		case $what in
		*--help | *--version) ;;
		*) check "  there is a message" test -s err ;;
		esac
	fi
}
each full

# A pipe that is closed before the first byte: the write fails, or SIGPIPE ends a
# program that has no open work (141).
closed_pipe() {
	what=$1
	shift
	rm -rf n.db* d
	mkdir d
	[ "$what" != "praic-tofs --verify" ] || "$tofs" -p -d d some.rec >/dev/null
	python3 -c 'import os, signal, subprocess, sys
r, w = os.pipe()
os.close(r)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
p = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=w, timeout=60,
    restore_signals=False)
sys.exit(p.returncode if p.returncode >= 0 else 128 - p.returncode)' "$@" 2>err
	code=$?
	if silent_ok "$what"; then
		verdict $code "$what to a closed pipe" 0
	else
		verdict $code "$what to a closed pipe" 74 141
	fi
}
each closed_pipe

# Closed descriptors: no file of the program gets their numbers.  Programs that do not
# need the stream succeed.
# closed WHICH COMMAND...: the shell closes them, because timeout(1) needs them open.
closed() {
	which=$1
	shift
	timeout -k 5 60 sh -c "$which"' exec "$@"' sh "$@"
}
without() {
	what=$1
	shift
	rm -rf n.db* d
	mkdir d
	[ "$what" != "praic-tofs --verify" ] || "$tofs" -p -d d some.rec >/dev/null
	closed "exec <&-;" "$@" >out 2>err
	verdict $? "$what without standard input" 0
	rm -rf n.db*
	[ "$what" = "praic-tofs --verify" ] || { rm -rf d; mkdir d; }
	closed "exec >&-;" "$@" </dev/null 2>err
	code=$?
	if silent_ok "$what"; then
		verdict $code "$what without standard output" 0
	else
		verdict $code "$what without standard output" 74
	fi
	rm -rf n.db*
	[ "$what" = "praic-tofs --verify" ] || { rm -rf d; mkdir d; }
	closed "exec 2>&-;" "$@" </dev/null >out
	verdict $? "$what without standard error" 0
	rm -rf n.db* d
	mkdir d
	[ "$what" != "praic-tofs --verify" ] || "$tofs" -p -d d some.rec >/dev/null
	closed "exec <&- >&- 2>&-;" "$@"
	code=$?
	if silent_ok "$what"; then
		verdict $code "$what without all three" 0
	else
		verdict $code "$what without all three" 74
	fi
}
each without
check "no stored file contains a message" sh -c '! grep -l praic- d/* 2>/dev/null | grep -v ledger'

# RLIMIT_FSIZE stands in for a full disk where the test does not run as root.
limited() {
	blocks=$2
	shift 2
	(ulimit -f "$blocks" && exec timeout -k 5 60 "$@") </dev/null >out 2>err
}
for blocks in 1 8 16 60; do
	rm -rf n.db* d
	mkdir d
	limited praic-tosql $blocks "$tosql" -d n.db some.rec
	verdict $? "praic-tosql, files of $blocks blocks" 73 74 75
	check "  there is a message" test -s err
	run 0 "  the rerun" "$tosql" -d n.db some.rec
	check "  stores all sessions" test "$(sqlite3 n.db 'SELECT count(*) FROM session')" -eq 8
	limited praic-tofs $blocks "$tofs" -p -d d some.rec
	verdict $? "praic-tofs, files of $blocks blocks" 73 74
	run 0 "  the rerun" "$tofs" -p -d d some.rec
	run 0 "  stores everything" "$tofs" --verify -d d
	rm -rf spool
	mkdir spool
	limited praic-fetch $blocks "$fetch" --host "localhost:$port" --name pra.example.net \
		--ca-file "$site/ca.pem" --client-id "$client" --secret "file:$site/secret" \
		-d spool sessions --since 2d
	verdict $? "praic-fetch, files of $blocks blocks" 73 74
	check "  no file with a final name" test -z "$(ls spool)"
	rm -f other.db*
	PRAIC_SETTINGS=$work/other.db limited praic-conf $blocks "$conf" init
	verdict $? "praic-conf, files of $blocks blocks" 73 74 75 0
	PRAIC_SETTINGS=$work/other.db "$conf" init >/dev/null 2>&1
	PRAIC_SETTINGS=$work/other.db run 0 "  the rerun" "$conf" site list
done

# A disk that is really full, if one can be mounted.
if [ "$(id -u)" -eq 0 ] && mkdir full && mount -t tmpfs -o size=120k none full 2>/dev/null; then
	# shellcheck disable=SC2154
	at_exit="umount '$work/full'; $at_exit"
	run 74 "praic-tosql on a full disk" "$tosql" -d full/n.db some.rec
	says "  is reported" "full"
	mkdir full/fetched
	dd if=/dev/zero of=full/rest bs=4k >/dev/null 2>&1
	run 74 "praic-fetch on a full disk" f -d full/fetched sessions --since 2d
	check "  no file with a final name" test -z "$(ls full/fetched)"
	rm -f other.db*
	PRAIC_SETTINGS=$work/full/settings.db "$conf" init >out 2>err
	verdict $? "praic-conf on a full disk" 73 74
	rm -f full/rest
	mount -o remount,size=40m full
	run 0 "with free space again: praic-tosql" "$tosql" -d full/n.db some.rec
	check "  stores all sessions" test "$(sqlite3 full/n.db 'SELECT count(*) FROM session')" -eq 8
	run 0 "  praic-fetch" f -d full/fetched sessions --since 2d
	check "  writes its file" test -n "$(ls full/fetched)"
	rm -f full/settings.db*
	PRAIC_SETTINGS=$work/full/settings.db run 0 "  praic-conf" "$conf" init
else
	echo "# no tmpfs can be mounted here: a full disk is not tested"
fi
done_testing
