# shellcheck shell=sh
# shellcheck disable=SC2317,SC2016
# For the tests of praic-tosql, after lib.sh: streams of made-up sessions,
# and what of them a database holds, worked out without praic's code.

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
# count DB: how many sessions
count() {
	sql "$1" 'SELECT count(*) FROM session'
}

# adds_up NAME: the account of the last run with -v: what was read is what
# was stored, unchanged, older, left out and not stored
adds_up() {
	check "$1" awk '/sessions read:/ { seen = 1
		for (i = 4; i <= NF; i++) if ($i ~ /^[0-9]+$/) n += $i
		exit n != $2 } END { exit !seen }' err
}

# killer DB KILLS STREAM COMMAND...
killer() {
	python3 "$top/tests/tools/killer.py" "$@"
}

# within MIB COMMAND...: the command's exit code; 99 when it took more memory
within() {
	python3 -c 'import resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
print(most, "MiB", file=sys.stderr)
sys.exit(99 if most > int(sys.argv[1]) else code)' "$@"
}
