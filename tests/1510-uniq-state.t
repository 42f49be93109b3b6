#!/bin/sh
# praic-uniq -d: what COMMAND has taken it does not get again; what it has
# not, it does.

# Dollars of sh -c.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

head='praic-records\t1\nH\tsession\thost_name\tlsid\n'
# stream LSID...: a record stream
stream() {
	# shellcheck disable=SC2059
	printf "$head"
	for lsid; do
		printf 'S\th\t%s\nR\tsession\th\t%s\nE\t%s\t1\t0\n' "$lsid" "$lsid" "$lsid"
	done
	printf 'Z\t%d\t0\n' $#
}
# got NAME LSID...: what COMMAND read
got() {
	name=$1
	shift
	stream "$@" >want
	same "$name" want taken
}
stream a b >ab
stream b c a >bca
run 0 "the first time" "$uniq" -d s.db ab -- sh -c 'cat >taken'
silent "  no word"
got "  all is new" a b
check "  STATE is its owner's" test "$(stat -c %a s.db)" = 600
run 0 "with one that is new" "$uniq" -d s.db bca -- sh -c 'cat >taken'
got "  it alone" c
run 0 "with none" "$uniq" -d s.db ab bca -- sh -c 'cat >taken'
got "  an empty stream"
pipe 0 "from standard input, twice the same" bca "$uniq" -d t.db -- tee taken
check "  COMMAND has standard output" test -s out
got "  all" b c a

# What fails is repeated.  fails CODE NAME COMMAND...
fails() {
	code=$1 name=$2
	shift 2
	rm -f f.db taken
	run "$code" "$name" "$uniq" -d f.db ab -- "$@"
	says "  says that nothing is noted" "nothing is noted"
	run 0 "  the next time" "$uniq" -d f.db ab -- sh -c 'cat >taken'
	got "  all of it comes" a b
	run 0 "  and then" "$uniq" -d f.db ab -- sh -c 'cat >taken'
	got "  nothing"
}
fails 69 "a COMMAND that fails" sh -c 'cat >taken; exit 3'
fails 75 "one that says: try again" sh -c 'cat >taken; exit 75'
fails 65 "one that says: bad data" sh -c 'cat >taken; exit 65'
fails 69 "one that is killed" sh -c 'cat >taken; kill -9 $$'
fails 74 "one that reads nothing" true
fails 74 "one that reads a line" sh -c 'read -r line'
fails 69 "one that reads nothing, and fails" false
rm -f f.db
run 64 "one that there is not" "$uniq" -d f.db ab -- ./nowhere
run 0 "  the next time" "$uniq" -d f.db ab -- sh -c 'cat >taken'
got "  all of it comes" a b

# More than a pipe holds.
python3 "$top/tests/appliance" generate --bytes 8M --seed 3 --marks h.example >big.xml
"$split" big.xml >big.rec
run 74 "half of much is read" "$uniq" -d big.db big.rec -- head -c 3000000
says "  says so" "did not read all of its input"
run 0 "  the next time all of it" "$uniq" -d big.db big.rec -- sh -c 'cat >taken'
same "  comes" big.rec taken
run 75 "praic-tosql, with a cut input" sh -c 'head -c 4000000 big.rec | "$1" -d q.db -- "$2" -d q.sqlite' - "$uniq" "$tosql"
run 0 "  and with all of it" "$uniq" -d q.db big.rec -- "$tosql" -d q.sqlite
check "  which has it" test "$(sqlite3 q.sqlite 'select count(*) from session')" -eq "$(grep -c '^E' big.rec)"

# The input's own faults.
sed '/^Z/d' ab >cut
run 75 "a cut input" "$uniq" -d c.db cut -- sh -c 'cat >taken'
sed '/^Z/d' ab >want
same "  COMMAND reads no end mark" want taken
run 64 "no record stream" "$uniq" -d c2.db "$top/README" -- sh -c 'cat >taken'
run 66 "no file" "$uniq" -d c2.db nowhere -- sh -c 'cat >taken'
check "  COMMAND reads nothing" test ! -s taken
sed 's/^Z.*/Z	2	1/' ab >less
run 65 "something was left out" "$uniq" -d c3.db less -- sh -c 'cat >taken'
same "  as COMMAND reads" less taken

# Killed: nothing is noted.
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
run 75 "another one at the same STATE" "$uniq" -d k.db ab -- sh -c 'cat >other'
says "  says so" "in use by another process"
check "  its COMMAND is not started" test ! -e other
kill -9 $pid
wait $pid 2>/dev/null
exec 3>&-
run 0 "after kill -9" "$uniq" -d k.db ab -- sh -c 'cat >taken'
got "  all of it comes" a b

# Notes.
run 0 "old notes are dropped" sh -c 'sqlite3 s.db "UPDATE seen SET noted = noted - 864000"
	"$1" -d s.db --forget 9d ab -- sh -c "cat >taken"' - "$uniq"
got "  and sessions come again" a b
run 0 "those that came again are noted again" sh -c 'sqlite3 s.db "UPDATE seen SET noted = noted - 432000"
	"$1" -d s.db ab -- sh -c "cat >taken"; "$1" -d s.db --forget 4d ab -- sh -c "cat >taken"' - "$uniq"
got "  and do not come"
sqlite3 other.db 'CREATE TABLE t (x)'
run 78 "a database of another program" "$uniq" -d other.db ab -- cat
run 78 "no database" "$uniq" -d big.xml ab -- cat
run 73 "no such directory" "$uniq" -d no/s.db ab -- cat
run 64 "no COMMAND" "$uniq" -d s.db ab
run 64 "none behind --" "$uniq" -d s.db ab --
run 64 "a span that is none" "$uniq" -d s.db --forget soon ab -- cat
# What is ignored here is not ignored in COMMAND.
run 0 "COMMAND has the usual signals" "$uniq" -d sig.db ab -- sh -c \
	'cat >/dev/null; grep SigIgn /proc/self/status >taken'
check "  SIGPIPE and SIGXFSZ" sh -c 'test $((0x$(cut -f 2 taken) & 0x1001000)) -eq 0'
done_testing
