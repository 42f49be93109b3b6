#!/bin/sh
# praic-run: each step on an appliance.
. "${0%/*}/lib.sh"
. "$top/tests/appliance.sh"
. "$top/tests/run.sh"

appliance_start --sessions 40 --span 20 --recording-size 1K-4K
settings
step 64 "no words" 
step 64 "a step that is none" sweep pra session
step 78 "a site that is none" fetch nowhere session
says "is named" "fetch nowhere session: there is no such job"
step 0 "sessions are fetched" fetch pra session
silent "and nothing is said"
check "they are a file of the log" test -s spool/1/session/1.rec
is "which has a row" "SELECT number, sessions > 0, since IS NOT NULL, until > since FROM log LIMIT 1" "1	1	1	1"
is "the job is well" "SELECT runs, failures, code, next, last > 0, mark > 0, oldest FROM job WHERE step = 'fetch'" "1	0			1	1	0"
cat err
ls -lR spool
sql "select * from job; select * from log; select * from run; select * from open_session"
step 0 "and stored" store 1 session
cat err
all_stored "all of them"
is "job" "SELECT position, next, code, last_success IS NOT NULL from job where step = 'store'" x
sql "select * from log;"
ls -lR spool
done_testing
