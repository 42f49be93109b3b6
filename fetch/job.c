/* One download: see job.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "document.h"
#include "file.h"
#include "job.h"
#include "media.h"
#include "msg.h"
#include "target.h"
#include "token.h"

#define RESUME_FROM    (1 << 20)   /* less is not worth a note, nor a resume */
#define NOTE_EVERY     (256 << 20) /* bytes between two syncs */
#define WRITE_EVERY    (8 << 20)   /* bytes that the kernel is asked to write out */
#define LEAST_REFUSALS 3	   /* of one wording in a row, before it is believed */
#define MAX_PAGE       (1 << 20)   /* bytes of such an answer */
#define STRONG	       60	   /* seconds: RFC 9110, 8.8.2.2 */

/* Is a first part of it worth keeping? */
static int
is_resumable(const struct job *j)
{
	return !j->dated && j->part.size >= RESUME_FROM && j->part.extension[0] != '\0' &&
	    (j->part.etag.n > 0 || j->part.modified.n > 0);
}

void
job_let_go(struct job *j, int keep)
{
	struct spool *s = j->downloads->spool;

	if (j->part.fd != -1 && keep)
		keep = is_resumable(j) && spool_part_note(s, j->base, &j->part) == 0;
	spool_part_close(s, j->base, &j->part, keep);
}

/* The message that was just written says why; its row names the object. */
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

void
job_over(struct job *j, enum download_is is, int code)
{
	if (is != DOWNLOAD_WHOLE)
		keep_reason(j);
	j->state = JOB_OVER;
	j->is = is;
	j->code = code;
	/* What failed for now may go on where it was. */
	job_let_go(j, is == DOWNLOAD_FAILED);
}

void
job_fatal(struct job *j, int code)
{
	j->downloads->fatal = code;
	job_over(j, DOWNLOAD_FAILED, code);
}

/* Begin anew: nothing of it is there. */
void
job_start_over(struct job *j)
{
	char none[SHA256_HEX];

	if (spool_part_reset(j->downloads->spool, j->base, &j->part) == -1) {
		job_fatal(j, EX_IOERR);
		return;
	}
	sha256_hex(j->hash, none); /* that empties it */
	j->hashed = j->noted = 0;
}

/* BASE-20241203T152605Z.nsb: each backup is a file of its own. */
static void
dated_name(struct job *j)
{
	struct spool_file *f = &j->file;
	const struct buf *given = &j->call.disposition;
	int64_t at = f->fetched_at != 0 ? f->fetched_at : (int64_t)time(NULL);
	struct buf name = {0};

	/* Its own format has no mark that is known, but for its name. */
	if (strcmp(f->extension, "bin") == 0 ||
	    (given->n > 4 && memmem(given->p, given->n, ".nsb", 4) != NULL))
		strcpy(f->extension, "nsb");
	buf_printf(&name, "%.200s-", j->base);
	target_time(&name, at);
	snprintf(f->name, sizeof(f->name), "%s.%s", buf_text(&name), f->extension);
	buf_free(&name);
}

/* The whole is here and is what it should be; resumed: it was here before. */
void
job_finish(struct job *j, int resumed)
{
	struct downloads *d = j->downloads;
	struct spool_file *f = &j->file;
	struct download_last *last;

	sha256_hex(j->hash, f->sha256);
	if (resumed && !spool_part_is_whole(d->spool, j->base, f->sha256)) {
		job_start_over(j);
		return;
	}
	if (!resumed && j->report != NULL) {
		last = download_last(d, j->report);
		last->answered = j->answered;
		buf_reset(&last->query);
		buf_add(&last->query, j->query.p, j->query.n);
	}
	f->bytes = j->part.size;
	memcpy(f->extension, j->part.extension, sizeof(f->extension));
	buf_reset(&f->type);
	buf_add(&f->type, j->part.type.p, j->part.type.n);
	f->fetched_at = j->part.fetched_at != 0 ? j->part.fetched_at : site_now(d->site);
	f->name[0] = '\0';
	if (j->dated)
		dated_name(j);
	if (spool_part_seal(d->spool, &j->part, f) == -1) {
		job_fatal(j, EX_IOERR);
		return;
	}
	j->state = JOB_SYNC;
	d->freed = 1;
	syncer_add(d->syncer, j->part.fd, j);
}

