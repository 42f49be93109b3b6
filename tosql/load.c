/* From record streams to a database: see tosql.h. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "file.h"
#include "msg.h"
#include "tosql.h"

/* How many sessions of a batch that is refused are tried alone before it is
 * taken for certain that all of it is. */
#define PROBES 8

static void
worse(struct load *l, int code)
{
	l->code = code_worse(l->code, code);
}

/* HOST, LSID, and what the database has of the session. */
static void
add_state(struct load *l, const struct batch_session *s)
{
	static const char *const name[] = {
	    [FATE_NEW] = "new",
	    [FATE_REPLACED] = "newer",
	    [FATE_UNCHANGED] = "same",
	    [FATE_OLDER] = "older",
	};

	struct rec_value host = batch_host(l->batch, s), lsid = batch_lsid(l->batch, s);

	rec_escape(&l->states, host.p, host.n);
	buf_addc(&l->states, '\t');
	rec_escape(&l->states, lsid.p, lsid.n);
	buf_printf(&l->states, "\t%s\n", name[s->fate]);
}

static void
write_states(struct load *l)
{
	if (file_write(STDOUT_FILENO, l->states.p, l->states.n) == -1) {
		msg_errno("standard output");
		worse(l, EX_IOERR);
		l->stop = 1;
	}
	buf_reset(&l->states);
}

/* Count what was written. */
static void
account(struct load *l, size_t from, size_t to)
{
	size_t i;

	for (i = from; i < to; i++) {
		if (l->options->list && l->batch->session[i].fate != FATE_SETTLED)
			add_state(l, &l->batch->session[i]);
		switch (l->batch->session[i].fate) {
		case FATE_NEW:
		case FATE_REPLACED:
			l->stored++;
			break;
		case FATE_UNCHANGED:
			l->unchanged++;
			break;
		case FATE_OLDER:
			l->older++;
			break;
		case FATE_SETTLED:
			break;
		}
		l->batch->session[i].fate = FATE_SETTLED;
	}
}

/* A session that the database refuses. */
static void
leave_out(struct load *l, size_t i, struct buf *reason)
{
	struct batch_session *s = &l->batch->session[i];
	struct rec_value host = batch_host(l->batch, s), lsid = batch_lsid(l->batch, s);

	msg_warn("session %.*s of %.*s left out: %s", (int)lsid.n, lsid.p, (int)host.n, host.p,
	    buf_text(reason));
	leftout_add(l->list, host, lsid, "session", -1, "refused-by-database", buf_text(reason));
	l->left_out++;
	s->fate = FATE_SETTLED;
	worse(l, EX_DATAERR);
}

/* Leave out the sessions that cannot fit. */
static void
leave_out_unfit(struct load *l)
{
	struct buf reason = {0};
	size_t i;

	for (i = 0; i < l->batch->n && l->ops->fits != NULL; i++) {
		buf_reset(&reason);
		if (l->ops->fits(l->db, l->batch, i, &reason) != 0)
			leave_out(l, i, &reason);
	}
	buf_free(&reason);
}

/*
 * A batch was refused.  Some of its sessions are tried alone, the first and the last
 * among them: if each is refused for the same reason, the database is at fault (a
 * trigger, a constraint), and no session is left out.  0: it is not; or a code after a
 * message.
 */
static int
is_refused_whole(struct load *l)
{
	struct batch *b = l->batch;
	size_t n = b->n < PROBES ? b->n : PROBES, tried = 0, i, at;
	struct buf first = {0}, reason = {0};
	int code = EX_DATAERR, same = 1;

	for (i = 0; i < n && code == EX_DATAERR && same; i++) {
		at = i * (b->n - 1) / (n - 1);
		if (b->session[at].fate == FATE_SETTLED)
			continue;
		buf_reset(&reason);
		tried++;
		code = l->ops->write(l->db, b, at, at + 1, &reason);
		if (code == 0) {
			account(l, at, at + 1);
			same = 0;
		}
		if (first.n == 0)
			buf_add(&first, reason.p, reason.n);
		same = same && strcmp(buf_text(&first), buf_text(&reason)) == 0;
	}
	/* One session alone proves nothing about the database. */
	if (code == EX_DATAERR && same && tried > 1) {
		msg_warn("every session is refused, so the database must be mended: %s",
		    buf_text(&first));
		code = EX_CONFIG;
	} else if (code == EX_DATAERR)
		code = 0;
	buf_free(&first);
	buf_free(&reason);
	return code;
}

/*
 * Write sessions [from, to).  If they are refused because of one, try each half, and
 * so on, until that one is left out.  0, or a code; *done is how far it came.
 */
static int
write_sessions(struct load *l, size_t from, size_t to, size_t *done)
{
	struct buf reason = {0};
	size_t middle = from + (to - from) / 2;
	int code = l->ops->write(l->db, l->batch, from, to, &reason);

	if (code == EX_DATAERR && middle > from) {
		code = from == 0 && to == l->batch->n ? is_refused_whole(l) : 0;
		if (code == 0) {
			msg_tell(
			    1, "writing %zu sessions in parts: %s", to - from, buf_text(&reason));
			code = write_sessions(l, from, middle, done);
		}
		if (code == 0)
			code = write_sessions(l, middle, to, done);
	} else {
		if (code == 0)
			account(l, from, to);
		else if (code == EX_DATAERR) {
			leave_out(l, from, &reason);
			code = 0;
		}
		if (code == 0)
			*done = to;
	}
	buf_free(&reason);
	return code;
}

