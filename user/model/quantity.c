// SPDX-License-Identifier: Apache-2.0
#include "user/model/quantity.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"

#define NANO	     1000000000
#define QUANTITY_MAX ((__int128)INT64_MAX * NANO)
#define DIGITS_MAX   1000 /* an absurd length is refused, not computed */

static const struct suffix {
	const char *text;
	enum quantity_form form;
	int exponent; /* of 10, or of 2 */
} suffixes[] = {
	{"n", QUANTITY_DECIMAL, -9},
	{"u", QUANTITY_DECIMAL, -6},
	{"m", QUANTITY_DECIMAL, -3},
	{"", QUANTITY_DECIMAL, 0},
	{"k", QUANTITY_DECIMAL, 3},
	{"M", QUANTITY_DECIMAL, 6},
	{"G", QUANTITY_DECIMAL, 9},
	{"T", QUANTITY_DECIMAL, 12},
	{"P", QUANTITY_DECIMAL, 15},
	{"E", QUANTITY_DECIMAL, 18},
	{"Ki", QUANTITY_BINARY, 10},
	{"Mi", QUANTITY_BINARY, 20},
	{"Gi", QUANTITY_BINARY, 30},
	{"Ti", QUANTITY_BINARY, 40},
	{"Pi", QUANTITY_BINARY, 50},
	{"Ei", QUANTITY_BINARY, 60},
};

static int suffix_parse(const char *text, struct suffix *ret)
{
	char *end;
	long exponent;

	for (size_t i = 0; i < COUNT(suffixes); i++) {
		if (strcmp(text, suffixes[i].text) == 0) {
			*ret = suffixes[i];
			return 0;
		}
	}
	if ((text[0] != 'e' && text[0] != 'E') || strspn(text + 1, "+-") > 1 ||
		!strpbrk(text + 1, "0123456789"))
		return -EINVAL;
	exponent = strtol(text + 1, &end, 10);
	if (*end || text[1] == ' ')
		return -EINVAL;
	if (exponent > 100)
		exponent = 100;
	if (exponent < -100)
		exponent = -100;
	*ret = (struct suffix){"", QUANTITY_EXPONENT, (int)exponent};
	return 0;
}

/* value * 10^-scale; @rest: non-zero digits beyond the first 19 were dropped. */
struct decimal {
	uint64_t value;
	int scale;
	bool rest;
};

static int decimal_parse(const char *text, size_t len, struct decimal *ret)
{
	struct decimal decimal = {0};
	bool point = false, digits = false;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.') {
			if (point)
				return -EINVAL;
			point = true;
			continue;
		}
		digits = true;
		if (decimal.value >= UINT64_C(1000000000000000000)) {
			decimal.rest |= text[i] != '0';
			decimal.scale -= !point;
			continue;
		}
		decimal.value = decimal.value * 10 + (unsigned)(text[i] - '0');
		decimal.scale += point;
	}
	if (!digits)
		return -EINVAL;
	*ret = decimal;
	return 0;
}

/* In nano, rounded up; more than QUANTITY_MAX when it is too large. */
static unsigned __int128 decimal_scale(const struct decimal *decimal, const struct suffix *suffix)
{
	bool binary = suffix->form == QUANTITY_BINARY;
	unsigned __int128 value = (unsigned __int128)decimal->value
				  << (binary ? suffix->exponent : 0);
	int power = 9 - decimal->scale + (binary ? 0 : suffix->exponent);
	bool rest = decimal->rest;

	for (; power > 0 && value && value <= (unsigned __int128)QUANTITY_MAX; power--)
		value *= 10;
	for (; power < 0 && value; power++) {
		rest |= value % 10 != 0;
		value /= 10;
	}
	return value + rest;
}

int quantity_parse(const char *text, struct quantity *ret)
{
	bool negative = *text == '-';
	unsigned __int128 nano;
	struct decimal decimal;
	struct suffix suffix;
	size_t len;
	int r;

	text += *text == '-' || *text == '+';
	len = strspn(text, "0123456789.");
	if (len > DIGITS_MAX)
		return -EINVAL;
	r = decimal_parse(text, len, &decimal);
	if (r == 0)
		r = suffix_parse(text + len, &suffix);
	if (r < 0)
		return r;
	nano = decimal_scale(&decimal, &suffix);
	if (nano > (unsigned __int128)QUANTITY_MAX)
		return -ERANGE;
	ret->nano = negative ? -(__int128)nano : (__int128)nano;
	ret->form = suffix.form;
	return 0;
}

static int quantity_round_up(const struct quantity *quantity, __int128 unit, int64_t *ret)
{
	/* Division truncates: upwards already for negative values. */
	__int128 value = quantity->nano / unit + (quantity->nano % unit > 0);

	if (value > INT64_MAX || value < INT64_MIN)
		return -ERANGE;
	*ret = (int64_t)value;
	return 0;
}

int quantity_milli(const struct quantity *quantity, int64_t *ret)
{
	return quantity_round_up(quantity, NANO / 1000, ret);
}

int quantity_units(const struct quantity *quantity, int64_t *ret)
{
	return quantity_round_up(quantity, NANO, ret);
}

static void binary_text(int64_t value, char ret[QUANTITY_TEXT_LEN])
{
	static const char *const names[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
	size_t i = 0;

	for (; i + 1 < COUNT(names) && value && value % 1024 == 0; i++)
		value /= 1024;
	snprintf(ret, QUANTITY_TEXT_LEN, "%lld%s", (long long)value, names[i]);
}

static void decimal_text(__int128 value, bool exponent, char ret[QUANTITY_TEXT_LEN])
{
	static const char *const names[] = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
	size_t i = 0;

	if (value == 0)
		i = 3;
	/* What 64 bits cannot hold exactly is rounded up, like what is finer than nano. */
	for (; i + 1 < COUNT(names) && value && (value % 1000 == 0 || value != (int64_t)value); i++)
		value = value / 1000 + (value % 1000 > 0);
	if (exponent && i != 3)
		snprintf(ret, QUANTITY_TEXT_LEN, "%llde%d", (long long)value, (int)i * 3 - 9);
	else
		snprintf(ret, QUANTITY_TEXT_LEN, "%lld%s", (long long)value, names[i]);
}

void quantity_text(const struct quantity *quantity, char ret[QUANTITY_TEXT_LEN])
{
	__int128 units = quantity->nano / NANO;

	/* Kubernetes prints 62.5Ki as 64000, and that as 64k.  Ours is canonical at once: objects are
	 * compared by their text. */
	if (quantity->form == QUANTITY_BINARY && quantity->nano % NANO == 0 && units &&
		units % 1024 == 0)
		binary_text((int64_t)units, ret);
	else
		decimal_text(quantity->nano, quantity->form == QUANTITY_EXPONENT, ret);
}
