#!/bin/sh
# praic-tofs(1): its examples run, its options are those of the program.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

export PYTHONPATH="$data/tofs"
page=$top/tofs/praic-tofs.1
check 'the page is clean' mandoc -Tlint -W warning "$page"

"$tofs" --help | grep -oE -e '--[a-z-]+' | sort -u >has
sed 's/\\-/-/g' "$page" | grep -oE 'Fl -[a-z-]+' | sed 's/Fl -/--/' | sort -u >told
# The page tells of --help and --version, which need no telling in the help.
printf '%s\n' --help --version >>has
sort -u has >want
same 'each long option is in the page, and none is but there' want told

# The examples, with programs before it that write what they would write.
mkdir bin spool pra
python3 - <<'EOF'
import time
from records import *
with Report(open('sessions.rec', 'wb')) as s:
    s.session('5f0c2e9a7b1d4c3f8e6a90b1c2d3e4f5', external_key='CHG-1')
    s.session('0123456789abcdef0123456789abcdef', external_key='CHG-2', end_time=None,
              start_time=time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()))
with Files(open('recordings.rec', 'wb')) as s:
    s.spool = 'spool'
    s.begin('5f0c2e9a7b1d4c3f8e6a90b1c2d3e4f5')
    s.spooled('recording', 'r', b'FLV\1r')
    s.end()
with Files(open('backup.rec', 'wb')) as s:
    s.spool = 'spool'
    s.backup('2026-01-01T00:00:00Z', 'b', b'NSB')
EOF
cat >bin/praic-fetch <<'EOF'
#!/bin/sh
case $* in
*' sessions '*) cat sessions.rec ;;
*' recordings '*) cat >/dev/null; cat recordings.rec ;;
*' backup '*) cat backup.rec ;;
esac
EOF
cat >bin/praic-split <<'EOF'
#!/bin/sh
cat "$@"
EOF
echo '<session_list/>' >sessions.xml
ln -s "$tofs" bin/praic-tofs
chmod +x bin/praic-fetch bin/praic-split
PATH=$work/bin:$PATH
export PATH

awk '/^\.Sh EXAMPLES/ { on = 1 } /^\.Sh SEE/ { on = 0 }
	on && /^\.Bd/ { file = "example." ++n; next } /^\.Ed/ { file = "" }
	on && file { gsub(/\\e/, "\\"); gsub(/\/var\/spool\/pra/, "spool")
		gsub(/\/srv\/pra/, "pra"); print >file }' "$page"
run 0 'sessions' sh example.1
same 'are stored' - out <<'EOF'
access.example.com-support-5f0c2e9a7b1d4c3f8e6a90b1c2d3e4f5.xml
EOF
run 0 'by their key' sh example.2
sed 's/CHG-2.[0-9]\{8\}T[0-9]\{6\}Z/CHG-2\/NOW/' out >got
same 'are stored' - got <<'EOF'
sessions/CHG-1/20260101T100000Z-5f0c2e9a7b1d4c3f8e6a90b1c2d3e4f5.xml
sessions/CHG-2/NOW-0123456789abcdef0123456789abcdef.xml
EOF
run 0 'recordings' sh example.3
same 'are stored' - out <<'EOF'
access.example.com-support-5f0c2e9a7b1d4c3f8e6a90b1c2d3e4f5.flv
EOF
run 0 'a backup' sh example.4
same 'is stored' - out <<'EOF'
access.example.com-backup-20260101T000000Z.nsb
EOF
run 0 'all as it was' sh example.5
says 'is said' ' 0 things wrong'
run 0 'one session' sh example.6
check 'its three files are the same' test "$(grep -c ': OK$' out)" -eq 3
# Nobody stamps here: without the authority, and what verifies its answer.
sed '/curl/d; /timestamp-query/d; /data-binary/d; /ts -verify/d' example.7 >stamp
run 0 'a head' sh -e stamp
check 'is asked to be stamped' openssl ts -query -in head.tsq -text
# Copied, by rclone if it is here, else by what says what it would do.
if command -v rclone >/dev/null; then
	export RCLONE_CONFIG="$work/rclone.conf"
	printf '[archive]\ntype = alias\nremote = %s\n' "$work/remote" >rclone.conf
else
	printf '#!/bin/sh\necho "$@" >>rclone.log\n' >bin/rclone
	chmod +x bin/rclone
fi
run 0 'a copy' sh -e example.8
if [ -e rclone.conf ]; then
	(cd pra && find . -type f ! -path './.praic-[it]*' | sort) >want
	(cd remote/pra && find . -type f | sort) >got
	same 'holds all files and the ledger' want got
else
	check 'the ledger is copied last' grep -q '^copyto .*praic-ledger' rclone.log
fi
check 'these were all examples' test ! -e example.9
done_testing
