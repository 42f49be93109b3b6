#!/bin/sh
# praic-tofs, praic-tohtml and praic-tosql restrict themselves with Landlock to the
# files that they need, and everything they do works that way.
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

mkdir tmp in files spool other
export TMPDIR="$work/tmp"	# stays writable, so it is not $work itself
python3 "$top/tests/appliance" generate --sessions 6 --marks h.example >some.xml
"$split" some.xml >in/some.rec
python3 "$top/tests/appliance" generate --one-session 20M --marks h.example >big.xml
"$split" big.xml >in/big.rec
echo secret >secret

run 0 "-v" "$tofs" -v -d files in/some.rec
if grep -q 'not confined by Landlock: ' err; then
	run 0 "without Landlock praic-tosql works" "$tosql" -v -d other/x.db in/some.rec
	says "  -v gives the reason" 'not confined by Landlock: '
	run 0 "  without -v" "$tosql" -d other/x.db in/some.rec
	silent "  no message"
	printf '# the restrictions of Landlock are not tested: %s\n' "$(sed 's/.*Landlock: //;q' err)"
	done_testing
fi
says "reports it" 'confined by Landlock'

# taken NAME DIRECTORY COMMAND...: try forbidden actions in the process (takeover.so)
taken() {
	name=$1
	export TAKEOVER_DIR="$2" TAKEOVER_FILE="$work/secret" TAKEOVER_PORT=9
	shift 2
	LD_PRELOAD=${bin}tests/tools/takeover.so "$@" <in/some.rec >out.txt 2>err
	abi=$(sed -n 's/^landlock //p' err)
	check "$name: the actions are tried" test "${abi:-0}" -gt 0
	says "  other files cannot be read" 'read EACCES'
	says "  links cannot be made" 'link EACCES'
	says "  programs cannot be run" 'run EACCES'
	[ "$abi" -lt 4 ] || says "  ports cannot be reached" 'connect EACCES'
	[ "$abi" -lt 6 ] || says "  signals cannot be sent" 'signal EPERM'
}
taken "praic-tofs" "$work/other" "$tofs" -d files
says "  elsewhere nothing is made" 'make EACCES'
taken "praic-tofs, in its directory" "$work/files" "$tofs" -d files
says "  there files can be made" 'make 0'
mkdir pages
taken "praic-tohtml" "$work/other" "$tohtml" -d pages --files files
says "  elsewhere nothing is made" 'make EACCES'
taken "praic-tohtml, in its directory" "$work/pages" "$tohtml" -d pages --files files
says "  there files can be made" 'make 0'
rm files/made pages/made
taken "praic-tohtml, among the recordings" "$work/files" "$tohtml" -d pages --files files
says "  nothing is made" 'make EACCES'
taken "praic-tosql" "$work" "$tosql" -d other/x.db
says "  elsewhere nothing is made" 'make EACCES'
taken "praic-tosql, a new database" "$work" "$tosql" -d other/new.db
says "  elsewhere nothing is made" 'make EACCES'
taken "praic-tosql, beside the database" "$work/other" "$tosql" -d other/x.db
says "  there files can be made" 'make 0'
rm -f other/made files/made

# Normal use, with inputs, outputs and temporary files in different places.
run 0 "praic-tosql: files, some of them twice" "$tosql" -d other/a.db in/some.rec in/some.rec in/big.rec
run 0 "  a pipe and a link as operands" sh -c '
	mkfifo fifo; ln -s in/big.rec link; cat in/some.rec >fifo & "$1" -d other/b.db link fifo' - "$tosql"
run 0 "  -n without a database" "$tosql" -n -d other/none.db in/some.rec in/big.rec
check "  none is made" test ! -e other/none.db
run 0 "  -n with a database" "$tosql" -n -d other/a.db in/some.rec
mkdir real
ln -s ../real/far.db other/link.db
run 0 "  a link to a missing database" "$tosql" -v -d other/link.db in/some.rec
says "  is not confined" "link to nothing"
run 0 "  a link to an existing database" "$tosql" -v -d other/link.db in/big.rec
says "  is confined" "confined by Landlock to"
check "  the database is at the link's target" test -s real/far.db
run 0 "  in the working directory" sh -c 'cd real && "$1" -d far.db ../in/some.rec' - "$tosql"
# SQLite needs a temporary file to roll back many rows.
python3 "$top/tests/appliance" generate --sessions 150 --marks h.example >many.xml
"$split" many.xml >in/many.rec
sed 's/Chat/Chut/g' many.xml | "$split" >in/changed.rec
export PRAIC_SETTINGS="$work/settings.db"
mkdir sqlite
"$conf" init >out 2>err && "$conf" destination add t sql connection="sqlite:$work/other/t.db" >out 2>err
for where in "TMPDIR=$work/nowhere" "SQLITE_TMPDIR=$work/sqlite TMPDIR=/proc"; do
	rm -f other/t.db*
	run 0 "  with $where" "$tosql" -d other/t.db in/many.rec
	# shellcheck disable=SC2086
	run 0 "  a session is replaced" env $where "$tosql" --force -d other/t.db in/changed.rec
	# shellcheck disable=SC2086
	run 0 "  and again, with -D" env $where "$tosql" --force -D t in/many.rec
done
sed 's/^\(R	session	[^	]*\)	[^	]*/\1	\\q/' in/some.rec >in/bad.rec
run 65 "  --left-out" "$tosql" --left-out list -d other/a.db in/bad.rec
check "  lists the bad session" test -s list

export PYTHONPATH="$data/tofs"
python3 - >in/files.rec <<'EOF'
from records import *
with Files() as s:
    s.spool = 'spool'
    s.begin('0a1b')
    s.spooled('recording', 'r1', b'FLV\1recording', extension='mp4')
    s.end()
    s.backup('2026-01-02T03:04:05Z', 'b1', b'NSB backup')
EOF
chmod 600 spool/*
ln -s spool way
ln -s files door
run 0 "praic-tofs: a spool and directory behind links" "$tofs" -d door -i way -r 1 \
	-f '%SUPPORT_SITE_HOST%/%KIND%/%LSID%%START_DATE%.%EXTENSION%' in/files.rec in/some.rec in/big.rec
check "  a hard link, not a copy" sh -c 'test spool/r1 -ef "$(find files -name "0a1b*.mp4")"'
run 0 "  --verify" "$tofs" --verify -d files
done_testing
