#!/bin/sh
# praic-split without memory, and with reads and writes that fail: each call
# in turn.  The right exit code, and never an end mark behind something lost.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

case ${PRAIC_OUT-} in
*asan*) # the sanitizer wants to be the first library itself
	echo '1..0 # skip: faults are preloaded, which a sanitizer does not take'
	exit 0
	;;
esac
cc -shared -fPIC -O1 -o nth.so "$data/split/nth.c" -ldl || exit 1

cat >each.py <<'END'
"""Each call of a kind fails in turn: each.py CALL ERRNO CODE COMMAND..."""
import os
import subprocess
import sys

call, error, code = sys.argv[1], sys.argv[2], int(sys.argv[3])
command = sys.argv[4:]


def run(n):
    return subprocess.run(command, capture_output=True, timeout=60, env=dict(
        os.environ, LD_PRELOAD="./nth.so", NTH="%s:%d:%s" % (call, n, error)))


good = run(0)
count = int(good.stderr.split()[-1])
failed = 0
for n in range(1, count + 1):
    r = run(n)
    if r.returncode == code:
        failed += 1
        if r.stderr == b"" and call != "write":
            sys.exit("%s %d: without a word" % (call, n))
        if b"\nZ\t" in r.stdout:
            sys.exit("%s %d: an end mark" % (call, n))
        # As JSON: whole objects only, as far as they went out.
        if r.stdout[:1] == b"{" and not good.stdout.startswith(r.stdout):
            sys.exit("%s %d: other output" % (call, n))
    elif r.returncode != 0 or r.stdout != good.stdout:
        sys.exit("%s %d: exit code %d: %s" % (call, n, r.returncode, r.stderr[-300:]))
print(count, "calls,", failed, "of which mattered")
if failed == 0:
    sys.exit("none of them mattered")
END

each() {
	what=$1
	shift
	run 0 "$what" python3 each.py "$@"
	sed 's/^/# /' out
}

python3 "$top/tests/appliance" generate --sessions 12 --marks h.example >some.xml
each "without memory: 75" alloc 12 75 "$split" some.xml
each "  as JSON" alloc 12 75 "$split" -j some.xml
{ printf '\377\376'; iconv -f UTF-8 -t UTF-16LE "$data/split/values.xml"; } >utf16.xml
each "  reading UTF-16" alloc 12 75 "$split" -H h -k limits utf16.xml
each "reads that fail: 74" read 5 74 "$split" some.xml
each "writes that fail: 74" write 28 74 "$split" some.xml
each "  of JSON, and of its temporary files" write 28 74 "$split" -j some.xml

done_testing
