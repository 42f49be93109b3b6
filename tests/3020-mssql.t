#!/bin/sh
# praic-tosql with a real T-SQL server.  PRAIC_TEST_MSSQL names a file with a
# connection string.  The test empties the database, so its name must contain "test".
# PRAIC_TEST_MSSQL_CA names the CA file for the server.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/storage.sh
. "$top/tests/storage.sh"
# shellcheck source=tests/appliance.sh
. "$top/tests/appliance.sh"
# shellcheck source=tests/sched.sh
. "$top/tests/sched.sh"

if [ -z "${PRAIC_TEST_MSSQL-}" ]; then
	echo "1..0 # SKIP no T-SQL server: PRAIC_TEST_MSSQL is not set, this part did not run"
	exit 0
fi
cp "$PRAIC_TEST_MSSQL" conn
chmod 600 conn
ca=${PRAIC_TEST_MSSQL_CA-}
ask() {
	"${bin}tests/tools/mssql-query" conn ${ca:+"$ca"}
}
there=mssql:conn${ca:+,$ca}
tables="recording system_information session_event_data session_event custom_attribute customer
	team user session"
case $(echo 'SELECT DB_NAME()' | ask) in
*[Tt][Ee][Ss][Tt]*) ;;
*)
	echo "Bail out! the database of PRAIC_TEST_MSSQL has no \"test\" in its name"
	exit 1
	;;
esac
wipe() {
	{
		printf "IF OBJECT_ID(N'dbo.endpoint') IS NOT NULL DROP VIEW dbo.endpoint\nGO\n"
		for t in $tables; do
			printf "IF OBJECT_ID(N'dbo.[%s]') IS NOT NULL DROP TABLE dbo.[%s]\nGO\n" \
				"$t" "$t"
		done
		printf "IF OBJECT_ID(N'dbo.praic_schema') IS NOT NULL DROP TABLE dbo.praic_schema\nGO\n"
	} | ask
}
# The functions of storage.sh need a command, not a shell function.
cat >t <<END
#!/bin/sh
exec "$tosql" -d @conn ${ca:+--ca-file "$ca"} "\$@"
END
chmod +x t
wipe

make_records --sessions 200 --xml >two.rec
run 0 "-n without tables" ./t -nv two.rec
says "prints what would be stored" "200 stored"
echo '<session/>' >bad.xml
sed '/^S	/,$d' two.rec >cut.rec
run 64 "an input that is not a record stream" ./t bad.xml
run 75 "a stream truncated before its first session" ./t cut.rec
check "neither makes tables" test "$(echo "SELECT COUNT(*) FROM sys.tables WHERE name = N'session'" | ask)" = 0
run 0 "a first load" ./t -v two.rec
says "stores all" "200 sessions read: 200 stored"
adds_up "the counts add up"
check "every value is stored" storage check "$there" two.rec
storage dump "$there" >first
run 0 "a second load" ./t -v two.rec
says "stores nothing" "200 unchanged"
storage dump "$there" >second
same "changes nothing, including ids" first second
"$tosql" -d lite.db two.rec
storage dump lite.db --no-ids >lite
storage dump "$there" --no-ids >big
same "the same as in SQLite" lite big

make_records --sessions 200 --state open >open.rec
make_records --sessions 200 --state grown >grown.rec
run 0 "copies without an end time" ./t -v open.rec
says "is older" "200 older than stored"
run 0 "copies with more events" ./t -v grown.rec
says "are newer" "200 stored"
check "and stored" storage check "$there" grown.rec
run 0 "copies with fewer events" ./t -v two.rec
says "are older" "200 older"
run 0 "-n --force" ./t -nv --force two.rec
says "would store them" "200 stored"
check "but changes nothing" storage check "$there" grown.rec
run 0 "--force" ./t -v --force two.rec
says "stores them" "200 stored"
check "every row" storage check "$there" two.rec
echo 'SELECT id, lsid FROM dbo.session ORDER BY id' | ask >ids1
sqlite3 -separator '	' lite.db 'SELECT id, lsid FROM session ORDER BY id' >ids2
check "sessions kept their ids, in order" sh -c "cut -f 2 ids1 >l1; cut -f 2 ids2 >l2; diff l1 l2"
cat open.rec two.rec grown.rec two.rec >four.rec
run 0 "-n with sessions that come again" ./t -nv four.rec
says "compares each with the database, which keeps none" \
	"800 sessions read: 200 stored, 400 unchanged, 200 older"
