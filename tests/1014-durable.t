#!/bin/sh
# praic-fetch -d: the order in which data reach the disk.  A file is on disk before it
# gets its name, and the name before it is written to standard output.

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

case ${PRAIC_OUT-} in *asan*)
	echo '1..0 # skip: sanitizers do not work under strace'
	exit 0
	;;
esac
strace -o /dev/null true 2>/dev/null || {
	echo '1..0 # skip: strace cannot trace here'
	exit 0
}

cat >order.py <<'E'
"""order.py TRACE SPOOL COUNT: in the output of strace -f -y, COUNT files get their
names in SPOOL, each synced before, and each name synced before it is written to fd 1."""
import re
import sys
trace, spool, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
begun, synced, named, told = {}, set(), set(), set()
bad = 0


def wrong(what, line):
    global bad
    bad += 1
    print(what + ': ' + line[:200])


def call(name, args, result, line):
    if result.startswith('-1'):
        return
    fd = re.match(r'(\d+)<([^>]*)>', args)
    texts = re.findall(r'"((?:[^"\\]|\\.)*)"', args)
    if name in ('fsync', 'fdatasync'):
        synced.add(fd[2])
        if fd[2] == spool:
            told.update(named)
    elif name.startswith('rename') and len(texts) == 2 and spool in args:
        old, new = (spool + '/' + t for t in texts)
        if old not in synced:
            wrong('named before it was synced', line)
        named.add(texts[1])
    elif name in ('write', 'pwrite64', 'writev') and fd:
        for n in named - told:
            if fd[1] == '1' and n in texts[0]:
                wrong('told before its name was synced', line)


for line in open(trace, encoding='latin-1'):
    pid, rest = line.rstrip('\n').split(None, 1)
    # A write undoes a sync when it begins, a sync helps when it has ended.
    m = re.match(r'(?:p?write(?:64|v)?|ftruncate)\(\d+<([^>]*)>', rest)
    if m:
        synced.discard(m[1])
    if rest.endswith('<unfinished ...>'):
        begun[pid] = rest[:-len('<unfinished ...>')]
        continue
    m = re.match(r'<\.\.\. \w+ resumed>(.*)', rest)
    if m:
        rest = begun.pop(pid, '') + m[1]
    m = re.match(r'(\w+)\((.*)\)\s+= (.*)', rest)
    if m:
        call(m[1], m[2], m[3], line)
if len(named) != count:
    print('%d names instead of %d: %s' % (len(named), count, sorted(named)))
sys.exit(bad > 0 or len(named) != count or named != told)
E

site_start --sessions 8 --span 1 --seed 3 --now 1767225600 --clock fixed --recording-size 100K-3M --ranges
recordings_truth truth
records truth >in
mkdir spool
# traced NAME COUNT COMMAND...: it succeeds, in the right order
traced() {
	name=$1 count=$2
	shift 2
	strace -f -qq -y -s 65536 -o trace \
		-e trace=write,pwrite64,writev,ftruncate,fsync,fdatasync,rename,renameat,renameat2 \
		"$fetch" --host "localhost:$port" --name pra.example.net --ca-file "$site/ca.pem" \
		--client-id "$client" --secret "file:$site/secret" --rate 0 "$@" >out 2>err
	check "$name" test $? -eq 0
	check "$name: the order is right" python3 order.py trace "$(cd spool && pwd -P)" "$count"
}
traced "recordings" "$(wc -l <truth)" -j 3 recordings -d spool in
rm -rf spool
mkdir spool
fx recordings --rate 2 -d spool <in >/dev/null 2>&1 &	# so that it is killed before its end
pid=$!
tries=0
until [ -n "$(find spool -name '*.flv')" ] || [ $tries -gt 200 ]; do
	tries=$((tries + 1))
	sleep 0.02
done
kill -9 $pid
wait $pid 2>/dev/null
left=$(($(wc -l <truth) - $(find spool -name '*.flv' | wc -l)))
traced "those that a killed run left" "$left" recordings -d spool in
traced "a backup" 1 backup -d spool
traced "a report" 1 sessions -d spool --since 2d
done_testing
