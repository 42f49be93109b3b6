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

# The words that may follow these words of praic-conf: its usage lines, in
# which words in capitals, with = or in brackets are the user's own.
_praic_conf_words() {
	praic-conf --help 2>/dev/null | awk -v given="$*" '
	BEGIN { n = split(given, word, " ") }
	{ sub(/^usage:/, "") }
	$1 == "praic-conf" {
		for (i = 1; i <= n && $(i + 1) == word[i]; i++) ;
		if (i <= n) next
		k = split($(n + 2), choice, /[][|]/)
		for (i = 1; i <= k; i++)
			if (choice[i] ~ /^[a-z]+$/) print choice[i]
	}' | sort -u
}

# The names of sites, destinations, schedules or transfers there are.
_praic_names() {
	praic-conf "$1" list 2>/dev/null | cut -f 1
}

_praic_reply() {	# WORDS, a line each
	local IFS=$'\n'
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

_praic() {
	local program=${1##*/} cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}

	case $program:$prev in
	*:--product) _praic_reply $'pra\nrs' "$cur"; return ;;
	*:--kind) _praic_reply $'recording\nshell\nscreen' "$cur"; return ;;
	*:--tls) _praic_reply $'starttls\ntls\nnone' "$cur"; return ;;
	*:--schema) _praic_reply $'sqlite\nmssql' "$cur"; return ;;
	praic-tofs:-c | *:--conflict)
		_praic_reply $'append\noverwrite\nskip\nimmutable' "$cur"; return ;;
	*:--site | praic-fetch:-s) _praic_reply "$(_praic_names site)" "$cur"; return ;;
	praic-t*:-D | *:--destination) _praic_reply "$(_praic_names destination)" "$cur"; return ;;
	*:--run | praic-sched:-r) _praic_reply "$(_praic_names schedule)" "$cur"; return ;;
	esac
	if [[ $cur == -* ]]; then
		_praic_reply "$(_praic_options "$1")" "$cur"
	elif [[ $program == praic-conf ]]; then
		case $COMP_CWORD:${COMP_WORDS[1]}:$prev in
		3:*:show | 3:*:set | 3:*:remove | 3:*:rename | 3:*:test | 3:*:enable | 3:*:disable)
			_praic_reply "$(_praic_names "${COMP_WORDS[1]}")" "$cur" ;;
		4:transfer:*) _praic_reply "$(_praic_names site)" "$cur" ;;
		5:transfer:*) _praic_reply "$(_praic_names destination)" "$cur" ;;
		3:transfer:add) _praic_reply "$(_praic_names schedule)" "$cur" ;;
		*) _praic_reply "$(_praic_conf_words \
			"${COMP_WORDS[@]:1:COMP_CWORD-1}")" "$cur" ;;
		esac
	elif [[ $program == praic-fetch ]]; then
		_praic_reply $'sessions\nrecordings\nbackup\ncheck' "$cur"
		[[ ${#COMPREPLY[@]} -gt 0 ]] || mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}
complete -o filenames -F _praic praic-fetch praic-split praic-tosql praic-tofs praic-sched \
	praic-conf praic-mail praic-test
