// SPDX-License-Identifier: Apache-2.0
#include "user/node/shim.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/node/shim-wire.h"

#define SHIM_FDS_MAX 3

/* Removes the request @seq from the table; NULL when there is none.  The caller frees it. */
static struct shim_pending *pending_take(struct shim *shim, __u32 seq)
{
	struct shim_pending **link = &shim->pending, *found;

	while (*link && (*link)->seq != seq)
		link = &(*link)->next;
	found = *link;
	if (found)
		*link = found->next;
	return found;
}

static void pending_add(struct shim *shim, struct shim_pending *pending)
{
	pending->next = shim->pending;
	shim->pending = pending;
}

void shim_pending_drop(struct shim *shim, __u32 seq)
{
	free(pending_take(shim, seq));
}

static void shim_destroy(struct shim *shim)
{
	shim->source = source_free(shim->source);
	close_fd(&shim->fd);
	while (shim->pending)
		free(pending_take(shim, shim->pending->seq));
	free(shim);
}

struct shim *shim_free(struct shim *shim)
{
	if (!shim)
		return NULL;
	shim->freed = true;
	if (!shim->depth)
		shim_destroy(shim);
	return NULL;
}

pid_t shim_pid(const struct shim *shim)
{
	return shim->pid;
}

int shim_send(struct shim *shim, void *message, size_t size, __u32 type,
	const struct shim_pending *pending)
{
	struct shimwire_header *header = message;
	struct shim_pending *waiting;

	if (shim->fd < 0)
		return -EPIPE;
	waiting = malloc(sizeof(*waiting));
	if (!waiting)
		return -ENOMEM;
	*waiting = *pending;
	/* 0 is for events. */
	if (++shim->seq == 0)
		shim->seq = 1;
	*header = (struct shimwire_header){.seq = shim->seq, .type = type};
	if (send(shim->fd, message, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		free(waiting);
		return -errno;
	}
	waiting->seq = shim->seq;
	pending_add(shim, waiting);
	return 0;
}

static void container_decode(const struct shimwire_container *wire, struct shim_container *ret)
{
	*ret = (struct shim_container){
		.state = wire->state == SHIMWIRE_ENDED	   ? SHIM_EXITED
			 : wire->state == SHIMWIRE_RUNNING ? SHIM_RUNNING
							   : SHIM_CREATED,
		.pid = (pid_t)wire->pid,
		.started_wall = wire->started_wall,
		.started_mono = wire->started_mono,
		.exit =
			{
				.code = wire->code,
				.signal = (int)wire->signal,
				.oom = wire->oom,
				.started_wall = wire->started_wall,
				.finished_wall = wire->finished_wall,
			},
	};
	snprintf(ret->id, sizeof(ret->id), "%.*s", SHIM_ID_MAX - 1, wire->id);
	snprintf(ret->exit.id, sizeof(ret->exit.id), "%.*s", SHIM_ID_MAX - 1, wire->id);
}

/* An older shim's items may be shorter, a newer one's longer than ours. */
static int list_decode(const char *message, size_t size, const struct shimwire_answer *answer,
	struct shim_container **ret)
{
	size_t item = answer->item_size, known = sizeof(struct shimwire_container);
	struct shim_container *list;

	if (answer->count > SHIMWIRE_CONTAINERS || item > SHIMWIRE_MESSAGE_MAX ||
		answer->item_offset > size || answer->count * item > size - answer->item_offset)
		return -EBADMSG;
	list = calloc(answer->count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (__u32 i = 0; i < answer->count; i++) {
		struct shimwire_container wire = {0};

		memcpy(&wire, message + answer->item_offset + i * item,
			item < known ? item : known);
		container_decode(&wire, &list[i]);
	}
	*ret = list;
	return 0;
}

static void finish_list(const struct shim_pending *pending, const char *message, size_t size,
	const struct shimwire_answer *answer)
{
	AUTO_FREE struct shim_container *list = NULL;
	int r = answer->header.result;

	if (r == 0)
		r = list_decode(message, size, answer, &list);
	pending->fn.listed(
		pending->userdata, r, (pid_t)answer->pause_pid, list, r == 0 ? answer->count : 0);
}

/* Adopting goes on with the list. */
static void finish_adopt(
	struct shim *shim, const struct shim_pending *pending, const struct shimwire_answer *answer)
{
	struct shimwire_header list;
	struct shim_pending next = *pending;
	int r = answer->header.result;

	next.kind = SHIM_PENDING_LIST;
	if (r == 0)
		r = shim_send(shim, &list, sizeof(list), SHIMWIRE_LIST, &next);
	if (r < 0)
		pending->fn.listed(pending->userdata, r, 0, NULL, 0);
}

/* True when @pending stays in the table, because the end of the process is still to come. */
static bool finish_exec(struct shim *shim, struct shim_pending *pending,
	const struct shimwire_answer *answer, int fds[SHIM_FDS_MAX])
{
	const struct shim_exec_events *events = &pending->fn.exec;
	bool terminal;

	if (answer->header.result < 0) {
		events->ended(events->userdata, answer->header.result, answer->reason);
		return false;
	}
	/* An older shim knows no terminals. */
	terminal = fds[0] >= 0 && isatty(fds[0]);
	if (fds[0] < 0 || (fds[1] < 0 && !terminal)) {
		events->ended(events->userdata, -EBADMSG, "the shim sent no pipes");
		return false;
	}
	pending->kind = SHIM_PENDING_RUNNING;
	pending_add(shim, pending);
	if (terminal)
		events->started(events->userdata, take_fd(&fds[1]), take_fd(&fds[0]), -1);
	else
		events->started(
			events->userdata, take_fd(&fds[2]), take_fd(&fds[0]), take_fd(&fds[1]));
	return true;
}

static void shim_disconnect(struct shim *shim)
{
	shim->source = source_free(shim->source);
	close_fd(&shim->fd);
}

/* The shim has made the sandbox, or it is about to exit. */
static void finish_hello(
	struct shim *shim, const struct shim_pending *pending, const struct shimwire_answer *answer)
{
	shim->pid = (pid_t)answer->shim_pid;
	if (answer->header.result < 0)
		shim_disconnect(shim);
	pending->fn.ready(
		pending->userdata, answer->header.result, (pid_t)answer->pause_pid, answer->reason);
}

static void shim_answered(struct shim *shim, const char *message, size_t size,
	const struct shimwire_answer *answer, int fds[SHIM_FDS_MAX])
{
	struct shim_pending *pending = pending_take(shim, answer->header.seq);
	bool keep = false;

	if (!pending)
		return;
	switch (pending->kind) {
	case SHIM_PENDING_HELLO: finish_hello(shim, pending, answer); break;
	case SHIM_PENDING_ADOPT: finish_adopt(shim, pending, answer); break;
	case SHIM_PENDING_LIST: finish_list(pending, message, size, answer); break;
	case SHIM_PENDING_CREATED:
		pending->fn.created(pending->userdata, answer->header.result, (pid_t)answer->pid,
			answer->reason);
		break;
	case SHIM_PENDING_DONE:
		if (pending->fn.done)
			pending->fn.done(pending->userdata, answer->header.result, answer->reason);
		break;
	case SHIM_PENDING_EXEC: keep = finish_exec(shim, pending, answer, fds); break;
	case SHIM_PENDING_RUNNING: /* was answered; its end is an event */
		pending_add(shim, pending);
		keep = true;
		break;
	}
	if (!keep)
		free(pending);
}

static void exec_ended(struct shim *shim, const struct shimwire_exec_ended *event)
{
	struct shim_pending *pending = pending_take(shim, event->exec);

	if (!pending)
		return;
	if (pending->kind != SHIM_PENDING_RUNNING) {
		pending_add(shim, pending); /* something else still waits for its answer */
		return;
	}
	pending->fn.exec.ended(pending->fn.exec.userdata, event->code, event->reason);
	free(pending);
}

static void container_exited(struct shim *shim, const struct shimwire_exited *event)
{
	struct shim_container container;

	container_decode(&event->container, &container);
	if (shim->events.exited)
		shim->events.exited(shim->events.userdata, &container.exit);
}

/* Copies what both sides know; the rest of @ret is zero, and its last string terminated. */
static void message_copy(void *ret, size_t want, const char *message, size_t size)
{
	memset(ret, 0, want);
	memcpy(ret, message, size < want ? size : want);
}

static void shim_message(struct shim *shim, const char *message, size_t size, int fds[SHIM_FDS_MAX])
{
	union {
		struct shimwire_header header;
		struct shimwire_answer answer;
		struct shimwire_exited exited;
		struct shimwire_exec_ended ended;
	} u;

	message_copy(&u, sizeof(u), message, size);
	switch (u.header.type) {
	case SHIMWIRE_ANSWER:
		u.answer.reason[sizeof(u.answer.reason) - 1] = '\0';
		if (u.answer.header.result > 0) /* is neither success nor failure */
			u.answer.header.result = -EBADMSG;
		shim_answered(shim, message, size, &u.answer, fds);
		break;
	case SHIMWIRE_EXITED: container_exited(shim, &u.exited); break;
	case SHIMWIRE_EXEC_ENDED:
		u.ended.reason[sizeof(u.ended.reason) - 1] = '\0';
		exec_ended(shim, &u.ended);
		break;
	}
}

static void pending_fail(const struct shim_pending *pending)
{
	static const char reason[] = "podnet-shim is gone";

	switch (pending->kind) {
	case SHIM_PENDING_HELLO: pending->fn.ready(pending->userdata, -EPIPE, 0, reason); break;
	case SHIM_PENDING_ADOPT:
	case SHIM_PENDING_LIST: pending->fn.listed(pending->userdata, -EPIPE, 0, NULL, 0); break;
	case SHIM_PENDING_CREATED: pending->fn.created(pending->userdata, -EPIPE, 0, reason); break;
	case SHIM_PENDING_DONE:
		if (pending->fn.done)
			pending->fn.done(pending->userdata, -EPIPE, reason);
		break;
	case SHIM_PENDING_EXEC:
	case SHIM_PENDING_RUNNING:
		pending->fn.exec.ended(pending->fn.exec.userdata, -EPIPE, reason);
		break;
	}
}

/* Answers all who wait, then says so; who waits for the start hears it only once. */
static void shim_lose(struct shim *shim)
{
	bool starting = false;

	shim_disconnect(shim);
	while (!shim->freed && shim->pending) {
		struct shim_pending *pending = pending_take(shim, shim->pending->seq);

		starting |= pending->kind <= SHIM_PENDING_LIST;
		pending_fail(pending);
		free(pending);
	}
	if (!shim->freed && !starting && shim->events.lost)
		shim->events.lost(shim->events.userdata);
}

/* The descriptors of a message, -1 where there are fewer; more than we know are closed.  (The kernel fills the
 * padding of a control buffer, too.) */
static void fds_take(struct msghdr *header, int fds[SHIM_FDS_MAX])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(header);
	size_t count;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return;
	count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
		if (i < SHIM_FDS_MAX)
			fds[i] = fd;
		else
			close(fd);
	}
}

