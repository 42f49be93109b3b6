/* Downloads side by side: see fetch.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "fetch.h"
#include "file.h"
#include "msg.h"

#define POLL_MS	       250
#define LOCK_MS	       200	       /* between two tries to lock a part that this run holds */
#define SYNC_MS	       500	       /* whole files wait so long for others to be synced with */
#define MAX_TIME       INT64_C(86400)  /* of one try: recordings are long */
#define RESUME_FROM    (1 << 20)       /* a shorter part is not resumed */
#define NOTE_EVERY     (64 << 20)      /* bytes between two notes: a crash loses no more */
#define WRITE_EVERY    (8 << 20)       /* bytes that the kernel is asked to write out */
#define LEAST_REFUSALS 3	       /* with the same text, before it is believed */
#define INVALID_LSID   "Invalid lsid." /* there is no such session: trying again is no use */
#define MAX_PAGE       (1 << 20)       /* bytes of an answer that is no file */
#define STRONG	       60 /* seconds: a date is a strong validator, RFC 9110, 8.8.2.2 */

/*
 * The type of a file, by its first bytes: headers are not reliable.
 */

static int
is_shell(const struct job *j)
{
	return j->report != NULL && strcmp(j->report, "CommandShellRecording") == 0;
}

/* Does a header call it a file? */
static int
is_attachment(const struct job *j)
{
	const struct buf *b = &j->call.disposition;

	return b->n >= 10 && strncasecmp(b->p, "attachment", 10) == 0;
}

/* An asciicast begins with an object that has a version. */
static int
is_asciicast(const struct answer *a)
{
	json_t *o = json_loadb(a->head.p, a->head.n, JSON_DISABLE_EOF_CHECK, NULL);
	int is =
	    json_is_integer(json_object_get(o, "version")) && json_object_get(o, "error") == NULL;

	json_decref(o);
	return is;
}

/*
 * Neither the bytes nor the Content-Type are those of a recording: a picture, or a
 * proxy's page in gzip.
 */
static int
is_page(const struct job *j)
{
	const char *extension = j->answer.extension, *type = j->call.type.p;
	size_t n = j->call.type.n;

	if (j->report == NULL || (is_shell(j) && is_attachment(j)) ||
	    (strcmp(extension, "bin") != 0 && strcmp(extension, "gz") != 0))
		return 0;
	return (n >= 5 && strncasecmp(type, "text/", 5) == 0) ||
	    (n >= 6 && strncasecmp(type, "image/", 6) == 0) ||
	    (n >= 4 && memmem(type, n, "json", 4) != NULL);
}

/*
 * A command shell may have been recorded as text: an asciicast, or text that is
 * sent as an attachment.  Any other text is an error.
 */
static int
may_be_text(const struct job *j)
{
	const struct answer *a = &j->answer;

	return a->known && is_shell(j) &&
	    (a->kind == ANSWER_JSON || (a->kind == ANSWER_TEXT && is_attachment(j)));
}

/* The extension of a whole file; NULL: the answer is a page, an error or the
 * like. */
static const char *
extension_of(const struct job *j)
{
	const struct answer *a = &j->answer;

	if (a->kind == ANSWER_BINARY)
		return is_page(j) ? NULL : a->extension;
	if (!may_be_text(j))
		return NULL;
	if (a->kind == ANSWER_JSON)
		return is_asciicast(a) ? "cast" : NULL;
	return "txt";
}

/*
 * One download: its part, and how it ends.
 */

/* Can the part be resumed, and is it worth it? */
static int
is_resumable(const struct job *j)
{
	return !j->scratch && j->part.size >= RESUME_FROM && j->part.extension[0] != '\0' &&
	    (j->part.etag.n > 0 || j->part.modified.n > 0);
}

