// SPDX-License-Identifier: Apache-2.0
#include "user/shim/server.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/shim/exec.h"
#include "user/shim/attach.h"
#include "user/shim/keeper.h"

#define SERVER_FDS_MAX 3

static void client_drop(struct server_client *client)
{
	source_close(&client->source);
	execs_kill_of_client(client->keeper, client->number);
	attach_drop(client->keeper, client->number, 0);
	client->number = 0;
}

static void client_ready(struct source *source)
{
	/* Not on the stack: untouched pages of it cost nothing. */
	static char message[SHIMWIRE_MESSAGE_MAX];
	struct server_client *client = CONTAINER_OF(source, struct server_client, source);
	ssize_t n = recv(source->fd, message, sizeof(message), MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_drop(client);
		return;
	}
	keeper_request(client->keeper, client->number, message, (size_t)n);
}

static int client_add(struct keeper *keeper, int fd, struct err *err)
{
	for (size_t i = 0; i < SERVER_CLIENTS_MAX; i++) {
		struct server_client *client = &keeper->server.clients[i];
		int r;

		if (client->number)
			continue;
		r = source_add(&keeper->reactor, &client->source, fd, client_ready, err);
		if (r == 0)
			client->number = ++keeper->server.numbers;
		return r;
	}
	close(fd);
	return err_refuse(err, EUSERS, "%d clients are connected already", SERVER_CLIENTS_MAX);
}

static bool peer_is_trusted(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

/* A stranger or one too many just sees the end of its connection. */
static void listener_ready(struct source *source)
{
	struct server *server = CONTAINER_OF(source, struct server, listener);
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (!peer_is_trusted(fd))
		close(fd);
	else
		client_add(server->clients[0].keeper, fd, NULL);
}

/* A path in the kernel's table of our descriptors is short, however deep the directory lies. */
static int socket_bind(int dir_fd, struct err *err)
{
	AUTO_FD fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t mask;
	int r;

	if (fd < 0)
		return err_set(err, errno, "make a socket");
	if (unlinkat(dir_fd, SHIMWIRE_SOCKET, 0) < 0 && errno != ENOENT)
		return err_set(err, errno, "remove the old socket");
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir_fd,
		SHIMWIRE_SOCKET);
	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (r < 0)
		return err_set(err, -r, "bind '%s'", SHIMWIRE_SOCKET);
	if (listen(fd, SERVER_CLIENTS_MAX) < 0)
		return err_set(err, errno, "listen on '%s'", SHIMWIRE_SOCKET);
	return take_fd(&fd);
}

int server_open(struct keeper *keeper, const char *dir, struct err *err)
{
	AUTO_FD dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;

	for (size_t i = 0; i < SERVER_CLIENTS_MAX; i++)
		keeper->server.clients[i] =
			(struct server_client){.keeper = keeper, .source.fd = -1};
	if (dir_fd < 0)
		return err_set(err, errno, "open '%s'", dir);
	fd = socket_bind(dir_fd, err);
	if (fd < 0)
		return err_wrap(err, "socket in '%s'", dir);
	return source_add(&keeper->reactor, &keeper->server.listener, fd, listener_ready, err);
}

int server_adopt(struct keeper *keeper, int fd, struct err *err)
{
	return client_add(keeper, fd, err);
}

void server_close(struct keeper *keeper)
{
	char path[SHIMWIRE_PATH_MAX + sizeof(SHIMWIRE_SOCKET) + 1];

	snprintf(path, sizeof(path), "%s/%s", keeper->options.dir, SHIMWIRE_SOCKET);
	unlink(path);
	source_close(&keeper->server.listener);
	for (size_t i = 0; i < SERVER_CLIENTS_MAX; i++)
		source_close(&keeper->server.clients[i].source);
}

static void client_send(struct server_client *client, const void *message, size_t size,
	const int *fds, size_t fd_count)
{
	union {
		char space[CMSG_SPACE(SERVER_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec piece = {(void *)message, size};
	struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};

	if (fd_count) {
		struct cmsghdr *c;

		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
	}
	if (sendmsg(client->source.fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		client_drop(client);
}

void server_event(struct keeper *keeper, uint32_t client, const void *message, size_t size)
{
	for (size_t i = 0; i < SERVER_CLIENTS_MAX; i++) {
		struct server_client *one = &keeper->server.clients[i];

		if (one->number && (client == 0 || one->number == client))
			client_send(one, message, size, NULL, 0);
	}
}

void server_answer(struct keeper *keeper, struct origin origin, struct shimwire_answer *answer,
	size_t size, const int *fds, size_t fd_count)
{
	answer->header.seq = origin.seq;
	answer->header.type = SHIMWIRE_ANSWER;
	for (size_t i = 0; i < SERVER_CLIENTS_MAX; i++) {
		struct server_client *client = &keeper->server.clients[i];

		if (origin.client && client->number == origin.client)
			client_send(client, answer, size, fds, fd_count);
	}
}

void server_done(struct keeper *keeper, struct origin origin)
{
	struct shimwire_answer answer = {0};

	server_answer(keeper, origin, &answer, sizeof(answer), NULL, 0);
}

void server_fail(struct keeper *keeper, struct origin origin, int result, const char *reason)
{
	struct shimwire_answer answer = {.header.result = result};

	snprintf(answer.reason, sizeof(answer.reason), "%s", reason);
	server_answer(keeper, origin, &answer, sizeof(answer), NULL, 0);
}
