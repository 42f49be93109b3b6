#!/bin/sh
# scripts/run-tests: a run passes only if each requested file ran to its plan.
. "$(dirname "$0")/lib.sh"

# file NAME: write standard input to a test file.
file() {
	cat >"$work/$1.t"
}

# tests NAME...: run these test files, two at a time.
tests() {
	for one; do
		set -- "$@" "$work/$one.t"
		shift
	done
	PRAIC_JOBS=2 "$top/scripts/run-tests" "$@"
}

last() {
	tail -n 1 out >last
	echo "$1 passed, $2 failed, $3 skipped" >want
	same "the last line counts $1, $2, $3" want last
}

file good <<'T'
echo "ok 1 - this"; echo "# a note"; echo 1..1
T
file other <<'T'
echo 1..2; echo ok 1; echo ok 2
T
run 0 "two good files" tests good other
last 2 0 0
says "the comment of a good file is printed" "# a note" out
check "no file is reported as failed" sh -c '! grep -i fail out | grep -v " 0 failed"'

# Each kind of failure runs between two good files.
file bad <<'T'
echo 1..2; echo "not ok 1 - the rows"; echo "# seen: 3"; echo ok 2; exit 1
T
file bail <<'T'
echo 1..1; echo "Bail out! no server"; exit 1
T
file signal <<'T'
echo 1..1; echo ok 1; kill -SEGV $$
T
file planless <<'T'
echo ok 1
T
file few <<'T'
echo 1..2; echo ok 1
T
file many <<'T'
echo 1..1; echo ok 1; echo ok 2
T
file empty </dev/null
file status <<'T'
echo ok 1; echo 1..1; exit 3
T
file reasonless <<'T'
echo 1..0
T
file skip_status <<'T'
echo "1..0 # SKIP none"; exit 1
T
for kind in bad bail signal planless few many empty status reasonless skip_status missing; do
	run 1 "$kind, among others" tests good "$kind" other
	last 2 1 0
	says "$kind is named" "FAILED: $work/$kind.t" out
done
run 1 "a bail-out with no others" tests bail
last 0 1 0
run 1 "all failing files together" tests bad bail signal planless few many empty status reasonless skip_status missing
last 0 11 0
says "a failed check is printed" "not ok 1 - the rows" out
says "with its comment" "# seen: 3" out
says "the reason of a bail-out is printed" "Bail out! no server" out
says "the signal is printed" "Ended by signal 11" out
says "the number of planned checks is printed" "You planned 2 tests but ran 1" out

# Skipped files and checks are listed with the reason and do not fail the run.
file skip <<'T'
echo "1..0 # SKIP no server here"
T
file part <<'T'
echo "ok 1 - by IPv6 # SKIP there is none"; echo 1..1
T
run 0 "a file and a check that are skipped" tests skip good part
last 2 0 1
says "the file is listed with its reason" "skipped: $work/skip.t: no server here" out
says "the check is listed with its reason" "skipped: $work/part.t, check 1: there is none" out

# These files fail, or crash, in their first run only.
first='[ -e "$0.ran" ] || { : >"$0.ran"; echo "not ok 1'
file slow <<T
echo 1..1; $first - in time"; exit 1; }; echo ok 1
T
run 0 "a file that fails while others run and passes alone" tests good slow
last 2 0 0
says "is listed" "passed alone, failed beside others: $work/slow.t" out
rm -f slow.t.ran
run 1 "the same file fails without others" tests slow
last 0 1 0

file died <<T
echo 1..1; $first - in time"; kill -SEGV \$\$; }; echo ok 1
T
file program <<T
echo 1..1; $first - backup: exit 139 instead of 0"; exit 1; }; echo ok 1
T
file sanitizer <<T
echo 1..1; $first - backup"; echo "#   ERROR: AddressSanitizer: x"; exit 1; }; echo ok 1
T
file bails <<T
echo 1..1; $first - x"; echo "Bail out! x"; exit 1; }; echo ok 1
T
file stops <<T
$first - x"; exit 1; }; echo 1..1; echo ok 1
T
for kind in died program sanitizer bails stops; do
	run 1 "$kind: a second run does not clear a crash" tests good "$kind"
	last 1 1 0
done

file long <<'T'
echo 1..1; kill -TERM $PPID; sleep 1; echo ok 1
T
run 1 "a run that is stopped by a signal fails" tests good long
check "and has no last line with counts" sh -c '! grep "skipped$" out'
done_testing
