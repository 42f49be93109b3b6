#!/usr/bin/env python3
"""
Measures the speed of praic-split.  Run by make bench.

    split.py [--big] [--sizes SIZE,...] [--rounds N] [--keep DIRECTORY]

Realistic reports of 15 and 150 MB (--big: also 1.5 GB) are read by praic-split, by
praic-split with another filter, and by xmllint, which discards the parsed data: with
libxml2's reader (--stream) and with its SAX interface without handlers (--sax).  All
run in turn, several rounds.  Time is user and system time; ratios are computed in each
round, and their median is printed.  Output goes to /dev/null.  Exits with 1 if a target
is missed: for 150 MB at most the time of the reader and twice that of SAX, the same
time per byte at any size, and 16 MiB.
"""
import argparse
import os
import shlex
import statistics
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(TOP, os.environ.get("PRAIC_OUT", ""))
SPLIT = os.path.join(BIN, "split/praic-split")
MEASURE = os.path.join(BIN, "tests/tools/measure")


SPLIT_PLAIN = [SPLIT, "-H", "access.example.com"]     # xmllint reads no frames


def pipe(program):
    return ["sh", "-c", '%s "$1" | %s' % (shlex.join(SPLIT_PLAIN), shlex.quote(
        os.path.join(BIN, program))), "-"]


COMMANDS = {
    "praic-split": SPLIT_PLAIN,
    "praic-split -n": [*SPLIT_PLAIN, "-n"],
    "praic-split | praic-uniq": pipe("uniq/praic-uniq"),
    "praic-split | praic-tojson": pipe("tojson/praic-tojson"),
    "xmllint --stream": ["xmllint", "--stream", "--noout"],
    "xmllint --sax": ["xmllint", "--sax", "--noout"],
}


def generate(size, path):
    """A reproducible report: the options are the seed."""
    with open(path, "wb") as f:
        subprocess.run([sys.executable, os.path.join(TOP, "tests/appliance"),
                        "generate", "--bytes", size, "--seed", "1"], stdout=f, check=True)
    return os.path.getsize(path)


def run(command, path, scratch):
    """Milliseconds of CPU, KiB of memory."""
    cost = os.path.join(scratch, "cost")
    with open(os.devnull, "wb") as null:
        subprocess.run([MEASURE, cost, *command, path], stdout=null, check=True)
    with open(cost, encoding="ascii") as f:
        kib, milliseconds = f.read().split()
    return int(milliseconds), int(kib)


def bench(size, rounds, directory):
    path = os.path.join(directory, "report-%s.xml" % size)
    length = generate(size, path)
    time = {name: [] for name in COMMANDS}
    most = dict.fromkeys(COMMANDS, 0)
    for name, command in COMMANDS.items():      # a first run fills the page cache
        run(command, path, directory)
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            milliseconds, kib = run(command, path, directory)
            time[name].append(max(milliseconds, 1))
            most[name] = max(most[name], kib)
    print("%s: %d bytes, %d rounds" % (size, length, rounds))
    print("  %-26s %9s %7s %9s %9s %9s" % (
        "", "CPU ms", "MB/s", "KiB", "/stream", "/sax"))
    ratio = {}
    for name in COMMANDS:
        for other in ("xmllint --stream", "xmllint --sax"):
            ratio[name, other] = statistics.median(
                a / b for a, b in zip(time[name], time[other]))
        median = statistics.median(time[name])
        print("  %-26s %9d %7d %9d %9.2f %9.2f" % (
            name, median, length / 1000 / median, most[name],
            ratio[name, "xmllint --stream"], ratio[name, "xmllint --sax"]))
    os.unlink(path)
    return (ratio["praic-split", "xmllint --stream"],
            ratio["praic-split", "xmllint --sax"],
            statistics.median(time["praic-split"]) * 1e6 / length,
            most["praic-split"])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--big", action="store_true", help="also 1.5 GB")
    p.add_argument("--sizes", default="15M,150M", help="targets apply to the last one")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--keep", metavar="DIRECTORY", default=None,
                   help="directory for the reports, which are made one at a time")
    o = p.parse_args()
    missed = []
    with tempfile.TemporaryDirectory(dir=o.keep) as directory:
        names = o.sizes.split(",")
        sizes = [(s, bench(s, o.rounds * (1 if s == names[-1] else 3), directory)) for s in names]
        usual = sizes[-1][1]
        if o.big:
            sizes.append(("1500M", bench("1500M", 3, directory)))
    if usual[0] > 1.0:
        missed.append("more time than xmllint --stream")
    if usual[1] > 2.0:
        missed.append("more than twice the time of xmllint --sax")
    for size, (_, _, each, kib) in sizes:
        print("%-6s %.2f ns a byte" % (size, each))
        if each > 1.25 * usual[2]:
            missed.append("%s: not linear" % size)
        if kib > 16384:
            missed.append("%s: more than 16 MiB" % size)
    for what in missed:
        print("MISSED:", what)
    return 1 if missed else 0


sys.exit(main())
