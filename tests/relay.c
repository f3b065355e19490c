// SPDX-License-Identifier: Apache-2.0
#include "tests/relay.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/etcd.h"
#include "user/base/cleanup.h"
#include "user/base/loop.h"

#define LINKS  64
#define LETTER (64u << 10)

/* One connection through the relay. */
struct link {
	struct relay *relay;
	int client, server; /* -1: closed */
	sd_event_source *from_client, *from_server;
	enum fault fault; /* of the request under way */
};

static void link_close(struct link *link)
{
	link->from_client = source_free(link->from_client);
	link->from_server = source_free(link->from_server);
	close_fd(&link->client);
	close_fd(&link->server);
}

static int upstream(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)atoi(strrchr(etcd_url(), ':') + 1))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		BAIL("connect to etcd");
	return fd;
}

static void send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		data += n;
		len -= (size_t)n;
	}
}

void relay_deliver_late(struct relay *relay)
{
	char answer[4096];
	int fd;

	if (!relay->late)
		return;
	fd = upstream();
	send_all(fd, relay->late, relay->late_len);
	CHECK("etcd has had it", recv(fd, answer, sizeof(answer), 0) > 0);
	close(fd);
	free(take_ptr(relay->late));
}

static enum fault relay_fault(struct relay *relay, const char *data, size_t len)
{
	static const char txn[] = "POST /v3/kv/txn ";

	if (!relay->faults || len < strlen(txn) || strncmp(data, txn, strlen(txn)) != 0)
		return FAULT_NONE;
	return relay->faults[relay->fault_at++ % relay->fault_count];
}

static int link_from_client(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	static char data[LETTER];
	struct link *link = userdata;
	struct relay *relay = link->relay;
	ssize_t n = recv(fd, data, sizeof(data), 0);

	(void)source;
	(void)events;
	if (n <= 0) {
		link_close(link);
		return 0;
	}
	link->fault = relay_fault(relay, data, (size_t)n);
	if (link->fault == FAULT_NONE || link->fault == FAULT_ANSWER) {
		send_all(link->server, data, (size_t)n);
		return 0;
	}
	relay->lost++;
	if (link->fault == FAULT_LATE && !relay->late) {
		relay->late = malloc((size_t)n);
		if (!relay->late)
			BAIL("memory");
		memcpy(relay->late, data, (size_t)n);
		relay->late_len = (size_t)n;
	}
	link_close(link);
	return 0;
}

static int link_from_server(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	static char data[LETTER];
	struct link *link = userdata;
	ssize_t n = recv(fd, data, sizeof(data), 0);

	(void)source;
	(void)events;
	if (n > 0 && link->fault != FAULT_ANSWER) {
		send_all(link->client, data, (size_t)n);
		return 0;
	}
	link->relay->lost += link->fault == FAULT_ANSWER;
	link_close(link);
	return 0;
}

static int relay_accept(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct relay *relay = userdata;
	struct link *link = relay->links;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	(void)source;
	(void)events;
	if (relay->down) {
		close(client);
		return 0;
	}
	while (link < relay->links + LINKS && link->client >= 0)
		link++;
	if (link == relay->links + LINKS)
		BAIL("more connections than a store should have");
	*link = (struct link){.relay = relay, .client = client, .server = upstream()};
	sd_event_add_io(relay->loop, &link->from_client, client, EPOLLIN, link_from_client, link);
	sd_event_add_io(
		relay->loop, &link->from_server, link->server, EPOLLIN, link_from_server, link);
	return 0;
}

void relay_start(struct relay *relay, sd_event *loop)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	*relay = (struct relay){.loop = loop, .links = calloc(LINKS, sizeof(struct link))};
	if (!relay->links)
		BAIL("memory");
	for (size_t i = 0; i < LINKS; i++)
		relay->links[i].client = relay->links[i].server = -1;
	relay->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(relay->fd, (struct sockaddr *)&address, len) < 0 || listen(relay->fd, 64) < 0 ||
		getsockname(relay->fd, (struct sockaddr *)&address, &len) < 0 ||
		sd_event_add_io(loop, &relay->source, relay->fd, EPOLLIN, relay_accept, relay) < 0)
		BAIL("a relay");
	snprintf(relay->url, sizeof(relay->url), "http://127.0.0.1:%u", ntohs(address.sin_port));
}

void relay_cut(struct relay *relay)
{
	for (size_t i = 0; i < LINKS; i++)
		link_close(&relay->links[i]);
}

void relay_stop(struct relay *relay)
{
	relay_cut(relay);
	source_free(relay->source);
	close(relay->fd);
	free(relay->late);
	free(relay->links);
}