/* Write the complete sessions of the batch. */
static void
flush(struct load *l)
{
	struct batch *b = l->batch;
	size_t done = 0;
	int code;

	if (b->n == 0)
		return;
	msg_tell(2, "writing %zu sessions", b->n);
	leave_out_unfit(l);
	code = write_sessions(l, 0, b->n, &done);
	if (code != 0) {
		for (; done < b->n; done++)
			l->not_stored += b->session[done].fate != FATE_SETTLED;
		l->stop = 1;
		worse(l, code);
	}
	write_states(l);
	batch_shift(b);
}

/* There is no more room in memory. */
static void
make_room(struct load *l)
{
	int code;

	if (l->batch->n > 0) {
		flush(l);
		return;
	}
	code = batch_spill(l->batch);
	if (code != 0) {
		worse(l, code);
		l->stop = 1;
	}
}

static void
take_row(struct load *l, struct rec_reader *r)
{
	const char *bad;

	if (r->table >= BATCH_TABLES ||
	    (r->table == TABLE_SYSTEM_INFORMATION && l->no_system_information))
		return;
	bad = batch_row(l->batch, r->table, r->value);
	if (bad != NULL)
		rec_reject(r, bad);
	else if (batch_full(l->batch))
		make_room(l);
}

static void
take_session(struct load *l)
{
	int code = batch_commit(l->batch);

	if (code != 0) {
		worse(l, code);
		l->stop = 1;
		return;
	}
	l->read++;
	if (batch_full(l->batch))
		flush(l);
}

/* What a stream must declare to be a session report. */
static void
check_tables(struct load *l, const struct rec_reader *r, const char *name)
{
	if ((r->tables & TABLE_BIT(TABLE_SESSION_EVENT)) != 0)
		return;
	msg_warn("%s: this stream has no table session_event, so it is no session report%s", name,
	    (r->tables & TABLE_BIT(TABLE_FILE)) != 0 ? ": praic-tofs stores downloaded files" : "");
	worse(l, EX_USAGE);
	l->stop = 1;
}

/* Nothing is made for input that is no record stream. */
static void
open_database(struct load *l)
{
	int code = 0;

	if (l->db != NULL || l->stop)
		return;
	l->db = l->ops->open(l->options, &code);
	if (l->db != NULL)
		return;
	worse(l, code);
	l->stop = 1;
}

static void
begin_session(struct load *l, struct rec_reader *r)
{
	if (batch_has(l->batch, r->host, r->lsid))
		flush(l);
	batch_begin(l->batch, r->host, r->lsid);
}

static void
drop_session(struct load *l, struct rec_reader *r)
{
	batch_drop(l->batch);
	if (r->cut)
		return; /* Nothing wrong with it: it comes again. */
	leftout_read(l->list, r, REC_DROP);
	l->read++;
	l->left_out++;
}

static void
take(struct load *l, struct rec_reader *r, enum rec_event e, const char *name)
{
	switch (e) {
	case REC_TABLES:
		check_tables(l, r, name);
		open_database(l);
		break;
	case REC_BEGIN:
		begin_session(l, r);
		break;
	case REC_ROW:
		take_row(l, r);
		break;
	case REC_COMMIT:
		take_session(l);
		break;
	case REC_DROP:
		drop_session(l, r);
		break;
	case REC_XML:
	case REC_END:
	case REC_EOF:
		break;
	}
}

void
load_meanwhile(void *load)
{
	struct load *l = load;

	if (l->input != NULL)
		rec_take_in(l->input);
}

int
load_input(void *load, int fd, const char *name)
{
	struct load *l = load;
	struct rec_reader *r = rec_open(fd, name);
	enum rec_event e;

	l->input = r;
	while (!l->stop && (e = rec_next(r)) != REC_EOF)
		take(l, r, e, name);
	if (l->stop)
		batch_drop(l->batch);
	leftout_read(l->list, r, REC_EOF);
	worse(l, rec_code(r));
	l->input = NULL;
	rec_close(r);
	return l->stop;
}

void
load_finish(struct load *l)
{
	if (l->code != EX_USAGE)
		open_database(l); /* input without sessions makes the tables, too */
	flush(l);
	if (l->code == 0 && l->db != NULL && l->ops->make != NULL)
		worse(l, l->ops->make(l->db));
}

void
load_report(const struct load *l)
{
	char rest[64] = "";

	if (l->not_stored > 0)
		snprintf(
		    rest, sizeof(rest), ", %llu not stored", (unsigned long long)l->not_stored);
	msg_tell(1,
	    "%llu sessions read: %llu stored, %llu unchanged, %llu older than stored, "
	    "%llu left out%s",
	    (unsigned long long)l->read, (unsigned long long)l->stored,
	    (unsigned long long)l->unchanged, (unsigned long long)l->older,
	    (unsigned long long)l->left_out, rest);
}