run 0 "which does" ./t -v four.rec
says "just that" "800 sessions read: 200 stored, 200 unchanged, 400 older"
run 0 "--force, once more" ./t --force two.rec
run 0 "without system information" ./t -v --no-system-information two.rec
check "the table is empty" test "$(echo 'SELECT COUNT(*) FROM dbo.system_information' | ask)" = 0

# Keys are compared byte by byte; values of all kinds.
wipe
make_records --sessions 1 >one.rec
lsid=$(sed -n 's/^S	[^	]*	//p' one.rec)
sed "s/$lsid/$(echo "$lsid" | tr a-f A-F)/" one.rec >upper.rec
sed "s/$lsid/$lsid /" one.rec >blank.rec
run 0 "keys that differ in case" ./t -v one.rec upper.rec
says "are two sessions" "2 stored"
run 65 "a key that ends in a blank" ./t -v blank.rec
says "is left out with the reason" "ends in a blank"
python3 - >values.rec <<'END'
print("praic-records\t1\nH\tsession\thost_name\tlsid\texternal_key\ttype")
print("H\tsession_event\tseq\ttype\tperformed_by\nH\tsession_event_data\tevent_seq\tseq\tname\tvalue")
print("S\th\tv\nR\tsession_event\t1\tx\t\\N\nR\tsession_event\t2\t\t")
print("R\tsession_event\t3\t" + "ü" * 450 + "\t" + "🙂" * 225)
for i, v in enumerate(("ü" * 500000, "", "\\N", "\\\\N", "\u202e\x7f", "🙂" * 300000,
                       "\\t\\n\\r\\\\", " blanks ", "|", "||", "'; DROP TABLE session; --",
                       "\ufffd\u0301", "a" * 4001, "b" * 8001)):
    print("R\tsession_event_data\t1\t%d\tv\t%s" % (i, v))
print("R\tsession\th\tv\t\t\\N\nE\tv\t18\t0\nZ\t1\t0")
END
run 0 "values of all kinds" ./t values.rec
check "are stored" storage check "$there" one.rec upper.rec values.rec

# Random streams with faults; streams.py computes the expected rows.
wipe
check "random streams with faults" python3 "$top/tests/tools/streams.py" "${PRAIC_SEED:-1}" "${PRAIC_RUNS:-12}" \
	"$there" ./t -v

# Long values are stored.  If columns of a foreign table are too narrow, the session is
# left out with the name of the column, and the others are stored.
wipe
python3 - two.rec >long.rec <<'END'
import sys
n = 0
for line in open(sys.argv[1], encoding="utf-8", newline="\n"):
    n += line.startswith("S\t")
    if n == 50:
        line = line.replace("\tWindows Server 2022 Standard (21H2)\t", "\t" + "W" * 451 + "\t")
    if n == 60:
        line = line.replace("\tmacOS 15.2\t", "\t" + "🙂" * 226 + "\t")
    if n == 70:
        line = line.replace("\tmacOS 15.2\t", "\t" + "🙂" * 225 + "\t")
    sys.stdout.write(line)
END
run 0 "long values" ./t -v long.rec
check "are stored" storage check "$there" long.rec
wipe
"$tosql" --schema mssql | sed 's/\[operating_system\] NVARCHAR(MAX)/[operating_system] NVARCHAR(450)/' | ask
run 65 "values longer than the column" ./t -v --left-out list long.rec
says "are left out" "198 stored, 0 unchanged, 0 older than stored, 2 left out"
says "with the name of the column" "customer.operating_system has 451 characters, and the column takes 450"
says "and the length in UTF-16 units" "user.operating_system has 452 characters"
check "and listed" test "$(grep -c refused-by-database list)" = 2

