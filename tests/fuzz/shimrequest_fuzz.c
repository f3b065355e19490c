// SPDX-License-Identifier: Apache-2.0
/* What a client sends to the shim: strings of an accepted request end inside of the message. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/shim/request.h"

static void check_string(const char *text, size_t size)
{
	FUZZ_CHECK("a string is terminated", memchr(text, '\0', size));
}

static void check_exec(const struct exec_request *exec, const char *message, size_t size)
{
	size_t argc = 0;

	check_string(exec->id, sizeof(exec->id));
	for (; exec->argv[argc]; argc++) {
		FUZZ_CHECK("an argument lies in the message",
			exec->argv[argc] >= message && exec->argv[argc] < message + size);
		check_string(exec->argv[argc], (size_t)(message + size - exec->argv[argc]));
	}
	FUZZ_CHECK("there is a program", argc > 0 && argc <= SHIMWIRE_ARGS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *message = malloc(size ? size : 1);
	struct request request;

	if (!message)
		return -1;
	memcpy(message, data, size);
	if (request_parse(message, size, &request) < 0)
		return 0;
	switch (request.header.type) {
	case SHIMWIRE_CREATE:
		check_string(request.create.id, sizeof(request.create.id));
		check_string(request.create.bundle, sizeof(request.create.bundle));
		check_string(request.create.log, sizeof(request.create.log));
		break;
	case SHIMWIRE_START:
	case SHIMWIRE_DELETE:
	case SHIMWIRE_REOPEN_LOG: check_string(request.id.id, sizeof(request.id.id)); break;
	case SHIMWIRE_SIGNAL: check_string(request.signal.id, sizeof(request.signal.id)); break;
	case SHIMWIRE_EXEC: check_exec(&request.exec, message, size); break;
	}
	return 0;
}
