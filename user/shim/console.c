// SPDX-License-Identifier: Apache-2.0
#include "user/shim/console.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/shim/container.h"
#include "user/shim/keeper.h"
#include "user/shim/output.h"

/* The descriptor in one message; -1: there was none. */
static int descriptor_receive(int fd)
{
	char text[256];
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec piece = {text, sizeof(text)};
	struct msghdr header = {.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *c;
	int got = -1;

	if (recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return -1;
	c = CMSG_FIRSTHDR(&header);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&got, CMSG_DATA(c), sizeof(got));
	return got;
}

/* A failure here shows as a container without output: its runtime goes on. */
static void master_ready(struct source *source)
{
	struct container *container = CONTAINER_OF(source, struct container, console);
	int master = descriptor_receive(source->fd);

	source_close(source);
	if (master < 0)
		return;
	fcntl(master, F_SETFL, O_NONBLOCK);
	if (container->speaks)
		container->in_fd = fcntl(master, F_DUPFD_CLOEXEC, 0);
	output_watch(&container->keeper->reactor, &container->out, master, NULL);
}

static void console_ready(struct source *source)
{
	struct container *container = CONTAINER_OF(source, struct container, console);
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	source_close(source);
	source_add(&container->keeper->reactor, source, fd, master_ready, NULL);
}

/* The bundle's path may be longer than a socket's can be. */
static int console_bind(const char *bundle, int *ret, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	AUTO_FD dir = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD fd = -1;

	if (dir < 0)
		return err_set(err, errno, "open '%s'", bundle);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, errno, "make a socket");
	unlinkat(dir, CONSOLE_NAME, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir,
		CONSOLE_NAME);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
		return err_set(err, errno, "listen for the terminal in '%s'", bundle);
	*ret = take_fd(&fd);
	return 0;
}

int console_open(struct container *container, const char *bundle, struct err *err)
{
	int fd = -1, r = console_bind(bundle, &fd, err);

	return r < 0 ? r
		     : source_add(&container->keeper->reactor, &container->console, fd,
			       console_ready, err);
}

void console_close(struct container *container)
{
	source_close(&container->console);
}
