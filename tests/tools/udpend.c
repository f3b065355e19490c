// SPDX-License-Identifier: Apache-2.0
/*
 * One end of UDP.
 *
 *	udpend serve PORT NAME [ADDRESS]   answers every datagram with NAME
 *	udpend ask HOW ADDRESS PORT [SOURCE-PORT]
 *	                                   prints "NAME from ADDRESS:PORT", or the error's name; HOW:
 *	                                     connected    connect, send; also prints the peer's name
 *	                                     unconnected  sendto
 *	                                     mapped       sendto from an IPv6 socket
 *	                                     mapped-connected
 *	udpend many HOW ADDRESS PORT COUNT asks COUNT times; prints how often each answer came
 *	udpend hold HOW ADDRESS PORT       asks with one socket for each line of stdin; "connect"
 *	                                   prints the socket's error, and connects it again
 *	udpend watch ADDRESS PORT          connects, asks, prints the answer's sender, then waits for an
 *	                                   error, and prints its name and when (microseconds of
 *	                                   CLOCK_MONOTONIC); within 30 seconds
 *	udpend count PORT FILE             writes "NUMBER MICROSECONDS" of CLOCK_MONOTONIC for each
 *	                                   datagram that `stream` sends
 *	udpend stream ADDRESS PORT COUNT   connects and sends numbers, 1000 a second; prints how many
 *	                                   were refused
 *
 * Nothing else waits for more than 3 seconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"

#define WAIT_MS	     3000
#define ANSWER_MOST  128
#define ANSWERS_MOST 64
#define STREAM_USEC  1000
#define WATCH_MS     30000

enum how { CONNECTED, UNCONNECTED, MAPPED, MAPPED_CONNECTED };

/* One socket, and whom it asks. */
struct end {
	int fd;
	enum how how;
	struct sockaddr_in to;
};

static void die(const char *what) __attribute__((noreturn));
static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void usage(void) __attribute__((noreturn));
static void usage(void)
{
	fputs("udpend: bad arguments; they are described at the top of its source\n", stderr);
	exit(2);
}

static struct sockaddr_in address_parse(const char *address, const char *port)
{
	struct sockaddr_in end = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

	if (inet_pton(AF_INET, address, &end.sin_addr) != 1)
		die(address);
	return end;
}

static enum how how_parse(const char *how)
{
	static const char *const names[] = {
		"connected", "unconnected", "mapped", "mapped-connected"};

	for (enum how i = CONNECTED; i <= MAPPED_CONNECTED; i++) {
		if (strcmp(names[i], how) == 0)
			return i;
	}
	usage();
}

static int server(const char *address, const char *port)
{
	struct sockaddr_in at = address_parse(address ? address : "0.0.0.0", port);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("bind");
	return fd;
}

static bool is_mapped(const struct end *end)
{
	return end->how == MAPPED || end->how == MAPPED_CONNECTED;
}

static bool is_connected(const struct end *end)
{
	return end->how == CONNECTED || end->how == MAPPED_CONNECTED;
}

/* Whom it asks, as its kind of socket wants it. */
static socklen_t end_to(const struct end *end, struct sockaddr_in6 *ret)
{
	*ret = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = end->to.sin_port};
	if (!is_mapped(end)) {
		memcpy(ret, &end->to, sizeof(end->to));
		return sizeof(end->to);
	}
	ret->sin6_addr.s6_addr[10] = ret->sin6_addr.s6_addr[11] = 0xff;
	memcpy(&ret->sin6_addr.s6_addr[12], &end->to.sin_addr, 4);
	return sizeof(*ret);
}

static int end_connect(struct end *end)
{
	struct sockaddr_in6 to;
	socklen_t size = end_to(end, &to);

	return connect(end->fd, (struct sockaddr *)&to, size) < 0 ? -errno : 0;
}