void
job_synced(struct job *j, int error)
{
	struct downloads *d = j->downloads;

	if (error != 0) {
		errno = error;
		msg_errno("%s/%s", d->spool->path, j->base);
	}
	if (error != 0 || spool_part_finish(d->spool, j->base, &j->part, &j->file) == -1) {
		job_fatal(j, EX_IOERR);
		return;
	}
	d->whole++;
	if (j->report != NULL)
		download_last(d, j->report)->at = call_clock();
	msg_tell(
	    1, "%s: %s: %llu bytes", d->site->name, j->what, (unsigned long long)j->file.bytes);
	job_over(j, DOWNLOAD_WHOLE, 0);
}

/* Validators that prove that a first part still fits, if there are any. */
static void
keep_validators(struct job *j)
{
	const struct call *c = &j->call;
	struct spool_part *p = &j->part;
	time_t modified;

	buf_reset(&p->etag);
	buf_reset(&p->modified);
	if (c->encoded)
		return; /* what is kept is not what was sent */
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
 * Is this the rest of what is here?  A 206 has the ETag that a 200 would
 * have had (RFC 9110, 15.3.7); its Last-Modified it may leave out.  Not
 * every server heeds If-Range.
 */
static int
same_validators(const struct spool_part *p, const struct call *c)
{
	if (p->etag.n > 0)
		return same(&p->etag, &c->etag);
	return c->modified.n == 0 || same(&p->modified, &c->modified);
}

/* The header of a good answer. */
int
job_head(struct call *c)
{
	struct job *j = c->arg;
	struct spool_part *p = &j->part;

	if (c->status == 206) {
		if (c->range <= 0)
			return odd_part(c, "a part came that was not asked for");
		if (c->encoded || c->range_first != (int64_t)p->size ||
		    (p->length >= 0 && c->range_total != p->length) || !same_validators(p, c)) {
			/* It is not the other part of what is here. */
			job_start_over(j);
			return odd_part(c, "the part that came does not fit");
		}
		p->length = c->range_total;
		p->fetched_at = c->date;
		msg_tell(1, "%s: %s: goes on at byte %llu", c->site->name, j->what,
		    (unsigned long long)p->size);
		return 0;
	}
	if (p->size > 0)
		job_start_over(j);
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

/* What is on its way to the disk need not be waited for at the end. */
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

int
job_take(struct call *c, const char *p, size_t n)
{
	struct job *j = c->arg;

	if (c->status == 200) {
		answer_add(&j->answer, p, n);
		if (media_may_be_text(j))
			;
		else if (j->answer.known && j->answer.kind != ANSWER_BINARY)
			return j->answer.bytes > MAX_PAGE ?
			    odd_part(c, "no such file, but a long text") :
			    0;
		else if (j->answer.known && j->part.extension[0] == '\0')
			strcpy(j->part.extension, j->answer.extension);
	}
	if (file_write(j->part.fd, p, n) == -1) {
		msg_errno("%s/%s", j->downloads->spool->path, j->base);
		c->told = 1;
		j->downloads->fatal = EX_IOERR;
		return EX_IOERR;
	}
	sha256_add(j->hash, p, n);
	j->part.size += n;
	j->hashed = j->part.size;
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

static void
complain(const struct job *j)
{
	call_complain(&j->call, j->what);
}

/* It may go better later: 0; or -1, when it has been later for long enough. */
static int
try_later(struct job *j)
{
	struct call *c = &j->call;
	int64_t delay;

	/* As long as it gets on, it has not failed. */
	if (j->part.size >= j->furthest + RESUME_FROM && is_resumable(j))
		memset(&j->retry, 0, sizeof(j->retry));
	if (j->part.size > j->furthest)
		j->furthest = j->part.size;
	delay = call_retry(&j->retry, c);
	if (delay == -1)
		return -1;
	msg_tell(1, "%s: %s: %.*s: trying again in %.1f s", c->site->name, j->what, (int)c->why.n,
	    c->why.p, (double)delay / 1000);
	j->state = JOB_WAIT;
	j->at = call_clock() + delay;
	j->downloads->freed = 1;
	return 0;
}

static void
again(struct job *j)
{
	j->refusals = 0;
	if (try_later(j) == 0)
		return;
	complain(j);
	job_over(j, DOWNLOAD_FAILED, j->call.code);
}

/* Has this appliance said so before, and stuck to it? */
static int
is_believed(const struct downloads *d, const char *text)
{
	size_t i;

	for (i = 0; i < d->believed_n; i++)
		if (strcmp(d->believed[i], text) == 0)
			return 1;
	return nothing_never(text);
}

/*
 * The time for tries is up, and to the last the appliance refused this one
 * with these words.  Is that for good?  Not if it may be its answer to
 * everything just now.
 */
static int
is_final(struct job *j, const char *text)
{
	struct downloads *d = j->downloads;

	if (j->refusals < LEAST_REFUSALS || j->report == NULL ||
	    (download_last(d, j->report)->at < j->retry.since &&
		!nothing_else(d->site, j->report, j->numbered, text)))
		return 0;
	if (d->believed_n < DOWNLOAD_TEXTS && !is_believed(d, text))
		d->believed[d->believed_n++] = xstrdup(text);
	return 1;
}

/* The appliance itself says no, in words; it need not have the last one. */
static void
refused(struct job *j, const char *text)
{
	struct call *c = &j->call;
	char shown[SITE_SHOWN];

	if (nothing_expired(c->site, text)) {
		msg_warn(
		    "%s: %s: it has expired: the appliance has deleted it", c->site->name, j->what);
		job_over(j, DOWNLOAD_EXPIRED, 0);
		return;
	}
	if (strcmp(buf_text(&j->refusal), text) != 0)
		j->refusals = 0;
	j->refusals++;
	buf_reset(&j->refusal);
	buf_adds(&j->refusal, text);
	if (!is_believed(j->downloads, text)) {
		if (try_later(j) == 0)
			return;
		if (!is_final(j, text)) {
			complain(j);
			job_over(j, DOWNLOAD_FAILED, EX_UNAVAILABLE);
			return;
		}
	}
	msg_warn("%s: %s: the appliance refuses it, and sticks to that: %s (if it means that the "
		 "recording was deleted, see --expired)",
	    c->site->name, j->what, site_show(c->site, text, strlen(text), shown));
	job_over(j, DOWNLOAD_BAD, EX_DATAERR);
}

/* An answer that is no file of any sort. */
static void
no_file(struct job *j)
{
	struct call *c = &j->call;
	struct answer *a = &j->answer;
	char shown[SITE_SHOWN];
	int code;

	job_start_over(j);
	if (j->state == JOB_OVER)
		return;
	buf_reset(&c->why);
	buf_printf(&c->why, "not a file, but %s", answer_what(a));
	if (a->said.n > 0)
		buf_printf(&c->why, ": %s", site_show(c->site, a->said.p, a->said.n, shown));
	c->code = EX_UNAVAILABLE;
	if (a->kind == ANSWER_XML && a->whole) {
		refused(j, a->said.n > 0 ? buf_text(&a->said) : a->root);
		return;
	}
	if (a->denied && (code = token_renew(c->site, c->token_number)) != 0)
		job_fatal(j, code);
	else
		/* A web page, say: some trouble in between. */
		again(j);
}

/*
 * Neither a length nor an end of TLS says that this is all, and of some
 * appliances none ever will.  So it is fetched once more, at once: what has
 * the same length a second time was not cut by chance.
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
	job_start_over(j);
	if (j->state != JOB_OVER && !first)
		again(j);
}

static void
good_end(struct job *j)
{
	struct call *c = &j->call;
	const char *extension;

	j->downloads->last_good = call_clock();
	if (c->status == 200)
		answer_end(&j->answer);
	if (c->status == 206 || !j->answer.denied)
		token_worked(c->site);
	if (c->status == 200) {
		extension = media_extension(j);
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
		job_start_over(j);
		if (j->state != JOB_OVER)
			again(j);
		return;
	}
	job_finish(j, 0);
}

/* A call has ended. */
void
job_ended(struct job *j)
{
	struct call *c = &j->call;
	enum call_end end;
	int code;

	end = call_end(c);
	j->answered = ++j->downloads->answers;
	if (j->downloads->fatal != 0) {
		if (j->state != JOB_OVER)
			job_over(j, DOWNLOAD_FAILED, j->downloads->fatal);
		return;
	}
	j->state = JOB_READY;
	switch (end) {
	case CALL_MOVED:
		break;
	case CALL_TOKEN:
		code = token_renew(c->site, c->token_number);
		if (code != 0)
			/* Nothing else will do better. */
			job_fatal(j, code);
		break;
	case CALL_AGAIN:
		again(j);
		break;
	case CALL_FAILED:
		/* There is no such part of it: then from the start. */
		if (c->status == 416 && j->part.size > 0) {
			job_start_over(j);
			break;
		}
		complain(j);
		job_over(j, DOWNLOAD_FAILED, c->code);
		break;
	case CALL_DONE:
		good_end(j);
		break;
	}
}
