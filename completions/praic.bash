# bash completion for praic's programs.  The options come from their --help, the
# words of praic-conf from praic-conf complete, so that they are always up to date.
# Only the values of options are listed here.

# All options of a program, one per line, from its --help; "-jnv" is split.
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

# The names of sites, destinations, schedules or settings, or the numbers of transfers.
_praic_names() {
	praic-conf "$1" list 2>/dev/null | cut -f 1
}

# The values that an option takes; returns 1 if they are not known.
_praic_values() {	# PROGRAM OPTION
	case $1:$2 in
	*:--product) printf '%s\n' pra rs ;;
	*:--tls) printf '%s\n' starttls tls none ;;
	*:--schema) printf '%s\n' sqlite mssql ;;
	praic-tojson:-f | praic-tojson:--format) printf '%s\n' plain ecs ;;
	praic-tofs:-c | *:--conflict) printf '%s\n' append overwrite skip ;;
	praic-test:-k) printf '%s\n' session recording shell screen backup ;;
	*:--site | praic-fetch:-s | praic-test:-s | praic-audit:-s) _praic_names site ;;
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
		# Not from COMP_WORDS, which splits NAME=VALUE into three words.
		IFS=$' \t' read -ra typed <<<"${COMP_LINE:0:COMP_POINT}"
		[[ -z $cur ]] || unset 'typed[-1]'
		for word in "${typed[@]:1}"; do
			[[ $word == -* ]] || given+=("$word")
		done
		found=$(praic-conf complete "${given[@]}" 2>/dev/null)
		[[ $found != *= ]] || compopt -o nospace 2>/dev/null
	elif [[ $program == praic-fetch ]]; then
		found=$'sessions\nrecordings\nrecording\nshell\nscreen\nbackup\ncheck'
	elif [[ $program == praic-audit ]]; then
		found=$(_praic_names destination)
	fi
	mapfile -t COMPREPLY < <(compgen -W "${found-}" -- "$cur")
	[[ ${#COMPREPLY[@]} -gt 0 || ($program == praic-conf && ${given[0]-} != @(load|metrics)) ||
		-n ${found-} && $program != praic-fetch ]] ||
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}
complete -o filenames -F _praic praic-fetch praic-split praic-uniq praic-tosql praic-tofs \
	praic-tojson praic-tohtml praic-find praic-run praic-sched praic-conf praic-mail praic-test \
	praic-audit
