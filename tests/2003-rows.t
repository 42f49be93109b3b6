#!/bin/sh
# praic-split with hundreds of random, unusual sessions.  Their rows are those that
# tests/tools/rows-of.py, which follows praic-records(5), makes from the same XML;
# their X lines are the same XML; and files saved by praic-tofs give the same records
# again.  PRAIC_LONG: ten thousand.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

seeds="1 2 3"
[ -z "${PRAIC_LONG-}" ] || seeds=$(seq 50)
case ${PRAIC_OUT-} in
*asan*) many=60 ;;
*)	many=200 ;;
esac

# The complete sessions of a stream.
whole() {
	awk '/^S/ { open = "" } { open = open $0 "\n" } /^E/ { printf "%s", open }' "$1"
}

# saved FILE: check that the files that praic-tofs saves give the same records
saved() {
	rm -rf kept
	mkdir kept
	"$split" -H h.example "$1" 2>err >rec
	"$tofs" -p -d kept <rec >names 2>err
	sed 's/^/kept\//' names | xargs -r -d '\n' "$split" >again 2>err
	whole rec | grep -v '^[Hp]' >want
	whole again | grep -v '^[Hp]' >got
	same "${1##*/}, saved as files: the same records" want got
}

# Messages about values of a wrong type are tested elsewhere.
for seed in $seeds; do
	python3 "$top/tests/tools/rows-of.py" make "$seed" $many >in.xml
	run 0 "strange sessions, $seed" "$split" -H h.example in.xml
	cp out rec
	check "  the rows are right" python3 "$top/tests/tools/rows-of.py" check in.xml rec
	check "  the XML is right" python3 "$top/tests/tools/same-xml.py" in.xml rec
	{ printf '\377\376'; iconv -f UTF-8 -t UTF-16LE in.xml; } >wide.xml
	run 0 "  in UTF-16" "$split" -H h.example wide.xml
	same "  the same records" rec out
	saved in.xml
	check "  all sessions" test "$(grep -c '^E' got)" -eq $many
done

for file in "$data"/split/*.xml "$top"/tests/fuzz/corpus/*.xml; do
	saved "$file"
done

done_testing
