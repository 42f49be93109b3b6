#!/bin/sh
# The options of each program, its --help and its manual page agree; the examples of
# the manual pages and the README run.

# The dollars belong to awk and sh -c.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

for page in "$top"/*/praic*.[1578]; do
	check "mandoc accepts ${page##*/}" mandoc -Tlint -W warning "$page"
done

# The long and short options in a text, one per line.
options_of() {
	awk '{
		gsub(/[][(){}|,;=]/, " ")
		for (i = 1; i <= NF; i++)
			if ($i ~ /^--[a-z][a-z-]*$/) print $i
			else if ($i ~ /^-[A-Za-z0-9]+$/)
				for (k = 2; k <= length($i); k++) print "-" substr($i, k, 1)
	}' | sort -u
}
# agree PROGRAM PAGE SOURCE: compare the options of the source, the help and the page
agree() {
	"$1" --help | options_of >told
	printf '%s\n' --help --version >>told
	sort -u told >help
	# Programs with a table of common/command.h make their help from it; only the
	# others need a comparison of source and help.
	if ! grep -q 'struct command_option ' "$3"; then
		sed -n '/struct option [a-z_]*\[/,/{NULL/p' "$3" |
			grep -oE '\{"[a-z-]+", *[a-z]*_argument' |
			sed 's/{"\([a-z-]*\)".*/--\1/' | sort >table
		sed -n 's/.*getopt_long(argc, argv, "\([^"]*\)".*/\1/p' "$3" | tr -d : | fold -w 1 |
			sed 's/^/-/' | grep -v -e '^-[hV]$' -e '^-$' >>table
		sort -u table >has
		same "${1##*/} --help has exactly the options of the program" has help
	fi
	sed 's/\\-/-/g' "$2" | grep -E '^\.(It|Op)' |
		grep -oE 'Fl -?[A-Za-z0-9][A-Za-z0-9-]*( \| [A-Za-z0-9]( |$))*' |
		sed 's/Fl //; s/|/ /g' | tr -s ' ' '\n' | sed 's/^/-/' | options_of >page
	same "${2##*/} has exactly the options of the help" help page
}
agree "$fetch" "$top/fetch/praic-fetch.1" "$top/fetch/main.c"
agree "$split" "$top/split/praic-split.1" "$top/split/main.c"
agree "$uniq" "$top/uniq/praic-uniq.1" "$top/uniq/main.c"
agree "$tosql" "$top/tosql/praic-tosql.1" "$top/tosql/main.c"
agree "$tofs" "$top/tofs/praic-tofs.1" "$top/tofs/main.c"
agree "$tojson" "$top/tojson/praic-tojson.1" "$top/tojson/main.c"
agree "$tohtml" "$top/tohtml/praic-tohtml.1" "$top/tohtml/main.c"
agree "$find" "$top/find/praic-find.1" "$top/find/main.c"
agree "$conf" "$top/sched/conf/praic-conf.1" "$top/sched/conf/main.c"
agree "$sched" "$top/sched/praic-sched.8" "$top/sched/sched.c"
agree "${bin}sched/run/praic-run" "$top/sched/run/praic-run.1" "$top/sched/run/main.c"
agree "$mail" "$top/sched/mail/praic-mail.1" "$top/sched/mail/mail.c"
# The shell scripts use getopts(1) and have only short options.
for script in praic-test praic-audit; do
	sed -n 's/^while getopts \([a-zA-Z:]*\) .*/\1/p' "$top/scripts/$script" | tr -d : |
		fold -w 1 | sed 's/^/-/' | grep -v '^-h$' | sort >has
	"$top/scripts/$script" --help | sed -n 's/^  \(-[A-Za-z]\) .*/\1/p' | sort >help
	same "$script --help has exactly the options of the script" has help
	sed -n 's/^\.It Fl \([A-Za-z]\)\( .*\)*$/-\1/p' "$top/scripts/$script.1" | sort >page
	same "$script.1 has exactly the options of the script" has page
done

