// SPDX-License-Identifier: Apache-2.0
#include "user/base/clock.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/base/cleanup.h"

static uint64_t clock_read(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

uint64_t clock_wall(void)
{
	return clock_read(CLOCK_REALTIME);
}

void clock_rfc3339(uint64_t wall_usec, char ret[CLOCK_RFC3339_LEN])
{
	time_t seconds = (time_t)(wall_usec / USEC_PER_SEC);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(ret, CLOCK_RFC3339_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

const char *clock_boot_id(void)
{
	static char id[37];

	if (!id[0]) {
		AUTO_FD fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

		if (fd < 0 || read(fd, id, sizeof(id) - 1) != (ssize_t)sizeof(id) - 1)
			id[0] = '\0';
	}
	return id;
}
