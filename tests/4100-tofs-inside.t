#!/bin/sh
# praic-tofs writes and reads nothing outside of DIRECTORY, whatever links it contains,
# with openat2 and without.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

export PYTHONPATH="$data/tofs"
python3 - >keys.rec <<'EOF'
from records import *
with Report() as s:
    for i, key in enumerate(['link', 'file', 'folder', 'dangling', 'self', 'good']):
        s.session('%d' % i, external_key=key)
EOF
ln -s "$faults" faults.so

prepare() {
	rm -rf d outside
	mkdir d outside d/folder
	echo secret >outside/secret
	echo a file >d/file
	ln -s ../outside d/link
	ln -s nowhere d/dangling
	ln -s self d/self
	ln -s "$work/outside" d/folder/3
	ln -s ../../outside/secret d/folder/2.xml
}
for how in openat2 walk; do
	fault=
	[ $how = openat2 ] || fault='openat2:*:ENOSYS'
	case $how${PRAIC_OUT-} in walk*asan*) continue ;; esac
	for c in append overwrite skip; do
		prepare
		run 65 "$how, $c: links and files in the way" env FAULT="$fault" \
			LD_PRELOAD="${fault:+$work/faults.so}" "$tofs" -d d -c $c \
			-f '%EXTERNAL_KEY%/%LSID%-%KIND%-%INSTANCE%-%START_DATE%.%EXTENSION%' keys.rec
		check 'the others are stored' test "$(wc -l <out)" -eq 2
		check 'each message names the file' test "$(grep -c 'd/[a-z]*/[0-9]-session' err)" -eq 4
		check 'nothing is written outside' test "$(find outside | wc -l)" -eq 2
		same 'or changed there' - outside/secret <<EOF
secret
EOF
	done
	prepare
	run 0 "$how: append uses other names" env FAULT="$fault" \
		LD_PRELOAD="${fault:+$work/faults.so}" "$tofs" -d d -f '%EXTERNAL_KEY%' keys.rec
	check 'nothing is written outside' test "$(find outside | wc -l)" -eq 2
	check 'six sessions are stored' test "$(find d -type f | grep -vc 'praic\|file$')" -eq 6
done

# praic's own files as links are refused.
for own in .praic-ledger .praic-tmp; do
	prepare
	mkdir outside/dir
	echo keep >outside/dir/x.part
	ln -s ../outside/dir d/$own
	[ $own = .praic-tmp ] || { rm d/$own && ln -s ../outside/new d/$own; }
	run 73 "$own is a link" "$tofs" -d d keys.rec
	check 'nothing is written outside' test "$(find outside | wc -l)" -eq 4
done
prepare
ln -s ../outside/secret d/.praic-index
"$tofs" -d d -f 'x/%LSID%' keys.rec >/dev/null
run 0 'an index that is a link' "$tofs" -d d -f 'x/%LSID%' keys.rec
check 'is replaced' test ! -L d/.praic-index
same 'and not followed' - outside/secret <<EOF
secret
EOF
prepare
mkdir d/.praic-tmp
ln -s ../../outside/secret d/.praic-tmp/x.part
mkfifo d/.praic-tmp/fifo.part
echo left >d/.praic-tmp/left.part
"$tofs" -d d -f 'x/%LSID%' keys.rec >/dev/null
check 'temporary files of a killed run are removed' test ! -e d/.praic-tmp/left.part
check 'but not the target of a link among them' test -s outside/secret

# A folder of DIRECTORY that is on another file system.
rm -rf d/.praic-tmp
if [ "$(id -u)" -eq 0 ] && mkdir -p d/other && mount -t tmpfs none d/other 2>/dev/null; then
	# shellcheck disable=SC2016
	at_exit='umount "$work/d/other"'
	run 65 'a folder on another file system' "$tofs" -d d -f 'other/%LSID%' keys.rec
	says 'is reported' 'another file system'
	check 'and no temporary file is left' test ! -e d/.praic-tmp
fi
done_testing
