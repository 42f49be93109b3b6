#!/bin/sh
# praic-tosql and a stand-in for SQL Server: what is sent to it byte for
# byte, and what comes of each of its refusals.  (It is no SQL Server: what the
# statements do is seen in 3020, where there is one.)
# shellcheck disable=SC2016
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/storage.sh
. "$top/tests/storage.sh"

# shellcheck source=tests/tds.sh
. "$top/tests/tds.sh"
certificate other localhost

# sent NAME REGEX: does the log match?
sent() {
	if grep -qE "$2" log; then pass "$1"; else fail "$1: not sent: $2" log; fi
}
make_records --sessions 20 >twenty.rec
{
	sed '/^[SRXEZ]	/d' twenty.rec
	python3 - <<'END'
print("S\th\tv\nR\tsession_event\t1\t\t2024-02-29T23:59:59Z\t\\N\t|\t🙂\tü"
      "\t-9223372036854775808\t0")
# Values that fill their columns exactly.
print("R\tsession_event\t2\t" + "ü" * 450 + "\t\\N\t" + "🙂" * 225 + "\t" + "e" * 450
      + "\t\\N" * 4)
print("R\tsession_event_data\t1\t1\t\\N\t" + "🙂ü" * 300000)
print("R\tsession_event_data\t1\t3\tblanks  \t  ")
print("R\tsession_event_data\t1\t4\t.\t\u3000")
print("R\tsession_event_data\t1\t2\ta\\tb\\nc\\rd\\\\e\t")
print("R\tsession\th\tv\t\\N\t0001-01-01T00:00:00Z\t9999-12-31T23:59:59Z\t\\N\t\\N\t"
      + "\t\\N" * 10 + "\t1")
print("E\tv\t7\t0\nZ\t1\t0")
END
} >odd.rec

# A load.
start
run 0 "a load" ./l -v twenty.rec odd.rec
says "stores all" "21 stored"
check "each byte of the bulk copies" python3 "$top/tests/tools/bulk-check.py" log twenty.rec odd.rec
sent "the login is encrypted and has user and application" '^\["login", {"encrypted": true, "tds": "74000004",.*"user": "praic", "password": "Passw0rd", "application": "praic-tosql", "server": "localhost".*"database": "store"'
check "one login" test "$(logged login)" = 1
# The statements for the tables run twice: as a trial, and before the first session.
sed -n 's/^\["sql", "\(.*\)"\]$/\1/p' log | sed 's/\\n */ /g; s/\\"/"/g' |
	grep -v -e '^SELECT k.t' -e '^DECLARE @o INT' -e FMTONLY -e '^insert bulk' |
	awk '/^BEGIN/ { n++ } { print > (n == 1 && !back ? "tried" : "out") } /ROLLBACK/ { back = 1 }'
# FreeTDS 1.5 writes its own first statement in capitals.
sed '1s/^SET TEXTSIZE/set textsize/' out >folded && mv folded out
golden "the statements" 3021-statements.txt
sed '1,/^BEGIN/d; /^COMMIT/,$d' out >made
sed '1d;$d' tried >would
same "the trial has the same statements" made would
sed '$!d' tried >last
echo 'IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION' >back
same "and is rolled back" back last
if grep -q 'INSERT INTO dbo\.\[.*VALUES' log; then fail "an INSERT for each row" log; else pass "no INSERT for each row"; fi
run 0 "-n" ./l -nv twenty.rec
says "prints what would be stored" "20 stored"
sent "rolls back" '^\["sql", "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION"\]'
check "and commits no more" test "$(grep -c '^\["sql", "COMMIT' log)" = 2
string "localhost,$(cat port)" Passw0rd store 'Application Name="audit; store"' >conn
run 0 "an Application Name" ./l twenty.rec
sent "is sent" '"application": "audit; store"'

