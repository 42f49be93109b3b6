/*
 * praic-fetch backup: the site's backup into the spool, and records with its
 * file row.  It is made when it is asked for, so it is never resumed and
 * each one has a name of its own; two at a time are not made.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "code.h"
#include "download.h"
#include "fetch.h"
#include "filerow.h"
#include "msg.h"
#include "rec.h"
#include "secret.h"

/* {"password": "..."}, or NULL when there is none.  A secret. */
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

static int
fetch(struct site *s, struct spool *spool, const char *body)
{
	struct downloads *d = xmalloc(sizeof(*d));
	struct job *j;
	int code = downloads_open(d, s, spool, 1);

	if (code != 0) {
		free(d);
		return code;
	}
	j = downloads_slot(d);
	j->report = NULL;
	j->dated = 1;
	spool_base(j->base, s->name, "", 0, "backup", NULL);
	strcpy(j->what, "backup");
	download_begin(j, "/api/backup", NULL, body);
	j = downloads_wait(d);
	if (j == NULL)
		code = d->fatal;
	else if (j->is != DOWNLOAD_WHOLE)
		/* Whatever it said in its stead, the next one may be good. */
		code = j->code == EX_DATAERR || j->code == 0 ? EX_UNAVAILABLE : j->code;
	else if ((code = spool_sync(spool)) == 0)
		code = write_records(s, &j->file);
	downloads_close(d);
	free(d);
	return code;
}

int
backup_run(struct options *o)
{
	struct spool spool;
	char *body;
	int code;

	if (o->spool == NULL || o->operands > 0) {
		msg_warn(o->spool == NULL ? "backup: -d SPOOL is missing" :
					    "backup: it takes no operands");
		return EX_USAGE;
	}
	body = body_of(&o->site);
	if (body == NULL && o->site.backup_password != NULL) {
		msg_warn("backup password: it is not UTF-8, which JSON needs");
		return EX_CONFIG;
	}
	code = spool_open(&spool, o->spool);
	if (code == 0) {
		code = fetch(&o->site, &spool, body);
		spool_close(&spool);
	}
	secret_free(body);
	return code;
}
