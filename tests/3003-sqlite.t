#!/bin/sh
# praic-tosql and the file: whose it is, of which version, locked, damaged,
# full; and every system call that may fail.
# shellcheck disable=SC2016
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/storage.sh
. "$top/tests/storage.sh"

make_records --sessions 20 >twenty.rec

# Databases of praic and of other programs.
run 0 "an empty file" sh -c ": >empty.db && '$tosql' -d empty.db twenty.rec"
check "becomes praic's" storage check empty.db twenty.rec
sql other.db 'CREATE TABLE t (x); INSERT INTO t VALUES (1)'
cp other.db other.copy
run 78 "another program's database" "$tosql" -d other.db twenty.rec
says "is refused" "another program's"
same "and unchanged" other.copy other.db
sql marked.db 'PRAGMA application_id = 1234'
run 78 "a database with another mark" "$tosql" -d marked.db twenty.rec
head -c 8192 /dev/urandom >noise.db
cp noise.db noise.copy
run 78 "a file that is not a database" "$tosql" -d noise.db twenty.rec
says "is refused" "no SQLite database"
same "and unchanged" noise.copy noise.db
run 73 "a directory" "$tosql" -d . twenty.rec
run 73 "a FIFO" sh -c "mkfifo fifo && '$tosql' -d fifo twenty.rec"
run 0 "a name with a special meaning to SQLite" "$tosql" -d :memory: twenty.rec
check "is an ordinary file" test "$(count ./:memory:)" = 20
run 0 "a name like a URI" "$tosql" -d 'file:x?mode=memory' twenty.rec
check "is an ordinary file" test "$(count './file:x?mode=memory')" = 20

# Versions of the database.
version=$(sed -n 's/^#define SCHEMA_VERSION //p' "$top/tosql/tosql.h")
run 0 "a database of this version" "$tosql" -d v.db twenty.rec
check "has application id and version" test "$(sql v.db 'PRAGMA application_id; PRAGMA user_version' |
	tr '\n' ' ')" = "1347580788 $version "
check "is in WAL mode" test "$(sql v.db 'PRAGMA journal_mode')" = wal
cp v.db newer.db
sql newer.db "PRAGMA user_version = $((version + 1))"
run 78 "a database of a newer version" "$tosql" -d newer.db twenty.rec
says "is refused" "install the newer praic"

# An older database: version 0 had fewer tables, columns and indexes.
cp v.db older.db
sql older.db 'PRAGMA user_version = 0; DROP VIEW endpoint; DROP TABLE recording;
	DROP INDEX session_event_event_time; ALTER TABLE session DROP COLUMN content_hash;
	ALTER TABLE session DROP COLUMN jumpoint_name; ALTER TABLE customer DROP COLUMN user_name;
	ALTER TABLE session_event_data DROP COLUMN seq;
	CREATE VIEW endpoint AS SELECT id FROM customer'
sql older.db .dump >older.sql
run 0 "-n with an older database" "$tosql" -nv -d older.db twenty.rec
says "works" "20 stored"
sql older.db .dump >older2.sql
same "and leaves it unchanged" older.sql older2.sql
run 0 "an older database" "$tosql" -v -d older.db twenty.rec
says "is brought up to date" "making its tables, version $version"
check "every row is stored" storage check older.db twenty.rec
check "with its indexes" sh -c "sqlite3 v.db '.indexes' >i1 && sqlite3 older.db '.indexes' >i2 &&
	diff i1 i2"
check "and its view" test "$(sql older.db 'SELECT count(user_name) FROM endpoint')" = 20
sql older.db 'SELECT id FROM session' >ids1
sql v.db 'SELECT id FROM session' >ids2
same "its sessions keep their ids" ids1 ids2

# Parts of the schema that somebody has removed.
# removed NAME SQL TEXT: praic-tosql names the part and makes it again; loaded sessions
# fill it
removed() {
	rm -f r.db*
	cp v.db r.db
	sql r.db "$2"
	sql r.db .dump >r1.sql
	run 0 "$1: -n" "$tosql" -n -d r.db twenty.rec
	sql r.db .dump >r2.sql
	same "$1: -n leaves the database unchanged" r1.sql r2.sql
	run 0 "$1" "$tosql" -d r.db twenty.rec
	says "$1: is named" "somebody has removed $3"
	check "$1: every row is stored again" storage check r.db twenty.rec
	check "$1: the indexes are complete" sh -c 'sqlite3 v.db .schema | sort >s1
		sqlite3 r.db .schema | sort >s2; [ "$(grep -c INDEX s1)" = "$(grep -c INDEX s2)" ]'
	run 0 "$1: another load" "$tosql" -v -d r.db twenty.rec
	says "$1: changes nothing" "20 unchanged"
}
removed "a table" 'DROP TABLE team' 'table team, index team_session_id:'
removed "a column" 'ALTER TABLE team DROP COLUMN name' 'column team.name:'
removed "an index" 'DROP INDEX session_key' 'index session_key:'
removed "the view" 'DROP VIEW endpoint' 'view endpoint:'
removed "a table and those that refer to it" 'DROP TABLE session_event_data;
	DROP TABLE system_information; DROP TABLE session_event' 'table session_event, table'
for t in session session_event; do
	rm -f r.db*
	cp v.db r.db
	sql r.db "DROP TABLE $t"
	run 78 "a table that remaining tables refer to ($t)" "$tosql" -d r.db twenty.rec
	says "is not made again" "its table $t is gone"
done

