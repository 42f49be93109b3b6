#!/bin/sh
# praic-tosql is killed at random times, and several run at once: the database always
# has complete sessions only, and in the end the same rows as after one load.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/storage.sh
. "$top/tests/storage.sh"
kills=4
[ -z "${PRAIC_LONG-}" ] || kills=30

make_records --sessions 2000 --events 4 >ended.rec
make_records --sessions 2000 --events 4 --state open >open.rec
run 0 "a clean load" "$tosql" -d clean.db ended.rec
storage dump clean.db >clean

check "killed $kills times, then run again" killer new.db "$kills" ended.rec "$tosql" -d new.db
storage dump new.db >new
same "the same as one clean load, including ids" clean new

run 0 "sessions in progress" "$tosql" -d old.db open.rec
check "killed $kills times while they are replaced" killer old.db "$kills" ended.rec "$tosql" -d old.db
storage dump clean.db --no-ids >clean
storage dump old.db --no-ids >old
same "the same as one clean load, except ids" clean old
check "no row refers to a missing one" test -z "$(sql old.db 'PRAGMA foreign_key_check')"
check "the database is intact" test "$(sql old.db 'PRAGMA integrity_check')" = ok

# Several loaders with the same sessions in different order.
make_records --sessions 600 >one.rec
{
	make_records --sessions 300 --first 301
	make_records --sessions 300
} >two.rec
make_records --sessions 600 --state open >three.rec
for f in one two three; do
	"$tosql" -d both.db $f.rec 2>err.$f &
	eval "$f=\$!"
done
# shellcheck disable=SC2154
for f in one two three; do
	eval "wait \$$f"
	check "a loader beside others ($f)" test $? -eq 0 -a ! -s err.$f
done
check "no session is lost or stored twice" storage check both.db one.rec
for i in 1 2 3 4 5 6; do
	make_records --sessions 100 --first "${i}000" | "$tosql" -d six.db 2>err.$i &
done
wait
cat err.? >err
silent "six that make the same new database"
check "it has the sessions of all" test "$(count six.db)" = 600

done_testing
