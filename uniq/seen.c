/* Which sessions were there before: see seen.h. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "file.h"
#include "msg.h"
#include "seen.h"

#define APPLICATION_ID "1886541169" /* prUq */
/* Somebody may be looking at STATE; another praic-uniq takes longer. */
#define BUSY_MS 1000

/*
 * A session's digest is its GMAC, the tag of AES-128-GCM with the session as
 * additional data: three times as fast as SHA-256.  Those who choose the content
 * do not know the key, which is random and stays in STATE.  Two different sessions
 * of 1 GiB then have the same digest with a probability of 2^-101, whatever they
 * contain, so the nonce need not change.
 */
#define DIGEST_SIZE 16
#define KEY_SIZE    16

struct seen {
	EVP_CIPHER_CTX *mac;
	char *path, *directory;
	sqlite3 *db;
	sqlite3_stmt *find, *add;
};

/* A failure (no memory, or a library without the cipher) must not let sessions pass unchecked. */
static void
need(int ok)
{
	if (ok)
		return;
	msg_warn("libcrypto gives no AES-128-GCM");
	exit(EX_TEMPFAIL);
}

/* The code for what SQLite returned, after a message unless it is 0. */
static int
code_of(struct seen *s, int rc)
{
	const char *why = sqlite3_errmsg(s->db);

	switch (rc & 0xff) {
	case SQLITE_OK:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		msg_warn("%s: in use by another process: try again later", s->path);
		return EX_TEMPFAIL;
	case SQLITE_NOTADB:
	case SQLITE_ERROR:
		msg_warn("%s: not a state file of praic-uniq: %s", s->path, why);
		return EX_CONFIG;
	case SQLITE_CORRUPT:
		msg_warn("%s: %s: remove it, and sessions that were noted there come once more",
		    s->path, why);
		return EX_IOERR;
	default:
		msg_warn("%s: %s%s", s->path, why,
		    (rc & 0xff) == SQLITE_FULL ? ": make room there" : "");
		return (rc & 0xff) == SQLITE_NOMEM ? EX_TEMPFAIL : EX_IOERR;
	}
}

static int
run(struct seen *s, const char *sql, int64_t number)
{
	char *text = sqlite3_mprintf(sql, (long long)number);
	int code = code_of(s, sqlite3_exec(s->db, text, NULL, NULL, NULL));

	sqlite3_free(text);
	return code;
}

static int
prepare(struct seen *s, const char *sql, sqlite3_stmt **q)
{
	return code_of(s, sqlite3_prepare_v2(s->db, sql, -1, q, NULL));
}

static void
begin_digest(struct seen *s)
{
	static const unsigned char nonce[12];

	need(EVP_EncryptInit_ex(s->mac, NULL, NULL, NULL, nonce) == 1);
}

static void
end_digest(struct seen *s, unsigned char digest[DIGEST_SIZE])
{
	int unused;

	need(EVP_EncryptFinal_ex(s->mac, digest, &unused) == 1 &&
	    EVP_CIPHER_CTX_ctrl(s->mac, EVP_CTRL_GCM_GET_TAG, DIGEST_SIZE, digest) == 1);
	begin_digest(s);
}

static int
read_key(struct seen *s)
{
	sqlite3_stmt *q;
	int rc, code = prepare(s, "SELECT key FROM key", &q);

	if (code != 0)
		return code;
	rc = sqlite3_step(q);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		code = code_of(s, rc);
	else if (rc == SQLITE_ROW && sqlite3_column_bytes(q, 0) == KEY_SIZE) {
		need(EVP_EncryptInit_ex(
			 s->mac, EVP_aes_128_gcm(), NULL, sqlite3_column_blob(q, 0), NULL) == 1);
		begin_digest(s);
	} else {
		msg_warn("%s: not a state file of praic-uniq: it has no key", s->path);
		code = EX_CONFIG;
	}
	sqlite3_finalize(q);
	return code;
}

/*
 * SQLite's exclusive lock stays with this process after the transaction ends: two
 * of these programs would both give their commands the same sessions.
 */
