#!/bin/sh
# praic-tofs: recordings, shells, screens and backups from a spool.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

export PYTHONPATH="$data/tofs"
base=access.example.com-support-0a1b
mkdir d spool

python3 - >files.rec <<'EOF'
from records import *
with Files() as s:
    s.spool = 'spool'
    s.begin('0a1b')
    s.spooled('recording', 'r1', b'FLV\1recording', extension='mp4')
    for i in range(3):
        s.spooled('shell', 's%d' % i, b'FLV\1shell', instance=i)
    s.spooled('screen', 'c0', b'FLV\1screen', instance=0)
    s.end()
    s.begin('none')     # a session whose recordings have expired
    s.end()
    s.backup('2026-01-02T03:04:05Z', 'b1', b'NSB backup')
EOF
chmod 600 spool/*

run 0 'all kinds' "$tofs" -d d -i spool files.rec
silent 'prints no message'
sort out >names
same 'under their default names' - names <<EOF
access.example.com-backup-20260102T030405Z.nsb
$base-screen-0.flv
$base-shell-0.flv
$base-shell-1.flv
$base-shell-2.flv
$base.mp4
EOF
check 'the content is right' cmp spool/r1 "d/$base.mp4"
check 'also of the backup' cmp spool/b1 d/access.example.com-backup-20260102T030405Z.nsb
check 'a hard link, not a copy' test spool/r1 -ef "d/$base.mp4"
check 'no file of the spool is removed' test "$(find spool -type f | wc -l)" -eq 6
check 'no temporary file is left' test ! -e d/.praic-tmp
cut -f 2-8 d/.praic-ledger | grep 'shell.*shell-2' >line
same 'the line of a shell' - line <<EOF
access.example.com	shell	0a1b	2	$base-shell-2.flv	9	$(sha256sum <spool/s2 | cut -c 1-64)
EOF
cut -f 2-7 d/.praic-ledger | grep backup >line
same 'the line of a backup' - line <<EOF
access.example.com	backup		$(date -u -d 2026-01-02T03:04:05Z +%s)	access.example.com-backup-20260102T030405Z.nsb	10
EOF
run 0 'verified' "$tofs" --verify -d d
run 0 'the same again' "$tofs" -d d -i spool files.rec
check 'stores nothing new' test ! -s out
mv spool away
mkdir spool
run 0 'stored files are not read again' "$tofs" -d d -i spool files.rec
rmdir spool
mv away spool

# A file that was not fetched is not stored; the others of its session are.
mkdir did
python3 - >outcomes.rec <<'EOF'
from records import *
Files.tables['file'] = FILE + ['outcome', 'reason']
with Files() as s:
    s.spool = 'spool'
    s.begin('0a1b')
    for i, outcome in enumerate(('expired', 'refused', 'later', 'of a later version')):
        s.row('file', kind='shell', instance=i, outcome=outcome, reason='because')
    s.spooled('recording', 'r1', b'FLV\1recording', extension='mp4', outcome='came')
    s.end()
    s.begin('2c')
    s.row('file', kind='recording', outcome='expired', reason='because')
    s.end()
EOF
run 0 'file rows of recordings that were not fetched' "$tofs" -d did -i spool outcomes.rec
silent 'are skipped'
same 'the fetched ones are stored' - out <<EOF
$base.mp4
EOF

# A copy where a hard link would share the mode.
for how in 'mode 0640' 'links refused'; do
	rm -rf d
	mkdir d
	chmod 600 spool/*
	if [ "$how" = 'mode 0640' ]; then
		run 0 "$how" "$tofs" -d d -i spool -m 640 files.rec
	else
		chmod 644 spool/r1
		run 0 'a spool file that others may read' "$tofs" -d d -i spool files.rec
		chmod 600 spool/r1
	fi
	check "$how: a copy" test ! spool/r1 -ef "d/$base.mp4"
	check "$how: the same bytes" cmp spool/r1 "d/$base.mp4"
	run 0 "$how: verified" "$tofs" --verify -d d
done
rm -rf d
mkdir d
run 0 'overwriting' "$tofs" -d d -i spool -c overwrite files.rec
printf 'FLV\1RECORDING' >spool/r2
chmod 600 spool/r2
new=$(sha256sum <spool/r2 | cut -c 1-64)
old=$(sha256sum <spool/r1 | cut -c 1-64)
sed "s/r1/r2/; s/$old/$new/" files.rec >other.rec
run 0 'by another recording' "$tofs" -d d -i spool -c overwrite other.rec
check 'replaces the file' cmp spool/r2 "d/$base.mp4"
printf 'FLV\1recording' | cmp -s - spool/r1
check 'the spool is unchanged' test $? -eq 0
check 'no temporary file is left' test ! -e d/.praic-tmp

# A bad row affects only its own file.
python3 - >bad.rec <<'EOF'
import os
from records import *
from hashlib import sha256
with Files() as s:
    s.spool = 'spool'
    s.begin('bad')
    s.spooled('shell', 'good', b'FLV\1good', instance=0)
    s.spooled('shell', 'sum', b'FLV\1sum', instance=1, sha256='0' * 64)
    s.spooled('shell', 'long', b'FLV\1long', instance=2, bytes=1000)
    s.spooled('shell', 'gone', b'FLV\1gone', instance=3)
    s.spooled('shell', 'link', b'FLV\1link', instance=4)
    s.spooled('shell', 'nothing', b'', instance=5, sha256=None)
    s.spooled('shell', 'noinst', b'FLV\1x')
    s.spooled('shell', 'negative', b'FLV\1x', instance=-1)
    s.spooled('hologram', 'kind', b'FLV\1x')
    s.spooled('shell', 'twice', b'FLV\1twice', instance=0)
    for name in '../d/x', '/etc/passwd', '.', '..', '':
        s.row('file', kind='recording', name=name, extension='flv', bytes=1, sha256='0' * 64)
    s.row('file', kind='recording', name='folder', extension='flv', bytes=4096, sha256='0' * 64)
    s.row('file', kind='recording', name='fifo', extension='flv', bytes=0, sha256='0' * 64)
    s.end()
    s.backup('2026-01-03T03:04:05Z', 'b2', b'NSB good')
os.remove('spool/gone')
os.mkdir('spool/folder')
os.mkfifo('spool/fifo')
os.rename('spool/link', 'elsewhere')
os.symlink(os.path.abspath('elsewhere'), 'spool/link')
EOF
rm -rf d
mkdir d
run 65 'bad files are left out' "$tofs" --left-out list -d d -i spool bad.rec
same 'the good ones are stored' - out <<'EOF'
access.example.com-support-bad-shell-0.flv
access.example.com-backup-20260103T030405Z.nsb
EOF
check 'each bad file is named' test "$(grep -c 'left out' err)" -eq 16
says 'with the reason' 'sum of session bad of access.example.com left out: its sha256'
cut -f 1-3 list | sort | uniq -c | sed 's/^ *//' >out
same 'each bad file is in the list' - out <<'EOF'
1 access.example.com	bad	file
7 access.example.com	bad	recording
8 access.example.com	bad	shell
EOF
grep -P '\tshell\t[1-4]\t' list | cut -f 4- | sort >out
same 'with instance, code and reason' - out <<'EOF'
1	changed	its sha256 is not what its row says
2	changed	its length is not what its row says
3	missing	it is not in the spool
4	malformed	it is a link, not a file
EOF
run 0 'verified' "$tofs" --verify -d d
run 0 'nothing is left out' "$tofs" --left-out list -d d -i spool files.rec
check 'the list is empty' test -f list -a ! -s list
sed "s/r1/r2/; s/$old/$new/" files.rec >other.rec
mkdir -p "e/$base.mp4"
run 65 'a folder of the same name' "$tofs" --left-out list -d e -i spool -c skip other.rec
cut -f 1-5 list >out
printf 'access.example.com\t0a1b\trecording\t\\N\tconflict\n' >want
same 'is a conflict' want out
printf 'S\tone\n' | cat files.rec - >odd.rec
run 65 'an unknown line' "$tofs" --left-out list -d d -i spool odd.rec
cut -f 3,5,6 list >out
printf 'stream\tmalformed\tnot a line of a record stream\n' >want
same 'is listed' want out
run 73 'a list that cannot be made' "$tofs" --left-out nowhere/list -d d -i spool files.rec

