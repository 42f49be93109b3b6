#!/bin/sh
# praic-uniq -d: COMMAND gets each session again until it has accepted it, and not
# afterwards.

# The dollars belong to sh -c.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

head='praic-records\t1\nH\tsession\thost_name\tlsid\n'
# stream LSID...: write a record stream
stream() {
	# shellcheck disable=SC2059
	printf "$head"
	for lsid; do
		printf 'S\th\t%s\nR\tsession\th\t%s\nE\t%s\t1\t0\n' "$lsid" "$lsid" "$lsid"
	done
	printf 'Z\t%d\t0\n' $#
}
# got NAME LSID...: check the sessions that COMMAND read
got() {
	name=$1
	shift
	stream "$@" >want
	same "$name" want taken
}
stream a b >ab
stream b c a >bca
run 0 "the first time" "$uniq" -d s.db ab -- sh -c 'cat >taken'
silent "  no message"
got "  COMMAND gets all sessions" a b
check "  only the owner may read STATE" test "$(stat -c %a s.db)" = 600
run 0 "one new session" "$uniq" -d s.db bca -- sh -c 'cat >taken'
got "  COMMAND gets it alone" c
run 0 "no new session" "$uniq" -d s.db ab bca -- sh -c 'cat >taken'
got "  COMMAND gets an empty stream"
pipe 0 "from standard input, without a state before" bca "$uniq" -d t.db -- tee taken
check "  COMMAND writes to standard output" test -s out
got "  all" b c a

# fails CODE NAME COMMAND...: the sessions come again after a COMMAND that fails
fails() {
	code=$1 name=$2
	shift 2
	rm -f f.db taken
	run "$code" "$name" "$uniq" -d f.db ab -- "$@"
	says "  the message says that nothing is noted" "nothing is noted"
	run 0 "  the next run" "$uniq" -d f.db ab -- sh -c 'cat >taken'
	got "  COMMAND gets all sessions again" a b
	run 0 "  the run after that" "$uniq" -d f.db ab -- sh -c 'cat >taken'
	got "  nothing"
}
fails 69 "a COMMAND that fails" sh -c 'cat >taken; exit 3'
fails 75 "a COMMAND that exits with 75" sh -c 'cat >taken; exit 75'
fails 65 "a COMMAND that exits with 65" sh -c 'cat >taken; exit 65'
fails 69 "a COMMAND that is killed" sh -c 'cat >taken; kill -9 $$'
fails 74 "a COMMAND that reads nothing" true
fails 74 "a COMMAND that reads one line" sh -c 'read -r line'
fails 69 "a COMMAND that reads nothing and fails" false
rm -f f.db
run 64 "a COMMAND that does not exist" "$uniq" -d f.db ab -- ./nowhere
run 0 "  the next run" "$uniq" -d f.db ab -- sh -c 'cat >taken'
got "  COMMAND gets all sessions" a b

# More data than a pipe holds.
python3 "$top/tests/appliance" generate --bytes 8M --seed 3 --marks h.example >big.xml
"$split" big.xml >big.rec
run 74 "a COMMAND that reads half of its input" "$uniq" -d big.db big.rec -- head -c 3000000
says "  is reported" "did not read all of its input"
run 0 "  the next run" "$uniq" -d big.db big.rec -- sh -c 'cat >taken'
same "  COMMAND gets everything" big.rec taken
run 75 "praic-tosql with a truncated input" sh -c 'head -c 4000000 big.rec | "$1" -d q.db -- "$2" -d q.sqlite' - "$uniq" "$tosql"
run 0 "  and with the whole input" "$uniq" -d q.db big.rec -- "$tosql" -d q.sqlite
check "  stores all sessions" test "$(sqlite3 q.sqlite 'select count(*) from session')" -eq "$(grep -c '^E' big.rec)"

# Faults of the input.
sed '/^Z/d' ab >cut
run 75 "a truncated input" "$uniq" -d c.db cut -- sh -c 'cat >taken'
sed '/^Z/d' ab >want
same "  COMMAND reads no end mark" want taken
run 64 "no record stream" "$uniq" -d c2.db "$top/README" -- sh -c 'cat >taken'
run 66 "no file" "$uniq" -d c2.db nowhere -- sh -c 'cat >taken'
check "  COMMAND reads nothing" test ! -s taken
sed 's/^Z.*/Z	2	1/' ab >less
run 65 "an input of which something was left out" "$uniq" -d c3.db less -- sh -c 'cat >taken'
same "  COMMAND reads its end mark" less taken

# praic-uniq is killed: nothing is noted.
mkfifo fifo
"$uniq" -d k.db fifo -- sh -c 'cat >taken' 2>err &
pid=$!
exec 3>fifo
cat ab >&3
i=0
until [ -s k.db ] || [ $i -ge 100 ]; do
	sleep 0.1
	i=$((i + 1))
done
run 75 "a second process with the same STATE" "$uniq" -d k.db ab -- sh -c 'cat >other'
says "  is refused" "in use by another process"
check "  its COMMAND is not started" test ! -e other
kill -9 $pid
wait $pid 2>/dev/null
exec 3>&-
run 0 "after kill -9" "$uniq" -d k.db ab -- sh -c 'cat >taken'
got "  COMMAND gets all sessions" a b

# --forget.
run 0 "--forget drops old notes" sh -c 'sqlite3 s.db "UPDATE seen SET noted = noted - 864000"
	"$1" -d s.db --forget 9d ab -- sh -c "cat >taken"' - "$uniq"
got "  COMMAND gets these sessions again" a b
run 0 "sessions that were seen again are kept" sh -c 'sqlite3 s.db "UPDATE seen SET noted = noted - 432000"
	"$1" -d s.db ab -- sh -c "cat >taken"; "$1" -d s.db --forget 4d ab -- sh -c "cat >taken"' - "$uniq"
got "  COMMAND does not get them"
sqlite3 other.db 'CREATE TABLE t (x)'
run 78 "a database of another program" "$uniq" -d other.db ab -- cat
run 78 "a STATE that is not a database" "$uniq" -d big.xml ab -- cat
run 73 "a STATE in a missing directory" "$uniq" -d no/s.db ab -- cat
run 73 "a STATE that is a directory" "$uniq" -d . ab -- cat
says "  the message says so" "directory"
cp s.db torn.db
dd if=/dev/zero of=torn.db bs=1024 seek=4 count=4 conv=notrunc 2>dd.err
run 74 "a damaged STATE" "$uniq" -d torn.db ab -- sh -c 'cat >taken2'
says "  the message has the remedy" "remove it"
check "  COMMAND is not started" test ! -e taken2
run 64 "no COMMAND" "$uniq" -d s.db ab
run 64 "no COMMAND after --" "$uniq" -d s.db ab --
run 64 "a bad span" "$uniq" -d s.db --forget soon ab -- cat
# praic-uniq ignores signals that COMMAND must not ignore.
run 0 "COMMAND runs with default signals" "$uniq" -d sig.db ab -- sh -c \
	'cat >/dev/null; grep SigIgn /proc/self/status >taken'
check "  SIGPIPE and SIGXFSZ are not ignored" sh -c 'test $((0x$(cut -f 2 taken) & 0x1001000)) -eq 0'
done_testing
