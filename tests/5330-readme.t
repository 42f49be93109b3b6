#!/bin/sh
# Runs the commands of the README, from the installation to a first run.  Only names
# and addresses are replaced.
. "${0%/*}/lib.sh"
. "$top/tests/appliance.sh"

HOME=$work/home
unset PRAIC_SETTINGS XDG_CONFIG_HOME
PATH=${bin}fetch:${bin}split:${bin}uniq:${bin}tosql:${bin}tofs:${bin}sched:${bin}sched/run:${bin}sched/conf:${bin}sched/mail:$top/scripts:$PATH
export HOME PATH
mkdir -p "$HOME"
appliance_start --clock run --sessions 20 --span 5 --seed 9 --recording-size 1K-2K

awk '/^Unattended/ { on = 1 } on && /^    / { print; seen = 1 } on && seen && /^$/ { exit }' \
	"$top/README" | sed 's/^ *//' >commands
commands=$(wc -l <commands)
check "the README needs at most ten commands: $commands" test "$commands" -ge 5 -a "$commands" -le 10
head -n 1 commands >got
echo "scripts/packages && make && sudo make install" >want
same "the first command builds and installs" want got
# The test replaces /srv by a directory of its own, so sudo is not needed.
tail -n +2 commands | sed -e 's/^sudo //' -e "s,host=access.example.com,host=$PRAIC_HOST," \
	-e "s,client-id=ID,client-id=$PRAIC_CLIENT_ID ca-file=$PRAIC_CA," \
	-e "s,/srv/praic,$work/srv/praic,g" >typed
# Without this, root would change the settings of the machine.
[ "$(id -u)" -ne 0 ] || export PRAIC_SETTINGS="$HOME/.config/praic/settings.db"
while IFS= read -r line; do
	case $line in
	*"site add"*) pipe 0 "$line" "$PRAIC_SECRET_FILE" sh -c "$line" ;;
	*) run 0 "$line" sh -c "$line" ;;
	esac
	grep -v 'client secret' err >words
	silent "prints nothing" words
done <typed
check "the sessions are stored" test "$(sqlite3 srv/praic/sessions.db \
	'SELECT count(*) FROM session')" -eq "$(appliance_truth | wc -l)"
run 0 "run the nightly schedule now" praic-sched -r nightly
check "it stores files, recordings and a backup" test "$(find srv/praic/files -name '*.xml')" -a \
	"$(find srv/praic/files -name '*.flv')" -a "$(find srv/praic/files -name '*-backup-*')"
run 0 "praic-conf check reports no problem" praic-conf check
run 0 "the line with praic-test" sh -c "$(grep '^    praic-test' "$top/README")"
says "says what arrived" "access to store, session: ok" out
# The commands named in the text after the lists.
sed -n '/^`praic-conf status/,/^praic-test/p' "$top/README" | tr '\n' ' ' | grep -o '`[^`]*`' |
	tr -d '`' | sed "s,=FILE,=$work/metrics.prom," >named
check "the text names commands" test "$(wc -l <named)" -ge 4
while read -r line; do
	run 0 "  $line" sh -c "$line"
done <named
run 0 "a run writes the metrics" praic-sched -r often
says "  to the file of the README" praic_last_success_timestamp_seconds metrics.prom
# make install installs the units and files that the lines for systemd name.
sed -n '/^or systemd/,/^`praic-conf status/p' "$top/README" >systemd.txt
for name in $(grep -oE 'praic-[a-z]*\.(service|timer)' systemd.txt | sort -u); do
	check "the named unit exists: $name" test -s "$top/scripts/systemd/$name"
done
for name in sysusers tmpfiles; do
	says "the README calls systemd-$name" "systemd-$name" systemd.txt
	check "  and praic.$name exists" test -s "$top/scripts/systemd/praic.$name"
done
done_testing
