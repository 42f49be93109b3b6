#!/bin/sh
# KILL at random moments, and several loaders at once: the database has
# whole sessions only, at any time, and in the end the same as after one
# clean load.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/storage.sh
. "$top/tests/storage.sh"
kills=${PRAIC_KILLS:-6}

make_records --sessions 10000 --events 4 >ended.rec
make_records --sessions 10000 --events 4 --state open >open.rec
run 0 "a clean load" "$tosql" -d clean.db ended.rec
storage dump clean.db >clean

check "killed $kills times, then run again" killer new.db "$kills" ended.rec "$tosql" -d new.db
storage dump new.db >new
same "the same as one clean load, ids included" clean new

run 0 "sessions in progress" "$tosql" -d old.db open.rec
check "killed $kills times while they are replaced" killer old.db "$kills" ended.rec "$tosql" -d old.db
storage dump clean.db --no-ids >clean
storage dump old.db --no-ids >old
same "the same as one clean load, but for the ids" clean old
check "nothing hangs in the air" test -z "$(sql old.db 'PRAGMA foreign_key_check')"
check "the database is sound" test "$(sql old.db 'PRAGMA integrity_check')" = ok

# Loaders at once, over the same sessions in different order.
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
check "no session is there twice, none is lost" storage check both.db one.rec
for i in 1 2 3 4 5 6; do
	make_records --sessions 100 --first "${i}000" | "$tosql" -d six.db 2>err.$i &
done
wait
cat err.? >err
silent "six that make the same new database"
check "it holds what all of them brought" test "$(count six.db)" = 600

done_testing
