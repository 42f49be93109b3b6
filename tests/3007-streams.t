#!/bin/sh
# praic-tosql with random streams that have some forty kinds of faults, and with copies
# in any order: tests/tools/streams.py computes the expected rows from the rules alone.
# PRAIC_SEED sets the seed.  PRAIC_LONG: a thousand streams.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/storage.sh
. "$top/tests/storage.sh"

streams() {
	python3 "$top/tests/tools/streams.py" "$@"
}
many=60
[ -z "${PRAIC_LONG-}" ] || many=1000
for seed in "${PRAIC_SEED:-1}" 2; do
	rm -f s.db*
	check "streams of seed $seed" streams "$seed" $many s.db "$tosql" -v -d s.db
done
# Three copies of the same sessions in each order, with repetitions: the newest copy is
# stored in the end.
make_records --sessions 8 --state open >open.rec
make_records --sessions 8 >ended.rec
make_records --sessions 8 --state grown >grown.rec
for order in "open ended grown" "open grown ended" "ended open grown" "ended grown open" \
	"grown open ended" "grown ended open"; do
	rm -f o.db*
	for s in $order $order open ended; do
		"$tosql" -d o.db "$s.rec" || echo "exit $?"
	done >out 2>&1
	check "$order, twice: no message" test ! -s out
	storage dump o.db --no-ids >"dump.$(echo "$order" | tr ' ' -)"
done
check "the same in any order" sh -c 'cksum <dump.open-ended-grown >one
	for f in dump.*; do cksum <"$f" | cmp -s - one || exit 1; done'
check "the newest copy is stored" storage check o.db grown.rec

done_testing
