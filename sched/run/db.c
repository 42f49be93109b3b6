/* Statements in the settings database: see run.h. */
#include <stdarg.h>
#include <stdlib.h>

#include "code.h"
#include "msg.h"
#include "run.h"

static sqlite3_stmt *ask(struct run *, const char *, const char *, va_list);

static sqlite3_stmt *
ask(struct run *r, const char *sql, const char *types, va_list ap)
{
	sqlite3_stmt *stmt;
	const char *text;
	int64_t n;
	int i;

	if (r->db_code != 0)
		return NULL;
	if ((stmt = settings_prepare(r->settings, sql)) == NULL) {
		r->db_code = EX_SOFTWARE;
		return NULL;
	}
	for (i = 1; types[i - 1] != '\0'; i++)
		if (types[i - 1] == 't') {
			text = va_arg(ap, const char *);
			sqlite3_bind_text(stmt, i, text, -1, SQLITE_TRANSIENT);
		} else if ((n = va_arg(ap, int64_t)) != NONE)
			sqlite3_bind_int64(stmt, i, n);
	return stmt;
}

sqlite3_stmt *
db_ask(struct run *r, const char *sql, const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list ap;

	va_start(ap, types);
	stmt = ask(r, sql, types, ap);
	va_end(ap);
	return stmt;
}

int
db_row(struct run *r, sqlite3_stmt *stmt)
{
	int rc = stmt != NULL ? sqlite3_step(stmt) : SQLITE_DONE;

	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		r->db_code = settings_failed(r->settings, r->name != NULL ? r->name : "reading it");
	sqlite3_finalize(stmt);
	return 0;
}

int64_t
db_column(sqlite3_stmt *stmt, int i)
{
	return sqlite3_column_type(stmt, i) == SQLITE_NULL ? NONE : sqlite3_column_int64(stmt, i);
}

int
db_do(struct run *r, const char *sql, const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list ap;

	va_start(ap, types);
	stmt = ask(r, sql, types, ap);
	va_end(ap);
	if (stmt == NULL)
		return 0;
	while (db_row(r, stmt))
		;
	return r->db_code == 0 ? sqlite3_changes(settings_handle(r->settings)) : 0;
}

int64_t
db_number(struct run *r, const char *sql, const char *types, ...)
{
	sqlite3_stmt *stmt;
	int64_t n = NONE;
	va_list ap;

	va_start(ap, types);
	stmt = ask(r, sql, types, ap);
	va_end(ap);
	while (db_row(r, stmt))
		n = db_column(stmt, 0);
	return n;
}

char *
db_text(struct run *r, const char *sql, const char *types, ...)
{
	sqlite3_stmt *stmt;
	char *text = NULL;
	va_list ap;

	va_start(ap, types);
	stmt = ask(r, sql, types, ap);
	va_end(ap);
	while (db_row(r, stmt)) {
		free(text);
		text = sqlite3_column_type(stmt, 0) == SQLITE_NULL ?
		    NULL :
		    xstrdup((const char *)sqlite3_column_text(stmt, 0));
	}
	return text;
}

void
db_begin(struct run *r)
{
	if (r->db_code == 0)
		r->db_code = settings_begin(r->settings);
}

int
db_commit(struct run *r)
{
	if (r->db_code == 0)
		r->db_code = settings_commit(r->settings);
	settings_rollback(r->settings);
	if (r->db_code == 0)
		return 0;
	return run_fail(r, r->db_code, msg_program(), "%s: it could not be read or written",
	    settings_path(r->settings));
}
