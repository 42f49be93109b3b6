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

# What may follow these words of praic-conf, by its usage lines: "word WORD",
# "list THING" (its names), "kinds" of data, "fields", or "files".
function __praic_conf_next
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
    }' $argv | sort -u
end

function __praic_names
    praic-conf $argv[1] list 2>/dev/null | cut -f 1
end

# Fields are told when one is named that there is not; nothing is changed then.
function __praic_fields
    set -l word
    for w in $argv
        string match -q -- '*=*' $w; and break
        set -a word $w
    end
    praic-conf $word : 2>&1 </dev/null | sed -n 's/.*there are //p' | tr -d ' ' |
        tr ',' '\n' | sed 's/$/=/'
end

function __praic_conf
    set -l given (string match -v -- '-*' (commandline -opc)[2..-1])
    __praic_conf_next $given | while read -l tag value
        switch $tag
            case word
                echo $value
            case list
                __praic_names $value
            case kinds
                printf '%s\n' session recording shell screen backup
            case fields
                __praic_fields $given
            case files
                __fish_complete_path (commandline -ct)
        end
    end
end

# What the option before the cursor takes, where it is known; 1 where it is not.
function __praic_values
    set -l word (commandline -opc)
    switch (string replace -r '.*/' '' -- $word[1]):$word[-1]
        case '*:--product'
            printf '%s\n' pra rs
        case '*:--kind'
            printf '%s\n' recording shell screen
        case '*:--tls'
            printf '%s\n' starttls tls none
        case '*:--schema'
            printf '%s\n' sqlite mssql
        case 'praic-tojson:-f' 'praic-tojson:--format'
            printf '%s\n' plain ecs
        case 'praic-tofs:-c' '*:--conflict'
            printf '%s\n' append overwrite skip immutable
        case 'praic-test:-k'
            printf '%s\n' session recording shell screen backup
        case '*:--site' 'praic-fetch:-s' 'praic-test:-s'
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

for program in praic-fetch praic-split praic-uniq praic-tosql praic-tofs praic-tojson praic-tohtml \
        praic-sched praic-conf praic-mail praic-test
    complete -c $program -f -n '__praic_wants value' -a '(__praic_values)'
    complete -c $program -n '__praic_wants option' -a "(__praic_options $program)"
end
complete -c praic-conf -f -n '__praic_wants word' -a '(__praic_conf)'
complete -c praic-fetch -n '__praic_wants word' -a 'sessions recordings backup check'
