/*
 * Mails about failures: see sched_report.h.  What was mailed is noted only
 * once the server has it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "file.h"
#include "msg.h"
#include "sched_db.h"
#include "sched_log.h"
#include "sched_pipe.h"
#include "sched_report.h"
#include "when.h"

#define MAIL_TIME 300 /* seconds for all of it */

/* What may go away by itself is worth a mail when it lasts so long. */
#define LASTS "900"

#define IS_NEW                                        \
	"(reported IS NULL AND recovered IS NULL AND" \
	" (code NOT IN (69, 75) OR ?1 - since >= " LASTS "))"
#define IS_OLD                                                                      \
	"(reported IS NOT NULL AND recovered IS NULL AND ?2 > 0 AND code <> 65 AND" \
	" ?1 - coalesce(reminded, reported) >= ?2)"
#define IS_OVER "(recovered IS NOT NULL)"

struct totals {
	int begun, last, over;
};

int
report_wanted(struct settings *s, int64_t now)
{
	char *server;
	int64_t remind;
	sqlite3_stmt *stmt;
	int wanted = -1, rc;

	if (settings_text(s, "notify-server", &server) != 0)
		return -1;
	if (server == NULL) /* nobody wants mail */
		return settings_exec(s,
			   "DELETE FROM failure WHERE recovered IS NOT NULL"
			   " OR code = 65") == 0 ?
		    0 :
		    -1;
	free(server);
	if (settings_number(s, "notify-remind", &remind) != 0)
		return -1;
	stmt = db_prepare(s,
	    "SELECT EXISTS (SELECT 1 FROM failure WHERE " IS_NEW " OR " IS_OLD " OR " IS_OVER ")",
	    2, (const int64_t[]){now, remind});
	if (stmt == NULL)
		return -1;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		wanted = sqlite3_column_int(stmt, 0);
	else
		settings_failed(s, "reading failures");
	sqlite3_finalize(stmt);
	return wanted;
}

static const char *
text_at(sqlite3_stmt *stmt, int at)
{
	const char *text = (const char *)sqlite3_column_text(stmt, at);

	return text != NULL ? text : "";
}

static void
describe(struct buf *b, sqlite3_stmt *stmt, struct totals *n)
{
	int is_new = sqlite3_column_int(stmt, 0), is_over = sqlite3_column_int(stmt, 1);
	int code = sqlite3_column_int(stmt, 8);
	char since[WHEN_SIZE], until[WHEN_SIZE];

	when_format(sqlite3_column_int64(stmt, 6), since);
	n->begun += is_new;
	n->over += is_over;
	n->last += !is_new && !is_over;
	buf_printf(b, "%s: schedule \"%s\", %s to %s (transfer %lld), %s %s\n",
	    is_over		   ? "OVER" :
		code == EX_DATAERR ? "LEFT OUT" :
		is_new		   ? "FAILED" :
				     "STILL FAILING",
	    text_at(stmt, 2), text_at(stmt, 3), text_at(stmt, 4),
	    (long long)sqlite3_column_int64(stmt, 11), text_at(stmt, 5), text_at(stmt, 12));
	if (is_over) {
		when_format(sqlite3_column_int64(stmt, 10), until);
		buf_printf(
		    b, "    from %s to %s, %d times\n", since, until, sqlite3_column_int(stmt, 7));
	} else
		buf_printf(b, "    since %s, %d times, exit code %d\n", since,
		    sqlite3_column_int(stmt, 7), code);
	buf_adds(b, "    ");
	msg_harmless(b, text_at(stmt, 9), strlen(text_at(stmt, 9)));
	buf_adds(b, "\n\n");
}

static int
compose(struct settings *s, struct buf *b, int64_t now, int64_t remind, struct totals *n)
{
	sqlite3_stmt *stmt = db_prepare(s,
	    "SELECT " IS_NEW ", " IS_OVER ", c.name, s.name, d.name,"
	    " f.kind, f.since, f.times, f.code, f.reason, f.recovered, f.transfer_id, f.step"
	    " FROM failure f JOIN transfer t ON t.id = f.transfer_id"
	    " JOIN schedule c ON c.id = t.schedule_id JOIN site s ON s.id = t.site_id"
	    " JOIN destination d ON d.id = t.destination_id"
	    " WHERE " IS_NEW " OR " IS_OLD " OR " IS_OVER " ORDER BY f.transfer_id, f.kind, f.step",
	    2, (const int64_t[]){now, remind});
	int rc;

	if (stmt == NULL)
		return EX_SOFTWARE;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		describe(b, stmt, n);
	if (rc != SQLITE_DONE) {
		sqlite3_finalize(stmt);
		return settings_failed(s, "reading failures");
	}
	sqlite3_finalize(stmt);
	buf_adds(b, "praic-conf status shows how things stand; praic-conf log, what was said.\n");
	return 0;
}

