/*
 * What to do about an error of SQL Server or db-lib: repeat the work, on the same
 * connection or a new one, or end with an exit code and a hint.
 */
#include "code.h"
#include "mssql.h"

/* db-lib's own numbers; none of the server's that matters is among them. */
#define DBLIB	  20000
#define DBLIB_END 21000

#define MOST 32

/*
 * Transient are those that SqlClient and Entity Framework repeat, too, those
 * that Azure documents, and those of a database that is being recovered or
 * moved.  Other numbers go by their severity.
 */
static const struct {
	enum link_failure failure;
	int code;
	const char *hint;
	int number[MOST]; /* ended by 0 */
} known[] = {
    /* Deadlocks, lock time-outs, conflicts of versions (13535: of a temporal table); no
	 * memory, locks or time to make a plan; rows that moved under a scan. */
    {LINK_AGAIN, EX_TEMPFAIL, NULL,
	{1203, 1204, 1205, 1211, 1220, 1221, 1222, 601, 617, 669, 701, 802, 3960, 8628, 8645, 8651,
	    13535, 41301, 41302, 41305, 41325, 41839}},
    /* Broken connections; killed (596), shutting down, displaced by DDL. */
    {LINK_LOST, EX_TEMPFAIL, NULL,
	{20, 64, 121, 233, 596, 1219, 6005, 10053, 10054, 10060, 17142, 17197, 18401}},
    /* The database is being recovered, restored, taken offline, moved, is
	 * in somebody's single use, or is a mirror or a secondary just now. */
    {LINK_LOST, EX_TEMPFAIL, NULL,
	{615, 921, 922, 924, 926, 927, 942, 945, 952, 954, 955, 976, 978, 979, 983, 988, 4221}},
    /* Azure: limits, moves, too many at once, a pool that wakes up. */
    {LINK_LOST, EX_TEMPFAIL, "the service is busy or moves the database",
	{10928, 10929, 10936, 40143, 40166, 40197, 40501, 40540, 40549, 40550, 40551, 40552, 40553,
	    40613, 40627, 40642, 40648, 40675, 42108, 42109, 49918, 49919, 49920}},
    {LINK_FINAL, EX_TEMPFAIL, "the server is in single-user mode", {18461}},
    {LINK_FINAL, EX_NOPERM, NULL, {18450, 18451, 18458, 297, 300, 4834, 17892}},
    {LINK_FINAL, EX_NOPERM, "the server takes Windows logins only, or not this one", {18452}},
    {LINK_FINAL, EX_NOPERM, "check User Id and Password of the connection string", {18456}},
    {LINK_FINAL, EX_NOPERM, "the account is disabled", {18470}},
    {LINK_FINAL, EX_NOPERM, "the account is locked out", {18486}},
    {LINK_FINAL, EX_NOPERM, "the password has expired", {18487}},
    {LINK_FINAL, EX_NOPERM, "the password must be changed", {18488}},
    {LINK_FINAL, EX_NOPERM, "have this machine's address allowed in the server's firewall",
	{40615, 40914, 47072, 47073}},
    {LINK_FINAL, EX_NOPERM, "grant it to the login: praic-tosql(1), SQL Server", {229, 230}},
    {LINK_FINAL, EX_NOPERM,
	"let somebody who may make the tables (praic-tosql --schema mssql) and grant them to the "
	"login",
	{262, 1088, 2760, 4902, 15151, 15247}},
    {LINK_FINAL, EX_NOPERM, "the login is no user of the database", {916}},
    {LINK_FINAL, EX_CONFIG, "check Database of the connection string", {911}},
    {LINK_FINAL, EX_CONFIG,
	"check Database of the connection string, whether the login is a user of it, and whether "
	"it is online",
	{4060, 4062, 4063, 4064}},
    {LINK_FINAL, EX_CONFIG, "check Server of the connection string", {40531, 40532}},
    {LINK_FINAL, EX_CONFIG,
	"the database is read-only: have it set READ_WRITE, or give its primary replica in Server",
	{652, 3906}},
    {LINK_FINAL, EX_CONFIG, "have the column take NULL: ALTER TABLE ... ALTER COLUMN ... NULL",
	{515}},
    {LINK_FINAL, EX_CONFIG, "a trigger of the database refuses it", {3609, 3616}},
    {LINK_FINAL, EX_CONFIG, "somebody has changed the tables", {207, 208, 271, 468}},
    {LINK_FINAL, EX_CONFIG,
	"a view or synonym has this name, or a table that the login may not see: rename the one, "
	"grant the other",
	{2714}},
    {LINK_FINAL, EX_CONFIG,
	"keys are there twice, and all but one must go: SELECT host_name, lsid, COUNT(*) FROM "
	"dbo.[session] GROUP BY host_name, lsid HAVING COUNT(*) > 1",
	{1505}},
    {LINK_FINAL, EX_CONFIG,
	"praic's tables point to it: ALTER TABLE dbo.[session] ADD UNIQUE (id); ALTER TABLE "
	"dbo.[session_event] ADD UNIQUE (id)",
	{1776}},
    /* Faults of our statements; syntax goes by its severity. */
    {LINK_FINAL, EX_SOFTWARE, NULL, {1934, 1935, 3902, 3903, 8622, 8624}},
    {LINK_FINAL, EX_IOERR, "the database is full: add space, or remove what is not needed",
	{1101, 1105, 1121, 1132, 1827, 5149, 40544}},
    {LINK_FINAL, EX_IOERR, "tempdb is full: add space to it", {1104, 3958, 3959, 3966, 3967}},
    {LINK_FINAL, EX_IOERR, "the transaction log is full: back it up, or let it grow", {9002}},
    {LINK_FINAL, EX_IOERR, NULL, {3257}},
    {LINK_FINAL, EX_IOERR, "the database is damaged: DBCC CHECKDB tells more",
	{605, 823, 824, 3908, 7105, 8646}},
    /* Keys that are there twice: else their severity would be that of permissions. */
    {LINK_DATA, EX_DATAERR, NULL, {2601, 2627}},
    {LINK_LOST, EX_UNAVAILABLE,
	"check Server of the connection string, and whether the server runs",
	{SYBECONN, SYBEUHST, SYBESOCK}},
    {LINK_LOST, EX_TEMPFAIL, NULL, {SYBETIME, SYBEREAD, SYBEWRIT, SYBESEOF, SYBEDDNE}},
    {LINK_FINAL, EX_TEMPFAIL, NULL, {SYBEMEM}},
    /* the login failed, and the server did not say why */
    {LINK_FINAL, EX_CONFIG, NULL, {SYBEFCON}},
};

