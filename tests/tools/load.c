// SPDX-License-Identifier: Apache-2.0
/*
 * load [OPTION...] ADDRESS PORT: opens new TCP connections at a steady rate; each sends one HTTP/1.0
 * request, reads the answer to its end and closes.  The server closes first, so TIME_WAIT is its.
 *
 * Commands on stdin:
 *	mark NAME	from now on connections belong to phase NAME (at first: --phase, or "start")
 *	end of file	no new connections; ends when the open ones have
 * Answers on stdout, for a phase once all its connections have ended:
 *	answers PHASE TEXT COUNT LAST	COUNT answers had the body TEXT; the newest of those
 *					connections was opened at LAST
 *	phase PHASE REQUESTS FAILED
 * and at once, for each connection that did not get a whole answer with status 200:
 *	failed PHASE OPENED PORT REASON after MS ms
 * Times are CLOCK_MONOTONIC microseconds, read before connect(2); PORT is the local one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/fs.h"

#define CONNECTIONS_MAX 4096
#define PHASES_MAX	64
#define BODIES_MAX	16 /* distinct answers counted a phase; further ones count as "other" */
#define BODY_MAX	64
#define BURST_MAX	100 /* connections a tick: after a stall the arrears are dropped */
#define TICK_USEC	1000

struct body {
	char text[BODY_MAX];
	unsigned long count;
	uint64_t last; /* when the newest of these connections was opened */
};

struct phase {
	char name[32];
	unsigned long requests, failed, open;
	struct body bodies[BODIES_MAX];
	size_t body_count;
	bool ended, printed;
};

struct connection {
	int fd; /* -1: free */
	struct phase *phase;
	uint64_t opened;
	bool sent;
	size_t len;	  /* bytes kept in buffer */
	size_t total;	  /* bytes received */
	char buffer[512]; /* the start of the answer, NUL-terminated */
};

static struct options {
	unsigned rate;
	uint64_t timeout_usec;
	const char *netns, *cgroup, *path, *phase;
	struct sockaddr_in server;
} options = {.rate = 1000, .timeout_usec = 5 * USEC_PER_SEC, .path = "/", .phase = "start"};

static struct phase phases[PHASES_MAX];
static size_t phase_count;
static struct connection connections[CONNECTIONS_MAX];
static struct connection *unused[CONNECTIONS_MAX];
static size_t unused_count;
static int epoll_fd = -1;
static char request[256];
static size_t request_len;

static void phase_begin(const char *name)
{
	if (phase_count > 0)
		phases[phase_count - 1].ended = true;
	if (phase_count == PHASES_MAX) {
		fprintf(stderr, "load: more than %d phases\n", PHASES_MAX);
		exit(1);
	}
	snprintf(phases[phase_count++].name, sizeof(phases[0].name), "%.31s", name);
}

static void phases_print(void)
{
	for (size_t i = 0; i < phase_count; i++) {
		struct phase *phase = &phases[i];

		if (!phase->ended || phase->open > 0 || phase->printed)
			continue;
		for (size_t j = 0; j < phase->body_count; j++)
			printf("answers %s %s %lu %llu\n", phase->name, phase->bodies[j].text,
				phase->bodies[j].count, (unsigned long long)phase->bodies[j].last);
		printf("phase %s %lu %lu\n", phase->name, phase->requests, phase->failed);
		phase->printed = true;
	}
}

static void phase_count_body(struct phase *phase, const char *text, uint64_t opened)
{
	struct body *body = phase->bodies;

	while (body < phase->bodies + phase->body_count && strcmp(body->text, text) != 0)
		body++;
	if (body == phase->bodies + BODIES_MAX)
		body--;
	if (body == phase->bodies + phase->body_count) {
		bool last = ++phase->body_count == BODIES_MAX;

		snprintf(body->text, sizeof(body->text), "%s", last ? "other" : text);
	}
	body->count++;
	if (opened > body->last)
		body->last = opened;
}

static void connection_close(struct connection *connection)
{
	connection->phase->open--;
	close_fd(&connection->fd);
	unused[unused_count++] = connection;
}

__attribute__((format(printf, 2, 3))) static void connection_fail(
	struct connection *connection, const char *fmt, ...)
{
	const struct linger reset = {.l_onoff = 1};
	struct sockaddr_in local = {0};
	socklen_t len = sizeof(local);
	va_list args;

	getsockname(connection->fd, (struct sockaddr *)&local, &len);
	printf("failed %s %llu %u ", connection->phase->name,
		(unsigned long long)connection->opened, ntohs(local.sin_port));
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf(" after %llu ms\n",
		(unsigned long long)((clock_now() - connection->opened) / USEC_PER_MSEC));
	connection->phase->failed++;
	setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	connection_close(connection);
}