# Tables made with --schema, and an older version of them.
wipe
"$tosql" --schema mssql | ask
run 0 "tables made by --schema" ./t -v two.rec
check "are used unchanged" sh -c "! grep -q making err"
check "have every row" storage check "$there" two.rec
cat >older.sql <<'END'
DROP VIEW dbo.endpoint
GO
DELETE FROM dbo.praic_schema
GO
DROP TABLE dbo.recording
GO
ALTER TABLE dbo.session DROP COLUMN content_hash
GO
ALTER TABLE dbo.customer DROP COLUMN user_name
GO
END
ask <older.sql
run 0 "an older version" ./t -v two.rec
says "is brought up to date" "making its tables"
check "and filled" storage check "$there" two.rec
echo 'UPDATE dbo.praic_schema SET version = 99' | ask
run 78 "a newer version" ./t two.rec
says "is refused" "install the newer praic"
printf 'UPDATE dbo.praic_schema SET version = 1\nGO\nALTER TABLE dbo.session DROP COLUMN end_time\nGO\n' | ask
run 78 "a column that is gone" ./t grown.rec
says "is named" end_time
wipe
echo 'CREATE TABLE dbo.session (x INT)' | ask
run 78 "another program's table" ./t two.rec
says "is refused" "another program"
echo 'DROP TABLE dbo.session' | ask

# Tables of the vendor's client: fewer columns, other names of keys.
vendor() {
	cat <<END
CREATE TABLE dbo.session (id INT IDENTITY(1,1) PRIMARY KEY, lsid NVARCHAR(64) COLLATE $1 NOT NULL,
	type NVARCHAR(50), start_time DATETIME, end_time DATETIME, duration NVARCHAR(20),
	file_transfers INT, host_name NVARCHAR(255) COLLATE $1 NOT NULL, external_key NVARCHAR(500),
	public_site_id INT, public_site_name NVARCHAR(200), lseq BIGINT)
GO
CREATE TABLE dbo.team (id INT IDENTITY(1,1) PRIMARY KEY, session_id INT NOT NULL
	REFERENCES dbo.session (id) ON DELETE CASCADE, team_id INT, name NVARCHAR(20), is_primary BIT)
GO
CREATE TABLE dbo.session_event (id INT IDENTITY(1,1) PRIMARY KEY, session_id INT NOT NULL
	REFERENCES dbo.session (id), type NVARCHAR(100), event_time DATETIME,
	performed_by NVARCHAR(400), performed_by_type NVARCHAR(50))
GO
CREATE TABLE dbo.session_event_data (id INT IDENTITY(1,1) PRIMARY KEY, session_event_id INT NOT NULL
	REFERENCES dbo.session_event (id), name NVARCHAR(100), value NVARCHAR(MAX))
GO
END
}
wipe
vendor Latin1_General_BIN2 | ask
run 0 "existing tables of the vendor's client" ./t -v two.rec
check "are used, with missing columns added" storage check "$there" two.rec
run 0 "replacing sessions without cascading deletes" ./t -v grown.rec
check "removes the old rows" storage check "$there" grown.rec
run 0 "and back" ./t --force two.rec
check "references have the type of the referenced column" test "$(echo "SELECT DATA_TYPE FROM
	INFORMATION_SCHEMA.COLUMNS WHERE COLUMN_NAME = N'session_id' AND TABLE_NAME IN (N'user', N'team')" |
	ask | sort -u)" = int
sed '0,/	DBA	/s//	A team with a long name	/' one.rec >team.rec
run 65 "a value longer than their column" ./t --force team.rec
says "is refused" "team.name has 23 characters, and the column takes 20"
wipe
vendor Latin1_General_BIN2 | sed 's/lsid NVARCHAR(64)/lsid NVARCHAR(450)/' | ask
echo 'CREATE INDEX by_host ON dbo.session (host_name)' | ask
sed "s/$lsid/$(printf '%0129d' 7)/" one.rec >longkey.rec
run 65 "a key that is longer than the staging table allows" ./t longkey.rec one.rec
says "is left out, not truncated" "session.lsid has 129 characters, and the column takes 128"
check "the other session is stored" storage check "$there" one.rec
check "the key is unique with any existing index" sh -c "
	sed 's/^/INSERT INTO dbo.session (host_name, lsid) SELECT host_name, lsid FROM dbo.session/;q' one.rec |
	sed 's/praic-records.*//' | '${bin}tests/tools/mssql-query' conn ${ca:+'$ca'} 2>&1 | grep -q -e 2627 -e 2601 -e error"
