/*
 * UTF-8 as the Unicode Standard, table 3-7, has it: no overlong forms, no
 * surrogates, nothing past U+10FFFF.
 */
#ifndef PRAIC_UTF8_H
#define PRAIC_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/*
 * Length of the well-formed character at p (n bytes are there, at least
 * one), 1 to 4.  Not well-formed: minus the length of the maximal subpart
 * (Unicode 3.9, U+FFFD Substitution of Maximal Subparts), -1 to -3.  A
 * character that the end of the bytes cuts is such a maximal subpart.
 */
int utf8_length(const unsigned char *p, size_t n);

/* As utf8_length, and the character if the result is > 0. */
int utf8_decode(const unsigned char *p, size_t n, uint32_t *c);

/* Writes 1 to 4 bytes; c must be a Unicode scalar value. */
int utf8_encode(uint32_t c, char *out);

/* The number of bytes from the start that are well-formed UTF-8. */
size_t utf8_valid(const char *p, size_t n);

/* The same, with only characters that XML 1.0 allows. */
size_t utf8_xml_valid(const char *p, size_t n);

/* The greatest length <= n that does not cut a character. */
size_t utf8_floor(const char *p, size_t n);

/* A character that XML 1.0 allows (production 2, Char). */
static inline int
utf8_xml_char(uint32_t c)
{
	return c >= 0x20 ?
	    c <= 0xd7ff || (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff) :
	    c == '\t' || c == '\n' || c == '\r';
}

#endif
