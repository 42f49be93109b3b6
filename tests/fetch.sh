# shellcheck shell=sh
# The tests use the variables set here; lib.sh sets those used here.
# shellcheck disable=SC2034,SC2154,SC2016
# Functions for the tests of praic-fetch.  Source lib.sh first.
#
#	site_start [OPTION...]	start the test appliance in $site; sets $port
#	site_stop		stop it
#	site_ask JSON		send it a control request with curl, which starts
#				faster than Python
#	site_fault TEXT		set this fault alone; without TEXT remove all faults
#	site_control WORD...	run any control command of the appliance
#	f ARGUMENT...		praic-fetch with the options to reach the appliance
#	asked JQ-FILTER		filter the requests logged since site_forget
#	lsids FILE		the lsids in the file, sorted, each once

site=$work/site

site_start() {
	python3 "$top/tests/appliance" --dir "$site" --exit-with-parent --quiet \
		"$@" >"$work/site.out" 2>&1 &
	site_pid=$!
	at_exit='kill $site_pid 2>/dev/null; wait 2>/dev/null'
	site_tries=0
	until [ -e "$site/ready" ]; do
		site_tries=$((site_tries + 1))
		if [ "$site_tries" -gt 600 ] || ! kill -0 "$site_pid" 2>/dev/null; then
			sed 's/^/# /' "$work/site.out"
			echo "Bail out! the appliance did not start"
			exit 1
		fi
		sleep 0.05
	done
	port=$(cat "$site/port")
	client=$(cat "$site/client-id")
	site_forget
}

site_stop() {
	kill "$site_pid"
	wait "$site_pid" 2>/dev/null
	rm -f "$site/ready"
}

site_ask() {
	curl -sS --cacert "${site_ca:-$site/ca.pem}" -H "X-Control-Key: $(cat "$site/control-key")" \
		-d "$1" "https://localhost:$port/_control" >"$work/control.out" || {
		echo "# control: $1 failed"
		sed 's/^/# /' "$work/control.out"
	}
}

site_fault() {
	if [ $# -eq 0 ]; then
		site_ask '{"do":"fault","clear":true}'
	else
		site_ask "{\"do\":\"fault\",\"clear\":true,\"add\":\"$1\"}"
	fi
}

site_control() {
	python3 "$top/tests/appliance" control --dir "$site" "$@"
}

f() {
	(fx "$@")
}

# As f, but replaces the shell, so that $! is praic-fetch itself in the background.
fx() {
	exec "$fetch" --host "localhost:$port" --name pra.example.net --ca-file "$site/ca.pem" \
		--client-id "$client" --secret "file:$site/secret" --rate 0 "$@"
}

site_forget() {
	site_log_from=$(($(wc -l <"$site/log" 2>/dev/null || echo 0) + 1))
}

asked() {
	# The appliance logs a request after it has answered it.
	sleep 0.1
	tail -n "+$site_log_from" "$site/log" | jq -c -s 'sort_by(.connection)[]' | jq -r "$@"
}

lsids() {
	sed -n 's/^<session lsid="\([0-9a-f]*\)".*/\1/p' "$1" | sort -u
}

# Remove the cached token: the next run requests a new one.
no_token() {
	rm -rf "$XDG_RUNTIME_DIR/praic"
}

# lacks FILE TEXT: the file does not contain the text (an argument for check)
lacks() {
	! grep -qF -- "$2" "$1"
}

# The sessions that the appliance has, sorted.
truth() {
	site_control truth --form sessions --no-hashes | cut -f 1 | sort
}

# whole NAME FILE: all sessions, each document whole, all frames and the end mark right
# With truth_stays set, the sessions are those of the first call.
whole() {
	[ -n "${truth_stays-}" ] && [ -s truth.lsids ] || truth >truth.lsids
	lsids "$2" >got.lsids
	if ! python3 "$top/tests/tools/frames.py" "$2" >frames 2>frames.err ||
		! tail -n 1 frames | grep -q '^end [0-9]* [0-9]'; then
		fail "$1: wrong frames" frames frames.err err
		return
	fi
	if [ "$(grep -c '^</session_list>' "$2")" -ne "$(grep -c ^site frames)" ]; then
		fail "$1: an incomplete document" err
		return
	fi
	same "$1" truth.lsids got.lsids
}

# nothing_half NAME: check that out has no end mark and no truncated document
nothing_half() {
	if lacks out praic-end &&
		[ "$(grep -c '^<?praic-site ' out)" -eq "$(grep -c '^</session_list>' out)" ]; then
		pass "$1"
	else
		fail "$1" out
	fi
}

# recordings_truth FILE: write the appliance's recordings as lines "lsid kind
# instance size sha256".  records FILE: turn such lines into the records that
# praic-split writes and praic-fetch recordings reads.
recordings_truth() {
	site_control truth --form recordings >"$1"
}

records() {
	awk -F '\t' -v OFS='\t' '
		function end() {
			if (lsid == "") return
			print "R", "session", "pra.example.net", lsid, "support"
			print "E", lsid, rows + 1, 0
			sessions++
		}
		BEGIN {
			print "praic-records", 1
			print "H", "session", "host_name", "lsid", "type"
			print "H", "recording", "kind", "instance"
		}
		$1 != lsid { end(); lsid = $1; rows = 0; print "S", "pra.example.net", lsid }
		{ print "R", "recording", $2, $3 == "-" ? "\\N" : $3; rows++ }
		END { end(); print "Z", sessions + 0, 0 }' "$1"
}

# files RECORDS: the rows of fetched files, in the form of recordings_truth
files() {
	awk -F '\t' -v OFS='\t' '
		$1 == "S" { lsid = $3 }
		$1 == "R" && $2 == "file" && $11 == "came" { print lsid, $3, $4 == "\\N" ? "-" : $4, $8, $9 }' "$1" | sort
}

# outcomes RECORDS: "lsid kind outcome reason" of each file row, sorted
outcomes() {
	awk -F '\t' -v OFS='\t' '$1 == "S" { lsid = $3 }
		$1 == "R" && $2 == "file" { print lsid, $3, $11, $12 }' "$1" | sort
}

# each NAME RECORDS: check that each recording asked for has a file row, and that the
# rows of files that were not fetched have a reason and no other value
each() {
	awk -F '\t' -v OFS='\t' '$1 == "S" { lsid = $3 } $1 != "R" || $2 != "file" { next }
		{ print lsid, $3, $4 == "\\N" ? "-" : $4 }
		$11 != "came" && ($5 $6 $7 $8 $9 $10 != "\\N\\N\\N\\N\\N\\N" || $12 == "\\N")
		$11 == "came" && $12 != "\\N"' "$2" | sort >got
	cut -f 1-3 truth | sort >want
	same "$1" want got
}

# there NAME RECORDS SPOOL: check that the files in the spool are exactly those of the
# records, with these digests
there() {
	awk -F '\t' '$1 == "R" && $2 == "file" && $11 == "came" { print $9 "  " $5 }' "$2" | sort -u >there.sums
	(cd "$3" && sha256sum --check --quiet --strict) <there.sums >there.out 2>&1
	got=$?
	[ ! -s there.sums ] || [ "$got" -eq 0 ] || {
		fail "$1" there.out
		return
	}
	# no other file has a name without a leading dot
	(cd "$3" && ls) | sort >there.names
	sed 's/^[^ ]*  //' there.sums | sort >there.want
	same "$1" there.want there.names
}
