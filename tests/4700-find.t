#!/bin/sh
# praic-find finds the current content of a store, whatever happened to the index, to
# the store, or to praic-find itself.

# The backslashes belong to Windows paths, the dollars to sh -c.
# shellcheck disable=SC1003,SC2016

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/storage.sh
. "$top/tests/storage.sh"

# say.py LSID/START/USER/ENDPOINT[/TYPE/BY/NAME=TEXT]...: write a session for each
# argument, with an event each second from START (Unix seconds) on.
cat >say.py <<'END_PY'
import sys, time
sys.path.insert(0, sys.argv[1])
from columns import TABLES
def field(v):
    return "\\N" if v is None else str(v).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
out = open(1, "w", encoding="utf-8", newline="")
out.write("praic-records\t1\n")
for t, c in TABLES.items():
    out.write("\t".join(("H", t, *c.split())) + "\n")
when = lambda t: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))
for a in sys.argv[2:]:
    a = a.encode().decode("unicode_escape").encode("latin-1").decode() if "\\" in a else a
    lsid, start, user, endpoint, *events = a.split("/")
    rows = [("customer", 1, None, None, endpoint.upper(), None, None, None, None, endpoint, None, 0, None)]
    for n in range(len(events) // 3):
        kind, by, text = events[3 * n:3 * n + 3]
        rows.append(("session_event", n + 1, kind, when(int(start) + n),
                     {"r": user.title(), "c": endpoint, "s": "System"}[by],
                     {"r": "representative", "c": "customer", "s": "system"}[by], None, None,
                     {"r": 2, "c": 1, "s": 0}[by], None))
        for k, v in enumerate(text.split("&")):
            rows.append(("session_event_data", n + 1, k + 1, *v.split("=", 1)))
    rows.append(("user", 2, 7, user, user.title(), "Public", 1, None, None, 1, 1, 1, None, None, 0))
    rows.append(("session", "a.example", lsid, "support", when(int(start)), when(int(start) + 99))
                + (None,) * 13 + (1,))
    out.write("S\ta.example\t%s\n" % lsid)
    for r in rows:
        out.write("\t".join(("R", r[0], *map(field, r[1:]))) + "\n")
    out.write("E\t%s\t%d\t0\n" % (lsid, len(rows)))
out.write("Z\t%d\t0\n" % (len(sys.argv) - 2))
END_PY
say() {
	python3 say.py "$top/tests/tools" "$@"
}
C='Chat Message' W='Session Foreground Window Changed'
say "one/1700000000/ann/srv-1/$C/r/body=Please restart Zoë's service/$C/c/body=no, wait/$W/c/exeName=C:\\\\Windows\\\\notepad.exe&windowName=passwords.txt" \
	"two/1700100000/o'brien/db-1/$C/r/body=restart the café now/Shell/r/text=rm -rf cache&instance=77/Note/s/body=service CHG-2041 was restarted" \
	"three/1600000000/ann/db-2/Shell/r/text=service postgres restart&instance=0" >some.rec
run 0 "a store" "$tosql" -d s.db some.rec
sha256sum <s.db >before

# found WANT ARGUMENT...: check the lsids that praic-find prints
found() {
	found_want=$1
	shift
	run 0 "$*" "$find" -d s.db -l "$@"
	echo "$found_want" | tr ' ' '\n' | sed '/^$/d' >want
	same "  finds ${found_want:-nothing}" want out
	silent "  no message"
}
found "three one two" restart
check "the index is beside the store, for its owner alone" test "$(stat -c %a s.db.find)" = 600
found "one" restart please
found "one two" please OR chg
found "two" restart NOT please NOT postgres
found "three two" 'restart NOT please'
found "three" '"service postgres"'
found "" '"postgres service"'
found "three one two" 'RESTART*'
found "one" zoe
found "two" 'CAFE'
found "two" CHG-2041
found "two" 'rm -rf'
found "one" 'C:\Windows\note*'
found "one" notepad passwords
found "" nowhere
found "" 77
found "one two" restart --since 2023-01-01
found "three" restart --until 2023-01-01
found "two" -e 'db-*' --since 2023-01-01 restart
found "three one" -u ANN restart
found "two" -u "o'b*" restart
found "three" -t shell restart
found "one two" -t 'Chat M?ssage' restart
run 0 "one event" "$find" -d s.db '"the café"'
printf '2023-11-16T02:00:00Z\ttwo\to'\''brien\tdb-1\trestart the café now\n' >want
same "  has time, session, user, endpoint, text" want out
run 0 "an event of the endpoint" "$find" -d s.db notepad
printf '2023-11-14T22:13:22Z\tone\t(ann)\tsrv-1\tC:\\Windows\\notepad.exe | passwords.txt\n' >want
same "  has the session's user in parentheses" want out
python3 "$top/tests/tools/terminal.py" -- "$find" -d s.db restart >out
cat >want <<'END_TABLE'
TIME                  SESSION  USER     ENDPOINT  TEXT
2020-09-13T12:26:40Z  three    ann      db-2      service postgres restart
2023-11-14T22:13:20Z  one      ann      srv-1     Please restart Zoë's service
2023-11-16T02:00:00Z  two      o'brien  db-1      restart the café now
END_TABLE
same "on a terminal the output is a table" want out
sha256sum <s.db >after
same "the store is unchanged" before after

# Messages about bad queries do not mention SQL.
for words in 'AND x' '(x' '"x' 'x OR' 'NOT x' 'x (y)' '-' '' 'NEAR(x y)'; do
	run 64 "a bad query: $words" "$find" -d s.db -- "$words"
	check "  the message does not mention SQL" sh -c 'test -s err && ! grep -qiE "fts5|sql|select|column" err'
done
run 0 "other special characters" "$find" -d s.db 'x:y ^a {b c}: -d; "say ""it""" e+f *'
run 64 "a bad time" "$find" -d s.db --since yesterday x
run 64 "no words" "$find" -d s.db
run 64 "no store" "$find" x
run 66 "a missing store" "$find" -d none.db x
check "  no index is made" test ! -e none.db.find
echo text >text.db
run 78 "a store that is not a database" "$find" -d text.db x
sql other.db 'CREATE TABLE t (x)'
run 78 "a database of another program" "$find" -d other.db x
cp other.db other.copy
run 78 "an index that is a file of another program" "$find" -d s.db --index other.db x
same "  is unchanged" other.copy other.db
run 73 "an index that is a directory" "$find" -d s.db --index . x
says "  is named" ".: "
run 74 "output to a full device" sh -c '"$find" -d s.db restart >/dev/full'

# The folder of the store is read-only.
mkdir ro
cp s.db ro/
chmod 444 ro/s.db
chmod 555 ro
as_user() {
	if [ "$(id -u)" = 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi
}
mkdir own
cp "$find" own/
[ "$(id -u)" != 0 ] || { chmod 755 . && chown -R 65534 own ro; }
if as_user own/praic-find --version >/dev/null 2>&1; then
	run 73 "a read-only folder" as_user own/praic-find -d ro/s.db restart
	says "  the message says what to do" "--index"
	run 0 "  with --index" as_user own/praic-find -d ro/s.db --index own/i -l restart
	check "  all sessions are found" test "$(wc -l <out)" = 3
	chmod 755 ro
	echo log >ro/s.db-wal
	chmod 555 ro
	run 73 "  a store that a killed loader left" as_user own/praic-find -d ro/s.db --index own/i x
fi
chmod 755 ro

# Untrusted text; praic does not store ESC, but another program may.
say 'x/1700000000/a	b/e\xc2\x9b2J/Chat/r/body=evil @[31m \xe2\x80\xae tab	line
feed' >evil.rec
run 0 "text with control characters" "$tosql" -d evil.db evil.rec
sql evil.db "UPDATE session_event_data SET value = replace(value, '@', char(27))"
run 0 "  is found" "$find" -d evil.db evil
check "  and printed with escapes" sh -c '[ "$(wc -l <out)" = 1 ] && [ "$(tr -cd "\t" <out | wc -c)" = 4 ] &&
	grep -qF "\\x1b[31m \\u{202e} tab\\tline\\nfeed" out && ! grep -q "$(printf "\033")" out'
sql evil.db "UPDATE session_event_data SET value = 'nul' || char(0) || 'behind evil'"
rm evil.db.find
run 0 "text with U+0000" "$find" -d evil.db behind
check "  is found after it" grep -q 'nul behind' out

# Replaced and removed sessions; an index that does not match the store.
cp s.db old.db
say "one/1700000000/ann/srv-1/$C/r/body=Please stop it/$C/r/body=x/$C/r/body=y/$C/r/body=z" >new.rec
run 0 "a session is replaced" "$tosql" -d s.db new.rec
found "one" please
found "one" stop
found "three two" restart
sql s.db "PRAGMA foreign_keys = ON; DELETE FROM session_event WHERE session_id = (SELECT id FROM session
	WHERE lsid = 'two'); DELETE FROM session WHERE lsid = 'two'"
found "three" restart
cp old.db s.db
rm -f s.db-wal s.db-shm
found "three one two" restart
run 0 "an older copy of the store, loaded with other sessions" "$tosql" -d s.db new.rec
found "one" stop
sqlite3 s.db '.backup old.db'
for size in "a=1" "a=1/$C/r/body=b/$C/r/body=c"; do	# as many events, and more
	say "five/1700000000/ann/srv-1/$C/r/body=before" >five.rec
	say "six/1700000001/ann/srv-1/$C/r/body=afterwards&$size" >six.rec
	run 0 "a session is loaded" "$tosql" -d s.db five.rec
	found "five" before
	rm -f s.db-wal s.db-shm
	cat old.db >s.db
	run 0 "an older copy in the same file, loaded with another" "$tosql" -d s.db six.rec
	found "six" afterwards
	found "" before
	rm -f s.db-wal s.db-shm
	cat old.db >s.db
done
say "four/1700000000/ann/srv-1/$C/r/body=elsewhere restart" >four.rec
run 0 "another store under the same name" "$tosql" -d s2.db four.rec
mv s2.db s.db
found "four" restart

# Compared with another search, in texts of all kinds.
make_records --sessions 300 >many.rec
run 0 "many sessions" "$tosql" -d m.db many.rec
cat >truth.py <<'END_PY'
import re, sqlite3, sys, unicodedata
def fold(text):
    text = unicodedata.normalize("NFKD", text.lower())
    return re.findall(r"[^\W_]+|\x00", "".join(c for c in text if not unicodedata.combining(c)))
words = [fold(w) for w in sys.argv[2:]]
db = sqlite3.connect(sys.argv[1])
lsids = set()
for lsid, text in db.execute("""SELECT s.lsid, group_concat(d.value, ' | ') FROM session_event_data d
        JOIN session_event v ON v.id = d.session_event_id JOIN session s ON s.id = v.session_id
        WHERE d.name NOT IN ('filesize', 'instance') GROUP BY v.id"""):
    got = fold(text)
    if all(any(got[i:i + len(w)] == w for i in range(len(got))) for w in words):
        lsids.add(lsid)
print("\n".join(sorted(lsids)))
END_PY
for words in notepad 'Prüfstand cache' 'åström' 协 協力会社 'auth.log postgres' 'report-7.txt' \
	'\\srv-7\c$ ticket CHG-2041' 'rm ./cache Zoë' 'C:\Windows\System32'; do
	# shellcheck disable=SC2086
	python3 truth.py m.db $words | sed '/^$/d' >want
	"$find" -d m.db -l -- "$words" | sort >out
	same "the same as another search: $words, $(wc -l <want) sessions" want out
done

# Several processes, kills at random times, a removed index.
make_records --sessions 3000 --first 1000 --events 20 >big.rec
run 0 "a bigger store" "$tosql" -d b.db big.rec
"$find" -d b.db --index whole.find -l notepad >want
check "  has many matches" test "$(wc -l <want)" -gt 2000
for i in 1 2 3 4; do
	"$find" -d b.db -l notepad >out.$i 2>err.$i &
done
wait
for i in 1 2 3 4; do
	same "four processes that make the index at the same time: $i" want out.$i
done
cat >kills.py <<'END_PY'
import os, random, subprocess, sys, time
find, want = sys.argv[1], open("want").read()
rnd, whole, killed = random.Random(5), 0.3, 0
run = lambda: subprocess.Popen([find, "-d", "b.db", "-l", "notepad"], stdout=subprocess.PIPE, text=True)
for i in range(24):
    if i % 8 == 0 and os.path.exists("b.db.find"):
        os.remove("b.db.find")  # the files of WAL mode stay
    began, p = time.monotonic(), run()
    try:
        out = p.communicate(timeout=rnd.random() * whole)[0]
        whole = max(0.02, time.monotonic() - began)
        assert p.returncode == 0 and out == want, (i, p.returncode, len(out))
    except subprocess.TimeoutExpired:
        p.kill()
        p.communicate()
        killed += 1
p = run()
assert p.communicate()[0] == want and p.returncode == 0
assert killed > 5, killed
END_PY
check "killed at random times, the next run succeeds" python3 kills.py "$find"
dd if=/dev/urandom of=b.db.find bs=4096 seek=1 count=30 conv=notrunc 2>/dev/null
run 74 "a damaged index" "$find" -d b.db -l notepad
says "  the message says what to do" "an index may be removed"
rm b.db.find
run 0 "  it is made again" "$find" -d b.db -l notepad
same "  completely" want out

# While praic-tosql loads: each session has alpha or beta, and all change in one load.
for i in $(seq 50); do
	set -- "$@" "s$i/1700000000/ann/srv-1/$C/r/body=alpha $i"
done
say "$@" >alpha.rec
say "$@" | sed 's/alpha/beta/' >beta.rec
"$tosql" -d l.db alpha.rec
(
	while [ ! -e stop ]; do
		"$tosql" --force -d l.db beta.rec && "$tosql" --force -d l.db alpha.rec || echo bad >>load.err
	done
) &
for i in $(seq 30); do
	"$find" -d l.db 'alpha OR beta' >out 2>>load.err || echo "code $?" >>load.err
	cut -f 2 out | sort -u | wc -l
	grep -o 'alpha\|beta' out | sort -u | wc -l
done | paste - - | sort | uniq -c >seen
touch stop
wait
cp seen err
check "during a load: all sessions, all in the same state" sh -c 'grep -qE "^ *30 50.1$" seen && ! test -s load.err'
check "  the index is intact" test "$(sql l.db.find "INSERT INTO find (find) VALUES ('integrity-check');
	PRAGMA integrity_check")" = ok

done_testing
