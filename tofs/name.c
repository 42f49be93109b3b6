/* Names from formats and values: see tofs.h. */
#include <stdlib.h>
#include <strings.h>

#include "tofs.h"
#include "utf8.h"

/*
 * '~' and this many hexadecimal digits.  48 bits: a million changed values
 * with the same harmless form meet with a chance of 1 in 500.
 */
#define HASH_DIGITS 12
#define HASH_SIZE   (1 + HASH_DIGITS)
/* Values are not cut below this many bytes: an lsid has 32. */
#define SHORTEST 40
/* What making a component harmless as a whole may add: '_' and a hash. */
#define COMPONENT_BUDGET (NAME_BUDGET - 1 - HASH_SIZE)
/* A longer "extension" is none, only a dot within a name. */
#define LONGEST_EXTENSION 24

/* A literal or a value within a component. */
struct piece {
	struct buf text;
	int is_value;
	int changed;
	char hash[SHA256_HEX]; /* of the original value; empty: not known yet */
};

static void
hash(char out[SHA256_HEX], const char *p, size_t n)
{
	static struct sha256 *h;

	if (h == NULL)
		h = sha256_new();
	sha256_add(h, p, n);
	sha256_hex(h, out);
}

/* What no name may hold: Windows forbids it, or a terminal or a reader would
 * be led astray by it. */
static int
is_harmful(uint32_t c)
{
	if (c < 0x80)
		return c < 0x20 || c == 0x7f || strchr("/\\<>:\"|?*", (int)c) != NULL;
	return c < 0xa0 || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfdd0 && c <= 0xfdef) ||
	    (c & 0xfffe) == 0xfffe;
}