/*
 * What the mail said.  What changed while it was on its way is newer than
 * now, and waits for the next one.
 */
static int
note(struct settings *s, int64_t now, int64_t remind)
{
	static const char *const sql[] = {
	    "DELETE FROM failure WHERE recovered <= ?1 AND ?2 IS NOT NULL",
	    "DELETE FROM failure WHERE code = 65 AND since <= ?1 AND ?2 IS NOT NULL",
	    "UPDATE failure SET reminded = ?1 WHERE " IS_OLD,
	    "UPDATE failure SET reported = ?1 WHERE since <= ?1 AND ?2 IS NOT NULL AND " IS_NEW,
	};
	size_t i;
	int code = settings_begin(s);

	for (i = 0; i < sizeof(sql) / sizeof(sql[0]) && code == 0; i++)
		code = settings_run(
		    s, db_prepare(s, sql[i], 2, (const int64_t[]){now, remind}), "noting a mail");
	if (code == 0)
		code = settings_commit(s);
	settings_rollback(s);
	return code;
}

static int
write_text(const char *path, const struct buf *b)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int bad = fd == -1 || file_write(fd, b->p, b->n) == -1;

	if (fd != -1 && close(fd) == -1)
		bad = 1;
	if (bad)
		msg_errno("%s", path);
	return bad ? EX_IOERR : 0;
}

static int
send_mail(const char *path, const struct totals *n)
{
	char host[256] = "";
	struct buf subject = {0};
	struct stage *g;
	struct pipe p;
	int code;

	(void)gethostname(host, sizeof(host) - 1);
	buf_printf(&subject, "praic on %s:", host);
	if (n->begun > 0)
		buf_printf(&subject, " %d failed", n->begun);
	if (n->last > 0)
		buf_printf(&subject, "%s %d still failing", n->begun > 0 ? "," : "", n->last);
	if (n->over > 0)
		buf_printf(
		    &subject, "%s %d well again", n->begun + n->last > 0 ? "," : "", n->over);
	pipe_init(&p, "mail", MAIL_TIME);
	g = pipe_stage(&p, "praic-mail");
	pipe_add(g, "--settings");
	pipe_add(g, "-s");
	pipe_add(g, "%s", buf_text(&subject));
	pipe_add(g, "%s", path);
	code = pipe_run(&p);
	log_say(code == 0 ? 1 : 0, "mail \"%s\": %s", buf_text(&subject),
	    code == 0			   ? "sent" :
		p.stage[0].last[0] != '\0' ? p.stage[0].last :
					     "not sent");
	pipe_free(&p);
	buf_free(&subject);
	/* Some of the recipients have it: to send it again would not help. */
	return code == EX_DATAERR ? 0 : code;
}

int
report_send(const char *spool)
{
	char *lock = xasprintf("%s/mail.lock", spool), *path = xasprintf("%s/mail.txt", spool);
	int fd = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW, 0600), code = 0;
	struct buf text = {0};
	struct totals n = {0};
	struct settings *s = NULL;
	int64_t now = log_now(), remind;

	if (fd == -1 || flock(fd, LOCK_EX | LOCK_NB) == -1) {
		log_say(1, "another process sends mail");
		free(lock);
		free(path);
		if (fd != -1)
			close(fd);
		return 0;
	}
	if ((s = settings_open(NULL, SETTINGS_OPEN, &code)) != NULL &&
	    report_wanted(s, now) == 1 && /* still */
	    (code = settings_number(s, "notify-remind", &remind)) == 0 &&
	    (code = compose(s, &text, now, remind, &n)) == 0 &&
	    (code = write_text(path, &text)) == 0 && (code = send_mail(path, &n)) == 0)
		code = note(s, now, remind);
	settings_close(s);
	(void)unlink(path);
	close(fd);
	buf_free(&text);
	free(lock);
	free(path);
	return code;
}