/* A word of the body for the statistics: its first line without blanks, "-" when there is none. */
static void body_text(const char *body, char ret[BODY_MAX])
{
	size_t len = strcspn(body, "\r\n");

	snprintf(ret, BODY_MAX, "%.*s", (int)(len < BODY_MAX ? len : BODY_MAX - 1), body);
	for (char *c = ret; *c; c++)
		if (*c == ' ' || *c == '\t')
			*c = '_';
	if (!*ret)
		strcpy(ret, "-");
}

/* The server has closed: was it a whole answer with status 200? */
static void connection_judge(struct connection *connection)
{
	const char *body = strstr(connection->buffer, "\r\n\r\n");
	const char *length = strcasestr(connection->buffer, "\r\nContent-Length:");
	char text[BODY_MAX];
	unsigned status = 0;

	if (!body || sscanf(connection->buffer, "HTTP/1.%*u %u", &status) != 1) {
		connection_fail(connection, "answer cut after %zu bytes", connection->total);
		return;
	}
	body += 4;
	if (status != 200) {
		connection_fail(connection, "status %u", status);
		return;
	}
	if (length && length < body &&
		strtoul(length + 17, NULL, 10) !=
			connection->total - (size_t)(body - connection->buffer)) {
		connection_fail(connection, "body cut after %zu bytes", connection->total);
		return;
	}
	body_text(body, text);
	phase_count_body(connection->phase, text, connection->opened);
	connection_close(connection);
}

static void connection_read(struct connection *connection)
{
	char spill[16384];

	for (;;) {
		size_t room = sizeof(connection->buffer) - 1 - connection->len;
		ssize_t n = room > 0 ? recv(connection->fd, connection->buffer + connection->len,
					       room, 0)
				     : recv(connection->fd, spill, sizeof(spill), 0);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			connection_fail(connection, "receive: %s", strerror(errno));
			return;
		}
		if (n == 0) {
			connection_judge(connection);
			return;
		}
		if (room > 0) {
			connection->len += (size_t)n;
			connection->buffer[connection->len] = '\0';
		}
		connection->total += (size_t)n;
	}
}

static void connection_event(struct connection *connection, uint32_t events)
{
	if (!connection->sent && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
		ssize_t n = send(connection->fd, request, request_len, MSG_NOSIGNAL);

		if (n != (ssize_t)request_len) {
			connection_fail(
				connection, "connect: %s", n < 0 ? strerror(errno) : "request cut");
			return;
		}
		connection->sent = true;
	}
	if (connection->sent)
		connection_read(connection);
}

static void connection_open(void)
{
	struct connection *connection = unused[unused_count - 1];
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};

	*connection = (struct connection){.phase = &phases[phase_count - 1]};
	unused_count--;
	connection->phase->requests++;
	connection->phase->open++;
	connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	connection->opened = clock_now();
	if (connection->fd < 0)
		connection_fail(connection, "socket: %s", strerror(errno));
	else if (connect(connection->fd, (const struct sockaddr *)&options.server,
			 sizeof(options.server)) < 0 &&
		 errno != EINPROGRESS)
		connection_fail(connection, "connect: %s", strerror(errno));
	else if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) < 0)
		connection_fail(connection, "epoll: %s", strerror(errno));
}

/* Opens what is due since the last tick. */
static void pace(uint64_t now)
{
	static uint64_t last;
	static double due;

	if (last > 0)
		due += (double)(now - last) * options.rate / (double)USEC_PER_SEC;
	last = now;
	if (due > BURST_MAX)
		due = BURST_MAX;
	for (; due >= 1 && unused_count > 0; due--)
		connection_open();
}

static void connections_expire(uint64_t now)
{
	static uint64_t next;

	if (now < next)
		return;
	next = now + 100 * USEC_PER_MSEC;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (connections[i].fd >= 0 && now - connections[i].opened > options.timeout_usec)
			connection_fail(&connections[i], "no whole answer within %llu ms",
				(unsigned long long)(options.timeout_usec / USEC_PER_MSEC));
}

/* Returns false at the end of stdin, or of what can be understood. */
static bool commands_read(void)
{
	static char line[256];
	static size_t len;
	ssize_t n = read(STDIN_FILENO, line + len, sizeof(line) - 1 - len);
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	len += (size_t)n;
	line[len] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		if (strncmp(line, "mark ", 5) == 0)
			phase_begin(line + 5);
		len -= (size_t)(end + 1 - line);
		memmove(line, end + 1, len + 1);
	}
	return len < sizeof(line) - 1;
}

