/*
 * Words of the command line as a query of FTS5.  FTS5 wants quotes around a word with
 * other characters than letters, digits and _: rm -rf C:\tmp becomes
 * rm "-rf" "C:\tmp", phrases of their parts.  Quoted phrases, parentheses, AND, OR, NOT
 * and the * behind a word are not changed.
 */
#include <ctype.h>
#include <string.h>

#include "code.h"
#include "find.h"
#include "msg.h"

static int
is_plain(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)p[i]) && p[i] != '_' && (unsigned char)p[i] < 0x80)
			return 0;
	/* NEAR(...) has commas, and is not supported. */
	return n > 0 && !(n == 4 && memcmp(p, "NEAR", 4) == 0);
}

static void
add_word(struct buf *query, const char *p, size_t n)
{
	int prefix = n > 1 && p[n - 1] == '*';

	n -= (size_t)prefix;
	if (is_plain(p, n))
		buf_add(query, p, n);
	else {
		buf_addc(query, '"');
		buf_add(query, p, n);
		buf_addc(query, '"');
	}
	if (prefix)
		buf_addc(query, '*');
}

void
words_add(struct buf *query, const char *p)
{
	size_t n;

	if (query->n > 0)
		buf_addc(query, ' ');
	for (; *p != '\0'; p += n) {
		n = 1;
		if (*p == '"') {
			n += strcspn(p + 1, "\"");
			n += p[n] == '"';
			n += p[n] == '*';
			buf_add(query, p, n);
		} else if (isspace((unsigned char)*p) || *p == '(' || *p == ')')
			buf_addc(query, isspace((unsigned char)*p) ? ' ' : *p);
		else {
			n = strcspn(p, " \t\r\n\f\v()\"");
			add_word(query, p, n);
		}
	}
}

int
words_check(const char *query)
{
	sqlite3 *memory = NULL;
	sqlite3_stmt *q = NULL;
	const char *why;
	int rc, i, code = 0;

	for (i = 0; query[i] != '\0'; i++)
		if (isalnum((unsigned char)query[i]) || (unsigned char)query[i] >= 0x80)
			break;
	if (query[i] == '\0') {
		msg_warn("no word to search for: give a word, a \"phrase\" or prefix*");
		return EX_USAGE;
	}
	rc = sqlite3_open(":memory:", &memory);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(
		    memory, "CREATE VIRTUAL TABLE t USING fts5(text)", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(memory, "SELECT 1 FROM t WHERE t MATCH ?1", -1, &q, NULL);
	if (rc != SQLITE_OK) {
		msg_warn("SQLite: %s", sqlite3_errmsg(memory));
		code = EX_SOFTWARE;
	} else if (sqlite3_bind_text(q, 1, query, -1, SQLITE_STATIC) == SQLITE_OK &&
	    sqlite3_step(q) == SQLITE_ERROR) {
		why = sqlite3_errmsg(memory);
		why += strncmp(why, "fts5: ", 6) == 0 ? 6 : 0;
		if (strcmp(why, "syntax error near \"\"") == 0)
			why = "something is missing at the end";
		msg_warn("%s: %s; ask for words, \"phrases\" or prefix*, and put AND, OR or NOT "
			 "between two of them or two (parts in parentheses)",
		    query, why);
		code = EX_USAGE;
	}
	sqlite3_finalize(q);
	sqlite3_close(memory);
	return code;
}
