/*
 * From record streams to the store: see tofs.h.  A session is kept until its
 * E line says that it is whole; its XML meanwhile goes into a draft, which
 * has no name yet, for the row that gives it one comes last.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "command.h"
#include "file.h"
#include "msg.h"
#include "num.h"
#include "tofs.h"
#include "when.h"

/* Greater buffers are given back: most values are small. */
#define KEEP ((size_t)64 * 1024)

struct run {
	const struct options *opt;
	struct store *store; /* NULL: it is made when the first session comes */
	struct document *document;
	struct buf lines; /* for standard output: of the session begun, ... */
	struct buf out;	  /* ... and of those before */
	int broken;	  /* it cannot be made */
	int spool;	  /* -1: none */
	struct rec_reader *r;
	/* of the session begun, from its session row */
	struct buf value[FIELDS];
	int null[FIELDS];
	int ended;	 /* it has an end time, or an event says that it is over */
	int64_t started; /* INT64_MAX: not known */
	struct spooled_list files;
	struct buf name;
	int code;	      /* the worst so far */
	uint64_t in_progress; /* sessions left for later */
	int no_xml;	      /* a report came without X lines */
	int no_spool;	      /* files came, and no spool was given */
};

static void
keep(struct run *u, enum field field, struct rec_value v)
{
	buf_trim(&u->value[field], KEEP);
	buf_add(&u->value[field], v.p, v.n);
	u->null[field] = v.p == NULL;
}

static void
forget(struct run *u)
{
	static const struct rec_value none;
	int f;

	if (u->document != NULL)
		document_drop(u->document);
	spooled_forget(&u->files);
	for (f = 0; f < FIELDS; f++)
		keep(u, (enum field)f, none);
	u->ended = 0;
	u->started = INT64_MAX;
	buf_reset(&u->lines);
}

/* 2024-12-03T15:26:05Z as 20241203T152605Z: no name may have a colon. */
static void
keep_date(struct run *u, struct rec_value v)
{
	static const struct rec_value none;
	struct buf *b = &u->value[FIELD_START_DATE];
	size_t i;

	keep(u, FIELD_START_DATE, none);
	for (i = 0; i < v.n; i++)
		if (v.p[i] != '-' && v.p[i] != ':')
			buf_addc(b, v.p[i]);
	u->null[FIELD_START_DATE] = v.p == NULL;
}

static void
keep_session(struct run *u)
{
	const struct rec_value *v = u->r->value;

	keep(u, FIELD_LSEQ, v[SESSION_LSEQ]);
	keep(u, FIELD_EXTERNAL_KEY, v[SESSION_EXTERNAL_KEY]);
	keep(u, FIELD_SESSION_TYPE, v[SESSION_TYPE]);
	keep_date(u, v[SESSION_START_TIME]);
	/* Streams of 1.0 have no column over: see look_at_event, too. */
	u->ended |=
	    v[SESSION_END_TIME].p != NULL || (v[SESSION_OVER].n == 1 && *v[SESSION_OVER].p == '1');
	if (v[SESSION_START_TIME].p == NULL ||
	    when_parse(v[SESSION_START_TIME].p, v[SESSION_START_TIME].n, &u->started) == -1)
		u->started = INT64_MAX;
}

/* The last event of a session; one that closed abnormally may have it, too. */
static void
look_at_event(struct run *u)
{
	static const char end[] = "Session End";
	struct rec_value type = u->r->value[EVENT_TYPE];

	u->ended |= type.n == sizeof(end) - 1 && memcmp(type.p, end, type.n) == 0;
}

/*
 * Seconds: longer than any session, and as far as praic-sched looks back by itself.  A
 * session that began before that and has no end closed abnormally, and will never have
 * one.
 */
#define ABANDONED INT64_C(604800)

static int
is_over(const struct run *u)
{
	return u->ended ||
	    (u->started != INT64_MAX && (int64_t)time(NULL) - u->started > ABANDONED);
}

static void
set_text(struct rec_value *v, const char *text)
{
	v->p = text;
	v->n = strlen(text);
}