static int loop_prepare(int *ret_timer, struct err *err)
{
	const struct itimerspec tick = {
		.it_interval.tv_nsec = TICK_USEC * 1000, .it_value.tv_nsec = TICK_USEC * 1000};
	struct epoll_event event = {.events = EPOLLIN};
	AUTO_FD timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0 || timer < 0 || timerfd_settime(timer, 0, &tick, NULL) < 0)
		return err_set(err, errno, "make the loop");
	event.data.ptr = ret_timer;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer, &event) < 0)
		return err_set(err, errno, "watch the timer");
	event.data.ptr = NULL;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event) < 0)
		return err_set(err, errno, "watch stdin (it must be a pipe or a terminal)");
	*ret_timer = take_fd(&timer);
	return 0;
}

static int loop_run(struct err *err)
{
	struct epoll_event events[256];
	AUTO_FD timer = -1;
	uint64_t ticks;
	bool more = true;
	int n, r = loop_prepare(&timer, err);

	if (r < 0)
		return r;
	while (more || unused_count < CONNECTIONS_MAX) {
		n = epoll_wait(epoll_fd, events, COUNT(events), -1);
		if (n < 0 && errno != EINTR)
			return err_set(err, errno, "wait for events");
		for (int i = 0; i < n; i++) {
			if (!events[i].data.ptr) {
				if (more && !commands_read()) {
					more = false;
					epoll_ctl(epoll_fd, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
					phases[phase_count - 1].ended = true;
				}
			} else if (events[i].data.ptr == &timer) {
				if (read(timer, &ticks, sizeof(ticks)) > 0 && more)
					pace(clock_now());
			} else {
				connection_event(events[i].data.ptr, events[i].events);
			}
		}
		connections_expire(clock_now());
		phases_print();
	}
	return 0;
}

static int enter(struct err *err)
{
	char pid[16];

	if (options.netns) {
		AUTO_FD fd = open(options.netns, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
			return err_set(err, errno, "enter the namespace '%s'", options.netns);
	}
	if (options.cgroup) {
		AUTO_FREE char *path = fs_format("%s/cgroup.procs", options.cgroup);

		snprintf(pid, sizeof(pid), "%d", getpid());
		if (!path)
			return err_set(err, ENOMEM, "enter the cgroup");
		return fs_write(path, pid, err);
	}
	return 0;
}

static void usage(FILE *file)
{
	fprintf(file, "usage: load [--rate N] [--timeout MS] [--path PATH] "
		      "[--phase NAME] [--netns FILE] [--cgroup DIR] ADDRESS PORT\n");
}

/* Returns false when the arguments are not as usage() says. */
static bool options_read(int argc, char **argv)
{
	static const struct option known[] = {
		{"rate", required_argument, NULL, 'r'},
		{"timeout", required_argument, NULL, 't'},
		{"path", required_argument, NULL, 'p'},
		{"phase", required_argument, NULL, 'f'},
		{"netns", required_argument, NULL, 'n'},
		{"cgroup", required_argument, NULL, 'c'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 'r': options.rate = (unsigned)strtoul(optarg, NULL, 10); break;
		case 't': options.timeout_usec = strtoul(optarg, NULL, 10) * USEC_PER_MSEC; break;
		case 'f': options.phase = optarg; break;
		case 'p': options.path = optarg; break;
		case 'n': options.netns = optarg; break;
		case 'c': options.cgroup = optarg; break;
		default: return false;
		}
	}
	if (argc - optind != 2 || options.rate == 0 || options.timeout_usec == 0)
		return false;
	options.server.sin_family = AF_INET;
	options.server.sin_port = htons((uint16_t)strtoul(argv[optind + 1], NULL, 10));
	return inet_pton(AF_INET, argv[optind], &options.server.sin_addr) == 1;
}

int main(int argc, char **argv)
{
	struct err err;
	int len;

	if (!options_read(argc, argv)) {
		usage(stderr);
		return 2;
	}
	len = snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n\r\n", options.path);
	if (len >= (int)sizeof(request)) {
		usage(stderr);
		return 2;
	}
	request_len = (size_t)len;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		connections[i].fd = -1;
		unused[unused_count++] = &connections[i];
	}
	phase_begin(options.phase);
	if (enter(&err) < 0 || loop_run(&err) < 0) {
		fprintf(stderr, "load: %s\n", err.text);
		return 1;
	}
	return 0;
}