start
run 0 "-n --list" ./l -n --list twenty.rec
awk -F '\t' -v OFS='\t' '$1 == "S" { print $2, $3, "new" }' twenty.rec >want
same "lists them" want out
check "inserts nothing" sh -c '! grep -q "INSERT INTO dbo\\.\\[session" log'
start
run 73 "--existing with an empty database" ./l --existing twenty.rec
says "is refused" "its tables are not there"
check "and no table is made" sh -c '! grep -q "CREATE TABLE dbo" log'

start --database "a ;'b]=ö test"
string "localhost,$(cat port)" Passw0rd "\"a ;'b]=ö test\"" >conn
run 0 "a database name with special characters" ./l -v twenty.rec
sent "is sent unchanged" "\"database\": \"a ;'b\]=ö test\""
start --tds 7.3
run 0 "SQL Server 2008" ./l -v twenty.rec
check "gets the same data" python3 "$top/tests/tools/bulk-check.py" log twenty.rec
start --room lsid=450
python3 - twenty.rec >longkey.rec <<'END'
import sys
for line in open(sys.argv[1], encoding="utf-8", newline="\n"):
    sys.stdout.write(line.replace("c81e728d9d4c2f636f067f89cc14862c", "k" * 129)
                     .replace("eccbc87e4b5ce2fe28308fd9f2a7baf3", "k" * 128))
END
run 65 "a key longer than 128 characters" ./l -v longkey.rec
says "is left out" "session.lsid has 129 characters, and the column takes 128"
says "the others are stored" "19 stored"

# Errors while connecting.
string "localhost,$(cat port)" Wr0ng store >conn
rm log
run 77 "a wrong password" ./l twenty.rec
says "is reported" "Login failed"
check "is tried once, because accounts get locked" test "$(logged login)" = 1
if grep -q Wr0ng err; then fail "the password is shown" err; else pass "the password is not shown"; fi
string "localhost,$(cat port)" Passw0rd elsewhere >conn
run 78 "a wrong database" ./l twenty.rec
says "is named" "elsewhere"
string "localhost,1" Passw0rd store >conn
run 69 "no server" ./l twenty.rec
says "is reported" "no server answers there"
says "with what to do" "check Server"
string "no-such-host.invalid,1" Passw0rd store >conn
run 69 "no such host" ./l twenty.rec
start
rm log
run 78 "an unknown authority" "$tosql" -d @conn --ca-file other.pem twenty.rec
says "is refused" "--ca-file"
run 78 "an authority that the system does not know" "$tosql" -d @conn twenty.rec
string "127.0.0.1,$(cat port)" Passw0rd store >conn
run 78 "a certificate for another name" ./l twenty.rec
check "no password was sent" sh -c '! grep -qs "^.\"login" log'
string "127.0.0.1,$(cat port)" Passw0rd store TrustServerCertificate=yes >conn
run 0 "TrustServerCertificate=yes" ./l twenty.rec
start --tls off
rm log
run 78 "a server without encryption" ./l twenty.rec
says "is refused" "no encryption"
check "before the password is sent" sh -c '! grep -qs "^.\"login" log'
string "localhost,$(cat port)" Passw0rd store 'Encrypt=no' >conn
run 0 "Encrypt=no" ./l twenty.rec
sent "does not encrypt" '"encrypted": false'
chmod 644 conn
run 78 "a connection string that others may read" ./l twenty.rec

