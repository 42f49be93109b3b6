#!/bin/sh
# scripts/praic-audit reports sessions and recordings that are missing or stored in
# an older form, and no others.
. "${0%/*}/lib.sh"
. "$top/tests/appliance.sh"
. "$top/tests/run.sh"

start=$(($(date +%s) / 86400 * 86400))
appliance_start --sessions "${AUDIT_SESSIONS:-120}" --span 8 --recording-size 1K-2K \
	--now $start --clock fixed --end $start
settings
mkdir dir
files_too session,recording,shell,screen
PATH=$(dirname "$conf"):$PATH
"$conf" destination add siem exec command='cat >/dev/null' >conf.out 2>&1
now=$start
audit=$top/scripts/praic-audit
audited() {
	audit_code=$1 audit_name=$2
	shift 2
	run "$audit_code" "$audit_name" "$audit" -s pra -f 9d "$@"
}

run 0 "--help" "$audit" --help
says "prints the options" "-s SITE" out
run 64 "no site" "$audit" -f 9d db
run 64 "no span" "$audit" -s pra db
run 64 "no destination" "$audit" -s pra -f 9d
audited 64 "an exec destination" db siem
says "cannot be audited" "siem: not possible"
audited 78 "an unknown destination" nowhere
says "is named" nowhere
run 78 "an unknown site" "$audit" -s nowhere -f 9d db
check "is one line" test "$(wc -l <err)" -eq 1
check "nothing was fetched so far" sh -c '! grep -q AccessSession appliance/log'
audited 73 "a database that does not exist yet" db
says "fails, and is not reported as empty" "db: failed (73)" out

step 0 "fetch sessions" fetch pra session
step 0 "store them in a database" store 1 session
step 0 "store them in files" store 2 session
while [ "$(sql "SELECT count(*) FROM recording WHERE state = 'owed'")" -gt 0 ]; do
	praic_run fetch pra file >out 2>&1 || break
done
step 0 "store recordings" store 2 file

over=$(appliance_truth | awk -F '\t' '$2 != "-"' | wc -l)
open=$(appliance_truth | awk -F '\t' '$2 == "-"' | wc -l)
recordings=$(sql "SELECT count(*) FROM recording")
progress=${open#0}
progress=${progress:+, $open sessions in progress}
audited 0 "everything is stored" db dir
cat >want <<END
db: $over of $over sessions$progress
dir: $over of $over sessions, $recordings of $recordings recordings$progress
END
same "which is said" want out
silent "on standard error nothing"
check "there are many" test "$over" -gt 95 -a "$recordings" -gt 40

# One session and one recording are removed; a session has an older form.
lsid=$(appliance_truth | awk -F '\t' '$2 != "-" && ++n == 70 { print $1 }')
older=$(appliance_truth | awk -F '\t' '$2 != "-" && $3 > 3 && ++n > 90 { print $1; exit }')
sqlite3 sessions.db "PRAGMA foreign_keys = ON; DELETE FROM session_event_data WHERE session_event_id IN
	(SELECT v.id FROM session_event v JOIN session s ON s.id = v.session_id WHERE lsid = '$lsid');
	DELETE FROM session WHERE lsid = '$lsid'"
"$fetch" -s pra sessions --lsid "$older" | "$split" | awk -F '\t' -v OFS='\t' '
	$1 == "H" && $2 == "session" { for (i = 3; i <= NF; i++) c[$i] = i }
	$1 == "R" && $2 == "session" { $(c["end_time"]) = "\\N"; $(c["over"]) = 0 }
	$1 != "X"' >older.rec
run 0 "an older form of a session" "$tosql" --force -D db older.rec
audited 65 "a session is removed, one is stored in an older form" db dir
{
	echo "db: $((over - 2)) of $over sessions$progress"
	printf '    %s\n' "missing: $lsid session" "older form: $older session" | sort -k 2
	echo "dir: $over of $over sessions, $recordings of $recordings recordings$progress"
} | sort >want
sort out >got
same "both are reported" want got

# Remove a session and a recording from the ledger.
run 0 "the database gets the missing session" sh -c '"$fetch" -s pra sessions --since 9d | "$split" | "$tosql" -D db'
audited 0 "nothing is missing there now" db
grep -v "	session	$lsid	" dir/.praic-ledger >ledger
last=$(awk -F '\t' '$3 == "shell" { l = $4 " " $3 " " $5 } END { print l }' ledger)
awk -F '\t' '$3 == "shell" { n = NR } { line[NR] = $0 } END { for (i = 1; i <= NR; i++) if (i != n) print line[i] }' \
	ledger >dir/.praic-ledger
rm -f dir/.praic-index*
audited 65 "a session and a recording are not in the ledger" dir
cat >want <<END
    missing: $last
    missing: $lsid session
dir: $((over - 1)) of $over sessions, $((recordings - 1)) of $recordings recordings$progress
END
sort want >want.sorted
sort out >got
same "both are reported for files" want.sorted got
sql "UPDATE recording SET state = 'gone' WHERE lsid = '${last%% *}' AND kind = 'shell'"
gone=$(sql "SELECT count(*) FROM recording WHERE lsid = '${last%% *}' AND kind = 'shell'")
audited 65 "a recording that is gone" dir
says "is counted separately" ", 1 recordings gone" out
says "is listed as gone" "    gone: $last" out
check "stored recordings are not listed as gone" test "$(grep -c gone: out)" -eq 1 -a "$gone" -ge 1
says "the missing session is still listed" "    missing: $lsid session" out
sql "UPDATE recording SET state = 'lost' WHERE state = 'gone'"
audited 65 "a recording that is lost" dir
says "is listed as lost" "    lost: $last" out
"$conf" transfer set 2 kinds=session >conf.out 2>&1
audited 65 "recordings that no transfer stores" dir
says "are not counted" "dir: $((over - 1)) of $over sessions$progress" out
check "and not listed" sh -c '! grep -q recording out'
until=$(date -u -d "@$((start - 2 * 86400))" +%Y-%m-%dT%H:%M:%SZ)
run 0 "with -t" "$audit" -s pra -f 9d -t "$until" db
n=$(sqlite3 sessions.db "SELECT count(*) FROM session WHERE end_time IS NOT NULL AND
	unixepoch(start_time) < $start - 2 * 86400")
says "only sessions before that time are counted" "db: $n of $n sessions" out

appliance_control fault set hang-up >fault.out
impatient
audited 69 "an appliance that is down" db
silent "nothing is printed for the destination" out
appliance_control fault clear >fault.out
mv dir away
mkdir dir
audited 73 "a share that is not mounted" db dir
says "the other destination is audited" "db: $over of $over sessions" out
check "no temporary directory is left" sh -c '! ls -d "$TMPDIR"/praic-audit.*'
done_testing