# -n --list compares with the ledger: files by content, recordings that a report names
# by key.
python3 "$data/tofs/records.py" 2 >two.rec
python3 - >report.rec <<'EOF'
from records import *
Report.tables['recording'] = ['kind', 'instance']
with Report() as s:
    s.begin('0a1b')
    for kind, instance in ('recording', None), ('shell', 1), ('shell', 7), ('screen', 0):
        s.row('recording', kind=kind, instance=instance)
    s.end()
EOF
rm -rf d
mkdir d
run 64 '--list without -n' "$tofs" --list -d d files.rec
run 0 '-n --list without a ledger' "$tofs" -n --list -d d files.rec two.rec
check 'writes none' test -z "$(ls -A d)"
check 'all is new' test "$(cut -f 5 out | sort | uniq -c | tr -d ' ')" = 8new
run 73 '-n --list --existing without a ledger' "$tofs" -n --list --existing -d d files.rec
run 0 'store the files' "$tofs" -d d -i spool files.rec two.rec
cksum d/.praic-ledger >before
run 0 '-n --list with a ledger' "$tofs" -n --list --existing -d d files.rec two.rec
check 'all is the same' test "$(cut -f 5 out | sort | uniq -c | tr -d ' ')" = 8same
sed "s/$old/$new/" files.rec >other.rec
run 0 '-n --list with other content' "$tofs" -n --list -d d -k recording,backup other.rec
cut -f 2- out >got
printf '0a1b\trecording\t\\N\tnewer\n\tbackup\t%s\tsame\n' "$(date -u -d 2026-01-02T03:04:05Z +%s)" >want
same 'reports newer' want got
run 0 '-n --list of a report' "$tofs" -n --list -d d -k recording,shell,screen report.rec
same 'lists the recordings that it names' - out <<EOF
access.example.com	0a1b	recording	\N	same
access.example.com	0a1b	shell	1	same
access.example.com	0a1b	shell	7	new
access.example.com	0a1b	screen	0	same
EOF
cksum d/.praic-ledger >after
same 'the ledger is unchanged' before after