static int end_open(struct end *end, const char *source_port)
{
	struct sockaddr_in from = {.sin_family = AF_INET};

	end->fd = socket(is_mapped(end) ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (end->fd < 0)
		die("socket");
	if (source_port) {
		from.sin_port = htons((uint16_t)atoi(source_port));
		if (bind(end->fd, (struct sockaddr *)&from, sizeof(from)) < 0)
			die("bind");
	}
	return is_connected(end) ? end_connect(end) : 0;
}

static int end_send(const struct end *end)
{
	struct sockaddr_in6 to;
	socklen_t size = end_to(end, &to);

	if (is_connected(end))
		return send(end->fd, "?", 1, 0) < 0 ? -errno : 0;
	return sendto(end->fd, "?", 1, 0, (struct sockaddr *)&to, size) < 0 ? -errno : 0;
}

static void name_append(char *text, size_t size, const char *what, const struct sockaddr_in6 *name)
{
	const struct sockaddr_in *name4 = (const void *)name;
	char address[INET6_ADDRSTRLEN] = "?";
	size_t length = strlen(text);

	if (name->sin6_family == AF_INET)
		inet_ntop(AF_INET, &name4->sin_addr, address, sizeof(address));
	else
		inet_ntop(AF_INET6, &name->sin6_addr, address, sizeof(address));
	snprintf(text + length, size - length, " %s %s:%u", what, address,
		(unsigned)ntohs(name->sin6_port)); /* at the same place for both families */
}

static int end_receive(const struct end *end, char *answer, size_t size)
{
	struct pollfd poller = {.fd = end->fd, .events = POLLIN};
	struct sockaddr_in6 name;
	socklen_t name_size = sizeof(name);
	ssize_t got;

	if (poll(&poller, 1, WAIT_MS) != 1)
		return -ETIMEDOUT;
	got = recvfrom(end->fd, answer, size - 1, 0, (struct sockaddr *)&name, &name_size);
	if (got < 0)
		return -errno;
	answer[got] = '\0';
	name_append(answer, size, "from", &name);
	name_size = sizeof(name);
	if (is_connected(end) && getpeername(end->fd, (struct sockaddr *)&name, &name_size) == 0)
		name_append(answer, size, "of", &name);
	return 0;
}

static int end_ask(const struct end *end, char *answer, size_t size)
{
	int r = end_send(end);

	if (r == 0)
		r = end_receive(end, answer, size);
	if (r < 0)
		snprintf(answer, size, "%s", strerrorname_np(-r));
	return r;
}

static int ask(struct end *end, const char *source_port, char *answer, size_t size)
{
	int r = end_open(end, source_port);

	if (r == 0)
		r = end_ask(end, answer, size);
	else
		snprintf(answer, size, "%s", strerrorname_np(-r));
	close_fd(&end->fd);
	return r;
}

static int many(struct end *end, int times)
{
	static char answers[ANSWERS_MOST][ANSWER_MOST];
	int counts[ANSWERS_MOST] = {}, known = 0;

	for (int i = 0; i < times; i++) {
		char answer[ANSWER_MOST];
		int at = 0;

		ask(end, NULL, answer, sizeof(answer));
		while (at < known && strcmp(answers[at], answer))
			at++;
		if (at == ANSWERS_MOST)
			die("too many different answers");
		if (at == known)
			memcpy(answers[known++], answer, ANSWER_MOST);
		counts[at]++;
	}
	for (int at = 0; at < known; at++)
		printf("%s %d\n", answers[at], counts[at]);
	return 0;
}

static int end_error(const struct end *end)
{
	socklen_t size = sizeof(int);
	int error = 0;

	getsockopt(end->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return error;
}

/* What an application does when its socket has failed. */
static int end_again(struct end *end)
{
	int error = end_error(end);

	if (end_connect(end) < 0)
		die("connect");
	return error;
}

static int hold(struct end *end)
{
	char line[ANSWER_MOST];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (end_open(end, NULL) < 0)
		die("connect");
	while (fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, "connect\n") == 0)
			snprintf(line, sizeof(line), "%s", strerrorname_np(end_again(end)));
		else
			end_ask(end, line, sizeof(line));
		puts(line);
	}
	return 0;
}

static int watch(struct end *end)
{
	struct pollfd poller;
	char answer[ANSWER_MOST];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (end_open(end, NULL) < 0)
		die("connect");
	end_ask(end, answer, sizeof(answer));
	puts(answer);
	poller = (struct pollfd){.fd = end->fd};
	if (poll(&poller, 1, WATCH_MS) != 1)
		return 1;
	printf("%s %llu\n", strerrorname_np(end_error(end)), (unsigned long long)clock_now());
	return 0;
}

static void serve(const char *port, const char *name, const char *address)
	__attribute__((noreturn));
static void serve(const char *port, const char *name, const char *address)
{
	int fd = server(address, port);

	for (;;) {
		struct sockaddr_in from;
		socklen_t size = sizeof(from);
		char data[16];

		if (recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &size) >= 0)
			sendto(fd, name, strlen(name), 0, (struct sockaddr *)&from, size);
	}
}

static void count_datagrams(const char *port, const char *path) __attribute__((noreturn));
static void count_datagrams(const char *port, const char *path)
{
	FILE *file = fopen(path, "ae"); /* the test may empty it */
	int fd = server(NULL, port);

	if (!file)
		die(path);
	for (;;) {
		uint32_t number;

		if (recv(fd, &number, sizeof(number), 0) != sizeof(number))
			continue;
		fprintf(file, "%u %llu\n", number, (unsigned long long)clock_now());
		fflush(file);
	}
}

static int stream(const struct sockaddr_in *to, uint32_t count)
{
	AUTO_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t start = clock_now();
	unsigned refused = 0;

	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		die("connect");
	for (uint32_t number = 0; number < count; number++) {
		uint64_t at = start + (uint64_t)number * STREAM_USEC;
		struct timespec when = {.tv_sec = (time_t)(at / USEC_PER_SEC),
			.tv_nsec = (long)(at % USEC_PER_SEC * 1000)};

		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) == EINTR)
			;
		if (send(fd, &number, sizeof(number), 0) >= 0)
			continue;
		refused++;
		/* The error was that of an earlier datagram. */
		if (errno == ECONNREFUSED && send(fd, &number, sizeof(number), 0) < 0)
			die("send");
	}
	printf("%u\n", refused);
	return 0;
}

int main(int argc, char **argv)
{
	char answer[ANSWER_MOST];
	struct end end;
	int r;

	if (argc >= 4 && strcmp(argv[1], "serve") == 0)
		serve(argv[2], argv[3], argv[4]);
	if (argc == 4 && strcmp(argv[1], "count") == 0)
		count_datagrams(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "watch") == 0) {
		end = (struct end){-1, CONNECTED, address_parse(argv[2], argv[3])};
		return watch(&end);
	}
	if (argc < 5)
		usage();
	if (strcmp(argv[1], "stream") == 0) {
		end.to = address_parse(argv[2], argv[3]);
		return stream(&end.to, (uint32_t)atoi(argv[4]));
	}
	end = (struct end){-1, how_parse(argv[2]), address_parse(argv[3], argv[4])};
	if (strcmp(argv[1], "many") == 0 && argc == 6)
		return many(&end, atoi(argv[5]));
	if (strcmp(argv[1], "hold") == 0)
		return hold(&end);
	if (strcmp(argv[1], "ask") != 0)
		usage();
	r = ask(&end, argv[5], answer, sizeof(answer));
	puts(answer);
	return r < 0;
}
