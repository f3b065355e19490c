// SPDX-License-Identifier: Apache-2.0
/*
 * probes ours|epoll|curl PORT SECONDS: httpGet probes of 127.0.0.1:PORT, 64 at once, a connection for
 * each; how many succeed in a second.
 *
 *	ours	what podnetd runs
 *	epoll	the least that can be done: a loop of its own that reads the status line
 *	curl	libcurl's multi interface
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/probe/http.h"

#define AT_ONCE 64

static void die(const char *what, const char *why) __attribute__((noreturn));
static void die(const char *what, const char *why)
{
	fprintf(stderr, "probes: %s: %s\n", what, why);
	exit(1);
}

static struct sockaddr_in server = {.sin_family = AF_INET};
static uint64_t until;
static unsigned long done;

/* --- ours --- */

static struct handler handler = {.kind = HANDLER_HTTP, .path = "/"};
static struct probe_url url;
static sd_event *loop;

/* What a prober keeps from one probe to the next. */
struct ours {
	struct attempt attempt;
	struct http_probe *probe;
};

static void ours_start(struct ours *ours);

static void ours_done(void *userdata, enum probe_result result, const char *message)
{
	struct ours *ours = userdata;

	if (result != PROBE_SUCCESS)
		die("a probe failed", message);
	done++;
	ours->probe = http_probe_free(ours->probe);
	if (clock_now() >= until)
		sd_event_exit(loop, 0);
	else
		ours_start(ours);
}

static void ours_start(struct ours *ours)
{
	struct err err;

	if (http_probe_start(&ours->attempt, &server, &url, &handler, ours_done, ours, &ours->probe,
		    &err) < 0)
		die("start a probe", err.text);
}

static void ours_run(void)
{
	static struct ours all[AT_ONCE];
	struct err err;

	if (sd_event_new(&loop) < 0)
		die("loop", "cannot be made");
	if (probe_url_init(&handler, "127.0.0.1", ntohs(server.sin_port), &url, &err) < 0)
		die("address", err.text);
	for (int i = 0; i < AT_ONCE; i++) {
		attempt_init(&all[i].attempt, loop, -1);
		ours_start(&all[i]);
	}
	if (sd_event_loop(loop) < 0)
		die("loop", "has failed");
	for (int i = 0; i < AT_ONCE; i++) {
		http_probe_free(all[i].probe);
		attempt_close(&all[i].attempt);
	}
	sd_event_unref(loop);
}

/* --- the least --- */

static char request[128];

static void epoll_start(int epoll)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct epoll_event event = {.events = EPOLLOUT, .data.fd = fd};

	if (fd < 0 ||
		(connect(fd, (struct sockaddr *)&server, sizeof(server)) < 0 &&
			errno != EINPROGRESS) ||
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		die("connect", strerror(errno));
}

static void epoll_step(int epoll, struct epoll_event *event)
{
	const struct linger reset = {.l_onoff = 1};
	int fd = event->data.fd;
	char answer[4096];

	if (event->events == EPOLLOUT) {
		if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
			die("send", strerror(errno));
		event->events = EPOLLIN;
		epoll_ctl(epoll, EPOLL_CTL_MOD, fd, event);
		return;
	}
	if (recv(fd, answer, sizeof(answer), 0) < 12 || memcmp(answer + 9, "200", 3) != 0)
		die("receive", "no status 200");
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	done++;
	epoll_start(epoll);
}

static void epoll_run(void)
{
	struct epoll_event events[AT_ONCE];
	AUTO_FD epoll = epoll_create1(EPOLL_CLOEXEC);

	snprintf(request, sizeof(request),
		"GET / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n\r\n",
		ntohs(server.sin_port));
	for (int i = 0; i < AT_ONCE; i++)
		epoll_start(epoll);
	while (clock_now() < until) {
		int ready = epoll_wait(epoll, events, AT_ONCE, 1000);

		for (int i = 0; i < ready; i++)
			epoll_step(epoll, &events[i]);
	}
}

/* --- libcurl --- */

static size_t body_drop(char *data, size_t size, size_t count, void *userdata)
{
	(void)data;
	(void)userdata;
	return size * count;
}

static void curl_start(CURLM *multi, CURL *easy)
{
	char address[64];

	snprintf(address, sizeof(address), "http://127.0.0.1:%u/", ntohs(server.sin_port));
	curl_easy_setopt(easy, CURLOPT_URL, address);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_drop);
	if (curl_multi_add_handle(multi, easy) != CURLM_OK)
		die("libcurl", "cannot add a transfer");
}

static void curl_finish(CURLM *multi)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(multi, &left))) {
		CURL *easy = message->easy_handle;

		if (message->data.result != CURLE_OK)
			die("libcurl", curl_easy_strerror(message->data.result));
		done++;
		curl_multi_remove_handle(multi, easy);
		curl_start(multi, easy);
	}
}

static void curl_run(void)
{
	CURL *easy[AT_ONCE];
	CURLM *multi;
	int running;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	multi = curl_multi_init();
	for (int i = 0; i < AT_ONCE; i++) {
		easy[i] = curl_easy_init();
		curl_start(multi, easy[i]);
	}
	while (clock_now() < until) {
		curl_multi_perform(multi, &running);
		curl_finish(multi);
		curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	for (int i = 0; i < AT_ONCE; i++) {
		curl_multi_remove_handle(multi, easy[i]);
		curl_easy_cleanup(easy[i]);
	}
	curl_multi_cleanup(multi);
	curl_global_cleanup();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} ways[] = {{"ours", ours_run}, {"epoll", epoll_run}, {"curl", curl_run}};
	uint64_t began = clock_now();

	if (argc == 4) {
		server.sin_port = htons((uint16_t)atoi(argv[2]));
		server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		until = began + (uint64_t)(atof(argv[3]) * (double)USEC_PER_SEC);
		for (size_t i = 0; i < COUNT(ways); i++) {
			if (strcmp(argv[1], ways[i].name) != 0)
				continue;
			ways[i].run();
			printf("%.0f\n", (double)done * (double)USEC_PER_SEC /
						 (double)(clock_now() - began));
			return 0;
		}
	}
	fputs("usage: probes ours|epoll|curl PORT SECONDS\n", stderr);
	return 2;
}
