# fish completion for praic's programs.  The options come from their --help, the
# words of praic-conf from praic-conf complete.
# This file is installed once for each program and serves all of them.

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

function __praic_names
    praic-conf $argv[1] list 2>/dev/null | cut -f 1
end

function __praic_conf
    set -l given (string match -v -- '-*' (commandline -opc)[2..-1])
    praic-conf complete $given 2>/dev/null
    contains -- "$given[1]" load metrics; and __fish_complete_path (commandline -ct)
end

# The values that the option before the cursor takes; returns 1 if they are not known.
function __praic_values
    set -l word (commandline -opc)
    switch (string replace -r '.*/' '' -- $word[1]):$word[-1]
        case '*:--product'
            printf '%s\n' pra rs
        case '*:--tls'
            printf '%s\n' starttls tls none
        case '*:--schema'
            printf '%s\n' sqlite mssql
        case 'praic-tojson:-f' 'praic-tojson:--format'
            printf '%s\n' plain ecs
        case 'praic-tofs:-c' '*:--conflict'
            printf '%s\n' append overwrite skip
        case 'praic-test:-k'
            printf '%s\n' session recording shell screen backup
        case '*:--site' 'praic-fetch:-s' 'praic-test:-s' 'praic-audit:-s'
            __praic_names site
        case 'praic-to*:-D' '*:--destination' 'praic-test:-d'
            __praic_names destination
        case '*:--run' 'praic-sched:-r'
            __praic_names schedule
        case '*'
            return 1
    end
end

function __praic_wants
    __praic_values >/dev/null; and test $argv[1] = value; and return
    __praic_values >/dev/null; and return 1
    if string match -q -- '-*' (commandline -ct)
        test $argv[1] = option
    else
        test $argv[1] = word
    end
end

for program in praic-fetch praic-split praic-uniq praic-tosql praic-tofs praic-tojson praic-tohtml praic-find praic-run praic-sched \
        praic-conf praic-mail praic-test praic-audit
    complete -c $program -f -n '__praic_wants value' -a '(__praic_values)'
    complete -c $program -n '__praic_wants option' -a "(__praic_options $program)"
end
complete -c praic-conf -f -n '__praic_wants word' -a '(__praic_conf)'
complete -c praic-audit -f -n '__praic_wants word' -a '(__praic_names destination)'
complete -c praic-fetch -n '__praic_wants word' -a 'sessions recordings recording shell screen backup check'