# -k selects kinds.
rm -rf d
mkdir d
run 0 '-k shell,backup' "$tofs" -d d -k shell,backup -i spool files.rec
sort out >names
same 'stores no others' - names <<EOF
access.example.com-backup-20260102T030405Z.nsb
$base-shell-0.flv
$base-shell-1.flv
$base-shell-2.flv
EOF
run 0 '-k session needs no spool' "$tofs" -d d -k session files.rec
silent 'and prints no message'
python3 "$data/tofs/records.py" 2 >two.rec
run 0 '-k recording' "$tofs" -d d -k recording -i spool two.rec files.rec
same 'skips sessions' - out <<EOF
$base.mp4
EOF
sed '/^X/d' two.rec >bare.rec
run 0 'and needs no XML' "$tofs" -d d -k recording -i spool bare.rec
run 0 'verified' "$tofs" --verify -d d

run 64 'files without -i' "$tofs" -d d files.rec
says 'the message names the option' '-i SPOOL'
run 66 'a missing spool' "$tofs" -d d -i nowhere files.rec
grep -av '^E' files.rec | head -n 6 >cut.rec
run 75 'an incomplete session' "$tofs" -d d -i spool cut.rec
check 'stores nothing' test ! -s out

# Extensions are untrusted as well; only sessions get .xml.
python3 - >ext.rec <<'EOF'
from records import *
with Files() as s:
    s.spool = 'spool'
    for i, ext in enumerate(['xml', 'XML', '../x', '', None, 'tar.gz', 'e' * 300]):
        s.begin('e%d' % i)
        s.spooled('recording', 'e%d' % i, b'FLV\1%d' % i, extension=ext)
        s.end()
EOF
rm -rf d
mkdir d
run 0 'extensions' "$tofs" -d d -i spool -c overwrite ext.rec
check 'none is .xml' test -z "$(find d -iname '*.xml')"
check 'all are stored' test "$(wc -l <out)" -eq 7
run 0 'verified' "$tofs" --verify -d d
done_testing