static int
set_up(struct seen *s, int64_t forget)
{
	sqlite3_stmt *q = NULL;
	int code, is_other = 0;

	sqlite3_busy_timeout(s->db, BUSY_MS);
	if ((code = run(s, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", 0)) == 0 &&
	    (code = prepare(s,
		 "SELECT application_id <> " APPLICATION_ID " AND EXISTS (SELECT * FROM"
		 " sqlite_master) FROM pragma_application_id",
		 &q)) == 0)
		is_other = sqlite3_step(q) == SQLITE_ROW && sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	if (is_other) {
		msg_warn("%s: a database of another program: name another file", s->path);
		code = EX_CONFIG;
	}
	/* The temporary table is lost with the program anyway: it needs no journal. */
	if (code == 0)
		code = run(s,
		    "PRAGMA application_id = " APPLICATION_ID ";"
		    "CREATE TABLE IF NOT EXISTS key AS SELECT randomblob(16) AS key;"
		    "CREATE TABLE IF NOT EXISTS seen (digest BLOB PRIMARY KEY,"
		    " noted INTEGER NOT NULL) WITHOUT ROWID;"
		    "DELETE FROM seen WHERE noted < %lld; COMMIT;"
		    "PRAGMA temp.journal_mode = OFF; PRAGMA temp.cache_size = -8000;"
		    "CREATE TEMP TABLE now (digest BLOB PRIMARY KEY) WITHOUT ROWID; BEGIN",
		    forget);
	if (code == 0)
		code = read_key(s);
	if (code == 0)
		code = prepare(s, "SELECT 1 FROM seen WHERE digest = ?", &s->find);
	return code != 0 ? code : prepare(s, "INSERT OR IGNORE INTO temp.now VALUES (?)", &s->add);
}

/* STATE is there, for its owner alone: SQLite would make it with the rights of
 * umask(2). */
static int
make_state(struct seen *s, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1 || (s->path = realpath(path, NULL)) == NULL) {
		msg_errno("%s", path);
		if (fd != -1)
			close(fd);
		return errno == EACCES || errno == EPERM ? EX_NOPERM : EX_CANTCREAT;
	}
	close(fd);
	s->directory = xstrndup(s->path, (size_t)(strrchr(s->path, '/') + 1 - s->path));
	return 0;
}

struct seen *
seen_open(const char *path, int64_t forget, int *code)
{
	struct seen *s = xcalloc(1, sizeof(*s));

	s->mac = EVP_CIPHER_CTX_new();
	need(s->mac != NULL);
	sqlite3_temp_directory = sqlite3_mprintf("%s", file_scratch_dir());
	if (path == NULL)
		s->path = xasprintf("temporary file in %s", file_scratch_dir());
	*code = path != NULL ? make_state(s, path) : 0;
	if (*code == 0)
		*code = code_of(s,
		    sqlite3_open_v2(path != NULL ? s->path : "", &s->db,
			SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL));
	if (*code == 0)
		*code = set_up(s, forget);
	if (*code == 0)
		return s;
	seen_free(s);
	return NULL;
}

void
seen_free(struct seen *s)
{
	if (s == NULL)
		return;
	EVP_CIPHER_CTX_free(s->mac);
	sqlite3_finalize(s->find);
	sqlite3_finalize(s->add);
	sqlite3_close(s->db);
	free(s->path);
	free(s->directory);
	free(s);
}

const char *
seen_directory(const struct seen *s)
{
	return s->directory;
}

void
seen_bytes(struct seen *s, const char *p, size_t n)
{
	int unused;

	need(EVP_EncryptUpdate(s->mac, NULL, &unused, (const unsigned char *)p, (int)n) == 1);
}

void
seen_drop(struct seen *s)
{
	begin_digest(s);
}

int
seen_add(struct seen *s, int *code)
{
	unsigned char digest[DIGEST_SIZE];
	int is_new;

	end_digest(s, digest);
	sqlite3_bind_blob(s->find, 1, digest, sizeof(digest), SQLITE_STATIC);
	is_new = sqlite3_step(s->find) == SQLITE_DONE;
	if ((*code = code_of(s, sqlite3_reset(s->find))) != 0)
		return -1;
	sqlite3_bind_blob(s->add, 1, digest, sizeof(digest), SQLITE_STATIC);
	sqlite3_step(s->add);
	if ((*code = code_of(s, sqlite3_reset(s->add))) != 0)
		return -1;
	return is_new && sqlite3_changes(s->db) > 0;
}

int
seen_note(struct seen *s, int64_t now)
{
	return run(s, "INSERT OR REPLACE INTO seen SELECT digest, %lld FROM temp.now; COMMIT", now);
}
