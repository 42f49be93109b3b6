#!/bin/sh
# Connection strings of SqlClient, ODBC and OLE DB: each one in
# tests/data/3010-connstr.txt gives the result listed there, and no message has a
# secret.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
tool=${bin}tests/tools/connstr
tab=$(printf '\t')

# secret_in FILE...: does a file contain a secret?
secret_in() {
	grep -i s3cret "$@" >found
}
touch string
chmod 600 string
: >messages
strings=0
while IFS="$tab" read -r want text; do
	case $want in \#*) continue ;; esac
	strings=$((strings + 1))
	printf '%s\n' "$text" | tr '~' '\n' >string
	"$tool" string >out 2>err
	case $want in
	\[*)
		printf '%s\n' "$want" >want
		same "taken: $text" want out
		;;
	*)
		says "refused: $text" "$want"
		check "in one line" test "$(wc -l <err)" = 1
		"$tosql" -d @string >out 2>err.file </dev/null
		same "praic-tosql prints the same message" - err.file <<END
praic-tosql: string: $(sed 's/^connstr: line: //' err)
END
		cat out err.file >>messages
		"$conf" -d "$work/settings.db" destination add x sql connection="@$work/string" \
			>>messages 2>&1 </dev/null
		;;
	esac
	cat err >>messages
	# As an argument, where a string with a password does not belong.
	"$tosql" -d "$(cat string)" </dev/null >>messages 2>&1
	"$conf" -d "$work/settings.db" destination add x sql connection="$(cat string)" \
		>>messages 2>&1 </dev/null
done <"$data/3010-connstr.txt"
check "at least 120 strings are tested" test "$strings" -ge 120
check "with at least 150 messages" test "$(wc -l <messages)" -ge 150
if secret_in messages; then fail "a secret is in a message" found; else pass "no secret is in any message"; fi
check "no file has such a name" test -z "$(find . -iname '*s3cret*')"

# several errors give one message
echo 'Server=h:1;ApplicationIntent=ReadOnly;Encrypt=Strict;Nonsense=1;DSN=d;pwd=x' >string
"$tool" string >out 2>err
for i in "behind a comma" "replica" "Encrypt=Strict" "part 4" "odbc.ini"; do
	says "one message says: $i" "$i"
done
check "one" test "$(wc -l <err)" = 1
# reads NAME STRING-WITH-ESCAPES RESULT
reads() {
	# shellcheck disable=SC2059
	printf "$2" >string
	"$tool" string >out 2>err
	echo "$3" >want
	same "$1" want out
}
reads "a byte order mark" '\357\273\277Server=h;\r\nUser Id=u;\r\nPassword=p\r\n' \
	'[h] [-] 0 [-] [u] [p] [-] encrypt 15'
reads "invalid UTF-8" 'server=h;uid=u;pwd=p\377\n' refused
reads "UTF-16" '\377\376s\0e\0' refused
reads "an empty file" '' refused
reads "empty lines" '\n\n' refused
# Paths that do not look like connection strings.
for i in a.db 2024-01-01T10:00.db ./a=b.db sqlite:a=b.db; do
	run 66 "a path: $i" "$tosql" -d "sqlite:${i#sqlite:}" no-such.rec
done
# The manual page lists each accepted keyword.
MANWIDTH=9999 mandoc -Tutf8 "$top/tosql/praic-tosql.1" 2>/dev/null | col -b | tr -s ' \t\n' ' ' >page
sed -n '/^static const struct keyword {/,/^};/p' "$top/tosql/connstr.c" |
	sed -n '/{LIMITED, [^}]*NULL,/d; s/.*{[A-Z]*, "\([A-Z][^"]*\)".*/\1/p; s/^	"\([A-Z][A-Za-z_ ]*|.*\)",*$/\1/p' |
	tr '|' '\n' | sed '/^$/d' >keywords
check "there are many" test "$(wc -l <keywords)" -gt 90
while read -r word; do
	grep -qF "$word" page || echo "$word"
done <keywords >missing
check "the manual page has all of them" test ! -s missing
done_testing
