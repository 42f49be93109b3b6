/* What a destination is told: see tofs.h.  From texts, wherever they are from,
 * and checked as a whole before any input is read. */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "code.h"
#include "msg.h"
#include "num.h"
#include "tofs.h"

/* More backups than this nobody counts. */
#define MAX_RETAIN 100000

static const char *const conflict_name[] = {
    [CONFLICT_APPEND] = "append",
    [CONFLICT_OVERWRITE] = "overwrite",
    [CONFLICT_SKIP] = "skip",
    [CONFLICT_IMMUTABLE] = "immutable",
};

void
options_init(struct options *opt)
{
	memset(opt, 0, sizeof(*opt));
	opt->retain = -1;
	opt->mode = 0600;
	opt->kinds = (1u << KINDS) - 1;
}

int
options_kinds(struct options *opt, const char *text)
{
	enum kind kind;
	size_t n;

	opt->kinds = 0;
	for (;; text += n + 1) {
		n = strcspn(text, ",");
		kind = kind_find(text, n);
		if (kind == KINDS) {
			msg_warn("-k %.*s: there is no such kind; session, recording, shell, "
				 "screen, backup",
			    (int)n, text);
			return EX_USAGE;
		}
		opt->kinds |= 1u << kind;
		if (text[n] == '\0')
			return 0;
	}
}

int
options_conflict(struct options *opt, const char *text)
{
	size_t i;

	for (i = 0; i < sizeof(conflict_name) / sizeof(conflict_name[0]); i++)
		if (strcmp(text, conflict_name[i]) == 0) {
			opt->conflict = (enum conflict)i;
			return 0;
		}
	msg_warn("-c %s: append, overwrite, skip or immutable", text);
	return EX_USAGE;
}

/* The kind before the "=" that text begins with: KINDS + 1 for "all", KINDS
 * where there is none. */
static int
format_kind(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz");

	if (n == 0 || text[n] != '=')
		return KINDS;
	return n == 3 && memcmp(text, "all", n) == 0 ? KINDS + 1 : (int)kind_find(text, n);
}

int
options_format(struct options *opt, const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz");
	const char *end;
	int kind;

	if (n == 0 || text[n] != '=') {
		opt->all_formats = text;
		return 0;
	}
	for (;;) {
		if ((kind = format_kind(text)) == KINDS) {
			msg_warn("-f %s: there is no such kind; session, recording, shell, screen, "
				 "backup, or all",
			    text);
			return EX_USAGE;
		}
		text = strchr(text, '=') + 1;
		/* A format may have commas of its own. */
		for (end = strchr(text, ','); end != NULL && format_kind(end + 1) == KINDS;)
			end = strchr(end + 1, ',');
		*(kind == KINDS + 1 ? &opt->all_formats : &opt->format_text[kind]) =
		    end != NULL ? xstrndup(text, (size_t)(end - text)) : text;
		if (end == NULL)
			return 0;
		text = end + 1;
	}
}

int
options_mode(struct options *opt, const char *text)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (*text < '0' || *text > '7' || *end != '\0' || (mode & ~0666ul) != 0 ||
	    (mode & 0600) != 0600) {
		msg_warn("-m %s: an octal mode such as 640; read and write for the owner, "
			 "execute for nobody",
		    text);
		return EX_USAGE;
	}
	opt->mode = (mode_t)mode;
	return 0;
}

mode_t
options_own_mode(const struct options *opt)
{
	return opt->mode & ~(mode_t)022;
}

int
options_retain(struct options *opt, const char *text)
{
	uint64_t n;

	if (num_parse_count(text, strlen(text), MAX_RETAIN, &n) == -1) {
		msg_warn("-r %s: how many prior backups to keep, 0 to %d", text, MAX_RETAIN);
		return EX_USAGE;
	}
	opt->retain = (int64_t)n;
	return 0;
}

/* Two things of one session must not take turns under one name. */
static int
check_formats(const struct options *opt)
{
	const char *mode = conflict_name[opt->conflict];
	int a, b;

	if (opt->conflict == CONFLICT_APPEND)
		return 0;
	for (a = 0; a < KIND_BACKUP; a++)
		for (b = a; b < KIND_BACKUP; b++) {
			if (a == b && a != KIND_SHELL && a != KIND_SCREEN)
				continue;
			if (!format_meet(
				&opt->format[a], (enum kind)a, &opt->format[b], (enum kind)b))
				continue;
			if (a == b)
				msg_warn(
				    "-c %s: two %ss of one session could get the same name; "
				    "the format of %ss needs %%INSTANCE%%, and no digit beside it",
				    mode, kind_name[a], kind_name[a]);
			else
				msg_warn("-c %s: the %s and a %s of one session could get the same "
					 "name; %%KIND%% in both formats tells them apart",
				    mode, kind_name[a], kind_name[b]);
			return EX_USAGE;
		}
	if (!format_has(&opt->format[KIND_BACKUP], FIELD_START_DATE) &&
	    (opt->conflict != CONFLICT_OVERWRITE || opt->retain >= 0)) {
		msg_warn("-c %s: two backups of one site would get the same name; their format "
			 "needs %%START_DATE%% (-f backup=...%%START_DATE%%...)",
		    mode);
		return EX_USAGE;
	}
	return 0;
}

int
options_finish(struct options *opt)
{
	int k, code;

	for (k = 0; k < KINDS; k++) {
		const char *text = opt->format_text[k] != NULL ? opt->format_text[k] :
		    opt->all_formats != NULL		       ? opt->all_formats :
								 format_default[k];

		code = format_parse(&opt->format[k], text);
		if (code != 0)
			return code;
	}
	return check_formats(opt);
}

void
options_list(
    const struct options *opt, const struct owner *o, const char *code, const char *sentence)
{
	struct rec_value host = {o->host, o->host_n}, lsid = {o->lsid, o->lsid_n};

	leftout_add(opt->left_out, host, lsid, o->kind < KINDS ? kind_name[o->kind] : "file",
	    o->kind == KIND_BACKUP ? -1 : o->instance, code, sentence);
}

void
options_free(struct options *opt)
{
	int k;

	for (k = 0; k < KINDS; k++)
		format_free(&opt->format[k]);
}
