#!/bin/sh
# The settings database as a file: who may open it, and what it must be.
. "${0%/*}/lib.sh"

db=$work/a/b/settings.db
export PRAIC_SETTINGS="$db"

run 0 "init makes it, and the folders above" "$conf" init
silent "says nothing else"
echo "$db" >want
same "prints its name" want out
stat -c '%a %n' a a/b a/b/settings.db a/b/spool a/b/log >modes
sed 's/^\([0-9]*\) .*/\1/' modes | tr '\n' ' ' >got
printf '700 700 600 700 700 ' >want
same "for its owner only" want got
sqlite3 "$db" 'PRAGMA application_id; PRAGMA user_version; PRAGMA journal_mode' >got
known=$(sed -n 's/^#define SETTINGS_VERSION[[:blank:]]*\([0-9]*\).*/\1/p' "$top/common/settings.h")
printf '%d\n%d\ndelete\n' 0x50527365 "$known" >want
same "whose it is, its version, one file" want got
# Who changes this changes databases that there are: make golden keeps what is
# published with a version.
version=$(sqlite3 "$db" 'PRAGMA user_version')
sqlite3 "$db" "SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid" >got
published=$data/schema/settings-$version.sql
[ -z "${PRAIC_GOLDEN-}" ] || cp got "$published"
check "the version is a published one" test -s "$published"
same "the tables are those it was published with" "$published" got
sqlite3 old.db "CREATE TABLE site (a); PRAGMA application_id = $((0x50527365)); PRAGMA user_version = 3;"
chmod 600 old.db
cp old.db old.was
run 78 "a database of praic 1 is refused" env PRAIC_SETTINGS=old.db "$conf" init
says "says what to do" "move it and its spool away"
same "and left alone" old.was old.db
sqlite3 "$db" .dump >before
run 0 "init again" "$conf" init
sqlite3 "$db" .dump >after
same "changes nothing" before after

chmod 640 "$db"
run 78 "a mode that lets others read" "$conf" init
says "says what to do" "chmod 600"
chmod 600 "$db"
chmod 777 a/b
run 78 "a directory that everybody may write to" "$conf" init
chmod 1777 a/b
run 0 "but a sticky one" "$conf" init
chmod 700 a/b

if [ "$(id -u)" -eq 0 ]; then
	mkdir other && chmod 755 "$work" other && cp "$db" other/settings.db
	chown -R 1 other
	sqlite3 other/settings.db "UPDATE setting SET value = '$work/other/' || name WHERE name IN ('spool', 'log-directory'); DELETE FROM setting WHERE name = 'spool-id'"
	run 0 "root opens anybody's" env PRAIC_SETTINGS=other/settings.db "$conf" init
	run 0 "root changes anybody's" env PRAIC_SETTINGS=other/settings.db \
		"$conf" schedule add nightly every=1d
	check "root leaves nothing of root's" test -z "$(find other ! -user 1)"
	check "the change is noted as root's" grep -q 'user 0: schedule add' other/log-directory/*
	mkdir -m 700 owned && chown 1 owned
	run 0 "a new one in somebody's directory" env PRAIC_SETTINGS=owned/settings.db "$conf" init
	check "is theirs" test -z "$(find owned ! -user 1)"
	chown 2 other/settings.db
	cp "$conf" other/praic-conf
	run 77 "others only their own" setpriv --reuid 1 --clear-groups \
		env PRAIC_SETTINGS=other/settings.db other/praic-conf init
fi

# The spool and the settings know each other.
check "the spool has a number" grep -qxE '[0-9]+' a/b/spool/id
cp a/b/spool/id want
sqlite3 "$db" "SELECT value FROM setting WHERE name = 'spool-id'" >got
same "which the settings have" want got
echo 7 >a/b/spool/id
run 78 "the spool of other settings" "$conf" init
says "is left alone" "another settings database"
rm a/b/spool/id
: >a/b/spool/x
run 78 "so is one without a number" "$conf" init
rm a/b/spool/x
run 0 "an empty one is taken" "$conf" init
: >stands-in-the-way
mkdir -m 700 again
sqlite3 "$db" "VACUUM INTO 'again/settings.db'" && chmod 600 again/settings.db
sqlite3 again/settings.db "UPDATE setting SET value = '$work/again/spool' WHERE name = 'spool';
	UPDATE setting SET value = '$work/stands-in-the-way/log' WHERE name = 'log-directory'"
run 73 "a log directory that cannot be made" env PRAIC_SETTINGS=again/settings.db "$conf" init
sqlite3 again/settings.db "DELETE FROM setting WHERE name = 'log-directory'"
run 0 "once it can, the spool is not another's" env PRAIC_SETTINGS=again/settings.db "$conf" init
sqlite3 "$db" .dump >before

run 74 "output to a full disk" sh -c '"$1" init >/dev/full' - "$conf"
: >empty.db
chmod 600 empty.db
run 0 "an empty file, which a crash may leave, is made whole" \
	env PRAIC_SETTINGS=empty.db "$conf" init
sqlite3 empty.db 'PRAGMA user_version' >got
echo "$known" >want
same "with its tables" want got

head -c 8192 /dev/urandom >noise.db
chmod 600 noise.db
cp noise.db noise.was
run 78 "a file that is no database" env PRAIC_SETTINGS=noise.db "$conf" init
same "is left alone" noise.was noise.db
mkfifo fifo && chmod 600 fifo
run 78 "no regular file" env PRAIC_SETTINGS=fifo "$conf" init
sqlite3 "$db" "PRAGMA user_version = $((known + 1))"
run 78 "a newer version" "$conf" init
says "says what to do" "install the newer praic"
sqlite3 "$db" "PRAGMA user_version = $known"

sqlite3 foreign.db 'CREATE TABLE t (a)'
chmod 600 foreign.db
run 78 "another program's database" env PRAIC_SETTINGS=foreign.db "$conf" init
sqlite3 foreign.db .tables >got
echo t >want
same "is left alone" want got

echo '<?praic-end documents="0" until="1700000000"?>' >none.xml
"$split" none.xml >none.rec
run 0 "a storage database" "$tosql" -d storage.db none.rec
run 78 "a storage database for settings" env PRAIC_SETTINGS=storage.db "$conf" init
says "is called what it is" "storage database"
run 78 "the settings as a storage database" "$tosql" -d "$db" none.rec
sqlite3 "$db" .dump >after
same "are left alone" before after

mkdir -m 700 home
as_nobody=
if [ "$(id -u)" -eq 0 ]; then
	chown 1 home && cp "$conf" "$work/praic-conf"
	as_nobody="setpriv --reuid 1 --clear-groups"
else
	ln -s "$conf" praic-conf
fi
# shellcheck disable=SC2086
run 0 "the default, where nothing is said" env -u PRAIC_SETTINGS -u XDG_CONFIG_HOME \
	-u XDG_STATE_HOME HOME="$work/home" $as_nobody "$work/praic-conf" init
echo "$work/home/.config/praic/settings.db" >want
same "is below ~/.config" want out
check "its spool is state" [ -d home/.local/state/praic/spool ]
# shellcheck disable=SC2086
run 0 "XDG_CONFIG_HOME is honoured" env -u PRAIC_SETTINGS XDG_CONFIG_HOME="$work/home/xdg" \
	XDG_STATE_HOME="$work/home/xdg-state" \
	HOME="$work/home" $as_nobody "$work/praic-conf" init
echo "$work/home/xdg/praic/settings.db" >want
same "by its name" want out
done_testing
