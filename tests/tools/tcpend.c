// SPDX-License-Identifier: Apache-2.0
/*
 * One end of TCP connections.
 *
 *	tcpend serve PORT NAME                  greets every connection with NAME, then echoes
 *	tcpend bye PORT NAME                    greets and closes first: TIME_WAIT stays here
 *	tcpend ask ADDRESS PORT [SOURCE-PORT]   prints the greeting, or the error's name
 *	tcpend drain ADDRESS PORT SOURCE-PORT   prints the greeting once the other end has closed
 *	tcpend many ADDRESS PORT COUNT          asks COUNT times; prints how often each answer came
 *	tcpend hold ADDRESS PORT [SOURCE-PORT]  prints the greeting, then the echo of each line of
 *	                                        stdin; exits 1 when the connection has ended
 *
 * Nothing waits for more than 3 seconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "user/base/cleanup.h"

#define WAIT_MS		 3000
#define CONNECTIONS_MOST 1024
#define GREETING_MOST	 128
#define ANSWERS_MOST	 64

static void die(const char *what) __attribute__((noreturn));
static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* Of either family; ports are at the same place in both. */
union place {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t place_size(const union place *place)
{
	return place->any.sa_family == AF_INET6 ? sizeof(place->v6) : sizeof(place->v4);
}

static union place place_parse(const char *address, const char *port)
{
	union place place = {.v6 = {.sin6_family = AF_INET6}};

	if (inet_pton(AF_INET6, address, &place.v6.sin6_addr) != 1) {
		place = (union place){.v4 = {.sin_family = AF_INET}};
		if (inet_pton(AF_INET, address, &place.v4.sin_addr) != 1)
			die(address);
	}
	place.v4.sin_port = htons((uint16_t)atoi(port));
	return place;
}

/* Reads up to the newline, which is dropped.  0, or a negative errno: -EPIPE at the end. */
static int line_read(int fd, char *line, size_t size)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};
	size_t length = 0;

	while (length + 1 < size) {
		ssize_t got;

		if (poll(&poller, 1, WAIT_MS) != 1)
			return -ETIMEDOUT;
		got = read(fd, line + length, 1);
		if (got <= 0)
			return got < 0 ? -errno : -EPIPE;
		if (line[length] == '\n')
			break;
		length++;
	}
	line[length] = '\0';
	return 0;
}

/* A connected socket, or a negative errno. */
static int end_connect(const union place *to, const char *source_port)
{
	struct timeval wait = {.tv_sec = WAIT_MS / 1000};
	AUTO_FD fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	union place from = {.any.sa_family = to->any.sa_family};
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		die("socket");
	if (source_port) {
		from.v4.sin_port = htons((uint16_t)atoi(source_port));
		if (bind(fd, &from.any, place_size(&from)) < 0)
			die("bind");
	}
	if (connect(fd, &to->any, place_size(to)) < 0)
		return errno == EINPROGRESS ? -ETIMEDOUT : -errno;
	return take_fd(&fd);
}

/* Connects and reads the greeting; the answer is that or an error's name. */
static int end_greet(const union place *to, const char *source_port, char *answer)
{
	AUTO_FD fd = end_connect(to, source_port);
	int r = fd;

	if (fd >= 0)
		r = line_read(fd, answer, GREETING_MOST);
	if (r >= 0)
		return take_fd(&fd);
	snprintf(answer, GREETING_MOST, "%s", strerrorname_np(-r));
	return r;
}

static int ask(const union place *to, const char *source_port)
{
	char answer[GREETING_MOST];
	AUTO_FD fd = end_greet(to, source_port, answer);

	puts(answer);
	return fd < 0;
}

static int drain(const union place *to, const char *source_port)
{
	char answer[GREETING_MOST], rest[GREETING_MOST];
	AUTO_FD fd = end_greet(to, source_port, answer);
	int r = fd < 0 ? fd : line_read(fd, rest, sizeof(rest));

	puts(r == -EPIPE || fd < 0 ? answer : "not closed");
	return r != -EPIPE;
}

