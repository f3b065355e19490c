// SPDX-License-Identifier: Apache-2.0
#include "user/net/netns.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "user/base/err.h"

#define LEAVE_TRIES 3

int netns_open(const char *path, int *ret_fd, struct err *err)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return err_set(err, errno, "open netns '%s'", path);
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return err_refuse(err, EINVAL, "'%s' is not a network namespace", path);
	*ret_fd = take_fd(&fd);
	return 0;
}

int netns_enter(int netns_fd, struct netns_token *ret, struct err *err)
{
	AUTO_FD old = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (old < 0)
		return err_set(err, errno, "open '/proc/thread-self/ns/net'");
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		return err_set(err, errno, "enter the network namespace");
	ret->fd = take_fd(&old);
	return 0;
}

int netns_try_leave(struct netns_token *token, struct err *err)
{
	int r = -EAGAIN;

	if (token->fd < 0)
		return 0;
	/* The kernel needs memory to switch: what it lacks now it may have at the next try. */
	for (int i = 0; i < LEAVE_TRIES && r < 0; i++)
		r = setns(token->fd, CLONE_NEWNET) < 0 ? -errno : 0;
	close_fd(&token->fd);
	return r < 0 ? err_set(err, -r, "leave the network namespace") : 0;
}

void netns_leave(struct netns_token *token)
{
	if (netns_try_leave(token, NULL) < 0)
		abort();
}

int netns_is_same(int one_fd, int other_fd, struct err *err)
{
	struct stat one, other;

	if (fstat(one_fd, &one) < 0 || fstat(other_fd, &other) < 0)
		return err_set(err, errno, "stat a network namespace");
	return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}
