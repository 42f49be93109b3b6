/* Notes about files of the spool: see spoolinfo.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "boot.h"
#include "file.h"
#include "msg.h"
#include "spoolinfo.h"

#define MAX_INFO 16384

static void
name_info(char out[SPOOL_NAME], const char *base)
{
	snprintf(out, SPOOL_NAME, ".%.240s.info", base);
}

static void
put(json_t *o, const char *name, const char *p, size_t n)
{
	if (n > 0)
		json_object_set_new(o, name, json_stringn_nocheck(p, n));
}

static void
put_text(json_t *o, const char *name, const char *text)
{
	put(o, name, text, strlen(text));
}

static int
write_info(struct spool *s, const char *base, json_t *o)
{
	char name[SPOOL_NAME];
	char *text = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
	int fd, bad;

	json_decref(o);
	if (text == NULL) /* not UTF-8: then there is no note */
		return 0;
	name_info(name, base);
	/* In place: half of a note is none. */
	fd = openat(s->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	bad = fd == -1 || file_write(fd, text, strlen(text)) == -1;
	if (fd != -1 && close(fd) == -1)
		bad = 1;
	if (bad)
		msg_errno("%s/%s", s->path, name);
	free(text);
	return bad ? -1 : 0;
}

static json_t *
read_info(struct spool *s, const char *base)
{
	char name[SPOOL_NAME], text[MAX_INFO];
	ssize_t n;
	int fd;

	name_info(name, base);
	fd = openat(s->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return NULL;
	n = file_read(fd, text, sizeof(text));
	close(fd);
	return n > 0 ? json_loadb(text, (size_t)n, 0, NULL) : NULL;
}

static const char *
get(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text != NULL ? text : "";
}

static void
get_buf(struct buf *b, const json_t *o, const char *name)
{
	buf_reset(b);
	buf_adds(b, get(o, name));
}

int
info_write_file(struct spool *s, const char *base, const struct spool_file *f)
{
	json_t *o = json_object();

	put_text(o, "name", f->name);
	put_text(o, "extension", f->extension);
	put(o, "type", f->type.p, f->type.n);
	/* Should the name not be given any more: a part that is all there. */
	put_text(o, "part", f->extension);
	json_object_set_new(o, "length", json_integer((json_int_t)f->bytes));
	json_object_set_new(o, "synced", json_integer((json_int_t)f->bytes));
	json_object_set_new(o, "bytes", json_integer((json_int_t)f->bytes));
	put_text(o, "sha256", f->sha256);
	json_object_set_new(o, "fetched_at", json_integer(f->fetched_at));
	return write_info(s, base, o);
}

int
info_read_file(struct spool *s, const char *base, struct spool_file *f)
{
	json_t *o = read_info(s, base);
	const char *name = get(o, "name"), *extension = get(o, "extension");
	const char *sha256 = get(o, "sha256");
	char want[SPOOL_NAME];
	int good;

	/* The name is worked out anew: a note does not point elsewhere. */
	snprintf(want, sizeof(want), "%.240s.%.7s", base, extension);
	good = o != NULL && strcmp(name, want) == 0 && strlen(sha256) == SHA256_HEX - 1 &&
	    json_is_integer(json_object_get(o, "bytes"));
	if (good) {
		snprintf(f->name, sizeof(f->name), "%s", want);
		snprintf(f->extension, sizeof(f->extension), "%.7s", extension);
		memcpy(f->sha256, sha256, SHA256_HEX);
		get_buf(&f->type, o, "type");
		f->bytes = (uint64_t)json_integer_value(json_object_get(o, "bytes"));
		f->fetched_at = json_integer_value(json_object_get(o, "fetched_at"));
	}
	json_decref(o);
	return good;
}

int
info_write_part(struct spool *s, const char *base, const struct spool_part *p, uint64_t synced)
{
	json_t *o = json_object();

	put(o, "etag", p->etag.p, p->etag.n);
	put(o, "modified", p->modified.p, p->modified.n);
	put(o, "type", p->type.p, p->type.n);
	put_text(o, "part", p->extension);
	json_object_set_new(o, "length", json_integer(p->length));
	json_object_set_new(o, "fetched_at", json_integer(p->fetched_at));
	json_object_set_new(o, "synced", json_integer((json_int_t)synced));
	/* What was written since this start of the machine is not lost. */
	put_text(o, "boot", boot_id());
	return write_info(s, base, o);
}

int
info_read_part(struct spool *s, const char *base, struct spool_part *p, uint64_t *synced)
{
	json_t *o = read_info(s, base);
	const char *extension = get(o, "part"), *boot = get(o, "boot");
	int good = o != NULL && *extension != '\0' && json_is_integer(json_object_get(o, "length"));

	if (good) {
		get_buf(&p->etag, o, "etag");
		get_buf(&p->modified, o, "modified");
		get_buf(&p->type, o, "type");
		snprintf(p->extension, sizeof(p->extension), "%.7s", extension);
		p->length = json_integer_value(json_object_get(o, "length"));
		p->fetched_at = json_integer_value(json_object_get(o, "fetched_at"));
		*synced = *boot != '\0' && strcmp(boot, boot_id()) == 0 ?
		    UINT64_MAX :
		    (uint64_t)json_integer_value(json_object_get(o, "synced"));
	}
	json_decref(o);
	return good;
}

int
info_remove(struct spool *s, const char *base)
{
	char name[SPOOL_NAME];

	name_info(name, base);
	if (unlinkat(s->dir, name, 0) == -1) {
		if (errno == ENOENT)
			return 0;
		msg_errno("%s/%s", s->path, name);
		return -1;
	}
	/* It must not come back with the next start of the machine. */
	if (file_sync_dir(s->dir) == -1) {
		msg_errno("%s", s->path);
		return -1;
	}
	return 0;
}