wipe
vendor Latin1_General_CI_AS | ask
run 0 "a case-insensitive collation" ./t -v two.rec
says "is used" "200 stored"
check "every row is stored" storage check "$there" two.rec
run 0 "a second load" ./t -v two.rec
says "finds the sessions" "200 unchanged"
run 65 "a key that differs from a stored one in case only" ./t --left-out list upper.rec
check "is left out, because the index takes both for the same" grep -q refused-by-database list
wipe
ask <"$data/vendor.sql"
ask <<'END'
INSERT INTO dbo.session (lsid, type, start_time, host_name) VALUES (N'old', N'support', '2015-01-01T00:00:00', N'h')
GO
INSERT INTO dbo.session_event (session_id, type) SELECT id, N'Session Start' FROM dbo.session
GO
END
run 0 "tables with a session of another client" ./t -v two.rec
says "are used" "200 stored"
run 0 "newer copies replace praic's sessions" ./t grown.rec
run 0 "-n --list" ./t -n --list grown.rec
check "finds each of them" test "$(grep -c '	same$' out)" = 200
check "the session of the other client is unchanged" test "$(echo "SELECT s.lsid, s.type, e.type FROM dbo.session AS s
	INNER JOIN dbo.session_event AS e ON e.session_id = s.id WHERE s.host_name = N'h'" | ask)" = \
	"old	support	Session Start"
ask <<'END'
DELETE e FROM dbo.session_event AS e INNER JOIN dbo.session AS s ON s.id = e.session_id WHERE s.lsid = N'old'
GO
DELETE FROM dbo.session WHERE lsid = N'old'
GO
END
check "and praic's are complete" storage check "$there" grown.rec
wipe
vendor Latin1_General_CI_AS | sed 's/is_primary BIT/&, region INT NOT NULL/' | ask
run 78 "a column that must not be NULL" ./t two.rec
says "is named, with the statement to run" \
	"[region] is none of praic's, takes no NULL and has no default: ALTER TABLE dbo.[team] ALTER COLUMN [region] int NULL"
check "nothing is changed" test "$(echo "SELECT COUNT(*) FROM sys.tables WHERE name = N'praic_schema'" | ask)" = 0
wipe
vendor Latin1_General_CI_AS | sed 's/performed_by NVARCHAR(400)/& NOT NULL/' | ask
run 78 "a column of ours that must not be NULL" ./t two.rec
says "is named, with what to do" \
	"[performed_by] takes no NULL, which praic stores there: ALTER TABLE dbo.[session_event] ALTER COLUMN [performed_by] nvarchar(400) COLLATE"
check "nothing is changed" test "$(echo "SELECT COUNT(*) FROM sys.tables WHERE name = N'praic_schema'" | ask)" = 0
wipe
vendor Latin1_General_CI_AS | sed 's/file_transfers INT/file_transfers AS (1 + 1)/' | ask
run 78 "a computed column of ours" ./t two.rec
sed -n 's/.* is computed, and praic stores its own values there: //p' err >fix
echo 'ALTER TABLE dbo.[session] DROP COLUMN [file_transfers]' >want
same "is named, with the statement to run" want fix
ask <fix
run 0 "after that statement" ./t two.rec
check "every row is stored" storage check "$there" two.rec

# A trigger's rows and messages must not be counted as praic's.
wipe
./t one.rec
ask <<'END'
CREATE TABLE dbo.praic_test_log (id BIGINT NULL)
GO
CREATE TRIGGER dbo.praic_test_note ON dbo.[user] AFTER INSERT AS
	INSERT INTO dbo.praic_test_log (id) SELECT id FROM inserted;
	INSERT INTO dbo.praic_test_log (id) SELECT id FROM inserted;
	SELECT N'noted', id FROM inserted
GO
END
run 0 "a trigger of the database's owner" ./t -v two.rec
check "does not disturb the load" storage check "$there" one.rec two.rec
check "and ran" test "$(echo 'SELECT COUNT(*) / 2 FROM dbo.praic_test_log' | ask)" -gt 100
echo 'DROP TABLE dbo.praic_test_log' | ask

# A big session.
wipe
make_records --sessions 5 --big 9000000 >nine.rec
run 0 "a session of 9 MB" within 32 ./t -v nine.rec
check "is stored completely" storage check "$there" nine.rec

# Two loaders at once; killed loaders.
wipe
make_records --sessions 200 --first 101 >next.rec
./t two.rec 2>err.1 &
./t next.rec 2>err.2 &
wait
cat err.? >err
silent "two loaders make the tables and load at once"
check "the sessions of both are stored" storage check "$there" two.rec next.rec
wipe
make_records --sessions "${PRAIC_SESSIONS:-2000}" --first 1001 --events 10 >many.rec
make_records --sessions 0 >none.rec
run 0 "an empty stream makes the tables" ./t none.rec
check "killed ${PRAIC_KILLS:-6} times, no session is incomplete" killer "$there" "${PRAIC_KILLS:-6}" \
	many.rec ./t