# What the server says to a statement.  Most of these loads wait before they try
# again, so some run at the same time, each with a stand-in of its own.
# load CODE NAME TEXT MORE OPTION...: a load; TEXT must be in its messages, and
# MORE are commands that check the rest (judge runs them)
loads=0
load() {
	loads=$((loads + 1))
	mkdir "load.$loads"
	printf '%s\n' "$1" >"load.$loads/code"
	printf '%s\n' "$2" >"load.$loads/name"
	printf '%s\n' "$3" >"load.$loads/text"
	printf '%s\n' "$4" >"load.$loads/more"
	shift 4
	cp l good.pem good.key "load.$loads"
	(
		cd "load.$loads" || exit 1
		server=
		start "$@"
		./l -v --left-out list ../twenty.rec >out 2>err </dev/null
		echo $? >got
		kill "$server"
	) &
	[ $((loads % 8)) -ne 0 ] || wait_for_loads
}
wait_for_loads() {
	for i in $(seq "$loads"); do
		until [ -s "load.$i/got" ]; do sleep 0.05; done
	done
}
judge() {
	wait_for_loads
	for i in $(seq "$loads"); do
		cp "load.$i/err" "load.$i/log" "load.$i/list" .
		name=$(cat "load.$i/name") code=$(cat "load.$i/code") text=$(cat "load.$i/text")
		if [ "$(cat "load.$i/got")" = "$code" ]; then pass "$name"; else
			fail "$name: exit $(cat "load.$i/got"), not $code" err
		fi
		[ -z "$text" ] || says "$name: words" "$text"
		eval "$(cat "load.$i/more")"
	done
}
# once CODE NAME FAULT [TEXT [MORE]]: the fault comes once
once() {
	load "$1" "$2" "${4-}" "${5-}" --once --fault "$3"
}
again="trying again (2 of 5)"
once 0 "a deadlock" 'INSERT INTO dbo..session_event.=1205:was deadlocked on lock resources' "$again"
once 0 "a deadlock while it commits" '^COMMIT=1205:was deadlocked' "$again"
once 0 "a busy Azure database" 'sp_getapplock=40613:not currently available' "$again"
once 0 "a connection cut while rows are copied" 'insert bulk #praic_user=close' "$again" \
	'check "is opened anew" test "$(logged login)" = 2'
once 0 "a connection cut within a statement" 'INSERT INTO dbo..user.=close' "$again"
once 0 "a connection cut while it commits" '^COMMIT=close' "$again"
once 0 "a connection reset within a statement" 'INSERT INTO dbo..session_event_data.=reset' "$again"
once 0 "a connection reset while rows are copied" 'bulk session_event=reset' "$again"
once 0 "a connection reset while it commits" '^COMMIT=reset' "$again"
once 0 "an error of severity 20" 'INSERT INTO dbo..team.=21:a fatal error:21' "$again"
once 0 "a session's own fault, and once" 'INSERT INTO dbo..user.=2627:Violation of PRIMARY KEY constraint. The duplicate key value is (0a1b).' "in parts" \
	'says "no session is left out" "20 stored"'
once 0 "a database that is being recovered" 'INSERT INTO dbo..user.=922:is being recovered' "$again"
once 0 "a killed session" 'INSERT INTO dbo..team.=596:Cannot continue the execution because the session is in the kill state.:21' "$again"
once 0 "a deadlock over the lock of loaders" 'sp_getapplock=value -3' "$again"
once 0 "a conflict of snapshots" 'INSERT INTO dbo..user.=3960:Snapshot isolation transaction aborted' "$again"
load 0 "a server that starts again" "the server breaks off" '
	says "has its database later" "trying again (4 of 5)"
	says "than it answers" "trying again (5 of 5)"' \
	--once --fault '^COMMIT=close' --fault 'login 2=close' \
	--fault 'login 3=4060:Cannot open database "store"' \
	--fault 'login 4=17187:not ready to accept new client connections'
load 69 "a server that is not ready" "not ready to accept" : \
	--fault 'login 1=17187:not ready to accept new client connections'
load 77 "a disabled account" "account is disabled" : --fault 'login 1=18470:Login failed. The account is disabled'
once 0 "a conflict in a temporal table" 'INSERT INTO dbo..user.=13535:transaction time was earlier than period start time' "$again"
once 77 "no permission" 'INSERT INTO dbo..user.=229:The INSERT permission was denied' "grant"
once 0 "a view that may not be made" 'CREATE VIEW=262:CREATE VIEW permission denied' "everything else works"
once 77 "tables that may not be made" 'CREATE TABLE dbo=262:CREATE TABLE permission denied' "--schema mssql"
once 74 "a full log" 'INSERT INTO dbo..user.=9002:The transaction log is full' "log is full" \
	'says "nothing is half done" "20 sessions read: 0 stored"'
