#!/bin/sh
# praic-split gives up access to files, network and processes before it reads a byte.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

proof=${bin}tests/tools/sandbox-proof

# Signal 31 is SIGSYS; the shell adds 128.
killed() {
	sh -c '"$1" "$2"; exit $?' - "$proof" "$1" >out 2>err
	check "$1 is killed by SIGSYS" test $? -eq 159
}

run 0 "-v" "$split" -v -H h "$data/split/rs.xml"
if grep -q 'no sandbox' err; then
	says "without a sandbox -v gives the reason" "no sandbox: "
	"$proof" open 2>err
	check "  sandbox-proof reports the same" test $? -eq 2
	run 0 "  without -v" "$split" -H h "$data/split/rs.xml"
	silent "  no message"
	done_testing
fi
for what in open socket exec fork map seek signal; do
	killed $what
done
run 0 "memory is allowed" "$proof" memory

# Everything that praic-split does works in the sandbox: files, pipes, messages, the list.
python3 "$top/tests/appliance" generate --one-session 20M >big.xml
run 0 "--left-out" "$split" --left-out list -H h big.xml
run 0 "-" sh -c '"$1" -H h - <"$2" | cat >/dev/null' - "$split" big.xml
run 65 "messages" "$split" -H h "$data/split/values.xml"
export split
run 0 "waiting for non-blocking input and output" python3 "$data/split/nonblocking.py"

# The system calls after the sandbox is set up.
if command -v strace >/dev/null && strace -o trace true 2>/dev/null; then
	strace -f -o trace "$split" -H h big.xml >/dev/null 2>err
	sed '1,/^[0-9]* *seccomp(SECCOMP_SET_MODE_FILTER\|^[0-9]* *prctl(PR_SET_SECCOMP/d' trace |
		sed -n 's/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' | sort -u >calls
	check "no file is opened afterwards" sh -c '! grep -qE "^(open|openat|socket|connect|execve)$" calls'
	check "  the input is read afterwards" grep -qx read calls
fi

done_testing
