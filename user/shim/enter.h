/* SPDX-License-Identifier: Apache-2.0 */
/* The child's side of exec: from a fork of the shim to a process of the container. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct container;
struct hierarchies;

struct enter {
	const struct hierarchies *hierarchies;
	const char *cgroup; /* made; to be joined */
	int init_fd;	    /* pidfd of the container's init */
	int namespaces;	    /* CLONE_NEW* to join; the pid namespace is joined by the fork */
	int profile_fd;
	int in_fd, out_fd, err_fd; /* in_fd -1: /dev/null */
	bool tty;		   /* the three are a terminal, which it gets for its own */
	int report_fd;		   /* gets a struct err when set-up fails; CLOEXEC */
	char *const *argv;
};

/* The namespaces of @pid that differ from ours; or -errno. */
int enter_namespaces(pid_t pid);

/* Becomes argv in the container.  On failure exits: 127 not found, 126 not executable (with a line
 * on stderr), else 1 after a report. */
void enter_run(const struct enter *enter) __attribute__((noreturn));
