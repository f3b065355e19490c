// SPDX-License-Identifier: Apache-2.0
/*
 * UDP sockets that connect(2) has bound to an endpoint that is gone: no packet tells their owners, so
 * they are ended.  It is the kernel's state that says which, not an event: what was missed while
 * podnetd was away is made up for by the first look.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/net/sockets.h"

/* One look into every network namespace of ours, in a thread of its own. */
struct udp_look {
	struct agent *agent;
	size_t ended, count;
	int r; /* of the first failure */
	struct err err;
	int fds[]; /* @count of them; the first is -1: the host */
};

static bool look_socket_ends(
	uint64_t cookie, struct in_addr address, in_port_t port, void *userdata)
{
	const struct agent *agent = userdata;

	return datapath_peer_is_gone(agent->datapath, cookie, address, port);
}

static void look_work(void *arg)
{
	struct udp_look *look = arg;

	for (size_t i = 0; i < look->count; i++) {
		size_t ended;
		struct err err;
		int r = sockets_abort_udp(
			look->fds[i], look_socket_ends, look->agent, &ended, &err);

		look->ended += ended;
		if (r == 0 || look->r < 0)
			continue;
		look->r = r;
		look->err = err;
	}
}

static void look_free(void *arg)
{
	struct udp_look *look = arg;

	for (size_t i = 0; i < look->count; i++)
		close_fd(&look->fds[i]);
	free(look);
}

static void look_done(void *arg)
{
	struct udp_look *look = arg;
	struct agent *agent = look->agent;

	if (look->ended)
		log_info("ended %zu UDP sockets whose endpoints are gone", look->ended);
	if (look->r < 0 && look->r != agent->udp_look_failed)
		log_warning(
			"UDP sockets may stay with endpoints that are gone: %s", look->err.text);
	agent->udp_look_failed = look->r;
	agent->udp_looking = false;
	look_free(look);
	udpsockets_look(agent);
}

static struct udp_look *look_new(struct agent *agent)
{
	struct node_pod *pod = NULL;
	struct udp_look *look;
	size_t room = 1;

	while ((pod = node_pod_next(agent->node, pod)))
		room++;
	look = calloc(1, sizeof(*look) + room * sizeof(look->fds[0]));
	if (!look)
		return NULL;
	look->agent = agent;
	look->fds[look->count++] = -1;
	while ((pod = node_pod_next(agent->node, pod))) {
		int fd = node_pod_netns(pod);

		if (fd >= 0)
			fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (fd >= 0)
			look->fds[look->count++] = fd;
	}
	return look;
}

void udpsockets_look(struct agent *agent)
{
	uint64_t gone = datapath_gone(agent->datapath);
	struct udp_look *look;

	if (agent->udp_looking || gone == agent->udp_gone)
		return;
	look = look_new(agent);
	if (look && worker_post(agent->looker, look_work, look_done, look_free, look) == 0) {
		agent->udp_looking = true;
		agent->udp_gone = gone;
		return;
	}
	if (look)
		look_free(look);
	log_warning("no memory to look for UDP sockets whose endpoints are gone");
}