# The files that docs/ name exist.
grep -ohE '`[a-z]+/[a-zA-Z][^` ]*`|`[a-z_]+\.[ch]`' "$top"/docs/*.md | tr -d '`' | grep -v NAME | grep -v NNNN |
	sort -u >named
check "docs/ name files" test "$(wc -l <named)" -gt 40
while read -r file; do
	# shellcheck disable=SC2086
	case $file in
	build/* | [a-z]*/token-*) ;;
	*/*) ls -d "$top"/$file ;;
	*) ls "$top"/*/"$file" ;;
	esac >there.out 2>&1 || echo "$file"
done <named >missing
silent "which exist" missing

# Each column of the settings database, each setting and each field is documented.
PRAIC_SETTINGS=$work/empty/settings.db
export PRAIC_SETTINGS
"$conf" init >init.out
# words_of PAGE MACRO: the words of all lines with this macro
words_of() {
	sed -e ':more' -e '/\\$/{' -e N -e 's/\\\n/ /' -e 'b more' -e '}' "$1" | grep -E "$2" |
		grep -oE '[a-z][a-z0-9_-]+' | sort -u
}
for table in schedule transfer_kind job log recording left_out run setting; do
	sqlite3 empty/settings.db "SELECT name FROM pragma_table_info('$table')"
done | grep -vxE 'id|(schedule|transfer)_id' | sort -u >has
words_of "$top/sched/conf/praic-settings.5" '^\.((It|Pq) )?Va ' >page
comm -23 has page >missing
silent "praic-settings(5) has each column" missing
for thing in site destination schedule transfer setting; do
	"$conf" help $thing
done | awk -F'\t' '{ print $1 ": " $NF }' | sort -u >has
check "there are fields" test "$(wc -l <has)" -gt 40
# In the page, a kind or a default may follow the meaning.
awk '/^\.It Cm [a-z-]+$/ { name = $3; getline; sub(/^\\&/, ""); print name ": " $0
	sub(/ [[(][^[(]*[])]$/, ""); print name ": " $0 }' "$top/sched/conf/praic-conf.1" | sort -u >page
comm -23 has page >missing
silent "praic-conf(1) describes each field as praic-conf help does" missing

sed -n 's/^\.Xr \(praic[a-z-]*\) \([0-9]\).*/\1.\2/p' "$top"/*/praic*.[1578] "$top"/*/*/praic*.[1578] |
	sort -u >named
for page in "$top"/*/praic*.[1578] "$top"/*/*/praic*.[1578]; do echo "${page##*/}"; done | sort -u >there
comm -23 named there >missing
silent "each referenced page exists" missing
comm -13 named there | grep -v '^praic.7$' >unnamed
silent "each page is referenced by another" unnamed

# Run the examples with an appliance that stands in for access.example.com.
site_start --sessions 40 --span 1 --seed 6
mkdir bin srv old
cat >bin/praic-fetch <<EOF
#!/bin/sh
while :; do
	case \$1 in
	--host | --client-id | --secret) shift 2 ;;
	...) shift ;;
	*) break ;;
	esac
done
exec "$fetch" --host localhost:$port --name access.example.com --ca-file "$site/ca.pem" \\
	--client-id $client --secret "file:$site/secret" --rate 0 "\$@"
EOF
chmod +x bin/praic-fetch
for i in split uniq tosql tofs tojson tohtml find; do ln -s "${bin}$i/praic-$i" "bin/praic-$i"; done
for i in conf run mail; do ln -s "${bin}sched/$i/praic-$i" "bin/praic-$i"; done
ln -s "$sched" bin/praic-sched
ln -s "$top/scripts/praic-test" "$top/scripts/praic-audit" bin
PATH=$work/bin:$PATH
export PATH

