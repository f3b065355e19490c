// SPDX-License-Identifier: Apache-2.0
#include "user/probe/attempt.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/net/netns.h"

static int attempt_socket(int netns_fd, int *ret_fd, struct err *err)
{
	static const struct linger reset = {.l_onoff = 1, .l_linger = 0};
	AUTO_NETNS token = NETNS_OUTSIDE;
	AUTO_FD fd = -1;

	if (netns_fd >= 0) {
		int r = netns_enter(netns_fd, &token, err);

		if (r < 0)
			return r;
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, errno, "make a socket for the probe");
	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
		return err_set(err, errno, "set SO_LINGER");
	*ret_fd = take_fd(&fd);
	return 0;
}

int attempt_connect(sd_event *loop, const struct attempt_target *target,
	sd_event_io_handler_t ready, void *userdata, int *ret_fd, sd_event_source **ret_source,
	int *ret_error, struct err *err)
{
	AUTO_FD fd = -1;
	int error = 0;
	int r = attempt_socket(target->netns_fd, &fd, err);

	if (r < 0)
		return r;
	/* A refusal at once is still reported from the loop: the unconnected socket polls as hung up. */
	if (connect(fd, (const struct sockaddr *)&target->address, sizeof(target->address)) < 0 &&
		errno != EINPROGRESS)
		error = errno;
	r = sd_event_add_io(loop, ret_source, fd, EPOLLOUT, ready, userdata);
	if (r < 0)
		return err_set(err, -r, "watch the probe's socket");
	*ret_fd = take_fd(&fd);
	*ret_error = error;
	return 0;
}

int attempt_connect_result(int fd, int error)
{
	socklen_t len = sizeof(error);

	if (error)
		return error;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? errno : error;
}

void address_text(const struct sockaddr_in *address, char ret[ADDRESS_TEXT_MAX])
{
	char ip[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &address->sin_addr, ip, sizeof(ip));
	snprintf(ret, ADDRESS_TEXT_MAX, "%s:%u", ip, ntohs(address->sin_port));
}

const char *attempt_error_text(int error, char *buffer, size_t size)
{
	snprintf(buffer, size, "%s", strerror(error));
	buffer[0] = (char)tolower((unsigned char)buffer[0]);
	return buffer;
}
