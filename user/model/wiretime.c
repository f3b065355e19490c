// SPDX-License-Identifier: Apache-2.0
#include "user/model/wiretime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int number(const char *text, unsigned digits)
{
	int value = 0;

	while (digits--)
		value = value * 10 + *text++ - '0';
	return value;
}

void wiretime_parse(const char *text, int64_t *ret_seconds, int32_t *ret_nanos)
{
	struct tm tm = {
		.tm_year = number(text, 4) - 1900,
		.tm_mon = number(text + 5, 2) - 1,
		.tm_mday = number(text + 8, 2),
		.tm_hour = number(text + 11, 2),
		.tm_min = number(text + 14, 2),
		.tm_sec = number(text + 17, 2),
	};
	const char *zone = text + 19;
	int32_t nanos = 0, unit = 100000000;
	int64_t offset = 0;

	if (*zone == '.')
		for (zone++; *zone >= '0' && *zone <= '9'; zone++, unit /= 10)
			nanos += (*zone - '0') * unit;
	if (*zone != 'Z')
		offset = (number(zone + 1, 2) * 60 + number(zone + 4, 2)) * 60;
	*ret_seconds = timegm(&tm) - (*zone == '-' ? -offset : offset);
	*ret_nanos = nanos;
}

int wiretime_text(int64_t seconds, int32_t nanos, int micro, char ret[WIRETIME_LEN])
{
	time_t when = seconds;
	struct tm tm;
	size_t len;

	if (!gmtime_r(&when, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099 || nanos < 0 ||
		nanos > 999999999)
		return -ERANGE;
	len = (size_t)snprintf(ret, WIRETIME_LEN, "%04d-%02d-%02dT%02d:%02d:%02d",
		tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	snprintf(ret + len, WIRETIME_LEN - len, micro ? ".%06dZ" : "Z", nanos / 1000);
	return 0;
}
