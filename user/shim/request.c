// SPDX-License-Identifier: Apache-2.0
#include "user/shim/request.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

/* Ids become file names, cgroup names and JSON. */
static bool id_is_valid(const char id[SHIMWIRE_ID_MAX])
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strnlen(id, SHIMWIRE_ID_MAX);

	return len > 0 && len < SHIMWIRE_ID_MAX && strspn(id, allowed) == len && id[0] != '.' &&
	       id[0] != '-';
}

static bool path_is_valid(const char path[SHIMWIRE_PATH_MAX])
{
	return path[0] == '/' && strnlen(path, SHIMWIRE_PATH_MAX) < SHIMWIRE_PATH_MAX;
}

static int parse_exec(const char *message, size_t size, struct exec_request *ret)
{
	struct shimwire_exec wire;
	const char *at, *end;

	if (size < sizeof(wire))
		return -EINVAL;
	memcpy(&wire, message, sizeof(wire));
	if (!id_is_valid(wire.id) || wire.argc == 0 || wire.argc > SHIMWIRE_ARGS_MAX)
		return -EINVAL;
	if (wire.argv_offset < sizeof(wire) || wire.argv_offset > size ||
		wire.argv_size > size - wire.argv_offset)
		return -EINVAL;
	memcpy(ret->id, wire.id, sizeof(ret->id));
	ret->timeout_usec = wire.timeout_usec;
	ret->with_stdin = wire.flags & SHIMWIRE_EXEC_STDIN;
	ret->tty = wire.flags & SHIMWIRE_EXEC_TTY;
	at = message + wire.argv_offset;
	end = at + wire.argv_size;
	for (__u32 i = 0; i < wire.argc; i++) {
		const char *nul = memchr(at, '\0', (size_t)(end - at));

		if (!nul)
			return -EINVAL;
		ret->argv[i] = (char *)at;
		at = nul + 1;
	}
	ret->argv[wire.argc] = NULL;
	return 0;
}

/* Copies the struct of version 1; what a newer client adds behind it is not looked at. */
static int parse_body(const void *message, size_t size, void *ret, size_t want)
{
	if (size < want)
		return -EINVAL;
	memcpy(ret, message, want);
	return 0;
}

static int parse_id(const void *message, size_t size, struct request *ret)
{
	int r = parse_body(message, size, &ret->id, sizeof(ret->id));

	return r == 0 && !id_is_valid(ret->id.id) ? -EINVAL : r;
}

static int parse_create(const void *message, size_t size, struct shimwire_create *ret)
{
	size_t known = size < sizeof(*ret) ? SHIMWIRE_CREATE_LEAST : sizeof(*ret);
	int r;

	memset(ret, 0, sizeof(*ret));
	r = parse_body(message, size, ret, known);
	if (r == 0 &&
		(!id_is_valid(ret->id) || !path_is_valid(ret->bundle) || !path_is_valid(ret->log)))
		return -EINVAL;
	return r;
}

static int parse_attach(const void *message, size_t size, struct shimwire_attach *ret)
{
	int r = parse_body(message, size, ret, sizeof(*ret));

	return r == 0 && !id_is_valid(ret->id) ? -EINVAL : r;
}

static int parse_signal(const void *message, size_t size, struct shimwire_signal *ret)
{
	int r = parse_body(message, size, ret, sizeof(*ret));

	if (r == 0 && (!id_is_valid(ret->id) || ret->signo == 0 || ret->signo >= NSIG))
		return -EINVAL;
	return r;
}

int request_parse(const void *message, size_t size, struct request *ret)
{
	if (size < sizeof(ret->header))
		return -EBADMSG;
	memcpy(&ret->header, message, sizeof(ret->header));
	if (size > SHIMWIRE_MESSAGE_MAX)
		return -EMSGSIZE;
	switch (ret->header.type) {
	case SHIMWIRE_HELLO: return parse_body(message, size, &ret->hello, sizeof(ret->hello));
	case SHIMWIRE_LIST:
	case SHIMWIRE_SHUTDOWN: return 0;
	case SHIMWIRE_CREATE: return parse_create(message, size, &ret->create);
	case SHIMWIRE_START:
	case SHIMWIRE_DELETE:
	case SHIMWIRE_REOPEN_LOG: return parse_id(message, size, ret);
	case SHIMWIRE_SIGNAL: return parse_signal(message, size, &ret->signal);
	case SHIMWIRE_ATTACH: return parse_attach(message, size, &ret->attach);
	case SHIMWIRE_EXEC: return parse_exec(message, size, &ret->exec);
	case SHIMWIRE_EXEC_KILL:
		return parse_body(message, size, &ret->exec_kill, sizeof(ret->exec_kill));
	default: return -ENOSYS;
	}
}
