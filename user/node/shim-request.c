// SPDX-License-Identifier: Apache-2.0
/* What podnetd asks of a shim. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/node/shim-wire.h"

/* -ENAMETOOLONG instead of a cut string. */
static int text_put(char *ret, size_t size, const char *text)
{
	return snprintf(ret, size, "%s", text) < (int)size ? 0 : -ENAMETOOLONG;
}

int shim_create(struct shim *shim, const struct shim_create_spec *spec, shim_created_fn done,
	void *userdata)
{
	const struct shim_pending pending = {
		.kind = SHIM_PENDING_CREATED,
		.fn.created = done,
		.userdata = userdata,
	};
	struct shimwire_create request = {
		.flags = (spec->with_stdin ? SHIMWIRE_CREATE_STDIN : 0) |
			 (spec->tty ? SHIMWIRE_CREATE_TTY : 0) |
			 (spec->stdin_once ? SHIMWIRE_CREATE_STDIN_ONCE : 0)};

	if (text_put(request.id, sizeof(request.id), spec->id) < 0 ||
		text_put(request.bundle, sizeof(request.bundle), spec->bundle) < 0 ||
		text_put(request.log, sizeof(request.log), spec->log_path) < 0)
		return -ENAMETOOLONG;
	return shim_send(shim, &request, sizeof(request), SHIMWIRE_CREATE, &pending);
}

static struct shim_pending pending_done(shim_done_fn done, void *userdata)
{
	return (struct shim_pending){
		.kind = SHIM_PENDING_DONE,
		.fn.done = done,
		.userdata = userdata,
	};
}

static int send_id(struct shim *shim, const char *id, __u32 type, shim_done_fn done, void *userdata)
{
	const struct shim_pending pending = pending_done(done, userdata);
	struct shimwire_id request = {0};

	if (text_put(request.id, sizeof(request.id), id) < 0)
		return -ENAMETOOLONG;
	return shim_send(shim, &request, sizeof(request), type, &pending);
}

int shim_start_container(struct shim *shim, const char *id, shim_done_fn done, void *userdata)
{
	return send_id(shim, id, SHIMWIRE_START, done, userdata);
}

int shim_delete(struct shim *shim, const char *id, shim_done_fn done, void *userdata)
{
	return send_id(shim, id, SHIMWIRE_DELETE, done, userdata);
}

int shim_reopen_log(struct shim *shim, const char *id, shim_done_fn done, void *userdata)
{
	return send_id(shim, id, SHIMWIRE_REOPEN_LOG, done, userdata);
}

int shim_signal(
	struct shim *shim, const char *id, int signo, bool all, shim_done_fn done, void *userdata)
{
	const struct shim_pending pending = pending_done(done, userdata);
	struct shimwire_signal request = {.signo = (__u32)signo, .all = all};

	if (text_put(request.id, sizeof(request.id), id) < 0)
		return -ENAMETOOLONG;
	return shim_send(shim, &request, sizeof(request), SHIMWIRE_SIGNAL, &pending);
}

int shim_shutdown(struct shim *shim, shim_done_fn done, void *userdata)
{
	const struct shim_pending pending = pending_done(done, userdata);
	struct shimwire_header request;

	return shim_send(shim, &request, sizeof(request), SHIMWIRE_SHUTDOWN, &pending);
}

/* The message with the arguments behind it; the caller frees. */
static int exec_encode(const struct shim_exec_spec *spec, struct shimwire_exec **ret,
	size_t *ret_size, struct err *err)
{
	struct shimwire_exec *message;
	size_t size = sizeof(*message), argc = 0;
	char *at;

	for (; spec->argv[argc]; argc++)
		size += strlen(spec->argv[argc]) + 1;
	if (argc == 0)
		return err_refuse(err, EINVAL, "a command without arguments");
	if (argc > SHIMWIRE_ARGS_MAX || size > SHIMWIRE_MESSAGE_MAX)
		return err_refuse(err, E2BIG, "the command is longer than %d bytes or %d arguments",
			SHIMWIRE_MESSAGE_MAX, SHIMWIRE_ARGS_MAX);
	message = calloc(1, size);
	if (!message)
		return err_set(err, ENOMEM, "encode a command");
	message->timeout_usec = spec->timeout_usec;
	message->flags =
		(spec->with_stdin ? SHIMWIRE_EXEC_STDIN : 0) | (spec->tty ? SHIMWIRE_EXEC_TTY : 0);
	message->argv_offset = sizeof(*message);
	message->argv_size = (__u32)(size - sizeof(*message));
	message->argc = (__u32)argc;
	at = (char *)(message + 1);
	for (size_t i = 0; i < argc; i++)
		at = stpcpy(at, spec->argv[i]) + 1;
	*ret = message;
	*ret_size = size;
	return 0;
}

static int send_attach(
	struct shim *shim, const struct shim_exec_spec *spec, const struct shim_pending *pending)
{
	struct shimwire_attach request = {.flags = spec->with_stdin ? SHIMWIRE_EXEC_STDIN : 0};
	int r = text_put(request.id, sizeof(request.id), spec->container);

	return r < 0 ? r : shim_send(shim, &request, sizeof(request), SHIMWIRE_ATTACH, pending);
}

static int send_exec(struct shim *shim, const struct shim_exec_spec *spec,
	const struct shim_pending *pending, struct err *err)
{
	AUTO_FREE struct shimwire_exec *message = NULL;
	size_t size = 0;
	int r = exec_encode(spec, &message, &size, err);

	if (r < 0)
		return r;
	r = text_put(message->id, sizeof(message->id), spec->container);
	if (r == 0)
		r = shim_send(shim, message, size, SHIMWIRE_EXEC, pending);
	return r < 0 ? err_set(err, -r, "send a command to podnet-shim") : 0;
}

int shim_exec(struct shim *shim, const struct shim_exec_spec *spec,
	const struct shim_exec_events *events, uint32_t *ret_exec, struct err *err)
{
	const struct shim_pending pending = {.kind = SHIM_PENDING_EXEC, .fn.exec = *events};
	int r;

	if (spec->argv)
		r = send_exec(shim, spec, &pending, err);
	else
		r = send_attach(shim, spec, &pending);
	if (r < 0 && !spec->argv)
		err_set(err, -r, "ask podnet-shim to attach");
	if (r == 0)
		*ret_exec = shim->seq;
	return r;
}

void shim_exec_kill(struct shim *shim, uint32_t exec)
{
	const struct shim_pending pending = pending_done(NULL, NULL);
	struct shimwire_exec_kill request = {.exec = exec};

	/* A shim that cannot be reached kills it when the connection ends. */
	shim_pending_drop(shim, exec);
	shim_send(shim, &request, sizeof(request), SHIMWIRE_EXEC_KILL, &pending);
}
