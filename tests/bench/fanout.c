// SPDX-License-Identifier: Apache-2.0
/*
 * fanout SOCKET PID WATCHERS RATE SECONDS [SELECTOR]: watches the same objects of the API server behind SOCKET, which
 * is process PID, WATCHERS times, while they are updated RATE times a second; with "fan%3Dout" as SELECTOR by their
 * label.  Each watch must tell each update once and in order.  Prints the cores that PID took and the 99th percentile, in milliseconds, from an update's sending to its
 * event at a watcher.
 *
 * A process of its own makes the updates; who watches only reads.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/json.h"
#include "user/base/loop.h"
#include "user/client/client.h"

#define MAPS	   16 /* one update of each at a time */
#define COLLECTION "/api/v1/namespaces/default/configmaps"
#define PATIENCE   (20 * USEC_PER_SEC)
#define TENTHS	   9 /* of the updates that are due: so many have to be made */
#define ROOM	   (256u << 10)
#define EVENTS	   64

static unsigned long rate, seconds;

static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("fanout: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

/* --- updates --- */

static struct {
	sd_event *loop;
	struct client *client;
	struct timer *timer;
	uint64_t began, until;
	unsigned long sent;
	unsigned under_way;
} updates;

static struct map {
	unsigned long number;
	bool under_way;
	char target[96];
} maps[MAPS];

static json_t *map_body(const struct map *map)
{
	return json_pack("{s:s, s:s, s:{s:o, s:{s:s}}, s:{s:o, s:o}}", "apiVersion", "v1", "kind",
		"ConfigMap", "metadata", "name", json_sprintf("fan-%td", map - maps), "labels",
		"fan", "out", "data", "n", json_sprintf("%lu", map->number), "at",
		json_sprintf("%llu", (unsigned long long)clock_now()));
}

static void updates_send(void);

static void update_done(void *userdata, const struct client_answer *answer)
{
	struct map *map = userdata;

	if (answer->status != 200 && answer->status != 201)
		die("an update: %u %s", answer->status, answer->message);
	map->under_way = false;
	updates.under_way--;
	updates_send();
}

static void map_send(struct map *map, const char *method, const char *target)
{
	struct client_request request = {.method = method, .target = target};
	AUTO_JSON body = map_body(map);

	request.body = body;
	if (!body || client_send(updates.client, &request, update_done, map, NULL) < 0)
		die("out of memory");
	map->under_way = true;
	updates.under_way++;
}

/* Those that are due. */
static void updates_send(void)
{
	uint64_t now = clock_now(), due;

	if (now < updates.began || now >= updates.until)
		return;
	due = (now - updates.began) * rate / USEC_PER_SEC;
	for (struct map *map = maps; map < maps + MAPS && updates.sent < due; map++) {
		if (map->under_way)
			continue;
		map->number++;
		updates.sent++;
		map_send(map, "PUT", map->target);
	}
}

static void updates_tick(void *userdata)
{
	(void)userdata;
	updates_send();
	timer_arm(updates.timer, clock_now() + USEC_PER_MSEC);
}

static void updates_turn(void)
{
	if (sd_event_run(updates.loop, USEC_PER_SEC / 10) < 0)
		die("the loop has failed");
}

static void updates_begin(const char *socket)
{
	struct client_config config = {.socket_path = socket};
	struct err err;

	if (sd_event_new(&updates.loop) < 0 ||
		client_new(updates.loop, &config, &updates.client, &err) < 0 ||
		timer_new(updates.loop, updates_tick, NULL, &updates.timer, &err) < 0)
		die("out of memory");
	updates.began = UINT64_MAX;
	for (struct map *map = maps; map < maps + MAPS; map++) {
		snprintf(map->target, sizeof(map->target), COLLECTION "/fan-%td", map - maps);
		map_send(map, "POST", COLLECTION);
	}
	while (updates.under_way)
		updates_turn();
}

/* Returns how many were made. */
static unsigned long updates_run(void)
{
	updates.began = clock_now();
	updates.until = updates.began + seconds * USEC_PER_SEC;
	updates_tick(NULL);
	while (clock_now() < updates.until || updates.under_way)
		updates_turn();
	return updates.sent;
}

/* --- watchers --- */

struct watcher {
	int fd;
	unsigned long seen[MAPS];
	char *data; /* a line that has begun */
	size_t len;
};

static struct watcher *watchers;
static unsigned long watcher_count, received;
static uint32_t *lags; /* microseconds */

static void watcher_start(
	struct watcher *watcher, const char *socket_path, const char *selector, int epoll)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = watcher};
	char request[256];

	snprintf(request, sizeof(request),
		"GET " COLLECTION "?watch=1&labelSelector=%s HTTP/1.1\r\nHost: fanout\r\n\r\n",
		selector);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	watcher->data = malloc(ROOM);
	watcher->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!watcher->data || watcher->fd < 0 ||
		connect(watcher->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		send(watcher->fd, request, strlen(request), MSG_NOSIGNAL) < 0 ||
		epoll_ctl(epoll, EPOLL_CTL_ADD, watcher->fd, &event) < 0)
		die("watch: %s", strerror(errno));
}

