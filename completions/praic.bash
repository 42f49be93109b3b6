# bash completion for praic's programs.  What they can do is asked of their own
# --help, so that this page never disagrees with them; only which values an
# option takes, where that is more than a file, stands here.

# Every option of a program, one a line: from its --help, "-jnv" taken apart.
_praic_options() {
	"$1" --help 2>/dev/null | awk '{
		gsub(/[][(){}|,;=]/, " ")
		for (i = 1; i <= NF; i++) {
			if ($i ~ /^--[a-z][a-z-]*$/) print $i
			else if ($i ~ /^-[A-Za-z0-9]+$/)
				for (k = 2; k <= length($i); k++) print "-" substr($i, k, 1)
		}
	}' | sort -u
}

# What may follow these words of praic-conf, by its usage lines: "word WORD",
# "list THING" (its names), "kinds" of data, "fields", or "files".
_praic_conf_next() {
	praic-conf --help 2>/dev/null | awk '
	function next_is(t, choice, k) {
		gsub(/[][]/, "", t)
		if (t ~ /^[a-z-]+=/) print "word", substr(t, 1, index(t, "="))
		else if (t ~ /=/) print "fields"
		else if (t == "KIND") print "kinds"
		else if (t == "FILE") print "files"
		else if (t == "NUMBER") print "list transfer"
		else if (t == "NAME") { if (word[2] != "add") print "list", word[1] }
		else if (t ~ /^(SCHEDULE|SITE|DESTINATION)$/) print "list", tolower(t)
		else for (k = split(t, choice, "|"); k > 0; k--)
			if (choice[k] ~ /^[a-z]+$/) print "word", choice[k]
	}
	BEGIN { for (n = ARGC - 1; ARGC > 1; ARGC--) word[ARGC - 1] = ARGV[ARGC - 1] }
	{ sub(/^usage:/, ""); gsub(/\[,KIND \.\.\.\]/, ""); gsub(/ \.\.\.\]/, "]") }
	$1 != "praic-conf" { next }
	{
		for (i = 1; i <= n && $(i + 1) !~ /=/; i++) {
			u = $(i + 1)
			if (u == "...") { next_is($i); next }
			gsub(/[][]/, "", u)
			if (u !~ /[A-Z]/ && index("|" u "|", "|" word[i] "|") == 0) next
		}
		if ($(i + 1) !~ /=/) next_is($(i + 1) == "..." ? $i : $(i + 1))
		else for (i++; i <= NF; i++) if ($i != "...") next_is($i)
	}' "$@" | sort -u
}

# The names of sites, destinations, schedules, settings; numbers of transfers.
_praic_names() {
	praic-conf "$1" list 2>/dev/null | cut -f 1
}

# Fields are told when one is named that there is not; nothing is changed then.
_praic_fields() {
	local -a word=()
	while [[ $# -gt 0 && $1 != *=* ]]; do
		word+=("$1")
		shift
	done
	praic-conf "${word[@]}" : 2>&1 </dev/null |
		sed -n 's/.*there are //p' | tr -d ' ' | tr ',' '\n' | sed 's/$/=/'
}

_praic_conf() {
	local tag value
	_praic_conf_next "$@" | while IFS=' ' read -r tag value; do
		case $tag in
		word) echo "$value" ;;
		list) _praic_names "$value" ;;
		kinds) printf '%s\n' session recording shell screen backup ;;
		fields) _praic_fields "$@" ;;
		files) compgen -f ;;
		esac
	done | sort -u
}

# What an option of a program takes, where it is known; 1 where it is not.
_praic_values() {	# PROGRAM OPTION
	case $1:$2 in
	*:--product) printf '%s\n' pra rs ;;
	*:--kind) printf '%s\n' recording shell screen ;;
	*:--tls) printf '%s\n' starttls tls none ;;
	*:--schema) printf '%s\n' sqlite mssql ;;
	praic-tojson:-f | praic-tojson:--format) printf '%s\n' plain ecs ;;
	praic-tofs:-c | *:--conflict) printf '%s\n' append overwrite skip immutable ;;
	praic-test:-k) printf '%s\n' session recording shell screen backup ;;
	*:--site | praic-fetch:-s | praic-test:-s) _praic_names site ;;
	praic-to*:-D | *:--destination | praic-test:-d) _praic_names destination ;;
	*:--run | praic-sched:-r) _praic_names schedule ;;
	*) return 1 ;;
	esac
}

_praic() {
	local program=${1##*/} cur=${2-} prev=${3-} found word
	local -a typed given=()
	local IFS=$'\n'

	if found=$(_praic_values "$program" "$prev"); then
		:
	elif [[ $cur == -* ]]; then
		found=$(_praic_options "$1")
	elif [[ $program == praic-conf ]]; then
		# Not COMP_WORDS, where NAME=VALUE is three words.
		IFS=$' \t' read -ra typed <<<"${COMP_LINE:0:COMP_POINT}"
		[[ -z $cur ]] || unset 'typed[-1]'
		for word in "${typed[@]:1}"; do
			[[ $word == -* ]] || given+=("$word")
		done
		found=$(_praic_conf "${given[@]}")
		[[ $found != *= ]] || compopt -o nospace 2>/dev/null
	elif [[ $program == praic-fetch ]]; then
		found=$'sessions\nrecordings\nbackup\ncheck'
	fi
	mapfile -t COMPREPLY < <(compgen -W "${found-}" -- "$cur")
	[[ ${#COMPREPLY[@]} -gt 0 || $program == praic-conf ||
		-n ${found-} && $program != praic-fetch ]] ||
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}
complete -o filenames -F _praic praic-fetch praic-split praic-uniq praic-tosql praic-tofs \
	praic-tojson praic-tohtml praic-sched praic-conf praic-mail praic-test