/* What the format makes of the session's values and these. */
static const char *
make_name(struct run *u, enum kind kind, const char *instance, struct rec_value extension)
{
	struct rec_value v[FIELDS];
	int f;

	for (f = 0; f < FIELDS; f++) {
		v[f].p = u->null[f] ? NULL : u->value[f].p;
		v[f].n = u->null[f] ? 0 : u->value[f].n;
	}
	v[FIELD_LSID] = u->r->lsid;
	v[FIELD_SUPPORT_SITE_HOST] = u->r->host;
	set_text(&v[FIELD_KIND], kind_name[kind]);
	set_text(&v[FIELD_INSTANCE], instance);
	v[FIELD_EXTENSION] = extension;
	name_make(&u->name, u->opt->format[kind], kind, v, u->store->folds);
	return u->name.p;
}

static struct owner
owner(const struct run *u, enum kind kind, int64_t instance)
{
	return (struct owner){kind, u->r->host, u->r->lsid, instance};
}

static int
worse(struct run *u, int code)
{
	u->code = code_worse(u->code, code);
	return code;
}

static void
left_out(struct run *u, struct owner o, const char *name, const char *code, const char *why)
{
	msg_warn("%s%s%s%ssession %.*s of %.*s left out: %s",
	    o.kind == KIND_SESSION ? "" :
		o.kind == KINDS	   ? "file" :
				     kind_name[o.kind],
	    *name != '\0' ? " " : "", name, o.kind == KIND_SESSION ? "" : " of ", (int)o.lsid.n,
	    o.lsid.p, (int)o.host.n, o.host.p, why);
	owner_left_out(u->opt, &o, code, why);
	worse(u, EX_DATAERR);
}

static int
is_wanted(const struct run *u, enum kind kind)
{
	return kind == KINDS || (u->opt->kinds & 1u << kind) != 0;
}

/* A line of -n --list; state NULL: what the ledger says. */
static void
list(struct run *u, enum kind kind, int64_t instance, const char *sha256, const char *state)
{
	struct buf *b = &u->lines;
	struct owner o = owner(u, kind, instance);
	char number[NUM_SIZE];

	if (state == NULL && (state = index_state(u->store->index, &o, sha256)) == NULL) {
		worse(u, EX_IOERR);
		return;
	}
	rec_escape(b, o.host.p, o.host.n);
	buf_addc(b, '\t');
	rec_escape(b, o.lsid.p, o.lsid.n);
	num_format(instance, number);
	buf_printf(b, "\t%s\t%s\t%s\n", kind_name[kind], instance < 0 ? "\\N" : number, state);
}

/* A report names a recording, but not its content. */
static void
list_recording(struct run *u)
{
	const struct rec_value *v = u->r->value;
	enum kind kind = kind_find(v[RECORDING_KIND].p, v[RECORDING_KIND].n);
	int64_t instance = -1;

	if (kind == KINDS || !is_wanted(u, kind))
		return;
	if (v[RECORDING_INSTANCE].p != NULL &&
	    num_parse(v[RECORDING_INSTANCE].p, v[RECORDING_INSTANCE].n, &instance) == -1)
		return;
	list(u, kind, instance, NULL, NULL);
}

static void
print_lines(struct run *u, size_t most)
{
	if (u->out.n <= most)
		return;
	if (file_write(STDOUT_FILENO, u->out.p, u->out.n) == -1) {
		msg_errno("standard output");
		worse(u, EX_IOERR);
		u->broken = 1;
	}
	buf_reset(&u->out);
}

static void
save_session(struct run *u)
{
	static const struct rec_value xml = {"xml", 3};
	struct owner o = owner(u, KIND_SESSION, -1);
	struct draft *draft;
	const char *why;

	if (!u->opt->in_progress && !is_over(u)) {
		u->in_progress++;
		msg_tell(2, "session %.*s of %.*s: in progress, left for later", (int)u->r->lsid.n,
		    u->r->lsid.p, (int)u->r->host.n, u->r->host.p);
		if (u->opt->list)
			list(u, KIND_SESSION, -1, NULL, "in-progress");
		return;
	}
	draft = document_end(u->document, &why);
	if (draft == NULL)
		left_out(u, o, "", "malformed", why);
	else if (u->opt->list) {
		list(u, KIND_SESSION, -1, draft_sha256(draft), NULL);
		draft_free(draft);
	} else
		worse(u, store_put(u->store, draft, &o, make_name(u, KIND_SESSION, "", xml)));
}

