/* Which sessions were there before: see seen.h. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "msg.h"
#include "seen.h"

#define APPLICATION_ID "1886541169" /* prUq */
/* Somebody may be looking at it; another praic-uniq takes longer. */
#define BUSY_MS 1000

/*
 * A session's digest is its GMAC: the tag of AES-128-GCM where all of it is
 * additional data, three times as fast as SHA-256.  Whoever fills in sessions
 * chooses content, but does not know the key, which is random and stays in
 * STATE, and is never told a digest.  Then two different sessions of 1 GiB have
 * the same one with a probability of 2^-101, whatever is in them, so the nonce
 * need not change.
 */
#define DIGEST_SIZE 16
#define KEY_SIZE    16

struct digest {
	unsigned char byte[DIGEST_SIZE];
};

/*
 * The digests of this input are in lists by their first 16 bits.  A list grows by
 * one at a time, so that memory is 16 bytes a session and not much more; a
 * million sessions make lists of 15.
 */
#define LISTS ((size_t)1 << 16)

struct list {
	struct digest *digest;
	size_t n;
};

struct seen {
	EVP_CIPHER_CTX *mac;
	unsigned char key[KEY_SIZE];
	struct list list[LISTS];
	char *path, *directory;
	sqlite3 *db;
	sqlite3_stmt *find, *note;
};

/* It fails when memory runs out, or where the library was set up without it. */
static void
need(int ok)
{
	if (ok)
		return;
	msg_warn("libcrypto gives no AES-128-GCM");
	exit(EX_TEMPFAIL);
}

static void
set_key(struct seen *s)
{
	need(EVP_EncryptInit_ex(s->mac, EVP_aes_128_gcm(), NULL, s->key, NULL) == 1);
}

struct seen *
seen_new(void)
{
	struct seen *s = xcalloc(1, sizeof(*s));

	s->mac = EVP_CIPHER_CTX_new();
	need(s->mac != NULL && RAND_bytes(s->key, KEY_SIZE) == 1);
	set_key(s);
	return s;
}

void
seen_free(struct seen *s)
{
	size_t i;

	for (i = 0; i < LISTS; i++)
		free(s->list[i].digest);
	EVP_CIPHER_CTX_free(s->mac);
	sqlite3_finalize(s->find);
	sqlite3_finalize(s->note);
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
	default:
		msg_warn("%s: %s", s->path, why);
		return (rc & 0xff) == SQLITE_NOMEM ? EX_TEMPFAIL : EX_IOERR;
	}
}

