#!/bin/sh
# praic-split(1) and praic-records(5) agree with the program in options and columns,
# and their examples run.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

page=$top/split/praic-split.1
records=$top/common/praic-records.5
check "mandoc accepts praic-split(1)" mandoc -Tlint -W warning "$page"
check "mandoc accepts praic-records(5)" mandoc -Tlint -W warning "$records"

"$split" --help | grep -oE -e '--[a-z-]+' | sort -u >has
sed 's/\\-/-/g' "$page" | grep -oE 'Fl -[a-z-]+' | sed 's/Fl -/--/' | sort -u >told
same "the page has exactly the long options of the help" has told
"$split" --help | grep -oE '^  -[a-zA-Z]' | tr -d ' -' | sort >has
sed -n '/^\.It Fl/p' "$page" | grep -oE 'Fl [a-zA-Z]( |$)' | sed 's/Fl //; s/ //' | sort -u >told
same "and the short options" has told

# table and column, in order
"$split" -H h "$data/split/rs.xml" | awk -F '\t' '$1 == "H" { for (i = 3; i <= NF; i++) print $2, $i }' >has
awk '/^\.Va [a-z_]+ [,:]$/ { table = $2 }
	/^\.It (\+ Ns )?Va/ && table != "file" { print table, $3 == "Ns" ? $5 : $3 }' "$records" >told
same "each column is described, in order" has told
# the type of each column, as the page gives it
awk '/^\.Va [a-z_]+ [,:]$/ { table = $2 }
	/^\.It (\+ Ns )?Va/ { i = $3 == "Ns" ? 5 : 3; print table "." $i, $(i + 2) }' "$records" >types
check "each column has a type" sh -c '! grep -vE " (text|number|truth|time)$" types'
sed -n '/^static const struct table_column/,/^};/p' "$top/common/tables.c" | sed -n \
	's/^static const struct table_column \([a-z_]*\).*/T \1/p
	s/.*{"\([a-z0-9_]*\)", TABLE_\([A-Z]*\),.*/C \1 \2/p' |
	awk '$1 == "T" { t = $2 } $1 == "C" { print t "." $2, $3 }' |
	sed 's/TEXT/text/; s/INT/number/; s/BOOL/truth/; s/TIME/time/' | sort >has
sort types >told
same "  the type of the program" has told

# Run the examples with a report that has the sessions they name.
mkdir bin old
ln -s "$split" bin/praic-split
ln -s "$tosql" bin/praic-tosql
PATH=$work/bin:$PATH
sed '/^<?praic/d' "$data/split/pra.xml" >january.xml
sed 's/UTF-8/windows-1252/; /森/d' january.xml | iconv -f UTF-8 -t WINDOWS-1252 >old/a.xml
cp january.xml one.xml
example() {
	awk -v want="$2" '/^\.Sh EXAMPLES/ { on = 1 } !on { next }
		/^\.Dl \$ / { sub(/^\.Dl \$ /, ""); if (++n == want) print }
		/^\.Ed/ { seen = 0 }
		seen && n == want { sub(/^\$ /, ""); print }
		/^\.Bd/ { seen = 1; n++ }' "$1" | sed 's/\\e/\\/g; s/\\(dq/"/g; s/\\(aq/'"'"'/g'
}
run_example() {
	example "$1" "$2" >example.sh
	check "an example: $(head -n 1 example.sh)" test -s example.sh
	run 0 "  runs" sh -e ./example.sh
	silent "  no message"
}
run_example "$page" 1
check "  two sessions are stored" test "$(sqlite3 sessions.db 'select count(*) from session')" = 2
run_example "$page" 2
check "  lists them" grep -qx AA00bb11CC22dd33EE44ff5566778899 out
run_example "$page" 3
check "  writes the selected session" grep -q '^R.session.access.example.com.0f1e2d3c4b5a69788796a5b4c3d2e1f0' out
run_example "$page" 4
check "  in UTF-8" grep -q 'Ines Brandão' old.rec

"$split" -H h january.xml >sessions.rec
run_example "$records" 2
says "  counts the events" "1 Chat Message" out
printf '<session lsid="back\\\\slash"><body>a\tb\\\\n\nc</body></session>' >want
{ printf '<session_list>'; cat want; printf '</session_list>'; } >one.xml
example "$records" 3 | sed 's/praic-split one/praic-split -H h one/' >example.sh
run 0 "an example: $(cat example.sh)" sh ./example.sh
same "  prints the XML" want out

done_testing
