#!/bin/sh
# praic-split: limits, and input that would cost much without them.  Each case
# runs in a time that only more than linear effort can exceed, and in 16 MiB and
# four times its largest value (which is MEGABYTES, or what becomes of them).  The
# program needs 5 MiB, so what it must not hold is 16 MB long: if it held that, the
# case would fail.  PRAIC_LONG: ten times as much of each.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

measure=${bin}tests/tools/measure
many=1
[ -z "${PRAIC_LONG-}" ] || many=10
# of processor time: on a busy machine no more than on a quiet one
seconds=$((5 * many))
case ${PRAIC_OUT-} in
*asan*) seconds=$((10 * seconds)) ;;	# quadratic effort would still take longer
esac

# hostile CODE KIND MEGABYTES VALUE-MEGABYTES [WORDS]
hostile() {
	size=$3
	case $1$PRAIC_OUT in
	0*asan*) # no limit is reached, and memory is not measured
		[ -n "${5-}" ] || size=$(awk "BEGIN { print $3 / 10 }") ;;
	esac
	python3 "$top/tests/tools/hostile.py" "$2" "$size" >in
	pipe "$1" "$2, $size MB" in timeout $((20 * seconds)) "$measure" cost "$split" -H h
	[ -z "${5-}" ] || says "  it says why" "$5"
	read -r kib user system <cost
	check "  in $((user + system)) ms" test $((user + system)) -le $((1000 * seconds))
	case $PRAIC_OUT in
	*asan*) return ;;
	esac
	limit=$((1024 * (16 + 4 * $4)))
	check "  in $kib KiB of $limit" test "$kib" -le $limit
}
# small: for cases that could only take time.
small() {
	hostile "$1" "$2" "$(($3 * many))" 0 "${4-}"
}

hostile 0 attribute 9.9 10
hostile 0 attribute-entities 9 9
hostile 0 attribute 20 20
hostile 65 attribute 140 80 "session a: left out: a tag longer than 64 MiB or with more than 1000 attributes"
hostile 0 long-attributes 20 20
hostile 0 attribute-tags 10 1
hostile 0 text 16 16
hostile 0 entities 10 2
hostile 0 forbidden 8 6 "byte 14: session a: 2000000 forbidden bytes or characters"
hostile 0 bad-bytes 4 12
hostile 0 backslashes 5 10
hostile 0 letters 5 5
hostile 0 line-ends 5 5
hostile 0 base64 5 10
hostile 0 base64-bad 4 12
hostile 65 text 68 64 "left out: a value longer than a line may be (64 MiB)"
hostile 65 bad-bytes 23 64 "left out: a value longer than a line may be (64 MiB)"
hostile 65 base64-bad 30 64 "left out: a value longer than a line may be (64 MiB)"
hostile 0 cdata 12 12
hostile 0 comment 16 0
hostile 0 starts-in-comment 16 0
hostile 0 starts-in-cdata 9 9
hostile 0 comments-in-cdata 9 9
hostile 65 name 20 10 "session a: left out: a name longer than 1000 bytes"
hostile 0 headed-cells 4 8
hostile 0 cells 12 16
hostile 65 cells 46 64 "left out: system information longer than a line may be"
hostile 65 users 4 8 "left out: more than 8 MiB of rows that have to be held back"
hostile 65 values 9 8 "left out: more than 8 MiB of rows that have to be held back"

small 0 cdatas 2
hostile 0 unwanted-entities 16 0
hostile 0 comments 16 0
hostile 0 instructions 16 0
hostile 0 comments-before 16 0
hostile 0 instructions-before 16 0
hostile 0 blanks-before 16 0
hostile 0 comments-behind 16 0
hostile 0 blanks-behind 16 0
small 65 open-tags 1 "left out: elements nested more than 128 deep"
small 0 declarations 2
small 0 latin1 1
small 65 unclosed-comments 4 "Double hyphen within comment"
small 0 sessions 4
small 0 warnings 2
small 0 replacements 1
small 0 doubts 4
small 0 customers 4
small 65 attributes 4 "session a: left out: a tag longer than 64 MiB or with more than 1000 attributes"
small 65 namespaces 2 "a tag longer than 64 MiB or with more than 1000 attributes; the rest"
small 65 names 4 "session a: left out: more than 10000 different names"
small 65 inherited 2 "more than 4096 bytes of namespaces at its root"
small 65 live-namespaces 2 "session a: left out: more than 256 namespaces declared"
small 65 nothing 4 "this is no XML"
hostile 75 quote 11 11

# Only the session beyond the limit is left out; the others are kept.
python3 - >in <<'END'
print("<session_list>")
cases = {
    "nested": "<a>" * 129 + "</a>" * 129,
    "named": "<%s/>" % ("n" * 1001),
    "attributed": "<a %s/>" % " ".join('a%d=""' % i for i in range(65)),
    "headed": "<session_details><event><system_information><category><description>"
        + "<field/>" * 257
        + "</description></category></system_information></event></session_details>",
}
within = {
    "nested": "<a>" * 128 + "</a>" * 128,
    "named": "<%s/>" % ("n" * 1000),
    "attributed": "<a %s/>" % " ".join('a%d=""' % i for i in range(64)),
    "headed": cases["headed"].replace("<field/>", "", 1),
}
for name in cases:
    print('<session lsid="%s">%s</session>' % (name, cases[name]))
    print('<session lsid="%s, just">%s</session>' % (name, within[name]))
print("</session_list>")
END
pipe 65 "sessions beyond the limits and just within them" in "$split" -H h
sed -n 's/^E.\([^	]*\).*/\1/p; /^Z/p' out >got
printf '%s\n' 'nested, just' 'named, just' 'attributed, just' 'headed, just' 'Z	4	4' >want
same "  only those beyond are left out" want got
for why in "session nested: left out: elements nested more than 128 deep" \
    "session named: left out: a name longer than 1000 bytes" \
    "session attributed: left out: an element of more than 64 attributes" \
    "session headed: left out: system information of more than 256 columns"; do
	says "  $why" "$why"
done
says "  each with its position" "byte 15: session nested"

# Five messages about a session, then the number of the others.
python3 - >in <<'END'
print("<session_list><session lsid='a'><rep_list>")
print('<user gsnumber="x"/>' * 9)
print("</rep_list></session></session_list>")
END
pipe 0 "nine bad values in a session" in "$split" -H h
check "  five messages, and the number of the others" test "$(wc -l <err)" -eq 6
says "  four" "session a: and 4 more like these"
python3 -c 'print("<session_list><session lsid=\"%s\"><lseq>x</lseq></session></session_list>" %
	("\x1b[31m" + "l" * 5000))' >in
pipe 0 "a very long lsid" in "$split" -H h
check "  is shortened in messages" test "$(wc -c <err)" -lt 1000

done_testing
