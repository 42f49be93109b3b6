# fish completion for praic's programs: their own --help says what there is.
# This file is installed once for each program; it tells of all of them.

function __praic_options
    $argv[1] --help 2>/dev/null | awk '{
        gsub(/[][(){}|,;=]/, " ")
        for (i = 1; i <= NF; i++) {
            if ($i ~ /^--[a-z][a-z-]*$/) print $i
            else if ($i ~ /^-[A-Za-z0-9]+$/)
                for (k = 2; k <= length($i); k++) print "-" substr($i, k, 1)
        }
    }' | sort -u
end

function __praic_conf_words
    set -l given (commandline -opc)[2..-1]
    praic-conf --help 2>/dev/null | awk -v given="$given" '
    BEGIN { n = split(given, word, " ") }
    { sub(/^usage:/, "") }
    $1 == "praic-conf" {
        for (i = 1; i <= n && $(i + 1) == word[i]; i++) ;
        if (i <= n) next
        k = split($(n + 2), choice, /[][|]/)
        for (i = 1; i <= k; i++)
            if (choice[i] ~ /^[a-z]+$/) print choice[i]
    }' | sort -u
    if contains -- "$given[-1]" show set remove rename test enable disable
        praic-conf $given[1] list 2>/dev/null | cut -f 1
    end
end

for program in praic-fetch praic-split praic-tosql praic-tofs praic-sched praic-conf praic-mail \
        praic-test
    complete -c $program -n 'string match -q -- "-*" (commandline -ct)' \
        -a "(__praic_options $program)"
end
complete -c praic-conf -f -n 'not string match -q -- "-*" (commandline -ct)' -a '(__praic_conf_words)'
complete -c praic-fetch -a 'sessions recordings backup check' \
    -n 'not string match -q -- "-*" (commandline -ct)'
