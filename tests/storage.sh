# shellcheck shell=sh
# shellcheck disable=SC2317,SC2016
# Functions for the tests of praic-tosql: make streams of sessions, and compute
# without praic's code what a database must hold of them.  Source lib.sh first.

: "${top:?}"

make_records() {
	python3 "$top/tests/tools/make-records.py" "$@"
}
storage() {
	python3 "$top/tests/tools/storage.py" "$@"
}
sql() {
	sqlite3 -batch -noheader "$@"
}
# count DB: the number of sessions
count() {
	sql "$1" 'SELECT count(*) FROM session'
}

# adds_up NAME: check that the counts of the last run with -v add up: read equals
# stored plus unchanged, older, left out and not stored
adds_up() {
	check "$1" awk '/sessions read:/ { seen = 1
		for (i = 4; i <= NF; i++) if ($i ~ /^[0-9]+$/) n += $i
		exit n != $2 } END { exit !seen }' err
}

# killer DB KILLS STREAM COMMAND...: see tests/tools/killer.py
killer() {
	python3 "$top/tests/tools/killer.py" "$@"
}

# within MIB COMMAND...: exits with the command's code, or 99 if it used more memory
within() {
	python3 -c 'import resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
print(most, "MiB", file=sys.stderr)
sys.exit(99 if most > int(sys.argv[1]) else code)' "$@"
}