/* Is it ours?  An empty file becomes ours.  Its key is used from here on. */
static int
check(struct seen *s)
{
	sqlite3_stmt *q = NULL;
	int is_ours = 0, rc;

	rc = sqlite3_prepare_v2(s->db,
	    "SELECT application_id = " APPLICATION_ID ", NOT EXISTS (SELECT * FROM sqlite_master)"
	    " FROM pragma_application_id",
	    -1, &q, NULL);
	if (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		is_ours = sqlite3_column_int(q, 0);
		rc = is_ours || !sqlite3_column_int(q, 1) ? SQLITE_OK : SQLITE_EMPTY;
	}
	sqlite3_finalize(q);
	q = NULL;
	if (rc == SQLITE_OK && !is_ours) {
		msg_warn("%s: a database of another program: name another file", s->path);
		return EX_CONFIG;
	}
	if (rc == SQLITE_EMPTY)
		rc = sqlite3_exec(s->db,
		    "PRAGMA application_id = " APPLICATION_ID ";"
		    "CREATE TABLE key (one INTEGER PRIMARY KEY, key BLOB NOT NULL);"
		    "INSERT INTO key VALUES (1, randomblob(16));"
		    "CREATE TABLE seen (digest BLOB PRIMARY KEY, noted INTEGER NOT NULL)"
		    " WITHOUT ROWID",
		    NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(s->db, "SELECT key FROM key", -1, &q, NULL);
	if (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		if (sqlite3_column_bytes(q, 0) == KEY_SIZE)
			memcpy(s->key, sqlite3_column_blob(q, 0), KEY_SIZE);
		set_key(s);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(q);
	return code_of(s, rc == SQLITE_DONE ? SQLITE_CORRUPT : rc);
}

/*
 * Under SQLite's exclusive lock, which this process keeps from its first
 * transaction on though that ends here: two of these programs would both give
 * their commands the same sessions.
 */
static int
set_up(struct seen *s, int64_t forget)
{
	int code, rc;
	char *sql;

	sqlite3_busy_timeout(s->db, BUSY_MS);
	rc = sqlite3_exec(
	    s->db, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", NULL, NULL, NULL);
	if ((code = code_of(s, rc)) != 0 || (code = check(s)) != 0)
		return code;
	sql = xasprintf("DELETE FROM seen WHERE noted < %lld; COMMIT", (long long)forget);
	rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	free(sql);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(
		    s->db, "SELECT 1 FROM seen WHERE digest = ?1", -1, &s->find, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(
		    s->db, "INSERT OR REPLACE INTO seen VALUES (?1, ?2)", -1, &s->note, NULL);
	return code_of(s, rc);
}

int
seen_open(struct seen *s, const char *path, int64_t forget)
{
	/* SQLite itself would make it with the rights of umask(2). */
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), rc;

	if (fd != -1)
		close(fd);
	s->path = realpath(path, NULL);
	if (fd == -1 || s->path == NULL) {
		msg_errno("%s", path);
		return errno == EACCES || errno == EPERM ? EX_NOPERM : EX_CANTCREAT;
	}
	s->directory = xstrndup(s->path, (size_t)(strrchr(s->path, '/') + 1 - s->path));
	rc = sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE, NULL);
	return rc == SQLITE_OK ? set_up(s, forget) : code_of(s, rc);
}

void
seen_begin(struct seen *s)
{
	static const unsigned char nonce[12];

	need(EVP_EncryptInit_ex(s->mac, NULL, NULL, NULL, nonce) == 1);
}

void
seen_bytes(struct seen *s, const char *p, size_t n)
{
	int unused;

	need(EVP_EncryptUpdate(s->mac, NULL, &unused, (const unsigned char *)p, (int)n) == 1);
}

int
seen_add(struct seen *s, int *code)
{
	int rc = SQLITE_DONE, unused;
	struct digest d;
	struct list *l;
	size_t i;

	need(EVP_EncryptFinal_ex(s->mac, d.byte, &unused) == 1 &&
	    EVP_CIPHER_CTX_ctrl(s->mac, EVP_CTRL_GCM_GET_TAG, DIGEST_SIZE, d.byte) == 1);
	l = &s->list[d.byte[0] << 8 | d.byte[1]];
	for (i = 0; i < l->n; i++)
		if (memcmp(&l->digest[i], &d, sizeof(d)) == 0)
			return 0;
	l->digest = xrealloc(l->digest, (l->n + 1) * sizeof(d));
	l->digest[l->n++] = d;
	if (s->db != NULL) {
		sqlite3_bind_blob(s->find, 1, &d, sizeof(d), SQLITE_STATIC);
		rc = sqlite3_step(s->find);
		sqlite3_reset(s->find);
	}
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return rc == SQLITE_DONE;
	*code = code_of(s, rc);
	return -1;
}

int
seen_note(struct seen *s, int64_t now)
{
	int rc = sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL);
	size_t i, k;

	for (i = 0; i < LISTS; i++)
		for (k = 0; k < s->list[i].n && rc == SQLITE_OK; k++) {
			sqlite3_bind_blob(
			    s->note, 1, &s->list[i].digest[k], DIGEST_SIZE, SQLITE_STATIC);
			sqlite3_bind_int64(s->note, 2, now);
			sqlite3_step(s->note);
			rc = sqlite3_reset(s->note);
		}
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	return code_of(s, rc);
}
