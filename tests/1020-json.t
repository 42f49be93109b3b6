#!/bin/sh
# praic-split -j: one JSON object a session, the same as the records say.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

python3 "$top/tests/appliance" generate --bytes 2M --order shuffled >big.xml
for file in "$data"/split/*.xml "$top"/tests/fuzz/corpus/*.xml big.xml; do
	name=${file##*/}
	"$split" -H def.example "$file" >rec 2>rec.err
	code=$?
	run $code "$name: the same exit code" "$split" -j -H def.example "$file"
	same "  the same words" rec.err err
	check "  the same content" python3 "$top/tests/tools/json-of.py" rec out
	cat out >>all.json
done

check "jq reads it" sh -c 'jq -c .lsid <all.json >lsids && [ "$(wc -l <lsids)" -eq "$(wc -l <all.json)" ]'
"$split" -j "$data/split/pra.xml" >pra.json
check "  and finds its way" test "$(jq -r '.events[] | select(.type == "Chat Message") |
	.performed_by + ": " + .data[0].name' <pra.json)" = "Ines Brandão (OT): body"
cat >import.sql <<'END'
create table j(o text);
.mode ascii
.separator "\001" "\n"
.import all.json j
select count(*), sum(json_valid(o)) from j;
END
sqlite3 :memory: <import.sql >valid 2>err
lines=$(wc -l <all.json)
check "SQLite reads it" test "$(tr '\001' ' ' <valid)" = "$lines $lines"

run 75 "cut input: whole objects only" sh -c 'head -c 5000 "$1" | "$2" -j' - \
	"$data/split/pra.xml" "$split"
check "  none" test ! -s out
run 73 "no place for temporary files" env TMPDIR=/nowhere "$split" -j big.xml
"$split" -j -H h big.xml >/dev/full 2>err
check "a full disk: 74" test $? -eq 74

done_testing
