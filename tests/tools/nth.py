"""Makes each call of a kind fail in turn (see faults.c).

    nth.py [OPTION...] CALL:ERRNO:CODE[,CODE...] ... -- COMMAND...

A run without faults counts the calls.  Then the command runs once for each of
them, or for a sample of --runs (PRAIC_LONG=1: all).  It must end in time, with 0
or one of the codes, and with a message if that is not 0; then it runs again
without a fault, which must complete its work.

    --fresh CMD     shell command before each pair of runs: restore the initial state
    --after CMD     shell command after the run with the fault; $code, nth.out, nth.err
    --check CMD     shell command after the run without: check the result
    --rerun CODES   allowed exit codes of that run, and of the first one (0)
    --output WHAT   same (the default): with code 0 the output is that of the first
                    run, with another it has no end mark; any: the output is not
                    checked and may contain the message
    --program NAME  the fault is in this program (the command itself)
    --input FILE    standard input
    --time S        maximum duration of a run (60)
    --runs N        number of calls of each kind that fail (8)
    --even          a failing call may have no effect
"""
import argparse
import os
import struct
import subprocess
import sys

TABLE = {0, 64, 65, 66, 69, 70, 71, 73, 74, 75, 77, 78}


def spread(count, runs):
    """The first calls, which open files, the last ones, and some between."""
    if os.environ.get("PRAIC_LONG") == "1" or count <= runs:
        return range(1, count + 1)
    few = max(runs // 4, 1)
    middle = runs - 2 * few
    some = {few + 1 + i * (count - 2 * few) // max(middle, 1) for i in range(middle)}
    return sorted(set(range(1, few + 1)) | some | set(range(count - few + 1, count + 1)))


class Trial:
    def __init__(self, options, command):
        self.o = options
        self.command = command
        self.bad = 0

    def wrong(self, where, what):
        self.bad += 1
        print("%s: %s" % (where, what))
        if self.bad > 8:
            sys.exit(1)

    def shell(self, where, text, code=0):
        r = subprocess.run(["sh", "-c", text], capture_output=True,
                           env=dict(os.environ, code=str(code)))
        if r.returncode != 0:
            self.wrong(where, "%s: %d: %s" % (text, r.returncode,
                                              (r.stdout + r.stderr)[-600:].decode("utf-8", "replace")))

    def run(self, **env):
        if self.o.program:
            env["FAULT_PROGRAM"] = self.o.program
        with open(self.o.input or os.devnull, "rb") as given, \
                open("nth.out", "wb") as out, open("nth.err", "wb") as err:
            p = subprocess.Popen(self.command, stdin=given, stdout=out, stderr=err,
                                 env=dict(os.environ, **env), start_new_session=True)
            try:
                code = p.wait(self.o.time)
            except subprocess.TimeoutExpired:
                os.killpg(p.pid, 9)
                p.wait()
                code = "no end"
        with open("nth.out", "rb") as out, open("nth.err", "rb") as err:
            return code, out.read(), err.read()

    def faulty(self, call, error, n):
        count = os.path.abspath("nth.count")
        with open(count, "wb") as f:
            f.write(bytes(16))
        r = self.run(LD_PRELOAD=os.environ["faults"], FAULT="%s:%d:%s" % (call, n, error),
                     FAULT_COUNT=count)
        with open(count, "rb") as f:
            return (*r, *struct.unpack("qq", f.read()))

    def kind(self, call, error, codes):
        o = self.o
        if o.fresh:
            self.shell("fresh", o.fresh)
        code, clean, err, count, _ = self.faulty(call, error, 0)
        if code not in o.rerun or count == 0:
            self.wrong(call, "the clean run: %s, %d calls: %s" % (code, count, err[-600:]))
            return
        mattered = ran = 0
        for n in spread(count, o.runs):
            where = "%s %d of %d, %s" % (call, n, count, error)
            if o.fresh:
                self.shell("fresh", o.fresh)
            code, out, err, _, happened = self.faulty(call, error, n)
            ran += 1
            words = err[-600:].decode("utf-8", "replace")
            if code not in TABLE or (code != 0 and code not in codes):
                self.wrong(where, "exit code %s: %s" % (code, words))
            if code == 0 and not happened and call != "memory":
                continue	# the call did not happen, and the run succeeded
            if code != 0:
                mattered += 1
                if err == b"" and (o.output == "same" or out == b""):
                    self.wrong(where, "not a word")
            if o.output == "same":
                if code == 0 and out != clean:
                    self.wrong(where, "other output: %s" % words)
                if code != 0 and b"\nZ\t" in out:
                    self.wrong(where, "an end mark")
            if o.after:
                self.shell(where, o.after, code)
            if o.fresh or o.check:
                code, out, err = self.run()
                if code not in o.rerun:
                    self.wrong(where, "the rerun: %s: %s" % (code, err[-600:]))
                if o.check:
                    self.shell(where + ", once more", o.check, code)
        print("%s: %d calls, %d failed, %d with an effect" % (call, count, ran, mattered))
        if mattered == 0 and not o.even:
            self.wrong(call, "none of them mattered")


def main():
    at = sys.argv.index("--")
    a = argparse.ArgumentParser()
    for name in ("fresh", "after", "check", "program", "input"):
        a.add_argument("--" + name)
    a.add_argument("--output", choices=("same", "any"), default="same")
    a.add_argument("--rerun", default="0")
    a.add_argument("--time", type=float, default=60)
    a.add_argument("--runs", type=int, default=8)
    a.add_argument("--even", action="store_true")
    a.add_argument("kinds", nargs="+")
    o = a.parse_args(sys.argv[1:at])
    o.rerun = {int(c) for c in o.rerun.split(",")}
    t = Trial(o, sys.argv[at + 1:])
    for kind in o.kinds:
        call, error, codes = kind.split(":")
        t.kind(call, error, {int(c) for c in codes.split(",")})
    sys.exit(t.bad > 0)


main()
