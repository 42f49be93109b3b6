#!/bin/sh
# praic-tofs: options that it refuses before it reads input, and its exit codes.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir d
python3 "$data/tofs/records.py" 2 >two.rec

# refused OPTION...: exit 64; nothing is read or written
refused() {
	printf 'not to be read\n' >in
	pipe 64 "refused: $*" in "$tofs" -d d "$@"
	check 'with a message' test -s err
	check 'nothing was written' test -z "$(ls -A d)"
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
says 'an empty format is an error' 'format'
rm -rf lists
mkdir lists
run 0 'a list of formats' "$tofs" -d lists -f 'backup=%SUPPORT_SITE_HOST%/%START_DATE%,session=a,b\,all=/%LSID%.x,y' two.rec
sed 's/[0-9a-f]\{32\}/LSID/' out | sort -u >got
echo 'a,b,all=/LSID.x,y' >want
same 'a comma before a kind begins the next format' want got
run 0 'formats in several options' "$tofs" -d lists -f '%LSID%.all' -f 'shell=%LSID%-%INSTANCE%' two.rec
sed 's/[0-9a-f]\{32\}/LSID/' out | sort -u >got
echo 'LSID.all' >want
same 'are combined' want got
refused -k session,chat
says 'the kind is named' 'chat'
refused -k ''
run 73 '--existing without a ledger' "$tofs" --existing -d d two.rec
says 'is an error' 'd/.praic-ledger: it is not there'
check 'nothing was written' test -z "$(ls -A d)"
run 73 '--existing without a directory' "$tofs" --existing -d nowhere two.rec
mkdir stored
run 0 'stored for the first time' "$tofs" -d stored two.rec
run 0 '--existing with a ledger' "$tofs" --existing -d stored two.rec
run 64 'no directory' "$tofs" two.rec
says 'the message names the option' '-d DIRECTORY'

# A format that gives two files of one session the same name is an error unless -c is
# append.
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
		check 'stores nothing new' test ! -s out
		rm -rf d
		mkdir d
	done
done
refused -c skip -f backup='%SUPPORT_SITE_HOST%.nsb'
refused -c overwrite -r 3 -f backup='%SUPPORT_SITE_HOST%.nsb'
run 0 'overwrite keeps only the newest backup' \
	"$tofs" -d d -c overwrite -f backup='%SUPPORT_SITE_HOST%.nsb' two.rec

# praic-tofs does not create DIRECTORY, which may be a share that is not mounted.
run 73 'a missing directory' "$tofs" -d absent two.rec
says 'the message mentions shares' mounted
check 'the directory is not created' test ! -e absent
run 73 'a file instead of a directory' "$tofs" -d two.rec two.rec
ln -s d link
run 0 'DIRECTORY may be a link' "$tofs" -d link two.rec

run 66 'a missing input file' "$tofs" -d d absent.rec
printf '<session_list/>' >xml
pipe 64 'XML instead of records' xml "$tofs" -d d
says 'the message names praic-split' praic-split
pipe 75 'an empty input' /dev/null "$tofs" -d d
"$tofs" -d d two.rec >/dev/full 2>err
check 'a full standard output, without anything to print: 0' test $? -eq 0
mkdir e
"$tofs" -d e two.rec >/dev/full 2>err
check 'a full standard output: 74' test $? -eq 74
check 'but the files are stored' test "$(find e -name '*.xml' | wc -l)" -eq 2
run 0 'help' "$tofs" --help
run 0 'version' "$tofs" --version
same 'prints the version' - out <<EOF
praic-tofs $(cat "$top/VERSION")
EOF
done_testing