/* What Microsoft says that severities mean.  From 20 on the server ends the
 * connection; the others are the fault of what was sent. */
static const struct {
	enum link_failure failure;
	int code;
} severity[] = {
    [12] = {LINK_AGAIN, EX_TEMPFAIL}, /* rows moved under a scan */
    [13] = {LINK_AGAIN, EX_TEMPFAIL}, /* deadlocks and their like */
    [14] = {LINK_FINAL, EX_NOPERM},
    [15] = {LINK_FINAL, EX_SOFTWARE}, /* syntax */
    [17] = {LINK_FINAL, EX_TEMPFAIL}, /* out of something */
    [18] = {LINK_FINAL, EX_TEMPFAIL}, /* a fault of the server */
    [19] = {LINK_FINAL, EX_TEMPFAIL}, /* a limit of the server */
    [20] = {LINK_LOST, EX_TEMPFAIL},
    [21] = {LINK_LOST, EX_TEMPFAIL},
    [22] = {LINK_FINAL, EX_IOERR}, /* tables, */
    [23] = {LINK_FINAL, EX_IOERR}, /* databases, */
    [24] = {LINK_FINAL, EX_IOERR}, /* disks that are damaged */
    [25] = {LINK_LOST, EX_TEMPFAIL},
};

int
link_is_dblib(int number)
{
	return number >= DBLIB && number < DBLIB_END;
}

static const char *
find(struct link *l)
{
	size_t i, j;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		for (j = 0; known[i].number[j] != 0; j++)
			if (known[i].number[j] == l->number) {
				l->failure = known[i].failure;
				l->code = known[i].code;
				return known[i].hint;
			}
	i = (size_t)l->severity;
	l->failure = LINK_DATA;
	l->code = EX_DATAERR;
	if (link_is_dblib(l->number)) {
		l->failure = LINK_FINAL;
		l->code = EX_SOFTWARE;
	} else if (i < sizeof(severity) / sizeof(severity[0]) && severity[i].code != 0) {
		l->failure = severity[i].failure;
		l->code = severity[i].code;
	}
	return NULL;
}

/* Was an id there twice?  praic sends none, so that is for no session's sake.  Keys of
 * another kind are no plain numbers: "The duplicate key value is (17)." */
static int
is_twice_an_id(struct link *l)
{
	const char *text = buf_text(&l->text), *value = strrchr(text, '(');
	size_t digits = value != NULL ? strspn(value + 1, "0123456789") : 0;

	return l->number == 2627 && strstr(text, " PRIMARY KEY ") != NULL && digits > 0 &&
	    value[1 + digits] == ')';
}

const char *
link_sort(struct link *l)
{
	const char *hint = find(l);

	if (l->failure != LINK_DATA)
		return hint;
	if (is_twice_an_id(l))
		hint = "the server numbers rows from too low a number: DBCC CHECKIDENT "
		       "('dbo.TABLE') mends it";
	else if (l->in_trigger)
		hint = "a trigger of the database refuses it";
	else
		return hint;
	l->failure = LINK_FINAL;
	l->code = EX_CONFIG;
	return hint;
}
