/*
 * praic-conf: what the settings database holds, edited and shown;
 * praic-conf(1).  Here is the command line; what can be edited or shown has
 * a file of its own.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "conf.h"
#include "conf_init.h"
#include "file.h"
#include "msg.h"

static const char help[] =
    "usage: praic-conf init\n";

static void __attribute__((noreturn))
usage(int code)
{
	fputs(help, code == 0 ? stdout : stderr);
	exit(code == 0 && fflush(stdout) == EOF ? EX_IOERR : code);
}

int
main(int argc, char **argv)
{
	int code;

	file_std_fds();
	msg_start(argv[0]);
	if (argc != 2 || strcmp(argv[1], "init") != 0)
		usage(EX_USAGE);
	code = conf_init();
	if (fclose(stdout) == EOF) {
		msg_errno("standard output");
		code = code_worse(code, EX_IOERR);
	}
	return code;
}
