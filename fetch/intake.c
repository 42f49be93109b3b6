/* The input of praic-fetch recordings: see intake.h. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "code.h"
#include "intake.h"
#include "msg.h"
#include "num.h"

/* Of one session: beyond what a person can do in one. */
#define MAX_FILES 10000

struct sieve {
	struct intake *in;
	const struct options *options;
	struct rec_writer *out;
	/* of the session begun */
	struct buf session, recordings;
	uint64_t rows, files;
};

/* Does the user want this kind? */
static int
is_wanted(const struct options *o, struct rec_value kind)
{
	int k = kind.p != NULL ? recordings_kind(kind.p, kind.n) : -1;

	return k >= 0 && (o->kinds == 0 || (o->kinds & (1U << k)) != 0);
}

void
intake_row(struct buf *b, const struct rec_reader *r)
{
	int i;

	rec_row(b, r->table);
	for (i = 0; i < table_list[r->table].columns; i++)
		rec_value(b, r->value[i]);
	rec_end_row(b);
}

static void
row(struct sieve *v, struct rec_reader *r)
{
	int64_t number;

	if (r->table == TABLE_SESSION) {
		intake_row(&v->session, r);
		v->rows++;
	} else if (r->table == TABLE_RECORDING && is_wanted(v->options, r->value[RECORDING_KIND])) {
		if (r->value[RECORDING_INSTANCE].p != NULL &&
		    num_parse(r->value[RECORDING_INSTANCE].p, r->value[RECORDING_INSTANCE].n,
			&number) == -1) {
			rec_reject(r, "a recording with an instance that is no number");
			return;
		}
		if (v->files == MAX_FILES) {
			rec_reject(r, "more recordings than one session can have");
			return;
		}
		intake_row(&v->recordings, r);
		v->files++;
		v->rows++;
	}
}

static void
commit(struct sieve *v, const struct rec_reader *r)
{
	const char *name = v->options->site.name;

	if (v->files == 0)
		return;
	/* Another appliance would not know it, or know another one. */
	if (r->host.n != strlen(name) || memcmp(r->host.p, name, r->host.n) != 0) {
		msg_warn("%.*s: it is a session of %.*s, not of %s (see --name): left out",
		    (int)r->lsid.n, r->lsid.p, (int)r->host.n, r->host.p, name);
		v->in->left_out++;
		v->in->code = code_worse(v->in->code, EX_DATAERR);
		return;
	}
	rec_begin(v->out, r->host, r->lsid);
	rec_rows(v->out, v->recordings.p, v->recordings.n, v->files);
	rec_rows(v->out, v->session.p, v->session.n, v->rows - v->files);
	rec_commit(v->out);
	v->in->sessions++;
	v->in->files += v->files;
}

/* One input.  Its exit code, after a message when it is not 0. */
static int
one_input(struct sieve *v, int fd, const char *name)
{
	struct rec_reader *r = rec_open(fd, name);
	enum rec_event e;
	int code = 0;

	while ((e = rec_next(r)) != REC_EOF && !rec_failed(v->out)) {
		switch (e) {
		case REC_TABLES:
			if ((r->tables & TABLE_BIT(TABLE_RECORDING)) == 0) {
				msg_warn("%s: it names no recordings: give what praic-split "
					 "writes",
				    name);
				code = EX_USAGE;
			}
			break;
		case REC_BEGIN:
			buf_trim(&v->session, 1 << 16);
			buf_trim(&v->recordings, 1 << 16);
			v->rows = v->files = 0;
			break;
		case REC_ROW:
			row(v, r);
			break;
		case REC_COMMIT:
			commit(v, r);
			break;
		default:
			break;
		}
		if (code != 0)
			break;
	}
	if (code == 0) {
		code = rec_code(r);
		v->in->left_out += r->left_out + r->dropped;
	}
	rec_close(r);
	return code;
}

int
intake_read(struct intake *in, const struct options *o, int scratch)
{
	static char *standard_input[] = {(char *)"-"};
	struct sieve v = {.in = in, .options = o, .out = rec_new(scratch, "temporary file")};
	char **name = o->operands > 0 ? o->operand : standard_input;
	int i, fd, code, worst = 0, n = o->operands > 0 ? o->operands : 1;

	memset(in, 0, sizeof(*in));
	rec_head(v.out, TABLE_BIT(TABLE_SESSION) | TABLE_BIT(TABLE_RECORDING));
	for (i = 0; i < n; i++) {
		if (strcmp(name[i], "-") == 0)
			code = one_input(&v, 0, "standard input");
		else if ((fd = open(name[i], O_RDONLY | O_CLOEXEC)) == -1) {
			msg_errno("%s", name[i]);
			code = EX_NOINPUT;
		} else {
			code = one_input(&v, fd, name[i]);
			close(fd);
		}
		worst = code_worse(worst, code);
	}
	rec_end(v.out, 0);
	if (rec_finish(v.out) != 0)
		worst = code_worse(worst, EX_IOERR);
	msg_tell(1, "%s: %llu files of %llu sessions", o->site.name, (unsigned long long)in->files,
	    (unsigned long long)in->sessions);
	rec_free(v.out);
	buf_free(&v.session);
	buf_free(&v.recordings);
	return worst;
}