/* Is nothing to be done: is it there, or was it removed for newer ones? */
static int
is_done(struct run *u, const struct spooled *f, const char *name)
{
	int has = store_has(u->store, name, f->bytes, f->sha256);

	if (has == 0 && f->kind == KIND_BACKUP && u->opt->retain >= 0) {
		has = retain_needless(u->store, u->r->host, u->opt->retain, f->instance, f->sha256);
		if (has == 2)
			msg_tell(2, "%s: was stored, and had to make room", name);
		else if (has == 1)
			msg_warn("%s: this backup is not stored, for as many newer ones as are to "
				 "be kept are there",
			    name);
	}
	if (has == -1)
		worse(u, EX_IOERR);
	return has == -1 ? -1 : has != 0;
}

/* Stored, or there already: 1. */
static int
save_file(struct run *u, const struct spooled *f)
{
	char instance[NUM_SIZE] = "";
	struct rec_value extension = {NULL, 0};
	struct owner o = owner(u, f->kind, f->instance);
	struct draft *draft;
	const char *name, *fault, *why;
	int code;

	if (f->bad != NULL) {
		left_out(u, o, f->name != NULL ? f->name : "", "malformed", f->bad);
		return 0;
	}
	if (u->opt->list) {
		list(u, f->kind, f->instance, f->sha256, NULL);
		return 0;
	}
	if (f->instance >= 0 && f->kind != KIND_BACKUP)
		num_format(f->instance, instance);
	if (f->extension != NULL)
		set_text(&extension, f->extension);
	name = make_name(u, f->kind, instance, extension);
	if ((code = is_done(u, f, name)) != 0)
		return code == 1;
	code = spooled_read(u->store, u->opt, u->spool, f, &draft, &fault, &why);
	if (code == 0 && draft != NULL)
		return worse(u, store_put(u->store, draft, &o, name)) == 0;
	if (worse(u, code) == 0)
		left_out(u, o, f->name, fault, why);
	return 0;
}

/* Old backups are removed after the new one is safe. */
static void
retain(struct run *u)
{
	struct owner o = owner(u, KIND_BACKUP, -1);
	struct buf gone = {0};

	if (worse(u, store_flush(u->store)) == 0 &&
	    worse(u, retain_backups(u->store, u->r->host, u->opt->retain, &gone)) == EX_DATAERR)
		owner_left_out(u->opt, &o, "retention", msg_last());
	store_print(u->store, &gone);
	buf_free(&gone);
}

static void
save_files(struct run *u)
{
	struct rec_value fetched_at = {NULL, 0};
	int backups = 0; /* that are safe, or about to be */
	size_t i;

	if (u->files.rows > 0 && u->spool == -1 && !u->opt->list) {
		if (!u->no_spool)
			msg_warn(
			    "the stream names files in a spool: -i SPOOL says where it is (what "
			    "was -d for praic-fetch)");
		u->no_spool = 1;
		worse(u, EX_USAGE);
		return;
	}
	for (i = 0; i < u->files.rows && u->store->fatal == 0; i++) {
		const struct spooled *f = &u->files.row[i];

		if (f->kind == KIND_BACKUP) {
			if (f->fetched_at != NULL)
				set_text(&fetched_at, f->fetched_at);
			keep_date(u, fetched_at);
		}
		backups += save_file(u, f) && f->kind == KIND_BACKUP;
	}
	if (backups > 0 && u->opt->retain >= 0 && u->store->fatal == 0)
		retain(u);
}

static void
commit(struct run *u)
{
	save_files(u);
	if (document_begun(u->document))
		save_session(u);
	else if (is_wanted(u, KIND_SESSION) && !(u->r->tables & TABLE_BIT(TABLE_FILE)) &&
	    !u->no_xml) {
		msg_warn("session %.*s of %.*s has no XML that could be saved: the stream comes "
			 "from praic-split -n, or lost its X lines on the way; run praic-split "
			 "without -n",
		    (int)u->r->lsid.n, u->r->lsid.p, (int)u->r->host.n, u->r->host.p);
		u->no_xml = 1;
		worse(u, EX_USAGE);
	}
	buf_add(&u->out, u->lines.p, u->lines.n);
	print_lines(u, KEEP);
}