# examples PAGE: write each example (.Bd to .Ed, or .Dl) to a file example.N
examples() {
	rm -f example.*
	awk '/^\.Sh EXAMPLES/ { on = 1; next } /^\.Sh / { on = 0 }
		!on { next }
		/^\.Bd/ { n++; block = 1; next } /^\.Ed/ { block = 0; next }
		/^\.Dl / { sub(/^\.Dl (\$ )?/, ""); n++; line = 1 }
		block || line { gsub(/\\e/, "\\"); gsub(/\\\(dq/, "\""); gsub(/\\\(aq/, "\047")
			print >("example." n); line = 0 }' "$1"
}
examples "$top/common/praic.7"
run 0 "praic(7): sessions into a database" sh -e example.1
check "  all are stored" test "$(sqlite3 sessions.db 'select count(*) from session')" -eq 40
run 0 "praic(7): into files, and verified" sh -e example.2
check "  they exist" test "$(find files -name '*.xml' | wc -l)" -gt 30
run 0 "praic(7): who was where" sh -e example.3
check "  each session is listed" test "$(wc -l <out)" -ge 40
run 0 "praic(7): who ever typed this" sh -e example.4
check "there are no more examples" test ! -e example.5
examples "$top/find/praic-find.1"
run 0 "praic-find(1): a file" sh -e example.1
run 0 "praic-find(1): a user on some endpoints" sh -e example.2

# The README's pipes: the lines indented by four blanks.
awk '/^---/ { on = title == "One pipe to paste" } { title = $0 }
	on && /^    / { sub(/^    /, ""); print }' "$top/README" >pipes.sh
check "the README has pipes" grep -q '^praic-fetch --host' pipes.sh
rm -rf sessions.db files
f sessions --since 2d | sed '/^<?praic/d' >old/a.xml
lsid=$(lsids old/a.xml | head -n 1)
sed -e "s/e9e99aeb9ad54fb381634498502c5a1b/$lsid/" -e 's,/srv/pra,srv,' \
	-e 's/--since 2026-01-01 --until 2026-02-01/--since 30d/' \
	-e 's/start_time=1767225600/start_time=1/' pipes.sh >run.sh
pipe 0 "the README's pipes" "$site/secret" sh -e run.sh
check "  stored the sessions" test "$(sqlite3 sessions.db 'select count(*) from session')" -eq 40
check "  and files" test "$(find srv -name '*.xml' | wc -l)" -gt 30
sed -n 's/^    \(praic-[a-z]*\) .*/\1/p; s/.*| \(praic-[a-z]*\) .*/\1/p' "$top/README" |
	sort -u >named
for i in $(cat named); do
	check "$i, of the README, exists" sh -c 'command -v "$0"' "$i"
done

# The example of praic-conf(1) for a first run, with names and addresses replaced.
examples "$top/sched/conf/praic-conf.1"
PRAIC_SETTINGS=$work/settings.db
export PRAIC_SETTINGS
rm -rf srv
mkdir -p srv/files
sed -e "s,/srv/praic,$work/srv,g" -e "s,host=access.example.com,host=localhost:$port ca-file=$site/ca.pem," \
	-e "s,client-id=4f1c,client-id=$client secret=file:$site/secret," \
	-e 's/^praic-conf init/& \&\& praic-conf setting set spool-floor=0/' \
	-e 's/ at=03:30//' example.1 >first.sh
run 0 "praic-conf(1): from nothing to a first run" sh -e first.sh
check "  has stored the sessions" test "$(sqlite3 srv/sessions.db 'select count(*) from session')" -eq 40
check "  and a backup" test -n "$(find srv/files -name '*backup*')"
run 0 "praic-conf(1): failing jobs" sh -e example.2
echo Passw0rd >password
pipe 0 "praic-conf(1): sessions into SQL Server" password sh -e example.3
says "  which is not reachable now" "stored, though it does not work now"
run 0 "praic-conf(1): the settings as text" sh -e example.4
check "  there are no more examples" test ! -e example.5
examples "$top/sched/conf/praic-settings.5"
run 0 "praic-settings(5): failing jobs" sh -e example.1
examples "$top/sched/praic-sched.8"
sed -i 's/hourly/often/' example.2
run 0 "praic-sched(8): the next runs" sh -e example.1
run 0 "praic-sched(8): run a schedule now" sh -e example.2
examples "$top/scripts/praic-test.1"
cp old/a.xml january.xml
run 0 "praic-test(1): a site" sh -e example.1
run 0 "praic-test(1): saved files" sh -e example.2
check "there are no more examples" test ! -e example.3
# The mail of praic-mail(1), as it would be sent.
examples "$top/sched/mail/praic-mail.1"
echo secret >mail-password
chmod 600 mail-password
sed -e "s,/etc/praic/mail-password,$work/mail-password," -e 's/praic-mail /praic-mail -n /' \
	example.1 >mail.sh
run 0 "praic-mail(1): a mail" sh -e mail.sh

done_testing
