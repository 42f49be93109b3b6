# shellcheck shell=sh
# Helper functions for the tests: TAP output, a work directory for each test,
# and checks that print the output they saw when they fail.
#
#	. tests/lib.sh
#	run 65 "a bad document" "$split" bad.xml	# exit code, name, command
#	same "the same rows" want.rec out		# two files; run writes out and err
#	check "a name" command...			# does the command succeed?
#	done_testing
#
# run writes standard output to $work/out and standard error to $work/err.

top=$(cd "$(dirname "$0")/.." && pwd)
data=$top/tests/data
bin=$top/${PRAIC_OUT-}
fetch=${bin}fetch/praic-fetch
split=${bin}split/praic-split
uniq=${bin}uniq/praic-uniq
tosql=${bin}tosql/praic-tosql
tofs=${bin}tofs/praic-tofs
tojson=${bin}tojson/praic-tojson
tohtml=${bin}tohtml/praic-tohtml
find=${bin}find/praic-find
conf=${bin}sched/conf/praic-conf
sched=${bin}sched/praic-sched
praic_run=${bin}sched/run/praic-run
mail=${bin}sched/mail/praic-mail
rec_events=${bin}tests/tools/rec-events
faults=${bin}tests/tools/faults.so
export top data bin fetch split uniq tosql tofs tojson tohtml find conf sched praic_run mail rec_events faults

work=$(mktemp -d "${TMPDIR:-/tmp}/praic-test.XXXXXX") || exit 1
# The sandboxes allow writes below TMPDIR, so it is not the whole work directory.
TMPDIR=$work/.tmp
mkdir "$TMPDIR" || exit 1
XDG_RUNTIME_DIR=$work
XDG_CACHE_HOME=$work
export work TMPDIR XDG_RUNTIME_DIR XDG_CACHE_HOME
at_exit=:
trap 'eval "$at_exit"; cd /; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work" || exit 1

test_number=0
test_failures=0

pass() {
	test_number=$((test_number + 1))
	printf 'ok %d - %s\n' "$test_number" "$1"
}

# fail NAME [FILE to show]...
fail() {
	test_number=$((test_number + 1))
	test_failures=$((test_failures + 1))
	printf 'not ok %d - %s\n' "$test_number" "$1"
	shift
	for shown; do
		[ -f "$shown" ] && printf '%s:\n' "$shown" | sed 's/^/# /' &&
			head -c 4000 "$shown" | head -n 40 | sed 's/^/#   /;$a\'
	done
	return 0
}

# run CODE NAME COMMAND...: does the command exit with this code?
run() {
	want=$1 name=$2
	shift 2
	"$@" >out 2>err </dev/null
	got=$?
	if [ "$got" -eq "$want" ]; then
		pass "$name"
	else
		fail "$name: exit $got instead of $want" err out
	fi
}

# pipe CODE NAME INPUT COMMAND...: as run, with a file as standard input.
pipe() {
	want=$1 name=$2 input=$3
	shift 3
	"$@" >out 2>err <"$input"
	got=$?
	if [ "$got" -eq "$want" ]; then
		pass "$name"
	else
		fail "$name: exit $got instead of $want" err out
	fi
}

same() {
	if cmp -s "$2" "$3"; then
		pass "$1"
	else
		diff -u "$2" "$3" >diff.txt 2>&1
		fail "$1" diff.txt
	fi
}

# golden NAME FILE: compare with tests/data/FILE; make golden rewrites that file.
golden() {
	[ -z "${PRAIC_GOLDEN-}" ] || cp "${3:-out}" "$data/$2"
	same "$1" "$data/$2" "${3:-out}"
}

check() {
	name=$1
	shift
	if "$@" >check.out 2>&1; then
		pass "$name"
	else
		fail "$name" check.out err
	fi
}

# says NAME TEXT [FILE]: does standard error (or the file) hold the text?
says() {
	if grep -qF -- "$2" "${3:-err}"; then
		pass "$1"
	else
		fail "$1: no \"$2\" in ${3:-err}" "${3:-err}"
	fi
}

silent() {
	if [ -s "${2:-err}" ]; then
		fail "$1: it said something" "${2:-err}"
	else
		pass "$1"
	fi
}

# frame HOST: put the document on standard input into a frame as praic-fetch does
frame() {
	cat >frame.document
	printf '<?praic-site %s bytes="%d"?>\n' "$1" "$(wc -c <frame.document)"
	cat frame.document
	echo
}

done_testing() {
	printf '1..%d\n' "$test_number"
	[ "$test_failures" -eq 0 ]
	exit
}
