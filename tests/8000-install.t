#!/bin/sh
# make install, uninstall and dist; and the completions, which must offer the
# options and words of the programs.

# The dollars belong to sh -c.
# shellcheck disable=SC2016

# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

case ${PRAIC_OUT-} in
?*) # make install installs the plain build only
	echo '1..0 # skip: make install does not install this kind of build'
	exit 0
	;;
esac
in_top() {
	(cd "$top" && "$@")
}

run 0 "install" in_top make -s install DESTDIR="$work/root" PREFIX=/opt/praic
for i in fetch split uniq tosql tofs tojson tohtml find conf sched run mail; do
	run 0 "  praic-$i runs" "root/opt/praic/bin/praic-$i" --version
	same "  and has this version" - out <<EOF
praic-$i $(cat "$top/VERSION")
EOF
	check "  with its manual page" sh -c "test -n \"\$(find root -name 'praic-$i.[18]')\""
done
for page in praic.7 praic-audit.1 praic-test.1 praic-records.5 praic-settings.5 praic-storage.5; do
	check "  $page" test -s "root/opt/praic/share/man/man${page##*.}/$page"
done
for script in praic-test praic-audit; do
	run 0 "  $script runs" "root/opt/praic/bin/$script" --help
done
check "  no file is writable by others" test -z "$(find root -perm /022 ! -type l)"
check "  only programs are executable" \
	test "$(find root -type f -perm /111 | grep -vc /bin/praic-)" -eq 0
check "  the units name the installed programs" sh -c \
	'! grep -r ExecStart= root/opt | grep -v =/opt/praic/bin/praic-sched'
(cd root && find . -type f -exec sha256sum {} + | sort) >first
run 0 "install again" in_top make -s install DESTDIR="$work/root" PREFIX=/opt/praic
(cd root && find . -type f -exec sha256sum {} + | sort) >second
same "  writes the same files" first second
check "the bill of materials is valid" jq -e '.spdxVersion == "SPDX-2.3" and
	([.packages[].SPDXID] - [.relationships[].relatedSpdxElement] == []) and
	([.packages[].name] | contains(["praic", "libcurl", "sqlite", "libxml2"] | map(select(. == "praic"))))' \
	root/opt/praic/share/doc/praic/praic.spdx.json
for i in curl sqlite3 xml2 sybdb jansson; do
	check "  and names lib$i" grep -q "\"name\": \"lib$i" \
		root/opt/praic/share/doc/praic/praic.spdx.json
done
run 0 "uninstall" in_top make -s uninstall DESTDIR="$work/root" PREFIX=/opt/praic
check "  leaves no file" test -z "$(find root -type f)"

# Completion, called as each shell calls it: "SHELL WORD...", completes the last
# word.
PATH=${bin}fetch:${bin}split:${bin}uniq:${bin}tosql:${bin}tofs:${bin}tojson:${bin}tohtml:${bin}find:${bin}sched:${bin}sched/run:${bin}sched/conf:${bin}sched/mail:$top/scripts:$PATH
cat >ask.bash <<'END'
. "$top/completions/praic.bash"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
_praic "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
END
# zsh's own functions need a terminal, so stubs print their arguments.
cat >ask.zsh <<'END'
compadd() {
	local -a from
	while [[ $1 == -* ]]; do
		[[ $1 != -a ]] || { shift; from+=(${(P)1}) }
		[[ $1 != -S ]] || shift
		shift 2>/dev/null
	done
	print -l -- ${(M)${from:-$@}:#$PREFIX*}
}
_files() {
	print -l -- ${(M)$(ls -A):#$PREFIX*}
}
words=("$@") CURRENT=$# PREFIX=$words[$#] service=${1:t}
. $top/completions/_praic
END
cat >ask.fish <<'END'
source $top/completions/praic.fish
complete -C "$argv"
END
ask() {
	shell=$1
	shift
	case $shell in
	bash) bash ask.bash "$@" ;;
	zsh) zsh -f ask.zsh "$@" ;;
	fish) XDG_CONFIG_HOME=$work XDG_DATA_HOME=$work HOME=$work fish ask.fish "$@" ;;
	esac 2>ask.err | grep . | LC_ALL=C sort >got
}
# offers WHAT WORD...: check that $words completes to exactly these words
offers() {
	what=$1
	shift
	printf '%s\n' "$@" | grep . | LC_ALL=C sort >want
	for shell in $shells; do
		# shellcheck disable=SC2086
		case $words in
		*' ') ask $shell $words '' ;;
		*) ask $shell $words ;;
		esac
		same "$shell, $what" want got
	done
}

