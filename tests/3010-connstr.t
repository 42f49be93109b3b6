#!/bin/sh
# Connection strings as ADO.NET reads them.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
tool=${bin}tests/tools/connstr

# takes NAME STRING RESULT
takes() {
	printf '%s\n' "$2" | "$tool" >out 2>err
	printf '%s\n' "$3" >want
	same "$1" want out
}
# refuses NAME STRING TEXT-OF-THE-MESSAGE
refuses() {
	takes "$1" "$2" refused
	says "$1: why" "$3"
}

takes "the usual one" \
	'Server=tcp:db1,1433;Database=BGSessions;User Id=praic;Password=x y;Encrypt=yes;TrustServerCertificate=no' \
	'[db1] [-] 1433 [BGSessions] [praic] [x y] [-] encrypt 15'
takes "synonyms" 'data source=db1;initial catalog=b;uid=u;pwd=p;app=a;timeout=5;trust server certificate=true' \
	'[db1] [-] 0 [b] [u] [p] [a] encrypt trust 5'
takes "more synonyms" 'Addr=h;User=u;Password=p;Application Name=n;Connection Timeout=7;Encrypt=false' \
	'[h] [-] 0 [-] [u] [p] [n] 7'
takes "yet more" 'Network Address=h;UID=u;PWD=p;Connect Timeout=9' '[h] [-] 0 [-] [u] [p] [-] encrypt 9'
takes "blanks and semicolons without end" ' ; SERVER = h ;; uid=  u ;pwd = p ; ;' \
	'[h] [-] 0 [-] [u] [p] [-] encrypt 15'
takes "the last of several counts" 'server=a;uid=u;pwd=p;Data Source=b;pwd=q' \
	'[b] [-] 0 [-] [u] [q] [-] encrypt 15'
takes "double quotes" 'server=h;uid=u;pwd="a;b= ""c"" '"'"'d "' \
	'[h] [-] 0 [-] [u] [a;b= "c" '"'"'d ] [-] encrypt 15'
takes "single quotes" "server=h;uid=u;pwd='a;''\"' ; database='x y'" \
	"[h] [-] 0 [x y] [u] [a;'\"] [-] encrypt 15"
takes "quotes inside an unquoted value" "server=h;uid=o'brien;pwd=a\"b" \
	"[h] [-] 0 [-] [o'brien] [a\"b] [-] encrypt 15"
takes "an equals sign in a value" 'server=h;uid=u;pwd=a=b==' '[h] [-] 0 [-] [u] [a=b==] [-] encrypt 15'
takes "an instance" 'server=h\SQLEXPRESS;uid=u;pwd=p' '[h] [SQLEXPRESS] 0 [-] [u] [p] [-] encrypt 15'
takes "an instance and a port" 'server=tcp:h\i, 1500;uid=u;pwd=p' '[h] [i] 1500 [-] [u] [p] [-] encrypt 15'
takes "the default instance" 'server=h\MSSQLSERVER;uid=u;pwd=p' '[h] [-] 0 [-] [u] [p] [-] encrypt 15'
takes "this machine" 'server=(local);uid=u;pwd=p' '[localhost] [-] 0 [-] [u] [p] [-] encrypt 15'
takes "a dot and an instance" 'server=.\x;uid=u;pwd=p' '[localhost] [x] 0 [-] [u] [p] [-] encrypt 15'
takes "an IPv6 address" 'server=tcp:[2001:db8::1],1433;uid=u;pwd=p' \
	'[2001:db8::1] [-] 1433 [-] [u] [p] [-] encrypt 15'
takes "Kerberos" 'server=h;Integrated Security=SSPI;uid=u;pwd=p' \
	'[h] [-] 0 [-] [-] [-] [-] integrated encrypt 15'
takes "Kerberos, too" 'server=h;Trusted_Connection=Yes' '[h] [-] 0 [-] [-] [-] [-] integrated encrypt 15'
takes "Encrypt as of late" 'server=h;uid=u;pwd=p;Encrypt=Mandatory' '[h] [-] 0 [-] [u] [p] [-] encrypt 15'
takes "Encrypt, optional" 'server=h;uid=u;pwd=p;Encrypt=Optional' '[h] [-] 0 [-] [u] [p] [-] 15'
takes "keys of no matter" \
	'server=h;uid=u;pwd=p;Persist Security Info=False;Pooling=true;MultipleActiveResultSets=False' \
	'[h] [-] 0 [-] [u] [p] [-] encrypt 15'
takes "letters of all kinds" 'server=h;uid=zoë;pwd=协力🙂' '[h] [-] 0 [-] [zoë] [协力🙂] [-] encrypt 15'

refuses "an unknown key" 'server=h;uid=u;pwd=p;Failover Partner=x' 'unknown key "Failover Partner"'
refuses "a key with a doubled equals sign" 'server=h;a==b=c' 'unknown key "a=b"'
refuses "no server" 'uid=u;pwd=p' 'Server is missing'
refuses "an empty one" '' 'Server is missing'
refuses "no user" 'server=h;pwd=p' 'User Id is missing'
refuses "no password" 'server=h;uid=u' 'Password is missing'
refuses "a key without a value" 'server=h;uid' '"=" is missing'
refuses "a value without a key" '=h' 'no key'
refuses "an open quote" 'server=h;uid=u;pwd="p' 'does not end'
refuses "text behind a quote" 'server=h;uid=u;pwd="p"q' '";" is missing'
refuses "a named pipe" 'server=np:\\h\pipe\sql;uid=u;pwd=p' 'TCP alone'
refuses "a bad port" 'server=h,x;uid=u;pwd=p' 'no port'
refuses "a bad truth" 'server=h;uid=u;pwd=p;Encrypt=maybe' 'yes or no'
refuses "strict encryption" 'server=h;uid=u;pwd=p;Encrypt=Strict' 'Strict'
refuses "to wait for ever" 'server=h;uid=u;pwd=p;Connect Timeout=0' 'seconds'
refuses "a password that ought to be quoted" 'server=h;uid=u;pwd=abc;s3cret=x' 'in quotes'
if grep -q s3cret err; then fail "a part of a password is shown" err; else pass "no part of a password is shown"; fi
printf 'server=h;uid=u;pwd=p\377\n' | "$tool" >out 2>err
echo refused >want
same "no UTF-8" want out

done_testing