static void
let_go(struct job *j, int keep)
{
	struct spool *s = j->downloads->spool;

	if (j->scratch)
		j->part.fd = -1; /* it is the caller's */
	if (j->part.fd != -1 && keep)
		keep = is_resumable(j) && spool_part_note(s, j->base, &j->part) == 0;
	spool_part_close(s, j->base, &j->part, keep);
}

/* The reason is the last message without the object, which the row names. */
static void
keep_reason(struct job *j)
{
	const char *text = msg_last();
	struct buf object = {0};

	buf_printf(&object, "%s: %s: ", j->downloads->site->name, j->what);
	if (strncmp(text, buf_text(&object), object.n) == 0)
		text += object.n;
	buf_reset(&j->reason);
	buf_adds(&j->reason, text);
	buf_free(&object);
}

static void
over(struct job *j, enum download_is is, int code)
{
	if (is != DOWNLOAD_WHOLE)
		keep_reason(j);
	j->state = JOB_OVER;
	j->is = is;
	j->code = code;
	/* A download that failed for now can be resumed by the next run. */
	let_go(j, is == DOWNLOAD_FAILED);
}

static void
fatal(struct job *j, int code)
{
	j->downloads->fatal = code;
	over(j, DOWNLOAD_FAILED, code);
}

/* Discard the part and begin anew. */
static void
start_over(struct job *j)
{
	char none[SHA256_HEX];

	if (spool_part_reset(j->downloads->spool, &j->part) == -1) {
		fatal(j, EX_IOERR);
		return;
	}
	sha256_hex(j->hash, none); /* that empties it */
	j->noted = 0;
}

/* The whole file is here.  resumed: an earlier run fetched it. */
static void
finish(struct job *j, int resumed)
{
	struct downloads *d = j->downloads;
	struct spool_file *f = &j->file;

	d->last_good = when_clock();
	answer_free(&j->answer); /* many files wait to be synced */
	sha256_hex(j->hash, f->sha256);
	if (resumed && j->part.sha256[0] != '\0' && strcmp(j->part.sha256, f->sha256) != 0) {
		start_over(j);
		if (j->state != JOB_OVER)
			j->state = JOB_READY;
		return;
	}
	f->bytes = j->part.size;
	memcpy(f->extension, j->part.extension, sizeof(f->extension));
	buf_reset(&f->type);
	buf_add(&f->type, j->part.type.p, j->part.type.n);
	f->fetched_at = j->part.fetched_at != 0 ? j->part.fetched_at : call_now(d->site);
	f->name[0] = '\0';
	if (j->scratch) {
		j->state = JOB_OVER;
		j->is = DOWNLOAD_WHOLE;
		j->code = 0;
		return;
	}
	if (spool_part_seal(d->spool, &j->part, f) == -1) {
		fatal(j, EX_IOERR);
		return;
	}
	j->state = JOB_SYNC;
	j->at = when_clock() + SYNC_MS;
}

/* Sync a file and give it its name. */
static void
publish(struct job *j)
{
	struct downloads *d = j->downloads;

	if (spool_part_finish(d->spool, j->base, &j->part, &j->file) == -1) {
		fatal(j, EX_IOERR);
		return;
	}
	d->whole++;
	msg_tell(
	    1, "%s: %s: %llu bytes", d->site->name, j->what, (unsigned long long)j->file.bytes);
	over(j, DOWNLOAD_WHOLE, 0);
}

/*
 * One download: its call.
 */

/* Keep the validators that a resume needs, if there are any. */
static void
keep_validators(struct job *j)
{
	const struct call *c = &j->call;
	struct spool_part *p = &j->part;
	time_t modified;

	buf_reset(&p->etag);
	buf_reset(&p->modified);
	if (c->encoded)
		return; /* the file is not what was sent: its bytes cannot be counted */
	if (c->etag.n >= 2 && c->etag.p[0] == '"')
		buf_add(&p->etag, c->etag.p, c->etag.n);
	else if (c->etag.n == 0 && c->modified.n > 0) {
		buf_add(&p->modified, c->modified.p, c->modified.n);
		modified = curl_getdate(buf_text(&p->modified), NULL);
		if (modified == -1 || c->date == 0 || c->date - modified < STRONG)
			buf_reset(&p->modified);
	}
}