static int
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int
is_alnum(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Could it be taken for a value that was changed? */
static int
looks_changed(const char *p, size_t n)
{
	size_t i;

	if (n < HASH_SIZE || p[n - HASH_SIZE] != '~')
		return 0;
	for (i = n - HASH_DIGITS; i < n; i++)
		if (!is_digit(p[i]) && !(p[i] >= 'a' && p[i] <= 'f'))
			return 0;
	return 1;
}

static void
harmless_value(
    struct piece *piece, const char *p, size_t n, enum field field, enum kind kind, int fold)
{
	/* Ours, and always of the same form. */
	int folds = fold && field != FIELD_START_DATE;
	size_t i = 0;
	uint32_t c;
	int len, bad;

	hash(piece->hash, p, n);
	piece->is_value = 1;
	piece->changed = looks_changed(p, n);
	while (i < n) {
		len = utf8_decode((const unsigned char *)p + i, n - i, &c);
		bad = len < 0 || is_harmful(c) ||
		    (field == FIELD_EXTENSION && !is_alnum(c) && c != '-' && c != '_');
		if (bad)
			buf_addc(&piece->text, '_');
		else
			buf_add(&piece->text, p + i, (size_t)len);
		if (bad || (folds && (c >= 0x80 || (c >= 'A' && c <= 'Z'))))
			piece->changed = 1;
		i += (size_t)(len < 0 ? -len : len);
	}
	/* A session's own extension stays its own (format_meet). */
	if (field == FIELD_EXTENSION && kind != KIND_SESSION && n == 3 &&
	    strncasecmp(p, "xml", 3) == 0)
		piece->changed = 1;
}

static size_t
piece_length(const struct piece *p)
{
	return p->text.n + (p->changed ? HASH_SIZE : 0);
}

/* Take from the longest values, the longest first, until the component fits
 * or no value can give any more. */
static void
shorten(struct piece *piece, size_t pieces)
{
	struct piece *longest;
	size_t total, i, room;

	for (;;) {
		longest = NULL;
		total = 0;
		for (i = 0; i < pieces; i++) {
			total += piece_length(&piece[i]);
			if (piece[i].is_value && piece_length(&piece[i]) > SHORTEST &&
			    (longest == NULL || piece[i].text.n > longest->text.n))
				longest = &piece[i];
		}
		if (total <= COMPONENT_BUDGET || longest == NULL)
			return;
		room = piece_length(longest) - (total - COMPONENT_BUDGET);
		if (total - COMPONENT_BUDGET > piece_length(longest) - SHORTEST)
			room = SHORTEST;
		longest->changed = 1;
		longest->text.n = utf8_floor(longest->text.p, room - HASH_SIZE);
	}
}

/* Names that Windows takes for devices, whatever their extension. */
static int
is_device(const char *p, size_t n)
{
	static const char *const device[] = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"};
	const char *dot = memchr(p, '.', n);
	size_t i;

	if (dot != NULL)
		n = (size_t)(dot - p);
	while (n > 0 && p[n - 1] == ' ')
		n--;
	for (i = 0; i < sizeof(device) / sizeof(device[0]); i++)
		if (strlen(device[i]) == n && strncasecmp(device[i], p, n) == 0)
			return 1;
	if (n < 4 || (strncasecmp(p, "COM", 3) != 0 && strncasecmp(p, "LPT", 3) != 0))
		return 0;
	if (n == 4)
		return is_digit(p[3]);
	/* superscript 1, 2 and 3 count as digits there */
	return n == 5 && p[3] == '\xc2' && (p[4] == '\xb9' || p[4] == '\xb2' || p[4] == '\xb3');
}

/* How long the part before the extension is. */
static size_t
stem_length(const char *p, size_t n)
{
	size_t i;

	for (i = n; i > 0; i--)
		if (p[i - 1] == '.')
			return n - i <= LONGEST_EXTENSION ? i - 1 : n;
	return n;
}

/* A component whose values are harmless each, at the end of a buffer: now
 * make it so as a whole. */
static void
add_component(struct buf *out, const struct buf *whole)
{
	char sum[SHA256_HEX];
	struct buf b = {0};
	size_t stem, n;
	int changed = 0;

	if (whole->n == 0 || whole->p[0] == '.' || whole->p[0] == '-' ||
	    is_device(whole->p, whole->n)) {
		buf_addc(&b, '_');
		changed = 1;
	}
	buf_add(&b, whole->p, whole->n);
	for (n = b.n; n > 0 && (b.p[n - 1] == '.' || b.p[n - 1] == ' '); n--) {
		b.p[n - 1] = '_';
		changed = 1;
	}
	stem = stem_length(b.p, b.n);
	n = stem;
	if (b.n > COMPONENT_BUDGET + 1) {
		n = utf8_floor(b.p, COMPONENT_BUDGET + 1 - (b.n - stem));
		changed = 1;
	}
	buf_add(out, b.p, n);
	if (changed) {
		hash(sum, whole->p, whole->n);
		buf_addc(out, '~');
		buf_add(out, sum, HASH_DIGITS);
	}
	buf_add(out, b.p + stem, b.n - stem);
	buf_free(&b);
}

void
name_make(
    struct buf *out, const char *f, enum kind kind, const struct rec_value value[FIELDS], int fold)
{
	struct piece *piece = xcalloc(strlen(f), sizeof(*piece));
	struct buf whole = {0};
	size_t i, pieces = 0;

	buf_reset(out);
	for (;; f++) {
		if ((unsigned char)*f > FIELDS && *f != '/') {
			if (pieces == 0 || piece[pieces - 1].is_value)
				pieces++;
			buf_addc(&piece[pieces - 1].text, *f);
			continue;
		}
		if (*f != '/' && *f != '\0') {
			const struct rec_value *v = &value[*f - 1];

			harmless_value(
			    &piece[pieces++], v->p, v->n, (enum field)(*f - 1), kind, fold);
			continue;
		}
		shorten(piece, pieces);
		buf_reset(&whole);
		for (i = 0; i < pieces; i++) {
			buf_add(&whole, piece[i].text.p, piece[i].text.n);
			if (piece[i].changed) {
				buf_addc(&whole, '~');
				buf_add(&whole, piece[i].hash, HASH_DIGITS);
			}
			buf_free(&piece[i].text);
			memset(&piece[i], 0, sizeof(piece[i]));
		}
		pieces = 0;
		if (out->n > 0)
			buf_addc(out, '/');
		add_component(out, &whole);
		if (*f == '\0')
			break;
	}
	buf_text(out);
	buf_free(&whole);
	free(piece);
}

const char *
name_last(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash != NULL ? slash + 1 : name;
}

void
name_number(struct buf *out, const char *name, uint64_t number)
{
	const char *dot = strrchr(name_last(name), '.');
	size_t n = dot != NULL ? (size_t)(dot - name) : strlen(name);

	buf_reset(out);
	buf_add(out, name, n);
	buf_printf(out, ".%llu%s", (unsigned long long)number, name + n);
	buf_text(out);
}

int
name_unnumber(struct buf *out, const char *name, size_t n)
{
	size_t dot, first, i = n;

	/* stem.NUMBER.extension, or stem.NUMBER where stem has no dot */
	while (i > 0 && name[i - 1] != '.' && name[i - 1] != '/')
		i--;
	if (i < 2 || name[i - 1] == '/')
		return 0;
	for (dot = i - 1, first = dot; first > 0 && is_digit(name[first - 1]);)
		first--;
	if (first == dot || first < 2 || name[first - 1] != '.') {
		for (first = i, i--; i > 0 && name[i - 1] != '.' && name[i - 1] != '/';)
			i--;
		if (i > 0 && name[i - 1] == '.')
			return 0;
		for (i = first, dot = n; i < n; i++)
			if (!is_digit(name[i]))
				return 0;
	}
	if (first == dot || name[first] == '0')
		return 0;
	buf_reset(out);
	buf_add(out, name, first - 1);
	buf_add(out, name + dot, n - dot);
	buf_text(out);
	return 1;
}
