// SPDX-License-Identifier: Apache-2.0
#include "user/shim/exitrecord.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "user/base/err.h"
#include "user/base/record.h"

/* The id needs no escaping: request.c lets only letters, digits, '.', '_' and '-' in. */
int exitrecord_write(const char *dir, const struct shimwire_container *container, struct err *err)
{
	char path[PATH_MAX], text[384];
	int len = snprintf(text, sizeof(text),
		"{\"id\":\"%s\",\"code\":%d,\"signal\":%u,\"oom\":%s,\"started\":%llu,\"finished\":"
		"%llu}",
		container->id, container->code, container->signal,
		container->oom ? "true" : "false", container->started_wall,
		container->finished_wall);

	snprintf(path, sizeof(path), "%s/%s/%s", dir, SHIMWIRE_EXIT_DIR, container->id);
	return record_write(path, "exit", text, (size_t)len, FS_VOLATILE, err);
}

void exitrecord_remove(const char *dir, const char *id)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/%s", dir, SHIMWIRE_EXIT_DIR, id);
	unlink(path);
}
