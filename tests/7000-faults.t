#!/bin/sh
# System calls fail in each program except praic-fetch (7010), one at a time, some of
# each kind (PRAIC_LONG=1: all).  The program exits with a documented code and a
# message, or succeeds completely, and a second run succeeds.

# The dollars belong to nth.py.
# shellcheck disable=SC2016

# On /dev/shm if it exists: the test makes and removes hundreds of databases.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/sched.sh
. "$top/tests/sched.sh"
# shellcheck source=tests/smtp.sh
. "$top/tests/smtp.sh"

case ${PRAIC_OUT-} in
*asan*) # a sanitizer must be the first library itself
	echo '1..0 # skip: faults are preloaded, which sanitizers do not allow'
	exit 0
	;;
esac

# nth NAME ARGUMENT...: run nth.py with these arguments
nth() {
	name=$1
	shift
	run 0 "$name" python3 "$top/tests/tools/nth.py" "$@"
	sed 's/^/# /' out
}

# praic-split: 2080 has reads, writes and memory; here open and close.
python3 "$top/tests/appliance" generate --sessions 6 --marks h.example >some.xml
nth "praic-split: files" --even open:EMFILE:71,75,66,74 close:EIO:74 -- "$split" some.xml

# praic-tosql, with a new database and with an old one.
"$split" some.xml >some.rec
sed 's/support/another/' some.rec >changed.rec
# stored ORIGINAL: is the database the same as this one, which has the rows of the records?
stored() {
	sqlite3 "$1" .dump >"$1.sql"
	check "$1 has all rows" python3 "$top/tests/tools/storage.py" check "$1" some.rec
	rows="sqlite3 n.db .dump | cmp - $1.sql"
}
"$tosql" -d whole.db some.rec
stored whole.db
nth "praic-tosql: a new database" --fresh 'rm -f n.db*' --check "$rows" \
	memory:ENOMEM:75,74 read:EIO:74 pread:EIO:74,75 pwrite:ENOSPC:74,75 \
	fdatasync:EIO:74,75 open:EMFILE:71,66,73,74,75 ftruncate:EIO:74,75 -- "$tosql" -d n.db some.rec
nth "praic-tosql: closing" --even --fresh 'rm -f n.db*' --check "$rows" \
	close:EIO:74,75 unlink:EIO:74,75 -- "$tosql" -d n.db some.rec
"$tosql" -d old.db changed.rec
cp old.db renewed.db
"$tosql" -d renewed.db some.rec
stored renewed.db
nth "praic-tosql: an existing database" --fresh 'rm -f n.db*; cp old.db n.db' --check "$rows" \
	memory:ENOMEM:75,74 pread:EIO:74,75 pwrite:ENOSPC:74,75 fdatasync:EIO:74,75 \
	-- "$tosql" -d n.db some.rec
sed 's/^R	session_event	1	/R	session_event	x	/' some.rec >bad.rec
nth "praic-tosql: --left-out" --fresh 'rm -f n.db* list' \
	--rerun 65 --output any --after '[ "$code" -ne 65 ] || [ -s list ]' \
	--check "[ \$(grep -c malformed list) -eq 6 ]" memory:ENOMEM:65,74,75 write:ENOSPC:73,74 \
	open:EACCES:65,66,71,73,74,77 -- "$tosql" -d n.db --left-out list bad.rec

# praic-tofs: see also 4090.
mkdir d
"$tofs" -d d -p some.rec | sort >all.names
nth "praic-tofs" --fresh 'rm -rf d; mkdir d' --output any \
	--check '(cd d && ls) | sort | cmp - all.names && "$tofs" --verify -d d' \
	memory:ENOMEM:75,73 read:EIO:74 write:EIO:73,74 pread:EIO:74 \
	fsync:EIO:74 openat:EMFILE:73,74,75 open:EMFILE:71,66,73,74,75 renameat2:EIO:65,74 \
	-- "$tofs" -d d -p some.rec
