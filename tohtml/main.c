/*
 * praic-tohtml: record streams in, pages for people out: one page, or a
 * directory of them with indexes.  Options and input; page.c makes the pages.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "code.h"
#include "command.h"
#include "confine.h"
#include "file.h"
#include "msg.h"
#include "tohtml.h"

struct run {
	const char *directory, *files;
	struct page *page;
	struct archive *archive; /* with -d; else: */
	struct held out;
	struct state state;
	uint64_t sessions;
	int code;
};

static const struct command_option option[] = {
    {'d', "directory", "DIR", "where the pages go; it must exist", offsetof(struct run, directory),
	NULL},
    {0, "files", "DIR", "where praic-tofs has stored recordings: link these",
	offsetof(struct run, files), NULL},
    {0, NULL, NULL, NULL, 0, NULL},
};

static const struct command command = {"praic-tohtml [-v] [-d DIRECTORY] [--files DIR] [FILE ...]",
    "Writes the sessions of a record stream as HTML, for people to read: one page to\n"
    "standard output, or a page each and indexes below DIRECTORY.",
    option};

/* A session goes to standard output. */
static void
put_session(struct run *u, const struct rec_reader *r)
{
	struct buf *text = page_end(u->page, r)->text, section = {0};
	char prefix[24] = "";

	if (u->sessions == 1)
		page_head(u->page, &u->out);
	else
		snprintf(prefix, sizeof(prefix), "s%llu-", (unsigned long long)u->sessions);
	files_section(&u->state, &section, prefix, buf_text(&text[T_HOST]), buf_text(&text[T_LSID]),
	    buf_text(&text[T_EXPECTED]), u->files);
	page_write(u->page, &section, NULL, &u->out);
	buf_free(&section);
}

static void
end_page(struct run *u)
{
	if (u->sessions == 0) {
		html_head(&u->out.mem, "No session", 10);
		buf_adds(&u->out.mem, "<main>\n<h1>No session</h1>\n");
	}
	page_tail(&u->out);
	held_flush(&u->out);
}

static int
is_broken(const struct run *u)
{
	return u->out.code != 0 || page_code(u->page) != 0 ||
	    (u->archive != NULL && archive_code(u->archive) != 0);
}

static void
one_event(struct run *u, struct rec_reader *r, enum rec_event e)
{
	/* A stream of files (praic-fetch -d) has nothing that a page shows. */
	if (r->tables & TABLE_BIT(TABLE_FILE))
		return;
	if (e == REC_BEGIN)
		page_begin(u->page, u->directory == NULL ? u->sessions + 1 : 1);
	else if (e == REC_ROW)
		page_row(u->page, r);
	else if (e == REC_COMMIT) {
		u->sessions++;
		if (u->archive != NULL)
			archive_put(u->archive, u->page, r);
		else
			put_session(u, r);
	}
}

static int
one_input(void *arg, int fd, const char *name)
{
	struct run *u = arg;
	struct rec_reader *r = rec_open(fd, name);
	enum rec_event e = REC_TABLES;

	while (e != REC_EOF && !is_broken(u)) {
		e = rec_next(r);
		one_event(u, r, e);
	}
	u->code = code_worse(u->code, rec_code(r));
	msg_tell(1, "%s: %llu sessions read, %llu left out", name, (unsigned long long)r->complete,
	    (unsigned long long)r->dropped);
	rec_close(r);
	return is_broken(u);
}

/* Of praic-tofs's directory only the ledger is read. */
static void
confine(const struct run *u, char *const operand[], int operands)
{
	struct confine *c = confine_new();
	char *ledger;

	confine_allow(c, file_scratch_dir(), CONFINE_CHANGE);
	if (u->directory != NULL)
		confine_allow(c, u->directory, CONFINE_CHANGE);
	if (u->files != NULL) {
		ledger = xasprintf("%s/.praic-ledger", u->files);
		confine_allow(c, ledger, CONFINE_READ);
		free(ledger);
	}
	confine_allow_operands(c, operand, operands);
	confine_enter(c);
}

static int
start(struct run *u)
{
	int code = 0;

	held_open_output(&u->out, STDOUT_FILENO, "standard output");
	if (u->directory != NULL) {
		u->archive = archive_open(u->directory, u->files, &code);
		return code;
	}
	code = state_open(&u->state, NULL);
	return code != 0 || u->files == NULL ? code : files_read(&u->state, u->files);
}

int
main(int argc, char **argv)
{
	struct run u = {0};
	int code;

	command_start(argv[0]);
	umask(077);
	code = command_options(&command, argc, argv, &u);
	if (code != 0)
		return code;
	confine(&u, argv + optind, argc - optind);
	u.page = page_new();
	u.code = start(&u);
	if (u.code == 0) {
		code = command_operands(argv + optind, argc - optind, one_input, &u);
		u.code = code_worse(u.code, code);
		if (u.archive != NULL)
			u.code = code_worse(u.code, archive_close(u.archive));
		else if (u.code != EX_USAGE || u.sessions > 0)
			end_page(&u);
	}
	u.code = code_worse(u.code, code_worse(u.out.code, page_code(u.page)));
	if (u.state.db != NULL) {
		u.code = code_worse(u.code, u.state.code);
		state_close(&u.state);
	}
	held_close(&u.out);
	page_free(u.page);
	return u.code;
}
