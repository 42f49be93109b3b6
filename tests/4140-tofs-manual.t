#!/bin/sh
# praic-tofs(1): its examples run, and its options are those of the program.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

export PYTHONPATH="$data/tofs"
page=$top/tofs/praic-tofs.1
check 'mandoc accepts the page' mandoc -Tlint -W warning "$page"

"$tofs" --help | grep -oE -e '--[a-z-]+' | sort -u >has
sed 's/\\-/-/g' "$page" | grep -oE 'Fl -[a-z-]+' | sed 's/Fl -/--/' | sort -u >told
# Only the page describes --help and --version.
printf '%s\n' --help --version >>has
sort -u has >want
same 'the page has exactly the long options of the help' want told

# The examples run with stubs for the programs before praic-tofs.
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
run 0 'verify' sh example.5
says 'finds nothing wrong' ' 0 things wrong'
run 0 'one session' sh example.6
check 'its three files are the same' test "$(grep -c ': OK$' out)" -eq 3
# Without the lines that need a time stamping authority.
sed '/curl/d; /timestamp-query/d; /data-binary/d; /ts -verify/d' example.7 >stamp
run 0 'the head of the ledger' sh -e stamp
check 'is in a time stamp request' openssl ts -query -in head.tsq -text
# Copy with rclone, or with a stub that logs its arguments.
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
	same 'has all files and the ledger' want got
else
	check 'the ledger is copied last' grep -q '^copyto .*praic-ledger' rclone.log
fi
check 'there are no more examples' test ! -e example.9
done_testing
