// SPDX-License-Identifier: Apache-2.0
/* cputime PID: the nanoseconds of CPU time that its threads have taken, those included that have ended. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int main(int argc, char **argv)
{
	struct timespec time;
	clockid_t clock;
	int error = argc == 2 ? clock_getcpuclockid((pid_t)atoi(argv[1]), &clock) : 0;

	if (argc != 2) {
		fputs("usage: cputime PID\n", stderr);
		return 2;
	}
	if (error || clock_gettime(clock, &time) < 0) {
		fprintf(stderr, "cputime: process %s: %s\n", argv[1],
			strerror(error ? error : errno));
		return 1;
	}
	printf("%lld\n", (long long)time.tv_sec * 1000000000 + time.tv_nsec);
	return 0;
}