nth "praic-tofs: closing" --even --fresh 'rm -rf d; mkdir d' --output any \
	--check '(cd d && ls) | sort | cmp - all.names && "$tofs" --verify -d d' \
	close:EIO:73,74 fclose:EIO:74 unlinkat:EIO:74 -- "$tofs" -d d -p some.rec

# praic-conf: a change is made completely or not at all, and the database stays readable.
PRAIC_SETTINGS=$work/settings.db
export PRAIC_SETTINGS
nth "praic-conf init" --fresh 'rm -rf settings.db* spool log' --output any --check '"$conf" site list' \
	--rerun 0,64,73 memory:ENOMEM:75 pwrite:ENOSPC:73,74,75 fdatasync:EIO:73,74,75 open:EMFILE:71,66,73,74,75,77 \
	-- "$conf" init
rm -rf settings.db* spool log
"$conf" init >init.out || echo "# no settings database"
cp settings.db empty.db
export S=env:S
nth "praic-conf site add" --fresh 'rm -f settings.db*; cp empty.db settings.db' --rerun 0,64 \
	--check 'test "$("$conf" site list | wc -l)" -eq 1' \
	memory:ENOMEM:75 pwrite:ENOSPC:73,74,75 fdatasync:EIO:73,74,75 pread:EIO:74,75,78 \
	open:EMFILE:71,66,73,74,75,77,78 -- "$conf" site add s host=h.example client-id=i secret=$S
"$conf" site list | grep -q '^s' || fail "the site is there"
for verb in 'site show s' 'site list --json' status 'setting list' log metrics; do
	# shellcheck disable=SC2086
	nth "praic-conf $verb" --runs 5 --even --output any \
		memory:ENOMEM:75 pread:EIO:74,75,78 open:EMFILE:71,66,73,74,75,77,78 \
		-- "$conf" $verb
done

# praic-sched, with a stub for praic-run: jobs that were not done stay due and are done
# by the next run.
rm -f settings.db*
sched_settings
sched_stub_run
echo 'case $1 in fetch) last=1 ;; esac' >run.do
"$conf" site add one host=one.example.com client-id=x secret=env:X
"$conf" destination add db sql connection="$work/x.db"
"$conf" schedule add minute every=1m
"$conf" transfer add minute one db session >id
cp settings.db start.db
mkdir -p log
nth "praic-sched" --program praic-sched --output any \
	--fresh 'rm -rf settings.db* log/* ran; cp start.db settings.db' --runs 6 \
	--after '[ "$code" -ne 0 ] || grep -q store ran' \
	--check 'grep -q store ran && [ "$(sqlite3 settings.db "SELECT last > 0 FROM job WHERE id = 1")" -eq 1 ]' \
	memory:ENOMEM:69,73,74,75,78 pread:EIO:73,74,75,78 \
	pwrite:ENOSPC:73,74,75,78 fdatasync:EIO:73,74,75,78 \
	open:EMFILE:71,66,73,74,75,77,78 -- "$sched" -r minute --now 1767258060
nth "praic-sched: closing" --program praic-sched --output any --even \
	--fresh 'rm -rf settings.db* log/* ran; cp start.db settings.db' --check 'grep -q store ran' \
	read:EIO:74,75,78 close:EIO:73,74,75,78 \
	-- "$sched" -r minute --now 1767258060
nth "praic-sched -n" --even memory:ENOMEM:75 pread:EIO:73,74,75,78 \
	-- "$sched" -n --now 1767258060

# praic-mail: making a mail and sending it.
unset SSL_CERT_FILE SSL_CERT_DIR
at_exit=smtp_stop
printf 'a body\n' >body
smtp_start mails plain
nth "praic-mail" --output any memory:ENOMEM:69,75,73,74,78 send:ECONNRESET:69,75 \
	recv:ECONNRESET:69,75 -- "$mail" --server "127.0.0.1:$smtp_port" --tls none --max-time 20 \
	-f a@example.com -t b@example.com -s s body

done_testing
