// SPDX-License-Identifier: Apache-2.0
/*
 * Short connections, and one long one, between two ends.
 *
 *	crr serve PORT...			closes each connection once it has sent an octet; one
 *						that sends more than an octet is read to its end
 *	crr http PORT...			answers whatever comes with status 200, and closes
 *	crr connect ADDRESS PORT SECONDS	median of connect(2), one at a time: microseconds
 *	crr rate ADDRESS PORT SECONDS OPEN	connect, an octet each way, close: how many a second
 *						with OPEN of them at once
 *	crr stream ADDRESS PORT SECONDS		Gbit/s
 *
 * The server closes first, so TIME_WAIT is its.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "user/base/clock.h"

#define PORTS_MOST     16
#define OPEN_MOST      1024
#define LATENCIES_MOST 1000000
#define STREAM_SIZE    (128 * 1024)
#define EVENTS_AT_ONCE 64

static void die(const char *what) __attribute__((noreturn));
static void die(const char *what)
{
	fprintf(stderr, "crr: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int check(int result, const char *what)
{
	if (result < 0)
		die(what);
	return result;
}

static void watch(int epoll, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "watch a socket");
}

/* --- the server --- */

static int listen_at(uint16_t port)
{
	struct sockaddr_in end = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = check(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
	int one = 1;

	check(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), "reuse the address");
	check(bind(fd, (struct sockaddr *)&end, sizeof(end)), "bind");
	check(listen(fd, SOMAXCONN), "listen");
	return fd;
}

static bool speaks_http;

/* Returns whether the connection stays open. */
static bool answer(int fd)
{
	static char octets[STREAM_SIZE];
	static const char status[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
				     "Connection: close\r\n\r\n";
	ssize_t got = recv(fd, octets, sizeof(octets), 0);

	if (speaks_http && got > 0) {
		send(fd, status, sizeof(status) - 1, MSG_NOSIGNAL);
		return false;
	}
	if (got == 1)
		send(fd, octets, 1, MSG_NOSIGNAL);
	return got > 1 || (got < 0 && errno == EAGAIN);
}

static void serve(int count, char **ports)
{
	int epoll = check(epoll_create1(EPOLL_CLOEXEC), "make the loop");
	int listeners[PORTS_MOST], highest = -1;

	for (int i = 0; i < count && i < PORTS_MOST; i++) {
		listeners[i] = listen_at((uint16_t)atoi(ports[i]));
		highest = listeners[i];
		watch(epoll, highest, EPOLLIN);
	}
	for (;;) {
		struct epoll_event events[EVENTS_AT_ONCE];
		int ready = epoll_wait(epoll, events, EVENTS_AT_ONCE, -1);

		for (int i = 0; i < ready; i++) {
			int fd = events[i].data.fd;

			if (fd > highest) {
				if (!answer(fd))
					close(fd);
				continue;
			}
			fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
			if (fd >= 0)
				watch(epoll, fd, EPOLLIN);
		}
	}
}

/* --- clients --- */

static struct sockaddr_in server;

static int dial(int flags)
{
	int fd = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), "socket");

	if (connect(fd, (struct sockaddr *)&server, sizeof(server)) < 0 && errno != EINPROGRESS)
		die("connect");
	return fd;
}

static uint64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int latency_order(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void connect_measure(uint64_t until)
{
	static uint32_t latencies[LATENCIES_MOST];
	size_t count = 0;
	char octet = 'x';

	while (clock_now() < until && count < LATENCIES_MOST) {
		int fd = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
		uint64_t began = nanoseconds();

		check(connect(fd, (struct sockaddr *)&server, sizeof(server)), "connect");
		latencies[count++] = (uint32_t)(nanoseconds() - began);
		if (send(fd, &octet, 1, MSG_NOSIGNAL) != 1 || recv(fd, &octet, 1, 0) != 1 ||
			recv(fd, &octet, 1, 0) != 0)
			die("talk");
		close(fd);
	}
	qsort(latencies, count, sizeof(latencies[0]), latency_order);
	printf("%.2f\n", latencies[count / 2] / 1000.0);
}

/* The octet is sent once the connection is there.  Returns whether the server has closed. */
static bool client_goes_on(int fd, uint32_t events)
{
	char octets[2] = "x";
	ssize_t got = -1;

	if (events & (EPOLLERR | EPOLLHUP) && !(events & EPOLLIN))
		die("a connection has failed");
	if (events == EPOLLOUT) {
		if (send(fd, octets, 1, MSG_NOSIGNAL) != 1)
			die("send");
		return false;
	}
	do
		got = recv(fd, octets, sizeof(octets), 0);
	while (got > 0);
	if (got < 0 && errno != EAGAIN)
		die("receive");
	return got == 0;
}

static void rate_measure(uint64_t began, uint64_t until, int open)
{
	const uint32_t interest = EPOLLIN | EPOLLOUT | EPOLLET;
	int epoll = check(epoll_create1(EPOLL_CLOEXEC), "make the loop");
	unsigned long done = 0;

	for (int i = 0; i < open && i < OPEN_MOST; i++)
		watch(epoll, dial(SOCK_NONBLOCK), interest);
	while (clock_now() < until) {
		struct epoll_event events[EVENTS_AT_ONCE];
		int ready = check(epoll_wait(epoll, events, EVENTS_AT_ONCE, 1000), "wait");

		for (int i = 0; i < ready; i++) {
			if (!client_goes_on(events[i].data.fd, events[i].events))
				continue;
			close(events[i].data.fd);
			done++;
			watch(epoll, dial(SOCK_NONBLOCK), interest);
		}
	}
	printf("%.0f\n", (double)done * (double)USEC_PER_SEC / (double)(clock_now() - began));
}

static void stream_measure(uint64_t began, uint64_t until)
{
	static const char octets[STREAM_SIZE];
	int fd = dial(0);
	double sent = 0;

	while (clock_now() < until)
		sent += (double)check((int)send(fd, octets, sizeof(octets), MSG_NOSIGNAL), "send");
	printf("%.2f\n", sent * 8 / 1000.0 / (double)(clock_now() - began));
}

int main(int argc, char **argv)
{
	uint64_t began = clock_now(), until;

	speaks_http = argc >= 3 && strcmp(argv[1], "http") == 0;
	if (argc >= 3 && (speaks_http || strcmp(argv[1], "serve") == 0))
		serve(argc - 2, argv + 2);
	if (argc < 5)
		goto usage;
	server.sin_family = AF_INET;
	server.sin_port = htons((uint16_t)atoi(argv[3]));
	if (inet_pton(AF_INET, argv[2], &server.sin_addr) != 1)
		goto usage;
	until = began + (uint64_t)(atof(argv[4]) * (double)USEC_PER_SEC);
	if (strcmp(argv[1], "connect") == 0)
		connect_measure(until);
	else if (strcmp(argv[1], "rate") == 0 && argc == 6)
		rate_measure(began, until, atoi(argv[5]));
	else if (strcmp(argv[1], "stream") == 0)
		stream_measure(began, until);
	else
		goto usage;
	return 0;
usage:
	fputs("crr: bad arguments; they are described at the top of its source\n", stderr);
	return 2;
}
