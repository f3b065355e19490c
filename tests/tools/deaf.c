// SPDX-License-Identifier: Apache-2.0
/*
 * deaf ADDRESS PORT: listens, never accepts, and fills its own queue, so that the kernel answers no
 * further SYN.  Runs until it is killed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define FILL 8

static int bound_socket(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -1;
	return fd;
}

static int fill(const struct sockaddr_in *address)
{
	for (int i = 0; i < FILL; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (fd < 0)
			return -1;
		if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
			errno != EINPROGRESS)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int fd;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) {
		fprintf(stderr, "usage: deaf ADDRESS PORT\n");
		return EX_USAGE;
	}
	address.sin_port = htons((uint16_t)atoi(argv[2]));
	fd = bound_socket(&address);
	if (fd < 0 || listen(fd, 0) < 0 || fill(&address) < 0) {
		perror("deaf");
		return EXIT_FAILURE;
	}
	for (;;)
		pause();
}
