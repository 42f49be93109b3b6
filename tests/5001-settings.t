#!/bin/sh
# The settings database as a file: owner, mode, version.
. "${0%/*}/lib.sh"

db=$work/a/b/settings.db
export PRAIC_SETTINGS="$db"

run 0 "init makes the database and its folders" "$conf" init
silent "prints no message"
echo "$db" >want
same "prints the name of the database" want out
stat -c '%a %n' a a/b a/b/settings.db a/b/spool a/b/log >modes
sed 's/^\([0-9]*\) .*/\1/' modes | tr '\n' ' ' >got
printf '700 700 600 700 700 ' >want
same "only the owner may read them" want got
sqlite3 "$db" 'PRAGMA application_id; PRAGMA user_version; PRAGMA journal_mode' >got
known=$(sed -n 's/^#define SETTINGS_VERSION[[:blank:]]*\([0-9]*\).*/\1/p' "$top/common/settings.h")
printf '%d\n%d\ndelete\n' 0x50527365 "$known" >want
same "has application id, version and journal mode" want got
# A change of the tables affects existing databases: increase SETTINGS_VERSION; make
# golden then saves the tables of the new version.
version=$(sqlite3 "$db" 'PRAGMA user_version')
sqlite3 "$db" "SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid" >got
published=$data/schema/settings-$version.sql
[ -z "${PRAIC_GOLDEN-}" ] || cp got "$published"
check "the tables of this version are recorded" test -s "$published"
same "the tables are the recorded ones" "$published" got
sqlite3 old.db "CREATE TABLE site (a); PRAGMA application_id = $((0x50527365)); PRAGMA user_version = 3;"
chmod 600 old.db
cp old.db old.was
run 78 "a database of praic 1 is refused" env PRAIC_SETTINGS=old.db "$conf" init
says "the message says what to do" "move it and its spool away"
same "and unchanged" old.was old.db
sqlite3 "$db" .dump >before
run 0 "init again" "$conf" init
sqlite3 "$db" .dump >after
same "changes nothing" before after

chmod 640 "$db"
run 78 "a mode that lets others read" "$conf" init
says "the message says what to do" "chmod 600"
chmod 600 "$db"
chmod 777 a/b
run 78 "a directory that everybody may write to" "$conf" init
chmod 1777 a/b
run 0 "a sticky directory is allowed" "$conf" init
chmod 700 a/b

