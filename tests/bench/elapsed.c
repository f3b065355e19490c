// SPDX-License-Identifier: Apache-2.0
/* elapsed COMMAND [ARGUMENT...]: runs it, its stdout to stderr; prints the milliseconds that took. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/base/clock.h"

extern char **environ;

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t actions;
	uint64_t began;
	int status;
	pid_t pid;

	if (argc < 2) {
		fputs("usage: elapsed COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	began = clock_now();
	errno = posix_spawnp(&pid, argv[1], &actions, NULL, argv + 1, environ);
	if (errno != 0 || waitpid(pid, &status, 0) < 0) {
		fprintf(stderr, "elapsed: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	if (status != 0) {
		fprintf(stderr, "elapsed: %s failed, status %#x\n", argv[1], status);
		return 1;
	}
	printf("%.3f\n", (double)(clock_now() - began) / (double)USEC_PER_MSEC);
	return 0;
}