static int many(const union place *to, int times)
{
	static char answers[ANSWERS_MOST][GREETING_MOST];
	int counts[ANSWERS_MOST] = {}, known = 0;

	for (int i = 0; i < times; i++) {
		char answer[GREETING_MOST];
		AUTO_FD fd = end_greet(to, NULL, answer);
		int at = 0;

		while (at < known && strcmp(answers[at], answer))
			at++;
		if (at == ANSWERS_MOST)
			die("too many different answers");
		if (at == known)
			memcpy(answers[known++], answer, GREETING_MOST);
		counts[at]++;
	}
	for (int at = 0; at < known; at++)
		printf("%s %d\n", answers[at], counts[at]);
	return 0;
}

static int hold(const union place *to, const char *source_port)
{
	char line[GREETING_MOST];
	AUTO_FD fd = end_greet(to, source_port, line);

	setvbuf(stdout, NULL, _IOLBF, 0);
	puts(line);
	if (fd < 0)
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		int r = 0;

		if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0)
			r = -errno;
		if (r == 0)
			r = line_read(fd, line, sizeof(line));
		puts(r == 0 ? line : strerrorname_np(-r));
		if (r < 0)
			return 1;
	}
	return 0;
}

static void greet(struct pollfd *poller, const char *name, bool stays)
{
	char line[GREETING_MOST];

	snprintf(line, sizeof(line), "%s\n", name);
	poller->events = POLLIN;
	if (send(poller->fd, line, strlen(line), MSG_NOSIGNAL) < 0 || !stays)
		close_fd(&poller->fd);
}

static void echo(struct pollfd *poller)
{
	char data[GREETING_MOST];
	ssize_t got = read(poller->fd, data, sizeof(data));

	if (got <= 0 || send(poller->fd, data, (size_t)got, MSG_NOSIGNAL) < 0)
		close_fd(&poller->fd);
}

static void serve(const char *port, const char *name, bool stays) __attribute__((noreturn));
static void serve(const char *port, const char *name, bool stays)
{
	static struct pollfd pollers[CONNECTIONS_MOST];
	union place at = place_parse("0.0.0.0", port);
	int on = 1;

	for (int i = 0; i < CONNECTIONS_MOST; i++)
		pollers[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	pollers[0].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (setsockopt(pollers[0].fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(pollers[0].fd, &at.any, place_size(&at)) < 0 ||
		listen(pollers[0].fd, SOMAXCONN) < 0)
		die("listen");
	for (;;) {
		if (poll(pollers, CONNECTIONS_MOST, -1) < 0)
			die("poll");
		for (int i = 1; i < CONNECTIONS_MOST; i++) {
			if (pollers[i].fd >= 0 && pollers[i].revents)
				echo(&pollers[i]);
		}
		for (int i = 1; i < CONNECTIONS_MOST && pollers[0].revents; i++) {
			if (pollers[i].fd >= 0)
				continue;
			pollers[i].fd = accept4(pollers[0].fd, NULL, NULL, SOCK_CLOEXEC);
			greet(&pollers[i], name, stays);
			break;
		}
	}
}

int main(int argc, char **argv)
{
	union place to;

	if (argc == 4 && strcmp(argv[1], "serve") == 0)
		serve(argv[2], argv[3], true);
	if (argc == 4 && strcmp(argv[1], "bye") == 0)
		serve(argv[2], argv[3], false);
	if (argc < 4) {
		fputs("tcpend: bad arguments; they are described at the top of its source\n",
			stderr);
		return 2;
	}
	to = place_parse(argv[2], argv[3]);
	if (strcmp(argv[1], "ask") == 0)
		return ask(&to, argv[4]);
	if (strcmp(argv[1], "drain") == 0)
		return drain(&to, argv[4]);
	if (strcmp(argv[1], "hold") == 0)
		return hold(&to, argv[4]);
	return many(&to, argc > 4 ? atoi(argv[4]) : 1);
}
