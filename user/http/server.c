// SPDX-License-Identifier: Apache-2.0
#include "user/http/server.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/base/pollset.h"
#include "user/http/exchange.h"

#define ACCEPT_BATCH 16
#define ACCEPT_PAUSE USEC_PER_SEC /* when descriptors or memory are out */

struct http_server {
	sd_event *loop;
	int listen_fd;
	sd_event_source *source;
	struct timer *pause;
	struct http_server_config config;
	unsigned connections;
	struct pollset *set; /* of the exchanges */
	struct http_exchange *exchanges;
	struct server_guest *guests;
};

static void server_take(struct http_server *server, int fd)
{
	if (server->connections >= server->config.max_connections ||
		exchange_new(server, server->loop, server->set, fd, &server->exchanges) < 0) {
		close(fd);
		return;
	}
	server->connections++;
}

static int server_accept(sd_event_source *source, int listen_fd, uint32_t events, void *userdata)
{
	struct http_server *server = userdata;

	(void)events;
	for (unsigned i = 0; i < ACCEPT_BATCH; i++) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			server_take(server, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			/* Else the waiting client would keep the loop turning. */
			sd_event_source_set_enabled(source, SD_EVENT_OFF);
			timer_arm(server->pause, clock_now() + ACCEPT_PAUSE);
		}
		break;
	}
	return 0;
}

static void server_go_on(void *userdata)
{
	struct http_server *server = userdata;

	/* Memory may still be out: a listener that nobody looks at would be the end. */
	if (sd_event_source_set_enabled(server->source, SD_EVENT_ON) < 0)
		timer_arm(server->pause, clock_now() + ACCEPT_PAUSE);
}

int http_server_new(sd_event *loop, int listen_fd, const struct http_server_config *config,
	struct http_server **ret, struct err *err)
{
	struct http_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return err_set(err, ENOMEM, "start an HTTP server");
	server->loop = loop;
	server->listen_fd = -1;
	server->config = *config;
	if (server->config.max_connections == 0)
		server->config.max_connections = HTTP_MAX_CONNECTIONS;
	if (server->config.answer_patience == 0)
		server->config.answer_patience = HTTP_ANSWER_PATIENCE;
	if (server->config.max_body == 0)
		server->config.max_body = HTTP_MAX_BODY;
	r = timer_new(loop, server_go_on, server, &server->pause, err);
	if (r >= 0)
		r = pollset_new(loop, &server->set, err);
	if (r >= 0) {
		r = sd_event_add_io(
			loop, &server->source, listen_fd, EPOLLIN, server_accept, server);
		if (r < 0)
			err_set(err, -r, "watch the listening socket");
	}
	if (r < 0) {
		http_server_free(server);
		return r;
	}
	server->listen_fd = listen_fd;
	*ret = server;
	return 0;
}

struct http_server *http_server_free(struct http_server *server)
{
	if (!server)
		return NULL;
	while (server->guests)
		server->guests->end(server->guests);
	while (server->exchanges)
		exchange_free(server->exchanges);
	pollset_free(server->set);
	source_free(server->source);
	timer_free(server->pause);
	cleanup_fd(&server->listen_fd);
	free(server);
	return NULL;
}

const struct http_server_config *server_config(const struct http_server *server)
{
	return &server->config;
}

void server_released(void *userdata)
{
	struct http_server *server = userdata;

	server->connections--;
}

void server_guest_add(struct http_server *server, struct server_guest *guest)
{
	guest->next = server->guests;
	guest->link = &server->guests;
	if (guest->next)
		guest->next->link = &guest->next;
	server->guests = guest;
}

void server_guest_remove(struct http_server *server, struct server_guest *guest)
{
	*guest->link = guest->next;
	if (guest->next)
		guest->next->link = guest->link;
	server_released(server);
}
