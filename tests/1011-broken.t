#!/bin/sh
# praic-fetch on a full or failing disk, and without memory: each call of a kind fails
# in turn.  It succeeds, or ends with the right exit code and a message; no wrong file
# has a final name; and a rerun without faults fetches everything.

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

case ${PRAIC_OUT-} in
*asan*) # a sanitizer must be the first library itself
	echo '1..0 # skip: faults are preloaded, which sanitizers do not allow'
	exit 0
	;;
esac
ln -s "$faults" faults.so
site_start --sessions 4 --span 1 --seed 2 --now 1767225600 --clock fixed \
	--recording-size 1200K-1300K --ranges
recordings_truth all
head -n 3 all >truth
records truth >in
export fetch port client site

cat >each.py <<'E'
"""each.py VERB CALL:ERRNO:CODES...: make each call of a kind fail in turn"""
import hashlib
import os
import shutil
import subprocess
import sys

e = os.environ
base = [e["fetch"], "--host", "localhost:" + e["port"], "--name", "pra.example.net",
        "--ca-file", e["site"] + "/ca.pem", "--client-id", e["client"],
        "--secret", "file:" + e["site"] + "/secret", "--rate", "0", "--timeout", "20",
        "-d", "spool"]
verb = {"recordings": ["-j", "2", "recordings", "in"],
        "sessions": ["sessions", "--since", "2d"],
        "backup": ["backup"]}[sys.argv[1]]
truth = {line.split("\t")[4].strip() for line in open("truth")}
bad = 0


def run(**env):
    return subprocess.run(base + verb, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, env=dict(os.environ, **env))


def check(true, what):
    global bad
    if not true:
        print(what)
        bad += 1


def sums():
    out = set()
    for name in os.listdir("spool"):
        if not name.startswith("."):
            out.add(hashlib.sha256(open("spool/" + name, "rb").read()).hexdigest())
    return out


def fresh():
    shutil.rmtree("spool", ignore_errors=True)
    shutil.rmtree(e["XDG_RUNTIME_DIR"] + "/praic", ignore_errors=True)
    os.mkdir("spool")


fresh()
p = run()
check(p.returncode == 0, "the clean run: %s" % p.stderr.decode())
clean, right = p.stdout, sums()
check(sys.argv[1] != "recordings" or right == truth, "the clean run: other files")
for fault in sys.argv[2:]:
    call, err, codes = fault.split(":")
    n, step = 1, 1
    while True:
        where = "%s number %d: %s" % (call, n, err)
        fresh()
        p = run(FAULT="%s:%d:%s" % (call, n, err), LD_PRELOAD=os.path.abspath("faults.so"),
                FAULT_MARK=os.path.abspath("mark"))
        if os.path.getsize("mark") == 0:
            check(p.returncode == 0, "%s: exit %d without a fault" % (where, p.returncode))
            break
        check(str(p.returncode) in codes.split(","), "%s: exit %d: %s" % (
            where, p.returncode, p.stderr.decode()))
        check(p.returncode == 0 or p.stderr, where + ": no message")
        check(sums() <= right, where + ": a wrong file")
        check(p.returncode != 0 or p.stdout == clean and sums() == right,
              where + ": success, but files are missing")
        check(p.returncode == 0 or sys.argv[1] == "sessions" or b"\nZ\t" not in p.stdout,
              where + ": an end mark")
        p = run()
        check(p.returncode == 0 and p.stdout == clean and sums() == right,
              "%s: the rerun: %d %s" % (where, p.returncode, p.stderr.decode()))
        check(not [x for x in os.listdir("spool") if x.endswith((".part", ".tmp"))],
              where + ": temporary files are left")
        if call == "memory":
            step = n
        elif n > 12:
            step = 1 + n // 8
        n += step
        if bad > 10:
            sys.exit(1)
    print("%s %s %s: %d times" % (sys.argv[1], call, err, n - 1))
sys.exit(bad > 0)
E
each() {
	python3 each.py "$@" >each.out 2>&1
	got=$?
	if [ $got -eq 0 ]; then
		sed 's/^/# /' each.out
		pass "$*"
	else
		fail "$*" each.out
	fi
}
io='0,69,73,74'
each recordings "write:ENOSPC:$io" "fsync:EIO:$io" "fdatasync:EIO:$io" "renameat:EIO:$io" \
	"ftruncate:EIO:$io" "openat:ENOSPC:$io" "fstatat:EIO:$io" \
	"flock:ENOLCK:$io" "pread:EIO:$io"
each sessions "write:ENOSPC:$io" "fsync:EIO:$io" "renameat:EIO:$io" "ftruncate:EIO:$io" \
	"openat:ENOSPC:$io" "pread:EIO:$io"
each recordings "memory:ENOMEM:0,69,70,71,73,74,75,78"
each backup "write:EIO:$io" "fsync:EIO:$io" "renameat:EROFS:$io"
done_testing