/* The number behind @key; anything ends it. */
static bool line_number(const char *text, size_t len, const char *key, unsigned long long *ret)
{
	const char *at = memmem(text, len, key, strlen(key));

	if (at)
		*ret = strtoull(at + strlen(key), NULL, 10);
	return at;
}

/* Events are lines; the HTTP between them is not read. */
static void watcher_line(struct watcher *watcher, const char *text, size_t len)
{
	unsigned long long number, at, map;

	if (!line_number(text, len, "\"name\":\"fan-", &map))
		return;
	if (map >= MAPS || !line_number(text, len, "\"n\":\"", &number) ||
		!line_number(text, len, "\"at\":\"", &at))
		die("cannot read '%.*s'", (int)len, text);
	if (number == 0) /* as it was made */
		return;
	if (number != watcher->seen[map] + 1)
		die("a watcher saw update %llu of fan-%llu after %lu", number, map,
			watcher->seen[map]);
	watcher->seen[map]++;
	lags[received++] = (uint32_t)(clock_now() - at);
}

static void watcher_read(struct watcher *watcher)
{
	ssize_t n = recv(watcher->fd, watcher->data + watcher->len, ROOM - watcher->len - 1, 0);
	char *line = watcher->data, *end;

	if (n <= 0)
		die("a watch has ended: %s", n < 0 ? strerror(errno) : "no more");
	watcher->len += (size_t)n;
	watcher->data[watcher->len] = '\0';
	while ((end = memchr(line, '\n', watcher->len)) != NULL) {
		watcher_line(watcher, line, (size_t)(end - line));
		watcher->len -= (size_t)(end + 1 - line);
		line = end + 1;
	}
	memmove(watcher->data, line, watcher->len);
}

/* Reads until all events of as many updates as @pipe tells are there, and returns their number. */
static unsigned long watchers_read(int epoll, int pipe)
{
	unsigned long updates_made = 0;
	uint64_t end = clock_now() + seconds * USEC_PER_SEC + PATIENCE;
	struct epoll_event events[EVENTS];

	while (!updates_made || received < updates_made * watcher_count) {
		int count = epoll_wait(epoll, events, EVENTS, 100);

		for (int i = 0; i < count; i++)
			if (events[i].data.ptr)
				watcher_read(events[i].data.ptr);
			else if (read(pipe, &updates_made, sizeof(updates_made)) !=
					 sizeof(updates_made) ||
				 epoll_ctl(epoll, EPOLL_CTL_DEL, pipe, NULL) < 0)
				die("the updates have ended");
		if (clock_now() > end)
			die("%lu events came of %lu updates", received, updates_made);
	}
	return updates_made;
}

/* --- the run --- */

static uint64_t cpu_usec(const char *pid)
{
	unsigned long user, kernel;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	file = fopen(path, "re");
	if (!file ||
		fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			&user, &kernel) != 2)
		die("%s: cannot be read", path);
	fclose(file);
	return (user + kernel) * USEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
}

static int lag_compare(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

	return one < other ? -1 : one > other;
}

/* The maps are there when this returns; updates begin with the first byte of @go. */
static pid_t updates_fork(const char *socket_path, int go, int result)
{
	unsigned long made;
	char byte;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	updates_begin(socket_path);
	made = 0;
	if (write(result, &made, sizeof(made)) != sizeof(made) || read(go, &byte, 1) != 1)
		_exit(1);
	made = updates_run();
	_exit(write(result, &made, sizeof(made)) == sizeof(made) ? 0 : 1);
}

int main(int argc, char **argv)
{
	struct epoll_event event = {.events = EPOLLIN};
	int epoll = epoll_create1(EPOLL_CLOEXEC), go[2], result[2], status;
	unsigned long made;
	uint64_t cpu;
	pid_t pid;

	if (argc < 6 || argc > 7 || epoll < 0 || pipe(go) < 0 || pipe(result) < 0)
		die("usage: fanout SOCKET PID WATCHERS RATE SECONDS [SELECTOR]");
	watcher_count = strtoul(argv[3], NULL, 10);
	rate = strtoul(argv[4], NULL, 10);
	seconds = strtoul(argv[5], NULL, 10);
	watchers = calloc(watcher_count, sizeof(*watchers));
	lags = calloc(watcher_count * rate * (seconds + 1), sizeof(*lags));
	pid = updates_fork(argv[1], go[0], result[1]);
	if (!watchers || !lags || pid < 0 || read(result[0], &made, sizeof(made)) != sizeof(made))
		die("cannot begin");
	for (unsigned long i = 0; i < watcher_count; i++)
		watcher_start(&watchers[i], argv[1], argc > 6 ? argv[6] : "", epoll);
	cpu = cpu_usec(argv[2]);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, result[0], &event) < 0 || write(go[1], "", 1) != 1)
		die("go: %s", strerror(errno));
	made = watchers_read(epoll, result[0]);
	cpu = cpu_usec(argv[2]) - cpu;
	if (waitpid(pid, &status, 0) != pid || status != 0)
		die("the updates have failed");
	if (made < rate * seconds * TENTHS / 10)
		die("only %lu of %lu updates were made", made, rate * seconds);
	qsort(lags, received, sizeof(*lags), lag_compare);
	printf("%.3f %.3f\n", (double)cpu / (double)(seconds * USEC_PER_SEC),
		(double)lags[received * 99 / 100] / USEC_PER_MSEC);
	return 0;
}
