// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/http/address.h"
#include "user/http/server.h"
#include "user/http/sockopt.h"

#define BACKLOG 128

static int unix_address(const char *path, struct sockaddr_un *ret, struct err *err)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(ret->sun_path))
		return err_refuse(err, ENAMETOOLONG, "socket path '%s' is too long", path);
	strcpy(ret->sun_path, path);
	return 0;
}

/* Removes the socket of a dead server.  -EADDRINUSE when a living one answers. */
static int unix_clear(const struct sockaddr_un *address, struct err *err)
{
	AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_set(err, errno, "make a socket");
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		return err_refuse(
			err, EADDRINUSE, "somebody answers at '%s' already", address->sun_path);
	if (errno == ECONNREFUSED && unlink(address->sun_path) < 0 && errno != ENOENT)
		return err_set(err, errno, "remove the old socket '%s'", address->sun_path);
	return 0;
}

int http_listen_unix(const char *path, mode_t mode, int *ret_fd, struct err *err)
{
	struct sockaddr_un address;
	AUTO_FD fd = -1;
	mode_t mask;
	int r = unix_address(path, &address, err);

	if (r >= 0)
		r = unix_clear(&address, err);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, errno, "make a socket");
	/* The mode must hold from the first moment on: a chmod afterwards would leave a gap. */
	mask = umask(~mode & 0777);
	r = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (r < 0)
		return err_set(err, -r, "bind '%s'", path);
	if (listen(fd, BACKLOG) < 0)
		return err_set(err, errno, "listen at '%s'", path);
	*ret_fd = take_fd(&fd);
	return 0;
}

/* Connections inherit these.  A peer that has gone without a word is found out. */
static int tcp_options(int fd)
{
	static const struct socket_option options[] = {
		{SOL_SOCKET, SO_REUSEADDR, 1},
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, 30},
		{IPPROTO_TCP, TCP_KEEPINTVL, 10},
		{IPPROTO_TCP, TCP_KEEPCNT, 3},
		{IPPROTO_TCP, TCP_NODELAY, 1},
	};

	return socket_options_set(fd, options, COUNT(options));
}

int http_listen_tcp(const char *text, int *ret_fd, struct err *err)
{
	struct http_address address;
	struct sockaddr_storage where;
	socklen_t len;
	AUTO_FD fd = -1;
	int r = http_address_parse(text, &address, err);

	if (r == 0)
		r = http_address_resolve(&address, &where, &len, err);
	if (r < 0)
		return r;
	fd = socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, errno, "make a socket");
	r = tcp_options(fd);
	if (r < 0)
		return err_set(err, -r, "set up the socket for '%s'", text);
	if (bind(fd, (struct sockaddr *)&where, len) < 0 || listen(fd, BACKLOG) < 0)
		return err_set(err, errno, "listen at '%s'", text);
	*ret_fd = take_fd(&fd);
	return 0;
}