# A settings database, and a file or folder without write permission.
run 0 "a settings database" env PRAIC_SETTINGS="$work/settings.db" "$conf" init
cp settings.db settings.copy
run 78 "is not a storage database" "$tosql" -d settings.db twenty.rec
says "but another program's" "another program's"
same "and unchanged" settings.copy settings.db
# as_user COMMAND...: not as root, who may write everything
as_user() {
	if [ "$(id -u)" = 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi
}
mkdir ro
cp "$tosql" v.db twenty.rec ro
chmod 444 ro/v.db
if [ "$(id -u)" = 0 ]; then
	chmod 755 .
	chown -R 65534 ro
fi
chmod 555 ro
if as_user ro/praic-tosql --version >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
	run 73 "a read-only file" as_user ro/praic-tosql -d ro/v.db ro/twenty.rec
	says "is named" "ro/v.db: Permission denied"
	chmod 644 ro/v.db
	run 73 "a database in a read-only folder" as_user ro/praic-tosql -d ro/v.db ro/twenty.rec
	says "the message names the folder" "folder"
	run 73 "a new database in a read-only folder" as_user ro/praic-tosql -d ro/new.db ro/twenty.rec
	says "is named" "ro/new.db: Permission denied"
fi
chmod 755 ro

# Rows restored from a copy, without SQLite's sequence numbers.
cp v.db back.db
sql back.db 'DELETE FROM sqlite_sequence'
make_records --sessions 5 --first 21 >five.rec
run 0 "a database without sequence numbers" "$tosql" -d back.db five.rec
check "has old and new rows" storage check back.db twenty.rec five.rec

# Rows of another program that refer to rows of praic.
cp v.db linked.db
sql linked.db 'CREATE TABLE note (event INTEGER REFERENCES session_event (id), text);
	INSERT INTO note SELECT min(id), 1 FROM session_event WHERE session_id = 3'
make_records --sessions 20 --state grown >grown.rec
run 65 "a row of another table that refers to a session" "$tosql" -v -d linked.db grown.rec
says "prevents its replacement" "19 stored, 0 unchanged, 0 older than stored, 1 left out"
check "no row refers to a missing one" test -z "$(sql linked.db 'PRAGMA foreign_key_check')"

# Locks of other programs.
cat >hold.py <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
END
mkfifo held go
python3 hold.py v.db <go >held &
exec 3>go
read -r _ <held
run 75 "a database that another program writes to" "$tosql" --timeout 1 -d v.db grown.rec
says "is reported" "try again later"
(
	sleep 1
	exec 3>&-
) &
exec 3>&-
run 0 "a lock that goes away" "$tosql" --timeout 20 -v -d v.db grown.rec
says "is waited for" "20 stored"
wait

# RLIMIT_FSIZE stands in for a full disk: a batch is stored completely or not at all.
cp v.db full.db
storage dump full.db >before
make_records --sessions 800 --first 1000 >more.rec
run 74 "no room" sh -c "trap '' XFSZ; ulimit -f 600; exec '$tosql' -v -d full.db more.rec"
says "is not stored" "not stored"
adds_up "the counts add up"
check "the database is intact" test "$(sql full.db 'PRAGMA integrity_check')" = ok
run 0 "the rest is stored when there is room" "$tosql" -d full.db more.rec
check "every row" storage check full.db grown.rec more.rec

# A damaged database.
cp full.db bad.db
dd if=/dev/urandom of=bad.db bs=4096 seek=2 count=60 conv=notrunc 2>/dev/null
run 74 "a damaged database" "$tosql" -d bad.db five.rec
says "is reported" "damaged"

# Every call that may fail, failing once: success means that all is stored;
# anything else, that a second run finds nothing half done.
"$tosql" -d whole.db five.rec
check "a whole load" storage check whole.db five.rec
sql whole.db .dump >whole
cat >nth.sh <<'END'
call=$1 error=$2 n=1
while :; do
	rm -f n.db*
	strace -o trace -e trace="$call" -e inject="$call:error=$error:when=$n" \
		"$tosql" -d n.db five.rec 2>err
	code=$?
	case $code in
	0 | 73 | 74 | 75) ;;
	127) n=$((n + $3)) && continue ;; # the dynamic linker's own
	*) echo "$call $n: exit $code"; cat err; exit 1 ;;
	esac
	if [ "$code" -ne 0 ] && ! [ -s err ]; then
		echo "$call $n: exit $code without a message"
		exit 1
	fi
	if [ "$code" -eq 0 ] && ! sqlite3 n.db .dump | cmp - whole; then
		echo "$call $n: a success that is none"
		exit 1
	fi
	grep -q INJECTED trace || exit 0
	if ! "$tosql" -d n.db five.rec >out 2>&1 || ! sqlite3 n.db .dump | cmp - whole; then
		echo "$call $n: no second chance"; cat out; exit 1
	fi
	n=$((n + $3))
done
END
if strace -o /dev/null true 2>/dev/null; then
	check "each 13th write fails with ENOSPC" sh nth.sh pwrite64 ENOSPC 13
	check "each 11th write fails" sh nth.sh pwrite64 EIO 11
	check "each 2nd fdatasync fails" sh nth.sh fdatasync EIO 2
	check "each ftruncate fails" sh nth.sh ftruncate EIO 1
	check "each 7th read fails" sh nth.sh pread64 EIO 7
else
	echo "# strace cannot trace here: failing system calls are not tested"
fi

# Network file systems lack the shared memory that WAL mode needs.
case ${PRAIC_OUT-} in
*asan*) ;; # a sanitizer must be the first library itself
*)
	run 74 "a file system without shared memory" env FAULT='mmap:*:EIO' FAULT_PROGRAM=praic-tosql \
		LD_PRELOAD="$faults" "$tosql" -d share.db grown.rec
	says "is reported as a network file system" "as on a network file system (NFS, SMB)"
	says "the message says what to do" "keep the database on a disk of this machine"
	;;
esac
done_testing