run 0 "a last run" ./t many.rec
check "completes them" storage check "$there" many.rec

# The server ends the connection repeatedly.
wipe
./t one.rec
./t -v many.rec 2>err &
pid=$!
for i in 1 2 3; do
	sleep 0.6
	echo "SELECT session_id FROM sys.dm_exec_sessions WHERE program_name = N'praic-tosql'" |
		ask | sed 's/^/KILL /' | ask 2>/dev/null
done
wait $pid
check "lost connections" test $? = 0
check "are opened again" storage check "$there" one.rec many.rec

# Locks: another loader that does not end, a deadlock.
: >held
printf "BEGIN TRANSACTION\nGO\nDECLARE @r INT; EXEC @r = sp_getapplock N'praic', N'Exclusive'\nGO\nHOLD held\n" |
	ask &
sleep 1
run 75 "another loader that does not finish" ./t --timeout 1 grown.rec
says "is named after a wait" "another loader"
rm held
wait
run 0 "after it has finished" ./t grown.rec
: >held
printf "BEGIN TRANSACTION\nGO\nUPDATE dbo.team SET name = N'x' WHERE id = 1\nGO\nHOLD held\nUPDATE dbo.session SET type = type\nGO\nROLLBACK TRANSACTION\nGO\n" |
	ask 2>deadlock.err &
sleep 1
./t --force -v two.rec 2>err &
pid=$!
sleep 2
rm held
wait $pid
check "a deadlock with another connection" test $? = 0
wait
check "is retried" storage check "$there" two.rec many.rec

# Errors of the connection string.
sed 's/\([Pp]assword\|[Pp][Ww][Dd]\)=[^;]*/Password=Wr0ng.password/' conn >badpw
sed 's/\([Dd]atabase\|[Ii]nitial [Cc]atalog\)=[^;]*/Database=no_such_test/' conn >baddb
chmod 600 badpw baddb
run 77 "a wrong password" "$tosql" -d @badpw ${ca:+--ca-file "$ca"} two.rec
says "is reported" "18456"
check "and is not shown" sh -c "! grep -q Wr0ng err"
run 78 "a missing database" "$tosql" -d @baddb ${ca:+--ca-file "$ca"} two.rec
says "is named" "no_such_test"
run 78 "a missing CA file" "$tosql" -d @conn --ca-file nowhere.pem two.rec

# From praic-conf and praic-sched to rows.
wipe
sched_settings
appliance_start --clock fixed --sessions 30 --span 5 --seed 12
"$conf" site add one host="$PRAIC_HOST" client-id="$PRAIC_CLIENT_ID" ca-file="$PRAIC_CA" \
	secret="file:$PRAIC_SECRET_FILE"
run 0 "a destination" "$conf" destination add server sql connection="@$work/conn" \
	${ca:+ca-file="$(realpath "$ca")"}
silent "works without a warning"
"$conf" schedule add all every=1m
"$conf" transfer add all one server session >out
sql "UPDATE schedule SET created = created - 3600"
run 0 "praic-sched -1" "$sched" -1
"$fetch" -s one sessions --since 90d 2>err | "$split" >all.rec
check "every row is stored" storage check "$there" all.rec
sed -n 's/.*\([Pp]assword\|[Pp][Ww][Dd]\)=\([^;]*\).*/\2/p' conn >password
chmod 600 password
string=$(sed 's/\([Pp]assword\|[Pp][Ww][Dd]\)=[^;]*;*//' conn)
if [ -s password ] && ! grep -q "^[\"']" password; then
	wipe
	run 0 "the connection string in the settings, and its password" "$conf" destination set server \
		connection="$string" password="file:$work/password"
	says "works as well, as a new place" "the old place keeps what was stored"
	sql "UPDATE job SET mark = NULL WHERE step = 'fetch'"
	run 0 "praic-sched -r" "$sched" -r all
	check "every row is stored again" storage check "$there" all.rec
else
	pass "a password apart from the string # SKIP it is in quotes, or there is none"
fi

wipe
done_testing
