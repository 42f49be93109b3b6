#!/bin/sh
# The Debian package: build it, install it below a directory, store sessions with
# its programs, remove it.

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/fetch.sh
. "$top/tests/fetch.sh"

if [ -n "${PRAIC_OUT-}" ] || ! command -v dh >/dev/null || ! command -v dpkg-buildpackage \
	>/dev/null || [ "$(id -u)" -ne 0 ] || ! git -C "$top" rev-parse HEAD >/dev/null 2>&1; then
	echo '1..0 # skip: needs root, debhelper and a git repository'
	exit 0
fi
unset MAKEFLAGS MAKELEVEL MFLAGS

# noopt: the test does not need optimized programs.
DEB_BUILD_OPTIONS="noopt parallel=2 ${PRAIC_DEB_OPTIONS-}" run 0 "a package is built" \
	"$top/scripts/package"
deb=$top/$(cat out)
check "  its file exists" test -s "$deb"
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

# Installed below a separate root, with the libraries of this machine.
mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates root/etc
: >root/var/lib/dpkg/status
: >root/var/lib/dpkg/available
in_root() {
	dpkg --root="$work/root" --force-depends --force-script-chrootless "$@"
}
run 0 "installed" in_root -i praic.deb
check "  dpkg lists it" sh -c 'dpkg-query --admindir=root/var/lib/dpkg -W praic | grep -q .'
if [ -e "$top/scripts/systemd" ] && command -v systemd-sysusers >/dev/null; then
	check "  the account exists" grep -q '^praic:' root/etc/passwd
fi
if command -v systemd-tmpfiles >/dev/null; then
	check "  the account has a private directory" test "$(stat -c %a root/var/lib/praic)" = 700
else
	mkdir -p root/var/lib/praic
fi
# praic-conf runs as the owner of the settings, who must be able to enter $work.
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
check "  runs the packaged programs" test "$(command -v praic-split)" = "$work/root/usr/bin/praic-split"
check "  stores the sessions" test "$(sqlite3 sessions.db 'SELECT count(*) FROM session')" -eq 20
check "the manual page is where man(1) looks" test -s root/usr/share/man/man7/praic.7.gz
PRAIC_SETTINGS=$work/root/var/lib/praic/settings.db
export PRAIC_SETTINGS
run 0 "praic-conf init makes the settings of the units" praic-conf init
praic-conf schedule add often every=15m
dpkg-deb -e praic.deb control
for i in postinst prerm postrm; do
	check "$i is a shell script" sh -n "control/$i"
done
check "an upgrade restarts a running scheduler" grep -q 'try-restart.*praic-sched.service' control/postinst
check "  and does not stop it before" sh -c '! grep -qs "invoke stop" control/preinst'
run 0 "installed again, as by an upgrade" in_root -i praic.deb
run 0 "  the settings are kept" praic-conf schedule show often
run 0 "removed" in_root -r praic
check "  all of its files are gone" test -z "$(find root/usr root/lib -type f 2>/dev/null |
	grep praic)"
check "  but not the settings" test -s "$PRAIC_SETTINGS"
run 0 "purged" in_root -P praic
check "  the settings are still there" test -s "$PRAIC_SETTINGS"
says "  a message says so" "/var/lib/praic is kept"

done_testing
