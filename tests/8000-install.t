#!/bin/sh
# make install, uninstall, dist; and completion, which has to know what the
# programs can do.

# Dollars of sh -c.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

case ${PRAIC_OUT-} in
?*) # make install knows of the ordinary build
	echo '1..0 # skip: another kind of build'
	exit 0
	;;
esac
in_top() {
	(cd "$top" && "$@")
}

run 0 "install" in_top make -s install DESTDIR="$work/root" PREFIX=/opt/praic
for i in fetch split tosql tofs conf sched mail; do
	run 0 "  praic-$i runs" "root/opt/praic/bin/praic-$i" --version
	same "  and is this one" - out <<EOF
praic-$i $(cat "$top/VERSION")
EOF
	check "  with its page" sh -c "test -n \"\$(find root -name 'praic-$i.[18]')\""
done
for page in praic.7 praic-test.1 praic-records.5 praic-settings.5 praic-storage.5; do
	check "  $page" test -s "root/opt/praic/share/man/man${page##*.}/$page"
done
run 0 "  praic-test runs" root/opt/praic/bin/praic-test --help
check "  no file is writable by others" test -z "$(find root -perm /022 ! -type l)"
check "  nothing but programs can be run" \
	test "$(find root -type f -perm /111 | grep -vc /bin/praic-)" -eq 0
check "  units name the programs where they are" sh -c \
	'! grep -r ExecStart= root/opt | grep -v =/opt/praic/bin/praic-sched'
(cd root && find . -type f -exec sha256sum {} + | sort) >first
run 0 "again" in_top make -s install DESTDIR="$work/root" PREFIX=/opt/praic
(cd root && find . -type f -exec sha256sum {} + | sort) >second
same "  gives the same" first second
check "what it is made of is JSON" jq -e '.spdxVersion == "SPDX-2.3" and
	([.packages[].SPDXID] - [.relationships[].relatedSpdxElement] == []) and
	([.packages[].name] | contains(["praic", "libcurl", "sqlite", "libxml2"] | map(select(. == "praic"))))' \
	root/opt/praic/share/doc/praic/praic.spdx.json
for i in curl sqlite3 xml2 sybdb jansson; do
	check "  and names lib$i" grep -q "\"name\": \"lib$i" \
		root/opt/praic/share/doc/praic/praic.spdx.json
done
run 0 "uninstall" in_top make -s uninstall DESTDIR="$work/root" PREFIX=/opt/praic
check "  leaves no file" test -z "$(find root -type f)"

# Completion, in bash as bash does it.
if command -v bash >/dev/null; then
	cat >ask.bash <<'END'
# ask.bash WORD...: what may stand for the last one
. "$top/completions/praic.bash"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_praic "$1"
printf '%s\n' "${COMPREPLY[@]}"
END
	PATH=${bin}fetch:${bin}split:${bin}tosql:${bin}tofs:${bin}sched:$PATH
	ask() {
		bash ask.bash "$@" | LC_ALL=C sort >got
	}
	for i in fetch split tosql tofs conf sched mail; do
		ask "praic-$i" -
		# What the help says, by other means.
		"praic-$i" --help | grep -oE -e '(^|[^A-Za-z0-9-])--[a-z][a-z-]*' |
			grep -oE -e '--[a-z-]+' | LC_ALL=C sort -u >want
		grep -e -- got >long
		same "completion of praic-$i: each long option" want long
		grep -v -e -- got >short
		while read -r o; do
			"praic-$i" --help | grep -qE -e "(^|[^A-Za-z0-9-])-[A-Za-z0-9]*${o#-}" ||
				echo "$o"
		done <short >wrong
		silent "  and short ones that there are" wrong
	done
	check "praic-split has short ones" sh -c 'bash ask.bash praic-split - | grep -qx -e -k'
	ask praic-tofs -c ''
	printf 'append\nimmutable\noverwrite\nskip\n' >want
	same "values" want got
	ask praic-conf site s
	printf 'set\nshow\n' >want
	same "verbs" want got
	PRAIC_SETTINGS=$work/settings.db
	export PRAIC_SETTINGS
	praic-conf init >init.out
	praic-conf destination add store sql connection="$work/a.db" 2>add.err
	ask praic-tosql -D st
	echo store >want
	same "names of the settings database" want got
	ask praic-conf destination show ''
	same "  for praic-conf, too" want got
fi
if command -v zsh >/dev/null; then
	run 0 "zsh reads its completion" zsh -n "$top/completions/_praic"
fi
if command -v fish >/dev/null; then
	run 0 "fish reads its completion" fish -n "$top/completions/praic.fish"
	XDG_CONFIG_HOME=$work XDG_DATA_HOME=$work HOME=$work run 0 "  and completes by it" \
		fish -c "source $top/completions/praic.fish; complete -C 'praic-split --f'"
	same "  an option" - out <<EOF
--force-host
EOF
fi

# The archive: of a commit, so only where there is one; never with changes.
if in_top git rev-parse HEAD >commit 2>&1; then
	in_top scripts/release-check 2>err
	code=$?
	in_top git status --porcelain -uno >changed
	if [ -s changed ]; then
		check "an archive of what is not committed is refused" test $code -eq 1
	else
		check "version and news agree" test $code -eq 0
		run 0 "dist" in_top make -s dist
		archive=$top/build/praic-$(cat "$top/VERSION").tar.gz
		cp "$archive" first.tar.gz
		run 0 "  again" in_top make -s dist
		check "  gives the same bytes" cmp first.tar.gz "$archive"
		run 0 "  can be unpacked" tar -xzf first.tar.gz
		check "  has all files" test "$(in_top git ls-files | wc -l)" -eq \
			"$(find praic-* ! -type d | wc -l)"
	fi
	# Another version in one place is found.
	mkdir copy
	in_top git archive HEAD | tar -xf - -C copy
	echo 9.9 >copy/VERSION
	run 1 "another VERSION is noticed" copy/scripts/release-check
	says "  in NEWS" 'NEWS says'
	says "  and in the package" 'debian/changelog says'
fi
done_testing
