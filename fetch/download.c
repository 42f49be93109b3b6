/* Downloads side by side: see download.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "download.h"
#include "job.h"
#include "msg.h"
#include "token.h"

#define POLL_MS	   250
#define LOCK_MS	   200		  /* how often the part of a repeated file is looked at */
#define HASH_BYTES (1 << 22)	  /* of a part, read again in one go */
#define MAX_TIME   INT64_C(86400) /* of one try: recordings are long */

/* What has begun does not wait for a file that is read again. */
static void
drive(void *site)
{
	(void)call_drive(site, 0);
}

int
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
	spool->meanwhile = drive;
	spool->meanwhile_arg = s;
	d->syncer = syncer_new(s);
	return d->syncer != NULL ? 0 : EX_OSERR;
}

void
downloads_close(struct downloads *d)
{
	int i;

	syncer_free(d->syncer);
	for (i = 0; i < DOWNLOAD_SLOTS; i++) {
		struct job *j = &d->job[i];

		if (j->state != JOB_FREE)
			job_let_go(j, 1);
		call_free(&j->call);
		answer_free(&j->answer);
		buf_free(&j->query);
		buf_free(&j->validator);
		buf_free(&j->refusal);
		buf_free(&j->reason);
		sha256_free(j->hash);
		spool_file_free(&j->file);
	}
	for (i = 0; i < DOWNLOAD_REPORTS; i++)
		buf_free(&d->last_whole[i].query);
	while (d->believed_n > 0)
		free(d->believed[--d->believed_n]);
}

/*
 * What waits for the disk only, or until the appliance may say something
 * else about this one, does not keep others from the network, as long as
 * there are slots at all.
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
		else if (j->state != JOB_SYNC && !(j->state == JOB_WAIT && j->refusals > 0))
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

/* Start its call, if the pace allows; else when to try. */
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
	code = token_get(c->site);
	if (code != 0) {
		job_fatal(j, code);
		return 0;
	}
	if ((wait = call_pace(c->site)) > 0)
		return wait;
	validator = p->etag.n > 0 ? &p->etag : &p->modified;
	if (p->size > 0 && validator->n == 0) {
		job_start_over(j);
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
 * Its part is locked.  By a job of this run, where the input names it twice:
 * wait for that.  By another process: leave it to that one.
 */
static void
await_lock(struct job *j)
{
	const struct downloads *d = j->downloads;
	int i;

	for (i = 0; i < DOWNLOAD_SLOTS; i++)
		if (d->job[i].part.fd != -1 && strcmp(d->job[i].base, j->base) == 0) {
			j->at = call_clock() + LOCK_MS;
			return;
		}
	msg_warn("%s: %s: another process is fetching it", d->site->name, j->what);
	job_over(j, DOWNLOAD_BUSY, EX_TEMPFAIL);
}

/* Have its part to itself; and then see what is there. */
static void
lock(struct job *j)
{
	struct downloads *d = j->downloads;
	int there, busy;

	/* Looked for again after each wait: it may have come meanwhile. */
	there = j->dated ? 0 : spool_find(d->spool, j->base, &j->file);
	if (there == 0) {
		busy = spool_part_open(d->spool, j->base, &j->part);
		if (busy == 1) {
			await_lock(j);
			return;
		}
		if (busy == 0 && !j->dated)
			there = spool_find(d->spool, j->base, &j->file);
		else if (busy == -1)
			there = -1;
	}
	if (there == 0 && j->dated)
		job_start_over(j);
	if (j->state == JOB_OVER)
		return;
	if (there == -1)
		job_fatal(j, EX_IOERR);
	else if (there == 1) {
		d->had++;
		job_over(j, DOWNLOAD_WHOLE, 0);
	} else
		j->state = j->part.size > 0 ? JOB_HASH : JOB_READY;
}

/* Read some more of the part that is there, for the hash of the whole. */
static void
hash(struct job *j)
{
	uint64_t left = j->part.size - j->hashed;
	size_t want = left < HASH_BYTES ? (size_t)left : HASH_BYTES;
	char *block = xmalloc(want);
	ssize_t n = pread(j->part.fd, block, want, (off_t)j->hashed);

	if (n > 0) {
		sha256_add(j->hash, block, (size_t)n);
		j->hashed += (uint64_t)n;
	}
	free(block);
	if (n <= 0) {
		if (n == -1 && errno == EINTR)
			return;
		msg_errno("%s/%s", j->downloads->spool->path, j->base);
		job_fatal(j, EX_IOERR);
		return;
	}
	if (j->hashed < j->part.size)
		return;
	if (lseek(j->part.fd, (off_t)j->part.size, SEEK_SET) == -1) {
		msg_errno("%s/%s", j->downloads->spool->path, j->base);
		job_fatal(j, EX_IOERR);
		return;
	}
	j->noted = j->part.size;
	j->state = JOB_READY;
	/* All came, and only the name was not given any more. */
	if (j->part.length >= 0 && (uint64_t)j->part.length == j->part.size)
		job_finish(j, 1);
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
	c->max_time = s->max_time > 0 ? s->max_time : MAX_TIME;
	c->head = job_head;
	c->take = job_take;
	c->arg = j;
	c->date = 0;
	memset(&j->retry, 0, sizeof(j->retry));
	buf_reset(&j->refusal);
	buf_reset(&j->reason);
	j->refusals = 0;
	j->answered = 0;
	j->hashed = j->noted = j->furthest = j->torn_bytes = 0;
	j->at = 0;
	if (j->hash == NULL)
		j->hash = sha256_new();
	sha256_hex(j->hash, none);
	j->state = JOB_LOCK;
}

/* Do for each job what can be done at once; when to come back, in ms. */
static int64_t
advance(struct downloads *d)
{
	int64_t next = POLL_MS, now = call_clock(), wait;
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
		if (j->state == JOB_HASH) {
			hash(j);
			wait = 0;
		}
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

/* Calls may have ended while something else was waited for, a token say. */
static void
take_ended(struct downloads *d)
{
	int i;

	for (i = 0; i < DOWNLOAD_SLOTS; i++)
		if (d->job[i].state == JOB_RUN && d->job[i].call.over)
			job_ended(&d->job[i]);
}

struct job *
downloads_wait(struct downloads *d)
{
	struct job *done;
	int64_t next;
	int busy, error, code;

	for (;;) {
		while ((done = syncer_done(d->syncer, &error)) != NULL)
			job_synced(done, error);
		take_ended(d);
		if (d->freed && d->fatal == 0 && d->more != NULL) {
			d->freed = 0;
			d->more(d->more_arg);
		}
		next = advance(d);
		if (d->fatal != 0)
			return NULL;
		if ((done = first_over(d, &busy)) != NULL || !busy)
			return done;
		if ((code = call_drive(d->site, next)) != 0)
			d->fatal = code;
	}
}

void
download_release(struct job *j)
{
	j->state = JOB_FREE;
}

struct download_last *
download_last(struct downloads *d, const char *report)
{
	size_t i;

	for (i = 0; i + 1 < DOWNLOAD_REPORTS && d->last_whole[i].report != report; i++)
		if (d->last_whole[i].report == NULL)
			break;
	d->last_whole[i].report = report;
	return &d->last_whole[i];
}