PRAIC_SETTINGS=$work/settings.db
export PRAIC_SETTINGS
praic-conf init >init.out
praic-conf destination add store sql connection="$work/a.db" 2>add.err
praic-conf schedule add often every=15m
shells=
for i in bash zsh fish; do
	! command -v $i >/dev/null || shells="$shells $i"
done
for i in fetch split uniq tosql tofs tojson tohtml find conf sched run mail; do
	for shell in $shells; do
		ask "$shell" "praic-$i" -
		# The options of the help, extracted without the code of the completions.
		"praic-$i" --help | grep -oE -e '(^|[^A-Za-z0-9-])--[a-z][a-z-]*' |
			grep -oE -e '--[a-z-]+' | LC_ALL=C sort -u >want
		grep -e -- got >long
		same "$shell, praic-$i -: each long option" want long
		grep -v -e -- got >short
		while read -r o; do
			"praic-$i" --help | grep -qE -e "(^|[^A-Za-z0-9-])-[A-Za-z0-9]*${o#-}" ||
				echo "$o"
		done <short >wrong
		silent "  and only short options of the help" wrong
	done
done
words='praic-split --le' offers "the start of an option" --left-out
words='praic-tofs -c ' offers "values of an option" append overwrite skip
words='praic-test -k ' offers "values of an option of praic-test" backup recording screen session shell
words='praic-audit st' offers "destinations to audit" store
words='praic-tosql -D st' offers "names of destinations" store
words='praic-sched -r ' offers "names of schedules" often
words='praic-conf si' offers "things" site
words='praic-conf site s' offers "verbs" set show
words='praic-conf --json destination show ' offers "names, after an option" store
words='praic-conf log ' offers "operands" client scheduler
words='praic-conf destination rename store ' offers "nothing for a new name"
words='praic-conf destination add new ' offers "kinds of destinations" exec fs sql
words='praic-conf destination add new sql ' offers "fields of a new sql destination" \
	ca-file= connection= password= system-information=
words='praic-conf destination set store s' offers "fields of an existing destination" system-information=
words='praic-conf site add new host=h client-' offers "fields that are not set yet" \
	client-cert= client-id= client-key-password= client-key=
words='praic-conf schedule add new every=15m a' offers "fields of schedules" at=
words='praic-conf transfer add often site store ' offers "kinds of data" \
	backup recording screen session shell
words='praic-conf setting set log-' offers "settings" log-days= log-directory=
words='praic-conf setting unset spool log-' offers "one more setting" log-days log-directory
words='praic-conf load add.' offers "files to load" add.err
words='praic-split add.' offers "files" add.err

# The archive is made from a commit; uncommitted changes are refused.
if in_top git rev-parse HEAD >commit 2>&1; then
	in_top scripts/release-check 2>err
	code=$?
	in_top git status --porcelain -uno >changed
	if [ -s changed ]; then
		check "an archive with uncommitted changes is refused" test $code -eq 1
	else
		check "version and news agree" test $code -eq 0
		run 0 "dist" in_top make -s dist
		archive=$top/build/praic-$(cat "$top/VERSION").tar.gz
		cp "$archive" first.tar.gz
		run 0 "dist again" in_top make -s dist
		check "  makes the same bytes" cmp first.tar.gz "$archive"
		run 0 "  can be unpacked" tar -xzf first.tar.gz
		check "  has all files" test "$(in_top git ls-files | wc -l)" -eq \
			"$(find praic-* ! -type d | wc -l)"
	fi
	mkdir copy
	in_top git archive HEAD | tar -xf - -C copy
	echo 9.9 >copy/VERSION
	run 1 "a VERSION that differs is refused" copy/scripts/release-check
	says "  in NEWS" 'NEWS says'
	says "  and in the package" 'debian/changelog says'
fi
done_testing
