#!/bin/sh
# The manual pages agree with the storage database: each column is described, and each
# example returns rows.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/storage.sh
. "$top/tests/storage.sh"
page=$top/tosql/praic-storage.5

make_records --sessions 30 >thirty.rec
run 0 "a load" "$tosql" -d a.db thirty.rec
sql a.db 'DELETE FROM recording WHERE session_id = 2'

# table, column and type, in order, without ids and references
awk '/^\.Ss \+?[a-z_]+$/ { table = $2; sub(/^\+/, "", table) }
	/^\.Sh EXAMPLES/ { exit }
	/^\.It Va/ && table != "" && $4 == "Ta" {
		sub(/^\+/, "", $3); print table, $3, $5 }' "$page" >described
for t in session user team customer custom_attribute session_event session_event_data \
	system_information recording; do
	sql -separator ' ' a.db "SELECT '$t', name, type FROM pragma_table_info('$t')"
done | grep -v -e ' id ' -e ' session_id ' -e ' session_event_id ' >there
sed 's/ text$/ TEXT/; s/ time$/ TEXT/; s/ number$/ INTEGER/; s/ truth$/ INTEGER/' \
	described >described.sql
same "each column is described, in order, with its type" there described.sql

# A change of the schema affects existing databases: increase SCHEMA_VERSION
# (tosql/tosql.h); make golden then saves the schema of the new version.
"$tosql" --schema sqlite >schema.sql
published=schema/storage-$(sed -n 's/^PRAGMA user_version = \([0-9]*\);/\1/p' schema.sql).sql
[ -z "${PRAIC_GOLDEN-}" ] || [ -e "$data/$published" ] || cp schema.sql "$data/$published"
check "the schema of this version is recorded" test -s "$data/$published"
same "the tables are the recorded ones" "$data/$published" schema.sql

# Each example in SQL, between .Bd and .Ed.
awk '/^\.Sh EXAMPLES/ { on = 1 } /^\.Ed/ { if (on) close(f) }
	on && seen && /^\.Ed/ { seen = 0 }
	seen { gsub(/\\\(dq/, "\""); print >f }
	on && /^\.Bd/ { seen = 1; f = "example" ++n ".sql" }' "$page"
check "there are examples" test -s example5.sql
for f in example*.sql; do
	check "$f returns rows" sh -c "sqlite3 a.db <'$f' >answer && test -s answer && ! grep -i error answer"
done
sqlite3 a.db <example4.sql >answer
check "one session has no recording" test "$(wc -l <answer)" = 1

# The examples of praic-tosql(1).
sed -n '/^\.Bd/,/^\.Ed/p' "$top/tosql/praic-tosql.1" | sed -n 's/^\$ //p' >examples.sh
sed 's/^R	session_event	1	/R	session_event	x	/' thirty.rec | head -n 400 >sessions.rec
printf 'Z\t5\t0\n' >>sessions.rec
mkdir bin
ln -s "$tosql" bin/praic-tosql
check "there are commands" test "$(wc -l <examples.sh)" -gt 1
PATH=$work/bin:$PATH sh -x examples.sh >out 2>err
check "the example lists the session left out" grep -q malformed out

done_testing
