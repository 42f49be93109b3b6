/*
 * A driver for the fuzz targets without libFuzzer: runs them with files, then with
 * mutations of these.  It has no coverage guidance, but is part of every build, so that
 * `make check` can run each target for a moment.
 *
 *	run-TARGET [-n CHANGED] [-s SEED] [-k FILE] FILE...
 *
 * The input that crashes a target is kept in the file of -k.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "num.h"

#define MAX_INPUT 65536
#define MAX_FILES 256

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct {
	uint8_t *p;
	size_t n;
} seed[MAX_FILES];
static size_t seeds;
static uint8_t input[MAX_INPUT];
static size_t input_n;
static const char *keep = "crash";
static uint64_t state;

static uint64_t
chance(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

static void
died(int sig)
{
	int fd = open(keep, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd != -1)
		(void)!write(fd, input, input_n);
	signal(sig, SIG_DFL);
	raise(sig);
}

static int
take_file(const char *name)
{
	FILE *f = fopen(name, "rb");

	if (f == NULL || seeds == MAX_FILES) {
		fprintf(stderr, "%s: %s\n", name, f == NULL ? strerror(errno) : "too many");
		return -1;
	}
	seed[seeds].n = fread(input, 1, MAX_INPUT / 2, f);
	seed[seeds].p = malloc(seed[seeds].n + 1);
	if (ferror(f) || seed[seeds].p == NULL) {
		fclose(f);
		return -1;
	}
	memcpy(seed[seeds].p, input, seed[seeds].n);
	seeds++;
	return fclose(f) == EOF ? -1 : 0;
}

/* Replace "old" bytes at a position by n others. */
static void
put(size_t at, size_t old, const uint8_t *p, size_t n)
{
	uint8_t piece[256];

	if (n > sizeof(piece))
		n = sizeof(piece);
	if (input_n - old + n > MAX_INPUT)
		return;
	memcpy(piece, p, n); /* p may point into the input itself */
	memmove(input + at + n, input + at + old, input_n - at - old);
	memcpy(input + at, piece, n);
	input_n += n - old;
}

static void
change(void)
{
	static const char *const words[] = {"", "\t", "\n", "\\", "\\N", "\"", "'", ";", "=", "%",
	    "%%", "/", "..", ":", "-1", "0", "99999999999999999999", "\xff", "\xc3", "\xe2\x80\xae",
	    "T", "Z", "{", "}", "[", "null", "E", "\r", "\x1b"};
	size_t at = chance(input_n + 1), left = input_n - at, from, n;
	const char *word;
	uint8_t byte;

	switch (chance(6)) {
	case 0: /* a byte */
		byte = (uint8_t)chance(256);
		put(at, left > 0, &byte, 1);
		break;
	case 1: /* a bit */
		if (left > 0)
			input[at] ^= (uint8_t)(1U << chance(8));
		break;
	case 2: /* remove some bytes */
		n = chance(left < 64 ? left + 1 : 64);
		put(at, n, input, 0);
		break;
	case 3: /* repeat a part */
		from = chance(input_n + 1);
		n = input_n - from;
		put(at, 0, input + from, chance(n < 200 ? n + 1 : 200));
		break;
	case 4: /* a word with a meaning */
		word = words[chance(sizeof(words) / sizeof(words[0]))];
		put(at, left > 0 ? chance(2) : 0, (const uint8_t *)word, strlen(word));
		break;
	default: /* a part of another file */
		from = chance(seeds);
		if (seed[from].n > 0) {
			n = chance(seed[from].n);
			put(at, 0, seed[from].p + n,
			    chance(seed[from].n - n < 200 ? seed[from].n - n + 1 : 200));
		}
	}
}

int
main(int argc, char **argv)
{
	static const int deadly[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM};
	uint64_t many = 0, start = 1, i;
	size_t k;
	int c;

	while ((c = getopt(argc, argv, "k:n:s:")) != -1)
		if (c == 'k')
			keep = optarg;
		else if ((c != 'n' && c != 's') ||
		    num_parse_count(
			optarg, strlen(optarg), UINT32_MAX, c == 'n' ? &many : &start) == -1)
			return 64;
	for (; optind < argc; optind++)
		if (take_file(argv[optind]) == -1)
			return 66;
	if (seeds == 0)
		return 64;
	for (k = 0; k < sizeof(deadly) / sizeof(deadly[0]); k++)
		signal(deadly[k], died);
	/* The targets print millions of messages. */
	if (freopen("/dev/null", "w", stderr) == NULL)
		return 74;
	state = start * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (i = 0; i < seeds + many; i++) {
		k = i < seeds ? i : chance(seeds);
		memcpy(input, seed[k].p, input_n = seed[k].n);
		for (c = i < seeds ? 0 : 1 + (int)chance(8); c > 0; c--)
			change();
		alarm(10);
		LLVMFuzzerTestOneInput(input, input_n);
	}
	printf("%zu files, %llu changed\n", seeds, (unsigned long long)many);
	return fflush(stdout) == EOF ? 74 : 0;
}
