#!/bin/sh
# praic-split: strange sessions by the hundred: their rows are those that
# another program makes of the same XML by what praic-records(5) says
# (tests/tools/rows-of.py), their XML is the same XML, and what praic-tofs
# saves of them gives the same lines again.  PRAIC_SOAK: ten thousand.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

seeds="1 2 3"
[ -z "${PRAIC_SOAK-}" ] || seeds=$(seq 50)
case ${PRAIC_OUT-} in
*asan*) many=60 ;;
*)	many=200 ;;
esac

# The sessions of a stream that are whole.
whole() {
	awk '/^S/ { open = "" } { open = open $0 "\n" } /^E/ { printf "%s", open }' "$1"
}

# saved FILE: what praic-tofs keeps of its sessions gives the same lines
saved() {
	rm -rf kept
	mkdir kept
	"$split" -H h.example "$1" 2>err >rec
	"$tofs" -p -d kept <rec >names 2>err
	sed 's/^/kept\//' names | xargs -r -d '\n' "$split" >again 2>err
	whole rec | grep -v '^[Hp]' >want
	whole again | grep -v '^[Hp]' >got
	same "${1##*/}, kept as files: the same lines" want got
}

# What is said of values that are none of their type is looked at elsewhere.
for seed in $seeds; do
	python3 "$top/tests/tools/rows-of.py" make "$seed" $many >in.xml
	run 0 "strange sessions, $seed" "$split" -H h.example in.xml
	cp out rec
	check "  the rows" python3 "$top/tests/tools/rows-of.py" check in.xml rec
	check "  the XML" python3 "$top/tests/tools/same-xml.py" in.xml rec
	{ printf '\377\376'; iconv -f UTF-8 -t UTF-16LE in.xml; } >wide.xml
	run 0 "  in UTF-16" "$split" -H h.example wide.xml
	same "  the same records" rec out
	saved in.xml
	check "  all of them" test "$(grep -c '^E' got)" -eq $many
done

for file in "$data"/split/*.xml "$top"/tests/fuzz/corpus/*.xml; do
	saved "$file"
done

done_testing
