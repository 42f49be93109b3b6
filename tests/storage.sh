# shellcheck shell=sh
# For the tests of praic-tosql, after lib.sh: streams of made-up sessions,
# and what of them a database holds, worked out without praic's code.

make_records() {
	python3 "$top/tests/tools/make-records.py" "$@"
}
storage() {
	python3 "$top/tests/tools/storage.py" "$@"
}
sql() {
	sqlite3 -batch -noheader "$@"
}
# count DB: how many sessions
count() {
	sql "$1" 'SELECT count(*) FROM session'
}
