#!/bin/sh
# praic-tosql with existing tables of another client: they are used unchanged, or
# refused with the statement that corrects them.  (The server is a stand-in, which
# describes the columns but does not check types; 3020 uses a real server.)
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/storage.sh
. "$top/tests/storage.sh"
# shellcheck source=tests/tds.sh
. "$top/tests/tds.sh"

make_records --sessions 20 >twenty.rec
start --vendor "$data/vendor.sql"
run 0 "a dry run" ./l -nv twenty.rec
says "prints what would be stored" "20 stored"
check "and changes nothing" sh -c '! grep -q "^.\"sql\", \"COMMIT" log'
run 0 "a first load" ./l -v twenty.rec
says "stores all" "20 stored"
start --vendor "$data/vendor.sql"
./l twenty.rec
check "each byte of the bulk copies is right" python3 "$top/tests/tools/bulk-check.py" log twenty.rec
sed -n 's/^\["sql", "\(.*\)"\]$/\1/p' log >sql
awk '/^BEGIN/ { exit } { print }' sql >before
check "no table is changed outside of the transaction" sh -c '! grep -qE "CREATE|ALTER" before'
awk '/^BEGIN/ { b = 1 } /^COMMIT/ { exit } b { print }' sql >made
awk '/^DECLARE @o INT/ { last = NR } /CREATE TABLE dbo|ALTER TABLE dbo.*ADD|CREATE .*INDEX/ && !/^DECLARE @o/ \
	{ if (!first) first = NR } END { exit !(last && first && last < first) }' made
check "all checks come before the first change" test $? = 0
check "no existing column is changed" sh -c '! grep -v "^DECLARE @o" made | grep -q "ALTER COLUMN"'
check "the staging table takes the collation of the key columns" grep -q \
	' \[host_name\], \[lsid\], .* INTO #praic_session FROM dbo.\[session\]' sql
check "keys are compared with it and byte by byte" grep -qF \
	's.[lsid] = t.[lsid] AND s.[host_name] = t.[host_name] COLLATE Latin1_General_BIN2 AND s.[lsid] = t.[lsid] COLLATE Latin1_General_BIN2' sql
run 0 "a second load" ./l -v twenty.rec
check "makes nothing" sh -c '! grep -q making err'

# refused NAME TEXT [OPTION...]: exit 78 with this text, without changes
refused() {
	name=$1 text=$2
	shift 2
	start --vendor theirs.sql "$@"
	for i in -v -n; do
		run 78 "$name ($i)" ./l $i --left-out list twenty.rec
		says "  the message says what to do" "$text"
		check "  no session is left out" test ! -s list
	done
	check "  no transaction was committed" sh -c '! grep -q "^.\"sql\", \"COMMIT" log'
	check "  one try each, without rows" test "$(logged login) $(logged bulk)" = "2 0"
}
sed 's/\[issue\] NVARCHAR(255)/[issue] INT/' "$data/vendor.sql" >theirs.sql
refused "customer.issue is a number" \
	"column dbo.[customer].[issue] is int, which does not take what praic stores there: ALTER"
sed 's/\[lsid\] NVARCHAR(50)/[lsid] NVARCHAR(MAX)/' "$data/vendor.sql" >theirs.sql
refused "a key that cannot be indexed" "ALTER COLUMN [lsid] NVARCHAR(128) NOT NULL"
sed 's/\[user_name\] NVARCHAR(255)/[user_name] VARCHAR(255)/' "$data/vendor.sql" >theirs.sql
refused "text that is no Unicode" "[user_name] is varchar"
sed 's/\[event_time\] DATETIME/[event_time] SMALLDATETIME/' "$data/vendor.sql" >theirs.sql
refused "times without seconds" "ALTER COLUMN [event_time] DATETIME2(0) NULL"
sed 's/\[company_name\] NVARCHAR(255) NULL/&, [region] INT NOT NULL/' "$data/vendor.sql" >theirs.sql
refused "a column that must not be NULL" "[region] is none of praic's, takes no NULL"
sed 's/\[type\] NVARCHAR(50) NULL/[type] NVARCHAR(50) NOT NULL/' "$data/vendor.sql" >theirs.sql
refused "a column of ours that must not be NULL" \
	"column dbo.[session].[type] takes no NULL, which praic stores there: ALTER COLUMN [type] nvarchar NULL"
sed 's/\[information\] NTEXT NULL/[information] NTEXT NOT NULL/' "$data/vendor.sql" >theirs.sql
start --vendor theirs.sql
run 0 "a column that praic always fills" ./l -v twenty.rec
sed '/CREATE TABLE dbo.\[user\]/s/ IDENTITY(1,1)//' "$data/vendor.sql" >theirs.sql
refused "ids without IDENTITY" "[id] is not numbered by the server"
cp "$data/vendor.sql" theirs.sql
refused "duplicate keys" "HAVING COUNT(*) > 1" \
	--fault 'CREATE UNIQUE=1505:The CREATE UNIQUE INDEX statement terminated because a duplicate key was found'
refused "a table without a primary key" "ADD UNIQUE (id)" \
	--fault 'CREATE TABLE dbo..team=1776:There are no primary or candidate keys in the referenced table'
done_testing
