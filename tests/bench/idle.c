// SPDX-License-Identifier: Apache-2.0
/*
 * idle SOCKET COUNT: opens COUNT connections to the Unix socket, says "held" and keeps them until its input ends.
 * Fails when the server has closed one by then.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "idle: %s: %s\n", what, strerror(errno));
	return 1;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	/* Waits while the server's backlog is full. */
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return fd;
}

int main(int argc, char **argv)
{
	size_t count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	int *fds = calloc(count + 1, sizeof(*fds));
	struct rlimit files = {count + 16, count + 16};
	char byte;

	if (argc != 3 || !fds) {
		fputs("usage: idle SOCKET COUNT\n", stderr);
		return 2;
	}
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		return fail("open files");
	for (size_t i = 0; i < count; i++) {
		fds[i] = connect_to(argv[1]);
		if (fds[i] < 0)
			return fail(argv[1]);
	}
	puts("held");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	for (size_t i = 0; i < count; i++)
		if (recv(fds[i], &byte, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN)
			return fail("a connection has ended");
	return 0;
}
