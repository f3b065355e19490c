// SPDX-License-Identifier: Apache-2.0
#include "user/shim/attach.h"

#include <fcntl.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/shim/child.h"
#include "user/shim/container.h"
#include "user/shim/keeper.h"

#define PIPE_BYTES (1 << 20) /* where the kernel gives so much */

struct attach {
	struct attach *next;
	struct origin origin;
	int out_fd, err_fd;
};

static void attach_free(struct container *container, struct attach *attach)
{
	struct attach **link = &container->attaches;

	while (*link != attach)
		link = &(*link)->next;
	*link = attach->next;
	close_fd(&attach->out_fd);
	close_fd(&attach->err_fd);
	free(attach);
}

static size_t attach_count(const struct container *container)
{
	size_t n = 0;

	for (const struct attach *attach = container->attaches; attach; attach = attach->next)
		n++;
	return n;
}

/* Both ends are non-blocking: the writing one so that the container never waits. */
static int attach_pipe(int ret_fds[2])
{
	int r = child_pipe(ret_fds, 0);

	if (r == 0 && fcntl(ret_fds[1], F_SETFL, O_NONBLOCK) < 0)
		r = -errno;
	if (r == 0)
		fcntl(ret_fds[1], F_SETPIPE_SZ, PIPE_BYTES);
	return r;
}

static int attach_add(struct container *container, struct origin origin, bool with_stdin)
{
	struct attach *attach = calloc(1, sizeof(*attach));
	struct shimwire_answer answer = {.pid = (uint32_t)container->pid};
	int out[2] = {-1, -1}, err[2] = {-1, -1};
	bool speaks = with_stdin && container->in_fd >= 0;
	int r = attach ? attach_pipe(out) : -ENOMEM;

	if (r == 0)
		r = attach_pipe(err);
	if (r == 0) {
		int fds[3] = {out[0], err[0], container->in_fd};

		*attach = (struct attach){
			container->attaches, origin, take_fd(&out[1]), take_fd(&err[1])};
		container->attaches = take_ptr(attach);
		server_answer(
			container->keeper, origin, &answer, sizeof(answer), fds, speaks ? 3 : 2);
		if (speaks && container->stdin_once)
			close_fd(&container->in_fd);
	}
	for (int i = 0; i < 2; i++) {
		close_fd(&out[i]);
		close_fd(&err[i]);
	}
	free(attach);
	return r;
}

void attach_start(
	struct keeper *keeper, struct origin origin, const struct shimwire_attach *request)
{
	struct container *container = container_find(keeper, request->id);
	int r;

	if (!container || !container->pid || container->state != CONTAINER_RUNNING) {
		server_fail(keeper, origin, -ESRCH, "the container does not run");
		return;
	}
	if (attach_count(container) == ATTACH_MOST) {
		server_fail(keeper, origin, -EAGAIN, "too many are attached to the container");
		return;
	}
	r = attach_add(container, origin, request->flags & SHIMWIRE_EXEC_STDIN);
	if (r < 0)
		server_fail(keeper, origin, r, "make the pipes");
}

void attach_feed(const struct container *container, bool is_err, const char *data, size_t len)
{
	for (const struct attach *attach = container->attaches; attach; attach = attach->next)
		if (write(is_err ? attach->err_fd : attach->out_fd, data, len) < 0)
			continue; /* the log has it */
}

void attach_end_all(struct container *container)
{
	while (container->attaches) {
		struct attach *attach = container->attaches;
		struct shimwire_exec_ended event = {
			.header.type = SHIMWIRE_EXEC_ENDED, .exec = attach->origin.seq};

		server_event(container->keeper, attach->origin.client, &event, sizeof(event));
		attach_free(container, attach);
	}
}

void attach_drop(struct keeper *keeper, uint32_t client, uint32_t number)
{
	for (struct container *c = keeper->containers; c; c = c->next)
		for (struct attach *attach = c->attaches, *next; attach; attach = next) {
			next = attach->next;
			if (attach->origin.client == client &&
				(!number || attach->origin.seq == number))
				attach_free(c, attach);
		}
}