static int
odd_part(struct call *c, const char *why)
{
	buf_reset(&c->why);
	buf_printf(&c->why, "%s", why);
	return CALL_STOP_AGAIN;
}

static int
same(const struct buf *a, const struct buf *b)
{
	return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

/*
 * Is this 206 the rest of the part?  It has the ETag that a 200 would have had
 * (RFC 9110, 15.3.7), but may lack Last-Modified.  Some servers ignore
 * If-Range.
 */
static int
same_validators(const struct spool_part *p, const struct call *c)
{
	if (p->etag.n > 0)
		return same(&p->etag, &c->etag);
	return c->modified.n == 0 || same(&p->modified, &c->modified);
}

/* The header of a good answer. */
static int
head(struct call *c)
{
	struct job *j = c->arg;
	struct spool_part *p = &j->part;

	if (c->status == 206) {
		if (c->range <= 0)
			return odd_part(c, "a part came that was not asked for");
		if (c->encoded || c->range_first != (int64_t)p->size ||
		    (p->length >= 0 && c->range_total != p->length) || !same_validators(p, c)) {
			start_over(j);
			return odd_part(c, "the part that came does not fit");
		}
		p->length = c->range_total;
		p->fetched_at = c->date;
		msg_tell(1, "%s: %s: goes on at byte %llu", c->site->name, j->what,
		    (unsigned long long)p->size);
		return 0;
	}
	if (p->size > 0)
		start_over(j);
	if (j->state != JOB_RUN)
		return EX_IOERR; /* start_over failed, and said so */
	p->length = c->encoded ? -1 : c->length;
	p->fetched_at = c->date;
	buf_reset(&p->type);
	buf_add(&p->type, c->type.p, c->type.n);
	keep_validators(j);
	answer_start(&j->answer);
	return 0;
}

/* Have the kernel write now, so that the sync at the end takes less time. */
static void
write_out(const struct job *j, size_t n)
{
#ifdef SYNC_FILE_RANGE_WRITE
	uint64_t at = j->part.size / WRITE_EVERY * WRITE_EVERY;

	if (at >= WRITE_EVERY && j->part.size - at < n)
		(void)sync_file_range(
		    j->part.fd, (off_t)(at - WRITE_EVERY), WRITE_EVERY, SYNC_FILE_RANGE_WRITE);
#else
	(void)j;
	(void)n;
#endif
}

static int
take(struct call *c, const char *p, size_t n)
{
	struct job *j = c->arg;

	if (c->status == 200) {
		answer_add(&j->answer, p, n);
		if (may_be_text(j))
			;
		else if (j->answer.known && j->answer.kind != ANSWER_BINARY)
			return j->answer.bytes > MAX_PAGE ?
			    odd_part(c, "no such file, but a long text") :
			    0;
		else if (j->answer.known && j->part.extension[0] == '\0' && !is_page(j))
			strcpy(j->part.extension, j->answer.extension);
	}
	if (file_write(j->part.fd, p, n) == -1) {
		/* One message is enough when several downloads meet a full disk. */
		if (j->downloads->fatal == 0)
			msg_errno("%s/%s", j->downloads->spool->path, j->base);
		c->told = 1;
		j->downloads->fatal = EX_IOERR;
		return EX_IOERR;
	}
	sha256_add(j->hash, p, n);
	j->part.size += n;
	write_out(j, n);
	if (is_resumable(j) && (j->noted == 0 || j->part.size - j->noted >= NOTE_EVERY)) {
		if (spool_part_note(j->downloads->spool, j->base, &j->part) == -1) {
			c->told = 1;
			j->downloads->fatal = EX_IOERR;
			return EX_IOERR;
		}
		j->noted = j->part.size;
	}
	return 0;
}

/* The body, with status 200, may say that the token is refused. */
static int
denies(struct call *c)
{
	struct job *j = c->arg;

	if (c->status != 200)
		return 0;
	answer_end(&j->answer);
	return j->answer.denied;
}

/* Wait for the next try: 0; or -1 when the time for tries is up. */
static int
try_later(struct job *j)
{
	struct call *c = &j->call;
	int64_t delay;

	/* A download that makes progress has not failed. */
	if (j->part.size >= j->furthest + RESUME_FROM && is_resumable(j)) {
		memset(&j->retry, 0, sizeof(j->retry));
		c->renewed = 0;
	}
	if (j->part.size > j->furthest)
		j->furthest = j->part.size;
	delay = call_retry(&j->retry, c);
	if (delay == -1)
		return -1;
	progress_trouble(c, j->what, delay);
	j->state = JOB_WAIT;
	j->at = when_clock() + delay;
	return 0;
}

/* The try has failed, the next one may succeed. */
static void
again(struct job *j)
{
	j->refusals = 0;
	if (try_later(j) == 0)
		return;
	call_complain(&j->call, j->what);
	over(j, DOWNLOAD_FAILED, j->call.code);
}

/* As again, without the part. */
static void
again_anew(struct job *j)
{
	start_over(j);
	if (j->state != JOB_OVER)
		again(j);
}

/* The appliance answered with an error.  It may be a passing one. */
static void
refused(struct job *j, const char *text)
{
	struct downloads *d = j->downloads;
	struct call *c = &j->call;
	char shown[CALL_EXCERPT];

	if (site_is_expired(c->site, text)) {
		msg_warn(
		    "%s: %s: it has expired: the appliance has deleted it", c->site->name, j->what);
		over(j, DOWNLOAD_EXPIRED, 0);
		return;
	}
	if (strcmp(buf_text(&j->refusal), text) != 0)
		j->refusals = 0;
	j->refusals++;
	buf_reset(&j->refusal);
	buf_adds(&j->refusal, text);
	/* A text that refused another file to the end is believed at once. */
	if (strcmp(text, INVALID_LSID) != 0 && strcmp(buf_text(&d->believed), text) != 0) {
		if (try_later(j) == 0)
			return;
		if (j->refusals < LEAST_REFUSALS) {
			call_complain(c, j->what);
			over(j, DOWNLOAD_FAILED, EX_UNAVAILABLE);
			return;
		}
		buf_reset(&d->believed);
		buf_adds(&d->believed, text);
	}
	msg_warn("%s: %s: the appliance refuses it: %s%s", c->site->name, j->what,
	    call_excerpt(text, strlen(text), shown),
	    j->report == NULL ? "" :
				" (if it means that the recording was deleted: --expired TEXT)");
	over(j, DOWNLOAD_REFUSED, EX_DATAERR);
}

/* The answer is no file. */
static void
no_file(struct job *j)
{
	struct call *c = &j->call;
	struct answer *a = &j->answer;
	char shown[CALL_EXCERPT];

	buf_reset(&c->why);
	buf_printf(&c->why, "not a file, but %s", answer_what(a));
	if (a->said.n > 0)
		buf_printf(&c->why, ": %s", call_excerpt(a->said.p, a->said.n, shown));
	c->code = EX_UNAVAILABLE;
	if (a->kind != ANSWER_XML || !a->whole) {
		again_anew(j); /* a web page, say: some trouble in between */
		return;
	}
	start_over(j);
	if (j->state != JOB_OVER)
		refused(j, a->said.n > 0 ? buf_text(&a->said) : a->root);
}

/*
 * Neither a length nor an end of TLS shows that the file is whole.  It is fetched
 * once more, at once: the same length again is no coincidence.
 */
static void
torn(struct job *j)
{
	struct call *c = &j->call;
	int first = j->torn_bytes == 0;

	buf_reset(&c->why);
	buf_printf(&c->why,
	    "the connection was cut: neither a length, nor an end of TLS, nor a "
	    "second answer as long says that %llu bytes are all",
	    (unsigned long long)j->part.size);
	c->code = EX_UNAVAILABLE;
	j->torn_bytes = j->part.size;
	if (first)
		start_over(j);
	else
		again_anew(j);
}

static void
good_end(struct job *j)
{
	struct call *c = &j->call;
	const char *extension;

	if (c->status == 200) {
		extension = extension_of(j);
		if (extension == NULL) {
			no_file(j);
			return;
		}
		strcpy(j->part.extension, extension);
	}
	if (c->torn && j->part.length < 0 && j->torn_bytes != j->part.size) {
		torn(j);
		return;
	}
	if (j->part.length >= 0 && (uint64_t)j->part.length != j->part.size) {
		buf_printf(&c->why, "%llu bytes came of %lld", (unsigned long long)j->part.size,
		    (long long)j->part.length);
		c->code = EX_UNAVAILABLE;
		again_anew(j);
		return;
	}
	finish(j, 0);
}

/* A call has ended. */
static void
ended(struct job *j)
{
	struct call *c = &j->call;
	enum call_end end;
	int code;

	end = call_end(c);
	if (j->downloads->fatal != 0) {
		if (j->state != JOB_OVER)
			over(j, DOWNLOAD_FAILED, j->downloads->fatal);
		return;
	}
	j->state = JOB_READY;
	switch (end) {
	case CALL_MOVED:
		break;
	case CALL_TOKEN:
		code = credentials_renew(c);
		if (code == -1) {
			call_complain(c, j->what);
			over(j, DOWNLOAD_FORBIDDEN, EX_NOPERM);
		} else if (code != 0)
			fatal(j, code); /* without a token nothing else comes */
		break;
	case CALL_AGAIN:
		again(j);
		break;
	case CALL_FAILED:
		/* The file is shorter than the part. */
		if (c->status == 416 && j->part.size > 0) {
			start_over(j);
			break;
		}
		call_complain(c, j->what);
		/* An appliance answers the same for a file that is gone and for one that
		 * the account may not have. */
		if (c->status == 403 || c->status == 404 || c->status == 410)
			over(j, DOWNLOAD_FORBIDDEN, c->code);
		else
			over(j, DOWNLOAD_FAILED, c->code);
		break;
	case CALL_DONE:
		good_end(j);
		break;
	}
}

/*
 * Several downloads.
 */

void
downloads_open(struct downloads *d, struct site *s, struct spool *spool, int jobs)
{
	int i;

	memset(d, 0, sizeof(*d));
	d->site = s;
	d->spool = spool;
	d->jobs = jobs;
	for (i = 0; i < DOWNLOAD_SLOTS; i++) {
		d->job[i].downloads = d;
		d->job[i].part.fd = -1;
	}
}

void
downloads_close(struct downloads *d)
{
	int i;

	for (i = 0; i < DOWNLOAD_SLOTS; i++) {
		struct job *j = &d->job[i];

		if (j->state != JOB_FREE)
			let_go(j, 1);
		call_free(&j->call);
		answer_free(&j->answer);
		buf_free(&j->query);
		buf_free(&j->validator);
		buf_free(&j->refusal);
		buf_free(&j->reason);
		sha256_free(j->hash);
		spool_file_free(&j->file);
	}
	buf_free(&d->believed);
}

/*
 * A free slot.  A job that waits for the disk, or to repeat a question that was
 * refused, does not count as one of -j.
 */
struct job *
downloads_slot(struct downloads *d)
{
	struct job *slot = NULL;
	int i, busy = 0;

	for (i = 0; i < DOWNLOAD_SLOTS; i++) {
		const struct job *j = &d->job[i];

		if (j->state == JOB_FREE)
			slot = slot != NULL ? slot : &d->job[i];
		else if (j->state != JOB_SYNC && j->state != JOB_BATCH &&
		    !(j->state == JOB_WAIT && j->refusals > 0))
			busy++;
	}
	return busy < d->jobs ? slot : NULL;
}

static int
running(const struct downloads *d)
{
	int i, n = 0;

	for (i = 0; i < DOWNLOAD_SLOTS; i++)
		n += d->job[i].state == JOB_RUN;
	return n;
}

/* Start a call: 0; or the time to wait before that, in milliseconds. */
static int64_t
start(struct job *j)
{
	struct call *c = &j->call;
	struct spool_part *p = &j->part;
	const struct buf *validator;
	int64_t wait;
	int code;

	if (running(j->downloads) >= j->downloads->jobs)
		return POLL_MS;
	code = credentials_sign(c);
	if (code != 0) {
		fatal(j, code);
		return 0;
	}
	if ((wait = rate_book(c->site)) > 0)
		return wait;
	validator = p->etag.n > 0 ? &p->etag : &p->modified;
	/* A part whose type is not known yet cannot be resumed. */
	if (p->size > 0 && !is_resumable(j)) {
		start_over(j);
		if (j->state == JOB_OVER)
			return 0;
	}
	buf_reset(&j->validator);
	buf_add(&j->validator, validator->p, validator->n);
	c->range = (int64_t)p->size;
	c->if_range = p->size > 0 ? buf_text(&j->validator) : NULL;
	c->query = j->query.n > 0 ? buf_text(&j->query) : NULL;
	if (p->size > j->furthest)
		j->furthest = p->size;
	j->state = JOB_RUN;
	call_start(c);
	return 0;
}

/*
 * The part is locked.  If a job of this run holds it, because the input names the
 * file twice, wait for that job.  Else leave the file to the other process.
 */
static void
await_lock(struct job *j)
{
	const struct downloads *d = j->downloads;
	int i;

	for (i = 0; i < DOWNLOAD_SLOTS; i++)
		if (d->job[i].part.fd != -1 && strcmp(d->job[i].base, j->base) == 0) {
			j->at = when_clock() + LOCK_MS;
			return;
		}
	msg_warn("%s: %s: another process is fetching it", d->site->name, j->what);
	over(j, DOWNLOAD_BUSY, EX_TEMPFAIL);
}

/* Lock the part, and look for the whole file and for an earlier part. */
static void
lock(struct job *j)
{
	struct downloads *d = j->downloads;
	int busy, there;

	if (j->scratch) {
		j->state = JOB_READY;
		return;
	}
	/* While the part is locked, no other process gives the file its name.  One that
	 * has the lock may just be looking for the file, too. */
	busy = spool_part_open(d->spool, j->base, &j->part);
	there = busy == 0 || busy == 1 ? spool_find(d->spool, j->base, &j->file) : busy;
	if (busy == 1 && there == 0) {
		await_lock(j);
		return;
	}
	if (there == SPOOL_BLOCKED)
		over(j, DOWNLOAD_REFUSED, EX_DATAERR);
	else if (there == -1)
		fatal(j, EX_IOERR);
	else if (there == 1) {
		d->had++;
		d->spool->unsynced = 1; /* the process that renamed it may have been killed */
		over(j, DOWNLOAD_WHOLE, 0);
	} else if (j->part.size > 0 && spool_part_hash(d->spool, &j->part, j->hash) == -1)
		fatal(j, EX_IOERR);
	else {
		j->noted = j->part.size;
		j->state = JOB_READY;
		/* An earlier run was killed before it renamed the file. */
		if (j->part.length >= 0 && (uint64_t)j->part.length == j->part.size &&
		    j->part.size > 0)
			finish(j, 1);
	}
}

void
download_begin(struct job *j, const char *path, const char *query, const char *body)
{
	struct call *c = &j->call;
	struct site *s = j->downloads->site;
	char none[SHA256_HEX];

	buf_reset(&j->query);
	if (query != NULL)
		buf_adds(&j->query, query);
	c->site = s;
	c->auth = CALL_BEARER;
	c->path = path;
	c->body = body;
	c->body_type = "application/json";
	c->max_time = MAX_TIME;
	c->head = head;
	c->take = take;
	c->denies = denies;
	c->arg = j;
	c->date = 0;
	c->renewed = 0;
	memset(&j->retry, 0, sizeof(j->retry));
	buf_reset(&j->refusal);
	buf_reset(&j->reason);
	j->refusals = 0;
	j->noted = j->furthest = j->torn_bytes = 0;
	j->at = 0;
	if (j->hash == NULL)
		j->hash = sha256_new();
	sha256_hex(j->hash, none);
	j->state = JOB_LOCK;
}

/* Do for each job what can be done now.  Returns the milliseconds until the next look. */
static int64_t
advance(struct downloads *d)
{
	int64_t next = POLL_MS, now = when_clock(), wait;
	int i;

	for (i = 0; i < DOWNLOAD_SLOTS && d->fatal == 0; i++) {
		struct job *j = &d->job[i];

		wait = POLL_MS;
		if ((j->state == JOB_WAIT || j->state == JOB_LOCK) && j->at > now)
			wait = j->at - now;
		else if (j->state == JOB_WAIT)
			j->state = JOB_READY;
		else if (j->state == JOB_LOCK)
			lock(j);
		if (j->state == JOB_READY) {
			wait = start(j);
			if (wait == 0)
				wait = POLL_MS;
		}
		if (wait < next)
			next = wait;
	}
	return next;
}

static struct job *
first_over(struct downloads *d, int *busy)
{
	int i;

	*busy = 0;
	for (i = 0; i < DOWNLOAD_SLOTS; i++) {
		if (d->job[i].state == JOB_OVER)
			return &d->job[i];
		*busy |= d->job[i].state != JOB_FREE;
	}
	return NULL;
}

/* Calls may have ended while a token was waited for. */
static void
take_ended(struct downloads *d)
{
	int i;

	for (i = 0; i < DOWNLOAD_SLOTS; i++)
		if (d->job[i].state == JOB_RUN && d->job[i].call.over)
			ended(&d->job[i]);
}

/*
 * Whole files are synced in batches, because one commit of the file system serves
 * a whole batch.  A batch begins when a file has waited long enough or nothing
 * else is to be done.  One file of it is synced here, and calls go on before
 * the next: 1 if there was one.
 */
static int
sync_some(struct downloads *d)
{
	struct job *j, *end = d->job + DOWNLOAD_SLOTS, *next = NULL;
	int waiting = 0, busy = 0, due = 0;

	for (j = d->job; j < end; j++) {
		if (j->state == JOB_SYNC) {
			waiting++;
			due |= j->at <= when_clock();
		} else if (j->state == JOB_BATCH)
			next = j;
		else
			busy |= j->state != JOB_FREE && j->state != JOB_OVER;
	}
	if (next == NULL && waiting > 0 && (due || !busy || waiting >= DOWNLOAD_SLOTS - d->jobs))
		for (j = d->job; j < end; j++)
			if (j->state == JOB_SYNC) {
				spool_part_write_out(&j->part);
				j->state = JOB_BATCH;
				next = j;
			}
	if (next != NULL)
		publish(next);
	return next != NULL;
}

struct job *
downloads_wait(struct downloads *d)
{
	struct job *done;
	int64_t next;
	int busy, code;

	for (;;) {
		take_ended(d);
		if (d->fatal == 0 && d->more != NULL)
			d->more(d->more_arg);
		next = advance(d);
		if (d->fatal == 0 && sync_some(d))
			next = 0;
		if (d->fatal != 0)
			return NULL;
		if ((done = first_over(d, &busy)) != NULL || !busy)
			return done;
		if ((code = call_drive(next)) != 0)
			d->fatal = code;
	}
}

void
download_release(struct job *j)
{
	j->state = JOB_FREE;
}