/* When input is slow, complete sessions should not wait for it. */
static int
would_wait(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 0;
}

static int
open_store(struct run *u)
{
	int code = 0;

	u->store = u->opt->list ? store_dry(u->opt, &code) : store_open(u->opt, &code);
	if (u->store != NULL)
		u->document = document_new(u->store);
	if (u->store != NULL && !u->opt->list)
		code = head_check(u->opt, u->store->ledger);
	u->broken = u->store == NULL;
	worse(u, code);
	return u->broken ? -1 : 0;
}

/*
 * Is there no ledger, and can one be made?  Then it is made when the first session
 * comes: none is made for input that is no record stream.
 */
static int
is_to_be_made(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), is;

	if (fd == -1)
		return 0;
	is = faccessat(fd, TREE_LEDGER, F_OK, AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT &&
	    faccessat(fd, ".", W_OK | X_OK, 0) == 0;
	close(fd);
	return is;
}

static void
one_event(struct run *u, enum rec_event e)
{
	struct rec_reader *r = u->r;
	struct rec_value xml;
	const char *why;

	switch (e) {
	case REC_BEGIN:
		if (u->store == NULL && open_store(u) == -1)
			return;
		forget(u);
		if (r->host.n > LEDGER_MAX_KEY || r->lsid.n > LEDGER_MAX_KEY)
			rec_reject(r, "its host or lsid is too long");
		break;
	case REC_ROW:
		if (r->table == TABLE_SESSION)
			keep_session(u);
		if (r->table == TABLE_SESSION_EVENT)
			look_at_event(u);
		if (r->table == TABLE_RECORDING && u->opt->list)
			list_recording(u);
		if (r->table == TABLE_FILE &&
		    is_wanted(u, kind_find(r->value[FILE_KIND].p, r->value[FILE_KIND].n)) &&
		    (why = spooled_add(&u->files, r->value)) != NULL)
			rec_reject(r, why);
		break;
	case REC_XML:
		if (!is_wanted(u, KIND_SESSION))
			break;
		xml = rec_xml_text(r);
		why = document_add(u->document, r->host, xml.p, xml.n);
		if (why != NULL)
			rec_reject(r, why);
		break;
	case REC_COMMIT:
		commit(u);
		forget(u);
		break;
	case REC_DROP:
		forget(u);
		leftout_read(u->opt->left_out, r, e);
		break;
	case REC_EOF:
		leftout_read(u->opt->left_out, r, e);
		break;
	case REC_TABLES:
	case REC_END:
		break;
	}
}

static int
one_input(void *run, int fd, const char *name)
{
	struct run *u = run;
	enum rec_event e;

	u->r = rec_open(fd, name);
	forget(u);
	while (!u->broken && (u->store == NULL || u->store->fatal == 0)) {
		if (u->store != NULL && u->store->waiting > 0 && would_wait(fd))
			worse(u, store_flush(u->store));
		e = rec_next(u->r);
		one_event(u, e);
		if (e == REC_EOF)
			break;
	}
	worse(u, rec_code(u->r));
	forget(u);
	rec_close(u->r);
	return u->broken || (u->store != NULL && u->store->fatal != 0);
}

int
run_all(const struct options *opt, char *const operand[], int operands)
{
	struct run u = {.opt = opt};
	int i;

	u.spool = -1;
	if (opt->spool != NULL) {
		u.spool = open(opt->spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (u.spool == -1) {
			msg_errno("%s", opt->spool);
			return EX_NOINPUT;
		}
	}
	if ((opt->existing || opt->list || !is_to_be_made(opt->directory)) && open_store(&u) == -1)
		return u.code;
	worse(&u, command_operands(operand, operands, one_input, &u));
	print_lines(&u, 0);
	document_free(u.document);
	buf_free(&u.lines);
	buf_free(&u.out);
	if (u.store != NULL)
		u.code = code_worse(u.code, store_close(u.store));
	if (u.in_progress > 0)
		msg_tell(1, "%llu sessions in progress left for later (-p would save them)",
		    (unsigned long long)u.in_progress);
	for (i = 0; i < FIELDS; i++)
		buf_free(&u.value[i]);
	buf_free(&u.name);
	if (u.spool != -1)
		close(u.spool);
	return u.code;
}
