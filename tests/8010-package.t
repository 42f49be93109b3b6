#!/bin/sh
# The Debian package: built from the tree, installed and removed below a
# directory of its own, and what it brings moves sessions.

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

if [ -n "${PRAIC_OUT-}" ] || ! command -v dh >/dev/null || ! command -v dpkg-buildpackage \
	>/dev/null || [ "$(id -u)" -ne 0 ] || ! git -C "$top" rev-parse HEAD >/dev/null 2>&1; then
	echo '1..0 # skip: wants root, debhelper and a git repository'
	exit 0
fi
unset MAKEFLAGS MAKELEVEL MFLAGS

# The compiler's pains are no matter here.
DEB_BUILD_OPTIONS="noopt parallel=2 ${PRAIC_DEB_OPTIONS-}" run 0 "a package is built" \
	"$top/scripts/package"
deb=$top/$(cat out)
check "  it is there" test -s "$deb"
cp "$deb" praic.deb
dpkg-deb -c praic.deb >contents
for i in fetch split uniq tosql tofs tojson tohtml find conf sched run mail; do
	check "  with praic-$i" grep -q " ./usr/bin/praic-$i\$" contents
done
for i in man7/praic.7.gz man8/praic-sched.8.gz man5/praic-records.5.gz; do
	check "  with $i" grep -q " ./usr/share/man/$i\$" contents
done
check "  all belongs to root" sh -c '! grep -v " root/root " contents'
check "  nothing is writable by others" sh -c '! grep -E "^-......w" contents'
dpkg-deb -f praic.deb Depends >depends
for i in libcurl libsqlite3 libxml2 libsybdb; do
	check "  depends on $i of the version that it was built with" \
		sh -c 'package=$(grep -o "$1[a-z0-9-]* (>= [^)]*" depends) || exit 1
			version=$(dpkg-query -W -f "\${Version}\n" "${package%% *}" | head -n 1)
			[ "${package##* }" = "${version%-*}" ]' sh "$i"
done

# Below a root of its own; what it depends on is this machine's.
mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates root/etc
: >root/var/lib/dpkg/status
: >root/var/lib/dpkg/available
in_root() {
	dpkg --root="$work/root" --force-depends --force-script-chrootless "$@"
}
run 0 "installed" in_root -i praic.deb
check "  as dpkg sees it" sh -c 'dpkg-query --admindir=root/var/lib/dpkg -W praic | grep -q .'
if [ -e "$top/scripts/systemd" ] && command -v systemd-sysusers >/dev/null; then
	check "  the account is there" grep -q '^praic:' root/etc/passwd
fi
if command -v systemd-tmpfiles >/dev/null; then
	check "  with a directory of its own" test "$(stat -c %a root/var/lib/praic)" = 700
else
	mkdir -p root/var/lib/praic
fi
# The owner of the settings is another one, and has to get there.
chmod 711 "$work"
PATH=$work/root/usr/bin:$PATH
export PATH
site_start --sessions 20 --span 1 --seed 3
cat >pipe.sh <<EOF
praic-fetch --host localhost:$port --name access.example.com --ca-file "$site/ca.pem" \\
	--client-id $client --secret file:$site/secret sessions --since 36h |
	praic-split | praic-tosql -d sessions.db
EOF
run 0 "the README's first pipe" sh pipe.sh
check "  is that of the package" test "$(command -v praic-split)" = "$work/root/usr/bin/praic-split"
check "  stores the sessions" test "$(sqlite3 sessions.db 'SELECT count(*) FROM session')" -eq 20
check "the page is where man(1) looks" test -s root/usr/share/man/man7/praic.7.gz
PRAIC_SETTINGS=$work/root/var/lib/praic/settings.db
export PRAIC_SETTINGS
run 0 "settings of the units" praic-conf init
praic-conf schedule add often every=15m
dpkg-deb -e praic.deb control
for i in postinst prerm postrm; do
	check "$i is a shell script" sh -n "control/$i"
done
check "an upgrade starts anew what runs" grep -q 'try-restart.*praic-sched.service' control/postinst
check "  and stops nothing before" sh -c '! grep -qs "invoke stop" control/preinst'
run 0 "installed once more, as by an upgrade" in_root -i praic.deb
run 0 "  the settings are there" praic-conf schedule show often
run 0 "removed" in_root -r praic
check "  with all of its files" test -z "$(find root/usr root/lib -type f 2>/dev/null |
	grep praic)"
check "  but not the settings" test -s "$PRAIC_SETTINGS"
run 0 "purged" in_root -P praic
check "  the settings are still there" test -s "$PRAIC_SETTINGS"
says "  which is said" "/var/lib/praic is kept"

done_testing
