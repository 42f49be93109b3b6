/* What a destination is told: see tofs.h.  From texts, wherever they are from,
 * and checked as a whole before any input is read. */
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "msg.h"
#include "num.h"
#include "tofs.h"

/* Of which the names of kinds are made. */
#define LETTERS "abcdefghijklmnopqrstuvwxyz"
/* More backups than this nobody counts. */
#define MAX_RETAIN 100000

/* Behind praic's own names stand those of the guide. */
static const char *const conflict_name[] = {
    "append", "overwrite", "skip", "AppendNumber", "Overwrite", "Skip"};

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
			opt->conflict = (enum conflict)(i % CONFLICTS);
			return 0;
		}
	msg_warn("-c %s: append, overwrite or skip", text);
	return EX_USAGE;
}

/* Where the list goes on: at a comma behind which a word and = stand; or its end. */
static size_t
format_length(const char *p)
{
	size_t n, word;

	for (n = 0; p[n] != '\0'; n++) {
		if (p[n] == '\\' && p[n + 1] == ',')
			n++;
		else if (p[n] == ',') {
			word = strspn(p + n + 1, LETTERS);
			if (word > 0 && p[n + 1 + word] == '=')
				break;
		}
	}
	return n;
}

int
options_format(struct options *opt, const char *text)
{
	enum kind kind;
	size_t n, word, i;
	char *to;

	for (;; text += n + 1) {
		n = format_length(text);
		word = strspn(text, LETTERS);
		kind = KINDS;
		if (word == 0 || text[word] != '=')
			word = 0;
		else if ((kind = kind_find(text, word)) == KINDS &&
		    !(word == 3 && memcmp(text, "all", word) == 0)) {
			msg_warn("-f %s: there is no such kind; session, recording, shell, screen, "
				 "backup, or all",
			    text);
			return EX_USAGE;
		}
		free(opt->format_text[kind]);
		opt->format_text[kind] = to = xcalloc(n + 1, 1);
		for (i = word > 0 ? word + 1 : 0; i < n; i++)
			if (text[i] != '\\' || text[i + 1] != ',')
				*to++ = text[i];
		if (text[n] == '\0')
			return 0;
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
		    opt->format_text[KINDS] != NULL	       ? opt->format_text[KINDS] :
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
	for (k = 0; k <= KINDS; k++)
		free(opt->format_text[k]);
}
