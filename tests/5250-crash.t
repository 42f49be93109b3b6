#!/bin/sh
# praic-sched killed at each call that changes a disk, one after the other:
# what the mark says was fetched is in the spool or at the destination, and
# the next run does the rest.  (A look-back would mend it, days later; here
# there is none.)

# In memory, if that can be had: hundreds of commits.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
. "${0%/*}/lib.sh"
. "$top/tests/sched.sh"
case ${PRAIC_OUT-} in
*asan*)
	echo '1..0 # SKIP faults are preloaded, which a sanitizer does not take'
	exit 0
	;;
esac
sched_settings

stub praic-fetch <<'END'
case "$*" in
*sessions*)
	document="<session_list>$(cat "$work/report")</session_list>"
	printf '<?praic-site a bytes="%d"?>\n%s\n' ${#document} "$document"
	echo '<?praic-end documents="1" until="1767258600"?>' ;;
*)
	cat >/dev/null
	for file in one two; do echo $file >"$work/spool/1/files/$file.flv"; done
	cat "$work/files.rec" ;;
esac
END
stub praic-split <<'END'
for last; do :; done
case " $* " in
*" -n "*) printf 'praic-records\t1\nH\tsession\thost_name\tlsid\nZ\t0\t0\n' ;;
*) cat "$last" ;;
esac
END
stub praic-tofs <<'END'
for last; do :; done
if [ "${last%.rec}" = "$last" ]; then
	cat >>"$work/took"
else
	for file in one two; do
		cat "$work/spool/1/files/$file.flv" >>"$work/filed" || exit 65
	done
fi
END
{
	printf 'praic-records\t1\nH\tsession\thost_name\tlsid\n'
	printf 'H\tfile\tkind\tinstance\tname\textension\tmedia_type\tbytes\tsha256\tfetched_at\n'
	printf 'S\th\tl\nR\tsession\th\tl\n'
	for file in one two; do
		printf 'R\tfile\trecording\t\\N\t%s.flv\tflv\tx\t4\tx\t\\N\n' $file
	done
	printf 'E\tl\t3\t0\nZ\t1\t0\n'
} >files.rec
sql "INSERT INTO site (name, host, client_id, secret) VALUES ('one', 'one.example.com', 'x', 'env:X');
	INSERT INTO destination (name, kind, directory) VALUES ('dir', 'fs', '$work')"
sched_schedule minute 60
sched_transfer 1 1 1 session recording
now=1767258600
mkdir -p spool/1/files
"$sched" -r minute --now $now 2>/dev/null	# makes the spool

preload() {
	FAULT_PROGRAM=praic-sched FAULT_MARK=$work/mark LD_PRELOAD=$top/${bin#"$top/"}tests/tools/faults.so \
		FAULT="$1" "$sched" -r minute --now $now 2>err
}
# killed CALL N: 1 when there are no N such calls
killed() {
	rm -rf took filed spool/1/new/*/* spool/1/done/* spool/1/files/*
	: >took
	: >filed
	echo "report-$1-$2-" >report
	sql "UPDATE transfer_kind SET mark = 1767258000, swept = $now; DELETE FROM failure"
	preload "$1:$2:kill"
	[ -s mark ] || return 1
	flock spool/1/lock true		# whoever is left
	if [ "$(sql "SELECT min(mark) FROM transfer_kind")" -gt 1767258000 ]; then
		cat took spool/1/new/session/*.xml 2>/dev/null | grep -q "report-$1-$2-" ||
			echo "killed at $1 $2: the mark has moved, and the report is gone" >>lost
		[ -s filed ] || [ -n "$(ls spool/1/new/recording)" ] ||
			echo "killed at $1 $2: the recordings are gone" >>lost
	fi
	"$sched" -r minute --now $((now + 60)) 2>err
	grep -q "report-$1-$2-" took || echo "$1 $2: not stored" >>lost
	[ "$(sort -u filed | tr '\n' ' ')" = "one two " ] || echo "$1 $2: not filed" >>lost
	find spool/1/new spool/1/tmp spool/1/files -type f >left
	[ ! -s left ] || sed "s/^/$1 $2: left: /" left >>lost
	[ "$(sql "SELECT count(*) FROM failure WHERE recovered IS NULL")" -eq 0 ] ||
		echo "$1 $2: still failing" >>lost
}

all=0
for call in linkat fsync unlinkat fdatasync; do
	: >lost
	n=1
	times=0
	# Most fdatasync are SQLite's, two for each commit, and come in rows.
	step=1
	[ $call != fdatasync ] || [ -n "${PRAIC_LONG-}" ] || step=3
	while killed $call $n; do
		n=$((n + step))
		times=$((times + 1))
	done
	silent "killed at each $call, $times times: nothing is lost" lost
	all=$((all + times))
done
check "there was something to kill at: $all" test $all -ge 20

# A pass that is killed, of a schedule that is due again in a week: the next
# pass does what was due.
sql "UPDATE schedule SET period = 604800"
: >lost
n=1
while :; do
	rm -rf mark took filed spool/1/new/*/* spool/1/done/* spool/1/files/*
	: >took
	: >filed
	echo "week-$n-" >report
	sql "UPDATE transfer_kind SET mark = 1767258000, swept = $now; DELETE FROM failure;
		UPDATE schedule SET last_due = NULL; UPDATE transfer SET due = NULL"
	FAULT_PROGRAM=praic-sched FAULT_MARK=$work/mark FAULT=fdatasync:$n:kill \
		LD_PRELOAD=$top/${bin#"$top/"}tests/tools/faults.so "$sched" -1 --now $now 2>err
	[ -s mark ] || break
	flock spool/1/lock true
	flock spool/queue.lock true
	"$sched" -1 --now $((now + 60)) 2>err
	grep -q "week-$n-" took || echo "killed at fdatasync $n: not stored" >>lost
	[ "$(sort -u filed | tr '\n' ' ')" = "one two " ] || echo "$n: not filed" >>lost
	[ -z "$(sql "SELECT id FROM transfer WHERE due IS NOT NULL")" ] || echo "$n: still due" >>lost
	n=$((n + 2))
done
silent "a pass killed at each fdatasync up to $n: nothing is late" lost
check "there was something to kill at" test $n -gt 10
sql "UPDATE schedule SET period = 60"

# That a destination refused a recording is on disk before its records go: an
# empty note would make it look stored.
stub praic-tofs <<'END'
exit 65
END
at=0
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	rm -rf mark spool/1/new/*/* spool/1/done/* spool/1/files/*
	sql "UPDATE transfer_kind SET mark = 1767258000, swept = $now; DELETE FROM failure"
	preload "fsync:$n:EIO"
	if grep -q '/done/one.flv' err; then
		at=$n
		break
	fi
done
check "a refusal that is not on disk ($at)" test $at -gt 0
check "keeps the records" test -n "$(ls spool/1/new/recording)"
run 65 "when it is" "$sched" -r minute --now $((now + 60))
check "they go" test -z "$(ls spool/1/new/recording)"
check "and the recordings stay" test -s spool/1/files/one.flv -a -s spool/1/done/one.flv
done_testing
