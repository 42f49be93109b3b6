/* The command line: see command.h. */
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "code.h"
#include "command.h"
#include "file.h"
#include "msg.h"

/* The second column of the help. */
#define COLUMN 27
#define MOST   32

/* The value of getopt_long(3) for a long option: LONG and its place. */
enum { HELP = 256, VERSION, LONG };

void
command_start(const char *argv0)
{
	msg_start(argv0);
	file_std_fds();
	signal(SIGPIPE, SIG_IGN);
}

void
command_usage(const struct command *c, const char *reason, ...)
{
	va_list ap;
	char *text;

	if (reason == NULL) {
		text = xasprintf("usage: %s\n", c->usage);
		(void)!file_write(STDERR_FILENO, text, strlen(text));
		exit(EX_USAGE);
	}
	va_start(ap, reason);
	text = xvasprintf(reason, ap);
	va_end(ap);
	msg_warn("%s (see %s --help)", text, msg_program());
	exit(EX_USAGE);
}

static void
add_option(struct buf *b, const struct command_option *o)
{
	size_t line = b->n;
	const char *p;

	if (o->letter != 0)
		buf_printf(b, "  -%c, --%s", o->letter, o->name);
	else
		buf_printf(b, "      --%s", o->name);
	if (o->argument != NULL)
		buf_printf(b, " %s", o->argument);
	buf_adds(b, "  ");
	while (b->n - line < COLUMN)
		buf_addc(b, ' ');
	for (p = o->help; *p != '\0'; p++) {
		buf_addc(b, *p);
		if (*p == '\n')
			buf_printf(b, "%*s", COLUMN, "");
	}
	buf_addc(b, '\n');
}

static void __attribute__((noreturn)) say(struct buf *text)
{
	int bad = file_write(STDOUT_FILENO, text->p, text->n);

	if (bad)
		msg_errno("standard output");
	exit(bad ? EX_IOERR : 0);
}

static void __attribute__((noreturn)) help(const struct command *c)
{
	static const struct command_option verbose = {
	    'v', "verbose", NULL, "tell each step", 0, NULL};
	const struct command_option *o;
	struct buf text = {0};

	buf_printf(&text, "usage: %s\n%s\n\n", c->usage, c->summary);
	for (o = c->option; o->name != NULL; o++)
		add_option(&text, o);
	add_option(&text, &verbose);
	buf_adds(&text, "      --help, --version\n");
	say(&text);
}

static int
take(const struct command_option *o, void *arg, const char *argument)
{
	char *field = (char *)arg + o->at;

	if (o->take != NULL)
		return o->take(arg, argument);
	if (o->argument != NULL)
		memcpy(field, &argument, sizeof(argument));
	else
		memcpy(field, &(int){1}, sizeof(int));
	return 0;
}

int
command_set(const struct command *c, void *arg, const char *name, const char *value)
{
	const struct command_option *o;

	for (o = c->option; o->name != NULL; o++)
		if (strcmp(o->name, name) == 0)
			return take(o, arg, value);
	msg_warn("the settings have a field %s that this program does not know", name);
	return EX_CONFIG;
}

int
command_options(const struct command *c, int argc, char **argv, void *arg)
{
	struct option longs[MOST + 4] = {{"verbose", no_argument, NULL, 'v'},
	    {"help", no_argument, NULL, HELP}, {"version", no_argument, NULL, VERSION}};
	char shorts[2 * MOST + 3] = "v", *s = shorts + 1;
	struct buf version = {0};
	int i, n, code = 0;

	for (i = 0; i < MOST && c->option[i].name != NULL; i++) {
		const struct command_option *o = &c->option[i];
		int argument = o->argument != NULL ? required_argument : no_argument;

		longs[3 + i] = (struct option){o->name, argument, NULL, LONG + i};
		if (o->letter == 0)
			continue;
		*s++ = o->letter;
		if (argument == required_argument)
			*s++ = ':';
	}
	while ((n = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (n == 'v') {
			msg_level++;
			continue;
		}
		if (n == HELP)
			help(c);
		if (n == VERSION) {
			buf_printf(&version, "%s " PRAIC_VERSION "\n", msg_program());
			say(&version);
		}
		for (i = 0; c->option[i].name != NULL; i++)
			if (n == LONG + i || (n < LONG && n == c->option[i].letter))
				break;
		if (c->option[i].name == NULL)
			exit(EX_USAGE); /* getopt_long(3) has printed the reason */
		code = code_worse(code, take(&c->option[i], arg, optarg));
	}
	return code;
}

int
command_operands(
    char *const operand[], int operands, int (*one)(void *arg, int fd, const char *name), void *arg)
{
	static char standard_input[] = "-", *const only[] = {standard_input};
	int i, fd, code = 0, stop = 0;

	if (operands == 0) {
		operand = only;
		operands = 1;
	}
	for (i = 0; i < operands && !stop; i++) {
		if (strcmp(operand[i], "-") == 0) {
			stop = one(arg, STDIN_FILENO, "standard input");
			continue;
		}
		fd = open(operand[i], O_RDONLY | O_CLOEXEC);
		if (fd == -1) {
			msg_errno("%s", operand[i]);
			code = EX_NOINPUT;
			continue;
		}
		stop = one(arg, fd, operand[i]);
		close(fd);
	}
	return code;
}

void
command_extend_path(void)
{
	const char *path = getenv("PATH");
	char self[PATH_MAX], *slash, *all;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return;
	self[n] = '\0';
	if ((slash = strrchr(self, '/')) == NULL)
		return;
	*slash = '\0';
	all = xasprintf(
	    "%s%s%s", path != NULL ? path : "", path != NULL && *path != '\0' ? ":" : "", self);
	if (setenv("PATH", all, 1) == -1)
		xnomem();
	free(all);
}
