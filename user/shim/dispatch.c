// SPDX-License-Identifier: Apache-2.0
/* From a request to what it asks for. */
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/shim/attach.h"
#include "user/shim/container.h"
#include "user/shim/keeper.h"
#include "user/shim/request.h"

#define SHUTDOWN_USEC (10 * USEC_PER_SEC)

static void answer_hello(
	struct keeper *keeper, struct origin origin, const struct shimwire_hello *hello)
{
	struct shimwire_answer answer = {
		.version = SHIMWIRE_VERSION,
		.shim_pid = (uint32_t)getpid(),
		.pause_pid = (uint32_t)keeper->pause_pid,
	};

	if (hello->version_min > SHIMWIRE_VERSION || hello->version_max < SHIMWIRE_VERSION)
		server_fail(keeper, origin, -EPROTONOSUPPORT, "this shim speaks version 1");
	else
		server_answer(keeper, origin, &answer, sizeof(answer), NULL, 0);
}

static void answer_list(struct keeper *keeper, struct origin origin)
{
	struct {
		struct shimwire_answer answer;
		struct shimwire_container items[];
	} * message;
	size_t size = sizeof(*message) + containers_count(keeper) * sizeof(message->items[0]);
	size_t n = 0;

	message = calloc(1, size);
	if (!message) {
		server_fail(keeper, origin, -ENOMEM, "out of memory");
		return;
	}
	for (struct container *c = keeper->containers; c; c = c->next)
		if (c->state >= CONTAINER_CREATED)
			container_describe(c, &message->items[n++]);
	message->answer.pause_pid = (uint32_t)keeper->pause_pid;
	message->answer.count = (uint32_t)n;
	message->answer.item_offset = sizeof(*message);
	message->answer.item_size = sizeof(message->items[0]);
	server_answer(keeper, origin, &message->answer, size, NULL, 0);
	free(message);
}

static void begin_shutdown(struct keeper *keeper, struct origin origin)
{
	if (keeper->shutdown.client) {
		server_fail(keeper, origin, -EALREADY, "the Pod is being shut down");
		return;
	}
	keeper->shutdown = origin;
	keeper->shutdown_deadline = clock_now() + SHUTDOWN_USEC;
	keeper_shutdown_step(keeper);
}

/* A Pod on its way out takes no new work. */
static bool is_refused(const struct keeper *keeper, const struct request *request)
{
	return keeper->shutdown.client &&
	       (request->header.type == SHIMWIRE_CREATE || request->header.type == SHIMWIRE_START ||
		       request->header.type == SHIMWIRE_EXEC);
}

static void request_run(struct keeper *keeper, struct origin origin, const struct request *request)
{
	switch (request->header.type) {
	case SHIMWIRE_HELLO: answer_hello(keeper, origin, &request->hello); break;
	case SHIMWIRE_LIST: answer_list(keeper, origin); break;
	case SHIMWIRE_CREATE: container_create(keeper, origin, &request->create); break;
	case SHIMWIRE_START: container_start(keeper, origin, request->id.id); break;
	case SHIMWIRE_SIGNAL: container_signal(keeper, origin, &request->signal); break;
	case SHIMWIRE_DELETE: container_delete(keeper, origin, request->id.id); break;
	case SHIMWIRE_REOPEN_LOG: container_reopen_log(keeper, origin, request->id.id); break;
	case SHIMWIRE_EXEC: exec_start(keeper, origin, &request->exec); break;
	case SHIMWIRE_ATTACH: attach_start(keeper, origin, &request->attach); break;
	case SHIMWIRE_EXEC_KILL: exec_kill(keeper, origin, request->exec_kill.exec); break;
	case SHIMWIRE_SHUTDOWN: begin_shutdown(keeper, origin); break;
	}
}

void keeper_request(struct keeper *keeper, uint32_t client, const void *message, size_t size)
{
	static struct request request;
	struct origin origin = {.client = client};
	int r = request_parse(message, size, &request);

	if (r == -EBADMSG)
		return;
	origin.seq = request.header.seq;
	if (r < 0)
		server_fail(keeper, origin, r, strerror(-r));
	else if (is_refused(keeper, &request))
		server_fail(keeper, origin, -ESHUTDOWN, "the Pod is being shut down");
	else
		request_run(keeper, origin, &request);
}
