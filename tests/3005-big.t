#!/bin/sh
# Sessions and values of any size in bounded memory, and streams that end within a big
# session.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/storage.sh
. "$top/tests/storage.sh"

limit=32
case ${PRAIC_OUT-} in *asan*) limit=100000 ;; esac

# The big session is the last of five; the others wait in memory before it.
make_records --sessions 5 --big 9000000 --xml >nine.rec
run 0 "a session of 9 MB" within "$limit" "$tosql" -v -d a.db nine.rec
check "is stored completely" storage check a.db nine.rec
run 0 "the same again" "$tosql" -v -d a.db nine.rec
says "changes nothing" "5 unchanged"
sed '0,/x\{20\}/s/x\{20\}/xxxxxxxxxxxxxxxxxxxy/' nine.rec >other.rec
run 0 "the session with one letter changed" "$tosql" -v -d a.db other.rec
says "is stored" "1 stored, 4 unchanged"
check "completely" storage check a.db other.rec
make_records --sessions 5 --state grown >grown.rec
run 0 "a small copy that is newer" "$tosql" -d a.db grown.rec
check "replaces it" storage check a.db grown.rec
make_records --sessions 2 --first 100 >two.rec
cat nine.rec two.rec nine.rec >mixed.rec
run 0 "big and small sessions, and the big one again" "$tosql" -v -d b.db mixed.rec
says "are stored once" "12 sessions read: 7 stored, 5 unchanged"
check "completely" storage check b.db nine.rec two.rec
head -c 6000000 nine.rec >cut.rec
run 75 "a stream truncated within the big session" "$tosql" -v -d c.db cut.rec
says "the others are stored" "4 stored"
sed '$d' nine.rec | sed '$s/	\([0-9]*\)	/	1/' >bad.rec
run 75 "a big session with a fault at its end" "$tosql" --left-out list -d c.db bad.rec
check "is listed" test "$(cut -f 5 list)" = malformed
check "no row of it is in the database" test "$(count c.db)" = 4
run 0 "-n with a big session" "$tosql" -n -d c.db nine.rec
run 0 "a big session without system information" within "$limit" "$tosql" --no-system-information -d d.db nine.rec

# The temporary file cannot be made, or the disk is full.
run 73 "a big session and a missing TMPDIR" env TMPDIR="$work/nowhere" "$tosql" -d e.db nine.rec
says "names the directory" "temporary file in $work/nowhere"
if strace -o /dev/null true 2>/dev/null; then
	run 74 "a big session and a full TMPDIR" strace -o /dev/null -e trace=write \
		-e inject=write:error=ENOSPC:when=1 "$tosql" -d e.db nine.rec
	says "names the temporary file" "temporary file"
	check "the others are stored" test "$(count e.db)" = 4
fi

# Values of 1 MB, empty values, and values with all kinds of characters.
python3 - >values.rec <<'END'
print("praic-records\t1\nH\tsession\thost_name\tlsid\texternal_key")
print("H\tsession_event\tseq\ttype\nH\tsession_event_data\tevent_seq\tseq\tname\tvalue")
print("S\th\tv\nR\tsession_event\t1\tx")
for i, v in enumerate(("ü" * 500000, "", "\\N", "\\\\N", "a\u0085b\u0085", "\u202e\u200b\x7f", "🙂" * 300000,
                       "\\t\\n\\r\\\\", " blanks ")):
    print("R\tsession_event_data\t1\t%d\tv\t%s" % (i, v))
print("R\tsession\th\tv\t\nE\tv\t11\t0\nZ\t1\t0")
END
run 0 "values of every kind" "$tosql" -d f.db values.rec
check "are stored byte for byte" storage check f.db values.rec

# Twice as much in one session as the memory allows.  PRAIC_LONG: five times.
megabytes=64
[ -z "${PRAIC_LONG-}" ] || megabytes=160
make_records --sessions 3 --big ${megabytes}000000 >huge.rec
mkfifo fifo
cat huge.rec >fifo &
pipe 0 "a session of $megabytes MB" fifo within "$limit" "$tosql" -v -d g.db -
says "is stored" "3 stored"
check "to the last byte" test "$(sql g.db 'SELECT sum(length(CAST(value AS BLOB)))
	FROM session_event_data WHERE seq > 100')" = \
	"$(LC_ALL=C awk -F '	' '$1 == "R" && $2 == "session_event_data" && $4 > 100 {
		gsub(/\\t/, "T"); n += length($6) } END { print n + 0 }' huge.rec)"
case ${PRAIC_OUT-} in
*asan*) ;;
*)	pipe 0 "the same again under ulimit -v" huge.rec sh -c "ulimit -v 100000; exec '$tosql' -v -d g.db"
	says "changes nothing" "3 unchanged" ;;
esac

done_testing
