#!/bin/sh
# praic-split: the joined X lines of a session are the XML of the input, as compared by
# tests/tools/same-xml.py, which shares no code with praic.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

same_xml() {
	# Files that name their site are refused with another -H.
	"$split" "$2" >out 2>err || "$split" -H h "$2" >out 2>err
	check "$1" python3 "$top/tests/tools/same-xml.py" "$2" out
}

for name in pra rs order values events sysinfo markup crlf; do
	same_xml "the XML of $name" "$data/split/$name.xml"
done
# Other XML parsers do not read a file with several roots.
sed '/^<!-- a saved/,$d' "$data/split/names.xml" >names.xml
same_xml "the XML of names" names.xml
for name in marked latin1-then-utf8 markup sysinfo people; do
	sed '/^<?praic-end/d' "$top/tests/fuzz/corpus/$name.xml" |
		awk 'NR > 1 && /^<\?xml/ { exit } { print }' >"$name.xml"
	same_xml "the XML of $name" "$name.xml"
done
for encoding in UTF-16LE UTF-16BE; do
	{ printf '\357\273\277'; cat "$data/split/rs.xml"; } | sed 1s/UTF-8/UTF-16/ |
		iconv -f UTF-8 -t $encoding >utf16.xml
	same_xml "the XML of rs in $encoding" utf16.xml
done
for order in docs details-first shuffled live; do
	python3 "$top/tests/appliance" generate --bytes 600K --order $order >big.xml
	same_xml "the XML of a realistic report, elements in $order order" big.xml
done

# The sessions as praic-tofs saves them: each in a file of its own.
"$split" -H h big.xml >all.rec
python3 - all.rec <<'END'
import sys
un = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}
import re
n = 0
for line in open(sys.argv[1], encoding="utf-8", newline="\n"):
    if line[0] == "S":
        out = open("saved-%03d.xml" % n, "w", encoding="utf-8", newline="")
        n += 1
    elif line[0] == "X":
        out.write(re.sub(r"\\(.)", lambda m: un[m[1]], line[2:-1]))
    elif line[0] == "E":
        out.close()
END
run 0 "the saved sessions of a report" "$split" -H h saved-*.xml
grep -v '^[Hp]' all.rec >want
grep -v '^[Hp]' out >got
same "  give the same records" want got

done_testing