static int shim_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	/* One loop, one thread: a buffer for all shims. */
	static char message[SHIMWIRE_MESSAGE_MAX];
	union {
		char space[CMSG_SPACE(SHIM_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec piece = {message, sizeof(message)};
	struct msghdr header = {.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	struct shim *shim = userdata;
	int fds[SHIM_FDS_MAX] = {-1, -1, -1};
	ssize_t n = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	(void)source;
	(void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	shim->depth++;
	if (n > 0) {
		fds_take(&header, fds);
		shim_message(shim, message, (size_t)n, fds);
		for (int i = 0; i < SHIM_FDS_MAX; i++)
			close_fd(&fds[i]);
	} else {
		shim_lose(shim);
	}
	if (--shim->depth == 0 && shim->freed)
		shim_destroy(shim);
	return 0;
}

int shim_new(sd_event *loop, int fd, const struct shim_events *events, struct shim **ret,
	struct err *err)
{
	struct shim *shim = calloc(1, sizeof(*shim));
	int r;

	if (!shim) {
		close(fd);
		return err_set(err, ENOMEM, "connect to podnet-shim");
	}
	shim->fd = fd;
	shim->events = *events;
	r = sd_event_add_io(loop, &shim->source, fd, EPOLLIN, shim_readable, shim);
	if (r < 0) {
		shim_destroy(shim);
		return err_set(err, -r, "watch podnet-shim");
	}
	*ret = shim;
	return 0;
}
