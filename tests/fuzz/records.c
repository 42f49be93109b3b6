/*
 * Fuzz target: an untrusted record stream.  The reader's events have the order of
 * rec.h, its counts agree with them, and the accepted part, written again, is read as
 * the same.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "code.h"
#include "fuzz.h"
#include "rec.h"

struct account {
	uint64_t sessions, rows, xml;
};

/* A file in memory with these bytes, positioned at its start. */
static int
file_of(const uint8_t *p, size_t n)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	must(fd != -1 && write(fd, p, n) == (ssize_t)n && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static void
copy_row(struct buf *b, const struct rec_reader *r)
{
	size_t i;

	rec_row(b, r->table);
	for (i = 0; i < (size_t)table_list[r->table].columns; i++)
		/* A stream may lack the columns of the key: the S line has it. */
		rec_value(b,
		    r->table != TABLE_SESSION || i > 1 ? r->value[i] :
			i == 0			       ? r->host :
							 r->lsid);
	rec_end_row(b);
}

/* Read everything; write committed sessions to w, if it is not NULL. */
static int
read_all(int fd, struct rec_writer *w, struct account *a)
{
	struct rec_reader *r = rec_open(fd, "fuzz");
	struct buf rows = {0}, xml = {0}, host = {0}, lsid = {0};
	uint64_t n = 0, dropped = 0, committed = 0;
	struct rec_value piece;
	int within = 0, stream = 0, headed = 0, code;
	enum rec_event e;

	while ((e = rec_next(r)) != REC_EOF)
		switch (e) {
		case REC_TABLES:
			must(!within);
			stream = 1;
			if (w != NULL && !headed)
				rec_head(w, TABLE_SET_REPORT | TABLE_BIT(TABLE_FILE));
			headed = 1;
			break;
		case REC_BEGIN:
			must(!within && stream);
			within = 1;
			n = 0;
			rows.n = xml.n = host.n = lsid.n = 0;
			buf_add(&host, r->host.p, r->host.n);
			buf_add(&lsid, r->lsid.p, r->lsid.n);
			break;
		case REC_ROW:
			must(within && r->table < TABLES);
			must((r->tables & TABLE_BIT(r->table)) != 0);
			copy_row(&rows, r);
			n++;
			break;
		case REC_XML:
			must(within);
			piece = rec_xml_text(r);
			buf_add(&xml, piece.p, piece.n);
			break;
		case REC_COMMIT:
			must(within && n <= r->rows);
			within = 0;
			committed++;
			a->sessions++;
			a->rows += n;
			a->xml += xml.n;
			if (w == NULL)
				break;
			rec_begin(w, (struct rec_value){host.p != NULL ? host.p : "", host.n},
			    (struct rec_value){lsid.p != NULL ? lsid.p : "", lsid.n});
			rec_rows(w, rows.p, rows.n, n);
			if (xml.n > 0)
				rec_xml(w, xml.p, xml.n);
			rec_commit(w);
			break;
		case REC_DROP:
			must(within && r->reason != NULL);
			within = 0;
			dropped++;
			break;
		case REC_END:
			must(!within && stream);
			stream = 0;
			break;
		default:
			abort();
		}
	must(!within && rec_next(r) == REC_EOF);
	must(r->complete == committed && r->dropped == dropped);
	code = rec_code(r);
	must(code == 0 || code == EX_DATAERR || code == EX_TEMPFAIL || code == EX_USAGE);
	must(code != 0 || (dropped == 0 && r->left_out == 0));
	rec_close(r);
	buf_free(&rows);
	buf_free(&xml);
	buf_free(&host);
	buf_free(&lsid);
	if (w != NULL && headed)
		rec_end(w, 0);
	return headed;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct account first = {0}, second = {0};
	int fd = file_of(data, n), copy = memfd_create("copy", MFD_CLOEXEC), any;
	struct rec_writer *w = rec_new(copy, "copy");

	must(copy != -1);
	any = read_all(fd, w, &first);
	must(rec_finish(w) == 0);
	rec_free(w);
	close(fd);
	if (any) {
		struct rec_reader *r;
		enum rec_event e;

		must(lseek(copy, 0, SEEK_SET) == 0);
		(void)read_all(copy, NULL, &second);
		must(first.sessions == second.sessions && first.rows == second.rows);
		must(first.xml == second.xml);
		/* and the second time nothing is bad */
		must(lseek(copy, 0, SEEK_SET) == 0);
		r = rec_open(copy, "copy");
		do
			e = rec_next(r);
		while (e != REC_EOF);
		must(rec_code(r) == 0);
		rec_close(r);
	}
	close(copy);
	return 0;
}
