/*
 * Reads a record stream from standard input and prints the events of the reader
 * (common/rec.h), one per line.  Exits with the reader's code.
 *
 *	rec-events [lsid-to-reject]
 */
#include <stdio.h>
#include <string.h>

#include "msg.h"
#include "rec.h"

static void
show(struct rec_value v)
{
	struct buf b = {0};

	if (v.p == NULL)
		buf_adds(&b, "NULL");
	else
		rec_escape(&b, v.p, v.n);
	printf(" [%s]", buf_text(&b));
	buf_free(&b);
}

int
main(int argc, char **argv)
{
	static const char *const names[] = {
	    "tables", "begin", "row", "xml", "commit", "drop", "end", "eof"};
	struct rec_reader *r;
	enum rec_event e;
	int c, code;

	msg_start(argv[0]);
	r = rec_open(0, "standard input");
	do {
		e = rec_next(r);
		printf("%s", names[e]);
		if (e == REC_TABLES)
			printf(" %#x", r->tables);
		if (e == REC_BEGIN) {
			show(r->host);
			show(r->lsid);
			if (argc > 1 && r->lsid.n == strlen(argv[1]) &&
			    memcmp(r->lsid.p, argv[1], r->lsid.n) == 0)
				rec_reject(r, "the test wants it so");
		}
		if (e == REC_ROW) {
			printf(" %s", table_list[r->table].name);
			for (c = 0; c < table_list[r->table].columns; c++)
				show(r->value[c]);
		}
		if (e == REC_XML)
			show(rec_xml_text(r));
		if (e == REC_DROP)
			printf(" (%s)", r->reason);
		printf("\n");
	} while (e != REC_EOF);
	printf("complete %llu dropped %llu left out %llu\n", (unsigned long long)r->complete,
	    (unsigned long long)r->dropped, (unsigned long long)r->left_out);
	code = rec_code(r);
	rec_close(r);
	return code;
}