if [ "$(id -u)" -eq 0 ]; then
	mkdir other && chmod 755 "$work" other && cp "$db" other/settings.db
	chown -R 1 other
	sqlite3 other/settings.db "UPDATE setting SET value = '$work/other/' || name WHERE name IN ('spool', 'log-directory'); DELETE FROM setting WHERE name = 'spool-id'"
	run 0 "root opens another user's database" env PRAIC_SETTINGS=other/settings.db "$conf" init
	run 0 "root changes another user's database" env PRAIC_SETTINGS=other/settings.db \
		"$conf" schedule add nightly every=1d
	check "no file belongs to root afterwards" test -z "$(find other ! -user 1)"
	check "the change is logged as root's" grep -q 'user 0: schedule add' other/log-directory/*
	mkdir -m 700 owned && chown 1 owned
	run 0 "root makes a database in another user's directory" env PRAIC_SETTINGS=owned/settings.db "$conf" init
	check "it belongs to that user" test -z "$(find owned ! -user 1)"
	chown 2 other/settings.db
	cp "$conf" other/praic-conf
	run 77 "other users may open only their own" setpriv --reuid 1 --clear-groups \
		env PRAIC_SETTINGS=other/settings.db other/praic-conf init
fi

# The spool and the settings have the same id.
check "the spool has an id" grep -qxE '[0-9]+' a/b/spool/id
cp a/b/spool/id want
sqlite3 "$db" "SELECT value FROM setting WHERE name = 'spool-id'" >got
same "which is in the settings" want got
echo 7 >a/b/spool/id
run 78 "the spool of other settings" "$conf" init
says "is refused" "another settings database"
rm a/b/spool/id
: >a/b/spool/x
run 78 "a spool without an id" "$conf" init
rm a/b/spool/x
run 0 "an empty spool is accepted" "$conf" init
: >stands-in-the-way
mkdir -m 700 again
sqlite3 "$db" "VACUUM INTO 'again/settings.db'" && chmod 600 again/settings.db
sqlite3 again/settings.db "UPDATE setting SET value = '$work/again/spool' WHERE name = 'spool';
	UPDATE setting SET value = '$work/stands-in-the-way/log' WHERE name = 'log-directory'"
run 73 "a log directory that cannot be made" env PRAIC_SETTINGS=again/settings.db "$conf" init
sqlite3 again/settings.db "DELETE FROM setting WHERE name = 'log-directory'"
run 0 "a second try, with a spool that the first one made" env PRAIC_SETTINGS=again/settings.db "$conf" init
sqlite3 "$db" .dump >before

run 74 "output to a full disk" sh -c '"$1" init >/dev/full' - "$conf"
: >empty.db
chmod 600 empty.db
run 0 "an empty file, which a crash may leave" \
	env PRAIC_SETTINGS=empty.db "$conf" init
sqlite3 empty.db 'PRAGMA user_version' >got
echo "$known" >want
same "gets its tables" want got

head -c 8192 /dev/urandom >noise.db
chmod 600 noise.db
cp noise.db noise.was
run 78 "a file that is not a database" env PRAIC_SETTINGS=noise.db "$conf" init
same "is unchanged" noise.was noise.db
mkfifo fifo && chmod 600 fifo
run 78 "a FIFO" env PRAIC_SETTINGS=fifo "$conf" init
sqlite3 "$db" "PRAGMA user_version = $((known + 1))"
run 78 "a newer version" "$conf" init
says "the message says what to do" "install the newer praic"
sqlite3 "$db" "PRAGMA user_version = $known"

sqlite3 foreign.db 'CREATE TABLE t (a)'
chmod 600 foreign.db
run 78 "another program's database" env PRAIC_SETTINGS=foreign.db "$conf" init
sqlite3 foreign.db .tables >got
echo t >want
same "is unchanged" want got

echo '<?praic-end documents="0" until="1700000000"?>' >none.xml
"$split" none.xml >none.rec
run 0 "a storage database" "$tosql" -d storage.db none.rec
run 78 "a storage database for settings" env PRAIC_SETTINGS=storage.db "$conf" init
says "is refused" "storage database"
run 78 "the settings as a storage database" "$tosql" -d "$db" none.rec
sqlite3 "$db" .dump >after
same "are unchanged" before after

mkdir -m 700 home
as_nobody=
if [ "$(id -u)" -eq 0 ]; then
	chown 1 home && cp "$conf" "$work/praic-conf"
	as_nobody="setpriv --reuid 1 --clear-groups"
else
	ln -s "$conf" praic-conf
fi
# shellcheck disable=SC2086
run 0 "the default path" env -u PRAIC_SETTINGS -u XDG_CONFIG_HOME \
	-u XDG_STATE_HOME HOME="$work/home" $as_nobody "$work/praic-conf" init
echo "$work/home/.config/praic/settings.db" >want
same "is below ~/.config" want out
check "the spool is below ~/.local/state" [ -d home/.local/state/praic/spool ]
# shellcheck disable=SC2086
run 0 "XDG_CONFIG_HOME is honoured" env -u PRAIC_SETTINGS XDG_CONFIG_HOME="$work/home/xdg" \
	XDG_STATE_HOME="$work/home/xdg-state" \
	HOME="$work/home" $as_nobody "$work/praic-conf" init
echo "$work/home/xdg/praic/settings.db" >want
same "for the path" want out
done_testing