once 74 "a full database" 'INSERT INTO dbo..user.=1105:Could not allocate space' "database is full"
once 78 "a table that is gone" 'INSERT INTO dbo..user.=208:Invalid object name' "changed the tables"
once 74 "an INSERT that reports too few rows" 'INSERT INTO dbo..user.=count' "39 rows instead of 40"
once 74 "bulk copy that loses a row" 'bulk user=count' "the server counts 39"
# What is for one session's sake, and what is for all of them.
load 78 "a constraint that no session meets" "every session is refused, so the database must be mended" '
	says "with its words" "CHECK constraint (error 547)"
	says "nothing is left out" "20 sessions read: 0 stored, 0 unchanged, 0 older than stored, 0 left out, 20 not stored"
	check "nor listed" test ! -s list
	check "a few are tried, and no halves" test "$(grep -c "^\[\"sql\", \"BEGIN" log)" -le 11' \
	--fault 'INSERT INTO dbo..user.=547:The INSERT statement conflicted with the CHECK constraint'
load 78 "a trigger that refuses" "no sessions here (error 50001): a trigger" '
	check "is not tried again" test "$(grep -c "INSERT INTO dbo..user" log) $(wc -l <list)" = "1 0"' \
	--fault 'INSERT INTO dbo..user.=50001:no sessions here:16:praic_trigger'
load 78 "staging tables that are refused" "making staging tables: not allowed (error 50001)" '
	check "are not tried for each session" test "$(grep -c "INTO #praic_session" log) $(wc -l <list)" = "1 0"' \
	--fault 'INTO #praic_session=50001:not allowed'
load 78 "a column that must not be NULL" "have the column take NULL" '
	check "is not tried again, either" test "$(grep -c "INSERT INTO dbo..user" log)" = 1' \
	--fault 'INSERT INTO dbo..user.=515:Cannot insert the value NULL into column'
load 78 "an identity below the greatest id" "DBCC CHECKIDENT" '
	check "no session is left out" test "$(wc -l <list)" = 0' \
	--fault 'INSERT INTO dbo..user.=2627:Violation of PRIMARY KEY constraint. The duplicate key value is (1).:14'
load 75 "deadlocks without end" "trying again (5 of 5)" '
	says "adds up" "20 sessions read: 0 stored, 0 unchanged, 0 older than stored, 0 left out, 20 not stored"' \
	--fault 'INSERT INTO dbo..user.=1205:was deadlocked on lock resources'
judge
start --fault 'login 1=hang'
string "localhost,$(cat port)" Passw0rd store 'Connect Timeout=2' >conn
run 75 "a server that does not answer the login" timeout 60 ./l -v twenty.rec
says "is given up" "logging in"
# all_told: a load for each line of cases: CODE|NAME|FAULT|TEXT
all_told() {
	while IFS='|' read -r code name _ text; do
		run "$code" "$name" ./l -v twenty.rec
		says "$name: words" "$text"
	done <cases
}
# Errors known by number, and errors classified by severity.
cat >cases <<'END'
77|no permission for dbo|2760:The specified schema name "dbo" either does not exist or you do not have permission|--schema mssql
77|some other permission|50001:permission denied:14|permission denied
70|syntax|50001:Incorrect syntax:15|Incorrect syntax
75|a lack of resources|50001:There is insufficient:17|There is insufficient
75|an internal error of the server|50001:An internal error:18|An internal error
75|a limit of the server|50001:exceeds a limit:19|exceeds a limit
74|a damaged table|50001:is damaged:22|is damaged
74|a damaged page|824:SQL Server detected a logical consistency-based I/O error:24|DBCC CHECKDB
74|an Azure database at its quota|40544:The database has reached its size quota|add space
74|tempdb|3959:Version store is full|tempdb is full
78|a read-only database|3906:because the database is read-only|read-only
78|a read-only filegroup|652:resides on a read-only filegroup|read-only
78|a rule of the server about tables|50001:must not be made:16|must not be made
75|another loader that does not finish|value -1|another loader
70|a refused lock|value -999|-999
END
set --
while IFS='|' read -r _ _ fault _; do
	set -- "$@" --fault "sp_getapplock=$fault"
