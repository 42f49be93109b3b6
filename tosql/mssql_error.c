/*
 * What the numbers of SQL Server and of db-lib ask for: the same once more, on
 * the same connection or on a new one, or an exit code and words.
 */
#include "code.h"
#include "mssql_link.h"

/* db-lib's own numbers; none of the server's that matters is among them. */
#define DBLIB 20000
#define DBLIB_END 21000

/*
 * Transient are those that SqlClient and Entity Framework repeat, too, and
 * those of a database that is being recovered or moved.
 */
static const struct {
	int number;
	enum link_failure failure;
	int code;
	const char *hint;
} known[] = {
	{1204, LINK_AGAIN, EX_TEMPFAIL, NULL},		/* no lock resources */
	{1205, LINK_AGAIN, EX_TEMPFAIL, NULL},		/* deadlock victim */
	{1222, LINK_AGAIN, EX_TEMPFAIL, NULL},		/* lock time-out */
	{701, LINK_AGAIN, EX_TEMPFAIL, NULL},		/* no memory */
	{802, LINK_AGAIN, EX_TEMPFAIL, NULL},
	{8645, LINK_AGAIN, EX_TEMPFAIL, NULL},
	{8651, LINK_AGAIN, EX_TEMPFAIL, NULL},
	{41301, LINK_AGAIN, EX_TEMPFAIL, NULL},		/* in-memory tables */
	{41302, LINK_AGAIN, EX_TEMPFAIL, NULL},
	{41305, LINK_AGAIN, EX_TEMPFAIL, NULL},
	{41325, LINK_AGAIN, EX_TEMPFAIL, NULL},
	{41839, LINK_AGAIN, EX_TEMPFAIL, NULL},
	{601, LINK_AGAIN, EX_TEMPFAIL, NULL},		/* rows moved under a scan */
	{3960, LINK_AGAIN, EX_TEMPFAIL, NULL},		/* snapshot isolation: updated by others */
	{8628, LINK_AGAIN, EX_TEMPFAIL, NULL},		/* no time to make a plan */
	{20, LINK_LOST, EX_TEMPFAIL, NULL},
	{64, LINK_LOST, EX_TEMPFAIL, NULL},
	{121, LINK_LOST, EX_TEMPFAIL, NULL},
	{233, LINK_LOST, EX_TEMPFAIL, NULL},
	{596, LINK_LOST, EX_TEMPFAIL, NULL},		/* killed */
	{6005, LINK_LOST, EX_TEMPFAIL, NULL},		/* shutting down */
	{921, LINK_LOST, EX_TEMPFAIL, NULL},		/* the database is being recovered, */
	{922, LINK_LOST, EX_TEMPFAIL, NULL},
	{926, LINK_LOST, EX_TEMPFAIL, NULL},
	{927, LINK_LOST, EX_TEMPFAIL, NULL},		/* restored, */
	{942, LINK_LOST, EX_TEMPFAIL, NULL},		/* offline, */
	{945, LINK_LOST, EX_TEMPFAIL, NULL},
	{952, LINK_LOST, EX_TEMPFAIL, NULL},		/* in transition, */
	{954, LINK_LOST, EX_TEMPFAIL, NULL},		/* the mirror, */
	{955, LINK_LOST, EX_TEMPFAIL, NULL},
	{976, LINK_LOST, EX_TEMPFAIL, NULL},		/* or the secondary of an availability group */
	{978, LINK_LOST, EX_TEMPFAIL, NULL},
	{979, LINK_LOST, EX_TEMPFAIL, NULL},
	{983, LINK_LOST, EX_TEMPFAIL, NULL},
	{988, LINK_LOST, EX_TEMPFAIL, NULL},
	{4221, LINK_LOST, EX_TEMPFAIL, NULL},
	{10053, LINK_LOST, EX_TEMPFAIL, NULL},
	{10054, LINK_LOST, EX_TEMPFAIL, NULL},
	{10060, LINK_LOST, EX_TEMPFAIL, NULL},
	{10928, LINK_LOST, EX_TEMPFAIL, NULL},		/* Azure: limits, moves */
	{10929, LINK_LOST, EX_TEMPFAIL, NULL},
	{10936, LINK_LOST, EX_TEMPFAIL, NULL},
	{17142, LINK_LOST, EX_TEMPFAIL, NULL},		/* paused */
	{18401, LINK_LOST, EX_TEMPFAIL, NULL},		/* being upgraded */
	{40197, LINK_LOST, EX_TEMPFAIL, NULL},
	{40501, LINK_LOST, EX_TEMPFAIL, NULL},		/* busy: 10 seconds at least */
	{40613, LINK_LOST, EX_TEMPFAIL, NULL},
	{49918, LINK_LOST, EX_TEMPFAIL, NULL},
	{49919, LINK_LOST, EX_TEMPFAIL, NULL},
	{49920, LINK_LOST, EX_TEMPFAIL, NULL},
	{18461, LINK_FINAL, EX_TEMPFAIL, "the server is in single-user mode"},
	{18450, LINK_FINAL, EX_NOPERM, NULL},
	{18451, LINK_FINAL, EX_NOPERM, NULL},
	{18452, LINK_FINAL, EX_NOPERM, "the server takes Windows logins only, or not this one"},
	{18456, LINK_FINAL, EX_NOPERM, "check User Id and Password of the connection string"},
	{18458, LINK_FINAL, EX_NOPERM, NULL},
	{18470, LINK_FINAL, EX_NOPERM, "the account is disabled"},
	{18486, LINK_FINAL, EX_NOPERM, "the account is locked out"},
	{18487, LINK_FINAL, EX_NOPERM, "the password has expired"},
	{18488, LINK_FINAL, EX_NOPERM, "the password must be changed"},
	{229, LINK_FINAL, EX_NOPERM, "grant it to the login: praic-tosql(1), SQL Server"},
	{230, LINK_FINAL, EX_NOPERM, "grant it to the login: praic-tosql(1), SQL Server"},
	{262, LINK_FINAL, EX_NOPERM, "have somebody who may run: praic-tosql --schema mssql"},
	{297, LINK_FINAL, EX_NOPERM, NULL},
	{300, LINK_FINAL, EX_NOPERM, NULL},
	{916, LINK_FINAL, EX_NOPERM, "the login is no user of the database"},
	{1088, LINK_FINAL, EX_NOPERM, NULL},
	{15247, LINK_FINAL, EX_NOPERM, NULL},
	{911, LINK_FINAL, EX_CONFIG, "check Database of the connection string"},
	{4060, LINK_FINAL, EX_CONFIG, "check Database of the connection string, and whether the "
	    "login is a user of it"},
	{3906, LINK_FINAL, EX_CONFIG, "the database is read-only"},
	{207, LINK_FINAL, EX_CONFIG, "somebody has changed the tables"},
	{208, LINK_FINAL, EX_CONFIG, "somebody has changed the tables"},
	{102, LINK_FINAL, EX_SOFTWARE, NULL},		/* syntax */
	{156, LINK_FINAL, EX_SOFTWARE, NULL},
	{1101, LINK_FINAL, EX_IOERR, "the database is full"},
	{1105, LINK_FINAL, EX_IOERR, "the database is full"},
	{40544, LINK_FINAL, EX_IOERR, "the database is full"},
	{3958, LINK_FINAL, EX_IOERR, "tempdb is full"},
	{3959, LINK_FINAL, EX_IOERR, "tempdb is full"},
	{3966, LINK_FINAL, EX_IOERR, "tempdb is full"},
	{9002, LINK_FINAL, EX_IOERR, "the transaction log is full: back it up, or let it grow"},
	{3257, LINK_FINAL, EX_IOERR, NULL},
	{5149, LINK_FINAL, EX_IOERR, NULL},
	{823, LINK_FINAL, EX_IOERR, "the database is damaged"},
	{824, LINK_FINAL, EX_IOERR, "the database is damaged"},
};

