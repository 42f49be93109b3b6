#!/bin/sh
# praic-fetch(1): its examples run, and its options are those of the program.

# The dollars belong to awk and sh -c.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

page=$top/fetch/praic-fetch.1
check "mandoc accepts the page" mandoc -Tlint -W warning "$page"
"$fetch" --help | grep -oE -e '--[a-z-]+' | sort -u >want
sed 's/\\-/-/g' "$page" | grep -E '^\.(It|Op|Fl)' | grep -oE 'Fl -[a-z-]+' | sed 's/Fl -/--/' |
	grep -vxF -e --ignore | sort -u >got
same "the page has exactly the long options of the help" want got

# The test appliance stands in for the site of the examples.
site_start --sessions 30 --span 1 --seed 4
mkdir bin sessions recordings backups spool
cat >bin/praic-fetch <<E
#!/bin/sh
case \$1 in
-s) shift 2 ;;
--host) shift 6 ;;
esac
exec "$fetch" --host localhost:$port --name pra.example.com --ca-file "$site/ca.pem" \\
	--client-id $client --secret "file:$site/secret" --rate 0 "\$@"
E
chmod +x bin/praic-fetch
for i in split tosql tofs; do ln -s "${bin}$i/praic-$i" "bin/praic-$i"; done
PATH=$work/bin:$PATH
export PATH
awk '/^\.Sh EXAMPLES/ { on = 1; next } /^\.Sh / { on = 0 }
	on && /^\.Bd/ { file = "example." ++n; next } /^\.Ed/ { file = "" }
	on && file { gsub(/\\e/, "\\"); print >file }' "$page"
run 0 "sessions into a database" sh example.1
sqlite3 sessions.db 'select lsid from session order by lsid' >got
truth >want
same "stores all of them" want got
run 0 "sessions and recordings into directories" sh example.2
recordings_truth recordings.truth
find recordings -type f ! -name '.*' -exec sha256sum {} + | cut -d ' ' -f 1 | sort >got
cut -f 5 recordings.truth | sort >want
same "stores all recordings" want got
run 0 "a backup" sh example.3
check "is stored" test "$(find backups -name 'pra.example.com-backup-*.nsb' | wc -l)" -eq 1
run 0 "the syslog" sh example.4
check "is a ZIP" python3 -m zipfile -t syslog.zip
run 0 "a check" sh example.5
check "these were all examples" test ! -e example.6
done_testing
