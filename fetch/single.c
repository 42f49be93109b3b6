/*
 * praic-fetch backup, recording, shell and screen: one file.  It is fetched into a
 * temporary file and written to standard output when it is whole.  A backup may
 * go into a spool instead, with records to standard output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "fetch.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "rec.h"
#include "secret.h"

/* {"password": "..."}, which is a secret; NULL: there is none. */
static char *
body_of(const struct site *s)
{
	json_t *o;
	char *text;

	if (s->backup_password == NULL)
		return NULL;
	o = json_pack("{ss}", "password", s->backup_password);
	text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	return text;
}

/* The site itself is a session without an lsid. */
static int
write_records(const struct site *s, const struct spool_file *f)
{
	struct rec_value host = {s->name, strlen(s->name)}, lsid = {"", 0};
	struct rec_writer *w = rec_new(1, "standard output");
	struct buf row = {0};
	int i, code;

	rec_head(w, TABLE_SET_FILES);
	rec_begin(w, host, lsid);
	filerow_add(&row, "backup", NULL, f);
	rec_rows(w, row.p, row.n, 1);
	buf_reset(&row);
	rec_row(&row, TABLE_SESSION);
	for (i = 0; i < SESSION_COLUMNS; i++)
		rec_value(&row,
		    i == SESSION_HOST_NAME ? host :
			i == SESSION_LSID  ? lsid :
					     (struct rec_value){NULL, 0});
	rec_end_row(&row);
	rec_rows(w, row.p, row.n, 1);
	rec_commit(w);
	rec_end(w, 0);
	code = rec_finish(w);
	rec_free(w);
	buf_free(&row);
	return code;
}

/* The exit code of a download that did not come. */
static int
code_of(const struct job *j)
{
	if (j->is == DOWNLOAD_EXPIRED)
		return EX_NOINPUT;
	/* An answer with an error may be good the next time. */
	return j->code == EX_DATAERR || j->code == 0 ? EX_UNAVAILABLE : j->code;
}

/* HOST-backup-20241203T152605Z.nsb */
static void
name_backup(struct job *j)
{
	struct spool_file *f = &j->file;
	const struct buf *given = &j->call.disposition;
	struct buf name = {0};

	/* The first bytes of the format .nsb are not documented. */
	if (strcmp(f->extension, "bin") == 0 ||
	    (given->n > 4 && memmem(given->p, given->n, ".nsb", 4) != NULL))
		strcpy(f->extension, "nsb");
	spool_base(f->name, j->downloads->site->name, "", 0, "backup", NULL);
	buf_printf(&name, "%.200s-", f->name);
	output_time(&name, f->fetched_at != 0 ? f->fetched_at : (int64_t)time(NULL));
	snprintf(f->name, sizeof(f->name), "%s.%s", buf_text(&name), f->extension);
	buf_free(&name);
}

/* Write the file to standard output; or give it its name in the spool, and write records. */
static int
deliver(struct job *j, struct spool *spool, int *fd, const char *tmp)
{
	struct site *s = j->downloads->site;
	struct output out;
	int code;

	if (spool == NULL) {
		(void)output_open(&out, s, NULL, 1);
		code = output_copy(&out, *fd, j->part.size);
		return output_close(&out, code, NULL);
	}
	name_backup(j);
	code = spool_publish(spool, *fd, tmp, j->file.name);
	*fd = -1;
	return code != 0 ? code : write_records(s, &j->file);
}

/* GET path?query, or POST; spool may be NULL. */
static int
fetch(struct site *s, struct spool *spool, const char *what, const char *report, const char *path,
    const char *query, const char *body)
{
	struct spool none = {.path = file_scratch_dir(), .dir = -1};
	struct downloads *d = xmalloc(sizeof(*d));
	char tmp[SPOOL_NAME];
	struct job *j;
	int code, fd = spool != NULL ? spool_create(spool, tmp) : file_scratch();

	if (fd == -1) {
		if (spool == NULL)
			msg_errno("temporary file in %s (see TMPDIR)", none.path);
		free(d);
		return EX_CANTCREAT;
	}
	downloads_open(d, s, spool != NULL ? spool : &none, 1);
	j = downloads_slot(d);
	j->report = report;
	j->scratch = 1;
	j->part.fd = fd;
	j->part.length = -1;
	snprintf(j->base, sizeof(j->base), "temporary file");
	snprintf(j->what, sizeof(j->what), "%s", what);
	download_begin(j, path, query, body);
	if (downloads_wait(d) == NULL)
		code = d->fatal;
	else if (j->is != DOWNLOAD_WHOLE)
		code = code_of(j);
	else
		code = deliver(j, spool, &fd, tmp);
	if (spool != NULL)
		spool_discard(spool, fd, tmp);
	else
		close(fd);
	downloads_close(d);
	free(d);
	return code;
}

/* recording LSID, shell LSID INSTANCE, screen LSID INSTANCE */
int
single_run(struct options *o)
{
	const char *kind = o->verb;
	const char *report = recordings_report(&o->site, kind);
	struct question q = {.report = report};
	int numbered = strcmp(kind, "recording") != 0, code;
	struct buf query = {0};
	char what[160];
	uint64_t n;

	if (o->operands != 1 + numbered || o->spool != NULL) {
		msg_warn("%s: give LSID%s and no -d: it is written to standard output", kind,
		    numbered ? " INSTANCE" : "");
		return EX_USAGE;
	}
	if (!site_is_lsid(o->operand[0], strlen(o->operand[0]))) {
		msg_warn("%s: %s: " SITE_LSID, kind, o->operand[0]);
		return EX_USAGE;
	}
	if (numbered &&
	    num_parse_count(o->operand[1], strlen(o->operand[1]), INT64_MAX, &n) == -1) {
		msg_warn("%s: %s: the instance is a number, from 0", kind, o->operand[1]);
		return EX_USAGE;
	}
	(void)question_add(&q, "lsid", o->operand[0]);
	if (numbered)
		(void)question_add(&q, "instance", o->operand[1]);
	question_encode(&query, &q);
	snprintf(what, sizeof(what), "%.64s: %s%s%.20s", o->operand[0], kind, numbered ? " " : "",
	    numbered ? o->operand[1] : "");
	code = fetch(&o->site, NULL, what, report, "/api/reporting", buf_text(&query), NULL);
	buf_free(&query);
	return code;
}

int
backup_run(struct options *o)
{
	struct spool spool;
	char *body;
	int code;

	if (o->operands > 0) {
		msg_warn("backup: it takes no operands");
		return EX_USAGE;
	}
	body = body_of(&o->site);
	if (body == NULL && o->site.backup_password != NULL) {
		msg_warn("backup password: it is not UTF-8, which JSON needs");
		return EX_CONFIG;
	}
	if (o->spool == NULL)
		code = fetch(&o->site, NULL, "backup", NULL, "/api/backup", NULL, body);
	else if ((code = spool_open(&spool, o->spool)) == 0) {
		code = fetch(&o->site, &spool, "backup", NULL, "/api/backup", NULL, body);
		spool_close(&spool);
	}
	secret_free(body);
	return code;
}