int
link_is_dblib(int number)
{
	return number >= DBLIB && number < DBLIB_END;
}

/* db-lib's own errors. */
static const char *
sort_dblib(struct link *l)
{
	l->failure = LINK_LOST;
	l->code = EX_TEMPFAIL;
	switch (l->number) {
	case SYBECONN:	/* nobody answers there */
	case SYBEUHST:	/* no such host */
	case SYBESOCK:
		l->code = EX_UNAVAILABLE;
		return "check Server of the connection string, and whether the server runs";
	case SYBEFCON:	/* the login failed, and the server did not say why */
		l->failure = LINK_FINAL;
		l->code = EX_CONFIG;
		break;
	case SYBETIME:
	case SYBEREAD:
	case SYBEWRIT:
	case SYBESEOF:
	case SYBEDDNE:
		break;
	case SYBEMEM:
		l->failure = LINK_FINAL;
		break;
	default:
		l->failure = LINK_FINAL;
		l->code = EX_SOFTWARE;
	}
	return NULL;
}

static const char *
sort_server(struct link *l)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].number == l->number) {
			l->failure = known[i].failure;
			l->code = known[i].code;
			return known[i].hint;
		}
	/* From 20 on the server ends the connection. */
	l->failure = l->severity >= 20 ? LINK_LOST : LINK_DATA;
	l->code = l->severity >= 20 ? EX_TEMPFAIL : EX_DATAERR;
	return NULL;
}

const char *
link_sort(struct link *l)
{
	return link_is_dblib(l->number) ? sort_dblib(l) : sort_server(l);
}
