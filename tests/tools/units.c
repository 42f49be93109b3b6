/*
 * Checks of functions in common/ that are hard to reach through the programs.  Prints
 * a line for each failure, and the number of checks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "host.h"
#include "num.h"
#include "utf8.h"
#include "when.h"

static int checks, failures;

static void
check(int ok, const char *what)
{
	checks++;
	if (ok)
		return;
	failures++;
	printf("not so: %s\n", what);
}

static void
host(const char *given, const char *wanted)
{
	char out[HOST_SIZE];
	int bad = host_normalise(given, strlen(given), out);

	check(wanted == NULL ? bad == -1 : bad == 0 && strcmp(out, wanted) == 0, given);
}

static void
hosts(void)
{
	char longest[400];

	host("access.example.com", "access.example.com");
	host("ACCESS.Example.COM:8443", "access.example.com");
	host("access.example.com.", "access.example.com");
	host("access.example.com.:443", "access.example.com");
	host("10.0.0.7", "10.0.0.7");
	host("[2001:DB8::1]:443", "[2001:db8::1]");
	host("[2001:db8::1]", "[2001:db8::1]");
	host("a_b-c", "a_b-c");
	host("", NULL);
	host(".", NULL);
	host(".example.com", NULL);
	host("-x", NULL);
	host("a b", NULL);
	host("a/b", NULL);
	host("../etc", NULL);
	host("a:b", NULL);
	host("[::1]x", NULL);
	host("[zz]", NULL);
	host("[::1", NULL);
	host("h\xc3\xa4", NULL);
	memset(longest, 'a', sizeof(longest));
	longest[255] = '\0';
	host(longest, longest);
	longest[255] = 'a';
	longest[256] = '\0';
	host(longest, NULL);
}

static void
iso(const char *text, int64_t wanted)
{
	int64_t t;

	check(when_parse_iso(text, strlen(text), &t) == 0 && t == wanted, text);
}

static void
not_iso(const char *text)
{
	int64_t t;

	check(when_parse_iso(text, strlen(text), &t) == -1, text);
}

static void
user_time(const char *text, int64_t now, int64_t wanted)
{
	int64_t t;

	check(when_parse_user(text, now, &t) == 0 && t == wanted, text);
}

static void
not_user_time(const char *text)
{
	int64_t t;

	check(when_parse_user(text, 1000, &t) == -1, text);
}

static void
times(void)
{
	static const int64_t some[] = {
	    0, -1, 1733239565, 951782400, 4107542399, WHEN_MIN, WHEN_MAX};
	char text[WHEN_SIZE];
	int64_t t;
	size_t i;

	iso("2024-12-03T15:26:05+00:00", 1733239565);
	iso("2024-12-03T15:26:05Z", 1733239565);
	iso("2024-12-03 15:26:05", 1733239565);
	iso("2024-12-03T15:26:05.999Z", 1733239565);
	iso("2024-12-03T17:26:05+0200", 1733239565);
	iso("2024-12-03T10:56:05-04:30", 1733239565);
	iso("2024-12-03T16:26:05+01", 1733239565);
	iso("2016-12-31T23:59:60Z", 1483228799);
	iso("2000-02-29T00:00:00Z", 951782400);
	iso("2024-12-04T05:26:05+14:00", 1733239565);
	not_iso("2024-12-04T05:27:05+14:01");
	not_iso("2024-12-03T00:26:05-15");
	not_iso("2100-02-29T00:00:00Z");
	not_iso("2024-13-01T00:00:00Z");
	not_iso("2024-12-32T00:00:00Z");
	not_iso("2024-12-03T24:00:00Z");
	not_iso("2024-12-03");
	not_iso("2024-12-03T15:26:05Zx");
	not_iso("2024-12-03T15:26:05.Z");
	not_iso("");
	for (i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		when_format(some[i], text);
		check(when_parse(text, strlen(text), &t) == 0 && t == some[i], text);
	}
	when_format(1733239565, text);
	check(strcmp(text, "2024-12-03T15:26:05Z") == 0, text);
	check(when_parse("2024-12-03 15:26:05Z", 20, &t) == -1, "the stream's form is one");
	check(when_parse_unix("253402300800", 12, &t) == -1, "the year 10000");
	check(when_parse_unix("99999999999999999999", 20, &t) == -1, "past 64 bits");

	setenv("TZ", "Europe/Vienna", 1);
	user_time("2024-07-01", 0, 1719784800);
	user_time("2024-07-01T02:00", 0, 1719792000);
	user_time("2024-10-27T02:30", 0, 1729989000); /* it comes twice */
	check(when_parse_until("2024-10-27T02:30", 0, &t) == 0 && t == 1729992600, "the last");
	user_time("2024-03-31T02:30", 0, 1711846800); /* it does not come */
	user_time("2024-12-03 15:26:05Z", 0, 1733239565);
	user_time("2024-12-03T15:26:05+00:00", 0, 1733239565);
	user_time("1733239565", 0, 1733239565);
	user_time("@1733239565", 0, 1733239565);
	user_time("now", 5000, 5000);
	user_time("36h", 1000000, 1000000 - 129600);
	user_time("15m", 1000, 100);
	user_time("2w", 10000000, 10000000 - 1209600);
	not_user_time("");
	not_user_time("yesterday");
	not_user_time("36x");
	not_user_time("-5h");
	not_user_time("2024-02-30");
	not_user_time("99999999999999w");
}

