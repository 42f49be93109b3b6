#!/bin/sh
# The systemd units: systemd-analyze accepts them, and a pass needs only the system
# calls that they allow.
. "${0%/*}/lib.sh"
. "$top/tests/appliance.sh"
. "$top/tests/sched.sh"

units=$top/scripts/systemd
analyze() {
	systemd-analyze --no-pager "$@"
}
if ! command -v systemd-analyze >/dev/null; then
	echo "1..0 # SKIP no systemd-analyze here: the units are not checked"
	exit 0
fi

for unit in praic-sched praic-pass; do
	run 0 "$unit.service: exposure below 1.5" analyze security --offline=true --threshold=14 \
		"$units/$unit.service"
	sed -n 's/.*\(Overall exposure level.*\)/# \1/p' out
	sed '/^\(NoNew\|Protect\|Private\|Restrict\|System\|Capab\)/d' "$units/$unit.service" \
		>"$unit.service"
	run 1 "without its restrictions the exposure is higher" analyze security --offline=true \
		--threshold=14 "$unit.service"
	# systemd-analyze verify requires that the program exists.
	sed "s,/usr/local/bin,$(dirname "$sched")," "$units/$unit.service" >"$unit.service"
done
cp "$units"/*.timer .
mkdir unit
cp ./*.service ./*.timer unit
SYSTEMD_UNIT_PATH=$work/unit: analyze verify --man=no "$work/unit/praic-sched.service" \
	"$work/unit/praic-pass.service" "$work/unit/praic-pass.timer" >out 2>&1
grep -F "$work/unit" out >err
silent "systemd reports no error in the units"

# The system calls that the units' filter allows: expand its groups.
cat >expand.py <<'END'
import subprocess, sys
def group(name):
    out = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", name],
                         capture_output=True, text=True).stdout
    found = set()
    for line in out.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= group(word)
        elif word and not word.startswith("#"):
            found.add(word)
    return found
allowed = set()
for line in open(sys.argv[1]):
    if line.startswith("SystemCallFilter="):
        words = line.strip().split("=")[1]
        no = words.startswith("~")
        for w in words.lstrip("~").split():
            these = group(w) if w.startswith("@") else {w}
            allowed = allowed - these if no else allowed | these
print("\n".join(sorted(allowed)))
END
python3 expand.py "$units/praic-sched.service" >allowed
check "the filter allows many system calls" test "$(wc -l <allowed)" -gt 200
check "and refuses mount, ptrace, setuid and bpf" sh -c '! grep -qxE "mount|ptrace|setuid|bpf" allowed'

case ${PRAIC_OUT-} in
*asan*) done_testing ;;
esac
if ! strace -f -o trace true 2>/dev/null; then
	pass "system calls of a pass # SKIP strace cannot trace here"
	done_testing
fi
sched_settings
appliance_start --clock run --sessions 20 --span 3 --seed 3 --recording-size 1K-2K
mkdir files
"$conf" site add one host="$PRAIC_HOST" client-id="$PRAIC_CLIENT_ID" ca-file="$PRAIC_CA" \
	secret="file:$PRAIC_SECRET_FILE"
"$conf" destination add db sql connection="$work/store.db"
"$conf" destination add dir fs directory="$work/files"
"$conf" schedule add all every=1h
"$conf" transfer add all one db session since=4d >id
"$conf" transfer add all one dir session,recording,shell,screen,backup since=4d >id
run 0 "a traced pass with all kinds of data" strace -f -qq -o trace "$sched" -1
check "stores the sessions" test "$(sqlite3 store.db 'SELECT count(*) FROM session')" -eq \
	"$(appliance_truth | wc -l)"
sed -nE 's/^[0-9]+ +([a-z_0-9]+)\(.*/\1/p' trace | sort -u >called
# The programs go on if prlimit is refused.  SQLite calls fchown only as root, to give
# its files to the owner of the database; the units do not run as root.
root='fchown'
[ "$(id -u)" -eq 0 ] || root=none
comm -23 called allowed | grep -vxE "prlimit64|setrlimit|$root" >beyond
silent "a pass needs no system call that the units refuse" beyond
run 0 "a pass succeeds if prlimit is refused" strace -f -qq -o trace -e inject=prlimit64:error=EPERM \
	"$sched" -r all
done_testing