done <cases
start --once "$@"
all_told
cat >cases <<'END'
75|a database that is being moved|40613:Database is not currently available:17|moves the database
75|a throttled server|40501:The service is currently busy:20|service is busy
75|too many requests|49918:Not enough resources to process request|service is busy
75|a limit of sessions|10928:The request limit for the database is 90|service is busy
75|a database that is being recovered|922:is being recovered|being recovered
77|a firewall|40615:Client with IP address is not allowed to access the server:14|firewall
77|a logon trigger|17892:Logon failed due to trigger execution:14|trigger
77|a login without a user in the database|916:The server principal is not able to access the database:14|no user of the database
78|a server of another name|40532:Cannot open server requested by the login:20|check Server
78|the login's own database|4064:Cannot open user default database. Login failed.:11|check Database
END
set --
n=0
while IFS='|' read -r _ _ fault _; do
	n=$((n + 1))
	set -- "$@" --fault "login $n\$=$fault"
done <cases
start "$@"
all_told
check "each was tried once" test "$(logged login)" = "$n"

# An input that is not a session report makes no tables.
start
echo '<session/>' >bad.xml
sed '/^S	/,$d' twenty.rec >cut.rec
printf 'praic-records\t1\nH\tfile\tkind\tpath\nZ\t0\t0\n' >files.rec
run 64 "an input that is not a record stream" ./l -v bad.xml
run 75 "a stream truncated before its first session" ./l -v cut.rec
run 64 "a stream of files" ./l -v files.rec
run 66 "a missing file" ./l -v no-such.rec
check "none of them makes the tables" test "$(grep -c '^\["sql", "COMMIT' log)" = 0
sed '/^[SRXEZ]	/d' twenty.rec >none.rec
printf 'Z\t0\t0\n' >>none.rec
run 0 "a stream without sessions" ./l -v none.rec
says "makes them" "making its tables"
check "once" test "$(grep -c '^\["sql", "COMMIT' log)" = 1
run 0 "and then" ./l -v none.rec
check "they are there" sh -c "! grep -q making err"
# Texts that have no room in tables that are there, and long ones in our own.
python3 - twenty.rec >longname.rec <<'END'
import sys
n = 0
for line in open(sys.argv[1], encoding="utf-8", newline="\n"):
    f = line.split("\t")
    if f[0] == "R" and f[1] == "team" and n < 7:
        n += 1
        f[3] = ("ü" if n > 1 else "🙂") * 1000
    sys.stdout.write("\t".join(f))
END
start
run 0 "long texts in columns that are not keys" ./l -v longname.rec
says "are stored" "20 stored"
check "each byte of them" python3 "$top/tests/tools/bulk-check.py" log longname.rec
sent "in a wide column" 'CAST\(NULL AS NVARCHAR\(MAX\)\) AS \[name\].* INTO #praic_team '
start --room name=40
run 65 "where the column is narrow" ./l -v --left-out list longname.rec
says "they are left out" "left out: team.name has 1000 characters, and the column takes 40: ALTER TABLE dbo.[team] ALTER COLUMN [name] NVARCHAR(MAX) NULL"
says "with their units" "team.name has 2000 characters"
check "without trying" test "$(grep -c '^\["sql", "BEGIN' log) $(grep -c '^\["bulk", "session",' log)" = "3 1"
check "and halving" sh -c '! grep -q "in parts" err'

done_testing
