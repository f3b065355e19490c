/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network namespaces: open them, and work inside one for a moment.  Entering concerns the calling
 * thread only; sockets made inside stay there after leaving.
 */
#pragma once

#include "user/base/cleanup.h"

struct err;

/* Where the thread came from.  Empty (nothing to restore) when fd is -1. */
struct netns_token {
	int fd;
};

#define NETNS_OUTSIDE ((struct netns_token){.fd = -1})

/* Opens the netns at @path.  On success the caller owns *@ret_fd; -EINVAL when it is none. */
int netns_open(const char *path, int *ret_fd, struct err *err);

/* Moves the thread into @netns_fd.  *@ret remembers the old one and must go to netns_leave. */
int netns_enter(int netns_fd, struct netns_token *ret, struct err *err);

/*
 * Back to where netns_enter came from; an empty token does nothing.  After a failure the thread is
 * still inside: for programs that end with it.
 */
int netns_try_leave(struct netns_token *token, struct err *err);

/*
 * The same for a thread that goes on: it aborts when there is no way back, since every later socket
 * would be made in the wrong namespace, where probes succeed that should fail.
 */
void netns_leave(struct netns_token *token);

/* A token born empty that leaves at the end of its scope: AUTO_NETNS token = NETNS_OUTSIDE; */
#define AUTO_NETNS AUTO_CLEANUP(netns_leave) struct netns_token

/* 1 when both descriptors are the same namespace, 0 when not, or a negative errno. */
int netns_is_same(int one_fd, int other_fd, struct err *err);
