// SPDX-License-Identifier: Apache-2.0
/*
 * What a plain scalar means, in this order:
 *
 *   null     (empty) ~ null Null NULL
 *   true     y Y yes Yes YES true True TRUE on On ON
 *   false    n N no No NO false False FALSE off Off OFF
 *   refused  .inf .Inf .INF, with a sign too, .nan .NaN .NAN: JSON has no such numbers
 *   integer  [-+] decimal, 0x1f, 0o644, 0b101, and 0644 in octal; '_' between digits does not count
 *   float    1.5 .5 1. 1e3 -1.5E-3, 089, which is no octal number, and decimals beyond 64 bits;
 *            '_' as above
 *   string   all else: dates, times, base-60 numbers, 1.2.3, 0x, TRue
 *
 * Quoted and block scalars are strings and never come here.
 */
#include "user/model/scalar.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"

static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
static const char *const trues[] = {
	"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
static const char *const falses[] = {
	"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};
static const char *const not_json[] = {".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf",
	"+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF"};

static bool is_word(const char *text, size_t len, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0)
			return true;
	return false;
}

#define IS_WORD(text, len, words) is_word(text, len, words, COUNT(words))

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *p)
{
	while (is_digit(*p))
		p++;
	return p;
}

/* [-+]? ( '.' digits | digits ( '.' digits? )? ) ( [eE] [-+]? digits )? */
static bool looks_float(const char *p)
{
	const char *digits;

	p += *p == '-' || *p == '+';
	digits = p;
	p = skip_digits(p);
	if (*p == '.') {
		bool fraction = is_digit(p[1]);

		if (p == digits && !fraction)
			return false;
		p = skip_digits(p + 1);
	} else if (p == digits) {
		return false;
	}
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '-' || *p == '+';
		if (!is_digit(*p))
			return false;
		p = skip_digits(p);
	}
	return *p == '\0';
}

/* The digits after sign and prefix, and their base: Go's ParseInt with base 0. */
static const char *integer_digits(const char *p, int *ret_base)
{
	p += *p == '-' || *p == '+';
	*ret_base = 10;
	if (p[0] != '0' || p[1] == '\0')
		return p;
	switch (p[1]) {
	case 'x':
	case 'X': *ret_base = 16; return p + 2;
	case 'b':
	case 'B': *ret_base = 2; return p + 2;
	case 'o':
	case 'O': *ret_base = 8; return p + 2;
	default: *ret_base = 8; return p + 1;
	}
}

static bool integer_parse(const char *text, json_int_t *ret)
{
	bool negative = *text == '-';
	unsigned long long value;
	const char *digits;
	char *end;
	int base;

	digits = integer_digits(text, &base);
	/* strtoull would take blanks, a sign and a second 0x. */
	if (!isxdigit((unsigned char)*digits) || digits[strcspn(digits, "xX")])
		return false;
	errno = 0;
	value = strtoull(digits, &end, base);
	if (*end || errno == ERANGE || value > (unsigned long long)INT64_MAX + negative)
		return false;
	*ret = negative ? (json_int_t)(0 - value) : (json_int_t)value;
	return true;
}

json_t *scalar_number(double value)
{
	if (value == trunc(value) && fabs(value) < 0x1p63)
		return json_integer((json_int_t)value);
	return json_real(value);
}

void scalar_number_text(const json_t *number, char ret[SCALAR_NUMBER_LEN])
{
	if (json_is_integer(number)) {
		snprintf(ret, SCALAR_NUMBER_LEN, "%" JSON_INTEGER_FORMAT,
			json_integer_value(number));
		return;
	}
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(ret, SCALAR_NUMBER_LEN, "%.*g", digits, json_real_value(number));
		if (strtod(ret, NULL) == json_real_value(number))
			return;
	}
}

/* 0 also when it is no number: *@ret stays NULL then. */
static int number_resolve(const char *text, size_t len, json_t **ret)
{
	AUTO_FREE char *plain = malloc(len + 1);
	json_int_t integer;
	size_t n = 0;

	if (!plain)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++)
		if (text[i] != '_' || text[0] == '.')
			plain[n++] = text[i];
	plain[n] = '\0';
	if (n != strlen(plain))
		return 0;
	if (plain[0] != '.' && integer_parse(plain, &integer)) {
		*ret = json_integer(integer);
	} else if (looks_float(plain)) {
		double value = strtod(plain, NULL);

		/* Go's ParseFloat refuses what overflows, so it stays a string. */
		if (!isfinite(value))
			return 0;
		*ret = scalar_number(value);
	} else {
		return 0;
	}
	return *ret ? 0 : -ENOMEM;
}

int scalar_resolve(const char *text, size_t len, json_t **ret)
{
	json_t *value = NULL;
	int r = 0;

	if (IS_WORD(text, len, not_json))
		return -EDOM;
	if (IS_WORD(text, len, nulls))
		value = json_null();
	else if (IS_WORD(text, len, trues))
		value = json_true();
	else if (IS_WORD(text, len, falses))
		value = json_false();
	else if (is_digit(*text) || *text == '+' || *text == '-' || *text == '.')
		r = number_resolve(text, len, &value);
	if (r < 0)
		return r;
	if (!value)
		value = json_stringn(text, len);
	if (!value)
		return -EILSEQ;
	*ret = value;
	return 0;
}
