#!/bin/sh
# praic-tofs: what it refuses before it reads a byte, and its exit codes.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir d
python3 "$data/tofs/records.py" 2 >two.rec

# refused OPTION...: 64, nothing read, nothing made
refused() {
	printf 'not to be read\n' >in
	pipe 64 "refused: $*" in "$tofs" -d d "$@"
	check 'not without a word' test -s err
	check 'nothing was made' test -z "$(ls -A d)"
}

refused -f '%LSIDS%.xml'
says 'the name is named' '%LSIDS%'
refused -f '%lsid%.xml'
refused -f '100%.xml'
refused -f '%LSID'
refused -f ''
refused -f '/%LSID%.xml'
refused -f 'a//%LSID%.xml'
refused -f 'a/%LSID%/'
refused -f '../%LSID%.xml'
refused -f '.hidden/%LSID%.xml'
refused -f 'a/./%LSID%.xml'
refused -f 'a\%LSID%.xml'
refused -f "$(printf 'a\033b')"
refused -f "$(printf 'a\377b')"
refused -f 'recordings=%LSID%.flv'
refused -c never
refused -r -1
refused -r many
refused -m 777
refused -m 0
refused --nonsense
refused -f 'session=a/%LSID%.xml,recordings=b'
refused -f 'session=a/%LSID%.xml,shell='
says 'an empty format is one' 'format'
rm -rf lists
mkdir lists
run 0 'a list of formats' "$tofs" -d lists -f 'backup=%SUPPORT_SITE_HOST%/%START_DATE%,session=a,b\,all=/%LSID%.x,y' two.rec
sed 's/[0-9a-f]\{32\}/LSID/' out | sort -u >got
echo 'a,b,all=/LSID.x,y' >want
same 'commas begin the next where a kind stands behind them' want got
run 0 'the same in several options' "$tofs" -d lists -f '%LSID%.all' -f 'shell=%LSID%-%INSTANCE%' two.rec
sed 's/[0-9a-f]\{32\}/LSID/' out | sort -u >got
echo 'LSID.all' >want
same 'is a list, too' want got
refused -k session,chat
says 'the kind is named' 'chat'
refused -k ''
run 73 '--existing without a ledger' "$tofs" --existing -d d two.rec
says 'is said' 'd/.praic-ledger: it is not there'
check 'nothing was made' test -z "$(ls -A d)"
run 73 '--existing without a directory' "$tofs" --existing -d nowhere two.rec
mkdir stored
run 0 'stored for the first time' "$tofs" -d stored two.rec
run 0 '--existing with a ledger' "$tofs" --existing -d stored two.rec
run 64 'no directory' "$tofs" two.rec
says 'it says which option is missing' '-d DIRECTORY'

# Two things of one session under one name: an error unless they append.
for c in overwrite skip; do
	refused -c $c -f '%LSID%.%EXTENSION%'
	refused -c $c -f shell='%LSID%-%KIND%.%EXTENSION%'
	refused -c $c -f shell='%LSID%-%KIND%-%INSTANCE%%EXTENSION%' \
		-f screen='%LSID%-%KIND%-%INSTANCE%%EXTENSION%'
	refused -c $c -f shell='%LSID%-%INSTANCE%' -f screen='%LSID%-%INSTANCE%'
	refused -c $c -f recording='%LSID%.x' -f session='%LSID%.x'
	refused -c $c -f session='%LSID%%EXTERNAL_KEY%' -f recording='%EXTERNAL_KEY%%LSID%'
	for f in '%KIND%/%INSTANCE%/%LSID%-%START_DATE%.%EXTENSION%' '%LSID%-%KIND%%INSTANCE%-%START_DATE%' \
		'%START_DATE%/%EXTENSION%/%LSID%-%INSTANCE%-%KIND%' \
		'%EXTERNAL_KEY%%LSID%/%KIND%-%INSTANCE%-%START_DATE%.%EXTENSION%'; do
		run 0 "$c, $f" "$tofs" -d d -c $c -f "$f" two.rec
		run 0 "$c, $f, again" "$tofs" -d d -c $c -f "$f" two.rec
		check 'nothing new' test ! -s out
		rm -rf d
		mkdir d
	done
done
refused -c skip -f backup='%SUPPORT_SITE_HOST%.nsb'
refused -c overwrite -r 3 -f backup='%SUPPORT_SITE_HOST%.nsb'
run 0 'only the newest backup, by overwriting' \
	"$tofs" -d d -c overwrite -f backup='%SUPPORT_SITE_HOST%.nsb' two.rec

# DIRECTORY is not made here: it may be a share that is not mounted.
run 73 'no such directory' "$tofs" -d absent two.rec
says 'it speaks of shares' mounted
check 'and it is not there now' test ! -e absent
run 73 'a file for a directory' "$tofs" -d two.rec two.rec
ln -s d link
run 0 'DIRECTORY itself may be a link' "$tofs" -d link two.rec

run 66 'an input that is not there' "$tofs" -d d absent.rec
printf '<session_list/>' >xml
pipe 64 'XML for records' xml "$tofs" -d d
says 'it names the program that is missing' praic-split
pipe 75 'not one byte' /dev/null "$tofs" -d d
"$tofs" -d d two.rec >/dev/full 2>err
check 'a full standard output is no success' test $? -eq 0	# nothing new, nothing printed
mkdir e
"$tofs" -d e two.rec >/dev/full 2>err
check 'a full standard output: 74' test $? -eq 74
check 'but the files are safe' test "$(find e -name '*.xml' | wc -l)" -eq 2
run 0 'help' "$tofs" --help
run 0 'version' "$tofs" --version
same 'and the version is right' - out <<EOF
praic-tofs $(cat "$top/VERSION")
EOF
done_testing
