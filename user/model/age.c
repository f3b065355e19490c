// SPDX-License-Identifier: Apache-2.0
#include "user/model/age.h"

#include <stdio.h>
#include <time.h>

#define MINUTE INT64_C(60)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define YEAR   (365 * DAY)

/* One unit alone up to @limit, with the smaller unit's rest while below @fine. */
static const struct {
	int64_t limit, fine;
	int64_t unit, rest;
	char unit_name, rest_name;
} ranges[] = {
	{2 * MINUTE, 0, 1, 1, 's', 's'},
	{3 * HOUR, 10 * MINUTE, MINUTE, 1, 'm', 's'},
	{2 * DAY, 8 * HOUR, HOUR, MINUTE, 'h', 'm'},
	{2 * YEAR, 8 * DAY, DAY, HOUR, 'd', 'h'},
	{INT64_MAX, 8 * YEAR, YEAR, DAY, 'y', 'd'},
};

void age_text(int64_t seconds, char *ret, size_t size)
{
	int64_t rest;
	size_t i = 0;

	if (seconds < -1) {
		snprintf(ret, size, "<invalid>");
		return;
	}
	if (seconds < 0)
		seconds = 0;
	while (seconds >= ranges[i].limit)
		i++;
	rest = seconds % ranges[i].unit / ranges[i].rest;
	if (seconds < ranges[i].fine && rest)
		snprintf(ret, size, "%lld%c%lld%c", (long long)(seconds / ranges[i].unit),
			ranges[i].unit_name, (long long)rest, ranges[i].rest_name);
	else
		snprintf(ret, size, "%lld%c", (long long)(seconds / ranges[i].unit),
			ranges[i].unit_name);
}

int64_t age_parse(const char *rfc3339)
{
	struct tm tm = {0};

	return strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &tm) ? timegm(&tm) : 0;
}
