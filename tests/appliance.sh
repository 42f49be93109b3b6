# shellcheck shell=sh
# Functions for the tests that need an appliance.  Source lib.sh first.
#
#	appliance_start [OPTION...]	start the test appliance until the test ends; sets
#					PRAIC_HOST, PRAIC_CA, PRAIC_CLIENT_ID and
#					PRAIC_SECRET_FILE
#	appliance_control WORD...	run a control command: clock, fault, truth, ...
#	appliance_truth			lsid, end (or -), number of events and of users of
#					each session, sorted

appliance_start() {
	appliance_dir=$work/appliance
	rm -rf "$appliance_dir"
	python3 "$top/tests/appliance" --dir "$appliance_dir" --exit-with-parent --quiet \
		"$@" >"$work/appliance.log" 2>&1 &
	appliance_pid=$!
	at_exit='kill $appliance_pid 2>/dev/null; wait $appliance_pid 2>/dev/null'
	appliance_tries=0
	until [ -e "$appliance_dir/ready" ]; do
		appliance_tries=$((appliance_tries + 1))
		if [ "$appliance_tries" -gt 1000 ] || ! kill -0 "$appliance_pid" 2>/dev/null; then
			sed 's/^/# /' "$work/appliance.log"
			echo "Bail out! the appliance did not start"
			exit 1
		fi
		sleep 0.03
	done
	# shellcheck source=/dev/null
	. "$appliance_dir/env"
}

appliance_control() {
	python3 "$top/tests/appliance" control --dir "$appliance_dir" "$@"
}

appliance_truth() {
	appliance_control truth --form sessions --no-hashes | cut -f 1,4,5,6 | sort
}