static void
numbers(void)
{
	char text[NUM_SIZE];
	int64_t v;

	check(num_parse("9223372036854775807", 19, &v) == 0 && v == INT64_MAX, "greatest");
	check(num_parse("-9223372036854775808", 20, &v) == 0 && v == INT64_MIN, "smallest");
	check(num_format(INT64_MIN, text) == 20 && strcmp(text, "-9223372036854775808") == 0,
	    "smallest, written");
	check(num_parse("9223372036854775808", 19, &v) == -1, "one too many");
	check(num_parse("-9223372036854775809", 20, &v) == -1, "one too few");
	check(num_parse("+007", 4, &v) == 0 && v == 7, "+007");
	check(num_parse("-0", 2, &v) == 0 && v == 0, "-0");
	check(num_parse("", 0, &v) == -1 && num_parse("-", 1, &v) == -1, "no digits");
	check(num_parse("1 ", 2, &v) == -1 && num_parse("0x1", 3, &v) == -1, "more than digits");
}

static void
characters(void)
{
	static const struct {
		const char *bytes;
		int length;
	} t[] = {{"a", 1}, {"\xc3\xa4", 2}, {"\xe2\x82\xac", 3}, {"\xf0\x9f\x99\x82", 4},
	    {"\xc3", -1}, {"\xc0\x80", -1}, {"\xe0\x80\x80", -1}, {"\xed\xa0\x80", -1},
	    {"\xf0\x9f\x99", -3}, {"\xf0\x9f\x41", -2}, {"\xf5\x80\x80\x80", -1},
	    {"\xf4\x90\x80\x80", -1}, {"\x80", -1}, {"\xe2\x82", -2}};
	char out[4];
	uint32_t c, back;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		check(utf8_length((const unsigned char *)t[i].bytes, strlen(t[i].bytes)) ==
			t[i].length,
		    t[i].bytes);
	for (c = 0; c <= 0x10ffff; c += c < 0x3000 ? 1 : 997)
		if (c < 0xd800 || c > 0xdfff) {
			int n = utf8_encode(c, out);

			if (utf8_decode((unsigned char *)out, (size_t)n, &back) != n || back != c)
				break;
		}
	check(c > 0x10ffff, "encoded and decoded again");
	check(utf8_valid("abcdefgh\xc3\xa4ijklmnop\xff", 19) == 18, "valid up to the bad byte");
	check(utf8_floor("ab\xc3", 3) == 2 && utf8_floor("ab\xc3\xa4", 4) == 4 &&
		utf8_floor("\xf0\x9f\x99", 3) == 0 && utf8_floor("abc", 3) == 3,
	    "cut between");
}

int
main(void)
{
	hosts();
	times();
	numbers();
	characters();
	check(code_worse(EX_DATAERR, EX_TEMPFAIL) == EX_TEMPFAIL &&
		code_worse(EX_TEMPFAIL, EX_IOERR) == EX_IOERR &&
		code_worse(0, EX_DATAERR) == EX_DATAERR &&
		code_worse(EX_USAGE, EX_TEMPFAIL) == EX_USAGE,
	    "the worse code");
	printf("%d checks, %d failures\n", checks, failures);
	return failures != 0;
}
