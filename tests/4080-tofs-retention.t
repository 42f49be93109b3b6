#!/bin/sh
# praic-tofs -r: the number of backups that are kept, and files that are never removed.
# On /dev/shm if it exists: fsync on a disk makes this test slow.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

export PYTHONPATH="$data/tofs"
a=access.example.com-backup-
# The "days" are the last hours: a time of fetching long before the time of storing is
# ignored.
for day in 01 02 03 04 05; do
	eval "d$day=$(date -u -d "-$((10 - ${day#0})) hours" +%Y%m%dT%H0000Z)"
done
mkdir spool
# backup DAY [HOST]: a stream with the backup of that day
backup() {
	eval "date=\$d$1"
	# shellcheck disable=SC2154
	python3 - "$1" "${2-access.example.com}" "$date" <<'EOF'
import sys
from records import *
with Files(host=sys.argv[2]) as s:
    s.spool = 'spool'
    s.backup('%s-%s-%sT%s:00:00Z' % (sys.argv[3][:4], sys.argv[3][4:6],
                                         sys.argv[3][6:8], sys.argv[3][9:11]), 'b' + sys.argv[2] + sys.argv[1],
             b'NSB of day ' + sys.argv[1].encode())
EOF
}
# stores OPTIONS FILE <<lines: praic-tofs exits with 0 and prints exactly these lines
stores() {
	# shellcheck disable=SC2086
	run 0 "$1 $2" "$tofs" -d d -i spool $1 "$2"
	same "$1 $2: the output" - out
}
has() {
	(cd d && find . -type f ! -name '.praic-*' | sort | sed 's,^\./,,') >now
	same "$1: the files" - now
	run 0 "$1: verified" "$tofs" --verify -d d
}
seconds() {
	date -u -d "$(echo "$1" | sed 's/T\(..\).*/ \1:00/')" +%s
}
fresh() {
	rm -rf d
	mkdir d
}
for day in 01 02 03 04 05; do
	backup $day >$day.rec
	backup $day other.example.com >o$day.rec
done

fresh
stores '-r 2' 01.rec <<EOF
${a}${d01}.nsb
EOF
"$tofs" -d d -i spool -r 2 02.rec >/dev/null
"$tofs" -d d -i spool -r 2 03.rec >/dev/null
stores '-r 2' o01.rec <<EOF
other.example.com-backup-${d01}.nsb
EOF
stores '-r 2' 04.rec <<EOF
${a}${d04}.nsb
- ${a}${d01}.nsb
EOF
has 'two besides the newest, for each site' <<EOF
${a}${d02}.nsb
${a}${d03}.nsb
${a}${d04}.nsb
other.example.com-backup-${d01}.nsb
EOF
tail -n 1 d/.praic-ledger | cut -f 2-8 >line
same 'the ledger line of a removed backup' - line <<EOF
access.example.com	backup		$(seconds $d01)	${a}${d01}.nsb	-	-
EOF
# The same stream again does not restore removed backups.
stores '-r 2' 01.rec </dev/null
stores '-r 2' 04.rec </dev/null
cat 01.rec 02.rec 03.rec 04.rec >all.rec
stores '-r 2' all.rec </dev/null
stores '-r 0' 04.rec <<EOF
- ${a}${d03}.nsb
- ${a}${d02}.nsb
EOF
stores '-r 0' all.rec </dev/null
# With a larger number they are stored again from the spool.
stores '-r 9' 02.rec <<EOF
${a}${d02}.nsb
EOF
stores '' 01.rec <<EOF
${a}${d01}.nsb
EOF
has 'all again' <<EOF
${a}${d01}.nsb
${a}${d02}.nsb
${a}${d04}.nsb
other.example.com-backup-${d01}.nsb
EOF

# A backup that is too old to be kept is reported the first time only.
fresh
for day in 03 04 05; do
	"$tofs" -d d -i spool -r 1 $day.rec >/dev/null
done
stores '-r 1' 01.rec </dev/null
says 'a backup that is too old is reported' "${a}${d01}.nsb: this backup is not stored"
stores '-r 1' 03.rec </dev/null
silent 'a backup that was removed before is not'

# A later backup may have the same bytes as a removed one.
date=$(date -u -d "-4 hours" +%Y%m%dT%H0000Z)
d06=$date
python3 - "$date" >06.rec <<'EOF'
import sys
from records import *
d = sys.argv[1]
with Files() as s:
    s.spool = 'spool'
    s.backup('%s-%s-%sT%s:00:00Z' % (d[:4], d[4:6], d[6:8], d[9:11]), 'again', b'NSB of day 03')
EOF
stores '-r 1' 06.rec <<EOF
${a}${d06}.nsb
- ${a}${d04}.nsb
EOF

# Files that the ledger does not name are neither counted nor removed.
fresh
"$tofs" -d d -i spool -r 1 01.rec >/dev/null
for day in 06 07 08; do
	echo stranger >d/${a}${day}T000000Z.nsb
done
"$tofs" -d d -i spool -r 1 02.rec >/dev/null
stores '-r 1' 03.rec <<EOF
${a}${d03}.nsb
- ${a}${d01}.nsb
EOF
check 'unknown files stay' test "$(find d -name '*0[678]T*' | wc -l)" -eq 3
# A backup that was changed or replaced by a link stays and is not counted.
echo x >>d/${a}${d02}.nsb
stores '-r 1' 04.rec <<EOF
${a}${d04}.nsb
EOF
check 'a changed backup stays' test -e d/${a}${d02}.nsb
rm d/${a}${d03}.nsb
ln -s "$work/04.rec" d/${a}${d03}.nsb
stores '-r 0' 05.rec <<EOF
${a}${d05}.nsb
- ${a}${d04}.nsb
EOF
check 'the target of a link stays' test -s 04.rec
check 'the link stays' test -L d/${a}${d03}.nsb
check '--verify reports them all' test "$("$tofs" --verify -d d | wc -l)" -eq 5

# Old backups are removed only while the newest is intact.
fresh
"$tofs" -d d -i spool 01.rec 02.rec 03.rec >/dev/null
sed -i s/NSB/XXX/ d/${a}${d03}.nsb
run 65 'the newest is damaged' "$tofs" -d d -i spool -r 0 03.rec
says 'is reported' 'the newest backup is not what the ledger says'
check 'nothing is removed' test "$(find d -name '*.nsb' | wc -l)" -eq 3
fresh
"$tofs" -d d -i spool 01.rec 02.rec >/dev/null
cp spool/baccess.example.com03 good
echo damaged >>spool/baccess.example.com03
run 65 'a damaged new backup' "$tofs" -d d -i spool -r 0 03.rec
check 'nothing is removed' test "$(find d -name '*.nsb' | wc -l)" -eq 2
cp good spool/baccess.example.com03

# The newest backup is the one fetched last, in any order of storing.
fresh
stores '-r 1' 04.rec <<EOF
${a}${d04}.nsb
EOF
stores '-r 1' 02.rec <<EOF
${a}${d02}.nsb
EOF
stores '-r 1' 01.rec </dev/null
stores '-r 1' 03.rec <<EOF
${a}${d03}.nsb
- ${a}${d02}.nsb
EOF
stores '-r 0' 02.rec <<EOF
- ${a}${d03}.nsb
EOF
stores '-r 0' 03.rec </dev/null
has 'the newest alone' <<EOF
${a}${d04}.nsb
EOF

# Sessions and recordings of the site are not counted; files that are already missing
# are no error.
fresh
python3 "$data/tofs/records.py" 3 >s.rec
"$tofs" -d d s.rec >/dev/null
"$tofs" -d d -i spool -f backup='b.%EXTENSION%' 01.rec 02.rec 03.rec >/dev/null
stores '-r 1 -f backup=b.%EXTENSION%' 04.rec <<EOF
b.3.nsb
- b.1.nsb
- b.nsb
EOF
stores '-r 1 -f backup=b.%EXTENSION%' 05.rec <<EOF
b.nsb
- b.2.nsb
EOF
check 'sessions stay' test "$(find d -name '*.xml' | wc -l)" -eq 3
run 0 'verified' "$tofs" --verify -d d

# Many backups.
python3 - >many.rec <<'EOF'
from records import *
with Files() as s:
    s.spool = 'spool'
    for i in range(400):
        s.backup('2026-01-01T%02d:%02d:00Z' % (i // 60, i % 60), 'm%d' % i, b'NSB %d' % i)
EOF
fresh
"$tofs" -d d -i spool many.rec >/dev/null
run 0 'four hundred' "$tofs" -d d -i spool -r 3 many.rec
check '396 are removed' test "$(grep -c '^- ' out)" -eq 396
run 0 'the same again' "$tofs" -d d -i spool -r 3 many.rec
check 'stores and removes nothing' test ! -s out
run 0 'verified' "$tofs" --verify -d d
done_testing
